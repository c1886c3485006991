import assert from 'node:assert/strict';
import { minGrowthPeriodMs, unprovenRequests } from '../../../src/base/limits.js';
import * as frames from '../../../src/codec/http2/frames.js';
import { idOf, payloadOf, range } from '../../support/book-source.js';
import { type ScriptedGateway, streams } from '../../support/scripted-gateway.js';
import { connectError, usePool } from '../../support/use-pool.js';

describe('connection/pool', () => {
  const pools = usePool();

  describe('sending', () => {
    it('opens nothing before there is work', () => {
      const { clock, attemptsAtMs } = pools.make();
      clock.advance(60_000);
      assert.deepEqual(attemptsAtMs, []);
    });

    it('sends every recipient once and reports each as accepted', () => {
      const h = pools.make({ recipients: 5000 });
      h.start();
      assert.equal(h.source.count('accepted'), 5000);
      assert.deepEqual(h.received(), range(0, 5000));
      const { ready, answers, bytesSent, bytesReceived } = h.pool.stats();
      assert.deepEqual({ ready, answers }, { ready: 1, answers: 5000 });
      assert.ok(bytesSent > 5000 * 200 && bytesReceived > 5000 * 10);
    });

    it('reports what a rejection said', () => {
      const h = pools.make({
        recipients: 1,
        script: () => ({
          onRequest: (gateway, id) => gateway.reject(id, 410, '{"reason":"Unregistered","timestamp":1700000000000}'),
        }),
      });
      h.start();
      assert.deepEqual(h.source.rejections, [
        {
          index: 0,
          rejection: {
            status: 410,
            reason: 'Unregistered',
            timestampMs: 1_700_000_000_000,
            apnsId: null,
            retryAfterSeconds: null,
          },
        },
      ]);
    });

    it('sends nothing before the first SETTINGS', () => {
      const h = pools.make({ script: () => ({ settings: null }) });
      h.start();
      h.clock.advance(5000);
      assert.deepEqual(h.received(), []);
      h.gateways[0]!.settings(streams(10));
      h.clock.advance(100);
      assert.equal(h.source.count('accepted'), 100);
    });

    for (const limit of [1, 7, 100]) {
      it(`keeps to a limit of ${limit} streams`, () => {
        let most = 0;
        const h = pools.make({
          recipients: 500,
          script: () => ({
            settings: streams(limit),
            onRequest: (gateway, id) => {
              most = Math.max(most, gateway.openStreams);
              h.clock.setTimer(() => gateway.accept(id), 1);
            },
          }),
          pool: { maxConnections: 1 },
        });
        h.start();
        h.clock.advance(2000);
        assert.equal(h.source.count('accepted'), 500);
        assert.equal(most, limit);
      });
    }

    it('sends on when a lowered stream limit rises again', () => {
      const h = pools.make({ script: () => ({ settings: streams(0) }), pool: { maxConnections: 1 } });
      h.start();
      h.clock.advance(3000);
      assert.deepEqual(h.received(), []);
      h.gateways[0]!.settings(streams(50));
      h.clock.advance(100);
      assert.equal(h.source.count('accepted'), 100);
    });

    it('delivers all through a connection window smaller than one payload', () => {
      const h = pools.make({
        recipients: 40,
        payloadBytes: 3000,
        script: () => ({
          settings: [...streams(100), [frames.SETTINGS_INITIAL_WINDOW_SIZE, 1000]],
          opensWindow: false,
          onConnect: (gateway) => {
            const open = (): void => {
              for (const id of gateway.headers.keys())
                if (!gateway.requests.includes((id - 1) / 2)) gateway.windowUpdate(id, 700);
              gateway.windowUpdate(0, 5000);
              if (gateway.requests.length < 40) h.clock.setTimer(open, 1);
            };
            h.clock.setTimer(open, 1);
          },
        }),
        pool: { maxConnections: 1 },
      });
      h.start();
      h.clock.advance(2000);
      assert.equal(h.source.count('accepted'), 40);
    });

    it('refuses a notification whose fields are larger than the gateway takes, and only that', () => {
      const h = pools.make({
        recipients: 3,
        script: () => ({ settings: [[frames.SETTINGS_MAX_HEADER_LIST_SIZE, 100]] }),
      });
      h.start();
      assert.equal(h.source.count('unsent'), 3);
      assert.deepEqual(h.received(), []);
      assert.equal(h.pool.stats().ready, 1);
    });

    it('gives each recipient the payload and the apns-id that are its own', () => {
      const h = pools.make({ recipients: 700, runSize: 100, isPersonal: true });
      h.start();
      h.clock.advance(1000);
      assert.equal(h.source.count('accepted'), 700);
      const gateway = h.gateways[0]!;
      for (let index = 0; index < 700; index++) {
        const stream = gateway.streamOf.get(index)!;
        assert.equal(gateway.bodies.get(stream), payloadOf(index));
        assert.equal(gateway.headers.get(stream)!.get('apns-id'), idOf(index));
      }
    });

    it('cuts the byte stream anywhere without any difference', () => {
      let seed = 1;
      const next = (): number => {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        return 1 + ((seed >>> 16) % 37);
      };
      const h = pools.make({ recipients: 300, memory: { pieceBytes: next } });
      h.start();
      h.clock.advance(5000);
      assert.equal(h.source.count('accepted'), 300);
      assert.deepEqual(h.received(), range(0, 300));
    });
  });

  describe('provider tokens', () => {
    const tokenPool = { credential: { kind: 'token', fingerprint: 'f' } } as const;

    it('wait: nothing is opened before there is one', () => {
      const h = pools.make({ pool: tokenPool });
      h.start();
      h.clock.advance(5000);
      assert.deepEqual(h.attemptsAtMs, []);
      h.pool.setProviderToken('jwt-1');
      h.clock.advance(100);
      assert.equal(h.source.count('accepted'), 100);
      assert.equal(h.gateways[0]!.headers.get(1)!.get('authorization'), 'bearer jwt-1');
    });

    it('begin with one request whose answer decides', () => {
      const h = pools.make({ pool: tokenPool, script: () => ({ onRequest: () => {} }) });
      h.pool.setProviderToken('jwt-1');
      h.clock.advance(100);
      const [gateway] = h.gateways;
      assert.deepEqual(gateway!.requests, [0]);
      gateway!.reject(1, 403, '{"reason":"InvalidProviderToken"}');
      h.clock.advance(100);
      assert.equal(gateway!.requests.length, 2, 'a 403 proves nothing: one at a time');
      gateway!.accept(3);
      h.clock.advance(100);
      assert.equal(gateway!.requests.length, 100);
    });

    it('are replaced on open connections', () => {
      const h = pools.make({
        recipients: 3,
        pool: tokenPool,
        script: () => ({ settings: streams(1), onRequest: () => {} }),
      });
      h.pool.setProviderToken('jwt-1');
      h.clock.advance(100);
      h.pool.setProviderToken('jwt-2');
      h.gateways[0]!.accept(1);
      h.clock.advance(100);
      assert.equal(h.gateways[0]!.headers.get(3)!.get('authorization'), 'bearer jwt-2');
    });
  });

  describe('growth', () => {
    /** Ten requests at a time, each answered after a while: what more connections help against. */
    const slow = (answerMs = 40) => ({
      settings: streams(10),
      onRequest: (gateway: ScriptedGateway, id: number) => {
        pools.last.clock.setTimer(() => gateway.accept(id), answerMs);
      },
    });

    it('opens one after the other while all are full and work waits, up to the maximum', () => {
      const h = pools.make({ recipients: 5000, script: () => slow(), pool: { maxConnections: 3 } });
      h.start();
      h.clock.advance(2000);
      const [first, second, third, ...others] = h.attemptsAtMs;
      assert.deepEqual([first, others], [0, []]);
      assert.ok(second! >= minGrowthPeriodMs && third! >= second! + minGrowthPeriodMs, `${h.attemptsAtMs}`);
      assert.equal(h.pool.stats().inFlight, 30);
    });

    it('puts no more at risk with a gateway that has not answered yet', () => {
      const h = pools.make({ recipients: 1000, script: () => ({ settings: streams(10), onRequest: () => {} }) });
      h.start();
      h.clock.advance(2000);
      assert.deepEqual(h.attemptsAtMs, [0]);
    });

    it('keeps no more idle connections than poolSize, and those that are busy', () => {
      const h = pools.make({ recipients: 500, script: () => slow(), pool: { maxConnections: 4, poolSize: 1 } });
      h.start();
      h.clock.advance(700);
      assert.equal(h.pool.stats().ready, 4);
      h.clock.advance(40_000);
      assert.equal(h.source.count('accepted'), 500);
      assert.equal(h.pool.stats().ready, 1);
    });

    it('opens none while the event loop is the bottleneck', () => {
      const h = pools.make({ recipients: 5000, script: () => slow() });
      h.load = 0.95;
      h.start();
      h.clock.advance(2000);
      assert.deepEqual(h.attemptsAtMs, [0]);
      h.load = 0.3;
      h.clock.advance(2 * minGrowthPeriodMs);
      assert.ok(h.attemptsAtMs.length > 1);
    });

    it('stops where the gateway is the bound, and tries again after a while', () => {
      // One answer each 4 ms, whatever the connection: two have as many as one.
      const waiting: (() => void)[] = [];
      const h = pools.make({
        recipients: 100_000,
        script: () => ({
          settings: streams(100),
          onRequest: (gateway, id) => void waiting.push(() => gateway.accept(id)),
        }),
        pool: { maxConnections: 16 },
      });
      const serve = (): void => {
        waiting.shift()?.();
        if (h.clock.now() < 45_000) h.clock.setTimer(serve, 4);
      };
      serve();
      h.start();
      h.clock.advance(5_000);
      assert.equal(h.attemptsAtMs.length, 2);
      h.clock.advance(35_000);
      assert.ok(h.attemptsAtMs.length > 2 && h.attemptsAtMs.length <= 5, `${h.attemptsAtMs.length} connections`);
    });

    it('goes to the maximum in seconds where the way is long', () => {
      const h = pools.make({
        recipients: 50_000,
        script: () => slow(80),
        pool: { maxConnections: 16 },
      });
      h.start();
      h.clock.advance(6_000);
      assert.equal(h.attemptsAtMs.length, 16);
    });

    it('opens none while one connection does all the work', () => {
      const h = pools.make({ recipients: 1000, script: () => ({ onRequest: () => {} }) });
      h.start();
      h.clock.advance(2000);
      assert.equal(h.pool.stats().inFlight, unprovenRequests);
      assert.deepEqual(h.attemptsAtMs, [0]);
    });

    it('keeps working with the connections it has when another cannot be opened', () => {
      const h = pools.make({ recipients: 1000, script: (n) => (n === 0 ? slow(1_000) : connectError()) });
      h.start();
      h.clock.advance(30_000);
      assert.deepEqual(h.source.failures, []);
      assert.ok(h.attemptsAtMs.length < 8, `${h.attemptsAtMs.length} attempts: backs off`);
    });

    it('gives new work to the least loaded connection', () => {
      const h = pools.make({ recipients: 1_000, script: () => slow(), runSize: 5 });
      h.start();
      h.clock.advance(900);
      const { gateways } = h;
      assert.equal(gateways.length, 4);
      for (const gateway of gateways) assert.ok(gateway.openStreams >= 9 && gateway.openStreams <= 10);
    });
  });
});
