import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readProblem } from '../../src/base/file-errors.js';
import { escapeUnprintable, integer, shellWord, stripUnprintable } from '../../src/base/text.js';

describe('base/text', () => {
  it('strips what acts on a terminal or a log, and blanks at the ends', () => {
    assert.equal(stripUnprintable(' \x1b[31mred\x07\r\n\u202e\u2028\ud800 ', 100), '[31mred');
  });

  it('divides the digits of a whole number by threes', () => {
    const numbers = [0, 7, 999, 1000, 12_345, 123_456, 1_234_567, -1000, -999, 2 ** 53, 999.5, 1234.4];
    const intl = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
    for (const number of numbers) assert.equal(integer(number), intl.format(number));
  });

  it('escapes what does not print, so that it can still be told what stood there', () => {
    assert.equal(escapeUnprintable('a\0b\x1b[0m\u202e', 100), 'a\\u{0}b\\u{1b}[0m\\u{202e}');
  });

  it('bounds both, without cutting a surrogate pair in two', () => {
    assert.equal(stripUnprintable('x'.repeat(1000), 10), 'x'.repeat(10));
    assert.equal(stripUnprintable('ab😀', 3), 'ab');
    assert.equal(escapeUnprintable('x'.repeat(1000), 10), `${'x'.repeat(9)}…`);
    assert.equal(escapeUnprintable('ab😀cd', 4), 'ab…');
    assert.ok(escapeUnprintable('\0'.repeat(1000), 20).length <= 20);
  });

  it('leaves ordinary text of any language as it is', () => {
    assert.equal(escapeUnprintable('Grüße, 世界 – "ok"', 100), 'Grüße, 世界 – "ok"');
  });
});

describe('base/text: shellWord', () => {
  it('leaves a plain path as it is, and makes one word of any other', () => {
    assert.equal(shellWord('runs/2026-11-28_a.b'), 'runs/2026-11-28_a.b');
    assert.equal(shellWord('-rf'), './-rf');
    assert.equal(shellWord(''), "''");
    for (const text of ["it's mine", '$(id)', 'a\\b `c` "d" *', "a\nb\x1b[0m\\n'c", 'Grüße \u202e']) {
      const said = execFileSync('bash', ['-c', `printf %s ${shellWord(text)}`], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C.UTF-8' },
      });
      assert.equal(said, text);
    }
    assert.equal(shellWord('a\x1bz'), "$'a\\x1bz'");
  });
});

describe('base/file-errors', () => {
  it('says what the file system says in words, and keeps a code that it has no words for', () => {
    assert.equal(readProblem(Object.assign(new Error(), { code: 'ENOENT' })), 'does not exist');
    assert.equal(readProblem(Object.assign(new Error(), { code: 'EXOTIC' })), 'cannot be read (EXOTIC)');
    assert.equal(readProblem(new Error('?')), 'cannot be read');
  });
});
