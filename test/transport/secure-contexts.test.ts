import assert from 'node:assert/strict';
import { maxSecureContexts } from '../../src/base/limits.js';
import type { CertificateCredential } from '../../src/push/credentials/credential.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { SecureContexts } from '../../src/transport/secure-contexts.js';

describe('transport/secure-contexts', () => {
  const authority = new ThrowAwayAuthority();
  const pair = authority.issueServer();
  const certificate = (fingerprint: string): CertificateCredential => ({
    kind: 'certificate',
    fingerprint,
    ...pair,
    pfx: null,
    passphrase: null,
  });

  it('makes one context for each certificate and each set of trusted certificates', () => {
    const contexts = new SecureContexts();
    const other = new ThrowAwayAuthority().certificate;
    const ask = () => [
      contexts.contextFor(null, authority.certificate),
      contexts.contextFor(null, other),
      contexts.contextFor(certificate('a'), authority.certificate),
      contexts.contextFor(certificate('b'), authority.certificate),
    ];
    const first = ask();
    assert.equal(new Set(first).size, 4);
    assert.deepEqual(ask(), first);
  });

  it('keeps a bounded number', () => {
    const contexts = new SecureContexts();
    const first = contexts.contextFor(certificate('first'), authority.certificate);
    for (let i = 0; i < maxSecureContexts; i++) contexts.contextFor(certificate(`${i}`), authority.certificate);
    assert.notEqual(contexts.contextFor(certificate('first'), authority.certificate), first);
  });
});
