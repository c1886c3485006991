import assert from 'node:assert/strict';
import { maxConnectAttempts, minPacedRequests } from '../../../src/base/limits.js';
import * as frames from '../../../src/codec/http2/frames.js';
import { cases } from '../../support/cases.js';
import { type GatewayScript, type ScriptedGateway, streams } from '../../support/scripted-gateway.js';
import { connectError, type Harness, usePool } from '../../support/use-pool.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const hourMs = 3_600_000;

/** The same numbers each time, spread as those of Math.random. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('connection/pool in a storm', () => {
  const pools = usePool();

  /** An hour with a program that asks again every second, whatever it is told. */
  function anHourOf(script: (n: number) => GatewayScript | ReturnType<typeof connectError>, seed = 1): Harness {
    const h = pools.make({ recipients: 2_000, resends: 255, script, pool: { random: chance(seed) } });
    for (let ms = 0; ms < hourMs; ms += 1000) {
      h.pool.workAvailable();
      h.clock.advance(1000);
    }
    h.source.dropWaiting();
    return h;
  }

  for (const [what, most, script] of [
    ['refuses connections', 250, () => connectError()],
    ['says GOAWAY(0) to each connection at once', 250, () => ({ onConnect: (gateway) => gateway.goaway(0) })],
    ['says GOAWAY(0) to each request', 250, () => ({ onRequest: (gateway) => gateway.goaway(0) })],
    ['drops each connection at its first request', 250, () => ({ onRequest: (gateway) => gateway.stream.destroy() })],
    [
      'shuts down at each first request',
      250,
      () => ({ onRequest: (gateway, id) => gateway.reject(id, 503, '{"reason":"Shutdown"}') }),
    ],
    [
      'says GOAWAY after one answer',
      10_000,
      () => ({
        settings: streams(5),
        onRequest: (gateway: ScriptedGateway, id: number) => {
          gateway.accept(id);
          gateway.goaway(id);
        },
      }),
    ],
  ] as [string, number, (n: number) => GatewayScript | ReturnType<typeof connectError>][]) {
    it(`connects at most ${most} times an hour to a gateway that ${what}`, () => {
      for (let seed = 1; seed <= cases(2, 1); seed++) {
        const { attemptsAtMs } = anHourOf(script, seed);
        assert.ok(attemptsAtMs.length <= most, `seed ${seed}: ${attemptsAtMs.length} attempts`);
        const inFirstSecond = attemptsAtMs.filter((ms) => ms < 1000).length;
        assert.ok(inFirstSecond <= maxConnectAttempts + 1, `seed ${seed}: ${inFirstSecond} in the first second`);
      }
    });
  }

  it('sends few requests, and opens few connections, where all streams are refused', () => {
    const h = pools.make({
      recipients: 5000,
      resends: 255,
      script: () => ({ onRequest: (gateway, id) => gateway.reset(id, frames.REFUSED_STREAM) }),
    });
    h.start();
    h.clock.advance(600_000);
    assert.ok(h.attemptsAtMs.length <= 4, `${h.attemptsAtMs.length} attempts`);
    const sent = h.received().length;
    assert.ok(sent <= 2_000 + 600 * minPacedRequests, `${sent} requests in ten minutes`);
    h.source.dropWaiting();
  });

  it('risks one request, not a thousand, on a connection after two that died of theirs', () => {
    const h = pools.make({ recipients: 5000, script: () => ({ onRequest: (gateway) => gateway.stream.destroy() }) });
    h.start();
    h.clock.advance(60_000);
    assert.equal(h.attemptsAtMs.length, 3);
    assert.equal(h.gateways[2]!.requests.length, 1);
    assert.equal(h.source.failures[0]?.code, 'ERR_PEAL_CLOSED');
    h.source.dropWaiting();
  });

  it('opens one connection at a time after failures, until one has answered', () => {
    const h = pools.make({
      recipients: 5000,
      script: (n) =>
        n < 2
          ? connectError()
          : {
              settings: streams(10),
              onRequest: (gateway, id) => {
                h.clock.setTimer(() => gateway.accept(id), 2_000);
              },
            },
    });
    h.start();
    h.clock.advance(3_000);
    assert.equal(h.attemptsAtMs.length, 3);
    h.source.dropWaiting();
  });

  it('is one storm for all pools of an address: they wait together, and go on together', () => {
    const clock = new VirtualClock();
    let isDown = true;
    const attemptsAtMs: number[] = [];
    const script = (): GatewayScript | ReturnType<typeof connectError> => {
      attemptsAtMs.push(clock.now());
      return isDown ? connectError() : {};
    };
    const three = Array.from({ length: 10 }, (_, i) => pools.make({ clock, script, pool: { random: chance(i + 1) } }));
    const ask = (ms: number): void => {
      for (let at = 0; at < ms; at += 1000) {
        for (const { pool } of three) pool.workAvailable();
        clock.advance(1000);
      }
    };
    ask(600_000);
    // Alone, each of ten pools would try every half minute at the least.
    assert.ok(attemptsAtMs.length <= 60, `${attemptsAtMs.length} attempts in ten minutes`);
    isDown = false;
    ask(60_000);
    assert.ok(three.every(({ source }) => source.isDone));
    const last = attemptsAtMs.slice(-10);
    assert.ok(last[9]! - last[0]! <= 1_000, 'the first that connects lets the others go on');
  });
});
