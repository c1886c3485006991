import assert from 'node:assert/strict';
import type { PealError } from '../../../src/base/errors.js';
import {
  drainTimeoutMs,
  maxServerErrorsInRow,
  maxUnavailableMs,
  minPacedRequests,
  tokenUpdatesPauseMs,
  transientPauseMs,
  unprovenRequests,
} from '../../../src/base/limits.js';
import { type ScriptedGateway, streams } from '../../support/scripted-gateway.js';
import { type Harness, usePool } from '../../support/use-pool.js';

const because = (reason: string): string => JSON.stringify({ reason });
const tokenPool = { credential: { kind: 'token', fingerprint: 'f' }, maxConnections: 1 } as const;

describe('connection/pool and connections that no longer serve', () => {
  const pools = usePool();

  /** The first connection accepts 200 recipients, rejects `count`, and is slow from then on; others accept all. */
  function firstOneRejects(status: number, reason: string, count: number): Harness {
    const onRequest = (gateway: ScriptedGateway, id: number): void => {
      const at = gateway.requests.length;
      if (gateway !== pools.last.gateways[0] || at <= 200) gateway.accept(id);
      else if (at <= 200 + count) gateway.reject(id, status, because(reason));
      else pools.last.clock.setTimer(() => gateway.accept(id), 500);
    };
    return pools.make({
      recipients: 2000,
      script: () => ({ settings: streams(100), onRequest }),
      pool: { maxConnections: 1 },
    });
  }

  for (const [status, reason, count] of [
    [503, 'Shutdown', 1],
    [400, 'IdleTimeout', 1],
    [403, 'UnrelatedKeyIdInToken', 1],
    [500, 'InternalServerError', maxServerErrorsInRow],
  ] as const) {
    it(`replaces one that answers ${reason} (${count}), and lets it finish what it has`, () => {
      const h = firstOneRejects(status, reason, count);
      h.start();
      h.clock.advance(transientPauseMs);
      assert.equal(h.attemptsAtMs.length, 2, 'the successor opens before the first has drained');
      h.clock.advance(drainTimeoutMs);
      assert.equal(h.source.count('accepted'), 2000 - count);
      assert.equal(h.source.count('rejected'), count);
      assert.ok(h.source.rejections.every(({ rejection }) => rejection.reason === reason));
      assert.equal(h.gateways[0]!.closed, null, 'closed in good order');
      assert.ok(h.gateways[0]!.requests.length <= 200 + count + 100, 'nothing new is sent over it');
    });
  }

  for (const [status, reason] of [
    [503, 'Shutdown'],
    [400, 'IdleTimeout'],
    [403, 'UnrelatedKeyIdInToken'],
    [421, ''],
  ] as const) {
    it(`gives up after a while where every connection answers ${status} ${reason} to everything`, () => {
      const h = pools.make({
        recipients: 100_000,
        script: () => ({
          settings: streams(10),
          onRequest: (gateway, id) => gateway.reject(id, status, because(reason)),
        }),
      });
      h.start();
      h.clock.advance(maxUnavailableMs - 60_000);
      assert.equal(h.source.failures.length, 0);
      h.clock.advance(180_000);
      assert.deepEqual(
        h.source.failures.map(({ code, retryable }) => [code, retryable]),
        [['ERR_PEAL_UNAVAILABLE', true]],
      );
      assert.ok(h.attemptsAtMs.length < 30, `${h.attemptsAtMs.length} attempts`);
      h.source.dropWaiting();
    });
  }

  it('does not replace one connection after another for retries that meet a 500 each time, in a row', () => {
    // The first 500 are such recipients; those behind them are served.
    const h = pools.make({
      recipients: 2_000,
      script: () => ({
        settings: streams(10),
        onRequest: (gateway, id, index) => {
          const answer = (): void => {
            if (index < 500) gateway.reject(id, 500, because('InternalServerError'));
            else gateway.accept(id);
          };
          h.clock.setTimer(answer, 20);
        },
      }),
      pool: { maxConnections: 1 },
    });
    for (let tag = 0; tag < 500; tag++) h.source.retries.add(tag);
    h.start();
    h.clock.advance(10_000);
    assert.equal(h.source.count('accepted'), 1_500);
    assert.equal(h.attemptsAtMs.length, 1);
  });

  it('keeps one that answers a few 500s among others', () => {
    const h = firstOneRejects(500, 'InternalServerError', maxServerErrorsInRow - 1);
    h.start();
    h.clock.advance(60_000);
    assert.equal(h.attemptsAtMs.length, 1);
    assert.ok(h.source.isDone);
  });

  describe('because the provider token has expired', () => {
    const expiring = (gateway: ScriptedGateway, id: number): void => {
      const token = gateway.headers.get(id)!.get('authorization');
      if (token === 'bearer jwt-1' && gateway.requests.length > 150)
        gateway.reject(id, 403, because('ExpiredProviderToken'));
      else gateway.accept(id);
    };

    it('sends nothing until there is another token, and tells the source once', () => {
      const h = pools.make({
        recipients: 1000,
        pool: tokenPool,
        script: () => ({ settings: streams(50), onRequest: expiring }),
      });
      h.pool.setProviderToken('jwt-1');
      h.clock.advance(60_000);
      assert.deepEqual(h.source.expiredTokens, ['jwt-1']);
      assert.equal(h.attemptsAtMs.length, 1, 'nothing connects with a token that is known to be expired');
      const sent = h.received().length;
      h.start();
      h.pool.setProviderToken('jwt-1');
      h.clock.advance(60_000);
      assert.equal(h.received().length, sent);
      assert.equal(h.attemptsAtMs.length, 1);
      h.pool.setProviderToken('jwt-2');
      h.clock.advance(5_000);
      assert.ok(h.source.isDone);
      assert.equal(h.attemptsAtMs.length, 2, 'a new token needs a new connection');
      assert.deepEqual(h.source.expiredTokens, ['jwt-1']);
      assert.equal(h.source.count('accepted'), 1000 - h.source.count('rejected'));
    });

    it('lets other connections go on under the new token', () => {
      const h = pools.make({
        recipients: 100_000,
        pool: { ...tokenPool, maxConnections: 2 },
        script: (n) => ({
          settings: streams(10),
          onRequest: (gateway, id) => {
            const isExpired = n === 0 && h.clock.now() > 3_000;
            const answer = (): void =>
              isExpired ? gateway.reject(id, 403, because('ExpiredProviderToken')) : gateway.accept(id);
            h.clock.setTimer(answer, 40);
          },
        }),
      });
      h.pool.setProviderToken('jwt-1');
      h.clock.advance(4_000);
      assert.deepEqual(h.source.expiredTokens, ['jwt-1']);
      const second = h.gateways[1]!;
      const before = second.requests.length;
      h.clock.advance(10_000);
      assert.equal(second.requests.length, before, 'it waits, too');
      h.pool.setProviderToken('jwt-2');
      h.clock.advance(1_000);
      assert.ok(second.requests.length > before);
      assert.equal(second.headers.get([...second.headers.keys()].at(-1)!)!.get('authorization'), 'bearer jwt-2');
      h.source.dropWaiting();
    });

    it('does not blame a new token for what was sent under the old one', () => {
      const h = pools.make({
        recipients: 400,
        pool: tokenPool,
        script: () => ({ settings: streams(50), onRequest: () => {} }),
      });
      h.pool.setProviderToken('jwt-1');
      h.clock.advance(100);
      const [gateway] = h.gateways;
      gateway!.accept(1);
      h.clock.advance(100);
      h.pool.setProviderToken('jwt-2');
      for (let id = 3; id <= 101; id += 2) gateway!.reject(id, 403, because('ExpiredProviderToken'));
      h.clock.advance(5_000);
      assert.deepEqual(h.source.expiredTokens, []);
      assert.equal(h.attemptsAtMs.length, 2, 'that connection is of no use any more all the same');
    });
  });

  it('keeps the token, retires the connection and pauses after TooManyProviderTokenUpdates', () => {
    const h = pools.make({
      recipients: 50,
      pool: tokenPool,
      script: (n) => ({
        onRequest: (gateway, id) => {
          if (n < 3) gateway.reject(id, 429, because('TooManyProviderTokenUpdates'));
          else gateway.accept(id);
        },
      }),
    });
    h.pool.setProviderToken('jwt-1');
    h.clock.advance(10 * tokenUpdatesPauseMs);
    assert.ok(h.source.isDone);
    assert.equal(h.source.count('rejected'), 3, 'one trial for each pause');
    const [first, second, third, fourth] = h.attemptsAtMs;
    assert.ok(second! - first! >= tokenUpdatesPauseMs);
    assert.ok(third! - second! >= 2 * tokenUpdatesPauseMs);
    assert.ok(fourth! - third! >= 4 * tokenUpdatesPauseMs);
    assert.deepEqual(h.source.expiredTokens, []);
    for (const gateway of h.gateways) assert.equal(gateway.headers.get(1)!.get('authorization'), 'bearer jwt-1');
  });

  describe('because the gateway is in trouble', () => {
    /** Answers 503 until `untilMs`. */
    function troubled(untilMs: number, retryAfter: string | null = null): Harness {
      return pools.make({
        recipients: 100_000,
        script: () => ({
          settings: streams(100),
          onRequest: (gateway, id) => {
            const { clock } = pools.last;
            const answer = (): void => {
              if (clock.now() < untilMs) gateway.reject(id, 503, because('ServiceUnavailable'), retryAfter);
              else gateway.accept(id);
            };
            clock.setTimer(answer, 20);
          },
        }),
        pool: { maxConnections: 4 },
      });
    }

    it('sends a few at a time, ever more seldom, and all at once when it is over', () => {
      const h = troubled(120_000);
      h.start();
      h.clock.advance(120_000);
      const burnt = h.source.count('rejected');
      assert.ok(
        burnt >= unprovenRequests && burnt <= 2 * unprovenRequests + 10 * minPacedRequests,
        `${burnt} rejected`,
      );
      h.clock.advance(120_000);
      assert.equal(h.source.count('accepted'), 100_000 - h.source.count('rejected'));
      assert.ok(h.source.count('rejected') <= burnt + minPacedRequests);
    });

    it('waits as long as Retry-After asks', () => {
      const h = troubled(Number.POSITIVE_INFINITY, '7');
      h.start();
      const burnt = h.received().length;
      h.clock.advance(6_800);
      assert.equal(h.received().length, burnt);
      h.clock.advance(300);
      assert.equal(h.received().length, burnt + minPacedRequests);
      h.source.dropWaiting();
    });

    it('gives up after a while, with what waits unsent', () => {
      const h = troubled(Number.POSITIVE_INFINITY);
      h.start();
      h.clock.advance(maxUnavailableMs - 60_000);
      assert.equal(h.source.failures.length, 0);
      h.clock.advance(200_000);
      const failures: readonly PealError[] = [...h.source.failures];
      assert.deepEqual(
        failures.map(({ code, retryable }) => [code, retryable]),
        [['ERR_PEAL_UNAVAILABLE', true]],
      );
      assert.ok(h.source.count('waiting') > 99_000);
      h.source.dropWaiting();
    });

    it('tries it with others than those that stand beside the ones that failed', () => {
      // 300 of 1,000 meet a fault each time, and they come first.
      let draws = 0;
      const h = pools.make({
        recipients: 1_000,
        script: () => ({
          settings: streams(1),
          onRequest: (gateway, id, index) => {
            if (index < 300) gateway.reject(id, 500, because('InternalServerError'));
            else gateway.accept(id);
          },
        }),
        pool: { maxConnections: 1, random: () => (++draws * 0.618) % 1 },
      });
      h.start();
      h.clock.advance(60_000);
      // The last of them are few among many that fail, and take longer.
      assert.ok(h.source.count('accepted') > 650, `${h.source.count('accepted')} accepted`);
      h.source.dropWaiting();
    });

    it('does not pause for recipients that meet a fault each time they are sent to', () => {
      const h = troubled(Number.POSITIVE_INFINITY);
      for (let tag = 0; tag < 100_000; tag++) h.source.retries.add(tag);
      h.start();
      h.clock.advance(10_000);
      assert.ok(h.received().length > 3_000, `${h.received().length} requests`);
      h.clock.advance(2 * maxUnavailableMs);
      assert.deepEqual(h.source.failures, []);
      h.source.dropWaiting();
    });

    it('does not pause for a device that gets too many', () => {
      const h = pools.make({
        recipients: 5000,
        script: () => ({ onRequest: (gateway, id) => gateway.reject(id, 429, because('TooManyRequests'), '60') }),
      });
      h.start();
      h.clock.advance(100);
      assert.equal(h.source.count('rejected'), 5000);
    });
  });

  it('sends less over a connection that draws bad tokens, and as much as before once they end', () => {
    let most = 0;
    let isBad = true;
    const h = pools.make({
      recipients: 60_000,
      script: () => ({
        settings: streams(300),
        onRequest: (gateway, id) => {
          most = Math.max(most, gateway.openStreams);
          const answer = (): void => {
            if (isBad) gateway.reject(id, 400, because('BadDeviceToken'));
            else gateway.accept(id);
          };
          h.clock.setTimer(answer, 20);
        },
      }),
    });
    h.start();
    h.clock.advance(5_000);
    most = 0;
    h.clock.advance(5_000);
    assert.equal(most, minPacedRequests);
    assert.equal(h.attemptsAtMs.length, 1, 'another connection would only draw the same');
    isBad = false;
    most = 0;
    h.clock.advance(2_000);
    assert.ok(most >= 250, `${most} at a time`);
    h.source.dropWaiting();
  });

  it('does not slow down for tokens that are gone', () => {
    let most = 0;
    const h = pools.make({
      recipients: 20_000,
      script: () => ({
        settings: streams(300),
        onRequest: (gateway, id) => {
          most = Math.max(most, gateway.openStreams);
          h.clock.setTimer(() => gateway.reject(id, 410, because('Unregistered')), 20);
        },
      }),
      pool: { maxConnections: 1 },
    });
    h.start();
    h.clock.advance(1_000);
    most = 0;
    h.clock.advance(200);
    assert.ok(most >= 250, `${most} at a time`);
    h.clock.advance(10_000);
    assert.ok(h.source.isDone);
  });
});
