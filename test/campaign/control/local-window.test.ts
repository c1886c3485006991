/** Windows of local time, in zones with whole and odd offsets, over changes of summer time. */
import assert from 'node:assert/strict';
import { LocalWindowClock, parseLocalWindow } from '../../../src/campaign/control/local-window.js';

function clockOf(text: string): LocalWindowClock {
  const window = parseLocalWindow(text);
  assert.ok(typeof window !== 'string');
  return new LocalWindowClock(window);
}

const hour = 3_600_000;

describe('a window of local time', () => {
  const day = clockOf('09:00-21:00');
  const night = clockOf('22:00-06:00');

  for (const [zone, utc, opensInMs] of [
    ['Europe/Berlin', '2026-01-31T08:00:00Z', 0],
    ['Europe/Berlin', '2026-01-31T07:59:00Z', 60_000],
    ['Europe/Berlin', '2026-01-31T19:59:59Z', 0],
    ['Europe/Berlin', '2026-01-31T20:00:00Z', 12 * hour],
    ['America/New_York', '2026-01-31T13:00:00Z', hour],
    ['Asia/Kathmandu', '2026-01-31T03:00:00Z', 15 * 60_000],
    ['asia/tokyo', '2026-01-31T00:00:00Z', 0],
    ['UTC', '2026-01-31T00:00:00Z', 9 * hour],
    ['Pacific/Kiritimati', '2026-01-30T19:00:00Z', 0],
  ] as const) {
    it(`${zone} at ${utc}: opens in ${opensInMs / 60_000} minutes`, () => {
      assert.equal(day.opensInMs(zone, Date.parse(utc)), opensInMs);
    });
  }

  it('may go over midnight', () => {
    assert.equal(night.opensInMs('UTC', Date.parse('2026-01-31T23:30:00Z')), 0);
    assert.equal(night.opensInMs('UTC', Date.parse('2026-01-31T05:59:00Z')), 0);
    assert.equal(night.opensInMs('UTC', Date.parse('2026-01-31T06:00:00Z')), 16 * hour);
  });

  it('follows summer time', () => {
    const berlin = (utc: string) => day.opensInMs('Europe/Berlin', Date.parse(utc));
    assert.equal(berlin('2026-03-28T08:00:00Z'), 0);
    assert.equal(berlin('2026-03-29T07:00:00Z'), 0, 'the clock was put forward in the night');
    assert.equal(berlin('2026-10-25T07:00:00Z'), hour, 'and back');
  });

  it('says of what is no zone that it is none', () => {
    assert.equal(day.opensInMs('Mars/Olympus', 0), null);
    assert.equal(day.opensInMs('', 0), null);
  });

  for (const text of ['', '9-21', '09:00-09:00', '25:00-26:00', '09:60-10:00', '09:00']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const problem = parseLocalWindow(text);
      assert.ok(
        typeof problem === 'string' && problem.includes('write the local hours as 09:00-21:00'),
        String(problem),
      );
    });
  }
});
