/** A campaign that is sent by slices: through a store and a queue in memory, by a worker that only plays one. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PealError } from '../../../src/base/errors.js';
import { Campaign } from '../../../src/campaign/campaign.js';
import type { CampaignOptions } from '../../../src/campaign/run/campaign-options.js';
import type { CampaignReport } from '../../../src/campaign/run/run-report.js';
import { ClusterSender, type ClusterSenderOptions } from '../../../src/cluster/dispatch/cluster-sender.js';
import { Message, Session } from '../../../src/index.js';
import { randomTokens } from '../../cli/fixture.js';
import { MemoryClusterState, MemoryClusterStore, MemorySliceBlobs } from '../../support/memory-cluster-store.js';
import { MemorySliceJobs } from '../../support/memory-slice-jobs.js';
import { type Cluster, isBad, PlayingWorker } from './playing-worker.js';

const gateway = 'https://localhost:1';

describe('a campaign sent by the workers of a cluster', () => {
  let folder: string;
  let out: string;
  let session: Session;
  let cluster: Cluster & { readonly store: MemoryClusterStore };
  let clock: NodeJS.Timeout;
  const workers: PlayingWorker[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
    out = path.join(folder, 'out');
    session = new Session();
    const state = new MemoryClusterState();
    cluster = { store: new MemoryClusterStore(state), blobs: new MemorySliceBlobs(), jobs: new MemorySliceJobs() };
    const startMs = Date.now() - state.nowMs;
    clock = setInterval(() => {
      state.nowMs = Date.now() - startMs;
    }, 5);
  });
  afterEach(async () => {
    clearInterval(clock);
    for (const worker of workers.splice(0)) worker.stop();
    await session.close();
    await rm(folder, { recursive: true });
  });

  function work(...args: ConstructorParameters<typeof PlayingWorker> extends [unknown, ...infer Rest] ? Rest : never) {
    const worker = new PlayingWorker(cluster, ...args);
    workers.push(worker);
    void worker.run();
    return worker;
  }

  async function list(tokens: readonly string[]): Promise<string> {
    const file = path.join(folder, 'tokens.txt');
    await writeFile(file, `${tokens.join('\n')}\n`);
    return file;
  }

  function campaign(file: string, options: Partial<CampaignOptions & ClusterSenderOptions> = {}): Campaign {
    const { sliceRecipients = 2_000, maxInFlight = null, ...rest } = options;
    return new Campaign({
      gateway: session.getConnection(gateway, null),
      message: new Message([], { alert: 'Hi', topic: 'com.example.app' }),
      recipients: { files: file },
      folder: out,
      sender: new ClusterSender({ ...cluster, gateway, sliceRecipients, maxInFlight }),
      ...rest,
    });
  }

  async function untilOut(slices: number): Promise<void> {
    while (cluster.jobs.added.length < slices) await sleep(10);
  }

  function checkBooks(
    { summary }: CampaignReport,
    tokens: readonly string[],
    answered: ReadonlyMap<string, number>,
  ): void {
    const bad = tokens.filter(isBad).length;
    assert.deepEqual(
      [summary.accepted, summary.rejected, summary.unsent, summary.unknown],
      [tokens.length - bad, bad, 0, 0],
    );
    assert.equal(answered.size, tokens.length);
    assert.ok([...answered.values()].every((times) => times === 1));
  }

  it('has the same books and files as one by one process, and leaves nothing in the store', async () => {
    const tokens = randomTokens(15_000);
    const worker = work();
    const report = await campaign(await list([...tokens, 'nonsense', tokens[0]!])).run();
    checkBooks(report, tokens, worker.answered);
    assert.deepEqual([report.summary.invalid, report.summary.duplicate, report.summary.state], [1, 1, 'finished']);
    const gone = (await readFile(path.join(out, 'gone.csv'), 'utf8')).trimEnd().split('\n').slice(1);
    assert.deepEqual(gone.map((row) => row.split(',')[0]).sort(), tokens.filter(isBad).sort());
    assert.equal(cluster.store.state.campaigns.size, 0);
    assert.equal(cluster.jobs.finished.length, 1);
    assert.ok(cluster.jobs.added.length >= 7, `${cluster.jobs.added.length} slices`);
  });

  it('takes outcomes that come twice once', async () => {
    const tokens = randomTokens(5_000);
    const worker = work(() => 'twice');
    checkBooks(await campaign(await list(tokens)).run(), tokens, worker.answered);
    const gone = (await readFile(path.join(out, 'gone.csv'), 'utf8')).trimEnd().split('\n').slice(1);
    assert.equal(new Set(gone).size, gone.length);
  });

  it('stops when it is told to: what nobody took is unsent, what was noted and not told is unknown, and a later run goes on', async () => {
    const tokens = randomTokens(9_000);
    const stop = new AbortController();
    let count = 0;
    const worker = work(() => {
      count += 1;
      if (count === 3) setTimeout(() => stop.abort(), 300);
      return count < 3 ? 'through' : count === 3 ? 'noted' : 'nothing';
    });
    const file = await list(tokens);
    const first = await campaign(file, { signal: stop.signal }).run();
    const { accepted, rejected, unsent, unknown } = first.summary;
    assert.equal(accepted + rejected, worker.answered.size);
    assert.equal(accepted + rejected + unsent + unknown, tokens.length);
    assert.ok(unknown > 500 && unknown <= 1024, `${unknown} unknown`);
    assert.equal(first.stopped?.code, 'ERR_PEAL_ABORTED');
    worker.stop();
    const second = work();
    const report = await campaign(file).run();
    assert.deepEqual([report.summary.unsent, report.summary.unknown], [0, unknown]);
    assert.equal(worker.answered.size + second.answered.size, tokens.length - unknown);
  });

  it('goes on where a run ended between the books and the removal of slices that had ended', async () => {
    const tokens = randomTokens(9_000);
    const worker = work();
    const file = await list(tokens);
    let looks = 0;
    cluster.store.onCall = (method) => {
      looks += method === 'removeSlices' ? 1 : 0;
      if (method === 'removeSlices' && looks === 2) {
        throw new PealError('ERR_PEAL_STORE', 'The process ends here.', { origin: 'store' });
      }
    };
    const first = await campaign(file).run();
    assert.equal(first.stopped?.message, 'The process ends here.');
    cluster.store.onCall = () => {};
    checkBooks(await campaign(file).run(), tokens, worker.answered);
    assert.equal(cluster.store.state.campaigns.size, 0);
  });

  it('waits while the store is away, and goes on', async () => {
    const tokens = randomTokens(8_000);
    const worker = work();
    const running = campaign(await list(tokens)).run();
    // A campaign that cannot begin is refused.
    await untilOut(1);
    cluster.store.isAway = true;
    await sleep(500);
    cluster.store.isAway = false;
    checkBooks(await running, tokens, worker.answered);
  });

  it('waits while the store is away just as the campaign is opened, and goes on', async () => {
    const { store } = cluster;
    store.onCall = (method) => {
      if (method !== 'hold') return;
      store.onCall = () => {};
      // From the step after the lease on.
      setImmediate(() => {
        store.isAway = true;
        setTimeout(() => {
          store.isAway = false;
        }, 500);
      });
    };
    const tokens = randomTokens(1_000);
    const worker = work();
    checkBooks(await campaign(await list(tokens)).run(), tokens, worker.answered);
  });

  it('lets workers know the rate, the limit and a pause', async () => {
    const running = campaign(await list(randomTokens(3_000)), { rate: '500/s', maxInFlight: 70 });
    const report = running.run();
    await untilOut(1);
    const [known] = [...cluster.store.state.campaigns.values()];
    assert.deepEqual([known?.steering.ratePerSecond, known?.steering.maxInFlight], [500, 70]);
    running.pause();
    running.rate = '80/s';
    while (known?.steering.isPaused !== true || known.steering.ratePerSecond !== 80) await sleep(5);
    assert.deepEqual([known?.steering.isPaused, known?.steering.ratePerSecond], [true, 80]);
    running.resume();
    work();
    assert.equal((await report).summary.unsent, 0);
  });

  it('ends with what a worker has stopped it for', async () => {
    const running = campaign(await list(randomTokens(3_000))).run();
    await untilOut(1);
    const [id] = [...cluster.store.state.campaigns.keys()];
    const stopped = {
      code: 'ERR_PEAL_CREDENTIAL',
      message: 'No credential.',
      origin: 'credential',
      retryable: false,
    } as const;
    await cluster.store.steer(id!, { stopped });
    const { summary, stopped: why } = await running;
    assert.deepEqual([summary.unsent, why?.code], [3_000, 'ERR_PEAL_CREDENTIAL']);
  });

  it('ends with what a worker has stopped it for, although the list is longer than what may be out', async () => {
    const running = campaign(await list(randomTokens(30_000))).run();
    await untilOut(4);
    const [id] = [...cluster.store.state.campaigns.keys()];
    const stopped = { code: 'ERR_PEAL_CREDENTIAL', message: 'No.', origin: 'credential', retryable: false } as const;
    await cluster.store.steer(id!, { stopped });
    const { summary, stopped: why } = await running;
    assert.deepEqual([summary.unsent, why?.code], [30_000, 'ERR_PEAL_CREDENTIAL']);
    assert.ok(cluster.jobs.added.length <= 12, `${cluster.jobs.added.length} slices`);
  });

  it('ends when the store has forgotten the campaign: what was out is unknown, and a later run sends the rest', async () => {
    const file = await list(randomTokens(30_000));
    const running = campaign(file).run();
    await untilOut(4);
    const blobs = cluster.blobs as MemorySliceBlobs;
    assert.ok(blobs.all.size >= 4);
    cluster.store.state.campaigns.clear();
    const { summary, stopped } = await running;
    assert.equal(blobs.all.size, 0, 'no bytes of slices are left that nobody would find');
    cluster = { ...cluster, blobs: new MemorySliceBlobs(), jobs: new MemorySliceJobs() };
    assert.equal(stopped?.code, 'ERR_PEAL_STORE');
    assert.match(stopped.message, /has forgotten the campaign/);
    assert.equal(summary.unsent + summary.unknown, 30_000);
    assert.ok(summary.unknown <= 8_192, `${summary.unknown} unknown`);
    const worker = work();
    const later = await campaign(file).run();
    assert.equal(later.summary.unknown, summary.unknown);
    assert.equal(worker.answered.size, 30_000 - summary.unknown);
  });

  it('leaves nothing in the store when its list is empty', async () => {
    const { stopped } = await campaign(await list([])).run();
    assert.equal(stopped?.code, 'ERR_PEAL_INPUT');
    assert.equal(cluster.store.state.campaigns.size, 0);
    assert.equal(cluster.jobs.finished.length, 1);
  });

  it('ends with a sentence when an outcome is damaged', async () => {
    const running = campaign(await list(randomTokens(30_000))).run();
    await untilOut(4);
    const [found] = [...cluster.store.state.campaigns.values()];
    found!.outcomes.push(new Uint8Array(40));
    const { stopped } = await running;
    assert.match(stopped!.message, /outcome of a slice is damaged/);
  });

  it('adds a job again that somebody has removed', async () => {
    const tokens = randomTokens(6_000);
    const running = campaign(await list(tokens)).run();
    await untilOut(3);
    const [id] = [...cluster.store.state.campaigns.keys()];
    await cluster.jobs.remove(id!, [1]);
    const worker = work();
    checkBooks(await running, tokens, worker.answered);
  });
});
