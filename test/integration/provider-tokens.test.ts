/** Provider tokens that several processes share, and those that are signed or made elsewhere, against the simulator. */
import assert from 'node:assert/strict';
import { sign as signWith } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { joinToken, signingInput } from '../../src/apns/credentials/jwt.js';
import { APNs, type CredentialOptions, Message, Session } from '../../src/index.js';
import { createThrowAwayProviderKey } from '../../src/simulator/listen/certificate.js';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js';
import { Fixture, randomTokens, topic } from '../cli/fixture.js';
import { jsonLines, runCommand } from '../support/command.js';

const { p8, keyId, teamId, publicKey } = createThrowAwayProviderKey('ABC123DEFG', 'TEAM123456');
/** As APNs: one new token of a key in 20 minutes, nothing else of its strictness. */
const strict = { conduct: { providerTokenUpdates: 0 } as const };

describe('provider tokens from elsewhere', () => {
  let simulator: Simulator;
  beforeEach(async () => {
    simulator = await startSimulator({
      auth: 'token',
      providerKeys: [{ keyId, teamId, publicKey }],
      controlPort: null,
      ...strict,
    });
  });
  afterEach(async () => {
    await simulator.close();
  });

  const sign = async (data: Uint8Array): Promise<Uint8Array> => signWith('sha256', data, p8);
  const made = (): string => {
    const signed = signingInput({ keyId, teamId }, Date.now());
    const signature = signWith('sha256', Buffer.from(signed), { key: p8, dsaEncoding: 'ieee-p1363' });
    return joinToken(signed, signature);
  };

  const forms: readonly [string, () => CredentialOptions][] = [
    ['a signing hook', () => ({ sign, keyId, teamId, publicKey })],
    ['a token', () => ({ providerToken: made() })],
    [
      'a function',
      () => {
        const token = made();
        return { providerToken: async () => token };
      },
    ],
  ];
  for (const [name, form] of forms) {
    for (const threads of [0, 1]) {
      it(`serve a send from ${name}, with ${threads} threads`, async () => {
        await using session = new Session({ threads, ca: simulator.caCertificate! });
        const apns = new APNs(session.getConnection(simulator.url, form()));
        const result = await apns.send(new Message(randomTokens(300), { alert: 'Hello', topic }));
        assert.equal(result.accepted, 300, JSON.stringify([...result.reasons, result.stopped]));
        assert.equal(simulator.ledger.summary().accepted, 300);
      });
    }
  }

  it('that fail end a send with everybody unsent and one sentence', async () => {
    for (const threads of [0, 1]) {
      await using session = new Session({ threads, ca: simulator.caCertificate! });
      const broken = { sign: () => new Uint8Array(3), keyId, teamId };
      const result = await new APNs(session.getConnection(simulator.url, broken)).send(
        new Message(randomTokens(20), { alert: 'Hello', topic }),
      );
      assert.equal(result.stopped?.code, 'ERR_PEAL_CREDENTIAL');
      assert.match(result.stopped!.message, /option sign returned 3 bytes that are not an ES256 signature/);
      assert.deepEqual([result.unsent.length, result.recipients], [20, 20]);
    }
  });
});

describe('peal send --provider-token-file', () => {
  let fixture: Fixture;
  let tokens: string;
  beforeEach(async () => {
    fixture = await Fixture.open(strict);
    tokens = await fixture.write('tokens.txt', randomTokens(40).join('\n'));
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const args = (number: number, ...more: string[]): string[] =>
    fixture.send(tokens, {
      without: ['--out'],
      with: ['--out', fixture.path(`out-${number}`), '--json', '--retry-time', '5', ...more],
    });

  it('lets processes share a key: all are accepted, with no request sent twice', async () => {
    const file = fixture.path('provider-token');
    const runs = await Promise.all(
      [1, 2, 3, 4].map((n) => runCommand(args(n, '--provider-token-file', file), { ownProcess: true })),
    );
    for (const { code, stdout, stderr } of runs) {
      assert.equal(code, 0, `${stdout}${stderr}`);
      const summary = jsonLines(stdout).at(-1)!;
      assert.deepEqual([summary.accepted, summary.resent], [40, 0]);
    }
    assert.deepEqual(fixture.simulator.ledger.summary().rejected, 0);
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(
      readdirSync(fixture.folder).filter((name) => name.startsWith('provider-token')),
      ['provider-token'],
    );
    // A process without the key takes the token that the others keep.
    const alone = fixture.send(tokens, {
      without: ['--key', '--key-id', '--team-id'],
      with: ['--provider-token-file', file],
    });
    const last = await runCommand(alone, { ownProcess: true });
    assert.equal(last.code, 0, last.stderr);
    const { code, stderr, stdout } = await runCommand(args(1, '--provider-token-file', fixture.path('key.p8')));
    assert.equal(code, 5, stdout);
    assert.match(stderr, /key\.p8 \(--provider-token-file\) holds something other than a provider token/);
    assert.match(readFileSync(fixture.path('key.p8'), 'utf8'), /BEGIN PRIVATE KEY/);
  });

  it('and without it they are refused, and end when their time is up, with the rest unsent', async () => {
    // The first token of a key is free, so one process gets through and holds the key; its iat is another second's.
    const first = await runCommand(args(1), { ownProcess: true });
    assert.equal(first.code, 0, first.stderr);
    const second = await runCommand(args(2), { ownProcess: true });
    assert.equal(second.code, 4, second.stderr);
    assert.match(
      second.stderr,
      /For 5 seconds APNs answered TooManyProviderTokenUpdates .* share one \(--provider-token-file\)\.$/m,
    );
    const summary = jsonLines(second.stdout).at(-1)!;
    assert.deepEqual(summary.reasons, { TooManyProviderTokenUpdates: summary.rejected });
    assert.equal((summary.rejected as number) + (summary.unsent as number), 40);
    // Without --retry-time, a minute.
    assert.ok((summary.seconds as number) < 60, `${summary.seconds} s`);
  });
});

describe('a shared provider token in a folder that goes away', () => {
  it('is no fault of peal', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-gone-'));
    rmSync(folder, { recursive: true });
    await using fixture = await Fixture.open();
    const tokens = await fixture.write('tokens.txt', randomTokens(2).join('\n'));
    const file = path.join(folder, 'token');
    const { code, stderr } = await runCommand(fixture.send(tokens, { with: ['--provider-token-file', file] }));
    assert.equal(code, 5);
    assert.match(
      stderr,
      /token \(--provider-token-file\) cannot be written \(ENOENT\): its directory has to be writable\.$/m,
    );
  });
});
