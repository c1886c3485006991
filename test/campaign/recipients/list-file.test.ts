import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { fstatSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { readChunkBytes } from '../../../src/base/limits.js';
import { refuseOtherFiles } from '../../../src/campaign/recipients/file-kind.js';
import { ListFile } from '../../../src/campaign/recipients/list-file.js';

describe('a file of recipients', () => {
  let folder = '';
  let file = '';
  /** No two places of it are alike within a chunk and the next ones. */
  const content = Buffer.alloc(3 * readChunkBytes + 12_345);
  for (let at = 0; at + 4 <= content.length; at += 4) content.writeUInt32LE(at, at);

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-list-file-'));
    file = path.join(folder, 'list');
    await writeFile(file, content);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  it('is read to its end, into two buffers that are used again', async () => {
    const list = new ListFile(openSync(file, 'r'), content.length);
    const read: Buffer[] = [];
    const memory = new Set<ArrayBufferLike>();
    for await (const chunk of list) {
      memory.add(chunk.buffer);
      // The next chunk is read meanwhile, and must not be read into this one.
      await setImmediate();
      read.push(Buffer.from(chunk));
    }
    assert.ok(Buffer.concat(read).equals(content));
    assert.equal(list.bytesRead, content.length);
    assert.equal(memory.size, 2);
  });

  it('is closed once a read that is under way has ended', async () => {
    const fd = openSync(file, 'r');
    const list = new ListFile(fd, content.length);
    await list.next();
    list.close();
    assert.ok(fstatSync(fd).isFile(), 'still open: a read is under way');
    assert.deepEqual(await list.next(), { value: undefined, done: true });
    for (;;) {
      try {
        fstatSync(fd);
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'EBADF');
        break;
      }
      await setImmediate();
    }
  });

  it('is told from other files though its chunks are overwritten', async () => {
    const memory = Buffer.alloc(8);
    async function* overwriting(): AsyncGenerator<Uint8Array> {
      for (const text of ['0123', '4567', '89abcdef', '01234567', '89abcdef']) {
        memory.write(text);
        yield memory.subarray(0, text.length);
      }
    }
    const read: Buffer[] = [];
    for await (const chunk of refuseOtherFiles(overwriting(), (problem) => new Error(problem)))
      read.push(Buffer.from(chunk as Uint8Array));
    assert.equal(Buffer.concat(read).toString(), '0123456789abcdef0123456789abcdef');
  });
});
