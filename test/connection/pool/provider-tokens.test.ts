import assert from 'node:assert/strict';
import { maxExpiredTokensKept } from '../../../src/base/limits.js';
import { TokenInUse } from '../../../src/connection/http2/token-in-use.js';
import { ProviderTokenState } from '../../../src/connection/pool/provider-token-state.js';

describe('connection/pool/provider-token-state', () => {
  it('has no token before the first, nor while the newest one has expired', () => {
    const state = new ProviderTokenState();
    assert.equal(state.usable, null);
    assert.ok(state.set('jwt-1'));
    assert.equal(state.usable, 'jwt-1');
    assert.ok(state.expire('jwt-1'));
    assert.equal(state.usable, null);
    assert.ok(state.set('jwt-2'));
    assert.equal(state.usable, 'jwt-2');
  });

  it('takes a report once, and one about an older token for no news', () => {
    const state = new ProviderTokenState();
    state.set('jwt-1');
    state.set('jwt-2');
    assert.equal(state.expire('jwt-1'), false);
    assert.equal(state.usable, 'jwt-2');
    assert.equal(state.expire('jwt-2'), true);
    assert.equal(state.expire('jwt-2'), false);
  });

  it('never takes a token that has expired, as far as it remembers', () => {
    const state = new ProviderTokenState();
    for (let number = 0; number <= maxExpiredTokensKept; number++) state.expire(`jwt-${number}`);
    assert.equal(state.set(`jwt-${maxExpiredTokensKept}`), false);
    assert.equal(state.set('jwt-1'), false);
    assert.equal(state.set('jwt-0'), true, 'the oldest gave way');
  });
});

describe('connection/http2/token-in-use', () => {
  it('puts "expired" down to the former token as long as a request that carries it is open', () => {
    const inUse = new TokenInUse('jwt-1');
    assert.equal(inUse.suspect, 'jwt-1');
    inUse.set('jwt-2', 5, 11);
    assert.equal(inUse.suspect, 'jwt-1');
    inUse.review(9);
    assert.equal(inUse.suspect, 'jwt-1');
    inUse.review(11);
    assert.equal(inUse.suspect, 'jwt-2');
  });

  it('suspects the new token at once where no request is open', () => {
    const inUse = new TokenInUse('jwt-1');
    inUse.set('jwt-2', 0, 11);
    assert.equal(inUse.suspect, 'jwt-2');
    assert.equal(new TokenInUse(null).suspect, null);
  });
});
