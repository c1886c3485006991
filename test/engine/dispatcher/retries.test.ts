import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { expiredTokenDelayMs } from '../../../src/base/limits.js';
import { Dispatcher } from '../../../src/engine/dispatcher/dispatcher.js';
import type { JobOptions, SendJob } from '../../../src/engine/dispatcher/job.js';
import type { ProviderTokenSource } from '../../../src/engine/dispatcher/route.js';
import type { RetryBudget } from '../../../src/push/retry-policy.js';
import { reasonCode } from '../../../src/push-services/reasons.js';
import {
  BookSink,
  batchOf,
  FakePool,
  notification,
  rejection,
  routeConfig,
  turn,
} from '../../support/engine-fixtures.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const lost = new PealError('ERR_PEAL_CLOSED', 'The connection ended.', { origin: 'gateway', retryable: true });
const aborted = new PealError('ERR_PEAL_ABORTED', 'Asked to stop.', { origin: 'usage' });
const budget: RetryBudget = { attempts: 3, timeMs: 60_000 };
const unavailable = rejection(503, 'ServiceUnavailable');
const expired = rejection(403, 'ExpiredProviderToken');

describe('engine/dispatcher/retries', () => {
  let clock: VirtualClock;
  let pool: FakePool;
  let dispatcher: Dispatcher;
  let book: BookSink;

  beforeEach(() => {
    clock = new VirtualClock();
    dispatcher = new Dispatcher({
      threads: 0,
      clock,
      random: () => 0.5,
      backend: { open: () => assert.fail('a fake pool opens nothing') },
      openPool: (options) => {
        pool = new FakePool(options.source, options.clock);
        return pool;
      },
    });
    book = new BookSink();
  });

  afterEach(async () => {
    await dispatcher.close();
    assert.equal(clock.timerCount, 0, 'a timer is left behind');
  });

  function send(options: JobOptions = { retry: budget }, tokens: ProviderTokenSource | null = null): SendJob {
    const credential = tokens === null ? routeConfig.credential : { kind: 'token' as const, fingerprint: 'key' };
    const route = dispatcher.openRoute({ ...routeConfig, credential: credential as never }, tokens);
    return dispatcher.send(route, notification, book, options);
  }

  /** Lets messages, promises and, where given, time run. */
  async function pass(ms = 0): Promise<void> {
    for (let round = 0; round < 4; round++) {
      clock.settle();
      await turn();
    }
    if (ms === 0) return;
    clock.advance(ms);
    await pass();
  }

  it('sends again, after a wait, to those alone whose fault passes', async () => {
    const job = send();
    await job.dispatch(batchOf(0, 5));
    await pass();
    const tags = pool.take(5);
    pool.accept(tags.slice(0, 2));
    pool.reject([tags[2]!], unavailable);
    pool.reject([tags[3]!], rejection(410, 'Unregistered'));
    pool.reject([tags[4]!], unavailable);
    await pass(499);
    assert.equal(pool.source.current(), null, 'half of the first second has not passed');
    assert.equal(book.batches.length, 0, 'the batch is not settled before all of it is final');
    await pass(2);
    const again = pool.take(5);
    assert.equal(again.length, 2);
    pool.accept(again);
    await job.finish();
    assert.deepEqual([book.count('accepted'), book.count('rejected')], [4, 1]);
    const [settled] = book.batches;
    assert.equal(settled!.resent, 2);
    assert.deepEqual(
      settled!.details.map(({ reason }) => reason),
      ['Unregistered'],
    );
  });

  it('is done with a recipient after as many requests as the budget has', async () => {
    const job = send();
    await job.dispatch(batchOf(0, 1));
    for (let request = 0; request < 3; request++) {
      await pass(2_000);
      pool.reject(pool.take(1), unavailable);
    }
    await pass();
    await job.finish();
    assert.deepEqual([book.count('rejected'), book.batches[0]!.resent], [1, 2]);
    assert.equal(book.batches[0]!.details.length, 1);
  });

  describe('where the pool holds requests back for longer than the budget has time', () => {
    const tooMany = rejection(429, 'TooManyProviderTokenUpdates');

    for (const [name, answer, waitMs] of [
      ['TooManyProviderTokenUpdates', tooMany, 15_000],
      ['a gateway in trouble', unavailable, 500],
      ['a device that gets too much', rejection(429, 'TooManyRequests'), 3_000],
    ] as const) {
      it(`ends with the answer that there is: ${name}`, async () => {
        const job = send();
        await job.dispatch(batchOf(0, 3));
        await pass();
        const tags = pool.take(3);
        pool.accept([tags[0]!]);
        pool.reject(tags.slice(1), answer);
        // One of the two gets through before the pool pauses.
        await pass(waitMs + 1);
        pool.accept(pool.take(1));
        await pass(60_000 - waitMs - 100);
        assert.equal(book.batches.length, 0, 'there is time left');
        await pass(200);
        assert.equal(pool.source.current(), null, 'nothing is left for the pool to send');
        await job.finish();
        assert.deepEqual([book.count('accepted'), book.count('rejected'), book.count('unsent')], [2, 1, 0]);
        const [settled] = book.batches;
        assert.deepEqual([settled!.resent, settled!.cause], [1, null]);
        assert.deepEqual(
          settled!.details.map(({ reason }) => reason),
          [answer.reason],
        );
      });
    }

    it('waits for the answer to what had begun, and sends nothing after it', async () => {
      const job = send();
      await job.dispatch(batchOf(0, 2));
      await pass();
      pool.reject(pool.take(2), tooMany);
      await pass(15_001);
      const written = pool.take(2);
      await pass(60_000);
      assert.equal(book.batches.length, 0);
      pool.accept([written[0]!]);
      pool.returnUnsent([written[1]!], lost);
      await job.finish();
      assert.deepEqual([book.count('accepted'), book.count('rejected')], [1, 1]);
      assert.equal(pool.source.current(), null);
    });

    it('leaves a recipient unknown whose first request may have been processed', async () => {
      const job = send({ retry: budget, onUnknown: 'resend' });
      await job.dispatch(batchOf(0, 1));
      await pass();
      pool.loseAnswers(pool.take(1), lost);
      await pass(61_000);
      await job.finish();
      assert.deepEqual([book.count('unknown'), book.count('unsent')], [1, 0]);
    });

    it('stops a send that waits behind TooManyProviderTokenUpdates, with the rest unsent', async () => {
      const job = send({ retry: { attempts: 3, timeMs: 45_000 } });
      await job.dispatch(batchOf(0, 3));
      await pass();
      pool.reject(pool.take(1), tooMany);
      await pass(44_900);
      assert.equal(job.stopped, null);
      await pass(200);
      await job.finish();
      assert.equal(job.stopped!.code, 'ERR_PEAL_UNAVAILABLE');
      assert.match(
        job.stopped!.message,
        /^For 45 seconds APNs answered TooManyProviderTokenUpdates and accepted nothing/,
      );
      assert.deepEqual([book.count('rejected'), book.count('unsent')], [1, 2]);
    });

    it('goes on where something was accepted meanwhile', async () => {
      const job = send();
      await job.dispatch(batchOf(0, 3));
      await pass();
      pool.reject(pool.take(1), tooMany);
      await pass(30_000);
      pool.accept(pool.take(1));
      await pass(100_000);
      assert.equal(job.stopped, null);
      pool.accept(pool.take(1));
      await pass(15_001);
      pool.accept(pool.take(1));
      await job.finish();
      assert.deepEqual([book.count('accepted'), book.count('rejected')], [3, 0]);
    });

    it('does not hurry what is sent for the first time', async () => {
      const job = send();
      await job.dispatch(batchOf(0, 1));
      await pass(200_000);
      pool.accept(pool.take(1));
      await job.finish();
      assert.equal(book.count('accepted'), 1);
    });
  });

  it('sends nothing again where it is not told to', async () => {
    const job = send({});
    await job.dispatch(batchOf(0, 1));
    await pass();
    pool.reject(pool.take(1), unavailable);
    await job.finish();
    assert.deepEqual([book.count('rejected'), book.batches[0]!.resent], [1, 0]);
  });

  it('tells the pool who was sent to before, and who was not', async () => {
    const job = send();
    await job.dispatch(batchOf(0, 3));
    await pass();
    const tags = pool.take(3);
    assert.deepEqual(
      tags.map((tag) => pool.source.isRetry(tag)),
      [false, false, false],
    );
    // What comes back unprocessed has never been out.
    pool.returnUnsent([tags[0]!], lost);
    pool.accept([tags[1]!]);
    pool.reject([tags[2]!], unavailable);
    const [unprocessed] = pool.take(1);
    assert.equal(pool.source.isRetry(unprocessed!), false);
    pool.accept([unprocessed!]);
    await pass(1_000);
    const [again] = pool.take(1);
    assert.equal(pool.source.isRetry(again!), true);
    pool.accept([again!]);
    await job.finish();

    const next = send();
    await next.dispatch(batchOf(3, 1));
    await pass();
    const [fresh] = pool.take(1);
    assert.equal(pool.source.isRetry(fresh!), false, 'the slot is used anew');
    pool.accept([fresh!]);
    await next.finish();
  });

  it('waits for as long as the gateway asks', async () => {
    const job = send();
    await job.dispatch(batchOf(0, 1));
    await pass();
    pool.reject(pool.take(1), { ...unavailable, retryAfterSeconds: 20 });
    await pass(19_990);
    assert.equal(pool.source.current(), null);
    await pass(11);
    pool.accept(pool.take(1));
    await job.finish();
    assert.equal(book.count('accepted'), 1);
  });

  it('reports what was never answered as unknown, and sends it again only where that is wanted', async () => {
    const job = send();
    await job.dispatch(batchOf(0, 1));
    await pass();
    pool.loseAnswers(pool.take(1), lost);
    await job.finish();
    assert.equal(book.count('unknown'), 1);

    const resending = send({ retry: budget, onUnknown: 'resend' });
    await resending.dispatch(batchOf(1, 1));
    await pass();
    pool.loseAnswers(pool.take(1), lost);
    await pass(1_000);
    pool.accept(pool.take(1));
    await resending.finish();
    assert.deepEqual([book.count('unknown'), book.count('accepted')], [1, 1]);
  });

  it('never calls unsent, nor passing, what may have been processed once', async () => {
    const job = send({ retry: { attempts: 2, timeMs: 60_000 }, onUnknown: 'resend' });
    await job.dispatch(batchOf(0, 3));
    await pass();
    pool.loseAnswers(pool.take(3), lost);
    await pass(1_000);
    const [busy, bad, waiting] = pool.take(2).concat(pool.take(1));
    pool.reject([busy!], unavailable);
    pool.reject([bad!], rejection(400, 'BadDeviceToken'));
    for (let times = 0, tag = waiting!; times < 20; times++) {
      pool.returnUnsent([tag], lost);
      await pass();
      const [next] = pool.take(1);
      if (next === undefined) break;
      tag = next;
    }
    await pass();
    await job.finish();
    assert.deepEqual([book.count('unknown'), book.count('rejected'), book.count('unsent')], [2, 1, 0]);
    assert.deepEqual(
      book.batches[0]!.details.map(({ reason }) => reason),
      ['BadDeviceToken'],
    );
  });

  it('settles what waits for its time as what it is when the job is stopped', async () => {
    const job = send({ retry: budget, onUnknown: 'resend' });
    await job.dispatch(batchOf(0, 2));
    await pass();
    const [first, second] = pool.take(2);
    pool.reject([first!], unavailable);
    pool.loseAnswers([second!], lost);
    await pass();
    job.cancel(aborted);
    await job.finish();
    assert.deepEqual([book.count('rejected'), book.count('unknown'), book.count('unsent')], [1, 1, 0]);
    assert.equal(book.batches[0]!.ledger[0], 16 + reasonCode('ServiceUnavailable'));
    assert.equal(book.batches[0]!.details[0]!.status, 503);
  });

  it('has what went out again, and was cancelled before it was written, be what it was', async () => {
    const job = send({ retry: budget, onUnknown: 'resend' });
    await job.dispatch(batchOf(0, 2));
    await pass();
    const [first, second] = pool.take(2);
    pool.reject([first!], unavailable);
    pool.loseAnswers([second!], lost);
    await pass(1_000);
    assert.notEqual(pool.source.current(), null, 'both wait to be written');
    job.cancel(aborted);
    await pass();
    await job.finish();
    assert.deepEqual([book.count('rejected'), book.count('unknown'), book.count('unsent')], [1, 1, 0]);
  });

  describe('an expired provider token', () => {
    /** Tokens one after the other; `renewals` more can be made. */
    const tokensOf = (renewals: number): ProviderTokenSource => {
      let made = 0;
      return {
        providerToken: () => `jwt-${made}`,
        refreshProviderToken: () => `jwt-${made < renewals ? ++made : made}`,
      };
    };

    it('is renewed once for all, and what it failed goes again', async () => {
      const job = send({ retry: budget }, tokensOf(1));
      await job.dispatch(batchOf(0, 30));
      await pass();
      assert.deepEqual(pool.providerTokens, ['jwt-0']);
      pool.reject(pool.take(30), expired);
      pool.source.onProviderTokenExpired('jwt-0');
      pool.source.onProviderTokenExpired('jwt-0');
      await pass(expiredTokenDelayMs);
      assert.deepEqual(pool.providerTokens, ['jwt-0', 'jwt-1']);
      assert.equal(job.stopped, null);
      pool.accept(pool.take(30));
      await job.finish();
      assert.deepEqual([book.count('accepted'), book.batches[0]!.resent], [30, 30]);
    });

    it('stops the job with a word about the clock where there is no newer one', async () => {
      const job = send({ retry: budget }, tokensOf(0));
      await job.dispatch(batchOf(0, 5));
      await pass();
      pool.reject(pool.take(2), expired);
      pool.source.onProviderTokenExpired('jwt-0');
      await pass();
      assert.equal(job.stopped?.code, 'ERR_PEAL_CREDENTIAL');
      assert.match(job.stopped.message, /check the clock .* for up to 20 minutes/);
      await job.finish();
      assert.deepEqual([book.count('rejected'), book.count('unsent')], [2, 3]);
    });

    it('stops the job when the new one is called expired as well', async () => {
      const job = send({ retry: budget }, tokensOf(1));
      await job.dispatch(batchOf(0, 2));
      await pass();
      for (const token of ['jwt-0', 'jwt-1']) {
        pool.reject(pool.take(1), expired);
        pool.source.onProviderTokenExpired(token);
        await pass(1);
      }
      assert.equal(job.stopped?.code, 'ERR_PEAL_CREDENTIAL');
      await job.finish();
      assert.equal(book.batches[0]!.ledger.length, 2);
    });
  });
});
