import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { type CredentialOptions, loadCredential } from '../../../src/apns/credentials/load-credential.js';
import { PealError } from '../../../src/base/errors.js';
import { type Logger, silentLogger } from '../../../src/base/log.js';
import type { CertificateCredential, Credential } from '../../../src/push/credentials/credential.js';
import { ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { encryptWithRc2, hasOpenssl, makePkcs12 } from '../../support/pkcs12.js';

const ids = { keyId: 'ABC123DEFG', teamId: 'TEAM123456' };
const passphrase = 'correct horse canary-7f3a';
const dayMs = 24 * 3600 * 1000;

const authority = new ThrowAwayAuthority();
const leaf = authority.issueServer();
const other = authority.issueServer();
const encryptedKey = createPrivateKey(leaf.key).export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase,
}) as string;
const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p8 = signing.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

/** Loads, and expects one sentence that names no secret. */
function refused(options: unknown, message: RegExp): void {
  assert.throws(
    () => loadCredential(options as CredentialOptions),
    (error: unknown) => {
      assert.ok(error instanceof PealError, String(error));
      assert.equal(error.code, 'ERR_PEAL_CREDENTIAL');
      assert.equal(error.origin, 'credential');
      assert.equal(error.cause, undefined);
      assert.match(error.message, message);
      assert.match(error.message, /^[A-Z].*[.?]$/);
      for (const secret of secrets) assert.ok(!`${error.stack}${error.message}`.includes(secret));
      return true;
    },
  );
}

const secrets = [
  passphrase,
  'wrong-canary-1b2c',
  ...[leaf.key, other.key, encryptedKey, p8].map((pem) => pem.split('\n')[1]!),
];

function certificateOf(credential: Credential): CertificateCredential {
  assert.equal(credential.data.kind, 'certificate');
  return credential.data as CertificateCredential;
}

