import assert from 'node:assert/strict';
import { AssertionError } from '../../../src/base/assert.js';
import { PealError } from '../../../src/base/errors.js';
import {
  acceptedLookMs,
  maxBatchCrashes,
  maxBatchRecipients,
  maxShardRestartDelayMs,
  maxShardRestarts,
  maxShardStartFailures,
  minShardRestartDelayMs,
  recentlyAcceptedMs,
  shardStartTimeoutMs,
  shardStopTimeoutMs,
} from '../../../src/base/limits.js';
import { silentLogger } from '../../../src/base/log.js';
import { Dispatcher } from '../../../src/engine/dispatcher/dispatcher.js';
import type { JobOptions, SendJob } from '../../../src/engine/dispatcher/job.js';
import type { Route } from '../../../src/engine/dispatcher/route.js';
import { BookSink, batchOf, notification, rejection, routeConfig, turn } from '../../support/engine-fixtures.js';
import { type FakeThread, FakeThreads, until } from '../../support/fake-threads.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const refused = new PealError('ERR_PEAL_CONNECT', 'The gateway refused.', { origin: 'connect', retryable: true });

class Bench {
  readonly clock = new VirtualClock();
  readonly threads = new FakeThreads();
  readonly dispatcher: Dispatcher;
  readonly route: Route;
  readonly log: string[] = [];
  readonly book = new BookSink();

  constructor(threads: number) {
    const note = (_: object, message: string): number => this.log.push(message);
    const log = { ...silentLogger, warn: note, error: note };
    this.dispatcher = new Dispatcher({ threads, clock: this.clock, log, openThreads: () => this.threads });
    this.route = this.dispatcher.openRoute(
      { ...routeConfig, credential: { kind: 'token', fingerprint: 'aa' } },
      {
        providerToken: () => 'jwt',
      },
    );
  }

  send(options: JobOptions = {}): SendJob {
    return this.dispatcher.send(this.route, notification, this.book, options);
  }

  /** The current incarnation of a shard, once it is up and has something to send. */
  async working(shardId: number): Promise<FakeThread> {
    const isStarted = (): boolean => this.threads.started.some(({ task }) => task.shardId === shardId);
    await until(() => isStarted() && this.#hasWork(shardId), `shard ${shardId} has work`);
    await until(async () => {
      const { shards } = await this.dispatcher.stats();
      return shards[shardId]!.state === 'running';
    }, `shard ${shardId} is up`);
    return this.threads.shard(shardId);
  }

  #hasWork(shardId: number): boolean {
    const thread = this.threads.shard(shardId);
    return !thread.isOver && thread.pools.some(({ source }) => source.current() !== null);
  }

  /** Crashes a shard and waits until the supervisor has dealt with it. */
  async crash(shardId: number): Promise<void> {
    const before = this.log.length;
    this.threads.shard(shardId).crash();
    await until(() => this.log.length > before, 'the crash is noticed');
  }

  async restarted(count: number, waitMs: number): Promise<void> {
    this.clock.advance(waitMs);
    await until(() => this.threads.started.length >= count, `incarnation ${count} is started`);
  }
}

