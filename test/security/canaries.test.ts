/** The search itself: what it is to find, it finds in every form. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { createThrowAwayProviderKey } from '../../src/simulator/listen/certificate.js';
import { Canaries, LogRecord, shown } from './canaries.js';

const secret = 'CANARY-secret-41ff';

describe('security: the search for canaries', () => {
  const { p8 } = createThrowAwayProviderKey();
  const canaries = new Canaries().text('the secret', secret).privateKey('the key', p8);
  const found = (text: string): void =>
    assert.throws(() => canaries.assertNone(text, 'a test'), assert.AssertionError, text);

  it('finds a text plain, in base64 at any place, in hex, escaped, and as bytes', () => {
    found(`a ${secret} b`);
    for (const before of ['', 'a', 'ab']) {
      found(Buffer.from(`${before}${secret} and more`).toString('base64'));
      found(Buffer.from(`${before}${secret}`).toString('base64url'));
    }
    found(Buffer.from(secret).toString('hex'));
    found(encodeURIComponent(secret));
    found(inspect(Buffer.from(secret)));
    found(inspect(new Uint8Array(Buffer.from(secret)), { breakLength: Number.POSITIVE_INFINITY, compact: true }));
    found(JSON.stringify(Buffer.from(secret)));
    found(shown(new Error('outer', { cause: new Error(secret) })));
    found(shown({ deep: { deeper: { deepest: [new Map([['key', { secret }]])] } } }));
  });

  it('finds a key by each of its lines, a provider token, and a whole device token', () => {
    for (const line of p8.split('\n').slice(1, 3)) found(`… ${line} …`);
    found(`bearer ${'eyJhbGciOiJFUzI1NiJ9'}.${'eyJpc3MiOiJURUFNSUQifQ'}.${'x'.repeat(86)}`);
    found(`the token ${'ab'.repeat(32)}.`);
    canaries.assertNone("fingerprint: 'abab' and abab…abab", 'a test');
  });

  it('records what is logged, at every level', () => {
    const record = new LogRecord();
    record.logger.trace({ secret }, 'message');
    record.logger.error({}, secret);
    assert.equal(record.text.split(secret).length - 1, 3);
    found(record.text);
  });
});
