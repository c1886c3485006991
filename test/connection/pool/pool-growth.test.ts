import assert from 'node:assert/strict';
import { connectGapMs, maxConnectionsOnTheWay, maxConnectsPerSecond } from '../../../src/base/limits.js';
import type { LinkOptions } from '../../../src/connection/link-options.js';
import type { PoolOptions } from '../../../src/connection/pool/pool-options.js';
import type { RequestRun, RequestSource } from '../../../src/connection/request-source.js';
import type { Notification } from '../../../src/push/notification.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { FarGateway, type FarGatewayOptions, modelRate } from '../../support/far-gateway.js';
import { usePool } from '../../support/use-pool.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const runSize = 1_024;

/** More recipients than any test sends to; counts their answers by the millisecond. */
class EndlessSource implements RequestSource {
  /** Answers in each millisecond since the first one. */
  readonly perMs: number[] = [];
  firstAnswerMs: number | null = null;
  readonly #clock: VirtualClock;
  readonly #run: RequestRun & { head: number };

  constructor(clock: VirtualClock, payloadBytes: number) {
    const headers: Notification['headers'] = [['apns-topic', 'com.example.app']];
    const notification = { headers, payload: Buffer.alloc(payloadBytes, 'x'), expiration: null, priority: 10 };
    this.#clock = clock;
    this.#run = {
      notification,
      notificationId: 1,
      tokens: new TokenBlock(new Uint8Array(runSize * 32), 32, runSize),
      personal: null,
      order: Uint16Array.from({ length: runSize }, (_, index) => index),
      head: 0,
      tagBase: 0,
    };
  }

  current(): RequestRun {
    return this.#run;
  }

  taken(run: RequestRun, count: number): void {
    this.#run.head = (run.head + count) % runSize;
  }

  onAccepted(): void {
    this.firstAnswerMs ??= this.#clock.now();
    const ms = Math.floor(this.#clock.now() - this.firstAnswerMs);
    this.perMs[ms] = (this.perMs[ms] ?? 0) + 1;
  }

  /** Answers in a second, in the `spanMs` up to `ms` after the first answer. */
  rate(ms: number, spanMs: number): number {
    let answers = 0;
    for (let at = Math.max(0, ms - spanMs); at < ms; at++) answers += this.perMs[at] ?? 0;
    return (answers * 1_000) / spanMs;
  }

  skip(): void {}
  isRetry(): boolean {
    return false;
  }
  onRejected(): void {}
  onUnsent(): void {}
  onUnknown(): void {}
  onProviderTokenExpired(): void {}
  onFailed(): void {}
}

/** The most that fall within any `spanMs`. */
function mostWithin(spanMs: number, times: readonly number[]): number {
  return Math.max(...times.map((end) => times.filter((ms) => ms > end - spanMs && ms <= end).length));
}

describe('connection/pool: growth over a long way', () => {
  const pools = usePool();

  /** Sends for `ms` after the first answer. */
  function send(far: FarGatewayOptions, maxConnections: number, payloadBytes: number, ms: number) {
    const clock = new VirtualClock();
    const source = new EndlessSource(clock, payloadBytes);
    const gateway = new FarGateway(clock, far);
    const pool: Partial<PoolOptions & LinkOptions> = {
      maxConnections,
      backend: gateway.backend,
      source,
      credential:
        far.provesFirst === true ? { kind: 'token', fingerprint: 'f' } : { kind: 'none', fingerprint: 'none' },
    };
    const harness = pools.make({ clock, pool });
    if (far.provesFirst === true) harness.pool.setProviderToken('jwt');
    harness.run(4 * far.roundTripMs + ms);
    return { source, attemptsAtMs: gateway.attemptsAtMs };
  }

  const small = { payloadBytes: 200 };
  const large = { payloadBytes: 2_000 };
  const halves = { ...large, givesBackAt: 0.5 };
  const tokens = { ...small, provesFirst: true };
  for (const [connections, roundTripMs, withinMs, kinds] of [
    [8, 20, 800, [small, large, halves, tokens]],
    [32, 20, 1_200, [large, halves]],
    [8, 80, 1_200, [small, large, halves, tokens]],
    [32, 80, 2_000, [small, large, halves, tokens]],
    [8, 200, 3_000, [small, large, halves, tokens]],
    [32, 200, 4_000, [small, large, halves, tokens]],
  ] as const) {
    for (const { payloadBytes, ...kind } of kinds) {
      const far: FarGatewayOptions = { roundTripMs, ...kind };
      const extra = far.provesFirst ? ', provider token' : far.givesBackAt ? ', halves' : '';
      it(`has ${connections} at work within ${withinMs} ms over ${roundTripMs} ms, ${payloadBytes} bytes${extra}`, () => {
        const spanMs = Math.ceil(500 / roundTripMs) * roundTripMs;
        const { source, attemptsAtMs } = send(far, connections, payloadBytes, withinMs + 2 * spanMs);
        const model = connections * modelRate(far, payloadBytes);
        const steady = source.rate(withinMs + 2 * spanMs, spanMs);
        assert.ok(steady > 0.95 * model && steady < 1.05 * model, `${steady} a second, ${model} by the model`);
        const roundMs = Math.max(100, roundTripMs);
        let ms = roundMs;
        while (source.rate(ms, roundMs) < 0.9 * steady) ms++;
        assert.ok(ms <= withinMs, `90 % of the steady rate after ${ms} ms`);
        assert.equal(attemptsAtMs.length, connections);
      });
    }
  }

  it('keeps within 5 % of the model where answers come one by one, and not in bursts', () => {
    // A gateway that needs half of the time for its work spreads the requests over the round trip.
    const far = { roundTripMs: 80, perSecond: 4 * 12_500 * 2 };
    const { source } = send(far, 4, 65, 6_000);
    const rate = source.rate(6_000, 2_000);
    assert.ok(rate > 0.95 * 4 * modelRate(far, 65), `${rate} a second`);
  });

  it('opens no more than so many in a second, one after the other, and so many that have not answered', () => {
    const { attemptsAtMs } = send({ roundTripMs: 60 }, 200, 4_000, 5_000);
    assert.ok(attemptsAtMs.length > 4 * maxConnectsPerSecond, `${attemptsAtMs.length} connections`);
    assert.equal(mostWithin(1_000, attemptsAtMs), maxConnectsPerSecond);
    assert.ok(mostWithin(4 * 60, attemptsAtMs) <= maxConnectionsOnTheWay);
    for (const [index, ms] of attemptsAtMs.entries()) {
      if (index > 0) assert.ok(ms - attemptsAtMs[index - 1]! >= connectGapMs);
    }
  });

  for (const [perSecond, most] of [
    [100, 2],
    [200, 2],
    [1_600, 12],
  ] as const) {
    it(`stops at ${most} at most where the gateway answers ${perSecond} in a second`, () => {
      // One connection gets 400 answered in a second where the gateway is not the bound.
      const { source, attemptsAtMs } = send({ roundTripMs: 80, perSecond }, 64, 2_000, 5_000);
      assert.ok(source.rate(5_000, 1_000) > 0.95 * perSecond);
      assert.ok(attemptsAtMs.length >= 2 && attemptsAtMs.length <= most, `${attemptsAtMs}`);
    });
  }
});
