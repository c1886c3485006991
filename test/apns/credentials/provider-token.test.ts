import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { loadCredential } from '../../../src/apns/credentials/load-credential.js';
import { ProviderTokenMinter, ProviderTokenRegistry } from '../../../src/apns/credentials/provider-token.js';
import type { Clock } from '../../../src/base/clock.js';
import { systemClock } from '../../../src/base/clock.js';
import { maxProviderTokens } from '../../../src/base/limits.js';
import { anonymousCredential } from '../../../src/push/credentials/credential.js';

const minute = 60_000;
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const credential = loadCredential({ key: privateKey, keyId: 'ABC123DEFG', teamId: 'TEAM123456' });

/** A clock whose two times are set apart. */
class SettableClock implements Clock {
  monotonicMs = 5_000;
  wall = 1_700_000_000_900;
  now = () => this.monotonicMs;
  wallMs = () => this.wall;
  setTimer = systemClock.setTimer;
  clearTimer = systemClock.clearTimer;
  defer = systemClock.defer;
}

describe('apns/credentials/provider-token', () => {
  let clock: SettableClock;
  let minter: ProviderTokenMinter;

  beforeEach(() => {
    clock = new SettableClock();
    minter = new ProviderTokenMinter(credential, clock);
  });

  it('mints an ES256 JWT with key id, team id and wall-clock time, as jose reads it', async () => {
    const { token, mintedAt } = minter.current();
    assert.deepEqual(decodeProtectedHeader(token), { alg: 'ES256', kid: 'ABC123DEFG' });
    const { payload } = await jwtVerify(token, publicKey, { algorithms: ['ES256'], issuer: 'TEAM123456' });
    assert.deepEqual(payload, { iss: 'TEAM123456', iat: 1_700_000_000 });
    assert.equal(mintedAt, 5_000);
  });

  it('uses one token until it is 50 minutes old', () => {
    const first = minter.current();
    clock.monotonicMs += 50 * minute - 1;
    assert.equal(minter.current(), first);
    clock.monotonicMs += 1;
    assert.notEqual(minter.current().token, first.token);
  });

  it('does not renew before 20 minutes, even when asked', () => {
    const first = minter.current();
    clock.monotonicMs += 20 * minute - 1;
    assert.equal(minter.refresh(), first);
    clock.monotonicMs += 1;
    const second = minter.refresh();
    assert.notEqual(second.token, first.token);
    assert.equal(minter.current(), second);
    assert.equal(minter.refresh(), second);
  });

  it('takes its age from the monotonic clock: steps of the wall clock neither renew nor keep a token', () => {
    const first = minter.current();
    clock.wall += 24 * 60 * minute;
    assert.equal(minter.current(), first);
    clock.wall -= 48 * 60 * minute;
    assert.equal(minter.refresh(), first);
    clock.monotonicMs += 50 * minute;
    assert.notEqual(minter.current(), first);
  });

  it('renews what APNs calls expired once the wall clock has moved: the machine slept, or its clock was set right', () => {
    const first = minter.current();
    clock.wall += 20 * minute - 1;
    assert.equal(minter.refresh(), first);
    clock.wall += 1;
    const second = minter.refresh();
    assert.notEqual(second.token, first.token);
    assert.equal(minter.refresh(), second);
  });

  it('never mints twice within 20 minutes, whatever is called when', () => {
    const mintedAt: number[] = [];
    let last = '';
    for (let step = 0; step < 1000; step++) {
      clock.monotonicMs += ((step * 7919) % 300) * 1000;
      const { token, mintedAt: at } = step % 3 === 0 ? minter.refresh() : minter.current();
      if (token !== last) mintedAt.push(at);
      last = token;
    }
    assert.ok(mintedAt.length > 10);
    for (let i = 1; i < mintedAt.length; i++) assert.ok(mintedAt[i]! - mintedAt[i - 1]! >= 20 * minute);
  });

  it('shows its token to nobody by inspect or JSON', () => {
    const current = minter.current();
    const shown = `${inspect(current)}${JSON.stringify(current)}${inspect(minter, { depth: null, showHidden: true })}`;
    assert.ok(!shown.includes(current.token));
    assert.ok(!shown.includes(current.token.split('.')[2]!));
  });

  it('refuses credentials that sign nothing', () => {
    assert.throws(() => new ProviderTokenMinter(anonymousCredential), { code: 'ERR_PEAL_CREDENTIAL' });
  });

  it('gives equal credentials one minter and other keys another', () => {
    const registry = new ProviderTokenRegistry(clock);
    const again = loadCredential({ key: privateKey, keyId: 'ABC123DEFG', teamId: 'TEAM123456' });
    const otherKey = loadCredential({ key: privateKey, keyId: 'ABC123DEFH', teamId: 'TEAM123456' });
    assert.equal(registry.minterFor(credential), registry.minterFor(again));
    assert.notEqual(registry.minterFor(credential), registry.minterFor(otherKey));
  });

  it('drops minters with an expired token when it holds very many, and keeps the others', () => {
    const registry = new ProviderTokenRegistry(clock);
    const credentialOf = (n: number) =>
      loadCredential({ key: privateKey, keyId: String(n).padStart(10, '0'), teamId: 'TEAM123456' });
    const old = registry.minterFor(credentialOf(0));
    old.current();
    clock.monotonicMs += 50 * minute;
    const young = registry.minterFor(credentialOf(1));
    young.current();
    for (let n = 2; n <= maxProviderTokens; n++) registry.minterFor(credentialOf(n)).current();
    assert.equal(registry.minterFor(credentialOf(1)), young);
    assert.notEqual(registry.minterFor(credentialOf(0)), old);
  });
});
