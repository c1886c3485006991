import assert from 'node:assert/strict';
import { badTokenAnswers } from '../../../src/base/limits.js';
import type { OutcomeDetail } from '../../../src/engine/batch.js';
import { BadTokenWatch } from '../../../src/engine/dispatcher/bad-tokens.js';

function answers(count: number, status: number, reason: string): OutcomeDetail[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ index, status, reason, timestampMs: null, apnsId: null, retryAfterSeconds: null },
  }));
}

/** Batches of 500 answers with so many bad ones each; the number of the batch that stopped it, or null. */
function stoppedAt(share: number, badOf: readonly number[], reason = 'BadDeviceToken', status = 400): number | null {
  const watch = new BadTokenWatch(share);
  for (const [number, bad] of badOf.entries()) {
    watch.add(500, answers(bad, status, reason));
    if (watch.verdict() !== null) return number;
  }
  return null;
}

describe('engine/dispatcher/bad-tokens', () => {
  it('judges nothing before a thousand answers', () => {
    const watch = new BadTokenWatch(0.9);
    watch.add(badTokenAnswers - 1, answers(badTokenAnswers - 1, 400, 'BadDeviceToken'));
    assert.equal(watch.verdict(), null);
    watch.add(1, answers(1, 400, 'BadDeviceToken'));
    assert.notEqual(watch.verdict(), null);
  });

  it('stops at the share, and not below', () => {
    assert.equal(stoppedAt(0.9, [450, 450]), 1);
    assert.equal(stoppedAt(0.9, [450, 449, 449, 449]), null);
  });

  it('looks at the latest answers, so that a good beginning hides nothing', () => {
    const good = new Array<number>(40).fill(0);
    const at = stoppedAt(0.9, [...good, ...new Array<number>(10).fill(500)]);
    assert.ok(at !== null && at <= 40 + 5, `${at}`);
  });

  it('never counts tokens that are gone, nor faults that pass', () => {
    assert.equal(stoppedAt(0.5, new Array<number>(10).fill(500), 'Unregistered', 410), null);
    assert.equal(stoppedAt(0.5, new Array<number>(10).fill(500), 'TooManyRequests', 429), null);
  });

  it('says what is most likely wrong', () => {
    const watch = new BadTokenWatch(0.5);
    watch.add(1000, [...answers(400, 400, 'DeviceTokenNotForTopic'), ...answers(200, 400, 'BadDeviceToken')]);
    const error = watch.verdict();
    assert.equal(error?.code, 'ERR_PEAL_STOPPED');
    assert.match(error.message, /600 of the latest 1000 .*"DeviceTokenNotForTopic".*check the topic/);
  });
});
