import assert from 'node:assert/strict';
import type { CertificateCredential } from '../../src/apns/credential.js';
import { maxSecureContexts } from '../../src/base/limits.js';
import { SecureContexts } from '../../src/transport/secure-contexts.js';
import { Authority } from '../support/gateway-certificates.js';

describe('transport/secure-contexts', () => {
  const authority = new Authority();
  const pair = authority.issue();
  const certificate = (fingerprint: string): CertificateCredential => ({
    kind: 'certificate',
    fingerprint,
    ...pair,
    pfx: null,
    passphrase: null,
  });

  it('makes one context for each certificate and each set of trusted certificates', () => {
    const contexts = new SecureContexts();
    const other = new Authority().ca;
    const ask = () => [
      contexts.contextFor(null, authority.ca),
      contexts.contextFor(null, other),
      contexts.contextFor(certificate('a'), authority.ca),
      contexts.contextFor(certificate('b'), authority.ca),
    ];
    const first = ask();
    assert.equal(new Set(first).size, 4);
    assert.deepEqual(ask(), first);
  });

  it('keeps a bounded number', () => {
    const contexts = new SecureContexts();
    const first = contexts.contextFor(certificate('first'), authority.ca);
    for (let i = 0; i < maxSecureContexts; i++) contexts.contextFor(certificate(`${i}`), authority.ca);
    assert.notEqual(contexts.contextFor(certificate('first'), authority.ca), first);
  });
});
