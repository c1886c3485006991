/** Tokens that ask the binary gateway for what it does, and the page that says so. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PealError } from '../../../src/base/errors.js';
import { binaryScriptAnswer, binaryScriptDelayMs } from '../../../src/simulator/books/binary-script.js';
import { scriptedAnswer } from '../../../src/simulator/books/token-script.js';
import { binaryScript, scriptedBinaryToken } from '../../../src/simulator/index.js';
import { BINARY_STATUS, BROKEN, CLOSED } from '../../../src/simulator/settings/answers.js';
import { repositoryRoot } from '../../support/repository.js';

const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');

describe('simulator: binary token script', () => {
  it('gives a token what its first six bytes ask for', () => {
    for (const row of binaryScript) {
      const token = bytesOf(`${row.prefix}0000`.padEnd(64, '9'));
      assert.equal(binaryScriptAnswer(token, 32), row.answer, row.prefix);
    }
    assert.equal(binaryScriptAnswer(bytesOf('feedb0080000'), 6), BINARY_STATUS + 8);
  });

  it('makes tokens for every status and delay, each different', () => {
    for (let status = 1; status <= 255; status++) {
      const token = bytesOf(scriptedBinaryToken(status, 2 ** 31 - 1, 1500));
      assert.equal(token.length, 32);
      assert.equal(binaryScriptAnswer(token, 32), BINARY_STATUS + status);
      assert.equal(binaryScriptDelayMs(token, 32), 1500);
    }
    assert.equal(binaryScriptAnswer(bytesOf(scriptedBinaryToken('closed')), 32), CLOSED);
    assert.equal(binaryScriptAnswer(bytesOf(scriptedBinaryToken('reset')), 32), BROKEN);
    assert.notEqual(scriptedBinaryToken(8, 1), scriptedBinaryToken(8, 2));
  });

  it('leaves every other token alone, and HTTP/2 leaves these alone', () => {
    for (const hex of ['feedb256000000', 'feedb0080100', 'feedb0080001', 'feedb0a80000', 'fefdb0080000', 'feedb008']) {
      assert.equal(binaryScriptAnswer(bytesOf(hex), hex.length / 2), -1, hex);
    }
    assert.equal(binaryScriptDelayMs(bytesOf(`00000000f000${'0'.repeat(52)}`), 32), 0);
    assert.equal(scriptedAnswer(bytesOf(scriptedBinaryToken(8)), 32), -1);
  });

  it('refuses what cannot be asked for', () => {
    const tries = [
      () => scriptedBinaryToken(0),
      () => scriptedBinaryToken(256),
      () => scriptedBinaryToken(8, 0, 150),
      () => scriptedBinaryToken(8, -1),
    ];
    for (const attempt of tries) {
      assert.throws(attempt, (error) => error instanceof PealError && error.code === 'ERR_PEAL_OPTION');
    }
  });

  it('is the table of docs/simulator.md', () => {
    const page = readFileSync(path.join(repositoryRoot, 'docs', 'simulator.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(feedb\d{3})` \| (\d{1,3}|–) \| (.+?) \|$/gm)];
    const documented = rows.map(([, prefix, status, name]) => `${prefix} ${status} ${name}`);
    const expected = binaryScript.map((row) => {
      const status = row.answer > BINARY_STATUS ? row.answer - BINARY_STATUS : '–';
      return `${row.prefix} ${status} ${row.name}`;
    });
    assert.deepEqual(documented, expected);
  });
});
