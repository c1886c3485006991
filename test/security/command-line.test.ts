/**
 * Key material and token privacy on the command line: canaries in files and environment, and a search of all it prints.
 */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { scriptedToken } from '../../src/simulator/books/token-script.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { Fixture, randomTokens, topic } from '../cli/fixture.js';
import { drawsAll } from '../support/cases.js';
import { runCommand } from '../support/command.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { Canaries } from './canaries.js';

const passphrase = 'CANARY-passphrase-77c2';
const proxyPassword = 'CANARY-proxy-11d8';

describe('security: the command line shows neither key material nor device tokens', () => {
  let fixture: Fixture;
  let canaries: Canaries;
  let tokens: string;
  let foreign: ReturnType<typeof createThrowAwayProviderKey>;

  before(async () => {
    const authority = new ThrowAwayAuthority();
    fixture = await Fixture.open({ auth: 'either', clientCa: authority.certificate });
    const client = authority.issueClient(topic);
    const encrypted = createPrivateKey(client.key).export({
      type: 'pkcs8',
      format: 'pem',
      ...{ cipher: 'aes-256-cbc', passphrase },
    }) as string;
    foreign = createThrowAwayProviderKey();
    await fixture.write('client.pem', client.cert);
    await fixture.write('client.key', encrypted);
    await fixture.write('foreign.p8', foreign.p8);
    await fixture.write('damaged.p8', fixture.providerKey.p8.replace(/\n(.{20})/, '\n!!$1'));
    await fixture.write('other-ca.pem', authority.certificate);
    await fixture.write('passphrase', `${passphrase}\n`);
    const list = [...randomTokens(30), scriptedToken('Unregistered'), scriptedToken('BadDeviceToken')];
    tokens = await fixture.write('tokens.txt', [...list, `${'0'.repeat(63)}x`, `<${'ab'.repeat(31)}>`].join('\n'));
    canaries = new Canaries()
      .privateKey('the provider key', fixture.providerKey.p8)
      .privateKey('a foreign provider key', foreign.p8)
      .privateKey('the key of the certificate', client.key)
      .privateKey('the encrypted key of the certificate', encrypted, passphrase)
      .text('the passphrase', passphrase)
      .text('the password of the proxy', proxyPassword);
  });

  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  /** Runs `peal send` as text and as JSON lines, and searches what it prints and writes. */
  async function searched(
    code: number,
    options: { without?: readonly string[]; with?: readonly string[]; env?: Record<string, string> } = {},
  ): Promise<void> {
    // Text prints what JSON does, and more around it.
    for (const more of drawsAll ? [[], ['--json']] : [[]]) {
      const args = fixture.send(tokens, { ...options, with: [...(options.with ?? []), ...more] });
      const result = await runCommand(args, { env: options.env ?? {} });
      const where = args
        .join(' ')
        .slice(-200)
        .replaceAll(/-----.*/gs, '');
      assert.equal(result.code, code, result.stderr);
      canaries.assertNone(result.stdout, `standard output of ${where}`);
      canaries.assertNone(result.stderr, `standard error of ${where}`);
      const out = fixture.path('out');
      for (const name of existsSync(out) ? readdirSync(out) : []) {
        canaries.assertNoSecret(readFileSync(path.join(out, name), 'utf8'), name);
      }
    }
  }

  const key = ['--key', '--key-id', '--team-id'];
  const certificate = (): string[] => ['--cert', fixture.path('client.pem'), '--cert-key', fixture.path('client.key')];
  const foreignIds = (): string[] => ['--key-id', foreign.keyId, '--team-id', foreign.teamId];

  it('key material: a send that ends well, with a provider key and on a thread', async () => {
    await searched(3);
    await searched(3, { without: ['--threads'], with: ['--threads', '1'] });
  });

  it('key material: a certificate with its passphrase from the environment, from a file, a wrong one, and none', async () => {
    await searched(3, { without: key, with: certificate(), env: { PEAL_PASSPHRASE: passphrase } });
    const fromFile = [...certificate(), '--passphrase-file', fixture.path('passphrase')];
    await searched(3, { without: key, with: fromFile });
    await searched(5, { without: key, with: certificate(), env: { PEAL_PASSPHRASE: `${passphrase}-not` } });
    await searched(5, { without: key, with: certificate() });
  });

  it('key material: a key that is damaged, that is not there, and whose text stands where its path belongs', async () => {
    const { keyId, teamId, p8 } = fixture.providerKey;
    const ids = ['--key-id', keyId, '--team-id', teamId];
    await searched(5, { without: key, with: ['--key', fixture.path('damaged.p8'), ...ids] });
    await searched(5, { without: key, with: ['--key', fixture.path('nowhere.p8'), ...ids] });
    await searched(5, { without: key, with: [`--key=${p8}`, ...ids] });
    await searched(5, { without: key, with: ['--key', p8.split('\n').slice(1, -2).join(''), ...ids] });
  });

  it('key material: a key that everybody may read is warned about by its name only', async () => {
    chmodSync(fixture.path('key.p8'), 0o644);
    try {
      await searched(3);
    } finally {
      chmodSync(fixture.path('key.p8'), 0o600);
    }
  });

  it('key material: a gateway that is not trusted, also with NODE_TLS_REJECT_UNAUTHORIZED=0', async () => {
    const options = { without: ['--ca'], with: ['--ca', fixture.path('other-ca.pem')] };
    await searched(4, options);
    await searched(4, { ...options, env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
  });

  it('key material: a passphrase that is given as an option that there is not', async () => {
    for (const given of [passphrase, `it's ${passphrase}`, `${passphrase}\n'`]) {
      await searched(2, { with: [`--passphrase=${given}`] });
    }
  });

  it('key material: a gateway that refuses the provider token', async () => {
    await searched(4, { without: key, with: ['--key', fixture.path('foreign.p8'), ...foreignIds()] });
  });

  it('key material: a proxy that refuses its password, and a proxy that is none', async () => {
    const proxy = await ConnectProxy.open({ login: 'me:other' });
    try {
      await searched(4, { env: { PEAL_PROXY: proxy.url(`me:${proxyPassword}`) } });
    } finally {
      await proxy.close();
    }
    await searched(2, { env: { PEAL_PROXY: `socks5://me:${proxyPassword}@localhost` } });
    await searched(2, { with: ['--proxy', `http://me:${proxyPassword}@localhost:1`] });
  });
});
