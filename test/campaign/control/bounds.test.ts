/** When a campaign has to stop. */
import assert from 'node:assert/strict';
import { inWords, libraryWords } from '../../../src/base/wording.js';
import { type Bounds, BoundsJudge } from '../../../src/campaign/control/bounds.js';

const none: ReadonlyMap<string, number> = new Map();
const batch = (accepted: number, rejected = 0, unknown = 0, reasons = none) => ({
  accepted,
  rejected,
  unknown,
  reasons,
});

const plain = (marked: string | null): string => (marked === null ? 'goes on' : inWords(marked, libraryWords));

describe('the bounds of a campaign', () => {
  it('let everything pass where none is given', () => {
    const judge = new BoundsJudge({});
    assert.equal(judge.note(batch(0, 1_000_000, 1_000_000)), null);
    assert.equal(judge.noteTime(1e12), null);
  });

  it('count rejected and unknown recipients, over the whole run', () => {
    const judge = new BoundsJudge({ maxFailures: 10 });
    assert.equal(judge.note(batch(5000, 5, 5)), null);
    assert.equal(
      plain(judge.note(batch(5000, 1))),
      '11 recipients had failed when this was noticed, more than the 10 allowed (maxFailures).',
    );
  });

  it('judge the share of the latest thousand answers, and not of a few', () => {
    const judge = new BoundsJudge({ maxErrorRate: 0.05 });
    assert.equal(judge.note(batch(0, 100)), null, 'a hundred answers say nothing');
    assert.match(judge.note(batch(900, 0)) ?? '', /^10 % of the latest answers/);
  });

  it('forget what is long past: a bad end is seen after a good beginning', () => {
    const judge = new BoundsJudge({ maxErrorRate: 0.5 });
    for (let i = 0; i < 1000; i++) assert.equal(judge.note(batch(1024)), null);
    assert.equal(judge.note(batch(500, 300)), null);
    assert.match(judge.note(batch(0, 900)) ?? '', /% of the latest answers were rejections, more than the 50 %/);
  });

  it('do not stop a campaign whose share is what may be', () => {
    const judge = new BoundsJudge({ maxErrorRate: 0.05 });
    for (let i = 0; i < 1000; i++) assert.equal(judge.note(batch(973, 51)), null);
  });

  it('stop for a reason', () => {
    const bounds: Bounds = { stopOn: ['TopicDisallowed', 'BadCertificate'] };
    assert.equal(new BoundsJudge(bounds).note(batch(0, 1, 0, new Map([['BadDeviceToken', 1]]))), null);
    assert.equal(
      plain(new BoundsJudge(bounds).note(batch(0, 2, 0, new Map([['TopicDisallowed', 2]])))),
      'TopicDisallowed was answered (stopOn), 2 times.',
    );
  });

  it('stop when the time is over', () => {
    const judge = new BoundsJudge({ maxDurationMs: 3_600_000 });
    assert.equal(judge.noteTime(3_599_999), null);
    assert.equal(plain(judge.noteTime(3_600_000)), 'The run has taken 1h (maxDurationMs).');
  });
});
