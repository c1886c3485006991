/** `peal feedback` end to end: a process of its own against the simulator's feedback service. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { writeFeedbackTuple } from '../../../src/codec/binary/feedback.js';
import { scriptedBinaryToken } from '../../../src/simulator/books/binary-script.js';
import { ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { type CommandResult, runCommand } from '../../support/command.js';
import { BinaryFixture } from '../binary-fixture.js';
import { assertOneSentence, randomTokens } from '../fixture.js';

const when = new Date('2026-03-04T05:06:07Z');

describe('peal feedback', () => {
  let fixture: BinaryFixture;
  const tokens = randomTokens(3);
  beforeEach(async () => {
    fixture = await BinaryFixture.open({ feedback: tokens.map((token) => ({ token, when })) });
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const csv = `token,when\n${tokens.map((token) => `${token},2026-03-04T05:06:07.000Z\n`).join('')}`;

  it('prints the list as CSV, which the gateway gives only once', async () => {
    const first = await runCommand(fixture.feedback());
    assert.deepEqual([first.code, first.stdout], [0, csv]);
    const whose = 'client certificate UID=com.example.app, CN=Apple Push Services: com.example.app, valid until 20';
    assert.match(
      first.stderr,
      new RegExp(`^peal: ${whose}\\d\\d-\\d\\d-\\d\\d\npeal: 3 tokens in the list of the feedback gateway\n$`),
    );
    const second = await runCommand(fixture.feedback('--quiet'));
    assert.deepEqual([second.code, second.stdout, second.stderr], [0, 'token,when\n', '']);
    // Somebody who gives no certificate is told of none.
    const bare = await BinaryFixture.open({ auth: 'any' });
    await using _ = bare;
    const args = ['--gateway', bare.simulator.feedbackUrl!, '--ca', bare.path('ca.pem')];
    const third = await runCommand(['feedback', ...args]);
    assert.deepEqual([third.code, third.stderr], [0, 'peal: 0 tokens in the list of the feedback gateway\n']);
  });

  it('prints it as NDJSON', async () => {
    const { code, stdout } = await runCommand(fixture.feedback('--format', 'ndjson'));
    assert.equal(code, 0);
    const expected = tokens.map((token) => `{"token":"${token}","when":"2026-03-04T05:06:07.000Z"}\n`);
    assert.equal(stdout, expected.join(''));
  });

  it('puts it into a file for its owner, whole or not at all', async () => {
    const file = fixture.path('gone.csv');
    const { code, stdout } = await runCommand(fixture.feedback('--out', file));
    assert.deepEqual([code, stdout], [0, '']);
    assert.equal(await readFile(file, 'utf8'), csv);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(partialFiles(fixture.folder), []);
  });

  it('names tokens that the binary gateway has refused', async () => {
    const bad = scriptedBinaryToken(8);
    await runCommand(fixture.send(await fixture.write('tokens.txt', bad)));
    const { stdout } = await runCommand(fixture.feedback('--quiet'));
    assert.match(stdout, new RegExp(`^${bad},\\d{4}-.*Z$`, 'm'));
  });

  it('does not ask a gateway for a list that it could not keep', async () => {
    const result = await runCommand(fixture.feedback('--out', fixture.path('nowhere/gone.csv')));
    assert.equal(result.code, 6);
    assertOneSentence(result, /nowhere\/gone\.csv/);
    // Neither could be replaced by a file at the end, or should be.
    mkdirSync(fixture.path('directory'));
    symlinkSync('/dev/null', fixture.path('device'));
    for (const [name, sentence] of [
      ['directory', /directory cannot be written: it is a directory/],
      ['device', /device cannot be written: it is a device/],
    ] as const) {
      const refused = await runCommand(fixture.feedback('--out', fixture.path(name)));
      assert.equal(refused.code, 6);
      assertOneSentence(refused, sentence);
    }
    assert.deepEqual(partialFiles(fixture.folder), []);
    assert.equal((await runCommand(fixture.feedback('--quiet'))).stdout, csv);
  });

  it('leaves an earlier file alone when there is no way to the gateway', async () => {
    const file = await fixture.write('gone.csv', 'earlier');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const gateway = `feedback://127.0.0.1:${port}`;
    const result = await runCommand([
      'feedback',
      '--gateway',
      gateway,
      ...fixture.credential,
      '--quiet',
      '--out',
      file,
    ]);
    assert.equal(result.code, 4);
    assertOneSentence(result, /127\.0\.0\.1/);
    assert.equal(await readFile(file, 'utf8'), 'earlier');
    assert.deepEqual(partialFiles(fixture.folder), []);
  });

  it('ends with 5 for a wrong passphrase, without repeating it', async () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const locked = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' }) as string;
    const keyFile = await fixture.write('locked.key', locked);
    const args = ['--cert', fixture.path('client.pem'), '--cert-key', keyFile, '--ca', fixture.path('ca.pem')];
    const command = ['feedback', '--gateway', fixture.simulator.feedbackUrl!, ...args];
    const result = await runCommand(command, { env: { PEAL_PASSPHRASE: 'wr0ng-secret' } });
    assert.equal(result.code, 5);
    assertOneSentence(result, /passphrase/);
    assert.doesNotMatch(result.stderr, /wr0ng-secret/);
  });

  describe('refuses', () => {
    const refusals: readonly [what: string, args: readonly string[], sentence: RegExp][] = [
      [
        'a gateway that takes notifications',
        ['--gateway', 'push_production'],
        /--gateway: this is not a feedback gateway/,
      ],
      ['a gateway of HTTP/2', ['--gateway', 'https://localhost:1'], /--gateway: this is not a feedback gateway/],
      ['a name that it does not know', ['--gateway', 'feedback_prod'], /feedback_prod/],
      [
        "Apple's gateway without a certificate",
        ['--gateway', 'feedback_production'],
        /Apple's feedback gateways need .* --cert or --pfx/,
      ],
      ['a key without its certificate', ['--gateway', 'feedback://localhost:1', '--cert-key', 'k'], /--cert-key goes/],
    ];
    for (const [what, args, sentence] of refusals) {
      it(what, async () => {
        const result = await runCommand(['feedback', ...args]);
        assert.equal(result.code, 2);
        assertOneSentence(result, sentence);
      });
    }
  });

  it('keeps what had come when it is interrupted', async () => {
    await using gateway = await endlessGateway();
    const ca = await fixture.write('endless-ca.pem', gateway.ca);
    const file = fixture.path('gone.csv');
    const command = ['feedback', '--gateway', gateway.url, '--ca', ca, '--out', file];
    const result: CommandResult = await runCommand(command, {
      whileRunning: async (child) => {
        await gateway.answered;
        // The list may still be on its way into the process: interrupt once the file has begun.
        while (!partialFiles(fixture.folder).some((name) => statSync(fixture.path(name)).size > 0)) {
          if (child.exitCode !== null) return;
          await sleep(5);
        }
        child.kill('SIGINT');
      },
    });
    assert.equal(result.code, 130, result.stderr);
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    assert.equal(lines[0], 'token,when');
    assert.ok(lines.length > 1);
    assert.ok(existsSync(file) && partialFiles(fixture.folder).length === 0);
  });
});

function partialFiles(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.partial'));
}

interface EndlessGateway extends AsyncDisposable {
  readonly url: string;
  readonly ca: string;
  readonly answered: Promise<void>;
}

/** A feedback gateway that gives some thousand tokens and never ends its list. */
async function endlessGateway(): Promise<EndlessGateway> {
  const authority = new ThrowAwayAuthority('peal test', Date.now());
  const list = Buffer.alloc(5000 * 38);
  for (let at = 0; at < list.length; at += 38) writeFeedbackTuple(list, at, 1_700_000_000, randomBytes(32));
  const server = createTlsServer(authority.issueServer()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets: TLSSocket[] = [];
  const answered = new Promise<void>((resolve) => {
    server.on('secureConnection', (socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.write(list, () => resolve());
    });
  });
  return {
    url: `feedback://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: authority.certificate,
    answered,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
