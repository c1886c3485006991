import assert from 'node:assert/strict';
import { parseRate, type Rate } from '../../../src/campaign/control/rate.js';
import { secondsAtRate } from '../../../src/campaign/control/rate-time.js';

/** Local time. */
const at = (hour: number, minute = 0): number => new Date(2030, 5, 12, hour, minute).valueOf();

function rate(text: string): Rate {
  const parsed = parseRate(text);
  assert.ok(typeof parsed !== 'string', String(parsed));
  return parsed;
}

describe('campaign/control/rate-time', () => {
  for (const [text, recipients, wallMs, seconds] of [
    ['500/s', 10_000, at(9), 20],
    ['30000/min', 1000, at(9), 2],
    ['500/s', 0, at(9), 0],
    ['off', 10_000, at(9), null],
    ['08:00,10/s 20:00,100/s', 36_000, at(9), 3600],
    // An hour at 10/s, then 10 s at 100/s.
    ['08:00,10/s 20:00,100/s', 37_000, at(19), 3610],
    // An hour at 10/s; then the rest goes as fast as it can.
    ['08:00,10/s 20:00,off', 1_000_000, at(19), 3600],
    ['08:00,10/s 20:00,off', 1_000_000, at(21), null],
    // Over midnight: the last entry of the day before holds.
    ['08:00,10/s 20:00,1/s', 3600, at(2), 3600],
  ] as const) {
    it(`${recipients} at ${text}: ${seconds} seconds`, () => {
      assert.equal(secondsAtRate(rate(text), recipients, wallMs), seconds);
    });
  }

  it('estimates what takes years, without counting each day', () => {
    const seconds = secondsAtRate(rate('08:00,1/h 20:00,3/h'), 48 * 365 * 100, at(8))!;
    assert.ok(Math.abs(seconds / (365 * 100 * 86_400) - 1) < 0.01, String(seconds));
  });
});
