import assert from 'node:assert/strict';
import { maxStreamsPerConnection, minPacedRequests, paceWindowAnswers } from '../../../src/base/limits.js';
import { ErrorPace } from '../../../src/connection/http2/error-pace.js';

const capOf = (pace: ErrorPace): number => pace.limit(Number.POSITIVE_INFINITY, 0);

describe('connection/http2/error-pace', () => {
  it('changes nothing while answers are good', () => {
    const pace = new ErrorPace();
    for (let i = 0; i < 100; i++) pace.afterRead(500, 0, 1000);
    assert.equal(pace.isActive, false);
    assert.equal(pace.limit(123, 999), 123);
  });

  it('halves what is in flight with each stretch of more bad answers than good ones, to a least', () => {
    const pace = new ErrorPace();
    pace.afterRead(500, 300, 1000);
    assert.equal(capOf(pace), 500);
    assert.equal(pace.limit(1000, 480), 20);
    assert.ok(pace.limit(1000, 600) <= 0);
    for (let i = 0; i < 20; i++) pace.afterRead(500, 500, 500);
    assert.equal(capOf(pace), minPacedRequests);
  });

  it('gives back one request for each good answer, until nothing is left of it', () => {
    const pace = new ErrorPace();
    pace.afterRead(100, 100, 1000);
    pace.afterRead(50, 10, 500);
    assert.equal(capOf(pace), 540);
    pace.afterRead(maxStreamsPerConnection, 0, 500);
    assert.equal(pace.isActive, false);
  });

  it('looks at reads of one answer together: a tenth of bad ones does not slow it down', () => {
    const pace = new ErrorPace();
    for (let i = 0; i < 50 * paceWindowAnswers; i++) pace.afterRead(1, i % 10 === 0 ? 1 : 0, 1000);
    assert.equal(pace.isActive, false);
  });

  it('does so with reads of one answer too, when most are bad', () => {
    const pace = new ErrorPace();
    for (let i = 0; i < 50 * paceWindowAnswers; i++) pace.afterRead(1, i % 10 === 0 ? 0 : 1, 1000);
    assert.ok(capOf(pace) < 4 * minPacedRequests, `${capOf(pace)}`);
  });
});
