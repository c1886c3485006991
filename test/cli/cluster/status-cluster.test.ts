/**
 * `peal status --cluster`: what it says of campaigns, workers and the queue, by books in memory, and by those of a real
 * Redis.
 */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { PealError } from '../../../src/base/errors.js';
import {
  type ClusterBooks,
  type ClusterStatusFlags,
  type ClusterStatusTimes,
  statusOfCluster,
} from '../../../src/cli/cluster/status-cluster.js';
import type { SignalSource } from '../../../src/cli/shared/interrupt.js';
import { QueueServer } from '../../../src/cluster/queue/queue-server.js';
import { SliceQueue } from '../../../src/cluster/queue/slice-queue.js';
import type { ClusterStore, WorkerBeat } from '../../../src/cluster/store/cluster-store.js';
import { openClusterStore } from '../../../src/cluster/store/open-store.js';
import { definitionOf, free } from '../../cluster/store/store-contract.js';
import { runCommand } from '../../support/command.js';
import { MemoryClusterStore } from '../../support/memory-cluster-store.js';
import { RedisServer } from '../../support/redis-server.js';

const id = 'a1'.repeat(16);
const manifest = Uint8Array.of(1);
const noJobs = { waiting: 0, active: 0, delayed: 0, failed: 0 };

const beatOf = (over: Partial<WorkerBeat> = {}): WorkerBeat => ({
  ...{
    id: 'w1',
    name: null,
    host: 'machine-1',
    pid: 4711,
    slots: 4,
    slices: [`${id}-s3`],
    connections: 8,
    inFlight: 1200,
  },
  ...{ accepted: 1_230_000, rejected: 4500, startedMs: Date.now() - 724_000, whyNot: null },
  ...over,
});

/** Two slices, of which a worker has one. */
async function begin(store: ClusterStore, title = 'Sale'): Promise<void> {
  await store.begin({ ...definitionOf(id), title }, free);
  for (const slice of [1, 2]) await store.addSlice(id, slice, manifest);
  await store.claim(id, 1, 'w1');
}