describe('apns/credentials/load-credential', () => {
  describe("the original library's parameters", () => {
    const folder = mkdtempSync(join(tmpdir(), 'peal-original-'));
    after(() => rmSync(folder, { recursive: true }));
    const file = (name: string, text: string): string => {
      const path = join(folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const fingerprint = (options: unknown): string => loadCredential(options as CredentialOptions).fingerprint;

    it('loads text and files, the key apart or within, as the same credential', () => {
      const expected = fingerprint({ cert: leaf.cert, key: leaf.key });
      const certFile = file('cert.pem', leaf.cert);
      const keyFile = file('key.pem', encryptedKey);
      assert.equal(fingerprint({ certString: leaf.cert + leaf.key }), expected);
      assert.equal(fingerprint({ certFile: file('both.pem', leaf.key + leaf.cert) }), expected);
      assert.equal(fingerprint({ certFile: pathToFileURL(certFile), keyString: leaf.key }), expected);
      assert.equal(fingerprint({ certString: leaf.cert, keyFile, passphrase }), expected);
    });

    it('uses the key file, and not what else is there', () => {
      const keyFile = file('other.pem', other.key);
      refused({ certString: leaf.cert + leaf.key, keyFile }, /does not belong.*option keyFile/);
      refused(
        { certString: leaf.cert, keyFile: join(folder, 'none.pem') },
        /none\.pem \(option keyFile\) does not exist/,
      );
    });

    it('names the parameter that is wrong', () => {
      refused({ certString: leaf.cert }, /option certString holds no private key: give the key as option keyString/);
      refused({ certFile: file('alone.pem', leaf.cert) }, /holds no private key: give the key as option keyFile/);
      refused({ certString: leaf.cert, certFile: 'x' }, /certString and certFile are both given/);
      refused({ keyString: leaf.key }, /keyString needs a certificate/);
      refused({ certString: leaf.cert, keyString: encryptedKey }, /option keyString.*give its passphrase/);
      refused(
        { certString: leaf.cert, keyString: encryptedKey, passphrase: 'wrong-canary-1b2c' },
        /check the passphrase/,
      );
      refused({ certString: '/etc/push.pem' }, /A path goes to certFile/);
      refused({ certString: { file: '/etc/push.pem' } }, /a file goes to certFile/);
      refused({ certFile: new Uint8Array(3) }, /option certFile must be a path/);
      refused(
        { certString: leaf.cert, key: leaf.key },
        /option key does not go with|option certString does not go with/,
      );
    });
  });

  let directory: string;
  const file = (name: string, contents: string | Uint8Array): { file: string } => {
    const path = join(directory, name);
    writeFileSync(path, contents, { mode: 0o600 });
    return { file: path };
  };

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'peal-credential-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  describe('provider-token keys', () => {
    it('takes the key as text, bytes, KeyObject, file and file URL, all with one fingerprint', () => {
      const reference = file('key.p8', p8);
      const forms = [p8, Buffer.from(p8), signing.privateKey, reference, { file: pathToFileURL(reference.file) }];
      const loaded = forms.map((key) => loadCredential({ key, ...ids }));
      for (const credential of loaded) {
        assert.equal(credential.kind, 'token');
        assert.equal(credential.fingerprint, loaded[0]!.fingerprint);
        assert.match(credential.fingerprint, /^[0-9a-f]{64}$/);
        assert.equal(credential.keyId, ids.keyId);
        assert.equal(credential.teamId, ids.teamId);
        assert.equal(credential.signingKey?.type, 'private');
        assert.deepEqual(structuredClone(credential.data), { kind: 'token', fingerprint: credential.fingerprint });
      }
      const otherTeam = loadCredential({ key: p8, ...ids, teamId: 'TEAM123457' });
      assert.notEqual(otherTeam.fingerprint, loaded[0]!.fingerprint);
    });

    it('says what is wrong with ids', () => {
      for (const keyId of ['', 'abc123defg', 'ABC123DEF', 'ABC123DEFGH', 'ABC123DEF\n', undefined, 7]) {
        refused({ key: p8, ...ids, keyId }, /option keyId must be 10 characters/);
      }
      refused({ key: p8, keyId: ids.keyId }, /option teamId must be 10 characters/);
    });

    it('says what is wrong with the key', () => {
      refused({ key: '/etc/key.p8', ...ids }, /option key is not PEM.*write \{ file: path \}/);
      refused({ key: p8.slice(0, 60), ...ids }, /cut off/);
      refused({ key: p8.replace(/\n[^-]{20}/, '\nAAAAAAAAAAAAAAAAAAAA'), ...ids }, /cannot be read/);
      refused({ key: signing.publicKey, ...ids }, /is a public key/);
      refused(
        { key: signing.publicKey.export({ type: 'spki', format: 'pem' }), ...ids },
        /holds a public key, not a private/,
      );
      refused({ key: leaf.cert, ...ids }, /holds a certificate, not a private key/);
      refused({ key: 7, ...ids }, /must be text, bytes or \{ file: path \}/);
      const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
      refused({ key: rsa, ...ids }, /kind rsa, but provider tokens need EC P-256/);
      const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
      refused({ key: p384.export({ type: 'pkcs8', format: 'pem' }), ...ids }, /kind EC secp384r1/);
    });

    it('opens an encrypted key with its passphrase', () => {
      const key = signing.privateKey.export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase,
      }) as string;
      assert.equal(
        loadCredential({ key, ...ids, passphrase }).fingerprint,
        loadCredential({ key: p8, ...ids }).fingerprint,
      );
      refused({ key, ...ids }, /encrypted private key: give its passphrase/);
      refused({ key, ...ids, passphrase: 'wrong-canary-1b2c' }, /passphrase does not decrypt/);
    });

    it('calls each wrong passphrase wrong, also one that decrypts the key to something', () => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const key = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }) as string;
      // One in some 300 ends in valid padding, and OpenSSL's error is another one.
      for (let index = 0; index < 2000; index++) {
        refused({ key, ...ids, passphrase: `wrong-${index}` }, /passphrase does not decrypt/);
      }
    });

    it('says so of a cipher that OpenSSL has given up', function () {
      if (!hasOpenssl()) this.skip();
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const input = privateKey.export({ type: 'pkcs8', format: 'pem' });
      const legacy = ['-provider', 'legacy', '-provider', 'default'];
      for (const cipher of [
        ['-v2', 'des-cbc'],
        ['-v1', 'PBE-SHA1-RC2-40'],
        ['-v2', 'rc4'],
      ]) {
        const args = ['pkcs8', '-topk8', ...cipher, ...legacy, '-passout', `pass:${passphrase}`];
        const key = execFileSync('openssl', args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
        refused({ key, ...ids, passphrase }, /encryption this version of OpenSSL no longer supports: convert it/);
      }
    });
  });

  describe('certificates as PEM', () => {
    it('takes certificate and key apart or together, as text, bytes and files', () => {
      const fingerprint = new X509Certificate(leaf.cert).fingerprint256.replaceAll(':', '').toLowerCase();
      const forms: CredentialOptions[] = [
        { cert: leaf.cert, key: leaf.key },
        { cert: Buffer.from(leaf.cert), key: Buffer.from(leaf.key) },
        { cert: file('cert.pem', leaf.cert), key: file('key.pem', leaf.key) },
        { cert: `Bag Attributes\n${leaf.key}\n${leaf.cert}${authority.certificate}` },
        { cert: leaf.cert, key: encryptedKey, passphrase },
        { cert: leaf.cert, key: encryptedKey, passphrase: file('passphrase', `${passphrase}\nsecond line\n`) },
      ];
      for (const options of forms) {
        const credential = loadCredential(options);
        assert.equal(credential.fingerprint, fingerprint);
        assert.equal(
          credential.expiresAt?.toUTCString(),
          new Date(new X509Certificate(leaf.cert).validTo).toUTCString(),
        );
        const data = structuredClone(certificateOf(credential));
        assert.ok(createSecureContext({ cert: data.cert!, key: data.key! }));
        assert.equal(data.passphrase, null);
        assert.ok(!data.cert!.includes('PRIVATE'));
      }
    });

    it('keeps the chain behind the certificate', () => {
      const { cert } = certificateOf(loadCredential({ cert: `${leaf.cert}${authority.certificate}`, key: leaf.key }));
      assert.equal(cert!.match(/BEGIN CERTIFICATE/g)!.length, 2);
    });

    it('says when the key does not belong to the certificate', () => {
      refused({ cert: leaf.cert, key: other.key }, /private key does not belong to the certificate/);
      refused({ cert: `${leaf.cert}${other.key}` }, /beside it/);
    });

    it('says when the certificate is not valid now', () => {
      const past = authority.issueServer(undefined, {
        from: new Date(Date.now() - 2 * dayMs),
        to: new Date(Date.now() - dayMs),
      });
      refused(past, /expired on 20\d\d-.*renew it/);
      const future = authority.issueServer(undefined, {
        from: new Date(Date.now() + dayMs),
        to: new Date(Date.now() + 2 * dayMs),
      });
      refused(future, /not valid before 20\d\d-.*clock/);
    });

    it('says what is missing or damaged', () => {
      refused({ cert: leaf.key, key: leaf.key }, /option cert holds no certificate/);
      refused({ cert: leaf.cert }, /holds no private key: give the key as option key/);
      refused({ cert: leaf.cert, key: leaf.cert }, /option key holds no private key/);
      refused(
        { cert: leaf.cert.replace(/\n[^-]{30}/, `\n${'A'.repeat(30)}`), key: leaf.key },
        /certificate that cannot be read/,
      );
      refused({ cert: leaf.cert, key: encryptedKey }, /encrypted private key: give its passphrase/);
      refused({ cert: leaf.cert, key: encryptedKey, passphrase: 'wrong-canary-1b2c' }, /passphrase does not decrypt/);
      refused({ cert: leaf.cert, key: encryptedKey, passphrase: 7 }, /option passphrase must be a string/);
    });

    it('warns of a certificate that ends soon', () => {
      // An authority's certificates are valid for 90 days: of this one's, 10 are left.
      const { cert, key } = new ThrowAwayAuthority('old', Date.now() - 80 * dayMs).issueServer();
      assert.match(warningsOf({ cert, key }).join(), /ends soon/);
      assert.doesNotMatch(warningsOf({ cert: leaf.cert, key: leaf.key }).join(), /ends soon/);
    });
  });

  describe('files', () => {
    it('says which file, what is wrong with it, and for which option', () => {
      const missing = join(directory, 'missing.p8');
      refused({ key: { file: missing }, ...ids }, new RegExp(`${missing} \\(option key\\) does not exist`));
      const folder = join(directory, 'folder');
      mkdirSync(folder);
      refused({ key: { file: folder }, ...ids }, /is a directory, not a file/);
      refused({ key: file('empty.p8', ''), ...ids }, /is empty/);
      refused({ key: file('large.p8', new Uint8Array(300_000)), ...ids }, /larger than 262144 bytes/);
      refused({ key: file('text.p8', 'hello'), ...ids }, /text\.p8 \(option key\) is not PEM: it has no BEGIN line\.$/);
      refused({ key: { file: '' }, ...ids }, /\{ file: path \}/);
      refused(
        { cert: leaf.cert, key: encryptedKey, passphrase: { file: missing } },
        /option passphrase\) does not exist/,
      );
    });

    it('says when a file may not be read', function () {
      if (process.getuid?.() === 0) this.skip();
      const secret = file('closed.p8', p8);
      chmodSync(secret.file, 0);
      refused({ key: secret, ...ids }, /permission denied/);
    });

    it('warns of a key file that every user may read', function () {
      if (process.platform === 'win32') this.skip();
      const open = file('open.p8', p8);
      assert.deepEqual(warningsOf({ key: open, ...ids }), []);
      chmodSync(open.file, 0o644);
      assert.match(warningsOf({ key: open, ...ids }).join(), /every user.*chmod 600/);
    });
  });

  describe('PKCS#12 and old encryption', () => {
    before(function () {
      if (!hasOpenssl()) this.skip();
    });

    it('takes bytes and files, and shows whose certificate it is', () => {
      const pfx = makePkcs12({ ...leaf, passphrase });
      for (const given of [pfx, file('push.p12', pfx)]) {
        const credential = loadCredential({ pfx: given, passphrase });
        assert.equal(credential.fingerprint, loadCredential(leaf).fingerprint);
        assert.ok(credential.expiresAt !== null);
        const data = structuredClone(certificateOf(credential));
        assert.ok(createSecureContext({ pfx: Buffer.from(data.pfx!), passphrase: data.passphrase! }));
      }
      assert.equal(loadCredential({ pfx: makePkcs12({ ...leaf, passphrase: '' }) }).kind, 'certificate');
    });

    it('says what is wrong with it', () => {
      const pfx = makePkcs12({ ...leaf, passphrase });
      refused({ pfx }, /is protected: give its passphrase/);
      refused({ pfx, passphrase: 'wrong-canary-1b2c' }, /cannot be opened with this passphrase/);
      refused({ pfx: makePkcs12({ cert: leaf.cert, passphrase }), passphrase }, /holds no private key/);
      refused({ pfx: makePkcs12({ key: leaf.key, passphrase }), passphrase }, /holds no certificate/);
      refused({ pfx: Buffer.from(leaf.cert), passphrase }, /is PEM, not PKCS#12: give it as option cert/);
      refused({ pfx: Buffer.from('hello'), passphrase }, /is not PKCS#12/);
      refused({ pfx: 'hello', passphrase }, /option pfx is not PKCS#12: give .* its bytes or base64/);
      refused({ pfx: pfx.toString('utf8'), passphrase }, /read as text, which damages PKCS#12/);
      const past = authority.issueServer(undefined, {
        from: new Date(Date.now() - 2 * dayMs),
        to: new Date(Date.now() - dayMs),
      });
      refused({ pfx: makePkcs12({ ...past, passphrase }), passphrase }, /expired on/);
    });

    /** Runs the command that the sentence about `options` prints, on `old`, and hands back the file that it makes. */
    function converted(options: object, old: Buffer | string): Buffer {
      let message = '';
      assert.throws(
        () => loadCredential(options as CredentialOptions),
        (error: Error) => {
          message = error.message;
          return true;
        },
      );
      const command = /"([^"]+)"/.exec(message)![1]!;
      const [input, output] = [/OLD\.\w+/.exec(command)![0], /NEW\.\w+/.exec(command)![0]];
      const folder = mkdtempSync(join(tmpdir(), 'peal-test-'));
      try {
        writeFileSync(join(folder, input), old);
        // Where it would ask at a terminal.
        const passwords = /pkcs8/.test(command) ? '-passin env:ASKED -passout env:ASKED' : '-passin env:ASKED';
        execFileSync('sh', ['-ec', `${command} ${passwords}`], {
          cwd: folder,
          env: { ...process.env, ASKED: passphrase },
          stdio: 'pipe',
        });
        const isOpen = /umask 077/.test(command) && (statSync(join(folder, output)).mode & 0o077) !== 0;
        assert.ok(!isOpen, 'others could read the key');
        return readFileSync(join(folder, output));
      } finally {
        rmSync(folder, { recursive: true });
      }
    }

    it('prints a command that converts a key with an old encryption', () => {
      const key = encryptWithRc2(leaf.key, passphrase);
      const options = { cert: leaf.cert, key, passphrase };
      refused(options, /no longer supports: .*openssl pkcs8 -topk8 .*-provider legacy/);
      const { fingerprint } = loadCredential({ ...options, key: converted(options, key) });
      assert.equal(fingerprint, loadCredential(leaf).fingerprint);
    });

    it('prints a command that converts an old export, and where its file goes', () => {
      const pfx = makePkcs12({ ...leaf, passphrase, legacy: true });
      refused(
        { pfx, passphrase },
        /RC2.*-legacy -in OLD\.p12 -nodes -out NEW\.pem", and give NEW\.pem.*as option cert\.$/,
      );
      const { fingerprint } = loadCredential({ cert: converted({ pfx, passphrase }, pfx) });
      assert.equal(fingerprint, loadCredential(leaf).fingerprint);
    });
  });

  describe('what is given', () => {
    it('gives a loaded credential back, and none for null', () => {
      const credential = loadCredential(leaf);
      assert.equal(loadCredential(credential), credential);
      assert.deepEqual({ ...loadCredential(null).data }, { kind: 'none', fingerprint: 'none' });
    });

    it('refuses mixtures, misspelt options and what is no credential', () => {
      refused({ pfx: Buffer.from('x'), cert: leaf.cert }, /option cert does not go with pfx/);
      refused({ cert: leaf.cert, key: leaf.key, keyId: 'x' }, /option keyId does not go with cert/);
      refused({ key: p8, ...ids, keyID: 'x' }, /no option "keyID": did you mean keyId\?$/);
      refused({ key: p8 }, /needs its keyId and teamId/);
      refused({}, /give \{ key, keyId, teamId \}/);
      refused('key.p8', /credential must be an object/);
      refused(undefined, /credential must be an object/);
    });
  });

  it('works on after its public key was derived: signing key and fingerprint belong together', () => {
    const { signingKey } = loadCredential({ key: p8, ...ids });
    assert.ok(createPublicKey(signingKey!).equals(signing.publicKey));
  });
});

function warningsOf(options: CredentialOptions): string[] {
  const warnings: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_fields: object, message: string) => warnings.push(message) };
  loadCredential(options, { log });
  return warnings;
}
