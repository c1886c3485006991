import assert from 'node:assert/strict';
import { answersOfLastingConnection, maxHoldAnswers, startRequests } from '../../src/base/limits.js';
import { StartLimits } from '../../src/connection/start-limit.js';

const usual = { requests: startRequests, holdAnswers: 0 };

describe('connection/start-limit', () => {
  it('lets the next connection begin with what the last one served, until it has served as much', () => {
    const limits = new StartLimits();
    assert.deepEqual(limits.next, usual);
    for (const served of [50, 1, 127]) {
      limits.onSentAway(served);
      assert.deepEqual(limits.next, { requests: served, holdAnswers: served });
    }
    limits.onSentAway(0);
    assert.deepEqual(limits.next, { requests: 1, holdAnswers: 1 });
  });

  it('risks a tenth of what the last one answered before it died, until twice as much is answered', () => {
    const limits = new StartLimits();
    limits.onDied(50);
    assert.deepEqual(limits.next, { requests: 5, holdAnswers: 100 });
    limits.onDied(3);
    assert.deepEqual(limits.next, { requests: 1, holdAnswers: 6 });
  });

  it('has a bound for the caution after one that served for long', () => {
    const limits = new StartLimits();
    limits.onDied(1_000_000);
    assert.deepEqual(limits.next, { requests: startRequests, holdAnswers: maxHoldAnswers });
    limits.onSentAway(answersOfLastingConnection);
    assert.deepEqual(limits.next, usual);
  });
});
