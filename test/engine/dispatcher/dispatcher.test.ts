import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { glimpseMs, maxBatchRecipients, providerTokenCheckMs, stopAfterRefusals } from '../../../src/base/limits.js';
import type { Batch, SettledBatch } from '../../../src/engine/batch.js';
import { Dispatcher } from '../../../src/engine/dispatcher/dispatcher.js';
import type { Route } from '../../../src/engine/dispatcher/route.js';
import type { EngineOptions } from '../../../src/engine/hosts/engine-options.js';
import { ACCEPTED, REJECTED } from '../../../src/engine/ledger.js';
import type { PersonalParts } from '../../../src/push/notification.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { reasonCode } from '../../../src/push-services/reasons.js';
import {
  BookSink,
  batchesOf,
  batchOf,
  FakePool,
  notification,
  numberedTokens,
  rejection,
  routeConfig,
  routeConfigFor,
  turn,
} from '../../support/engine-fixtures.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const closed = new PealError('ERR_PEAL_CLOSED', 'The connection ended.', { origin: 'gateway', retryable: true });
const refused = new PealError('ERR_PEAL_CONNECT', 'The gateway refused.', { origin: 'connect', retryable: true });
const aborted = new PealError('ERR_PEAL_ABORTED', 'Asked to stop.', { origin: 'usage' });

/** A dispatcher over an in-process shard with fake pools, on a clock that stands still. */
class Bench {
  readonly clock = new VirtualClock();
  readonly pools: FakePool[] = [];
  readonly dispatcher: Dispatcher;
  readonly route: Route;

  constructor(options: Partial<EngineOptions> = {}) {
    this.dispatcher = new Dispatcher({
      threads: 0,
      clock: this.clock,
      backend: { open: () => assert.fail('a fake pool opens nothing') },
      openPool: ({ source, clock }) => {
        const pool = new FakePool(source, clock);
        this.pools.push(pool);
        return pool;
      },
      ...options,
    });
    this.route = this.dispatcher.openRoute(routeConfig, null);
  }

  get pool(): FakePool {
    return this.pools[0]!;
  }

  send(book = new BookSink()) {
    return { book, job: this.dispatcher.send(this.route, notification, book) };
  }
}

