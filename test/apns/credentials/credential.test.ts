import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { anonymousCredential, Credential, hideSecrets } from '../../../src/push/credentials/credential.js';

const canary = 'canary-2f9c';
const data = {
  kind: 'certificate',
  fingerprint: 'ab'.repeat(32),
  cert: `cert ${canary}`,
  key: `key ${canary}`,
  pfx: new TextEncoder().encode(canary),
  passphrase: canary,
} as const;

const shown = (value: unknown): string =>
  [
    inspect(value, { depth: null, showHidden: true }),
    inspect(value, { customInspect: false, depth: null, showHidden: true }),
    inspect([{ value }], { depth: null }),
    JSON.stringify(value),
    JSON.stringify({ list: [value] }),
    String(value),
    Object.keys(value as object).join(),
  ].join('\n');

describe('apns/credentials/credential', () => {
  it('shows kind, fingerprint, ids, end and scope only', () => {
    const credential = Credential.of({ data, subject: 'CN=push', expiresAt: new Date(0) });
    assert.ok(!shown(credential).includes(canary));
    assert.deepEqual(JSON.parse(JSON.stringify(credential)), {
      kind: 'certificate',
      fingerprint: data.fingerprint,
      keyId: null,
      teamId: null,
      subject: 'CN=push',
      expiresAt: '1970-01-01T00:00:00.000Z',
      topics: null,
      environments: null,
    });
    assert.match(inspect(credential), /^Credential \{ kind: 'certificate'/);
  });

  it('keeps the signing key out of what is shown and out of the data for threads', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const secret = privateKey.export({ format: 'jwk' }).d!;
    const credential = Credential.of({
      data: { kind: 'token', fingerprint: 'cd'.repeat(32) },
      signingKey: privateKey,
      keyId: 'ABC123DEFG',
      teamId: 'TEAM123456',
    });
    assert.ok(!shown(credential).includes(secret));
    assert.deepEqual(Object.keys(credential.data), ['kind', 'fingerprint']);
    assert.equal(credential.signingKey, privateKey);
  });

  it('shows of the data for threads no more than its name, here and, guarded again, behind a structured clone', () => {
    const { data: guarded } = Credential.of({ data });
    for (const value of [guarded, hideSecrets(structuredClone(guarded))]) {
      assert.ok(!inspect(value, { depth: null }).includes(canary));
      assert.ok(!JSON.stringify({ value }).includes(canary));
      assert.ok(Object.isFrozen(value));
    }
    assert.deepEqual({ ...structuredClone(guarded) }, data);
  });

  it('has none for gateways that ask for none', () => {
    assert.equal(anonymousCredential.kind, 'none');
    assert.equal(anonymousCredential.fingerprint, 'none');
    assert.equal(anonymousCredential.signingKey, null);
    assert.equal(anonymousCredential.expiresAt, null);
  });
});
