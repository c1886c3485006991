import assert from 'node:assert/strict';
import { maxUnavailableMs } from '../../../src/base/limits.js';
import * as frames from '../../../src/codec/http2/frames.js';
import type { Backend } from '../../../src/transport/backend.js';
import { streams } from '../../support/scripted-gateway.js';
import { connectError, usePool } from '../../support/use-pool.js';

describe('connection/pool when things fail', () => {
  const pools = usePool();

  describe('failure to connect', () => {
    it('tries again with a growing wait and then tells the source', () => {
      const h = pools.make({ script: () => connectError() });
      h.start();
      h.clock.advance(60_000);
      assert.deepEqual(h.attemptsAtMs, [0, 500, 1500]);
      assert.deepEqual(
        h.source.failures.map(({ code }) => code),
        ['ERR_PEAL_CONNECT'],
      );
      assert.equal(h.source.count('waiting'), 100, 'what waits is the source’s to decide');
      h.source.dropWaiting();
    });

    for (const code of ['ERR_PEAL_ALPN', 'ERR_PEAL_TLS', 'ERR_PEAL_CREDENTIAL'] as const) {
      it(`tells the source at once about ${code}`, () => {
        const h = pools.make({ script: () => connectError(code, false) });
        h.start();
        assert.equal(h.attemptsAtMs.length, 1);
        assert.deepEqual(
          h.source.failures.map((failure) => failure.code),
          [code],
        );
        h.source.dropWaiting();
      });
    }

    it('tells the source also while its rate lets nothing begin', () => {
      const h = pools.make({ script: () => connectError('ERR_PEAL_TLS', false) });
      h.pool.workAvailable();
      Object.assign(h.source, { current: () => null, isEmpty: false });
      h.clock.advance(100);
      assert.equal(h.source.failures.length, 1);
      h.source.dropWaiting();
    });

    it('begins anew when asked again, though not faster', () => {
      const h = pools.make({ script: (n) => (n < 3 ? connectError() : {}) });
      h.start();
      h.clock.advance(60_000);
      assert.equal(h.source.failures.length, 1);
      h.start();
      assert.equal(h.source.count('accepted'), 100);
    });

    it('waits for a gateway that has answered and is being restarted', () => {
      const down = [1, 2, 3, 4];
      const h = pools.make({
        recipients: 3000,
        script: (n) => {
          if (down.includes(n)) return connectError();
          return n > 0
            ? {}
            : {
                onRequest: (gateway, id, index) => {
                  if (index < 200) gateway.accept(id);
                  if (index === 400) gateway.stream.destroy();
                },
              };
        },
      });
      h.start();
      h.clock.advance(20_000);
      assert.deepEqual(h.source.failures, []);
      assert.ok(h.source.isDone);
      assert.equal(h.source.count('accepted') + h.source.count('unknown'), 3000);
      assert.ok(h.attemptsAtMs.length > down.length + 1);
    });

    it('gives up a gateway that never sends SETTINGS', () => {
      const h = pools.make({ script: () => ({ settings: null }) });
      h.start();
      h.clock.advance(60_000);
      assert.equal(h.attemptsAtMs.length, 3);
      assert.equal(h.source.failures[0]?.code, 'ERR_PEAL_CONNECT_TIMEOUT');
      h.source.dropWaiting();
    });

    it('does not blame a gateway that is never reached for its HTTP/2', () => {
      const open: Backend['open'] = (_options, listener) => ({
        write: () => {},
        pauseReading: () => {},
        resumeReading: () => {},
        end: () => {},
        destroy: () => h.clock.defer(() => listener.onClosed(null)),
        ...{ isClosed: false, hasUnread: false, reset: () => false, details: () => ({}) },
      });
      const h = pools.make({ pool: { backend: { open } } });
      h.start();
      h.clock.advance(60_000);
      assert.equal(h.source.failures[0]?.code, 'ERR_PEAL_CONNECT_TIMEOUT');
      assert.match(
        h.source.failures[0]!.message,
        /^gateway\.example:443 did not complete a connection within 10000 ms/,
      );
      h.source.dropWaiting();
    });

    it('counts connections that die before any answer as failures, and loses no recipient', () => {
      const h = pools.make({
        script: () => ({ onRequest: (gateway) => gateway.stream.destroy() }),
        recipients: 3000,
      });
      h.start();
      h.clock.advance(60_000);
      assert.equal(h.attemptsAtMs.length, 3);
      assert.equal(h.source.failures[0]?.code, 'ERR_PEAL_CLOSED');
      assert.match(h.source.failures[0]!.message, /\. 3 attempts in a row came to nothing\.$/);
      h.source.dropWaiting();
      assert.ok(h.source.isDone);
      assert.ok(h.source.count('unknown') > 0);
    });
  });

  describe('refused streams', () => {
    it('are sent again ever more slowly, whatever the source’s budget, until the pool gives up', () => {
      let refusals = 0;
      const h = pools.make({
        recipients: 1,
        resends: 5,
        script: () => ({
          onRequest: (gateway, id) => {
            refusals++;
            gateway.reset(id, frames.REFUSED_STREAM);
          },
        }),
      });
      h.start();
      h.clock.advance(900);
      assert.ok(refusals >= 4 && refusals <= 8, `${refusals} in the first second`);
      h.clock.advance(60_000);
      assert.ok(refusals >= 50 && refusals <= 75, `${refusals} in the first minute`);
      assert.equal(h.source.count('unsent'), 0);
      h.clock.advance(maxUnavailableMs);
      assert.equal(h.source.failures[0]?.code, 'ERR_PEAL_UNAVAILABLE');
      h.source.dropWaiting();
    });

    it('among answers delay nothing', () => {
      const h = pools.make({
        recipients: 400,
        resends: 1,
        script: () => ({
          onRequest: (gateway, id, index) => {
            if (index % 10 === 3 && id < 2 * 400) gateway.reset(id, frames.REFUSED_STREAM);
            else gateway.accept(id);
          },
        }),
      });
      h.start();
      h.clock.advance(50);
      assert.equal(h.source.count('accepted'), 400);
    });
  });

  describe('the end', () => {
    it('of a connection makes what is in flight unknown and keeps the rest waiting', () => {
      const h = pools.make({
        recipients: 3000,
        script: (n) =>
          n > 0
            ? {}
            : {
                onRequest: (gateway, id, index) => {
                  if (index < 200) gateway.accept(id);
                  if (index === 400) gateway.stream.destroy();
                },
              },
      });
      h.start();
      h.clock.advance(5000);
      assert.ok(h.source.isDone);
      const unknown = h.source.indicesOf('unknown');
      assert.ok(unknown.length >= 201);
      const second = h.gateways[1]!.requests;
      assert.equal(second.filter((index) => unknown.includes(index)).length, 0, 'no unknown one is sent again');
      assert.equal(new Set(h.received()).size, h.received().length, 'nothing is received twice');
      assert.equal(h.source.count('accepted') + unknown.length, 3000);
    });

    it('of the protocol is answered with GOAWAY', () => {
      const h = pools.make({
        recipients: 10,
        script: () => ({ onRequest: (gateway) => gateway.send(frames.DATA, 0, 0, [1]) }),
      });
      h.start();
      assert.equal(h.source.count('unknown'), 10);
      assert.equal(h.source.causes[0]!.cause.code, 'ERR_PEAL_PROTOCOL');
      assert.match(h.source.causes[0]!.cause.message, /^gateway\.example:443: /);
      assert.equal(h.gateways[0]!.goawayFromClient?.errorCode, frames.PROTOCOL_ERROR);
    });

    it('comes for a gateway that allows no request at all, after a while: what waits is not kept for ever', () => {
      const h = pools.make({ script: () => ({ settings: streams(0) }), pool: { maxConnections: 2 } });
      h.start();
      h.clock.advance(55_000);
      assert.equal(h.source.failures.length, 0);
      h.clock.advance(200_000);
      assert.equal(h.source.failures[0]?.code, 'ERR_PEAL_TIMEOUT');
      assert.match(h.source.failures[0]!.message, /allowed no request for 60000 ms/);
      assert.equal(h.source.count('waiting'), 100);
      h.source.dropWaiting();
    });

    it('comes for a gateway that never opens its window again; the work goes on over a successor', () => {
      // Each connection has room for 15 payloads of 4,096 bytes and then less than one: half a request is none.
      const h = pools.make({
        recipients: 200,
        resends: 1,
        payloadBytes: 4095,
        script: (n) => ({ opensWindow: n > 0 }),
        pool: { maxConnections: 1 },
      });
      h.start();
      h.clock.advance(200_000);
      assert.ok(h.source.isDone);
      assert.equal(h.source.count('accepted'), 200);
    });

    it('does not come for a gateway that takes a pause before it allows requests', () => {
      const h = pools.make({ script: () => ({ settings: streams(0) }), pool: { maxConnections: 1 } });
      h.start();
      h.clock.advance(50_000);
      h.gateways[0]!.settings(streams(100));
      h.clock.advance(20_000);
      assert.equal(h.source.count('accepted'), 100);
      assert.equal(h.attemptsAtMs.length, 1);
    });

    it('of idle connections is asked for by outdate()', () => {
      const h = pools.make({ recipients: 5 });
      h.start();
      h.clock.advance(800);
      h.pool.outdate(1000);
      h.clock.advance(100);
      assert.equal(h.pool.stats().ready, 1);
      h.clock.advance(200);
      h.pool.outdate(1000);
      h.clock.advance(100);
      assert.deepEqual([h.pool.stats().ready, h.pool.stats().draining], [0, 0]);
      assert.equal(h.gateways[0]!.goawayFromClient?.errorCode, 0);
    });

    it('by close() waits for answers, and not for ever', async () => {
      const h = pools.make({ recipients: 10, script: () => ({ onRequest: () => {} }) });
      h.start();
      let isClosed = false;
      const closed = h.pool.close().then(() => {
        isClosed = true;
      });
      for (let id = 1; id <= 11; id += 2) h.gateways[0]!.accept(id);
      h.clock.advance(1000);
      await Promise.resolve();
      assert.equal(isClosed, false);
      h.clock.advance(5000);
      await closed;
      assert.equal(h.source.count('accepted'), 6);
      assert.equal(h.source.count('unknown'), 4);
    });

    it('by close() while connecting leaves what waits with the source', async () => {
      const h = pools.make({ script: () => ({ settings: null }) });
      h.start();
      await h.close();
      assert.equal(h.source.count('waiting'), 100);
      assert.deepEqual(h.source.failures, []);
    });
  });
});
