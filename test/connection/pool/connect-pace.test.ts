import assert from 'node:assert/strict';
import { maxConnectsPerSecond } from '../../../src/base/limits.js';
import { ConnectPace } from '../../../src/connection/pool/connect-pace.js';

describe('connection/pool/connect-pace', () => {
  it('allows so many within any second, and each further one a second after the one so many before', () => {
    const pace = new ConnectPace();
    for (let index = 0; index < maxConnectsPerSecond; index++) {
      assert.equal(pace.allows(5 * index), true);
      pace.onOpened(5 * index);
    }
    const lastMs = 5 * (maxConnectsPerSecond - 1);
    assert.equal(pace.allows(lastMs), false);
    assert.equal(pace.allows(999), false);
    assert.equal(pace.allows(1_000), true);
    pace.onOpened(1_000);
    assert.equal(pace.allows(1_004), false);
    assert.equal(pace.allows(1_005), true);
  });
});
