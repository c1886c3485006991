import assert from 'node:assert/strict';
import {
  drainTimeoutMs,
  requestTimeoutMs,
  settingsAckTimeoutMs,
  stuckLimitTimeoutMs,
} from '../../../src/base/limits.js';
import * as frames from '../../../src/codec/http2/frames.js';
import { cases } from '../../support/cases.js';
import { type GatewayScript, type ScriptedGateway, streams } from '../../support/scripted-gateway.js';
import { type Harness, type HarnessOptions, usePool } from '../../support/use-pool.js';

/** What is promised: a gateway that is gone is found within this time, in all cases. */
const promisedMs = 20_000;

describe('connection/pool and a gateway that falls silent', () => {
  const pools = usePool();

  /** Lets time pass until every recipient that was sent has its outcome; returns how long that took. */
  function untilSettled(h: Harness, mostMs: number): number {
    const beganMs = h.clock.now();
    while (h.source.count('taken') > 0 && h.clock.now() - beganMs < mostMs) h.clock.advance(50);
    return h.clock.now() - beganMs;
  }

  /** A gateway that answers for `ms`, and is then as if a cable had been cut: it reads nothing and says nothing. */
  function cutAfter(ms: number, options: HarnessOptions<GatewayScript> = {}): [Harness, number] {
    let isCut = false;
    const h = pools.make({
      recipients: 100_000,
      memory: { delayMs: () => 3 },
      ...options,
      script: (n) => ({
        settings: streams(20),
        answersPings: n > 0,
        onRequest: (gateway, id) => {
          // Not all alike, or there are moments in which every answer is on its way.
          const takesMs = 20 + (id % 14);
          h.clock.setTimer(() => {
            if (!isCut) gateway.accept(id);
          }, takesMs);
        },
      }),
      pool: { maxConnections: 1, ...options.pool },
    });
    h.start();
    h.clock.advance(ms - 100);
    isCut = true;
    const lost = h.source.count('taken');
    // What comes back goes nowhere: the rest of the list is not what this is about.
    for (const gateway of h.gateways) gateway.stream.pauseReading();
    h.source.dropWaiting();
    assert.ok(lost > 0);
    return [h, lost];
  }

  it('finds it within 20 s, whatever the phase, and calls unknown what was in flight', async () => {
    const foundMs: number[] = [];
    for (let phaseMs = 0; phaseMs < 1000; phaseMs += cases(37, 235)) {
      const [h, lost] = cutAfter(3_000 + phaseMs);
      foundMs.push(untilSettled(h, 60_000));
      assert.ok(h.source.count('unknown') > 0 && h.source.count('unknown') <= lost);
      assert.equal(h.source.causes[0]!.cause.code, 'ERR_PEAL_TIMEOUT');
      await pools.close();
    }
    const worst = Math.max(...foundMs);
    assert.ok(worst <= 16_100, `worst ${worst} ms, best ${Math.min(...foundMs)} ms`);
    assert.ok(worst <= promisedMs);
  });

  for (const [what, speaksEachMs, message] of [
    ['takes no more bytes and says nothing', null, /did not answer a PING|has taken nothing/],
    ['speaks and takes no more bytes', 700, /has taken nothing of what was written/],
  ] as const) {
    it(`finds one that ${what}, while a write is outstanding, whatever the phase`, async () => {
      for (let phaseMs = 0; phaseMs < 1000; phaseMs += 111) {
        let timer: unknown;
        const h = pools.make({
          recipients: 500,
          payloadBytes: 4000,
          memory: { bufferBytes: 16 * 1024, delayMs: () => phaseMs },
          script: () => ({
            settings: [...streams(1000), [frames.SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20]],
            onConnect: (gateway) => {
              gateway.windowUpdate(0, 1 << 30);
              gateway.stream.pauseReading();
              const speak = (): void => {
                gateway.send(frames.PING, 0, 0, new Uint8Array(8));
                timer = h.clock.setTimer(speak, speaksEachMs!);
              };
              if (speaksEachMs !== null) speak();
            },
            onRequest: () => {},
          }),
          pool: { maxConnections: 1 },
        });
        h.start();
        while (h.source.count('taken') === 0) h.clock.advance(50);
        h.source.dropWaiting();
        assert.ok(untilSettled(h, 60_000) <= promisedMs);
        assert.match(h.source.causes.at(-1)!.cause.message, message);
        if (timer !== undefined) h.clock.clearTimer(timer);
        await pools.close();
      }
    });
  }

  it('finds it on a connection that had been idle, counted from the first request', async () => {
    for (let phaseMs = 0; phaseMs < 1000; phaseMs += 111) {
      const h = pools.make({
        recipients: 20,
        runSize: 10,
        script: () => ({
          settings: streams(10),
          answersPings: false,
          onRequest: (gateway, id, index) => {
            if (index < 10) gateway.accept(id);
          },
        }),
        pool: { maxConnections: 1 },
      });
      const later = h.source.withhold(10);
      h.start();
      assert.equal(h.source.count('accepted'), 10);
      h.clock.advance(30_000 + phaseMs);
      later();
      h.pool.workAvailable();
      h.clock.advance(1);
      assert.equal(h.source.count('taken'), 10);
      assert.ok(untilSettled(h, 60_000) <= promisedMs);
      assert.equal(h.source.count('unknown'), 10);
      await pools.close();
    }
  });

  it('does not take its own busy thread for a dead gateway: what the kernel holds is read before the verdict', () => {
    const h = pools.make({
      recipients: 5,
      script: () => ({ answersPings: false, onRequest: () => {} }),
    });
    h.start();
    const [gateway] = h.gateways;
    // The next tick would call the gateway dead. Then the thread stands still, and the answers come meanwhile: the
    // timer is late and runs first, what has come is read after it.
    h.clock.advance(14_950);
    assert.equal(h.source.count('taken'), 5);
    const tickMs = h.clock.nextTimerMs!;
    for (const id of [1, 3, 5, 7, 9]) gateway!.accept(id);
    h.clock.runTimer(tickMs);
    h.clock.settle();
    assert.equal(h.source.count('accepted'), 5);
  });

  it('waits for an answer as long as PINGs are answered, until a request is overdue', () => {
    const h = pools.make({ recipients: 5, script: () => ({ onRequest: () => {} }) });
    h.start();
    h.clock.advance(55_000);
    assert.equal(h.source.count('taken'), 5);
    assert.ok(h.gateways[0]!.pings >= 4);
    h.clock.advance(15_000);
    assert.equal(h.source.count('unknown'), 5);
    assert.match(h.source.causes[0]!.cause.message, /without an answer for 60000 ms/);
  });

  it('finds one lost answer amid steady traffic, one tick after its time', () => {
    let lostAtMs = 0;
    const h = pools.make({
      recipients: 200_000,
      script: (n) => ({
        settings: streams(20),
        onRequest: (gateway: ScriptedGateway, id: number) => {
          if (n === 0 && lostAtMs === 0 && h.clock.now() > 7_300) lostAtMs = h.clock.now();
          else h.clock.setTimer(() => gateway.accept(id), 20);
        },
      }),
      pool: { maxConnections: 1 },
    });
    h.start();
    h.clock.advance(7_200 + requestTimeoutMs);
    assert.equal(h.pool.stats().draining, 0);
    h.clock.advance(1_200);
    assert.equal(h.attemptsAtMs.length, 2, 'the connection is replaced');
    h.source.dropWaiting();
    assert.ok(h.attemptsAtMs[1]! - lostAtMs <= requestTimeoutMs + 1_000, `${h.attemptsAtMs[1]! - lostAtMs} ms`);
    h.clock.advance(drainTimeoutMs);
    assert.equal(h.source.count('unknown'), 1);
  });

  it('lets slow answers come when it replaces a connection, for whatever reason of its own', () => {
    // Every answer takes 7 s. The limit stands at 1 on the first connection, and one answer is lost on the second.
    const h = pools.make({
      recipients: 100,
      script: (n) => ({
        settings: streams(n === 0 ? 1 : 2),
        onRequest: (gateway, id) => {
          const isLost = n === 1 && gateway.requests.length === 3;
          if (!isLost) h.clock.setTimer(() => gateway.accept(id), 7_000);
        },
      }),
      pool: { maxConnections: 1 },
    });
    h.start();
    h.clock.advance(1_200_000);
    assert.ok(h.attemptsAtMs.length >= 3, `${h.attemptsAtMs.length} connections`);
    assert.deepEqual([h.source.count('accepted'), h.source.count('unknown')], [99, 1]);
  });

  it('ends a connection whose SETTINGS are never acknowledged, without harm to its requests', () => {
    const h = pools.make({
      recipients: 40_000,
      script: (n) => ({
        settings: streams(10),
        acknowledges: n > 0,
        onRequest: (gateway, id) => {
          h.clock.setTimer(() => gateway.accept(id), 20);
        },
      }),
      pool: { maxConnections: 1 },
    });
    h.start();
    h.clock.advance(settingsAckTimeoutMs + 2_000);
    assert.equal(h.attemptsAtMs.length, 2);
    assert.equal(h.gateways[0]!.goawayFromClient?.errorCode, 4, 'SETTINGS_TIMEOUT');
    assert.equal(h.source.count('unknown'), 0);
    h.source.dropWaiting();
  });

  it('replaces a connection whose stream limit stands at 1 while work waits', () => {
    const h = pools.make({
      recipients: 20_000,
      script: (n) => ({
        settings: streams(n === 0 ? 100 : 300),
        onRequest: (gateway, id) => {
          if (n === 0 && gateway.requests.length === 100) gateway.settings(streams(1));
          h.clock.setTimer(() => gateway.accept(id), 20);
        },
      }),
      pool: { maxConnections: 1 },
    });
    h.start();
    h.clock.advance(stuckLimitTimeoutMs - 1_000);
    assert.equal(h.attemptsAtMs.length, 1);
    h.clock.advance(20_000);
    assert.equal(h.attemptsAtMs.length, 2);
    assert.equal(h.source.count('accepted'), 20_000);
  });

  it('does not replace one connection after another where the gateway never allows more', () => {
    const h = pools.make({
      recipients: 100_000,
      script: () => ({
        settings: streams(1),
        onRequest: (gateway, id) => {
          h.clock.setTimer(() => gateway.accept(id), 20);
        },
      }),
      pool: { maxConnections: 1 },
    });
    h.start();
    h.clock.advance(10 * stuckLimitTimeoutMs);
    assert.equal(h.attemptsAtMs.length, 2);
    h.source.dropWaiting();
  });

  it('lets a connection that is to go get its answers for drainTimeoutMs, and no longer', () => {
    const h = pools.make({ recipients: 3, script: () => ({ onRequest: () => {} }) });
    h.start();
    const [gateway] = h.gateways;
    gateway!.goaway(0x7fffffff);
    h.clock.advance(drainTimeoutMs - 1_000);
    gateway!.accept(1);
    h.clock.advance(900);
    assert.equal(h.source.count('taken'), 2);
    h.clock.advance(200);
    assert.equal(h.source.count('unknown'), 2);
  });
});
