/** Throw-away certificates and keys. */
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { checkServerIdentity, createSecureContext } from 'node:tls';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../../src/simulator/index.js';

describe('simulator: throw-away credentials', () => {
  const authority = new ThrowAwayAuthority('test', Date.UTC(2026, 5, 15));
  const root = new X509Certificate(authority.certificate);

  it('signs server certificates for names and addresses', () => {
    const hosts = ['push.example', '127.0.0.1', '::1', '2001:db8::5:6'];
    const { cert, key } = authority.issueServer(hosts);
    const certificate = new X509Certificate(cert);
    assert.ok(certificate.verify(root.publicKey) && certificate.checkIssued(root));
    assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
    assert.equal(certificate.checkHost('push.example'), 'push.example');
    for (const address of hosts.slice(1)) assert.ok(certificate.checkIP(address), address);
    assert.equal(certificate.checkHost('other.example'), undefined);
    assert.equal(certificate.ca, false);
    assert.equal(checkServerIdentity('push.example', certificate.toLegacyObject() as never), undefined);
    createSecureContext({ cert, key });
  });

  it('are valid from a day before to ninety days after the time that is given', () => {
    assert.equal(Date.parse(root.validFrom), Date.UTC(2026, 5, 14));
    assert.equal(Date.parse(root.validTo), Date.UTC(2026, 8, 13));
    const late = new X509Certificate(new ThrowAwayAuthority('late', Date.UTC(2051, 0, 2)).certificate);
    assert.equal(Date.parse(late.validFrom), Date.UTC(2051, 0, 1));
  });

  it('signs client certificates that name their topic', () => {
    const { cert } = authority.issueClient('com.example.app');
    assert.match(new X509Certificate(cert).subject, /UID=com\.example\.app/);
  });

  it('makes provider keys on P-256 whose halves belong together', () => {
    const { p8, publicKey, keyId, teamId } = createThrowAwayProviderKey();
    assert.match(p8, /^-----BEGIN PRIVATE KEY-----/);
    assert.equal(createPublicKey(p8).export({ type: 'spki', format: 'pem' }), publicKey);
    assert.deepEqual([keyId.length, teamId.length], [10, 10]);
  });
});
