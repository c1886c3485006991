/**
 * Opens a list by its path, so that no signal has to wait for it: a named pipe without a writer, and one whose writer
 * pauses, hold a thread of Node without end when they are opened and read as files are, and the process with it. Called by
 * token-file, on its thread.
 */
import { close, constants, createReadStream, fstatSync, open, type ReadStream } from 'node:fs';
import { Socket } from 'node:net';
import { isatty, ReadStream as TerminalStream } from 'node:tty';
import { promisify } from 'node:util';
import { readChunkBytes } from '../../base/limits.js';
import type { ByteSource } from './byte-source.js';

/** `sizeAtOpen`: bytes, of a regular file. */
export type ListFile = ReadStream & { sizeAtOpen?: number };

/** A stream of the bytes at `path`. Throws what the file system says. */
export async function openList(path: string | URL): Promise<ByteSource> {
  // Without a writer, too, a pipe is opened at once; its end comes when a writer has come and gone.
  const fd = await promisify(open)(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(fd);
    if (stats.isFIFO()) return new Socket({ fd, readable: true, writable: false });
    if (stats.isCharacterDevice() && isatty(fd)) return new TerminalStream(fd);
    const stream: ListFile = createReadStream('', { fd, highWaterMark: readChunkBytes });
    if (stats.isFile()) stream.sizeAtOpen = stats.size;
    return stream;
  } catch (error) {
    close(fd);
    throw error;
  }
}
