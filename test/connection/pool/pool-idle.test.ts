import assert from 'node:assert/strict';
import { connectBackoffMs, pingTimeoutMs, reuseCheckAfterMs } from '../../../src/base/limits.js';
import { type Harness, usePool } from '../../support/use-pool.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const hourMs = 3_600_000;

/** A machine that can sleep: its monotonic clock and its timers stand still meanwhile, the wall clock does not. */
class SleepyClock extends VirtualClock {
  #sleptMs = 0;

  override wallMs(): number {
    return super.wallMs() + this.#sleptMs;
  }

  sleep(ms: number): void {
    this.#sleptMs += ms;
  }
}

describe('connection/pool and connections that were idle', () => {
  const pools = usePool();
  let clock: SleepyClock;

  /** One recipient is served; `burst` brings 1,000 more. */
  function idle(): { h: Harness; burst: () => void } {
    clock = new SleepyClock();
    const h = pools.make({ recipients: 1_001, runSize: 1, clock, pool: { maxConnections: 1 } });
    const later = h.source.withhold(1);
    h.start();
    assert.equal(h.source.count('accepted'), 1);
    const burst = (): void => {
      later();
      h.pool.workAvailable();
    };
    return { h, burst };
  }

  /** The first connection is lost without a word. */
  const hole = (h: Harness): void => h.gateways[0]!.stream.pauseReading();

  it('loses nothing to one that was lost without a word', () => {
    const { h, burst } = idle();
    clock.advance(reuseCheckAfterMs);
    hole(h);
    burst();
    clock.advance(pingTimeoutMs + connectBackoffMs + 100);
    assert.equal(h.source.count('accepted'), 1_001);
    assert.equal(h.attemptsAtMs.length, 2);
  });

  it('loses nothing to one that is reset at the first bytes after hours', () => {
    const { h, burst } = idle();
    const first = h.gateways[0]!;
    const { onBytes } = first;
    first.onBytes = (buffer, length) => {
      if (clock.now() < 5 * hourMs) onBytes.call(first, buffer, length);
      else first.stream.destroy();
    };
    for (let ms = 0; ms < 5 * hourMs; ms += 60_000) clock.advance(60_000);
    burst();
    clock.advance(connectBackoffMs + 100);
    assert.equal(h.source.count('accepted'), 1_001);
    assert.equal(h.source.count('unknown'), 0);
  });

  it('loses nothing after the machine has slept, though its clock stood still', () => {
    const { h, burst } = idle();
    clock.sleep(2 * hourMs);
    hole(h);
    burst();
    clock.advance(pingTimeoutMs + connectBackoffMs + 100);
    assert.equal(h.source.count('accepted'), 1_001);
  });

  it('asks one that is there once, and sends with the answer', () => {
    const { h, burst } = idle();
    clock.advance(reuseCheckAfterMs);
    burst();
    clock.advance(100);
    assert.equal(h.gateways[0]!.pings, 1);
    assert.equal(h.source.count('accepted'), 1_001);
    assert.equal(h.attemptsAtMs.length, 1);
  });

  it('does not ask one that was in use a moment ago', () => {
    const { h, burst } = idle();
    clock.advance(reuseCheckAfterMs - 1_000);
    burst();
    clock.advance(100);
    assert.equal(h.gateways[0]!.pings, 0);
    assert.equal(h.source.count('accepted'), 1_001);
  });
});
