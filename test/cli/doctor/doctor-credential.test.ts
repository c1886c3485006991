/** `peal doctor` and credentials that cannot be used, or not for that. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadCredential } from '../../../src/apns/credentials/load-credential.js';
import { providerTokens } from '../../../src/apns/credentials/provider-token.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { startSimulator } from '../../../src/simulator/simulator.js';
import { examine } from './doctor-fixture.js';

const topic = 'com.example.app';
const dayMs = 86_400_000;

describe('peal doctor and a credential', () => {
  let folder = '';

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-doctor-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function write(name: string, content: string): Promise<string> {
    await writeFile(path.join(folder, name), content, { mode: 0o600 });
    return path.join(folder, name);
  }
  const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;
  const withKey = (file: string): string[] => ['--key', file, '--key-id', 'ABCDE12345', '--team-id', 'FGHIJ67890'];
  const client = (nowMs: number, environments?: ('sandbox' | 'production')[], topics = [topic]): string => {
    const options = { topics, ...(environments !== undefined && { environments }) };
    const { cert, key } = new ThrowAwayAuthority('test', nowMs).issueClient(topic, options);
    return cert + key;
  };

  describe('of the wrong kind:', () => {
    for (const [name, key, kind] of [
      ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey, 'EC secp384r1'],
      ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 'rsa'],
      ['Ed25519', generateKeyPairSync('ed25519').privateKey, 'ed25519'],
    ] as const) {
      it(`a key of ${name} is named as such, and nothing is sent with it`, async () => {
        const text = pem(key);
        const run = await examine(withKey(await write(`${name}.p8`, text)), { secrets: [text.split('\n')[1]!] });
        assert.deepEqual([run.code, run.failed], [5, ['key']]);
        const { found, advice } = run.step('key');
        assert.match(found, new RegExp(`\\(--key\\) is a key of the kind ${kind}, but provider tokens need EC P-256$`));
        assert.equal(advice, 'Give the .p8 file from Apple.');
      });
    }

    it('a certificate in the place of a key, a file that is missing, and ids that are none', async () => {
      const cert = await write('cert.pem', client(Date.now()));
      const only = await examine(withKey(await write('only.pem', certOf(client(Date.now())))));
      assert.match(only.step('key').found, /holds a certificate, not a private key$/);
      const missing = await examine(withKey(path.join(folder, 'missing.p8')));
      assert.deepEqual([missing.code, missing.failed], [5, ['key']]);
      assert.match(missing.step('key').found, /missing\.p8 \(--key\) does not exist$/);
      assert.match(missing.step('key').advice!, /^Give the path of the file that Apple issued/);
      const ids = await examine(['--key', cert, '--key-id', 'short', '--team-id', 'FGHIJ67890']);
      assert.deepEqual([ids.code, ids.failed], [5, ['key']]);
      assert.match(ids.step('key').found, /--key-id must be 10 characters/);
      assert.match(ids.step('key').advice!, /^They stand in the name of its file, AuthKey_KEYID\.p8\.$/);
    });

    it('a service account that is another file of Firebase', async () => {
      const file = await write('google-services.json', JSON.stringify({ project_info: {}, client: [] }));
      const run = await examine(['--provider', 'fcm', '--service-account', file, '--offline']);
      assert.deepEqual([run.code, run.failed], [5, ['service-account']]);
      assert.match(run.step('service-account').found, /is google-services\.json, which belongs into an Android app$/);
      assert.match(run.step('service-account').advice!, /^Make a key in the Firebase console/);
    });
  });

  const certOf = (text: string): string => text.slice(0, text.indexOf('-----BEGIN PRIVATE'));

  it('an expired certificate is told with the day on which it ended', async () => {
    const run = await examine([
      '--cert',
      await write('expired.pem', client(Date.now() - 91 * dayMs)),
      '--topic',
      topic,
    ]);
    assert.deepEqual([run.code, run.failed], [5, ['certificate']]);
    const { found, advice } = run.step('certificate');
    assert.match(found, /expired\.pem \(--cert\) holds a certificate that expired on 20\d\d-\d\d-\d\dT/);
    assert.match(advice!, /^Renew it/);
  });

  it('a certificate that is refused is told with its subject, topics, environment and end', async () => {
    const topics = [topic, `${topic}.voip`];
    const text = client(Date.now() - 91 * dayMs, ['production'], topics);
    const { validTo } = new X509Certificate(text);
    const run = await examine(['--cert', await write('refused.pem', text)]);
    assert.deepEqual([run.code, run.failed], [5, ['certificate']]);
    const { found, details } = run.step('certificate');
    assert.match(
      found,
      /expired on \S+Z; .*CN=Apple Push Services: com\.example\.app.*; for com\.example\.app, com\.example\.app\.voip; production$/,
    );
    const { code, subject, ...rest } = details;
    assert.equal(code, 'ERR_PEAL_CREDENTIAL');
    assert.match(String(subject), /UID=com\.example\.app/);
    assert.deepEqual(rest, { topics, environments: ['production'], expiresAt: new Date(validTo).toISOString() });
  });

  it('an expired certificate leaves the way to the gateway to be looked at, and HTTP/2 aside', async () => {
    const authority = new ThrowAwayAuthority();
    const clientCa = new ThrowAwayAuthority().certificate;
    await using simulator = await startSimulator({ ...authority.issueServer(), auth: 'certificate', clientCa });
    const ca = await write('gateway-ca.pem', authority.certificate);
    const cert = await write('expired-too.pem', client(Date.now() - 91 * dayMs));
    const run = await examine(['--gateway', simulator.url, '--ca', ca, '--cert', cert, '--topic', topic]);
    assert.deepEqual([run.code, run.failed], [5, ['certificate']], run.stdout);
    assert.deepEqual([run.step('tls').state, run.step('alpn').state], ['ok', 'ok']);
    for (const name of ['http2', 'push']) assert.equal(run.step(name).found, 'the certificate cannot be used');
  });

  it('a certificate that ends within a month is a warning, and one that begins tomorrow a failure', async () => {
    const soon = await examine(['--cert', await write('soon.pem', client(Date.now() - 80 * dayMs))]);
    assert.equal(soon.code, 0);
    assert.equal(soon.step('certificate').state, 'warning');
    assert.match(soon.step('certificate').found, /\((?:9|10) days\)$/);
    assert.match(soon.step('certificate').advice!, /ends soon: renew it\.$/);
    const later = await examine(['--cert', await write('later.pem', client(Date.now() + 2 * dayMs))]);
    assert.deepEqual([later.code, later.failed], [5, ['certificate']]);
    assert.match(later.step('certificate').advice!, /^Check the clock of this machine/);
  });

  it('a passphrase that is missing or wrong', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const secret = 'PEAL-CANARY-SECRET';
    const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: secret });
    const file = await write('encrypted.p8', encrypted as string);
    const missing = await examine(withKey(file));
    assert.deepEqual([missing.code, missing.failed], [5, ['key']]);
    assert.match(`${missing.step('key').found} ${missing.step('key').advice}`, /passphrase/);
    const wrong = await examine(withKey(file), { env: { PEAL_PASSPHRASE: `${secret}-not` }, secrets: [secret] });
    assert.deepEqual([wrong.code, wrong.failed], [5, ['key']]);
    const right = await examine(withKey(file), { env: { PEAL_PASSPHRASE: secret }, secrets: [secret] });
    assert.deepEqual([right.code, right.step('key').state], [0, 'ok']);
  });

  it('a key that every user may read, and a file that is named after another key, are warnings', async function () {
    if (process.platform === 'win32') this.skip();
    const file = await write('AuthKey_OTHER67890.p8', createThrowAwayProviderKey().p8);
    await chmod(file, 0o644);
    const run = await examine(withKey(file));
    assert.equal(run.code, 0);
    const { state, advice } = run.step('key');
    assert.equal(state, 'warning');
    assert.match(advice!, /--key-id is ABCDE12345, but the name of the file AuthKey_OTHER67890\.p8 .* says OTHER67890/);
    assert.match(advice!, /every user of this machine may read this file: restrict it \(chmod 600\)\.$/);
  });

  it('a certificate for another topic, and for the other environment', async () => {
    const file = await write('scoped.pem', client(Date.now(), ['sandbox']));
    const other = await examine(['--cert', file, '--topic', 'com.example.other']);
    assert.deepEqual([other.code, other.failed], [5, ['topic']]);
    assert.match(other.step('topic').advice!, /^Give one of its topics \(com\.example\.app\)/);
    const production = ['--environment', 'production', '--offline'];
    const environment = await examine(['--cert', file, '--topic', topic, ...production]);
    assert.deepEqual([environment.code, environment.failed], [5, ['topic']]);
    assert.match(environment.step('topic').found, /is for sandbox only, and the gateway is that of production$/);
    const location = await examine(['--cert', file, '--topic', `${topic}.location-query`]);
    assert.match(location.step('topic').found, /a push of the type location needs a provider token/);
  });

  it('a topic that does not go with the push type, or is missing', async () => {
    const key = withKey(await write('good.p8', createThrowAwayProviderKey().p8));
    const wrong = await examine([...key, '--topic', topic, '--push-type', 'voip']);
    assert.deepEqual([wrong.code, wrong.failed], [2, ['topic']]);
    assert.match(wrong.step('topic').found, /--topic is "com\.example\.app", which does not go with --push-type voip/);
    const none = await examine([...key, '--environment', 'sandbox', '--offline']);
    assert.deepEqual([none.code, none.step('topic').state], [0, 'warning']);
  });

  it('a provider token that another process keeps in a file', async () => {
    const { p8, keyId, teamId } = createThrowAwayProviderKey();
    const signing = loadCredential({ key: Buffer.from(p8), keyId, teamId });
    const token = await write('token', providerTokens.minterFor(signing).current().token);
    const run = await examine(['--provider-token-file', token]);
    assert.deepEqual([run.code, run.step('provider-token').state], [0, 'ok']);
    const missing = await examine(['--provider-token-file', path.join(folder, 'none')]);
    assert.deepEqual([missing.code, missing.failed], [5, ['provider-token']]);
    assert.match(
      missing.step('provider-token').found,
      /none \(--provider-token-file\) is missing, or holds no provider/,
    );
  });

  it('that is not given: says what both services take, where nothing names one', async () => {
    const found = async (...args: string[]): Promise<string> => (await examine(args)).step('key').found;
    assert.equal(
      await found(),
      'no credential is given: --key, --cert or --pfx for APNs, --service-account (or --provider fcm) for FCM',
    );
    assert.equal(await found('--provider', 'apns'), 'no credential is given: --key, --cert or --pfx');
    assert.equal(await found('--environment', 'sandbox'), 'no credential is given: --key, --cert or --pfx');
  });

  it('an authority that is no certificate, or has expired', async () => {
    const none = await examine(['--ca', await write('none.pem', 'nothing')]);
    assert.deepEqual([none.code, none.failed], [2, ['trust']]);
    const expired = new ThrowAwayAuthority('test', Date.now() - 91 * dayMs).certificate;
    const old = await examine(['--ca', await write('old.pem', expired)]);
    assert.deepEqual([old.code, old.failed], [4, ['trust']]);
    assert.match(old.step('trust').found, /^every certificate of --ca has expired, the last on 20/);
  });
});