describe('supervisor', () => {
  let bench: Bench;
  afterEach(async () => {
    for (const thread of bench.threads.started) if (!thread.isOver && bench.threads.areDeaf) thread.crash();
    await bench.dispatcher.close();
  });

  it('spreads work over the shards, and tells each of route, provider token and notification before the batch', async () => {
    bench = new Bench(2);
    const job = bench.send();
    for (let n = 0; n < 4; n++) await job.dispatch(batchOf(n * 2_000, maxBatchRecipients));
    for (const shardId of [0, 1]) {
      const thread = await bench.working(shardId);
      assert.deepEqual(thread.received.map(({ kind }) => kind).slice(0, 5), [
        'route',
        'provider-token',
        'notification',
        'batch',
        'batch',
      ]);
      thread.pool.accept(thread.pool.take(2 * maxBatchRecipients));
    }
    await job.finish();
    assert.equal(bench.book.count('accepted'), 4 * maxBatchRecipients);
    await until(() => bench.threads.shard(0).received.at(-1)?.kind === 'forget', 'the job is forgotten');
  });

  it('splits the batches of a crashed shard: answered, unknown, and sent again by another', async () => {
    bench = new Bench(2);
    const job = bench.send();
    await job.dispatch(batchOf(0, 10));
    const thread = await bench.working(0);
    const tags = thread.pool.take(6);
    thread.pool.accept(tags.slice(0, 2));
    thread.pool.reject(tags.slice(2, 3), rejection(410, 'Unregistered', { timestampMs: 1_700_000_000_123 }));
    thread.crash();
    const other = await bench.working(1);
    assert.deepEqual(other.pool.take(10).length, 4, 'what was only queued');
    other.pool.accept([...other.pool.outstanding]);
    await job.finish();
    assert.deepEqual(
      (['accepted', 'rejected', 'unknown', 'unsent'] as const).map((outcome) => bench.book.count(outcome)),
      [6, 1, 3, 0],
    );
    assert.equal(bench.book.batches.length, 1, 'the batch comes back whole');
    const [gone] = bench.book.details.values();
    assert.deepEqual([gone!.status, gone!.timestampMs], [410, 1_700_000_000_123], 'though it was never posted');
    assert.equal(bench.book.causes[0]!.code, 'ERR_PEAL_SHARD');
    assert.match(bench.book.causes[0]!.message, /shard 0 ended with TypeError/);
    assert.doesNotMatch(bench.book.causes[0]!.message, /a bug/, 'what it threw may quote secrets');
  });

  it('says which promise a crashed shard broke, in the log and to those whose answers it lost', async () => {
    bench = new Bench(1);
    const job = bench.send();
    await job.dispatch(batchOf(0, 10));
    const thread = await bench.working(0);
    thread.pool.take(10);
    // As it comes from a worker: without its class.
    const { message } = new AssertionError('a batch is settled once');
    thread.crash(new Error(message));
    await job.finish();
    assert.ok(bench.book.causes[0]!.message.includes(message), bench.book.causes[0]!.message);
    assert.ok(bench.log.includes(message), bench.log.join());
  });

  it('counts results that were posted before a crash, although the crash is heard of first', async () => {
    bench = new Bench(1);
    const job = bench.send();
    for (let n = 0; n < 20; n++) await job.dispatch(batchOf(n * 100, 50));
    const thread = await bench.working(0);
    await until(() => thread.received.filter(({ kind }) => kind === 'batch').length === 20, 'all batches came');
    const tags = thread.pool.take(1_000);
    thread.pool.reject(tags, rejection(410, 'Unregistered', { timestampMs: 7 }));
    thread.crash();
    await job.finish();
    assert.equal(bench.book.count('rejected'), 1_000);
    assert.ok([...bench.book.details.values()].every(({ timestampMs }) => timestampMs === 7));
  });

  it('does not hear what a lost incarnation says afterwards', async () => {
    bench = new Bench(2);
    const job = bench.send();
    await job.dispatch(batchOf(0, 4));
    const thread = await bench.working(0);
    thread.pool.take(2);
    thread.crash();
    const other = await bench.working(1);
    const message = { kind: 'settled', slot: 0, buffer: new ArrayBuffer(128), details: [], cause: null } as const;
    thread.post(message);
    thread.pool.accept([...thread.pool.outstanding]);
    await turn();
    assert.equal(bench.book.batches.length, 0);
    other.pool.accept(other.pool.take(2));
    await job.finish();
    assert.equal(bench.book.count('unknown'), 2);
  });

  it('starts a crashed shard again after a wait that grows', async () => {
    bench = new Bench(1);
    const job = bench.send();
    await job.dispatch(batchOf(0, 1));
    let waitMs = minShardRestartDelayMs;
    for (let crashes = 1; crashes < maxBatchCrashes; crashes++) {
      await bench.working(0);
      await bench.crash(0);
      bench.clock.advance(waitMs - 1);
      assert.equal(bench.threads.started.length, crashes);
      await bench.restarted(crashes + 1, 1);
      waitMs *= 2;
    }
    const thread = await bench.working(0);
    assert.deepEqual(
      thread.received.map(({ kind }) => kind),
      ['route', 'provider-token', 'notification', 'batch'],
    );
    assert.equal(thread.task.epoch, maxBatchCrashes);
    thread.pool.accept(thread.pool.take(1));
    await job.finish();
    assert.equal(bench.book.count('accepted'), 1);
  });

  it('gives a batch up as unsent that took one shard after another down', async () => {
    bench = new Bench(1);
    const job = bench.send();
    await job.dispatch(batchOf(0, 3));
    for (let crashes = 1; crashes <= maxBatchCrashes; crashes++) {
      await bench.working(0);
      await bench.crash(0);
      await bench.restarted(crashes + 1, maxShardRestartDelayMs);
    }
    await job.finish();
    assert.equal(bench.book.count('unsent'), 3);
    assert.equal(job.stopped, null, 'the others go on');
    const [cause] = bench.book.causes;
    assert.equal(cause?.code, 'ERR_PEAL_SHARD');
    assert.match(cause.message, /3 worker threads in a row ended while they had this batch/);
  });

  it('lets another shard send again what the crashed one had written, where that is wanted', async () => {
    bench = new Bench(2);
    const job = bench.send({ retry: { attempts: 3, timeMs: 60_000 }, onUnknown: 'resend' });
    await job.dispatch(batchOf(0, 10));
    const thread = await bench.working(0);
    const tags = thread.pool.take(6);
    thread.pool.reject(tags.slice(0, 2), rejection(503, 'ServiceUnavailable'));
    thread.crash();
    const other = await bench.working(1);
    assert.equal(other.pool.take(10).length, 4, 'what was queued, at once');
    other.pool.accept([...other.pool.outstanding]);
    await until(async () => (await bench.dispatcher.stats()).waitingBatches === 1, 'it waits for its time');
    assert.equal(bench.book.batches.length, 0);
    bench.clock.advance(1_000);
    const alive = () => bench.threads.started.filter(({ isOver }) => !isOver).flatMap(({ pools }) => pools);
    await until(() => alive().some(({ source }) => source.current() !== null), 'they go out again');
    for (const pool of alive()) pool.accept(pool.take(10));
    await job.finish();
    assert.equal(bench.book.count('accepted'), 10);
    assert.equal(bench.book.batches[0]!.resent, 6);
  });

  it('gives a shard up when its budget of restarts is used up, and stops its sends with the reason', async () => {
    bench = new Bench(1);
    const job = bench.send();
    for (let crashes = 0; crashes <= maxShardRestarts; crashes++) {
      await job.dispatch(batchOf(crashes * 10, 1));
      await bench.working(0);
      await bench.crash(0);
      if (crashes < maxShardRestarts) await bench.restarted(crashes + 2, maxShardRestartDelayMs);
    }
    await job.finish();
    assert.equal(job.stopped?.code, 'ERR_PEAL_SHARD');
    assert.equal(bench.book.count('unsent'), maxShardRestarts + 1);
    assert.equal((await bench.dispatcher.stats()).shards[0]!.state, 'dead');
    const later = bench.send();
    await later.dispatch(batchOf(900, 2));
    await later.finish();
    assert.equal(later.stopped?.code, 'ERR_PEAL_SHARD');
    assert.equal(bench.threads.started.length, maxShardRestarts + 1);
  });

  it('renews the budget of a shard that settles a batch', async () => {
    bench = new Bench(1);
    const job = bench.send();
    for (let crashes = 0; crashes < 2 * maxShardRestarts; crashes++) {
      await job.dispatch(batchOf(crashes * 10, 1));
      const thread = await bench.working(0);
      thread.pool.accept(thread.pool.take(1));
      await until(() => bench.book.batches.length === crashes + 1, 'the batch is settled');
      await bench.crash(0);
      await bench.restarted(crashes + 2, minShardRestartDelayMs);
    }
    assert.equal(job.stopped, null);
    await job.finish();
  });

  it('lets the others take over from a shard that is given up', async () => {
    bench = new Bench(2);
    bench.threads.areDeaf = true;
    const job = bench.send();
    await job.dispatch(batchOf(0, 5));
    await until(() => bench.threads.started.length === 2, 'both are started');
    bench.threads.areDeaf = false;
    // Shard 0 never comes up; shard 1 does at its second attempt.
    await bench.crash(1);
    await bench.restarted(3, minShardRestartDelayMs);
    for (let failures = 1; failures < maxShardStartFailures; failures++) {
      bench.threads.areDeaf = true;
      await bench.crash(0);
      await bench.restarted(3 + failures, maxShardRestartDelayMs);
    }
    bench.threads.areDeaf = false;
    await bench.crash(0);
    const thread = await bench.working(1);
    thread.pool.accept(thread.pool.take(5));
    await job.finish();
    assert.equal(bench.book.count('accepted'), 5);
    assert.deepEqual(
      (await bench.dispatcher.stats()).shards.map(({ state }) => state),
      ['dead', 'running'],
    );
  });

  it('gives up a worker that never answers its first call, without waiting for ever', async () => {
    bench = new Bench(1);
    bench.threads.areDeaf = true;
    const job = bench.send();
    await job.dispatch(batchOf(0, 5));
    for (let attempt = 1; attempt <= maxShardStartFailures; attempt++) {
      await until(() => bench.threads.started.length === attempt, `attempt ${attempt}`);
      bench.clock.advance(shardStartTimeoutMs);
      await until(() => bench.threads.shard(0).isOver, 'it is aborted');
      await turn();
      await turn();
      bench.clock.advance(maxShardRestartDelayMs);
    }
    await job.finish();
    assert.equal(job.stopped?.code, 'ERR_PEAL_SHARD');
    assert.equal(bench.book.count('unsent'), 5);
    assert.equal(bench.threads.started.length, maxShardStartFailures);
  });

  it('sends over another shard, if that one is accepted, what one cannot connect for', async () => {
    bench = new Bench(2);
    const job = bench.send();
    await job.dispatch(batchOf(0, 6));
    await job.dispatch(batchOf(50, 4));
    const first = await bench.working(0);
    const second = await bench.working(1);
    second.pool.accept(second.pool.take(1));
    const tags = first.pool.take(1);
    first.pool.source.onFailed(refused);
    first.pool.accept(tags);
    await until(() => {
      second.pool.accept(second.pool.take(10));
      return job.stopped !== null || bench.book.count('accepted') === 10;
    }, 'the other sends what is left');
    await job.dispatch(batchOf(100, 4));
    await until(() => second.pool.source.current() !== null, 'later batches go to the other as well');
    second.pool.accept(second.pool.take(10));
    await job.finish();
    assert.equal(bench.book.count('accepted'), 14);
    assert.equal(bench.book.causes.length, 0);
    assert.equal(job.stopped, null);
  });

  it('stops a send when one shard cannot connect and no other is accepted: they would find the same', async () => {
    bench = new Bench(4);
    const job = bench.send();
    await job.dispatch(batchOf(0, 6));
    await job.dispatch(batchOf(50, 4));
    await bench.working(1);
    (await bench.working(0)).pool.source.onFailed(refused);
    await job.finish();
    assert.equal(job.stopped?.code, 'ERR_PEAL_CONNECT');
    assert.equal(bench.book.count('unsent'), 10);
    assert.equal(bench.book.causes[0]?.code, 'ERR_PEAL_CONNECT');
  });

  it('stops a send when one shard is not served and no other is accepted of late, as one was a minute ago', async () => {
    bench = new Bench(4);
    const job = bench.send();
    await job.dispatch(batchOf(0, 6));
    await job.dispatch(batchOf(50, 4));
    const first = await bench.working(0);
    const second = await bench.working(1);
    second.pool.accept(second.pool.take(1));
    bench.clock.advance(acceptedLookMs + recentlyAcceptedMs + 1);
    first.pool.source.onFailed(refused);
    await job.finish();
    assert.equal(job.stopped?.code, 'ERR_PEAL_CONNECT');
    assert.equal(bench.book.count('unsent'), 9);
  });

  it('stops a send on every shard when one finds that everything is refused', async () => {
    bench = new Bench(2);
    const job = bench.send();
    for (let n = 0; n < 4; n++) await job.dispatch(batchOf(n * 2_000, maxBatchRecipients));
    const first = await bench.working(0);
    const second = await bench.working(1);
    first.pool.reject(first.pool.take(10), rejection(400, 'BadTopic'));
    await until(() => second.pool.source.current() === null, 'the other gives up what waits');
    await job.finish();
    assert.equal(job.stopped?.code, 'ERR_PEAL_STOPPED');
    assert.equal(bench.book.count('unsent'), 4 * maxBatchRecipients - 10);
  });

  it('closes a shard that does not answer by ending its worker', async () => {
    bench = new Bench(1);
    const job = bench.send();
    await job.dispatch(batchOf(0, 2));
    const thread = await bench.working(0);
    thread.pool.take(1);
    thread.pool.close = () => new Promise(() => {});
    const closing = bench.dispatcher.close();
    await turn();
    await turn();
    bench.clock.advance(shardStopTimeoutMs);
    await closing;
    await job.finish();
    assert.ok(bench.threads.isDestroyed);
    assert.equal(bench.book.count('unknown'), 1);
    assert.equal(bench.book.count('unsent'), 1);
    assert.equal(bench.clock.timerCount, 0);
  });
});
