/**
 * Whole sends over routes with a rate, on virtual time: dispatcher, one shard or several, real pools and connections.
 * The gateway counts what it gets.
 */
import assert from 'node:assert/strict';
import { retryTimeMs } from '../../src/base/limits.js';
import { durationOf, type RequestRate } from '../../src/push/request-rate.js';
import { mostInAnyMinute } from '../support/minutes.js';
import type { GatewayScript } from '../support/scripted-gateway.js';
import { streams } from '../support/scripted-gateway.js';
import { type SendBenchOptions, type SendEnd, sendAll } from '../support/send-bench.js';
import type { VirtualClock } from '../support/virtual-clock.js';

interface Came {
  readonly atMs: number;
  readonly count: 1;
}

interface RatedSend extends SendEnd {
  readonly came: readonly Came[];
}

interface RatedOptions extends Partial<SendBenchOptions> {
  /** What becomes of a request. Default: accepted. */
  readonly answer?: GatewayScript['onRequest'];
  readonly answerMs?: number;
  readonly attempts?: number;
}

async function sendAtRate(recipients: number, rate: RequestRate, options: RatedOptions = {}): Promise<RatedSend> {
  const { answer, answerMs = 1, attempts = 1, ...rest } = options;
  const came: Came[] = [];
  const script = (_n: number, _nowMs: number, clock: VirtualClock): GatewayScript => ({
    settings: streams(100),
    onRequest: (gateway, streamId, index) => {
      came.push({ atMs: clock.now(), count: 1 });
      clock.setTimer(
        () => (answer === undefined ? gateway.accept(streamId) : answer(gateway, streamId, index)),
        answerMs,
      );
    },
  });
  const end = await sendAll(
    recipients,
    { rate, script, ...rest },
    attempts > 1 ? { retry: { attempts, timeMs: retryTimeMs } } : {},
  );
  return { ...end, came };
}

describe('a route with a rate', () => {
  for (const threads of [0, 1, 2, 4]) {
    it(`keeps to it in every minute, uses it, and has its ramp, threads: ${threads}`, async () => {
      const rate = { perMinute: 20_000, rampMs: 60_000 };
      const { book, came, ms, attemptsAtMs } = await sendAtRate(40_000, rate, { threads, answerMs: 100, isIdle: true });
      assert.equal(book.count('accepted'), 40_000);
      assert.equal(came.length, 40_000);
      assert.ok(mostInAnyMinute(came) <= rate.perMinute, `${mostInAnyMinute(came)} in a minute`);
      const expectedMs = durationOf(40_000, rate);
      assert.ok(ms > expectedMs * 0.99 && ms < expectedMs * 1.05, `${ms} ms instead of ${expectedMs}`);
      const inRamp = came.filter(({ atMs }) => atMs < 10_000).length;
      assert.ok(inRamp < rate.perMinute / 6 / 5, `${inRamp} came in the first ten seconds`);
      assert.ok(attemptsAtMs.length <= Math.max(1, threads), `${attemptsAtMs.length} connections`);
    });
  }

  it('opens as many connections as the rate needs', async () => {
    const rate = { perMinute: 120_000, rampMs: 20_000 };
    const { ms, attemptsAtMs } = await sendAtRate(80_000, rate, { answerMs: 150, isIdle: true });
    const expectedMs = durationOf(80_000, rate);
    assert.ok(ms < expectedMs * 1.05, `${ms} ms instead of ${expectedMs}`);
    assert.ok(attemptsAtMs.length >= 3 && attemptsAtMs.length <= 6, `${attemptsAtMs.length} connections`);
  });

  for (const threads of [0, 2]) {
    it(`sends the few requests of a small quota one by one, threads: ${threads}`, async () => {
      const rate = { perMinute: 60, rampMs: 0 };
      const { book, came, ms } = await sendAtRate(130, rate, { threads });
      assert.equal(book.count('accepted'), 130);
      assert.ok(mostInAnyMinute(came) <= 60);
      const gaps = came.slice(1).map(({ atMs }, at) => atMs - came[at]!.atMs);
      assert.ok(Math.min(...gaps) > 990, `two within ${Math.min(...gaps)} ms`);
      assert.ok(ms < 130_000 * 1.05, `${ms} ms`);
    });
  }

  it('loses none of a quota of one a minute where each request begins with a check of its connection', async () => {
    const { book, ms, attemptsAtMs } = await sendAtRate(
      6,
      { perMinute: 1, rampMs: 0 },
      { memory: { delayMs: () => 200 } },
    );
    assert.equal(book.count('accepted'), 6);
    assert.ok(ms < 6 * 62_000, `${ms} ms`);
    assert.equal(attemptsAtMs.length, 1);
  });

  it('counts requests that are sent again, and sends them before those that wait', async () => {
    const rate = { perMinute: 6_000, rampMs: 0 };
    const again = new Set<number>();
    const { book, came } = await sendAtRate(9_000, rate, {
      threads: 2,
      attempts: 3,
      answer: (gateway, streamId, index) => {
        if (index % 3 !== 0 || again.has(index)) gateway.accept(streamId);
        else gateway.reject(streamId, 503, '{"reason":"ServiceUnavailable"}');
        again.add(index);
      },
    });
    assert.equal(book.count('accepted'), 9_000);
    assert.equal(came.length, 12_000);
    assert.ok(mostInAnyMinute(came) <= 6_000, `${mostInAnyMinute(came)} in a minute`);
  });

  it('has all of it in one shard where the others have nothing to send', async () => {
    const rate = { perMinute: 60_000, rampMs: 0 };
    // Less than a batch: one shard has it.
    const { came, ms } = await sendAtRate(1_000, rate, { threads: 4 });
    assert.equal(came.length, 1_000);
    assert.ok(ms < 1_100, `${ms} ms`);
  });

  it('gives a gateway in trouble up', async () => {
    const { book, stopped } = await sendAtRate(
      500,
      { perMinute: 60, rampMs: 0 },
      {
        answer: (gateway, streamId) => gateway.reject(streamId, 503, '{"reason":"ServiceUnavailable"}'),
      },
    );
    assert.equal(stopped?.code, 'ERR_PEAL_UNAVAILABLE');
    assert.equal(book.count('accepted'), 0);
  });
});
