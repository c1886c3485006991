import assert from 'node:assert/strict';
import { drainTimeoutMs, minConnectWaitMs } from '../../../src/base/limits.js';
import * as frames from '../../../src/codec/http2/frames.js';
import { range } from '../../support/book-source.js';
import { type ScriptedGateway, streams } from '../../support/scripted-gateway.js';
import { connectError, type Harness, usePool } from '../../support/use-pool.js';

describe('connection/pool and GOAWAY', () => {
  const pools = usePool();

  it('tells those that were not processed why: where, and the reason that the gateway gave', () => {
    const h = pools.make({
      recipients: 50,
      script: () => ({
        settings: streams(50),
        onRequest: (gateway, id, index) => {
          if (index === 0) gateway.accept(id);
          if (index === 49) gateway.goaway(1, 0, '{"reason":"IdleTimeout"}');
        },
      }),
    });
    h.start();
    assert.equal(h.source.count('unsent'), 49);
    for (const { cause } of h.source.causes) {
      assert.equal(cause.code, 'ERR_PEAL_GOAWAY');
      assert.match(cause.message, /^gateway\.example:443 closed the connection \(GOAWAY, error code 0, IdleTimeout\)/);
    }
  });

  describe('before the first answer, after two attempts that were refused', () => {
    /** The third connection has to prove itself: it gets one request, and a GOAWAY that promises to answer it. */
    function makeThird(): { h: Harness; id: number } {
      let asked = 0;
      const onRequest = (gateway: ScriptedGateway, id: number): void => {
        asked = id;
        gateway.goaway(id);
      };
      const h = pools.make({ script: (n) => (n < 2 ? connectError() : n === 2 ? { onRequest } : {}) });
      h.start();
      for (let ms = 0; ms < 10_000 && asked === 0; ms += 10) h.clock.advance(10);
      assert.equal(h.attemptsAtMs.length, 3);
      return { h, id: asked };
    }

    it('does not give the pool up while answers may come', () => {
      const { h, id } = makeThird();
      assert.deepEqual(h.source.failures, []);
      h.gateways[0]!.accept(id);
      h.clock.advance(30_000);
      assert.deepEqual(h.source.failures, []);
      assert.equal(h.source.count('accepted'), 100);
    });

    it('gives the pool up when none came', () => {
      const { h } = makeThird();
      h.gateways[0]!.stream.destroy();
      h.clock.advance(1);
      assert.equal(h.source.failures.length, 1);
      h.source.dropWaiting();
    });
  });

  it('takes connections that answered after their GOAWAY for no failures, whatever they answered', () => {
    const onRequest = (gateway: ScriptedGateway, id: number): void => {
      if (gateway.requests.length > 1) return;
      gateway.goaway(id);
      h.clock.setTimer(() => gateway.reject(id, 500, '{"reason":"InternalServerError"}'), 5);
    };
    const h = pools.make({
      script: (n) => (n < 2 ? { settings: streams(1), onRequest } : n === 2 ? connectError() : {}),
    });
    h.start();
    h.clock.advance(60_000);
    assert.deepEqual(h.source.failures, []);
    assert.deepEqual([h.source.count('accepted'), h.source.count('rejected')], [98, 2]);
  });

  it('sends what was not processed over a successor, once, and keeps the answers that still come', () => {
    const held: [number, number][] = [];
    const h = pools.make({
      recipients: 2000,
      resends: 3,
      script: (n) =>
        n > 0
          ? {}
          : {
              onRequest: (gateway, id, index) => {
                if (index < 500) gateway.accept(id);
                else held.push([id, index]);
              },
            },
    });
    h.start();
    const first = h.gateways[0]!;
    const last = first.streamOf.get(699)!;
    first.goaway(last);
    h.clock.advance(100);
    assert.equal(h.attemptsAtMs.length, 2, 'the successor opens before the first has drained');
    assert.equal(h.pool.stats().draining, 1);
    for (const [id] of held) if (id <= last) first.accept(id);
    h.clock.advance(100);
    assert.equal(h.source.count('accepted'), 2000);
    assert.deepEqual(
      h.gateways[1]!.requests.slice().sort((a, b) => a - b),
      range(0, 2000).slice(700),
    );
    assert.equal(first.closed, null, 'closed in good order');
    assert.deepEqual(first.goawayFromClient?.errorCode, 0);
  });

  it('lets a connection that does not answer what it took go after a while: unknown', () => {
    const h = pools.make({ recipients: 10, script: () => ({ onRequest: () => {} }) });
    h.start();
    h.gateways[0]!.goaway(9); // streams 1, 3, 5, 7, 9
    h.clock.advance(100);
    assert.equal(h.source.count('unsent'), 5);
    h.clock.advance(drainTimeoutMs - 200);
    assert.deepEqual(h.source.indicesOf('unknown'), []);
    h.clock.advance(200);
    assert.deepEqual(h.source.indicesOf('unknown'), range(0, 5));
    assert.equal(h.source.causes.at(-1)!.cause.code, 'ERR_PEAL_GOAWAY');
  });

  it('on every connection, before any answer, ends in a clear failure and not in a storm', () => {
    const h = pools.make({ resends: 100, script: () => ({ onRequest: (gateway) => gateway.goaway(0, 0) }) });
    h.start();
    h.clock.advance(60_000);
    assert.equal(h.attemptsAtMs.length, 3);
    assert.equal(h.source.failures[0]?.code, 'ERR_PEAL_GOAWAY');
    h.source.dropWaiting();
  });

  it('after every few answers slows the pool down, but it arrives', () => {
    const h = pools.make({
      recipients: 60,
      resends: 200,
      script: () => ({
        settings: streams(5),
        onRequest: (gateway, id) => {
          gateway.accept(id);
          if (gateway.requests.length === 10) gateway.goaway(id);
        },
      }),
      pool: { maxConnections: 1 },
    });
    h.start();
    h.clock.advance(120_000);
    const waits = h.attemptsAtMs.slice(1).map((atMs, index) => atMs - h.attemptsAtMs[index]!);
    assert.ok(
      waits.every((waitMs) => waitMs >= minConnectWaitMs),
      `no spinning: ${waits}`,
    );
    assert.ok(h.attemptsAtMs.length <= 12, `${h.attemptsAtMs.length} connections`);
    assert.equal(h.source.count('accepted'), 60);
    assert.deepEqual(
      h.received().sort((a, b) => a - b),
      range(0, 60),
    );
  });

  it('with a reason that speaks of the credential is final', () => {
    const h = pools.make({
      resends: 1,
      script: () => ({ onRequest: (gateway) => gateway.goaway(0, 0, '{"reason":"BadCertificate"}') }),
    });
    h.start();
    assert.equal(h.attemptsAtMs.length, 1);
    assert.equal(h.source.failures[0]?.origin, 'credential');
    assert.match(h.source.failures[0]!.message, /BadCertificate/);
    h.source.dropWaiting();
  });

  it('in two steps sends nothing new after the first, and gives back what the second excludes', () => {
    const served = 200;
    const onRequest = (gateway: ScriptedGateway, id: number, index: number): void => {
      if (index < served) gateway.accept(id);
    };
    const h = pools.make({
      recipients: served + 40,
      resends: 1,
      script: (n) => (n > 0 ? {} : { settings: streams(20), onRequest }),
      pool: { maxConnections: 1 },
    });
    h.start();
    const first = h.gateways[0]!;
    first.goaway(0x7fffffff);
    h.clock.advance(100);
    assert.equal(first.requests.length, served + 20, 'nothing follows a graceful GOAWAY');
    assert.equal(h.attemptsAtMs.length, 2, 'the successor is open');
    assert.equal(h.source.count('accepted'), served + 20, 'what waited goes over it');
    const last = first.streamOf.get(served + 9)!;
    first.goaway(last);
    h.clock.advance(10);
    h.start(); // a source whose recipients come back says so
    assert.equal(h.source.count('accepted'), served + 30);
    for (let index = served; index < served + 10; index++) first.accept(first.streamOf.get(index)!);
    h.clock.advance(100);
    assert.equal(h.source.count('accepted'), served + 40);
    assert.equal(h.received().length, served + 50);
    assert.equal(first.closed, null);
  });

  it('that is repeated counts with the lowest id, also where a later one names a higher', () => {
    const h = pools.make({ recipients: 10, script: () => ({ onRequest: () => {} }) });
    h.start();
    const [gateway] = h.gateways;
    gateway!.goaway(15);
    h.clock.advance(10);
    assert.deepEqual(h.source.indicesOf('unsent'), [8, 9]);
    gateway!.goaway(5);
    h.clock.advance(10);
    gateway!.goaway(11);
    h.clock.advance(10);
    assert.deepEqual(h.source.indicesOf('unsent'), [3, 4, 5, 6, 7, 8, 9]);
    for (const id of [1, 3, 5]) gateway!.accept(id);
    h.clock.advance(10);
    assert.deepEqual(h.source.indicesOf('accepted'), [0, 1, 2]);
  });

  it('with an error after a graceful one is what the requests that got no answer are told', () => {
    const h = pools.make({ recipients: 4, script: () => ({ onRequest: () => {} }) });
    h.start();
    const [gateway] = h.gateways;
    gateway!.goaway(0x7fffffff);
    h.clock.advance(10);
    gateway!.goaway(7, frames.ENHANCE_YOUR_CALM, '{"reason":"TooManyErrors"}');
    h.clock.advance(10);
    gateway!.stream.destroy();
    h.clock.advance(10);
    assert.equal(h.source.count('unknown'), 4);
    assert.match(h.source.causes[0]!.cause.message, /^gateway\.example:443 .*TooManyErrors/);
  });

  it('replaces a connection at once although others are still there', () => {
    const h = pools.make({
      recipients: 100_000,
      resends: 2,
      script: () => ({
        settings: streams(10),
        onRequest: (gateway, id) => {
          h.clock.setTimer(() => gateway.accept(id), 40);
        },
      }),
      pool: { maxConnections: 3 },
    });
    h.start();
    h.clock.advance(5_000);
    assert.equal(h.pool.stats().ready, 3);
    const opened = h.attemptsAtMs.length;
    h.gateways[1]!.goaway(0x7fffffff);
    const sentAtMs = h.clock.now();
    h.clock.advance(5);
    assert.equal(h.attemptsAtMs.length, opened + 1);
    assert.equal(h.attemptsAtMs.at(-1), sentAtMs);
    h.source.dropWaiting();
  });

  it('after every 50 answers costs a thousand recipients seconds, not minutes', () => {
    for (const chance of [0.02, 0.5, 0.98]) {
      const h = pools.make({
        recipients: 1000,
        resends: 100,
        script: () => ({
          settings: streams(50),
          onRequest: (gateway, id) => {
            gateway.accept(id);
            if (gateway.requests.length === 50) gateway.goaway(id);
          },
        }),
        pool: { random: () => chance },
      });
      h.start();
      h.clock.advance(30_000);
      assert.equal(h.source.count('accepted'), 1000, `chance ${chance}`);
      assert.ok(h.attemptsAtMs.length <= 21);
    }
  });
});
