/**
 * Everything that can be wrong before or while `peal send` sends: one clear sentence, the right exit code, and whatever
 * was read and not sent is in unsent.txt. What is wrong with the command itself ends it before anything is read or
 * written.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { scriptedToken } from '../../../src/simulator/books/token-script.js';
import { ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { quietPort } from '../../support/quiet-port.js';
import { assertOneSentence, Fixture, randomTokens, withoutRefusedNote } from '../fixture.js';

describe('peal send, when something is wrong', () => {
  let fixture: Fixture;
  let list: string[];
  let tokens: string;
  let before_: string | null;
  before(async () => {
    fixture = await Fixture.open();
  });
  beforeEach(async () => {
    fixture.simulator.ledger.reset();
    list = randomTokens(50);
    tokens = await fixture.write('tokens.txt', list.join('\n'));
    before_ = await fixture.output('summary.json').catch(() => null);
  });
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const replaced = (name: string, ...values: string[]): string[] =>
    fixture.send(tokens, { without: [name], with: values.length === 0 ? [] : [name, ...values] });

  async function assertAllUnsent(): Promise<void> {
    assert.deepEqual(await fixture.outputLines('unsent.txt'), [...list].sort());
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
  }

  /** Nothing was begun: the campaign that was there before is there still. */
  async function assertUntouched(): Promise<void> {
    assert.equal(await fixture.output('summary.json').catch(() => null), before_);
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
  }

  describe('the list', () => {
    it('does not exist', async () => {
      const result = await runCommand(fixture.send(fixture.path('nowhere.txt')));
      assert.equal(result.code, 6);
      assertOneSentence(result, /nowhere\.txt does not exist/);
    });

    it('is one of several that does not exist: nothing is sent, and nothing begun', async () => {
      const args = [...fixture.send(fixture.path('nowhere.txt')), '--tokens', tokens];
      const result = await runCommand(args);
      assert.equal(result.code, 6);
      assertOneSentence(result, /nowhere\.txt does not exist/);
      await assertUntouched();
    });

    it('is a directory', async () => {
      const result = await runCommand(fixture.send(fixture.folder));
      assert.equal(result.code, 6);
      assertOneSentence(result, /is a directory/);
    });

    it('may not be read', async function () {
      if (process.getuid?.() === 0) this.skip();
      chmodSync(tokens, 0o000);
      const result = await runCommand(fixture.send(tokens));
      assert.equal(result.code, 6);
      assertOneSentence(result, /permission denied/);
    });

    it('is empty', async () => {
      const empty = await fixture.write('empty.txt', '\n\n');
      const result = await runCommand(fixture.send(empty));
      assert.equal(result.code, 6);
      assertOneSentence(result, /empty\.txt holds no device token, and nothing was sent/);
    });

    it('is damaged gzip: what could be read is sent or unsent', async () => {
      const packed = gzipSync(randomTokens(5000).join('\n'));
      const cut = await fixture.write('cut.gz', packed.subarray(0, packed.length / 2));
      const result = await runCommand(fixture.send(cut, { with: ['--json'] }));
      assert.equal(result.code, 6);
      assertOneSentence(result, /cut\.gz is gzip that was cut off/);
      const summary = jsonLines(result.stdout).at(-1)!;
      assert.equal(summary.recipients, (summary.accepted as number) + (summary.unsent as number));
      assert.ok((summary.recipients as number) > 1000);
    });

    it('has bad lines among good ones: the good ones are sent', async () => {
      const mixed = await fixture.write('mixed.txt', [list[0], 'zz', list[1], `${list[2]}0`].join('\n'));
      const result = await runCommand(fixture.send(mixed));
      assert.equal(result.code, 3);
      assertOneSentence(result, /2 lines are invalid, the first is line 2 of .*mixed\.txt, which is neither hex/);
      assert.equal(fixture.simulator.ledger.summary().accepted, 2);
      assert.equal((await fixture.outputLines('invalid.csv')).length, 3);
    });

    for (const [name, content] of [
      ['nothing but bad lines', 'zz\nyy\n'],
      ['a column without a token in it', 'id,name\n1,Ann\n2,Bob\n'],
    ] as const) {
      it(`has ${name}: nothing is sent, and the campaign of another list is kept`, async () => {
        const bad = await fixture.write('bad.txt', content);
        const out = fixture.path(`bad-${name.length}`);
        const args = fixture.send(bad, { without: ['--out', '--force'], with: ['--out', out] });
        const result = await runCommand(args);
        assert.equal(result.code, 6, result.stderr);
        assert.match(result.stderr, /bad\.txt/);
        assert.equal(fixture.simulator.ledger.summary().requests, 0);
        const good = fixture.send(tokens, { without: ['--out', '--force'], with: ['--out', `${out}-2`] });
        assert.equal((await runCommand(good)).code, 0);
        const again = await runCommand(args.map((arg) => (arg === out ? `${out}-2` : arg)));
        assert.ok([2, 6].includes(again.code!), again.stderr);
        assert.equal(JSON.parse(readFileSync(`${out}-2/summary.json`, 'utf8')).accepted, list.length);
      });
    }
  });

  describe('the credential', () => {
    const cases: readonly [name: string, make: () => Promise<string[]>, sentence: RegExp][] = [
      [
        'a key that does not exist',
        async () => replaced('--key', fixture.path('no.p8')),
        /no\.p8 .*--key.* does not exist/,
      ],
      [
        'a key that is no key',
        async () => replaced('--key', await fixture.write('bad.p8', 'not a key')),
        /bad\.p8 .*--key/,
      ],
      ['a key of another kind', async () => replaced('--key', await fixture.write('rsa.p8', rsaKey())), /EC P-256/],
      ['a malformed key id', async () => replaced('--key-id', 'abc'), /^peal: --key-id must be 10 characters/],
      ['a malformed team id', async () => replaced('--team-id', 'abc'), /^peal: --team-id must be 10 characters/],
      ['a certificate that does not match its key', mismatch, /does not belong to the certificate/],
      ['a certificate without its key', certificateAlone, /holds no private key: .*--cert-key/],
      ['an encrypted key and a wrong passphrase', wrongPassphrase, /passphrase/],
      [
        'a PKCS#12 file that is none',
        async () => withoutKey('--pfx', await fixture.write('x.p12', 'nonsense')),
        /x\.p12/,
      ],
      [
        'a file of provider tokens that does not exist',
        async () => withoutKey('--provider-token-file', fixture.path('no.jwt')),
        /no\.jwt \(--provider-token-file\) is missing, or holds no provider token: have it written, or give a key\.$/,
      ],
      [
        'a file of provider tokens that cannot be read, beside a key',
        async () => [...fixture.send(tokens), '--provider-token-file', fixture.folder],
        /\(--provider-token-file\) is a directory, not a file\.$/,
      ],
    ];
    for (const [name, make, sentence] of cases) {
      for (const isDry of [false, true]) {
        it(`is ${name}${isDry ? ', in a dry run' : ''}`, async () => {
          const args = await make();
          const result = await runCommand(isDry ? [...args.filter((arg) => arg !== '--force'), '--dry-run'] : args);
          assert.equal(result.code, 5);
          assertOneSentence(result, sentence);
          assert.ok(!/PRIVATE KEY-|secret-passphrase/.test(result.stderr + result.stdout));
          await assertUntouched();
        });
      }
    }

    const withoutKey = (...values: string[]): string[] =>
      fixture.send(tokens, { without: ['--key', '--key-id', '--team-id'], with: values });

    async function mismatch(): Promise<string[]> {
      const authority = new ThrowAwayAuthority();
      const cert = await fixture.write('cert.pem', authority.issueClient('a').cert);
      const key = await fixture.write('cert.key', authority.issueClient('b').key);
      return withoutKey('--cert', cert, '--cert-key', key);
    }

    async function certificateAlone(): Promise<string[]> {
      return withoutKey('--cert', await fixture.write('cert.pem', new ThrowAwayAuthority().issueClient('a').cert));
    }

    async function wrongPassphrase(): Promise<string[]> {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const encryption = { cipher: 'aes-256-cbc', passphrase: 'right' };
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption });
      const cert = await fixture.write('cert.pem', new ThrowAwayAuthority().issueClient('a').cert);
      const passphrase = await fixture.write('passphrase', 'secret-passphrase\n');
      const key = await fixture.write('cert.key', pem as string);
      return withoutKey('--cert', cert, '--cert-key', key, '--passphrase-file', passphrase);
    }
  });

  describe('the gateway', () => {
    it('refuses connections', async () => {
      const result = await runCommand(replaced('--gateway', `https://127.0.0.1:${await quietPort()}`));
      assert.equal(result.code, 4);
      assertOneSentence(result, /127\.0\.0\.1:\d+/, /refuse/);
      await assertAllUnsent();
    });

    it('has a name that does not resolve', async () => {
      const result = await runCommand(replaced('--gateway', 'https://no-such-host.invalid:443'));
      assert.equal(result.code, 4);
      assertOneSentence(result, /no-such-host\.invalid/, /resolve/);
      await assertAllUnsent();
    });

    it('has a certificate of an unknown authority', async () => {
      const other = await fixture.write('other.pem', new ThrowAwayAuthority().certificate);
      const result = await runCommand(replaced('--ca', other));
      assert.equal(result.code, 4);
      assertOneSentence(result, /certificate/, /ca/);
      await assertAllUnsent();
    });

    it('does not speak h2', async () => {
      const authority = new ThrowAwayAuthority();
      const server = createTlsServer({ ...authority.issueServer(), ALPNProtocols: ['http/1.1'] }, (socket) => {
        socket.on('error', () => {});
        socket.end();
      });
      server.on('tlsClientError', () => {});
      const ca = await fixture.write('other.pem', authority.certificate);
      const gateway = await listen(server);
      const args = fixture.send(tokens, { without: ['--gateway', '--ca'], with: ['--gateway', gateway, '--ca', ca] });
      const result = await runCommand(args);
      server.close();
      assert.equal(result.code, 4);
      assertOneSentence(result, /does not speak h2/);
      await assertAllUnsent();
    });

    it('speaks no TLS', async () => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.end('hello\r\n');
      });
      const result = await runCommand(replaced('--gateway', await listen(server)));
      server.close();
      assert.equal(result.code, 4);
      assertOneSentence(result, /TLS/);
      await assertAllUnsent();
    });

    it('gives the same refusal to everything: stops early, and keeps what was not sent', async () => {
      list = randomTokens(20_000);
      tokens = await fixture.write('tokens.txt', list.join('\n'));
      const result = await runCommand([...replaced('--topic', 'com.example.other'), '--json']);
      assert.equal(result.code, 4);
      const summary = jsonLines(result.stdout).at(-1)!;
      const stopped = withoutRefusedNote(result, Number(summary.rejected));
      assertOneSentence(stopped, /TopicDisallowed|DeviceTokenNotForTopic|BadTopic/);
      assert.equal(summary.recipients, 20_000);
      assert.equal(summary.accepted, 0);
      assert.ok((summary.rejected as number) >= 10);
      const { requests } = fixture.simulator.ledger.summary();
      assert.ok(requests < 20_000);
      assert.equal((await fixture.outputLines('unsent.txt')).length, 20_000 - requests);
    });

    it('does not mistake many gone tokens for a refusal', async () => {
      const gone = Array.from({ length: 200 }, (_, index) => scriptedToken('Unregistered', index));
      const result = await runCommand(fixture.send(await fixture.write('gone.txt', gone.join('\n'))));
      assert.equal(result.code, 3);
    });
  });

  describe('the message or the command line', () => {
    const cases: readonly [name: string, make: () => Promise<string[]>, sentence: RegExp][] = [
      ['a payload that is too large', async () => replaced('--alert', 'x'.repeat(5000)), /4,?096/],
      ['a payload file that is no JSON', async () => payload(await fixture.write('p.json', '{nope')), /JSON/],
      ['a payload file that does not exist', async () => payload(fixture.path('no.json')), /no\.json does not exist/],
      ['a collapse id that is too long', async () => [...fixture.send(tokens), '--collapse-id', 'x'.repeat(65)], /64/],
      ['a push type that does not exist', async () => [...fixture.send(tokens), '--push-type', 'shout'], /shout/],
      ['a gateway that is no URL', async () => replaced('--gateway', 'ftp://x'), /https:\/\//],
      ['a ca file that is none', async () => replaced('--ca', await fixture.write('ca.txt', 'hello')), /ca/],
    ];
    for (const [name, make, sentence] of cases) {
      it(`has ${name}`, async () => {
        const result = await runCommand(await make());
        assert.equal(result.code, 2);
        assertOneSentence(result, sentence);
        await assertUntouched();
      });
    }

    const usage: readonly [name: string, change: () => string[], sentence: RegExp][] = [
      ['no list', () => fixture.send('x', { without: ['--tokens'] }), /--tokens/],
      ['nothing to say', () => replaced('--alert'), /--alert/],
      ['no gateway', () => replaced('--gateway'), /--environment/],
      ['two gateways', () => [...fixture.send(tokens), '--environment', 'production'], /--gateway/],
      ['a key without its id', () => replaced('--key-id'), /--key-id/],
      ['two credentials', () => [...fixture.send(tokens), '--cert', 'x'], /--cert/],
      ['an alert and a payload', () => [...fixture.send(tokens), '--payload', 'x'], /--payload/],
      ['an option that does not exist', () => [...fixture.send(tokens), '--shout'], /--shout/],
      ['a number that is none', () => [...fixture.send(tokens), '--badge', 'many'], /--badge/],
      ['a text twice', () => [...fixture.send(tokens), '--alert', 'again'], /--alert <text>' is given twice/],
      [
        'a number twice',
        () => [...fixture.send(tokens), '--badge', '1', '--badge', '1'],
        /--badge <n>' is given twice/,
      ],
      ['a switch twice', () => [...fixture.send(tokens), '--quiet', '--quiet'], /--quiet' is given twice/],
      ['a default twice', () => [...fixture.send(tokens), '--threads=0'], /--threads <n\|auto>' is given twice/],
      [
        'standard input twice',
        () => fixture.send('-', { with: ['--tokens', '-'] }),
        /--tokens: standard input \(-\) can be read only once/,
      ],
      ['progress that is no duration', () => [...fixture.send(tokens), '--progress', 'often'], /--progress .*duration/],
      ['progress in quiet', () => [...fixture.send(tokens), '--progress', '5', '--quiet'], /--progress .*--quiet/],
      ['threads beyond reason', () => replaced('--threads', '1000'), /--threads/],
    ];
    for (const [name, change, sentence] of usage) {
      it(`has ${name}`, async () => {
        const result = await runCommand(change());
        assert.equal(result.code, 2);
        assert.match(result.stderr, sentence);
        assert.equal(result.stdout, '');
        assert.equal(fixture.simulator.ledger.summary().requests, 0);
      });
    }

    const payload = (file: string): string[] =>
      fixture.send(tokens, { without: ['--alert'], with: ['--payload', file] });
  });

  describe('the outputs', () => {
    it('cannot be made: nothing is sent', async () => {
      const taken = await fixture.write('taken', 'a file');
      const result = await runCommand(replaced('--out', taken));
      assert.equal(result.code, 2);
      assertOneSentence(result, /--out/, /taken/);
      assert.equal(fixture.simulator.ledger.summary().requests, 0);
    });

    it('would take the place of a directory: nothing is sent', async () => {
      mkdirSync(fixture.path('occupied/unsent.txt'), { recursive: true });
      const result = await runCommand(replaced('--out', fixture.path('occupied')));
      assert.equal(result.code, 6);
      assertOneSentence(result, /occupied\/unsent\.txt cannot be written: it is a directory/);
      assert.equal(fixture.simulator.ledger.summary().requests, 0);
      assert.ok(statSync(fixture.path('occupied/unsent.txt')).isDirectory());
    });

    it('cannot be written on (no room): stops, says so, and loses nobody', async function () {
      if (process.platform === 'win32') this.skip();
      list = Array.from({ length: 5000 }, (_, index) => scriptedToken('Unregistered', index));
      tokens = await fixture.write('tokens.txt', list.join('\n'));
      const out = fixture.path('full');
      const result = await runCommand(replaced('--out', out), { maxFileBytes: 64 * 1024 });
      assert.equal(result.code, 6);
      assertOneSentence(result, /full\/\S+ cannot be written/, /run the same command again/);
      const args = fixture.send(tokens, { without: ['--out', '--force'], with: ['--out', out, '--json'] });
      const rest = await runCommand(args);
      assert.equal(rest.code, 3, rest.stderr);
      const { rejected, unknown, recipients } = jsonLines(rest.stdout).at(-1)!;
      assert.deepEqual([Number(rejected) + Number(unknown), recipients], [5000, 5000]);
      assert.equal(readFileSync(`${out}/gone.csv`, 'utf8').trimEnd().split('\n').length - 1, rejected);
      assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
    });

    it('leave nothing behind when the list cannot be read', async () => {
      await runCommand(
        fixture.send(fixture.path('nowhere.txt'), { without: ['--out'], with: ['--out', fixture.path('none')] }),
      );
      assert.ok(!existsSync(fixture.path('none')));
    });
  });
});

function rsaKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
