import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { PealError } from '../../src/base/errors.js';
import { loadServiceAccount } from '../../src/fcm/service-account.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';

const pemOf = (kind: 'rsa' | 'ec'): string => {
  const { privateKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
};
const key = pemOf('rsa');
const encryptedKey = createPrivateKey(key).export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'secret',
});
const account = {
  type: 'service_account',
  project_id: 'my-app',
  private_key_id: 'abcdef0123456789',
  private_key: key,
  client_email: 'peal@my-app.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
  universe_domain: 'googleapis.com',
};
const json = JSON.stringify(account, null, 2);
const load = (options: object) => loadServiceAccount(options as never, { environment: {} });
const fingerprint = load({ serviceAccount: account }).credential.fingerprint;

function told(options: unknown): string {
  try {
    load(options as object);
  } catch (error) {
    assert.ok(error instanceof PealError, String(error));
    assert.ok(!inspect(error).includes(key.slice(60, 90)), 'the key is told');
    return error.message;
  }
  return 'nothing';
}

describe('fcm/service-account', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-fcm-'));
  const file = path.join(folder, 'account.json');
  before(() => writeFileSync(file, json, { mode: 0o600 }));
  after(() => rmSync(folder, { recursive: true }));

  const forms: Readonly<Record<string, () => unknown>> = {
    'the object': () => account,
    'its text': () => json,
    'its bytes': () => Buffer.from(json),
    'its file': () => ({ file }),
    'text behind a byte order mark': () => `\ufeff${json}\r\n`,
    'text in UTF-16': () => Buffer.from(`\ufeff${json}`, 'utf16le'),
    base64: () => Buffer.from(json).toString('base64'),
    'base64 in lines, in quotes': () => `"${Buffer.from(json).toString('base64').replace(/.{76}/g, '$&\n')}"`,
    'base64 of base64': () => Buffer.from(Buffer.from(json).toString('base64')).toString('base64'),
    'text in single quotes': () => `'${json}'`,
    'text in JSON once more': () => JSON.stringify(json),
    'text whose line ends a shell has written out': () => JSON.stringify(account).replaceAll('\\n', '\n'),
    'a key whose line ends are escaped twice': () => ({ ...account, private_key: key.replaceAll('\n', '\\n') }),
    'the names of other packages': () => ({
      projectId: 'my-app',
      privateKeyId: account.private_key_id,
      privateKey: key,
      clientEmail: account.client_email,
    }),
  };
  for (const [what, form] of Object.entries(forms)) {
    it(`takes ${what}`, () => {
      const { credential, project } = load({ serviceAccount: form() });
      assert.deepEqual([credential.fingerprint, project], [fingerprint, 'my-app']);
      assert.deepEqual([credential.kind, credential.keyId], ['token', account.private_key_id]);
      assert.ok(credential.tokenOrigin !== null);
    });
  }

  it('tells credentials apart by account, key and endpoint', () => {
    const others = [
      { serviceAccount: { ...account, client_email: 'other@my-app.iam.gserviceaccount.com' } },
      { serviceAccount: { ...account, private_key_id: 'other' } },
      { serviceAccount: { ...account, private_key: pemOf('rsa') } },
      { serviceAccount: account, tokenUrl: 'https://localhost:8443/token' },
    ].map((options) => load(options).credential.fingerprint);
    assert.equal(new Set([fingerprint, ...others]).size, 5);
    const accessToken = (): string => 'a';
    const own = (options: object) => load({ project: 'my-app', ...options }).credential.fingerprint;
    assert.equal(own({ accessToken }), own({ accessToken }));
    assert.notEqual(own({ accessToken }), own({ accessToken: (): string => 'a' }));
    assert.notEqual(own({ accessToken: 'a' }), own({ accessToken: 'b' }));
  });

  it('sends for another project where it is told to', () => {
    assert.equal(load({ serviceAccount: account, project: 'other-app' }).project, 'other-app');
    assert.match(told({ serviceAccount: { ...account, project_id: '' } }), /^The option project is missing/);
    assert.match(told({ accessToken: 'a' }), /^The option project is missing/);
  });

  const ca = new ThrowAwayAuthority('peal test', Date.now()).certificate;
  it('takes an authority for a token endpoint of its own', () => {
    const tokenUrl = 'https://localhost:8443/token';
    assert.equal(told({ serviceAccount: account, tokenUrl, ca }), 'nothing');
    assert.equal(told({ serviceAccount: account, tokenUrl: new URL('http://127.0.0.1:1/'), ca }), 'nothing');
    assert.match(told({ serviceAccount: account, tokenUrl, ca: key }), /^The option ca holds no certificate/);
    for (const url of ['http://example.com/token', 'nonsense', 'https://me:pass@example.com/']) {
      const sentence = told({ serviceAccount: account, tokenUrl: url });
      assert.match(sentence, /^The option tokenUrl is ".*": give an https:\/\/ URL, without a user\.$/);
      assert.doesNotMatch(sentence, /pass/);
    }
  });

  const mistakes: readonly (readonly [what: string, options: unknown, expected: RegExp])[] = [
    ['nothing', undefined, /^The credential takes its options as an object/],
    ['no option', {}, /^The option serviceAccount is undefined: check that the environment variable/],
    ['an unknown option', { serviceaccount: account }, /has no option "serviceaccount": write serviceAccount\.$/],
    [
      'both forms',
      { serviceAccount: account, accessToken: 'a', project: 'p1' },
      /^The option serviceAccount does not go with accessToken/,
    ],
    ['a number', { accessToken: 7, project: 'my-app' }, /^The option accessToken must be a function/],
    ['an empty variable', { serviceAccount: ' ' }, /is empty: check that the environment variable/],
    ['a variable made of nothing', { serviceAccount: 'undefined' }, /is the word undefined/],
    [
      'a path',
      { serviceAccount: './account.json' },
      /is not the JSON file of a service account\. To name a file, write \{ file: path \}\.$/,
    ],
    [
      'a missing file',
      { serviceAccount: { file: '/nowhere/account.json' } },
      /^The file \/nowhere\/account\.json \(option serviceAccount\) /,
    ],
    [
      'JSON in the place of a path',
      { serviceAccount: { file: json } },
      /must name a file by its path, but holds what is in it\.$/,
    ],
    [
      'base64 in the place of a path',
      { serviceAccount: { file: Buffer.from(json).toString('base64') } },
      /must name a file by its path/,
    ],
    ['JSON that is cut off', { serviceAccount: json.slice(0, 300) }, /is not JSON: it may be cut off/],
    [
      'a login of gcloud',
      { serviceAccount: { type: 'authorized_user' } },
      /is the login of a person, .*: make a key in the Firebase console/,
    ],
    [
      'workload identity',
      { serviceAccount: { type: 'external_account' } },
      /workload identity: in a program, give accessToken/,
    ],
    [
      'impersonation',
      { serviceAccount: { type: 'impersonated_service_account' } },
      /impersonation: in a program, give accessToken/,
    ],
    [
      'google-services.json',
      { serviceAccount: '{"project_info":{},"client":[]}' },
      /is google-services\.json, which belongs into an Android app/,
    ],
    ['a plist', { serviceAccount: '<?xml version="1.0"?><plist/>' }, /is GoogleService-Info\.plist/],
    ['a web config', { serviceAccount: { apiKey: 'x', authDomain: 'y' } }, /is the configuration of a web app/],
    ['an OAuth client', { serviceAccount: { installed: {} } }, /is an OAuth client/],
    ['a server key', { serviceAccount: `AAAA1234567:APA91b${'x'.repeat(134)}` }, /is a server key of the legacy API/],
    ['an API key', { serviceAccount: `AIza${'x'.repeat(35)}` }, /is an API key, with which nobody can send/],
    ['a key alone', { serviceAccount: key }, /is a key alone: give the whole JSON file/],
    [
      'no email',
      { serviceAccount: { ...account, client_email: '' } },
      /^The option serviceAccount has no client_email: give the JSON/,
    ],
    ['no key', { serviceAccount: { ...account, private_key: undefined } }, /has no private_key: give the JSON/],
    [
      'a key of Apple',
      { serviceAccount: { ...account, private_key: pemOf('ec') } },
      /has a private_key of the kind ec, and service accounts have RSA keys/,
    ],
    [
      'a key that is cut off',
      { serviceAccount: { ...account, private_key: key.slice(0, 200) } },
      /holds a private key that is cut off/,
    ],
    [
      'a key with a passphrase',
      { serviceAccount: { ...account, private_key: encryptedKey } },
      /^The option serviceAccount has an encrypted private_key, and Google gives it unencrypted: make a new key\.$/,
    ],
    [
      'an endpoint that is not a URL',
      { serviceAccount: { ...account, token_uri: 'nonsense' } },
      /^The option serviceAccount has a token_uri, which is "nonsense": give an https:\/\/ URL/,
    ],
    [
      'a project that cannot be one',
      { serviceAccount: { ...account, project_id: 'a/b' } },
      /^The option serviceAccount has a project_id, which is not the id of a project: give the project id/,
    ],
    [
      'no key at all',
      { serviceAccount: { ...account, private_key: 'x' } },
      /has a private_key that is no key: it is not PEM/,
    ],
  ];
  for (const [what, options, expected] of mistakes) {
    it(`says what is wrong with ${what}`, () => assert.match(told(options), expected));
  }

  it('shows nothing secret of itself', () => {
    const { credential, project } = load({ serviceAccount: account });
    const shown = inspect({ credential, project }, { depth: 10 }) + JSON.stringify({ credential });
    for (const line of key.split('\n').slice(1, -2)) assert.ok(!shown.includes(line));
    const given = load({ accessToken: 'secret-token', project: 'my-app' });
    assert.doesNotMatch(inspect(given, { depth: 10, showHidden: true }), /secret-token/);
  });
});
