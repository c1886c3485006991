/** Rates and timetables, and that the pace is what they say. */
import assert from 'node:assert/strict';
import { Pacer, parseRate, type Rate, rateAt } from '../../../src/campaign/control/rate.js';
import { VirtualClock } from '../../support/virtual-clock.js';

function rateOf(text: string): Rate {
  const rate = parseRate(text);
  assert.ok(typeof rate !== 'string', `${text}: ${String(rate)}`);
  return rate;
}

const at = (hours: number, minutes: number): number => new Date(2026, 0, 31, hours, minutes).getTime();

/** Sends as fast as the pacer lets it for so long; returns the times at which recipients went out, with how many. */
function sendFor(pacer: Pacer, clock: VirtualClock, ms: number, batch = 1024): { atMs: number; count: number }[] {
  const sent: { atMs: number; count: number }[] = [];
  const end = clock.now() + ms;
  while (clock.now() < end) {
    const count = pacer.take(batch);
    if (count > 0) sent.push({ atMs: clock.now(), count });
    else clock.advance(Math.min(end - clock.now(), Math.max(1, Math.min(pacer.delayMs(batch), 1000))));
  }
  return sent;
}

const sum = (sent: readonly { count: number }[]): number => sent.reduce((all, { count }) => all + count, 0);

describe('the rate of a campaign', () => {
  for (const [text, perSecond] of [
    ['500/s', 500],
    ['30000/min', 500],
    ['7200/h', 2],
    ['250', 250],
    ['0.5/s', 0.5],
    ['off', null],
    ['OFF', null],
  ] as const) {
    it(`reads ${text}`, () => {
      assert.deepEqual(rateOf(text).entries, [{ fromMinute: 0, perSecond }]);
    });
  }

  it('reads a timetable, whatever its order, and knows what holds when', () => {
    const rate = rateOf('20:00,off 08:00,500/s');
    assert.deepEqual(rateAt(rate, at(8, 0)), { perSecond: 500, forMs: 12 * 3_600_000 });
    assert.deepEqual(rateAt(rate, at(19, 59)), { perSecond: 500, forMs: 60_000 });
    assert.deepEqual(rateAt(rate, at(20, 0)), { perSecond: null, forMs: 12 * 3_600_000 });
    assert.deepEqual(
      rateAt(rate, at(7, 59)),
      { perSecond: null, forMs: 60_000 },
      'the evening before holds until morning',
    );
  });

  for (const [text, why] of [
    [
      'fast',
      'is "fast", not a rate: write 500/s, 30000/min, off (no limit), or a timetable such as 08:00,500/s 20:00,off',
    ],
    ['0/s', 'is "0/s", not a rate'],
    ['-5/s', 'is "-5/s", not a rate'],
    ['5/fortnight', 'is "5/fortnight", not a rate'],
    ['08:00,500/s 25:00,off', 'has "25:00" in its timetable, which is no time of day'],
    ['08:00,500/s 08:00,off', 'has 08:00 twice in its timetable'],
    ['08:00,500/s 20:00', 'has "20:00" in its timetable'],
    ['8am,500/s', 'has "8am,500/s" in its timetable'],
  ] as const) {
    it(`refuses ${text}`, () => {
      const problem = parseRate(text);
      assert.ok(typeof problem === 'string' && problem.startsWith(why), String(problem));
    });
  }

  for (const perSecond of [3, 50, 500, 2_000, 50_000, 1_000_000]) {
    it(`sends ${perSecond} a second, over ten seconds and in each second of them`, () => {
      const clock = new VirtualClock();
      const pacer = new Pacer(rateOf(`${perSecond}/s`), clock);
      const sent = sendFor(pacer, clock, 10_000);
      const off = Math.abs(sum(sent) - perSecond * 10);
      assert.ok(off <= Math.max(1, perSecond * 0.1), `${sum(sent)} in ten seconds`);
      for (let second = 1; second < 10; second++) {
        const within = sum(sent.filter(({ atMs }) => atMs >= second * 1000 && atMs < (second + 1) * 1000));
        assert.ok(Math.abs(within - perSecond) <= Math.max(1, perSecond * 0.1), `${within} in second ${second}`);
      }
    });
  }

  it('does not make up for a rest', () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(rateOf('1000/s'), clock);
    sendFor(pacer, clock, 1_000);
    clock.advance(60_000);
    assert.ok(sum(sendFor(pacer, clock, 1_000)) <= 1_250);
  });

  it('follows a change at once', () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(rateOf('100/s'), clock);
    sendFor(pacer, clock, 1_000);
    pacer.rate = rateOf('2000/s');
    const sent = sum(sendFor(pacer, clock, 5_000));
    assert.ok(Math.abs(sent - 10_000) <= 200, String(sent));
    pacer.rate = rateOf('off');
    assert.equal(pacer.take(1024), 1024);
  });
});
