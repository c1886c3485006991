import assert from 'node:assert/strict';
import {
  keepaliveTickMs,
  pingAfterSilenceMs,
  pingTimeoutMs,
  requestTimeoutMs,
  settingsAckTimeoutMs,
  stuckLimitTimeoutMs,
  writeStallTimeoutMs,
} from '../../../src/base/limits.js';
import { VitalSigns, type Vitals, type VitalVerdict } from '../../../src/connection/http2/vital-signs.js';

const well: Vitals = {
  isInFlight: false,
  isWriting: false,
  settled: 0,
  bytesSent: 0,
  oldestOpenStreamId: 0,
  nextStreamId: 1,
  isSettingsAcked: true,
  isStarved: false,
  isLimitStuck: false,
};

const inTicks = (ms: number): number => ms / keepaliveTickMs;

/** Ticks as `at` describes them until the verdict is none of `passing`; with the verdict. */
function untilNews(
  signs: VitalSigns,
  at: (tick: number) => Partial<Vitals> & { readonly heard?: boolean },
  passing: readonly VitalVerdict[] = ['fine'],
  most = 500,
): [ticks: number, verdict: VitalVerdict] {
  for (let tick = 1; tick <= most; tick++) {
    const { heard = true, ...vitals } = at(tick);
    if (heard) signs.heard();
    const verdict = signs.tick({ ...well, ...vitals });
    if (!passing.includes(verdict)) return [tick, verdict];
  }
  return [most, 'fine'];
}

describe('connection/http2/vital-signs', () => {
  it('finds nothing wrong with steady traffic', () => {
    const steady = (tick: number): Partial<Vitals> => ({
      isInFlight: true,
      isWriting: true,
      settled: tick * 1000,
      bytesSent: tick * 100_000,
      oldestOpenStreamId: tick * 2000 - 199,
      nextStreamId: tick * 2000 + 1,
    });
    assert.deepEqual(untilNews(new VitalSigns(), steady), [500, 'fine']);
  });

  it('finds one lost answer amid steady traffic when it is overdue, and not later', () => {
    const lost = (tick: number): Partial<Vitals> => ({
      isInFlight: true,
      settled: tick * 1000,
      oldestOpenStreamId: 1,
      nextStreamId: tick * 2000 + 1,
    });
    assert.deepEqual(untilNews(new VitalSigns(), lost), [inTicks(requestTimeoutMs) + 1, 'overdue']);
  });

  it('gives a request that was just submitted all its time', () => {
    const signs = new VitalSigns();
    untilNews(signs, () => ({ nextStreamId: 201 }), ['fine'], 300);
    const waiting = { isInFlight: true, oldestOpenStreamId: 201, nextStreamId: 203 };
    assert.deepEqual(
      untilNews(signs, () => waiting),
      [inTicks(requestTimeoutMs) + 1, 'overdue'],
    );
  });

  it('finds a gateway that says nothing while requests are in flight within 16 seconds', () => {
    const silent = { heard: false, isInFlight: true, oldestOpenStreamId: 1, nextStreamId: 3 };
    const [ticks, verdict] = untilNews(new VitalSigns(), () => silent, ['fine', 'ping']);
    assert.equal(verdict, 'silent');
    assert.ok(ticks * keepaliveTickMs <= pingAfterSilenceMs + pingTimeoutMs + keepaliveTickMs, `${ticks} ticks`);
  });

  it('finds a gateway that says nothing while a write is stuck, though nothing is in flight', () => {
    const [ticks, verdict] = untilNews(new VitalSigns(), () => ({ heard: false, isWriting: true }), ['fine', 'ping']);
    assert.ok(verdict === 'silent' || verdict === 'stalled', verdict);
    assert.ok(ticks * keepaliveTickMs < 20_000, `${ticks} ticks`);
  });

  it('finds a gateway that talks and reads no more', () => {
    const stuck = { isInFlight: true, isWriting: true, bytesSent: 5000, settled: 7 };
    assert.deepEqual(
      untilNews(new VitalSigns(), () => stuck),
      [inTicks(writeStallTimeoutMs) + 2, 'stalled'],
    );
  });

  it('takes one write after another, and answers during a long one, for progress', () => {
    const writing = (tick: number): Partial<Vitals> => ({ isInFlight: true, isWriting: true, bytesSent: tick });
    assert.deepEqual(untilNews(new VitalSigns(), writing, ['fine'], 100), [100, 'fine']);
    const answering = (tick: number): Partial<Vitals> => ({ isInFlight: true, isWriting: true, settled: tick });
    assert.deepEqual(untilNews(new VitalSigns(), answering, ['fine'], 100), [100, 'fine']);
  });

  it('waits for the acknowledgement of SETTINGS no longer than allowed', () => {
    const ticks = inTicks(settingsAckTimeoutMs) + 1;
    assert.deepEqual(
      untilNews(new VitalSigns(), () => ({ isSettingsAcked: false })),
      [ticks, 'unacked'],
    );
  });

  for (const [flag, verdict, spanMs] of [
    ['isStarved', 'starved', requestTimeoutMs],
    ['isLimitStuck', 'stuck', stuckLimitTimeoutMs],
  ] as const) {
    it(`calls a connection ${verdict} when that has held without a break for long enough`, () => {
      const signs = new VitalSigns();
      const holds = { [flag]: true };
      assert.deepEqual(
        untilNews(signs, () => holds, ['fine'], inTicks(spanMs)),
        [inTicks(spanMs), 'fine'],
      );
      assert.equal(signs.tick(well), 'fine', 'a break: counted anew');
      assert.deepEqual(
        untilNews(signs, () => holds),
        [inTicks(spanMs) + 1, verdict],
      );
    });
  }
});
