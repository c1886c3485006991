import assert from 'node:assert/strict';
import { answersOfLastingConnection } from '../../src/base/limits.js';
import { Serving } from '../../src/connection/serving.js';

describe('connection/serving', () => {
  it('lets the next connection begin with what the last one served', () => {
    const serving = new Serving();
    assert.deepEqual(serving.limit, null);
    for (const served of [50, 1, 499]) {
      serving.onSentAway(served);
      assert.deepEqual(serving.limit, { requests: served, holdAnswers: 0 });
    }
    serving.onSentAway(0);
    assert.deepEqual(serving.limit, { requests: 1, holdAnswers: 0 });
  });

  it('risks a tenth of what the last one answered before it died, until twice as much is answered', () => {
    const serving = new Serving();
    serving.onDied(50);
    assert.deepEqual(serving.limit, { requests: 5, holdAnswers: 100 });
    serving.onDied(3);
    assert.deepEqual(serving.limit, { requests: 1, holdAnswers: 6 });
  });

  it('takes the end of a connection that served for long for nothing special', () => {
    const serving = new Serving();
    serving.onDied(50);
    serving.onSentAway(answersOfLastingConnection);
    assert.equal(serving.limit, null);
    serving.onSentAway(5);
    serving.onDied(answersOfLastingConnection);
    assert.equal(serving.limit, null);
  });
});
