/** Small files that are read whole: what is bounded, and pipes. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import path from 'node:path';
import { readBoundedFile } from '../../../src/base/files/bounded-file.js';

describe('a small file that is read whole', () => {
  let folder = '';

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-bounded-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('gives one byte more than is allowed at most, so that its reader knows that it is too long', () => {
    const file = path.join(folder, 'text');
    for (const [text, read] of [
      ['', ''],
      ['abcd', 'abcd'],
      ['abcde', 'abcde'],
      ['abcdefgh', 'abcde'],
    ] as const) {
      writeFileSync(file, text);
      assert.equal(readBoundedFile(file, 4).bytes.toString(), read);
    }
  });

  it('comes with its permissions, and a device has none', function () {
    if (process.platform === 'win32') this.skip();
    const file = path.join(folder, 'secret');
    writeFileSync(file, 'x');
    chmodSync(file, 0o640);
    const { mode, isPipe } = readBoundedFile(file, 4);
    assert.deepEqual([mode! & 0o777, isPipe], [0o640, false]);
    assert.deepEqual(readBoundedFile(devNull, 4), { bytes: Buffer.alloc(0), mode: null, isPipe: false });
  });

  it('may be a named pipe, whose writer comes later and writes in pieces', async function () {
    if (process.platform === 'win32') this.skip();
    const pipe = path.join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const writer = spawn('sh', ['-c', '(printf ab; sleep 0.05; printf cd) > "$0"', pipe], { stdio: 'ignore' });
    const ended = once(writer, 'close');
    const { bytes, mode, isPipe } = readBoundedFile(pipe, 100);
    assert.deepEqual([bytes.toString(), mode, isPipe], ['abcd', null, true]);
    await ended;
  });

  it('is given up where it does not exist, is a directory, or is a pipe without a writer', function () {
    const code = (file: string): string | undefined => {
      try {
        readBoundedFile(file, 100);
        return undefined;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    };
    assert.equal(code(path.join(folder, 'missing')), 'ENOENT');
    assert.match(code(folder)!, /^(?:EISDIR|EACCES|EPERM)$/);
    if (process.platform === 'win32') this.skip();
    const silent = path.join(folder, 'silent');
    execFileSync('mkfifo', [silent]);
    assert.equal(code(silent), 'ETIMEDOUT');
  });
});
