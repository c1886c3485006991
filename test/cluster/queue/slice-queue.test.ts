/** The queue of slices on a Redis of its own: dispatchers that repeat themselves, and workers that hand slices back. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { QueueServer } from '../../../src/cluster/queue/queue-server.js';
import { SliceQueue } from '../../../src/cluster/queue/slice-queue.js';
import { type SliceTask, type SliceTaskEnd, SliceWorkerQueue } from '../../../src/cluster/queue/slice-worker-queue.js';
import type { SliceJob } from '../../../src/cluster/slices/slice.js';
import { RedisServer } from '../../support/redis-server.js';

const campaign = '0123456789abcdef0123456789abcdef';
const jobOf = (slice: number): SliceJob => ({ campaign, slice, recipients: 10, blob: `b-${slice}`, sha256: '00' });

describe('the queue of slices', () => {
  let redis: RedisServer;
  let server: QueueServer;
  let queue: SliceQueue;
  const opened: AsyncDisposable[] = [];

  before(async function () {
    if (!RedisServer.isInstalled) this.skip();
    redis = await RedisServer.start();
  });

  beforeEach(async () => {
    redis.cli('flushall');
    server = await QueueServer.open({ url: redis.url });
    queue = new SliceQueue(server);
    await queue.begin(campaign, 'a title');
  });

  afterEach(async () => {
    for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
    await queue?.close();
    await server?.close();
  });

  after(async () => {
    await redis?.stop();
  });

  function work(run: (task: SliceTask) => Promise<SliceTaskEnd>, slots = 2): SliceWorkerQueue {
    const worker = new SliceWorkerQueue(server, { name: 'w', slots, run, chance: () => 0 });
    opened.push(worker);
    return worker;
  }

  async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo())) await sleep(20);
  }

  it('adds each slice once, however often a dispatcher adds it, and never refuses a campaign that is there', async () => {
    for (let run = 0; run < 3; run++) {
      await queue.begin(campaign, 'a title');
      for (const slice of [0, 1, 2]) await queue.add(jobOf(slice));
    }
    assert.deepEqual(await queue.counts(), { waiting: 3, active: 0, delayed: 0, failed: 0 });
    const seen: SliceTask[] = [];
    work(async (task) => {
      seen.push(task);
      return { kind: 'done' };
    });
    await until(() => seen.length >= 3);
    // Completed, and not removed: a dispatcher that runs again adds nothing.
    await until(async () => (await queue.counts()).active === 0);
    await queue.add(jobOf(1));
    assert.deepEqual(await queue.counts(), { waiting: 0, active: 0, delayed: 0, failed: 0 });
    assert.deepEqual(
      seen.map(({ job }) => job).sort((a, b) => a.slice - b.slice),
      [jobOf(0), jobOf(1), jobOf(2)],
    );
  });

  it('refuses a slice of a campaign that was not begun', async () => {
    const other = 'f'.repeat(32);
    await assert.rejects(queue.add({ ...jobOf(0), campaign: other }), { code: 'ERR_PEAL_STORE' });
  });

  it('takes back what no worker has, and leaves what one has', async () => {
    await queue.add(jobOf(0));
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isTaken = false;
    const worker = work(async () => {
      isTaken = true;
      await held;
      return { kind: 'done' };
    }, 1);
    await until(() => isTaken);
    await queue.add(jobOf(1));
    assert.deepEqual(await queue.takeBack(campaign, [0, 1, 7]), [1, 7]);
    await worker.pause();
    release();
    await until(async () => (await queue.counts()).active === 0);
    assert.deepEqual(await queue.takeBack(campaign, [0]), [], 'it has ended');
  });

  it('tells which slices have no job, whatever the state of the others', async () => {
    await queue.add(jobOf(0));
    await queue.add(jobOf(1));
    await queue.remove(campaign, [1]);
    assert.deepEqual(await queue.missing(campaign, [0, 1, 2]), [1, 2]);
    work(async () => ({ kind: 'done' }), 1);
    await until(async () => (await queue.counts()).active === 0 && (await queue.counts()).waiting === 0);
    assert.deepEqual(await queue.missing(campaign, [0, 1]), [1], 'a completed job is one');
  });

  it('gives a slice that was handed back to a worker again, without counting a failure', async () => {
    await queue.add(jobOf(0));
    const failures: number[] = [];
    work(async (task) => {
      failures.push(task.failures);
      if (failures.length < 3) return { kind: 'later', delayMs: 10 };
      if (failures.length < 5) return { kind: 'failed', why: 'The gateway is away.' };
      return { kind: 'done' };
    });
    await until(() => failures.length === 5);
    assert.deepEqual(failures, [0, 0, 0, 1, 2]);
  });

  it('tells a worker that its lock is lost', async () => {
    await queue.add(jobOf(0));
    let lost = false;
    const worker = work(async (task) => {
      redis.cli('del', `bull:peal-slices:${campaign}-s0:lock`);
      await new Promise<void>((resolve) => {
        task.lost.addEventListener('abort', () => resolve());
      });
      lost = true;
      return { kind: 'later', delayMs: 10 };
    });
    await until(() => lost);
    await worker.close(5000);
    assert.equal(worker.running, 0);
  });

  it('completes the job of the campaign with its summary, also after a dispatcher was killed in the midst of that', async () => {
    for (const slice of [0, 1]) await queue.add(jobOf(slice));
    const { Worker, Queue } = server.bullmq;
    // The killed one has left the job active, and nobody keeps its lock.
    const killed = new Worker(`peal-campaign-${campaign}`, null, {
      connection: server.connection,
      autorun: false,
      lockDuration: 500,
    });
    const job = await killed.getNextJob('killed', { block: false });
    assert.equal(job?.id, `campaign-${campaign}`);
    await killed.close(true);
    const worker = work(async () => ({ kind: 'done' }));
    await until(async () => (await queue.counts()).waiting === 0 && worker.running === 0);
    await queue.finish(campaign, { accepted: 20 });
    await queue.finish(campaign, { accepted: 21 });
    const parents = new Queue(`peal-campaign-${campaign}`, { connection: server.connection });
    const parent = await parents.getJob(`campaign-${campaign}`);
    assert.equal(await parent?.getState(), 'completed');
    assert.deepEqual(parent?.returnvalue, { accepted: 20 });
    assert.equal(Object.keys((await parent?.getChildrenValues()) ?? {}).length, 2);
    await parents.close();
    await queue.discard(campaign, [0, 1]);
    assert.deepEqual(
      redis
        .cli('keys', '*')
        .split('\n')
        .filter((key) => key.includes(campaign)),
      [],
    );
  });

  it('says that Redis is away instead of waiting for ever', async () => {
    await redis.kill9();
    await assert.rejects(server.within(queue.counts(), 200), { code: 'ERR_PEAL_STORE', retryable: true });
    await redis.restart();
    await until(async () => (await queue.counts()).active === 0);
  });
});
