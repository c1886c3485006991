import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { checkPins } from '../../../src/apns/credentials/trust.js';
import type { PealError } from '../../../src/base/errors.js';
import { maxPins } from '../../../src/base/limits.js';

const good = `sha256/${createHash('sha256').update('a key').digest('base64')}`;

describe('apns/pins', () => {
  it('refuses what is no pin by its place, without repeating it', () => {
    assert.deepEqual(checkPins('The option pins', [good, good]), [good, good]);
    const digest = good.slice('sha256/'.length);
    const wrong = [
      ...[
        '',
        digest,
        `sha1/${digest}`,
        `sha256//${digest}`,
        `SHA256/${digest}`,
        `sha256/${digest.slice(1)}`,
        `${good} `,
      ],
      ...[
        `sha256/${Buffer.from(digest, 'base64').toString('hex')}`,
        `sha256/${'A'.repeat(42)}B=`,
        `${good}\n`,
        7,
        null,
      ],
    ];
    for (const one of wrong) {
      assert.throws(
        () => checkPins('The option pins', [good, one]),
        (error: PealError) => {
          assert.equal(error.code, 'ERR_PEAL_OPTION');
          assert.match(error.message, /^The option pins: pin 2 of 2 is not valid. Expected sha256\/ and [^\n]*\.$/);
          return true;
        },
        String(one),
      );
    }
    for (const none of [[], good, null, { 0: good }]) {
      assert.throws(() => checkPins('The option pins', none), /^PealError.*The option pins must be a list/);
    }
    assert.throws(() => checkPins('--pin', new Array(maxPins + 1).fill(good)), /--pin holds 65 pins, more than 64/);
  });
});
