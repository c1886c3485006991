/**
 * Messages to FCM by three workers: outcomes and books are those of the simulator's service, and its quota is kept by
 * all together.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Campaign } from '../../../src/campaign/campaign.js';
import type { RemoteCampaign } from '../../../src/campaign/senders/campaign-sender.js';
import { ClusterSender, type ClusterSenderOptions } from '../../../src/cluster/dispatch/cluster-sender.js';
import { type Cluster, openCluster } from '../../../src/cluster/open-cluster.js';
import { ClusterWorker } from '../../../src/cluster/worker/cluster-worker.js';
import type { SettledBatch } from '../../../src/engine/batch.js';
import { ACCEPTED, REJECTED } from '../../../src/engine/ledger.js';
import { FcmMessage, type FcmMessageOptions, Session } from '../../../src/fcm.js';
import { Template } from '../../../src/index.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { RowBatch } from '../../../src/session/recipients/row-batch.js';
import { Rows } from '../../../src/session/recipients/rows.js';
import {
  type Simulator,
  type SimulatorFcmOptions,
  scriptedFcmToken,
  startSimulator,
} from '../../../src/simulator/index.js';
import { mostInAnyMinute } from '../../support/minutes.js';
import { RedisServer } from '../../support/redis-server.js';

/** What became of recipients, by their tokens. */
class Outcomes {
  readonly accepted: string[] = [];
  readonly rejected = new Map<string, { readonly reason: string; readonly detail: string | null | undefined }>();
  readonly ids = new Set<string>();
  others = 0;

  settled({ tokens, ledger, details, ids }: SettledBatch): void {
    const byIndex = new Map(details.map((detail) => [detail.index, detail]));
    for (const [index, outcome] of ledger.entries()) {
      const token = tokens.textAt(index);
      if (outcome === ACCEPTED) {
        this.accepted.push(token);
        const id = ids?.apnsIds[index];
        if (id != null) this.ids.add(id);
      } else if (outcome >= REJECTED) {
        const { reason, detail } = byIndex.get(index)!;
        this.rejected.set(token, { reason, detail });
      } else this.others += 1;
    }
  }
}

const tokenOf = (number: number): string => `d${String(number).padStart(21, '0')}:APA91b${'Q'.repeat(110)}`;

/** Batches whose tokens have one length each, with a message of their own where `payloadOf` makes one. */
function batchesOf(tokens: readonly string[], payloadOf: ((token: string) => Uint8Array) | null): RowBatch[] {
  const byLength = new Map<number, string[]>();
  for (const token of tokens) {
    const same = byLength.get(token.length);
    if (same === undefined) byLength.set(token.length, [token]);
    else same.push(token);
  }
  return [...byLength].flatMap(([length, all]) => {
    const batches: RowBatch[] = [];
    for (let from = 0; from < all.length; from += 1000) {
      const some = all.slice(from, from + 1000);
      const rows = new Rows(new TokenBlock(Buffer.from(some.join(''), 'latin1'), length, some.length, 'text'), {});
      const payloads = payloadOf === null ? null : some.map(payloadOf);
      const payloadOffsets = new Uint32Array(some.length + 1);
      for (const [index, { length: bytes }] of (payloads ?? []).entries())
        payloadOffsets[index + 1] = payloadOffsets[index]! + bytes;
      const personal = payloads && { apnsIds: null, payloads: Buffer.concat(payloads), payloadOffsets };
      batches.push(new RowBatch(rows, null, personal));
    }
    return batches;
  });
}

