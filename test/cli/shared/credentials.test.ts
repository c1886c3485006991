/** Keys and certificates of `peal send` as people have them: in environment variables, with company, in one file. */
import assert from 'node:assert/strict';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { runCommand } from '../../support/command.js';
import { hasOpenssl, joinPkcs12, makePkcs12 } from '../../support/pkcs12.js';
import { assertOneSentence, Fixture, randomTokens, topic } from '../fixture.js';

const passphrase = 'correct horse';

describe('the credentials of peal send', () => {
  const authority = new ThrowAwayAuthority();
  const client = authority.issueClient(topic);
  const other = authority.issueClient('com.example.other');
  let fixture: Fixture;
  let tokens: string;

  before(async () => {
    fixture = await Fixture.open({ auth: 'either', clientCa: authority.certificate });
    tokens = await fixture.write('tokens.txt', randomTokens(5).join('\n'));
  });
  beforeEach(() => fixture.simulator.ledger.reset());
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const withKey = (value: string): string[] => fixture.send(tokens, { without: ['--key'], with: ['--key', value] });
  const withCertificate = (...options: string[]): string[] =>
    fixture.send(tokens, { without: ['--key', '--key-id', '--team-id'], with: options });

  it('takes a key from an environment variable, whatever became of its line ends', async () => {
    const { p8 } = fixture.providerKey;
    for (const text of [p8, p8.replaceAll('\n', '\\n'), p8.replaceAll('\n', ' '), Buffer.from(p8).toString('base64')]) {
      const { code, stderr } = await runCommand(withKey('env:APNS_KEY'), { env: { APNS_KEY: text } });
      assert.equal(code, 0, stderr);
    }
    assert.equal(fixture.simulator.ledger.summary().accepted, 20);
  });

  it('takes certificate, key, PKCS#12 and --ca from variables, too', async () => {
    const env = {
      CERT: client.cert,
      CERT_KEY: client.key,
      CA: fixture.simulator.caCertificate!.replaceAll('\n', '\\n'),
    };
    const args = withCertificate('--cert', 'env:CERT', '--cert-key', 'env:CERT_KEY').map((arg) =>
      arg === fixture.path('ca.pem') ? 'env:CA' : arg,
    );
    const { code, stderr } = await runCommand(args, { env });
    assert.equal(code, 0, stderr);
    if (!hasOpenssl()) return;
    const pfx = makePkcs12({ ...client, passphrase }).toString('base64');
    const second = await runCommand(withCertificate('--pfx', 'env:PFX'), {
      env: { PFX: pfx, PEAL_PASSPHRASE: passphrase },
    });
    assert.equal(second.code, 0, second.stderr);
  });

  it('names the variable, and never what it holds', async () => {
    const key = createThrowAwayProviderKey().p8;
    const cases: readonly [string[], Record<string, string>, RegExp, number][] = [
      [withKey('env:NOT_THERE'), {}, /^peal: --key: the environment variable NOT_THERE is not set\.$/m, 5],
      [
        withKey('env:EMPTY'),
        { EMPTY: ' \n' },
        /^peal: --key: the environment variable EMPTY is empty: check that it is set where its value comes from\.$/m,
        5,
      ],
      [
        withKey(`env:${key.split('\n')[1]}`),
        {},
        /^peal: --key: the environment variable that env: names is not set/,
        5,
      ],
      [
        withKey('env:CUT'),
        { CUT: key.slice(0, 90) },
        /The environment variable CUT \(--key\) holds a private key that is cut off: \d+ of 138 bytes/,
        5,
      ],
      [withKey('env:WORD'), { WORD: 'undefined' }, /The environment variable WORD \(--key\) is the word undefined/, 5],
      [
        withCertificate('--cert', 'env:CERT', '--cert-key', 'env:KEY'),
        { CERT: client.cert, KEY: 'nothing' },
        /The environment variable KEY \(--cert-key\) is not PEM: it has no BEGIN line\.$/m,
        5,
      ],
      [
        fixture.send(tokens, { without: ['--ca'], with: ['--ca', 'env:CA'] }),
        {},
        /^peal: --ca: the environment variable CA is not set\.$/m,
        2,
      ],
    ];
    for (const [args, env, sentence, code] of cases) {
      const result = await runCommand(args, { env });
      assert.equal(result.code, code, result.stderr);
      assertOneSentence(result, sentence);
      assert.ok(!result.stderr.includes(key.split('\n')[1]!.slice(5, 40)));
    }
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
  });

  it('says at the start whose certificate is used, unless it is to be quiet', async () => {
    const both = await fixture.write('both.pem', authority.certificate + other.cert + client.cert + client.key);
    const { code, stderr } = await runCommand(withCertificate('--cert', both));
    assert.equal(code, 0, stderr);
    const subject = `UID=${topic}, CN=Apple Push Services: ${topic}`;
    assert.match(stderr, new RegExp(`^peal: client certificate ${subject}, valid until 20\\d\\d-\\d\\d-\\d\\d$`, 'm'));
    assert.equal((await runCommand(withCertificate('--cert', both, '--quiet'))).stderr, '');
  });

  it('refuses two identities, and takes the one that is named', async () => {
    const pem = await fixture.write('two.pem', other.key + other.cert + client.key + client.cert);
    const files: [string, string][] = [['--cert', pem]];
    if (hasOpenssl()) {
      const made = [other, client].map((pair) => makePkcs12({ ...pair, passphrase }));
      files.push(['--pfx', await fixture.write('two.p12', joinPkcs12(passphrase, ...made))]);
    }
    const env = { PEAL_PASSPHRASE: passphrase };
    for (const file of files) {
      const refused = await runCommand(withCertificate(...file), { env });
      assert.equal(refused.code, 5);
      assertOneSentence(
        refused,
        /two\.\w+ \(--(cert|pfx)\) holds 2 certificates with their keys .*: name one of them with --identity\.$/m,
      );
      const sent = await runCommand(withCertificate(...file, '--identity', topic), { env });
      assert.equal(sent.code, 0, sent.stderr);
    }
    const without = await runCommand([...fixture.send(tokens), '--identity', 'x']);
    assert.equal(without.code, 2);
    assertOneSentence(without, /--identity goes with --cert FILE or --pfx FILE, which is missing/);
  });

  it('takes a passphrase file as Windows editors write it', async () => {
    if (!hasOpenssl()) return;
    const pfx = await fixture.write('push.p12', makePkcs12({ ...client, passphrase }));
    const file = await fixture.write('passphrase.txt', Buffer.from(`\ufeff${passphrase}\r\n`));
    const { code, stderr } = await runCommand(withCertificate('--pfx', pfx, '--passphrase-file', file));
    assert.equal(code, 0, stderr);
  });
});

describe('sentences of the library', () => {
  it('are in the words of the command line: a wrong address, an authority that is missing', async () => {
    await using fixture = await Fixture.open();
    const tokens = await fixture.write('tokens.txt', randomTokens(1).join('\n'));
    const address = await runCommand(fixture.send(tokens, { without: ['--gateway'], with: ['--gateway', 'nonsense'] }));
    assert.equal(address.code, 2);
    assert.ok(!/\[host, port\]/.test(address.stderr), address.stderr);
    const untrusted = await runCommand(fixture.send(tokens, { without: ['--ca'], with: ['--json'] }));
    assert.equal(untrusted.code, 4);
    for (const text of [untrusted.stderr, untrusted.stdout]) {
      assert.match(text, /give the certificate of its authority as --ca\./);
      assert.ok(!text.includes('`ca`'));
    }
    const damaged = await fixture.write('damaged.pem', 'nothing');
    const ca = await runCommand(fixture.send(tokens, { without: ['--ca'], with: ['--ca', damaged] }));
    assert.equal(ca.code, 2);
    assertOneSentence(ca, /^peal: The file \S+damaged\.pem \(--ca\) is not PEM: it has no BEGIN line\.$/m);
  });
});
