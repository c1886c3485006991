import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { isDeviceToken, parseDeviceToken, shortToken } from '../../src/apns/device-token.js';
import { maxTokenBytes } from '../../src/base/limits.js';

const sample = createHash('sha256').update('a device').digest();
const sampleHex = sample.toString('hex');

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

  it('reads any hex of 1 to 100 bytes back as it was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: maxTokenBytes }), (bytes) => {
        const hex = Buffer.from(bytes).toString('hex');
        assert.equal(hexOf(hex), hex);
        assert.equal(hexOf(`<${hex}>`), hex);
      }),
    );
  });

  it('reads padded base64 of 32 to 100 bytes back as it was written', () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: maxTokenBytes }).filter((value) => value.length % 3 !== 0);
    fc.assert(
      fc.property(bytes, (value) => {
        assert.equal(hexOf(Buffer.from(value).toString('base64')), Buffer.from(value).toString('hex'));
      }),
    );
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
    assert.match(whyNot(Buffer.alloc(101, 0x5a).toString('base64')), /101 bytes, more than 100/);
    assert.match(whyNot(`${sample.toString('base64url').slice(0, 42)}_`), /base64 that was cut off/);
    assert.match(whyNot(`${sampleHex} ${sampleHex}`), /" " at position 65/);
  });

  it('lets nothing through that would change a request path', () => {
    for (const text of ['../../../4/broadcasts/apps/zz', 'abcd?x=1', 'abcd#', 'ab/cd', 'ab%2e', 'ab\0cd', 'ab\ncd'])
      whyNot(text);
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 300 }), (text) => {
        const parsed = parseDeviceToken(text);
        if (isDeviceToken(parsed)) assert.ok(parsed.length >= 1 && parsed.length <= maxTokenBytes);
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