describe('messages to FCM by three workers', () => {
  let redis: RedisServer;
  let cluster: Cluster;
  let simulator: Simulator;
  let sessions: Session[];
  let workers: ClusterWorker[];

  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  async function open(options: SimulatorFcmOptions = {}): Promise<void> {
    simulator = await startSimulator({ controlPort: null, fcm: options });
    redis = await RedisServer.start();
    cluster = await openCluster({ redis: redis.url });
    const { serviceAccount } = simulator.fcm!;
    const ca = simulator.caCertificate!;
    sessions = Array.from({ length: 3 }, () => new Session({ threads: 0, ca }));
    workers = await Promise.all(
      sessions.map((session, number) =>
        ClusterWorker.start({
          redis: redis.url,
          ...{ store: cluster.store, blobs: cluster.blobs, session, slots: 2, name: `worker-${number}` },
          gatewayOf: async ({ gateway }) =>
            session.getConnection(gateway, { serviceAccount, ca }, { messagesPerMinute: false }),
        }),
      ),
    );
  }

  afterEach(async () => {
    await Promise.all(workers?.map((worker) => worker.close()) ?? []);
    await Promise.all(sessions?.map((session) => session.close()) ?? []);
    await cluster?.close();
    await redis?.stop();
    await simulator?.close();
  });

  interface SendOptions extends Partial<ClusterSenderOptions> {
    readonly message?: FcmMessageOptions;
    readonly payloadOf?: (token: string, message: FcmMessage) => Uint8Array;
    readonly keepIds?: boolean;
    readonly wantedPerSecond?: number;
  }

  async function send(tokens: readonly string[], options: SendOptions = {}): Promise<Outcomes> {
    const { message: said = { title: 'Hello', body: 'there' }, payloadOf, keepIds, wantedPerSecond, ...own } = options;
    const message = new FcmMessage([], said);
    const jobs = await cluster.jobs();
    const { url, project } = simulator.fcm!;
    const gateway = `${url}/${project}`;
    const { store, blobs } = cluster;
    const sender = new ClusterSender({ store, blobs, jobs, gateway, sliceRecipients: 1000, ...own });
    const numbers = new Map<Rows, number>();
    const campaign: RemoteCampaign = {
      ...{ key: randomBytes(16), title: 'Sale', message, isResumed: false },
      options: { ...(keepIds !== undefined && { keepIds }) },
      flush: async () => {},
      blockOf: (rows) => {
        if (!numbers.has(rows)) numbers.set(rows, numbers.size);
        return numbers.get(rows)!;
      },
      onNote: () => {},
    };
    await sender.open(campaign);
    sender.steer(wantedPerSecond ?? null, false);
    const outcomes = new Outcomes();
    async function* recipients(): AsyncGenerator<RowBatch> {
      yield* batchesOf(tokens, payloadOf === undefined ? null : (token) => payloadOf(token, message));
    }
    const { signal } = new AbortController();
    const { stopped } = await sender.send(message, { recipients: recipients(), outcomes, signal });
    await jobs.close();
    assert.equal(stopped, null, `${stopped?.message}`);
    return outcomes;
  }

  function assertBooks({ accepted, rejected, others }: Outcomes, tokens: readonly string[]): void {
    const { messages } = simulator.fcm!.summary();
    assert.equal(others, 0);
    assert.deepEqual([messages.accepted, messages.rejected], [accepted.length, rejected.size]);
    assert.deepEqual([messages.distinctTokens, messages.duplicates], [tokens.length, 0]);
    assert.equal(accepted.length + rejected.size, tokens.length);
  }

  it('has one outcome for each, with reasons, details and names as the service gave them', async () => {
    await open();
    const gone = Array.from({ length: 60 }, (_, index) => scriptedFcmToken('unregistered', index));
    const bad = Array.from({ length: 30 }, (_, index) => scriptedFcmToken('invalid-argument-token', index));
    const tokens = [...gone, ...Array.from({ length: 9_000 }, (_, number) => tokenOf(number)), ...bad];
    const outcomes = await send(tokens, { messagesPerMinute: false, keepIds: true });
    assertBooks(outcomes, tokens);
    assert.deepEqual(new Set(outcomes.rejected.keys()), new Set([...gone, ...bad]));
    assert.equal(outcomes.rejected.get(gone[3]!)?.reason, 'UNREGISTERED');
    const { reason, detail } = outcomes.rejected.get(bad[3]!)!;
    assert.equal(reason, 'INVALID_ARGUMENT (token)');
    assert.match(detail ?? '', /token/);
    assert.equal(outcomes.ids.size, 9_000);
    const busy = workers.filter((worker) => worker.snapshot().accepted > 0).length;
    assert.ok(busy >= 2, `${busy} of three workers have sent`);
    assert.deepEqual(await cluster.store.campaigns(), []);
  });

  it('has a message of its own for each, and tokens of any length', async () => {
    await open();
    const tokens = Array.from({ length: 3_000 }, (_, number) => `${tokenOf(number)}${'x'.repeat((number % 5) * 200)}`);
    const payloadOf = (token: string, message: FcmMessage): Uint8Array =>
      message.encodePersonalPayload({ title: `Hello ${token.length}`, data: { number: token.slice(1, 22) } });
    assertBooks(await send(tokens, { messagesPerMinute: false, payloadOf }), tokens);
  });

  it('is a campaign with a list, personal fields, files and a journal', async () => {
    await open();
    const folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
    const gone = Array.from({ length: 40 }, (_, index) => scriptedFcmToken('unregistered', index));
    const tokens = [...gone, ...Array.from({ length: 5_000 }, (_, number) => tokenOf(number))];
    const files = path.join(folder, 'list.csv');
    await writeFile(files, ['token,name', ...tokens.map((token, index) => `${token},Name ${index}`)].join('\n'));
    const { url, project } = simulator.fcm!;
    const gateway = `${url}/${project}`;
    const jobs = await cluster.jobs();
    const { store, blobs } = cluster;
    const { summary, stopped } = await new Campaign({
      gateway: sessions[0]!.getConnection(gateway, { accessToken: () => assert.fail('it sends nothing'), project }),
      message: new FcmMessage([], { title: 'Hello' }),
      personal: new Template({ service: 'fcm', payload: { notification: { title: 'Hello {{name}}' } } }),
      recipients: { files },
      folder: path.join(folder, 'out'),
      sender: new ClusterSender({ store, blobs, jobs, gateway, sliceRecipients: 1000, messagesPerMinute: false }),
    }).run();
    assert.equal(stopped, null, `${stopped?.message}`);
    const { messages } = simulator.fcm!.summary();
    assert.deepEqual([summary.accepted, summary.rejected, summary.unknown], [5_000, 40, 0]);
    assert.deepEqual([messages.accepted, messages.rejected, messages.duplicates], [5_000, 40, 0]);
    const listed = (await readFile(path.join(folder, 'out/gone.csv'), 'utf8')).trimEnd().split('\n').slice(1);
    assert.deepEqual(new Set(listed.map((row) => row.split(',')[0])), new Set(gone));
    await jobs.close();
    await rm(folder, { recursive: true });
  });

  it("begins at a tenth of the project's quota", async () => {
    await open();
    const startMs = performance.now();
    const tokens = Array.from({ length: 3_000 }, (_, number) => tokenOf(number));
    assertBooks(await send(tokens), tokens);
    // 952 a second at first, and 48 a second more with each second.
    const ms = performance.now() - startMs;
    assert.ok(ms > 2_000, `3,000 took ${ms.toFixed()} ms, at a tenth of 600,000 a minute`);
  });

  it('keeps a rate that is lower than the quota', async () => {
    await open();
    const startMs = performance.now();
    const tokens = Array.from({ length: 1_000 }, (_, number) => tokenOf(number));
    assertBooks(await send(tokens, { wantedPerSecond: 400, rampMs: 0 }), tokens);
    const ms = performance.now() - startMs;
    assert.ok(ms > 2_000, `1,000 took ${ms.toFixed()} ms, at 400 a second`);
  });

  it('keeps a small quota in every minute', async function () {
    // It takes more than a minute: with PEAL_CLUSTER_FAULTS only, as a person sets it.
    if (process.env.PEAL_CLUSTER_FAULTS === undefined) this.skip();
    const quota = 900;
    await open({ messagesPerMinute: quota });
    const tokens = Array.from({ length: 1_200 }, (_, number) => tokenOf(number));
    const samples: { atMs: number; count: number }[] = [];
    let counted = 0;
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        const { requests } = simulator.fcm!.summary().messages;
        samples.push({ atMs: performance.now(), count: requests - counted });
        counted = requests;
        await sleep(20);
      }
    })();
    const outcomes = await send(tokens, { messagesPerMinute: quota, rampMs: 0, sliceRecipients: 200 });
    isOver = true;
    await watching;
    assertBooks(outcomes, tokens);
    const most = mostInAnyMinute(samples);
    assert.ok(most <= quota, `${most} in a minute`);
    assert.ok(most >= 0.9 * quota, `only ${most} in a minute`);
  });
});