describe('peal status --cluster', () => {
  let store: MemoryClusterStore;
  let queue: Awaited<ReturnType<ClusterBooks['queue']['counts']>>;
  /** Not the process: a signal to it would be heard by everything else that runs in it. */
  let signals: EventEmitter;

  beforeEach(() => {
    store = new MemoryClusterStore();
    queue = noJobs;
    signals = new EventEmitter();
  });

  const times = (): ClusterStatusTimes => ({
    open: async () => ({
      ...{ place: 'Redis at 10.0.0.5:6379', store, queue: { counts: async () => queue } },
      close: async () => {},
    }),
    lookMs: 20,
    blockMs: 20,
    signals: signals as SignalSource,
  });

  async function shown(flags: ClusterStatusFlags = {}, screen: object = {}): Promise<string> {
    const { terminal, text } = terminalOf(screen);
    assert.equal(await statusOfCluster(flags, terminal, times()), 0);
    return text();
  }

  it('says that nothing is there', async () => {
    assert.equal(
      await shown(),
      [
        'cluster of Redis at 10.0.0.5:6379',
        '  no workers, 0 connections, 0 in flight',
        '  slices in the queue: 0 waiting, 0 at work',
        '',
      ].join('\n'),
    );
  });

  it('shows a campaign that runs, its slices and its limits, and each worker on a line of its own', async () => {
    await begin(store);
    await store.hold(id, 'holder', 10_000);
    await store.steer(id, { ratePerSecond: 5000, maxInFlight: 20_000 });
    const claim = await store.claim(id, 2, 'w1');
    await store.commit(claim!, { changes: [], outcomes: [Uint8Array.of(1), Uint8Array.of(2)], hasEnded: true });
    await store.beat(beatOf(), 5000);
    await store.beat(
      beatOf({
        id: 'w2',
        name: 'mail-2',
        host: 'machine-2',
        slices: [],
        connections: 0,
        inFlight: 0,
        accepted: 7,
        rejected: 0,
      }),
      5000,
    );
    queue = { waiting: 3, active: 1, delayed: 2, failed: 1 };
    const lines = (await shown()).split('\n');
    assert.deepEqual(lines.slice(0, 4), [
      'cluster of Redis at 10.0.0.5:6379',
      '  2 workers for 8 slices at a time, 8 connections, 1,200 in flight, 0/s now',
      '  slices in the queue: 3 waiting, 1 at work, 2 to be tried later',
      '  1 slice given up by the queue',
    ]);
    assert.deepEqual(lines.slice(4, 11), [
      '',
      'Sale',
      '  running',
      '  https://api.push.apple.com',
      '  at most 5,000/s, 20,000 in flight in the whole cluster',
      '  slices: 0 waiting, 1 at work, 1 ended and not in the books yet; 2 records of',
      '  outcomes for the dispatcher',
    ]);
    assert.match(lines[12]!, /^ {2}worker +slices +connections +in flight +accepted +rejected +runs for$/);
    assert.match(lines[13]!, /^ {2}machine-1 4711 +1 of 4 +8 +1,200 +1,230,000 +4,500 +12:0[45]$/);
    assert.match(lines[14]!, /^ {2}mail-2 +0 of 4 +0 +0 +7 +0 +12:0[45]$/);
    for (const line of lines) assert.ok(line.length < 80, line);
  });

  it('says why a campaign does not go on', async () => {
    await begin(store);
    assert.match(await shown(), / {2}no dispatcher: nothing is sent until peal resume, or the same peal dispatch/);
    await store.hold(id, 'holder', 10_000);
    assert.match(await shown(), / {2}running, and waits for a worker: peal worker starts one/);
    await store.steer(id, { isPaused: true });
    assert.match(await shown(), /^ {2}paused$/m);
    const refused = new PealError('ERR_PEAL_STOPPED', 'The gateway refuses all.\u001b[2J', { origin: 'gateway' });
    await store.steer(id, { stopped: refused.toRecord() });
    const text = await shown();
    assert.match(text, /^ {2}stopped: The gateway refuses all\./m);
    assert.ok(!text.includes('\u001b'));
  });

  it('counts the rate between two looks, also when a worker ends or begins between them', async () => {
    await store.beat(beatOf({ accepted: 1000, rejected: 0 }), 5000);
    let looks = 0;
    store.onCall = async (method) => {
      if (method !== 'workers') return;
      looks += 1;
      if (looks !== 2) return;
      store.state.beats.clear();
      await store.beat(beatOf({ id: 'w2', pid: 1, accepted: 300, rejected: 0 }), 5000);
    };
    const [, perSecond] = /([\d,]+)\/s now/.exec(await shown())!;
    const rate = Number(perSecond!.replaceAll(',', ''));
    // A timer may be a millisecond early.
    assert.ok(rate > 0 && rate <= 300 / 0.018, `${rate}`);
  });

  it('prints one line of JSON without the message', async () => {
    await begin(store);
    await store.beat(beatOf(), 5000);
    const text = await shown({ json: true });
    assert.equal(text.split('\n').length, 2);
    const { redis, campaigns, workers, queue: counts } = JSON.parse(text);
    assert.equal(redis, 'Redis at 10.0.0.5:6379');
    assert.deepEqual(campaigns, [
      {
        ...{ id, title: 'Sale', gateway: 'https://api.push.apple.com', app: null },
        ...{ held: false, paused: false, stopped: null, ratePerSecond: null, maxInFlight: null },
        ...{ slices: { waiting: 1, claimed: 1, ended: 0 }, outcomes: 0 },
      },
    ]);
    assert.equal(workers[0].host, 'machine-1');
    assert.deepEqual(counts, noJobs);
    assert.ok(!text.includes('Größe'));
  });

  it('fits the terminal: names lose their middle, and the last line says how many workers more there are', async () => {
    await begin(store);
    for (let at = 0; at < 40; at++) {
      await store.beat(beatOf({ id: `w${at}`, host: `peal-worker-6d4f8c7b9d-x2x${at}`, pid: 1 }), 5000);
    }
    const { terminal, text } = terminalOf({ isTTY: true, columns: 80, rows: 20 });
    const watching = statusOfCluster({ watch: true }, terminal, times());
    while (text().split('\u001b[J').length < 4) await once(terminal.stdout, 'data');
    signals.emit('SIGINT', 'SIGINT');
    assert.equal(await watching, 130);
    const [, , block = ''] = text().split('\u001b[J');
    const lines = stripVTControlCharacters(block).split('\n').slice(0, -1);
    assert.ok(lines.length <= 19, `${lines.length} lines`);
    for (const line of lines) assert.ok(line.length < 80, line);
    const listed = lines.filter((line) => /^ {2}peal-w.*….* 1 /.test(line)).length;
    const [, more] = /and (\d+) more workers/.exec(lines.at(-1)!) ?? [];
    assert.equal(listed + Number(more), 40, lines.join('\n'));
    assert.ok(text().endsWith('\u001b[?25h'));
  });

  it('--watch says that the store is away, and goes on when it is back', async () => {
    const { terminal, text, errors } = terminalOf();
    const watching = statusOfCluster({ watch: true }, terminal, times());
    await once(terminal.stdout, 'data');
    store.isAway = true;
    await once(terminal.stderr, 'data');
    store.isAway = false;
    const before = text().length;
    while (text().length === before) await once(terminal.stdout, 'data');
    signals.emit('SIGTERM', 'SIGTERM');
    assert.equal(await watching, 143);
    assert.match(errors(), /^peal: /);
    assert.ok(!text().includes('\u001b'));
  });

  describe('with Redis', () => {
    let redis: RedisServer;

    before(async function () {
      if (!RedisServer.isInstalled) return this.skip();
      redis = await RedisServer.start({ password: 'quite secret' });
    });

    after(async () => await redis?.stop());

    it('reads what dispatchers and workers have told', async () => {
      const { store: real, close } = await openClusterStore(redis.url);
      const server = await QueueServer.open({ url: redis.url });
      const jobs = new SliceQueue(server);
      try {
        await begin(real);
        await real.beat(beatOf({ slices: [] }), 60_000);
        await jobs.begin(id, 'Sale');
        await jobs.add({ campaign: id, slice: 1, recipients: 10, blob: `${id}-s1`, sha256: '00' });
        const { code, stdout, stderr } = await runCommand(['status', '--cluster'], { env: { PEAL_REDIS: redis.url } });
        assert.deepEqual([code, stderr], [0, '']);
        assert.ok(stdout.startsWith(`cluster of Redis at 127.0.0.1:${redis.port}\n  1 worker for 4 slices at a time`));
        assert.match(stdout, /slices in the queue: 1 waiting, 0 at work/);
        assert.match(stdout, /Sale\n {2}no dispatcher: .*\n(.*\n)* {2}slices: 1 waiting, 1 at work, 0 ended/);
        assert.match(stdout, / {2}machine-1 4711 +0 of 4/);
        assert.ok(!stdout.includes('secret'));
      } finally {
        await jobs.close();
        await server.close();
        await close();
      }
    });

    it('says in a sentence that Redis is not there, without its password', async () => {
      const url = redis.url.replace(/:\d+$/, ':1');
      const { code, stdout, stderr } = await runCommand(['status', '--cluster'], { env: { PEAL_REDIS: url } });
      assert.notEqual(code, 0);
      assert.equal(stdout, '');
      assert.match(stderr, /^peal: .*127\.0\.0\.1:1.*\n$/);
      assert.ok(!stderr.includes('secret'));
    });
  });
});

function terminalOf(screen: object = {}) {
  const stdout = Object.assign(new PassThrough({ encoding: 'utf8' }), screen);
  const stderr = new PassThrough({ encoding: 'utf8' });
  let [text, errors] = ['', ''];
  stdout.on('data', (more: string) => {
    text += more;
  });
  stderr.on('data', (more: string) => {
    errors += more;
  });
  return {
    terminal: { stdin: Readable.from([]), stdout, stderr, env: {} },
    text: () => text,
    errors: () => errors,
  };
}
