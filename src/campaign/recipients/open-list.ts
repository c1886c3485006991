/**
 * Opens a list by its path so that it can be given up at any time. If a named pipe is opened and read like a file, it
 * blocks a thread of Node, and with it the end of the process, until a writer comes or goes on. Called by read-source,
 * on its thread.
 */
import { close, constants, createReadStream, fstatSync, open } from 'node:fs';
import { Socket } from 'node:net';
import { isatty, ReadStream as TerminalStream } from 'node:tty';
import { promisify } from 'node:util';
import { readChunkBytes } from '../../base/limits.js';
import type { ByteSource } from './byte-source.js';
import { ListFile } from './list-file.js';

/** Returns the bytes at `path`, as a stream or as a ListFile. Throws the error of the file system. */
export async function openList(path: string | URL): Promise<ByteSource> {
  // Without blocking, a pipe is opened at once even if it has no writer. It ends when a writer has come and gone.
  const fd = await promisify(open)(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(fd);
    if (stats.isFile()) return new ListFile(fd, stats.size);
    if (stats.isFIFO()) return new Socket({ fd, readable: true, writable: false });
    if (stats.isCharacterDevice() && isatty(fd)) return new TerminalStream(fd);
    return createReadStream('', { fd, highWaterMark: readChunkBytes });
  } catch (error) {
    close(fd);
    throw error;
  }
}
