import assert from 'node:assert/strict';
import fc from 'fast-check';
import { maxTextTokenBytes } from '../../src/base/limits.js';
import { readTarget, type TargetKind } from '../../src/fcm/registration-token.js';

const token = `dYxV1bcd3fGhIjKlMnOpQr:APA91b${'Hq-_7'.repeat(27)}`;
const hex = 'ab'.repeat(32);
const textOf = (read: ReturnType<typeof readTarget>): string =>
  read instanceof Uint8Array ? Buffer.from(read).toString('latin1') : `why: ${read.why}`;

const taken: readonly (readonly [TargetKind, unknown, string])[] = [
  ['token', token, token],
  ['token', ` "${token}"\r\n`, token],
  ['token', `'${token}'`, token],
  ['token', `\ufeff${token}\0\0`, token],
  ['token', Buffer.from(`${token}\n`), token],
  ['token', `APA91b${'x'.repeat(140)}`, `APA91b${'x'.repeat(140)}`],
  ['token', 'a'.repeat(maxTextTokenBytes), 'a'.repeat(maxTextTokenBytes)],
  ['fid', 'dYxV1bcd3fGhIjKlMnOpQr', 'dYxV1bcd3fGhIjKlMnOpQr'],
  ['topic', 'news', 'news'],
  ['topic', '/topics/news.de~%20_-', 'news.de~%20_-'],
  ['condition', "'a' in topics", "'a' in topics"],
  ['condition', ` "'a' in topics && !('b' in topics)" `, "'a' in topics && !('b' in topics)"],
];

const refused: readonly (readonly [TargetKind, unknown, RegExp])[] = [
  ['token', '', /^is empty$/],
  ['token', '  ""  ', /^is empty$/],
  ['token', undefined, /^is undefined, not text$/],
  ['token', null, /^is null, not text$/],
  ['token', 12, /^is number, not text$/],
  ['token', 'token', /^has 5 characters; a registration token has at least 16$/],
  ['token', 'a'.repeat(maxTextTokenBytes + 1), /^has 1025 characters, more than 1024$/],
  ['token', hex, /^is a device token of APNs \(hex digits\): send it through APNs/],
  ['token', hex.toUpperCase(), /^is a device token of APNs/],
  ['token', `<${hex.replace(/.{8}(?=.)/g, '$& ')}>`, /^is a device token of APNs/],
  ['token', `${token},${token}`, /^has the character ,, which no registration token has: give one token alone$/],
  ['token', `${token} ${token}`, /^has a blank, which/],
  ['token', `${token}"`, /^has the character ", which/],
  ['token', `${token}\\`, /^has the character \\, which/],
  ['token', `${token}ä`, /^has the character ä, which/],
  ['token', `{"token":"${token}"}`, /^has the character \{, which/],
  ['fid', token, /^is a registration token, not an installation id/],
  ['fid', 'a b', /^has a blank, which no installation id has$/],
  ['topic', 'news and more', /^has a blank; names of topics are made of a-z, A-Z, 0-9 and -_\.~%$/],
  ['topic', 'a'.repeat(901), /^has 901 characters; the name of a topic has at most 900$/],
  ['topic', "'a' in topics", /^is a condition, not the name of a topic/],
  ['condition', 'news', /^names no topic: write 'news' in topics/],
  ['condition', '"a" in topics', /^has double quotes/],
  ['condition', "'a' in topics && ('b' in topics", /^has a bracket without its partner$/],
  ['condition', "'a' in topics) && ('b' in topics", /^has a bracket without its partner$/],
  ['condition', "'a' in topics && 'b", /^has a single quote without its partner$/],
  ['condition', Array(6).fill("'a' in topics").join(' || '), /^names 6 topics; FCM allows 5$/],
  ['condition', "'ä' in topics", /^has the character ä, which no condition has$/],
];

describe('fcm/registration-token', () => {
  for (const [kind, given, expected] of taken) {
    it(`takes ${kind} ${String(given).trim().slice(0, 40)}`, () =>
      assert.equal(textOf(readTarget(given, kind)), expected));
  }

  for (const [kind, given, expected] of refused) {
    it(`refuses ${kind} ${String(given).slice(0, 40)} (${String(expected).slice(0, 20)})`, () => {
      const read = readTarget(given, kind);
      assert.ok(!(read instanceof Uint8Array));
      assert.match(read.why, expected);
    });
  }

  it('takes nothing that JSON would have to escape, and never throws', () => {
    const kinds: readonly TargetKind[] = ['token', 'topic', 'condition', 'fid'];
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => `'a' in topics ${token}${text}`),
    );
    fc.assert(
      fc.property(texts, fc.constantFrom(...kinds), (text, kind) => {
        const read = readTarget(text, kind);
        if (!(read instanceof Uint8Array)) return;
        const taken = textOf(read);
        assert.equal(JSON.stringify(taken), `"${taken}"`);
        assert.match(taken, /^[\x20-\x7e]+$/);
      }),
    );
  });
});
