/** Provider tokens for tests on a clock of their own. */
import { createPrivateKey, sign } from 'node:crypto';
import type { ThrowAwayProviderKey } from '../../src/simulator/listen/certificate.js';

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The `authorization` of a token issued then: no two are alike, as their signatures are drawn. */
export function bearer({ p8, keyId, teamId }: ThrowAwayProviderKey, wallMs: number): string {
  const signed = `${encoded({ alg: 'ES256', kid: keyId })}.${encoded({ iss: teamId, iat: Math.floor(wallMs / 1000) })}`;
  const signature = sign('sha256', Buffer.from(signed), { key: createPrivateKey(p8), dsaEncoding: 'ieee-p1363' });
  return `bearer ${signed}.${signature.toString('base64url')}`;
}
