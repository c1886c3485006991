/** Tokens that ask for their answer, and the page that says so. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { reasons } from '../../../src/apns/reason.js';
import { PealError } from '../../../src/base/errors.js';
import { reasonOf } from '../../../src/push-services/reasons.js';
import { scriptedAnswer } from '../../../src/simulator/books/token-script.js';
import { scriptedToken, tokenScript } from '../../../src/simulator/index.js';
import { repositoryRoot } from '../../support/repository.js';

describe('simulator: token script', () => {
  it('has one prefix for each reason, none twice, made of the status', () => {
    assert.equal(new Set(tokenScript.map((row) => row.prefix)).size, tokenScript.length);
    for (const reason of reasons) {
      const row = tokenScript.find((item) => item.answer === reason.code);
      assert.equal(row?.name, reason.reason);
      assert.match(row?.prefix ?? '', new RegExp(`^feed${reason.status}[0-9a-f]$`));
    }
  });

  it('gives a token what its first four bytes ask for', () => {
    for (const row of tokenScript) {
      const token = Buffer.from(row.prefix.padEnd(64, '9'), 'hex');
      assert.equal(scriptedAnswer(token, 32), row.answer);
    }
    assert.equal(scriptedAnswer(Buffer.from('feed4100', 'hex'), 4), reasons.find((row) => row.status === 410)?.code);
  });

  it('leaves every other token alone', () => {
    for (const hex of ['feed4109', 'feed9990', 'feedbeef', 'fefd4100', '00000000', 'feed41']) {
      assert.equal(scriptedAnswer(Buffer.from(hex, 'hex'), hex.length / 2), -1, hex);
    }
  });

  it('makes tokens by reason, each different', () => {
    assert.equal(scriptedToken('Unregistered', 255), `feed4100${'ff'.padStart(56, '0')}`);
    assert.notEqual(scriptedToken('ExpiredToken', 1), scriptedToken('ExpiredToken', 2));
    assert.match(scriptedToken('accepted'), /^feed2000/);
    const refused: [attempt: () => string, message: string][] = [
      [() => scriptedToken('NoSuchReason'), '"NoSuchReason": docs/simulator.md lists the reasons.'],
      [() => scriptedToken('unregisterd'), '"unregisterd": did you mean Unregistered?'],
      [() => scriptedToken('Unregistered', -1), 'index must be a whole number from 0 to 2147483647, not -1.'],
    ];
    for (const [attempt, message] of refused) {
      assert.throws(attempt, (error) => {
        assert.ok(error instanceof PealError);
        assert.deepEqual([error.code, error.message.endsWith(message)], ['ERR_PEAL_OPTION', true], error.message);
        return true;
      });
    }
  });

  it('is the table of docs/simulator.md', () => {
    const page = readFileSync(path.join(repositoryRoot, 'docs', 'simulator.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(feed[0-9][0-9a-f]{3})` \| (\d{3}|–) \| (.+?) \|$/gm)];
    const documented = rows.map(([, prefix, status, name]) => `${prefix} ${status} ${name}`);
    const expected = tokenScript.map((row) => {
      const status = row.name.startsWith('accepted') ? 200 : (reasonOf(row.answer)?.status ?? '–');
      return `${row.prefix} ${status} ${row.name}`;
    });
    assert.deepEqual(documented, expected);
  });
});
