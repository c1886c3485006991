/**
 * Who sends in a simulated world. Provider tokens come from the product's minter, with a key that is made once in a
 * process; their signatures are replaced by a text that is the same in every run, because ECDSA draws them at random
 * and their bytes would change how writes are cut.
 */
import { generateKeyPairSync } from 'node:crypto';
import { ProviderTokenMinter } from '../../src/apns/credentials/provider-token.js';
import type { Clock } from '../../src/base/clock.js';
import type { ProviderTokenSource } from '../../src/engine/dispatcher/route.js';
import { Credential, type CredentialData } from '../../src/push/credentials/credential.js';
import type { Plan } from './plan.js';

const fingerprint = 'f1'.repeat(32);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const credential = Credential.of({
  data: { kind: 'token', fingerprint },
  signingKey: privateKey,
  keyId: 'ABCDEFGHIJ',
  teamId: 'TEAM567890',
});
const signature = 'A'.repeat(86);

export function credentialOf(kind: Plan['credential']): CredentialData {
  if (kind === 'token') return credential.data;
  if (kind === 'none') return { kind, fingerprint: 'none' };
  return { kind, fingerprint, cert: null, key: null, pfx: null, passphrase: null };
}

/** The provider tokens of one world, with a minter of its own. */
export function tokenSource(clock: Clock): ProviderTokenSource {
  const minter = new ProviderTokenMinter(credential, clock);
  return {
    providerToken: () => replaceSignature(minter.current().token),
    refreshProviderToken: () => replaceSignature(minter.refresh().token),
  };
}

function replaceSignature(token: string): string {
  return `${token.slice(0, token.lastIndexOf('.'))}.${signature}`;
}
