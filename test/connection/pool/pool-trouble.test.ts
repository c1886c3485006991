/**
 * A pool and gateways that take requests and do not answer them: it slows down, asks one at a time, and stops in time.
 */
import assert from 'node:assert/strict';
import { maxUnavailableMs, startRequests, unprovenRequests } from '../../../src/base/limits.js';
import * as frames from '../../../src/codec/http2/frames.js';
import type { GatewayScript, ScriptedGateway } from '../../support/scripted-gateway.js';
import { type Harness, type HarnessOptions, usePool } from '../../support/use-pool.js';

const recipients = 5_000;
/** What a new connection has under way, what follows it in the same turn, and single requests after that. */
const mostUnknown = 2 * startRequests + 60;

describe('connection/pool and a gateway that loses what it takes', () => {
  const pools = usePool();
  let h: Harness;

  const make = (options: HarnessOptions<GatewayScript>): Harness => {
    h = pools.make({ recipients, ...options });
    return h;
  };

  /** Lets `ms` pass, or less where the source is told of a failure. */
  function runFor(ms: number): number {
    h.start();
    for (let passed = 0; passed < ms; passed += 1000) {
      if (h.source.failures.length > 0 || h.source.count('accepted') === recipients) return passed;
      h.clock.advance(1000);
    }
    return ms;
  }

  for (const code of [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13]) {
    it(`stops where it resets every stream with code ${code}, with most recipients unsent`, () => {
      make({ script: () => ({ onRequest: (gateway, id) => gateway.reset(id, code) }) });
      const passed = runFor(2 * maxUnavailableMs);
      assert.equal(h.source.failures[0]?.code, 'ERR_PEAL_UNAVAILABLE');
      assert.match(h.source.failures[0]!.message, /left requests without an answer/);
      assert.ok(passed >= maxUnavailableMs - 1000 && passed <= maxUnavailableMs + 70_000, `${passed} ms`);
      assert.ok(h.source.count('unknown') <= mostUnknown, `${h.source.count('unknown')} unknown`);
      assert.equal(h.source.count('accepted'), 0);
    });
  }

  for (const connections of [1, 4, 8]) {
    it(`makes one trial at a time with ${connections} connections, and lets all of them go on afterwards`, () => {
      let isWell = true;
      const answer = (gateway: ScriptedGateway, id: number): void => {
        if (isWell) gateway.accept(id);
        else gateway.reset(id, 2);
      };
      make({
        recipients: 100_000,
        script: () => ({
          settings: [[frames.SETTINGS_MAX_CONCURRENT_STREAMS, 10]],
          onRequest: (gateway, id) => void h.clock.setTimer(() => answer(gateway, id), 100),
        }),
        pool: { maxConnections: connections },
      });
      h.start();
      h.clock.advance(10_000);
      assert.equal(h.pool.stats().ready, connections);
      isWell = false;
      h.clock.advance(2_000);
      const lost = h.source.count('unknown');
      assert.ok(lost >= 10 && lost <= 20 * connections, `${lost} lost at first`);
      h.clock.advance(maxUnavailableMs / 2);
      const trials = h.source.count('unknown') - lost;
      // Pauses of 4, 8, 16, 32 and 60 seconds.
      assert.ok(trials >= 3 && trials <= 7, `${trials} trials`);
      isWell = true;
      h.clock.advance(65_000);
      assert.equal(h.source.count('unknown'), lost + trials);
      assert.ok(h.pool.stats().inFlight >= connections * 8, 'all of them work again');
      assert.equal(h.source.failures.length, 0);
    });
  }

  it('loses a few only where the first connection dies before any answer', () => {
    make({ script: (n) => (n === 0 ? { onRequest: (gateway) => gateway.stream.destroy() } : {}) });
    runFor(60_000);
    assert.equal(h.source.count('accepted') + h.source.count('unknown'), recipients);
    assert.ok(h.source.count('unknown') <= unprovenRequests, `${h.source.count('unknown')} unknown`);
  });

  it('goes on as soon as streams are answered again', () => {
    let isWell = false;
    make({ script: () => ({ onRequest: (gateway, id) => (isWell ? gateway.accept(id) : gateway.reset(id, 2)) }) });
    h.start();
    h.clock.advance(20_000);
    isWell = true;
    runFor(60_000);
    assert.equal(h.source.failures.length, 0);
    assert.equal(h.source.count('accepted') + h.source.count('unknown'), recipients);
    assert.ok(h.source.count('unknown') <= mostUnknown);
  });

  it('is not slowed down by a token whose stream is reset each time, among good ones', () => {
    make({
      script: () => ({
        onRequest: (gateway, id, index) => (index % 50 === 7 ? gateway.reset(id, 2) : gateway.accept(id)),
      }),
    });
    h.start();
    h.clock.advance(3_000);
    assert.deepEqual([h.source.count('accepted'), h.source.count('unknown')], [recipients * 0.98, recipients * 0.02]);
  });

  for (const served of [1, 3, 7]) {
    it(`stops where connections die after ${served} answers each, and loses little on the way`, () => {
      make({ script: () => ({ onRequest: dieAfter(served) }) });
      runFor(3 * maxUnavailableMs);
      assert.equal(h.source.failures[0]?.code, 'ERR_PEAL_UNAVAILABLE');
      assert.ok(h.source.count('unknown') <= mostUnknown, `${h.source.count('unknown')} unknown`);
    });
  }

  for (const served of [100, 1_000]) {
    it(`arrives where connections die after ${served} answers each, and risks a tenth of that`, () => {
      make({ script: () => ({ onRequest: dieAfter(served) }) });
      runFor(1_200_000);
      assert.equal(h.source.failures.length, 0);
      const [accepted, unknown] = [h.source.count('accepted'), h.source.count('unknown')];
      assert.ok(unknown <= startRequests + accepted / 5, `${unknown} unknown, ${accepted} accepted`);
    });
  }

  it('stops where it refuses every stream for five minutes', () => {
    make({ resends: 255, script: () => ({ onRequest: (gateway, id) => gateway.reset(id, frames.REFUSED_STREAM) }) });
    const passed = runFor(2 * maxUnavailableMs);
    assert.equal(h.source.failures[0]?.code, 'ERR_PEAL_UNAVAILABLE');
    assert.match(h.source.failures[0]!.message, /For 5 minutes gateway\.example:443 has refused every request/);
    assert.ok(passed <= maxUnavailableMs + 5_000, `${passed} ms`);
    assert.equal(h.source.count('unknown'), 0);
  });

  for (const seconds of [5, 20, 200]) {
    it(`loses nobody where it refuses every stream for ${seconds} seconds, though each may go again only ten times`, () => {
      let isWell = false;
      const refuse = (gateway: ScriptedGateway, id: number): void => gateway.reset(id, frames.REFUSED_STREAM);
      make({
        recipients: 500,
        resends: 10,
        script: () => ({ onRequest: (gateway, id) => (isWell ? gateway.accept(id) : refuse(gateway, id)) }),
      });
      h.start();
      h.clock.advance(seconds * 1000);
      isWell = true;
      h.clock.advance(10_000);
      assert.equal(h.source.count('accepted'), 500);
    });
  }

  it('loses nobody where it serves one request at a time and refuses the others', () => {
    make({
      recipients: 500,
      resends: 10,
      script: () => {
        let isBusy = false;
        return {
          onRequest: (gateway, id) => {
            if (isBusy) {
              gateway.reset(id, frames.REFUSED_STREAM);
              return;
            }
            isBusy = true;
            h.clock.setTimer(() => {
              isBusy = false;
              gateway.accept(id);
            }, 20);
          },
        };
      },
      pool: { maxConnections: 1 },
    });
    h.start();
    h.clock.advance(maxUnavailableMs);
    assert.deepEqual([h.source.count('accepted'), h.source.failures.length], [500, 0]);
  });

  it('says that there is no window where there is none', () => {
    make({ script: () => ({ opensWindow: false, settings: [[frames.SETTINGS_INITIAL_WINDOW_SIZE, 0]] }) });
    const passed = runFor(2 * maxUnavailableMs);
    assert.match(h.source.failures[0]!.message, /gave no window for the rest of a request/);
    assert.ok(passed <= maxUnavailableMs + 60_000, `${passed} ms`);
    assert.equal(h.source.count('unknown'), 0);
  });

  for (const [n, count, withinMs] of [
    [1, 100, 120_000],
    [2, 200, 120_000],
    [50, 5_000, 60_000],
    [90, 5_000, 60_000],
  ] as const) {
    it(`arrives where it says GOAWAY after ${n} requests each time, in time for ${count}`, () => {
      let connections = 0;
      make({
        recipients: count,
        resends: 10,
        script: () => {
          connections++;
          return {
            onRequest: (gateway, id) => {
              gateway.accept(id);
              if (gateway.requests.length === n) gateway.goaway(id);
            },
          };
        },
      });
      h.start();
      h.clock.advance(withinMs);
      assert.equal(h.source.count('accepted'), count);
      assert.ok(connections <= 1.2 * (count / n) + 4, `${connections} connections`);
      assert.ok(h.received().length <= 4 * count + 2_000, `${h.received().length} requests`);
    });
  }

  for (const [n, count, withinMs] of [
    [1, 100, 120_000],
    [10, 500, 120_000],
    [50, 1_000, 60_000],
  ] as const) {
    it(`arrives as soon where that GOAWAY after ${n} requests comes before their answers`, () => {
      let connections = 0;
      make({
        recipients: count,
        resends: 10,
        script: () => {
          connections++;
          return {
            onRequest: (gateway, id) => {
              if (gateway.requests.length > n) return;
              if (gateway.requests.length === n) gateway.goaway(id);
              h.clock.setTimer(() => gateway.accept(id), 30);
            },
          };
        },
      });
      h.start();
      h.clock.advance(withinMs);
      assert.equal(h.source.count('accepted'), count);
      assert.ok(connections <= 1.2 * (count / n) + 4, `${connections} connections`);
    });
  }
});

function dieAfter(served: number): (gateway: ScriptedGateway, id: number) => void {
  let answered = 0;
  return (gateway, id) => {
    if (answered++ < served) gateway.accept(id);
    else gateway.stream.destroy();
  };
}
