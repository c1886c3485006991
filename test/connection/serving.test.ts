import assert from 'node:assert/strict';
import { answersOfLastingConnection, maxHoldAnswers, startRequests } from '../../src/base/limits.js';
import { Serving } from '../../src/connection/serving.js';

const usual = { requests: startRequests, holdAnswers: 0 };

describe('connection/serving', () => {
  it('lets the next connection begin with what the last one served, until it has served as much', () => {
    const serving = new Serving();
    assert.deepEqual(serving.limit, usual);
    for (const served of [50, 1, 127]) {
      serving.onSentAway(served);
      assert.deepEqual(serving.limit, { requests: served, holdAnswers: served });
    }
    serving.onSentAway(0);
    assert.deepEqual(serving.limit, { requests: 1, holdAnswers: 1 });
  });

  it('risks a tenth of what the last one answered before it died, until twice as much is answered', () => {
    const serving = new Serving();
    serving.onDied(50);
    assert.deepEqual(serving.limit, { requests: 5, holdAnswers: 100 });
    serving.onDied(3);
    assert.deepEqual(serving.limit, { requests: 1, holdAnswers: 6 });
  });

  it('has a bound for the caution after one that served for long', () => {
    const serving = new Serving();
    serving.onDied(1_000_000);
    assert.deepEqual(serving.limit, { requests: startRequests, holdAnswers: maxHoldAnswers });
    serving.onSentAway(answersOfLastingConnection);
    assert.deepEqual(serving.limit, usual);
  });
});
