import assert from 'node:assert/strict';
import { barLine, countsLine } from '../../src/cli/progress-bar.js';

const counts = { accepted: 519_988, rejected: 12, unsent: 0, unknown: 0, invalid: 0 };
const shown = { counts, total: 1_000_000, perSecond: 410_221, secondsLeft: 1.2 };

describe('progress bar', () => {
  it('shows done and total, share, rate and time left', () => {
    assert.equal(
      barLine(shown, 100, false),
      'sending  ━━━━━━━━━━━━━━━━━───────────────   52 %  520,000 of 1,000,000  410,221/s  0:02 left',
    );
  });

  it('shows accepted, rejected and unknown always, unsent and invalid once there are any', () => {
    assert.equal(countsLine(shown, 80, false), '         accepted 519,988  rejected 12  unknown 0');
    const more = { ...shown, counts: { ...counts, unsent: 3, invalid: 1 } };
    assert.match(countsLine(more, 100, false), /unknown 0 {2}unsent 3 {2}invalid 1$/);
  });

  it('shows no share and no time left where the total is not known', () => {
    const line = barLine({ ...shown, total: null, secondsLeft: null }, 80, false);
    assert.equal(line, 'sending  520,000  410,221/s');
  });

  for (const columns of [20, 40, 60, 80, 200]) {
    it(`fits into ${columns} columns`, () => {
      assert.ok([...barLine(shown, columns, false)].length < columns);
      assert.ok([...countsLine(shown, columns, false)].length < columns);
    });
  }

  it('never claims more than all', () => {
    const line = barLine({ ...shown, total: 500_000, secondsLeft: 0 }, 100, false);
    assert.match(line, /100 %/);
  });
});