describe('dispatcher', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.dispatcher.close());

  it('settles each batch once, with the very batch that was dispatched', async () => {
    const { book, job } = bench.send();
    const batches = [...batchesOf(2_500)];
    for (const batch of batches) await job.dispatch(batch);
    bench.pool.accept(bench.pool.take(2_499));
    bench.pool.reject(bench.pool.take(1), rejection(410, 'Unregistered', { timestampMs: 5 }));
    await job.finish();
    assert.deepEqual(new Set(book.batches.map(({ batch }) => batch)), new Set(batches));
    assert.equal(book.batches.length, batches.length);
    assert.equal(book.count('accepted'), 2_499);
    const [token] = book.tokensThatAre('rejected');
    assert.equal(book.details.get(token!)?.timestampMs, 5);
    assert.equal(job.stopped, null);
  });

  it('sends a copy of the tokens, also of a view into a larger buffer, and leaves the original alone', async () => {
    const { book, job } = bench.send();
    const larger = numberedTokens(0, 10).bytes;
    const tokens = new TokenBlock(larger.subarray(3 * 32, 5 * 32), 32, 2);
    await job.dispatch({ tokens, personal: null });
    const run = bench.pool.source.current()!;
    assert.notEqual(run.tokens.bytes.buffer, larger.buffer);
    assert.equal(run.tokens.textAt(1), numberedTokens(4, 1).textAt(0));
    bench.pool.accept(bench.pool.take(2));
    await job.finish();
    assert.equal(book.batches[0]!.tokens, tokens);
    assert.deepEqual(larger, numberedTokens(0, 10).bytes);
  });

  it('copies personal parts out of whatever buffers they lie in', async () => {
    const { job } = bench.send();
    const pooled = Buffer.concat([Buffer.from('secret'), Buffer.from('{}[]'), Buffer.from('secret')]);
    const personal: PersonalParts = {
      apnsIds: new Uint8Array(64).subarray(16, 48).fill(9),
      payloads: pooled.subarray(6, 10),
      payloadOffsets: Uint32Array.of(0, 2, 4),
    };
    await job.dispatch({ tokens: numberedTokens(0, 2), personal });
    const run = bench.pool.source.current()!;
    assert.ok(!Buffer.from(run.personal!.payloads!.buffer).includes('secret'));
    assert.equal(Buffer.from(run.personal!.payloads!).toString(), '{}[]');
    assert.deepEqual(run.personal!.apnsIds, new Uint8Array(32).fill(9));
    assert.deepEqual([...run.personal!.payloadOffsets!], [0, 2, 4]);
  });

  it('never has more recipients out than its credit, however fast it is fed', async () => {
    bench = new Bench({ creditBatches: 3 });
    const { book, job } = bench.send();
    let dispatched = 0;
    const feeding = (async () => {
      for (const batch of batchesOf(10 * maxBatchRecipients)) {
        await job.dispatch(batch);
        dispatched += 1;
      }
    })();
    for (let settled = 0; settled < 10; settled++) {
      await turn();
      assert.ok(dispatched - settled <= 3, `${dispatched - settled} batches are out`);
      assert.equal(dispatched, Math.min(10, settled + 3));
      bench.pool.accept(bench.pool.take(maxBatchRecipients));
    }
    await feeding;
    await job.finish();
    assert.equal(book.count('accepted'), 10 * maxBatchRecipients);
  });

  it('gives credit back only when the sink has taken the batch', async () => {
    bench = new Bench({ creditBatches: 1 });
    let take = (): void => {};
    const book = new (class extends BookSink {
      override settled(batch: SettledBatch): Promise<void> {
        super.settled(batch);
        return new Promise((resolve) => {
          take = resolve;
        });
      }
    })();
    const { job } = bench.send(book);
    await job.dispatch(batchOf(0, maxBatchRecipients));
    let isTaken = false;
    void job.dispatch(batchOf(5_000, maxBatchRecipients)).then(() => {
      isTaken = true;
    });
    bench.pool.accept(bench.pool.take(maxBatchRecipients));
    await turn();
    assert.equal(book.batches.length, 1);
    assert.equal(isTaken, false);
    take();
    await turn();
    assert.equal(isTaken, true);
    bench.pool.accept(bench.pool.take(maxBatchRecipients));
    await turn();
    take();
    await job.finish();
  });

  it('lets many small batches share the credit of a few full ones', async () => {
    bench = new Bench({ creditBatches: 1 });
    const { book, job } = bench.send();
    await Promise.all(Array.from({ length: 300 }, (_, number) => job.dispatch(batchOf(number * 3, 3))));
    bench.pool.accept(bench.pool.take(900));
    await job.finish();
    assert.equal(book.count('accepted'), 900);
  });

  it('counts large personal payloads against the credit, and lets one that is over it go alone', async () => {
    bench = new Bench({ creditBatches: 1 });
    const { job } = bench.send();
    const heavy = (from: number): Batch => ({
      tokens: numberedTokens(from, 100),
      personal: {
        apnsIds: null,
        payloads: new Uint8Array(100 * 4096),
        payloadOffsets: Uint32Array.from({ length: 101 }, (_, index) => index * 4096),
      },
    });
    await job.dispatch(heavy(0));
    let isTaken = false;
    const second = job.dispatch(heavy(100)).then(() => {
      isTaken = true;
    });
    await turn();
    assert.equal(isTaken, false);
    bench.pool.accept(bench.pool.take(100));
    await second;
    bench.pool.accept(bench.pool.take(100));
    await job.finish();
  });

  describe('tells a sink that asks for it what is certain already', () => {
    const busy = rejection(503, 'ServiceUnavailable');
    const gone = rejection(410, 'Unregistered', { timestampMs: 5 });
    const glimpsing = () => {
      const book = new BookSink();
      const glimpses: { readonly batch: Batch; readonly states: readonly number[] }[] = [];
      const glimpse = (batch: Batch, states: Uint8Array): void => {
        glimpses.push({ batch, states: [...states] });
      };
      const sink = { settled: (batch: SettledBatch) => book.settled(batch), glimpse };
      return { book, glimpses, sink };
    };

    it('ten times a second, and only what is new', async () => {
      const { book, glimpses, sink } = glimpsing();
      const job = bench.dispatcher.send(bench.route, notification, sink, { retry: { attempts: 3, timeMs: 60_000 } });
      const batch = batchOf(0, 5);
      await job.dispatch(batch);
      const [first, second, third, ...others] = bench.pool.take(5);
      bench.clock.advance(glimpseMs);
      assert.equal(glimpses.length, 0);
      bench.pool.accept([first!]);
      bench.pool.reject([second!], gone);
      bench.pool.reject([third!], busy);
      bench.clock.advance(glimpseMs - 1);
      assert.equal(glimpses.length, 0);
      bench.clock.advance(1);
      const rejected = REJECTED + reasonCode('Unregistered', 'http2');
      assert.deepEqual(glimpses, [{ batch, states: [ACCEPTED, rejected, 0, 0, 0] }]);
      bench.clock.advance(10 * glimpseMs);
      assert.equal(glimpses.length, 1);
      bench.pool.accept(others);
      await turn();
      // The batch waits for a retry, and has more outcomes than when a shard had it.
      bench.clock.advance(glimpseMs);
      assert.deepEqual(glimpses[1]!.states, [ACCEPTED, rejected, 0, ACCEPTED, ACCEPTED]);
      while (bench.pool.source.current() === null) {
        bench.clock.advance(1_000);
        await turn();
      }
      bench.pool.accept(bench.pool.take(1));
      await job.finish();
      assert.equal(glimpses.length, 2);
      assert.equal(book.count('accepted'), 4);
      assert.equal(bench.clock.timerCount, 0);
    });

    it('and stops the job when the sink throws', async () => {
      const { book, sink } = glimpsing();
      const failure = new Error('full');
      const job = bench.dispatcher.send(bench.route, notification, {
        ...sink,
        glimpse: () => {
          throw failure;
        },
      });
      await job.dispatch(batchOf(0, 3));
      bench.pool.accept(bench.pool.take(1));
      bench.clock.advance(3 * glimpseMs);
      assert.equal(job.stopped?.cause, failure);
      await turn();
      assert.equal(book.count('unsent'), 2);
      await assert.rejects(job.finish(), failure);
    });

    it('and has no timer for others', async () => {
      const before = bench.clock.timerCount;
      const { job } = bench.send();
      const { job: other } = { job: bench.dispatcher.send(bench.route, notification, glimpsing().sink) };
      const both = bench.clock.timerCount;
      await other.finish();
      assert.equal(bench.clock.timerCount, both - 1);
      await job.finish();
      assert.equal(bench.clock.timerCount, before);
    });
  });

  it('finishes at once when nothing was dispatched', async () => {
    const { book, job } = bench.send();
    await job.finish();
    assert.equal(book.batches.length, 0);
  });

  it('refuses a batch that is none, and one after finish', async () => {
    const { job } = bench.send();
    const isUsage = { code: 'ERR_PEAL_OPTION', origin: 'usage' };
    await assert.rejects(job.dispatch(batchOf(0, 0)), isUsage);
    await assert.rejects(job.dispatch(batchOf(0, maxBatchRecipients + 1)), isUsage);
    const short = { ...numberedTokens(0, 2), count: 3 } as Batch['tokens'];
    await assert.rejects(job.dispatch({ tokens: short, personal: null }), isUsage);
    const personal = { apnsIds: new Uint8Array(16), payloads: null, payloadOffsets: null };
    await assert.rejects(job.dispatch({ tokens: numberedTokens(0, 2), personal }), isUsage);
    await job.finish();
    await assert.rejects(job.dispatch(batchOf(0, 1)), isUsage);
  });

  it('cancels: what is not written is unsent with the cause, what is written gets its answer', async () => {
    bench = new Bench({ creditBatches: 1 });
    const { book, job } = bench.send();
    await job.dispatch(batchOf(0, maxBatchRecipients));
    const waiting = job.dispatch(batchOf(5_000, 10));
    const tags = bench.pool.take(20);
    job.cancel(aborted);
    await waiting;
    await job.dispatch(batchOf(9_000, 5));
    bench.pool.accept(tags);
    await job.finish();
    assert.equal(book.count('accepted'), 20);
    assert.equal(book.count('unsent'), maxBatchRecipients - 20 + 10 + 5);
    assert.deepEqual(
      book.causes.map(({ code }) => code),
      ['ERR_PEAL_ABORTED', 'ERR_PEAL_ABORTED', 'ERR_PEAL_ABORTED'],
    );
    assert.equal(job.stopped, aborted);
  });

  it('cancels one send and leaves the others alone', async () => {
    const first = bench.send();
    const second = bench.send();
    await first.job.dispatch(batchOf(0, 5));
    await second.job.dispatch(batchOf(100, 5));
    first.job.cancel(aborted);
    bench.pool.accept(bench.pool.take(10));
    await Promise.all([first.job.finish(), second.job.finish()]);
    assert.equal(first.book.count('unsent'), 5);
    assert.equal(second.book.count('accepted'), 5);
  });

  it('stops early when APNs refuses everything the same way, with its reason and what to do', async () => {
    const { book, job } = bench.send();
    for (const batch of batchesOf(5_000)) await job.dispatch(batch);
    bench.pool.reject(bench.pool.take(stopAfterRefusals), rejection(403, 'InvalidProviderToken'));
    await job.finish();
    assert.equal(job.stopped?.code, 'ERR_PEAL_STOPPED');
    assert.equal(job.stopped?.origin, 'credential');
    assert.match(job.stopped!.message, /403 InvalidProviderToken.*key id/);
    assert.equal(book.count('rejected'), stopAfterRefusals);
    assert.equal(book.count('unsent'), 5_000 - stopAfterRefusals);
    assert.ok(book.causes.every(({ code }) => code === 'ERR_PEAL_STOPPED'));
  });

  it('stops a send whose connections give up, and asks again for the next', async () => {
    const { book, job } = bench.send();
    for (const batch of batchesOf(3_000)) await job.dispatch(batch);
    bench.pool.source.onFailed(refused);
    await job.finish();
    assert.equal(job.stopped?.code, 'ERR_PEAL_CONNECT');
    assert.equal(book.count('unsent'), 3_000);
    const later = bench.send();
    await later.job.dispatch(batchOf(0, 3));
    bench.pool.accept(bench.pool.take(3));
    await later.job.finish();
    assert.equal(later.book.count('accepted'), 3);
    assert.equal(later.job.stopped, null);
  });

  it('reports unknown recipients with their cause, and does not send them again', async () => {
    const { book, job } = bench.send();
    await job.dispatch(batchOf(0, 4));
    bench.pool.loseAnswers(bench.pool.take(1), closed);
    bench.pool.accept(bench.pool.take(10));
    await job.finish();
    assert.equal(book.count('unknown'), 1);
    assert.equal(book.causes[0]?.code, 'ERR_PEAL_CLOSED');
  });

  it('stops when the sink fails, still offers it every batch, and says why in finish', async () => {
    const failure = new Error('disk full');
    for (const fail of [
      () => {
        throw failure;
      },
      () => Promise.reject(failure),
    ]) {
      const offered: SettledBatch[] = [];
      const job = bench.dispatcher.send(bench.route, notification, {
        settled: (batch) => {
          offered.push(batch);
          return fail();
        },
      });
      await job.dispatch(batchOf(0, 2));
      await job.dispatch(batchOf(10, 2));
      bench.pools.at(-1)!.accept(bench.pools.at(-1)!.take(2));
      await assert.rejects(job.finish(), failure);
      assert.equal(offered.length, 2);
      assert.equal(job.stopped?.code, 'ERR_PEAL_ABORTED');
    }
  });

  it('gives equal configurations one route and one pool, and others their own', async () => {
    const { dispatcher, route } = bench;
    assert.equal(dispatcher.openRoute({ ...routeConfig }, null), route);
    const others = [
      routeConfigFor(routeConfig.address, { ca: 'PEM' }),
      routeConfigFor(routeConfig.address, { pins: ['sha256/pin'] }),
      routeConfigFor(routeConfig.address, { maxConnections: 2 }),
      { ...routeConfig, address: { ...routeConfig.address, port: 2197 } },
      { ...routeConfig, credential: { kind: 'token', fingerprint: 'aa' } as const },
    ].map((config) => dispatcher.openRoute(config, { providerToken: () => 'jwt' }));
    assert.equal(new Set([route, ...others]).size, 6);
    for (const each of [route, others[0]!]) {
      const job = dispatcher.send(each, notification, new BookSink());
      await job.dispatch(batchOf(0, 1));
    }
    assert.equal(bench.pools.length, 2);
  });

  it('hands the provider token over before the first request, and a new one before what is dispatched after it', async () => {
    let token = 'first';
    const config = { ...routeConfig, credential: { kind: 'token', fingerprint: 'aa' } as const };
    const route = bench.dispatcher.openRoute(config, { providerToken: () => token });
    const job = bench.dispatcher.send(route, notification, new BookSink());
    await job.dispatch(batchOf(0, 1));
    assert.deepEqual(bench.pool.providerTokens, ['first']);
    await job.dispatch(batchOf(1, 1));
    token = 'second';
    await job.dispatch(batchOf(2, 1));
    assert.deepEqual(bench.pool.providerTokens, ['first', 'second']);
    token = 'third';
    bench.clock.advance(providerTokenCheckMs);
    assert.deepEqual(bench.pool.providerTokens, ['first', 'second', 'third'], 'also while nothing is dispatched');
    bench.pool.accept(bench.pool.take(3));
    await job.finish();
    assert.equal(bench.clock.timerCount, 0, 'no timer is left when nothing is sent');
  });

  it('stops a send whose provider token cannot be made', async () => {
    const config = { ...routeConfig, credential: { kind: 'token', fingerprint: 'aa' } as const };
    const failure = new PealError('ERR_PEAL_CREDENTIAL', 'No key.', { origin: 'credential' });
    const route = bench.dispatcher.openRoute(config, {
      providerToken: () => {
        throw failure;
      },
    });
    const book = new BookSink();
    const job = bench.dispatcher.send(route, notification, book);
    await job.dispatch(batchOf(0, 3));
    await job.finish();
    assert.equal(job.stopped, failure);
    assert.equal(book.count('unsent'), 3);
  });

  it('counts what it is doing', async () => {
    assert.deepEqual((await bench.dispatcher.stats()).shards, []);
    bench = new Bench({ creditBatches: 1 });
    const { job } = bench.send();
    await job.dispatch(batchOf(0, maxBatchRecipients));
    void job.dispatch(batchOf(5_000, 1));
    bench.pool.take(24);
    const stats = await bench.dispatcher.stats();
    assert.equal(stats.jobs, 1);
    assert.equal(stats.waitingBatches, 1);
    assert.equal(stats.connections, 1);
    assert.equal(stats.inFlight, 24);
    assert.equal(stats.shards[0]!.heldBatches, 1);
    assert.equal(stats.shards[0]!.waiting, maxBatchRecipients - 24);
  });

  it('closes with sends under way; what is sent afterwards is unsent', async () => {
    const { book, job } = bench.send();
    await job.dispatch(batchOf(0, 10));
    const tags = bench.pool.take(4);
    bench.pool.onClose = (pool) => {
      pool.accept(tags.slice(0, 3));
      pool.loseAnswers(tags.slice(3), closed);
    };
    await Promise.all([bench.dispatcher.close(), bench.dispatcher.close()]);
    await job.finish();
    assert.deepEqual(
      (['accepted', 'unknown', 'unsent'] as const).map((outcome) => book.count(outcome)),
      [3, 1, 6],
    );
    assert.ok(bench.pool.isClosed);
    const late = bench.send();
    await late.job.dispatch(batchOf(10, 5));
    await late.job.finish();
    assert.equal(late.book.count('unsent'), 5);
    assert.equal(late.job.stopped?.code, 'ERR_PEAL_ABORTED');
    assert.equal(bench.clock.timerCount, 0);
  });

  it('refuses numbers of threads and credits that are none', () => {
    for (const options of [{ threads: -1 }, { threads: 1.5 }, { threads: 65 }, { threads: 0, creditBatches: 0 }]) {
      assert.throws(() => new Dispatcher(options), { code: 'ERR_PEAL_OPTION' });
    }
  });
});
