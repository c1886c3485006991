import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { assumed, measured, modelTable, predict } from '../../bench/cluster/model.js';
import { repositoryRoot } from '../support/repository.js';

describe('the model of many machines', () => {
  it('is what docs/many-machines.md shows', () => {
    const page = readFileSync(path.join(repositoryRoot, 'docs', 'many-machines.md'), 'utf8');
    const [, shown] = /<!-- model -->\n([\s\S]*?)\n<!-- end -->/.exec(page)!;
    assert.equal(shown, modelTable().join('\n'));
  });

  it('is bound by whatever is least, and by Redis in the end', () => {
    const free = { ...measured, dispatcherUs: 1e-6, redisUs: 1e-6, workerUs: 1e-6 };
    // 327 payloads of 200 bytes are in a window, 25 windows in a second.
    assert.equal(predict(2, 1, free).perSecond, 2 * 24 * 327 * 25);
    assert.equal(predict(2, 1, free).boundBy, 'connections');
    assert.equal(predict(2, 1, { ...free, workerUs: 100 }).boundBy, 'CPU of workers');
    assert.equal(predict(100, 1).boundBy, 'dispatchers');
    assert.equal(predict(1000, 1000).boundBy, 'Redis');
    assert.equal(predict(1000, 1000).redisShare.toFixed(9), '1.000000000');
    assert.equal(predict(1, 1, measured, { ...assumed, recipients: 0 }).seconds, 0);
  });
});
