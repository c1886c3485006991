import assert from 'node:assert/strict';
import { readProblem } from '../../src/base/file-errors.js';
import { escapeUnprintable, stripUnprintable } from '../../src/base/text.js';

describe('base/text', () => {
  it('strips what acts on a terminal or a log, and blanks at the ends', () => {
    assert.equal(stripUnprintable(' \x1b[31mred\x07\r\n\u202e\u2028\ud800 ', 100), '[31mred');
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

describe('base/file-errors', () => {
  it('says what the file system says in words, and keeps a code that it has no words for', () => {
    assert.equal(readProblem(Object.assign(new Error(), { code: 'ENOENT' })), 'does not exist');
    assert.equal(readProblem(Object.assign(new Error(), { code: 'EXOTIC' })), 'cannot be read (EXOTIC)');
    assert.equal(readProblem(new Error('?')), 'cannot be read');
  });
});
