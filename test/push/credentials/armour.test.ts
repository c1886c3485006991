/** Keys and certificates as they really come: out of variables, secret stores, mails and editors. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type CredentialOptions, loadCredential } from '../../../src/apns/credentials/load-credential.js';
import type { PealError } from '../../../src/base/errors.js';
import { readArmour } from '../../../src/push/credentials/armour.js';
import { checkSessionOptions } from '../../../src/session/options/session-options.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';

const { p8, keyId, teamId } = createThrowAwayProviderKey('ABC123DEFG', 'TEAM123456');
const body = p8.split('\n').slice(1, -2).join('');
const authority = new ThrowAwayAuthority();
const client = authority.issueClient('com.example.app');
const sec1 = createPrivateKey(p8).export({ type: 'sec1', format: 'pem' }) as string;
const passphrase = 'correct horse';
const pkcs8 = createPrivateKey(p8).export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase,
}) as string;
/** As OpenSSL wrote encrypted keys before PKCS#8 (RFC 1421). */
const traditional = createPrivateKey(p8).export({ type: 'sec1', format: 'pem', cipher: 'aes-128-cbc', passphrase });

type Text = string | Buffer;
const utf16le = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');

/** What may become of a text on its way; each leaves the key in it. */
const manglings: Readonly<Record<string, (text: string) => Text>> = {
  nothing: (text) => text,
  'line ends as \\n': (text) => text.replaceAll('\n', '\\n'),
  'line ends as \\\\n': (text) => text.replaceAll('\n', '\\\\n'),
  'line ends as \\r\\n': (text) => text.replaceAll('\n', '\\r\\n'),
  'line ends as blanks': (text) => text.replaceAll('\n', ' '),
  'line ends missing': (text) => text.replaceAll('\n', ''),
  'all blanks missing': (text) => text.replace(/\s/g, ''),
  CRLF: (text) => text.replaceAll('\n', '\r\n'),
  CR: (text) => text.replaceAll('\n', '\r'),
  'empty lines between': (text) => text.replaceAll('\n', '\n\n'),
  indentation: (text) => text.replace(/^/gm, '    '),
  tabs: (text) => text.replace(/^/gm, '\t'),
  quotes: (text) => `"${text}"`,
  'single quotes, and blanks': (text) => `  '${text}' \n`,
  'typographic quotes': (text) => `\u201c${text}\u201d`,
  'quoted by a mail': (text) => text.replace(/^/gm, '> '),
  'strings of a program': (text) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.stringify(line))
      .join(',\n'),
  JSON: (text) => JSON.stringify({ key: text }),
  'export of a shell': (text) => `export APNS_KEY="${text}"`,
  'URL encoding': (text) => encodeURIComponent(text),
  'form encoding': (text) => encodeURIComponent(text).replaceAll('%20', '+'),
  HTML: (text) => text.replaceAll('\n', '&#10;'),
  'dashes made pretty': (text) => text.replaceAll('-----', '\u2014\u2014-'),
  'no-break and zero-width blanks': (text) => text.replaceAll('\n', '\u00a0\u200b\n'),
  'byte order mark': (text) => `\ufeff${text}`,
  'UTF-16': utf16le,
  'UTF-16, big endian': (text) => utf16le(text).swap16(),
  'UTF-16 without a mark': (text) => Buffer.from(text, 'utf16le'),
  'UTF-16 read as UTF-8': (text) => utf16le(text).toString('utf8'),
  'UTF-16 read as Latin-1': (text) => utf16le(text).toString('latin1'),
  'begin and end in lower case': (text) => text.replace(/(BEGIN|END)[A-Z ]+/g, (line) => line.toLowerCase()),
  'strings joined by a program': (text) =>
    text
      .trim()
      .split('\n')
      .map((line) => `'${line}\\n'`)
      .join(' +\n'),
  'strings joined at the beginning of lines': (text) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.stringify(line))
      .join('\n  + '),
  'lines of a patch': (text) => text.trimEnd().replace(/^/gm, '+'),
  hex: (text) => Buffer.from(text).toString('hex'),
  'hex in capitals, with blanks': (text) => Buffer.from(text).toString('hex').toUpperCase().replace(/../g, '$& '),
  'END cut off': (text) => text.slice(0, text.lastIndexOf('-----END') + 7),
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 in lines': (text) => Buffer.from(text).toString('base64').replace(/.{76}/g, '$&\n'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  'base64 twice': (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64'),
  'base64 of UTF-16': (text) => utf16le(text).toString('base64'),
};
/** Only for what has neither headers nor company. */
const bareManglings: Readonly<Record<string, (text: string) => Text>> = {
  'body alone': (text) => bodyOf(text),
  'plus signs for blanks and line ends': (text) => text.replace(/[ \n]/g, '+'),
  'body alone, in lines': (text) => text.split('\n').slice(1, -2).join('\n'),
  'body alone, as base64url': (text) => bodyOf(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
  'body alone, assigned': (text) => `APNS_KEY=${bodyOf(text)}`,
  'BEGIN lost': (text) => text.slice(text.indexOf('\n')),
  DER: (text) => Buffer.from(bodyOf(text), 'base64'),
};

const bodyOf = (text: string): string => text.trim().split('\n').slice(1, -1).join('');
const withKey = (key: Text, more: object = {}): CredentialOptions =>
  ({ key, keyId, teamId, ...more }) as CredentialOptions;
const fingerprintOf = (key: Text, more?: object): string => loadCredential(withKey(key, more)).fingerprint;
const expected = fingerprintOf(p8);

/** The one sentence that the text is refused with; it holds nothing of the text. */
function refusal(options: CredentialOptions): string {
  let message = '';
  assert.throws(
    () => loadCredential(options),
    (error: PealError) => {
      assert.equal(error.code, 'ERR_PEAL_CREDENTIAL', error.stack);
      message = error.message;
      return true;
    },
  );
  assert.match(message, /^The [^\n]*\.$/);
  return message;
}

describe('push/credentials/armour', () => {
  for (const [name, mangle] of Object.entries({ ...manglings, ...bareManglings })) {
    it(`gives the same key with: ${name}`, () => {
      assert.equal(fingerprintOf(mangle(p8)), expected);
      assert.equal(fingerprintOf(mangle(sec1)), expected, 'SEC 1');
      assert.equal(fingerprintOf(mangle(pkcs8), { passphrase }), expected, 'encrypted PKCS#8');
    });
    it(`gives the same certificate with: ${name}`, () => {
      const fingerprint = createHash('sha256').update(new X509Certificate(client.cert).raw).digest('hex');
      assert.equal(loadCredential({ cert: mangle(client.cert), key: mangle(client.key) }).fingerprint, fingerprint);
      const { ca } = checkSessionOptions({ ca: mangle(authority.certificate) }).link;
      assert.ok(new X509Certificate(ca!).raw.equals(new X509Certificate(authority.certificate).raw));
    });
  }

  for (const [name, mangle] of Object.entries(manglings)) {
    it(`gives the same key, encrypted in the old way, with: ${name}`, () => {
      assert.equal(fingerprintOf(mangle(traditional as string), { passphrase }), expected);
    });
  }

  it('keeps what stands together apart: certificate and key in one text', () => {
    for (const mangle of Object.values(manglings)) {
      const { fingerprint } = loadCredential({ cert: mangle(`Bag Attributes\n${client.key}${client.cert}`) });
      assert.equal(fingerprint, loadCredential(client).fingerprint);
    }
  });

  it('gives the key or one sentence, whatever two things happened to it', () => {
    const all = Object.values({ ...manglings, ...bareManglings });
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.constantFrom(...all), (first, second) => {
        const once = first(p8);
        const mangled = typeof once === 'string' ? second(once) : once;
        try {
          assert.equal(fingerprintOf(mangled), expected);
        } catch (error) {
          if ((error as PealError).code === undefined || (error as Error).name === 'AssertionError') throw error;
          assert.ok(!refusal(withKey(mangled)).includes(body.slice(10, 30)));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('never gives another key, however the text was damaged, and quotes nothing of it', () => {
    fc.assert(
      fc.property(fc.nat(p8.length - 1), fc.nat(20), fc.string({ maxLength: 5 }), (at, length, inserted) => {
        const damaged = p8.slice(0, at) + inserted + p8.slice(at + length);
        try {
          // Bits of a P-256 key that nobody looks at (the copy of its public half) may differ: the key is the same.
          const { signingKey } = loadCredential(withKey(damaged));
          const scalar = (pem: string): unknown => createPrivateKey(pem).export({ format: 'jwk' }).d;
          const given = signingKey!.export({ format: 'jwk' }).d;
          if (length === 0 && inserted.trim() === '') assert.equal(given, scalar(p8));
        } catch (error) {
          assert.equal((error as PealError).code, 'ERR_PEAL_CREDENTIAL', (error as Error).stack);
          assert.ok(!(error as Error).message.includes(body.slice(10, 30)));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses a key whose private part was changed, by the public part that stands beside it', () => {
    const damagedAt = (pem: string, offset: number): string => {
      const at = pem.indexOf('\n') + 1 + offset;
      return `${pem.slice(0, at)}${pem[at] === 'A' ? 'B' : 'A'}${pem.slice(at + 1)}`;
    };
    // Where the 32 bytes of the number stand.
    for (const [pem, offsets] of [
      [p8, [52, 70, 90]],
      [sec1, [14, 30, 48]],
    ] as const) {
      for (const offset of offsets)
        assert.match(
          refusal(withKey(damagedAt(pem, offset))),
          /private key that is damaged: its private and public halves do not match/,
        );
    }
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { d, ...rest } = privateKey.export({ format: 'jwk' });
    const other = createPrivateKey({
      key: {
        ...rest,
        d: `${d!.slice(0, 40)}AAAA${d!.slice(44)}`,
        dp: `${rest.dp!.slice(0, 40)}AAAA${rest.dp!.slice(44)}`,
        dq: `${rest.dq!.slice(0, 40)}AAAA${rest.dq!.slice(44)}`,
      },
      format: 'jwk',
    });
    assert.match(
      refusal({ cert: client.cert, key: other.export({ type: 'pkcs8', format: 'pem' }) as string }),
      /private key that is damaged/,
    );
  });

  it('takes arbitrary bytes without a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const armour = readArmour(Buffer.from(bytes));
        assert.ok('problem' in armour || armour.blocks.length > 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('says what is wrong where nothing can be put in order', () => {
    const cases: readonly [unknown, RegExp][] = [
      ['', /option key is empty: check that the environment variable it comes from is set/],
      [' \n\t', /is empty/],
      [JSON.stringify(createPrivateKey(p8).export({ format: 'jwk' })), /is a JWK, not PEM: give what createPrivateKey/],
      ['ab'.repeat(60), /is hex, but not of a key/],
      ['""', /is empty/],
      [undefined, /option key is undefined: check that the environment variable/],
      [null, /option key is null/],
      ['undefined', /is the word undefined: check that the environment variable/],
      ['$'.concat('{APNS_KEY}'), /is the name of a variable instead of its value/],
      ['$APNS_KEY', /is the name of a variable/],
      ['%APNS_KEY%', /is the name of a variable/],
      ['/etc/AuthKey_ABC123DEFG.p8', /is not PEM: it has no BEGIN line\. To name a file, write \{ file: path \}\./],
      ['AuthKey_ABC123DEFG.p8', /To name a file, write \{ file: path \}/],
      ['hello world', /is not PEM: it has no BEGIN line\.$/],
      [p8.slice(0, 100), /holds a private key that is cut off: \d+ of 138 bytes are there/],
      [body.slice(0, 80), /is base64 that is cut off: 60 of 138 bytes are there/],
      ['-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----', /has nothing between its BEGIN and END lines/],
      [p8.replace(/\n.{20}/, '\n<your key here!!!>'), /not all characters between its BEGIN and END lines are base64/],
      [p8.replaceAll('\n', 'n'), /has the letter n where its line ends were.*put quotes around/],
      [Buffer.alloc(90, 7).toString('base64'), /is base64, but not of a key or certificate/],
      [client.cert, /holds a certificate, not a private key/],
      [p8 + createThrowAwayProviderKey().p8, /holds 2 private keys: keep only the one of the key id/],
    ];
    for (const [key, message] of cases) assert.match(refusal(withKey(key as string)), message);
  });

  it('takes ids with the blanks and quotes that variables bring along', () => {
    const given = { key: p8, keyId: ` "${keyId}"\n`, teamId: `'${teamId}'\r\n` };
    assert.equal(loadCredential(given).fingerprint, expected);
    assert.match(refusal({ key: p8, keyId: 'ABC 123DEF', teamId }), /keyId must be 10 characters/);
  });

  describe('passphrases', () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'peal-passphrase-'));
    });
    after(() => rmSync(folder, { recursive: true }));
    const file = (content: Text): { file: string } => {
      const path = join(folder, 'passphrase');
      writeFileSync(path, content, { mode: 0o600 });
      return { file: path };
    };

    it('are the first line of a file, whatever an editor made of it', () => {
      const forms: Text[] = [
        ...['', '\n', '\r\n', '\r', '\nsecond line\n'].map((end) => `${passphrase}${end}`),
        `\ufeff${passphrase}\n`,
        utf16le(`${passphrase}\r\n`),
        utf16le(passphrase).swap16(),
        Buffer.from(passphrase, 'utf16le'),
      ];
      for (const form of forms) {
        assert.equal(fingerprintOf(pkcs8, { passphrase: file(form) }), expected);
      }
      assert.equal(fingerprintOf(pkcs8, { passphrase: `\ufeff${passphrase}\n` }), expected);
    });

    it('keep blanks and marks within them', () => {
      const odd = ' p\u00e4ss word\u20ac ';
      const key = createPrivateKey(p8).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: odd });
      for (const form of [odd, utf16le(`${odd}\n`)]) {
        assert.equal(fingerprintOf(key as string, { passphrase: file(form) }), expected);
      }
      const latin1 = withKey(key as string, { passphrase: file(Buffer.from(odd, 'latin1')) });
      assert.match(
        refusal(latin1),
        /passphrase \(option passphrase\) is not text in UTF-8 or UTF-16: save it as UTF-8/,
      );
      assert.match(refusal(withKey(pkcs8, { passphrase: '' })), /the passphrase is empty: check the passphrase/);
    });
  });
});
