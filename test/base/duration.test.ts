import assert from 'node:assert/strict';
import fc from 'fast-check';
import { durationText, parseDuration, parseTime } from '../../src/base/duration.js';

const hour = 3_600_000;
const now = Date.UTC(2031, 0, 31, 12);

describe('parseDuration', () => {
  const right: readonly (readonly [text: string, ms: number])[] = [
    ['90', 90_000],
    ['0', 0],
    ['1.5', 1500],
    ['90s', 90_000],
    ['250ms', 250],
    ['5m', 300_000],
    ['1h', hour],
    ['+1h', hour],
    ['2d', 48 * hour],
    ['1w', 168 * hour],
    ['1h30m', 1.5 * hour],
    ['1H30M', 1.5 * hour],
    ['1m500ms', 60_500],
    ['PT1H', hour],
    ['PT90S', 90_000],
    ['P2D', 48 * hour],
    ['P1DT12H', 36 * hour],
    ['pt0.5s', 500],
  ];
  for (const [text, ms] of right) it(`reads ${text}`, () => assert.equal(parseDuration(text), ms));

  for (const text of [
    '',
    '+',
    'h',
    '-1h',
    '1 h',
    '1h 30m',
    '30m1h',
    '1y',
    '5M5',
    'P',
    'PT',
    'P1M',
    'P1Y',
    '1e3',
    '0x10',
    '٣',
    'soon',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), null));
  }

  it('counts a bare number in the unit that is asked for', () => {
    assert.deepEqual([parseDuration('90', 1), parseDuration('1.5', 1), parseDuration('90s', 1)], [90, 1.5, 90_000]);
  });

  it('reads what durationText writes', () => {
    assert.deepEqual(
      [durationText(3600), durationText(90), durationText(172_800), durationText(300)],
      ['1h', '90s', '2d', '5m'],
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (seconds) => {
        assert.equal(parseDuration(durationText(seconds)), seconds * 1000);
      }),
    );
  });
});

describe('parseTime', () => {
  const right: readonly (readonly [text: string, ms: number])[] = [
    ['0', 0],
    ['1900000000', 1_900_000_000_000],
    ['+1h', now + hour],
    ['1h', now + hour],
    ['+90', now + 90_000],
    ['3600', now + hour],
    ['PT5M', now + 300_000],
    ['2031-01-31T12:00:00Z', now],
    ['2031-01-31t12:00z', now],
    ['2031-01-31T13:00:00.250+01:00', now],
    ['2031-01-31T13:00:00+0100', now],
    ['2032-02-29T00:00Z', Date.UTC(2032, 1, 29)],
  ];
  for (const [text, ms] of right) {
    it(`reads ${text}`, () => assert.equal(Math.floor((parseTime(text, now) ?? -1) / 1000), ms / 1000));
  }

  const wrong = [
    '2031-02-29T00:00Z',
    '2031-13-01T00:00Z',
    '2031-01-31T24:00Z',
    '2031-01-31T12:00',
    '2031-01-31',
    'tomorrow',
    '-5',
    '',
    '12:00',
  ];
  for (const text of wrong) it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseTime(text, now), null));
});
