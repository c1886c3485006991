import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { removeCredential } from '../../../src/cli/credentials/credentials.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { Canaries } from '../../security/canaries.js';
import { type CommandResult, runCommand } from '../../support/command.js';
import { PostgresServer } from '../../support/postgres-server.js';
import { RedisServer } from '../../support/redis-server.js';
import { assertOneSentence } from '../fixture.js';

const app = 'com.example.app';
const place = ['--app', app, '--environment', 'production'];

describe('peal credentials', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-'));
  const file = (name: string): string => path.join(folder, name);
  const first = createThrowAwayProviderKey();
  const second = new ThrowAwayAuthority().issueClient(app);
  const key = ['--key', file('key.p8'), '--key-id', first.keyId, '--team-id', first.teamId];
  const certificate = ['--cert', file('cert.pem'), '--cert-key', file('cert.key')];
  const canaries = new Canaries().privateKey('key', first.p8).privateKey('certificate key', second.key);
  const keys = ['old', 'new'].map((id) => `${id}:${randomBytes(32).toString('base64')}`) as [string, string];
  for (const one of keys) canaries.text('sealing key', one.slice(4));

  before(() => {
    for (const [name, text] of Object.entries({
      'key.p8': first.p8,
      'cert.pem': second.cert,
      'cert.key': second.key,
      'seal.keys': `${keys[0]}\n`,
      'both.keys': `${keys[1]}\n${keys[0]}\n`,
      'new.keys': `${keys[1]}\n`,
    })) {
      writeFileSync(file(name), text, { mode: 0o600 });
    }
  });

  after(() => rmSync(folder, { recursive: true }));

  const run = async (...args: readonly string[]): Promise<CommandResult> => {
    const result = await runCommand(['credentials', ...args]);
    canaries.assertNone(result.stdout.replaceAll(/[0-9a-f]{64}/g, ''), `the output of ${args[0]}`);
    canaries.assertNone(result.stderr, `the errors of ${args[0]}`);
    return result;
  };

  /** What every kind of store does on the command line. */
  const lifeOf = async (store: readonly string[]): Promise<void> => {
    const added = await run('add', ...store, ...place, ...key);
    assert.equal(added.code, 0, added.stderr);
    assert.match(
      added.stdout,
      /^Added version \w+ of the credential of com\.example\.app \(production\) to .*: provider key/,
    );
    const again = await run('add', ...store, ...place, ...key);
    assert.equal(again.code, 2);
    assertOneSentence(again, /There is a credential of .*peal credentials rotate adds a version to it\.$/);
    const rotated = await run('rotate', ...store, ...place, ...certificate, '--json');
    assert.equal(rotated.code, 0, rotated.stderr);
    const facts = JSON.parse(rotated.stdout) as { version: string; kept: number; removed: number; kind: string };
    assert.deepEqual([facts.kept, facts.removed, facts.kind], [1, 0, 'certificate']);
    const listed = await run('list', ...store);
    const [head, newest, oldest, ...others] = listed.stdout.trimEnd().split('\n');
    assert.match(head!, /^APP +ENVIRONMENT +VERSION +KIND +NAME/);
    assert.match(newest!, new RegExp(`^${app} +production +${facts.version} +certificate +.*${app}`));
    assert.match(oldest!, new RegExp(`key +${first.keyId} \\(team ${first.teamId}\\)`));
    assert.deepEqual(others, []);
    const lines = (await run('list', ...store, '--json', '--app', app)).stdout.trimEnd().split('\n');
    assert.equal((JSON.parse(lines[0]!) as { fingerprint: string }).fingerprint.length, 64);
    assert.equal((await run('list', ...store, '--app', 'com.example.ap', '--json')).stdout, '');
    const once = await run('rotate', ...store, ...place, ...key, '--keep', '0');
    assert.match(once.stdout, /; 0 former versions kept, 2 removed\.$/m);
    const asked = await run('remove', ...store, ...place);
    assert.equal(asked.code, 2);
    assertOneSentence(asked, /--yes is needed to remove 1 version of the credential/);
    assert.equal((await run('remove', ...store, ...place, '--which', 'none', '--yes')).code, 2);
    assert.equal((await run('remove', ...store, ...place, '--yes')).code, 0);
    const gone = await run('remove', ...store, ...place, '--yes');
    assert.equal(gone.code, 2);
    assertOneSentence(gone, /There is no credential of com\.example\.app \(production\) in /);
    assert.match((await run('list', ...store)).stdout, /^There are no credentials in /);
    assertOneSentence(await run('rotate', ...store, ...place, ...key), /use peal credentials add\.$/);
    assert.equal((await run('migrate', ...store)).code, 0);
  };

  /** The same, and what sealed stores do besides. */
  const sealedLifeOf = async (store: string): Promise<void> => {
    await lifeOf(['--store', store, '--seal-key-file', file('seal.keys')]);
    const open = ['--store', store, '--seal-key-file'];
    await run('add', ...open, file('seal.keys'), ...place, ...key);
    assert.equal((await run('rotate', ...open, file('new.keys'), '--sealing')).code, 5);
    const resealed = await run('rotate', ...open, file('both.keys'), '--sealing', '--json');
    assert.deepEqual(JSON.parse(resealed.stdout), { resealed: 1 });
    assert.match((await run('list', ...open, file('new.keys'))).stdout, / new$/m);
    const without = await run('list', '--store', store);
    assert.equal(without.code, 2);
    assertOneSentence(without, /no sealing key is given: give --seal-key-file or PEAL_SEAL_KEY\.$/);
    const fromVariables = await runCommand(['credentials', 'list', '--json'], {
      env: { PEAL_CREDENTIALS: store, PEAL_SEAL_KEY: keys[1] },
    });
    assert.equal(fromVariables.stdout.trimEnd().split('\n').length, 1, fromVariables.stderr);
  };

  it('keeps them in a folder', () => lifeOf(['--store', `file:${file('store')}`]));

  it('keeps them in PostgreSQL', async function () {
    if (!PostgresServer.isInstalled) return this.skip();
    await using server = await PostgresServer.start();
    await sealedLifeOf(server.url);
  });

  it('keeps them in Redis', async function () {
    if (!RedisServer.isInstalled) return this.skip();
    await using server = await RedisServer.start();
    await sealedLifeOf(server.url);
    canaries.assertNone(server.cli('--scan').concat(server.cli('save')), 'the keys of Redis');
  });

  it('lists those of the environment, and cannot change them', async () => {
    const credential = { app, environment: 'production', key: first.p8, keyId: first.keyId, teamId: first.teamId };
    const env = { PEAL_CREDENTIALS: 'env:', PEAL_CREDENTIAL_MAIN: JSON.stringify(credential) };
    const listed = await runCommand(['credentials', 'list'], { env });
    assert.match(listed.stdout, new RegExp(first.keyId));
    canaries.assertNone(listed.stdout, 'the list');
    const changed = await runCommand(['credentials', 'remove', ...place, '--yes'], { env });
    assert.equal(changed.code, 2);
    assertOneSentence(changed, /The environment cannot be changed by a program/);
  });

  it('refuses what does not go together, in one sentence', async () => {
    const store = ['--store', `file:${file('refused')}`];
    for (const [args, code, message] of [
      [['list'], 2, /no store of credentials is given\. Give --store URL, or set PEAL_CREDENTIALS\.$/],
      [['list', '--store', 'mysql://h/x'], 2, /--store or PEAL_CREDENTIALS must be one of file:FOLDER, env:/],
      [['list', '--store', 'redis://u:canary@h'], 2, /a password on the command line can be read by others/],
      [['list', '--store', `file:${file('not')}`], 6, /The folder .* does not exist\.$/],
      [['add', ...store, ...place], 2, /no credential is given: give --key, --cert or --pfx\.$/],
      [['add', ...store, ...place, '--key', file('key.p8')], 2, /--key needs --key-id and --team-id\.$/],
      [['add', ...store, ...place, '--cert', file('key.p8')], 5, /\(--cert\) holds no certificate/],
      [['add', ...store, '--app', '../x', '--environment', 'sandbox', ...key], 2, /--app must be a bundle id/],
      [['add', ...store, ...place, ...key, '--gateway', 'nowhere'], 2, /address/],
      [['rotate', ...store, ...key], 2, /rotate needs --app and --environment, or --sealing\.$/],
      [['rotate', ...store, '--sealing', '--app', app], 2, /--sealing seals all records anew/],
    ] as const) {
      const result = await run(...args);
      assert.equal(result.code, code, result.stderr);
      assertOneSentence(result, message);
      assert.doesNotMatch(result.stderr, /canary/);
    }
  });

  it('prints the statements for PostgreSQL', async () => {
    const { stdout, code } = await run('migrate', '--print');
    assert.equal(code, 0);
    assert.match(stdout, /^create table if not exists peal_credentials \($/m);
  });

  it('asks on a terminal before it removes', async () => {
    const store = `file:${file('asked')}`;
    assert.equal((await run('add', '--store', store, ...place, ...key)).code, 0);
    for (const [answer, sentence] of [
      ['n\n', 'Nothing was removed.\n'],
      ['y\n', /^Removed 1 version of the credential of com\.example\.app \(production\) in file:/],
    ] as const) {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      stderr.on('data', (text: Buffer) => {
        if (String(text).includes('[y/N]')) stdin.write(answer);
      });
      const terminal = { stdin: Object.assign(stdin, { isTTY: true }), stdout, stderr, env: {} };
      assert.equal(await removeCredential({ store, app, environment: 'production' }, terminal), 0);
      assert.match(String(stdout.read()), new RegExp(sentence));
    }
  });
});
