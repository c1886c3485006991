import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { isDeviceToken, parseDeviceToken, readDeviceToken, shortToken } from '../../src/apns/device-token.js';
import { maxTokenBytes, minTokenBytes } from '../../src/base/limits.js';

const sample = createHash('sha256').update('a device').digest();
const sampleHex = sample.toString('hex');

/** Bytes as if drawn by chance, from a seed. */
function drawn(seed: number, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(String(seed)).digest();
}

function hexOf(text: string): string {
  const parsed = parseDeviceToken(text);
  assert.ok(isDeviceToken(parsed), isDeviceToken(parsed) ? '' : parsed.why);
  return Buffer.from(parsed).toString('hex');
}

function whyNot(text: string): string {
  const parsed = parseDeviceToken(text);
  assert.ok(!isDeviceToken(parsed), `${text} was taken as a token`);
  return parsed.why;
}

describe('apns/device-token', () => {
  it('reads hex in either case, with blanks around', () => {
    assert.equal(hexOf(sampleHex), sampleHex);
    assert.equal(hexOf(sampleHex.toUpperCase()), sampleHex);
    assert.equal(hexOf(` \t${sampleHex}\r\n`), sampleHex);
  });

  it('reads what NSData prints', () => {
    const groups = sampleHex.match(/.{8}/g)!.join(' ');
    assert.equal(hexOf(`<${groups}>`), sampleHex);
    assert.equal(hexOf(`<${sampleHex}>`), sampleHex);
  });

  it('reads base64 and base64url, with and without padding', () => {
    const base64 = sample.toString('base64');
    assert.equal(hexOf(base64), sampleHex);
    assert.equal(hexOf(base64.replace(/=+$/, '')), sampleHex);
    assert.equal(hexOf(sample.toString('base64url')), sampleHex);
  });

  it('reads any hex of 16 to 100 bytes back as it was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: minTokenBytes, maxLength: maxTokenBytes }), (bytes) => {
        const hex = Buffer.from(bytes).toString('hex');
        assert.equal(hexOf(hex), hex);
        assert.equal(hexOf(`<${hex}>`), hex);
      }),
    );
  });

  it('reads base64 of 32 to 100 bytes drawn by chance back as it was written', () => {
    let refused = 0;
    for (let seed = 0; seed < 20_000; seed++) {
      const value = drawn(seed, 32 + (seed % 69));
      const parsed = parseDeviceToken(value.toString(seed % 2 === 0 ? 'base64' : 'base64url'));
      if (!isDeviceToken(parsed)) refused++;
      else assert.deepEqual(Buffer.from(parsed), value);
    }
    assert.ok(refused <= 2, `${refused} of 20,000 were refused`);
  });

  it('refuses none of 100,000 tokens of 32 bytes in base64, with padding and without', () => {
    for (let seed = 0; seed < 100_000; seed++) {
      const value = drawn(seed, 32).toString(seed % 2 === 0 ? 'base64' : 'base64url');
      assert.ok(isDeviceToken(parseDeviceToken(value)), `the token of seed ${seed}: ${value}`);
    }
  });

  describe('takes for no token', () => {
    const texts: Record<string, readonly string[]> = {
      'rules and separators of tables': [
        '-'.repeat(64),
        '='.repeat(64),
        '_'.repeat(44),
        `+${'-'.repeat(66)}+`,
        '--+--',
        '*'.repeat(80),
      ],
      'numbers and words that are hex digits': ['12', 'cafe', '1001', 'deadbeef', '4294967296', 'a'.repeat(30)],
      'names that are base64 digits': [
        'AppleSeedCompanyBundleIdentifierForDistributionCertificates',
        'com-example-app-notification-service-extension-token-list',
        'DEVICE_TOKENS_OF_ALL_USERS_OF_THE_PRODUCTION_DATABASE_2026_1',
        'thequickbrownfoxjumpsoverthelazydogandrunsawayfast00',
        'NotificationServiceExtensionViewController0',
      ],
      UUIDs: ['550e8400-e29b-41d4-a716-446655440000'],
      'bytes of one kind as base64': [Buffer.alloc(32).toString('base64'), Buffer.alloc(33, 0xab).toString('base64')],
    };
    for (const [kind, members] of Object.entries(texts)) {
      it(kind, () => {
        for (const text of members) whyNot(text);
      });
    }

    it('and says so of a table and of a short one', () => {
      assert.match(whyNot('-'.repeat(64)), /line of a table/);
      assert.match(whyNot('cafe'), /has 4 hex digits; a device token has at least 32/);
    });
  });

  it('takes shorter tokens where it is told to', () => {
    assert.deepEqual(parseDeviceToken('cafe', 2), Uint8Array.of(0xca, 0xfe));
    assert.deepEqual(readDeviceToken(Uint8Array.of(1, 2), 2), Uint8Array.of(1, 2));
  });

  it('reads quotes around a whole text, and blanks around those', () => {
    assert.equal(hexOf(`"${sampleHex}"`), sampleHex);
    assert.equal(hexOf(` '${sampleHex}' `), sampleHex);
    assert.equal(hexOf(`" <${sampleHex}> "`), sampleHex);
    whyNot(`"${sampleHex}`);
    whyNot(`"${sampleHex}'`);
  });

  it('reads bytes that are the text of a token as that text', () => {
    const forms = [
      sampleHex,
      sampleHex.toUpperCase(),
      `${sampleHex}\n`,
      `<${sampleHex}>`,
      sample.toString('base64'),
      `"${sampleHex}"`,
    ];
    for (const text of forms) assert.deepEqual(Buffer.from(readDeviceToken(Buffer.from(text)) as Uint8Array), sample);
    assert.deepEqual(readDeviceToken(sample), sample);
    const words = readDeviceToken(Buffer.from('these are words, and not a device token'));
    assert.ok(!isDeviceToken(words));
    assert.ok(!isDeviceToken(readDeviceToken(Buffer.alloc(15, 1))));
    assert.ok(!isDeviceToken(readDeviceToken(Buffer.alloc(101, 1))));
  });

  describe('reads bytes that hold text as text', () => {
    const base64 = sample.toString('base64');
    const groups = `<${sampleHex.match(/.{8}/g)!.join(' ')}>`;
    const ways: Record<string, (text: string) => Uint8Array> = {
      'behind a byte order mark': (text) => Buffer.from(`\ufeff${text}`),
      'with a NUL at its end': (text) => Buffer.from(`${text}\0`),
      'in a field that NULs fill': (text) => Buffer.from(text.padEnd(100, '\0')),
      'with a line end': (text) => Buffer.from(`${text}\r\n`),
      'with a line end and a NUL': (text) => new Uint8Array(Buffer.from(`\t${text}\n\0`)),
      'with blanks that are not ASCII': (text) => Buffer.from(`\u00a0${text}\u2028`),
    };
    for (const [way, bytesOf] of Object.entries(ways)) {
      it(way, () => {
        for (const text of [sampleHex, sampleHex.toUpperCase(), base64, sample.toString('base64url'), groups])
          assert.deepEqual(readDeviceToken(bytesOf(text)), new Uint8Array(sample), text);
      });
    }

    it('in UTF-16 of either byte order, where it is short enough for a token', () => {
      for (const text of [base64, `\ufeff${base64}`, sampleHex.slice(0, 32), `\ufeff${sampleHex.slice(0, 32)}\0\0`]) {
        const token = text.includes(base64) ? sample : sample.subarray(0, 16);
        const bytes = Buffer.from(text, 'utf16le');
        assert.deepEqual(readDeviceToken(bytes), new Uint8Array(token));
        assert.deepEqual(readDeviceToken(Buffer.from(bytes).swap16()), new Uint8Array(token));
      }
    });

    it('and refuses it where it is no token', () => {
      for (const text of [
        `${sampleHex.slice(0, 60)}\u200b`,
        `\ufeff${sampleHex.slice(0, 63)}`,
        `${sampleHex.slice(0, 30)}\0${sampleHex.slice(30)}`,
        `\u201c${sampleHex}\u201d`,
        `\ufeffthese are words, and not a token`,
        `${base64.slice(0, 20)}\u200b${base64.slice(20)}`,
        `${groups.replaceAll(' ', '\u00a0')}\x7f`,
      ])
        assert.ok(!isDeviceToken(readDeviceToken(Buffer.from(text))), JSON.stringify(text));
    });
  });

  it('takes no bytes drawn by chance for text, nor numbers and names that were made up', () => {
    for (let seed = 0; seed < 100_000; seed++) {
      const bytes = drawn(seed, 32);
      assert.equal(readDeviceToken(bytes), bytes);
    }
    for (let number = 0; number < 256; number++) {
      const bytes = Buffer.alloc(32);
      bytes.writeUInt32LE(number * 257);
      assert.equal(readDeviceToken(bytes), bytes);
    }
    const name = Buffer.alloc(32);
    name.write('device-1');
    assert.equal(readDeviceToken(name), name);
  });

  it('takes hex digits alone always as hex, never as base64', () => {
    assert.equal(hexOf('ab'.repeat(24)), 'ab'.repeat(24));
    assert.match(whyNot(sampleHex.slice(1)), /63 hex digits, an odd number/);
  });

  it('takes a mistyped token as invalid, not as base64 of another token', () => {
    assert.match(whyNot(`${sampleHex.slice(0, 10)}g${sampleHex.slice(11)}`), /"g" at position 11/);
    assert.match(whyNot(`${sampleHex.slice(0, 63)}O`), /"O" at position 64/);
    assert.match(whyNot(`<${sampleHex.slice(0, 63)}\u202e>`), /"\\u\{202e\}" at position 64/);
  });

  it('does not take words, names of columns and identifiers as base64', () => {
    for (const text of [
      'token',
      'test',
      'device_token',
      'hello123',
      'com-example-app',
      'a'.repeat(8).replace(/a$/, 'z'),
    ]) {
      whyNot(text);
    }
  });

  it('says of everything else why it is none', () => {
    assert.match(whyNot(''), /empty/);
    assert.match(whyNot('   '), /empty/);
    assert.match(whyNot('<>'), /empty/);
    assert.match(whyNot(`<${sampleHex}`), /does not end with >/);
    assert.match(whyNot('ab'.repeat(101)), /202 hex digits, more than 200/);
    assert.match(whyNot('a'.repeat(5000)), /5000 characters/);
    assert.match(whyNot(drawn(1, 101).toString('base64')), /101 bytes, more than 100/);
    assert.match(whyNot(`${sample.toString('base64url').slice(0, 42)}_`), /base64 that was cut off/);
    assert.match(whyNot(`${sampleHex} ${sampleHex}`), /" " at position 65/);
    assert.match(whyNot(`dYxV-w_1:APA91b${'x'.repeat(134)}`), /^is a registration token of FCM: send it through FCM/);
  });

  it('lets nothing through that would change a request path', () => {
    for (const text of ['../../../4/broadcasts/apps/zz', 'abcd?x=1', 'abcd#', 'ab/cd', 'ab%2e', 'ab\0cd', 'ab\ncd'])
      whyNot(text);
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 300 }), (text) => {
        const parsed = parseDeviceToken(text);
        if (isDeviceToken(parsed)) assert.ok(parsed.length >= minTokenBytes && parsed.length <= maxTokenBytes);
        else assert.match(parsed.why, /^(is|has|begins) /);
      }),
    );
  });

  it('shows a token in logs by its ends only', () => {
    assert.equal(shortToken(sampleHex), `${sampleHex.slice(0, 4)}…${sampleHex.slice(-4)}`);
    assert.equal(shortToken('abcdef12'), 'ab…');
    assert.equal(shortToken('ab\x1b\n'.repeat(8)), 'ab\\u{1b}\\u{a}…ab\\u{1b}\\u{a}');
  });
});
