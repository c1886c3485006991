/**
 * Reads a small file whole: a key, a certificate, a configuration. A pipe is waited for, but not for ever: a named pipe
 * that nobody writes to would stop the process. Called while a command or a client starts; any thread.
 *
 * Credentials are loaded without a turn of the event loop, so a thread that waits for a pipe there is deaf to Ctrl-C. A
 * command therefore reads its pipes ahead, before it loads anything.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pipeSilenceMs, pipeWriterMs } from '../limits.js';

interface BoundedFile {
  /** At most one byte more than is allowed. */
  readonly bytes: Buffer;
  /** Of the file: its permissions. Null for pipes and devices. */
  readonly mode: number | null;
  readonly isPipe: boolean;
}

/**
 * Reads at most one byte more than is allowed, also if the file claims another size (pipes and devices claim 0). What
 * was read is in `bytes` alone.
 *
 * @throws the error of the file system; ETIMEDOUT where nothing comes out of a pipe
 */
export function readBoundedFile(path: string, maxBytes: number): BoundedFile {
  const known = readAhead.get(path);
  if (known !== undefined) {
    // What comes out of a pipe comes once.
    readAhead.delete(path);
    if (known instanceof Error) throw known;
    return known;
  }
  const reading = pieces(path, maxBytes);
  for (;;) {
    const next = reading.next();
    if (next.done === true) return next.value;
    Atomics.wait(pause, 0, 0, pauseMs);
  }
}

/** What was read of pipes and not asked for yet, by path; or why they could not be read. */
const readAhead = new Map<string, BoundedFile | Error>();

/**
 * Resolves when all pipes among these files were read, or given up. The event loop goes on meanwhile. `readBoundedFile`
 * of this thread hands out what was read, or throws why nothing was, with the next call for that path. Files that are
 * not pipes are left alone.
 */
export async function readPipesAhead(paths: readonly string[], maxBytes: number): Promise<void> {
  await Promise.all(
    [...new Set(paths)].filter(isPipe).map(async (path) => {
      try {
        const reading = pieces(path, maxBytes);
        let next = reading.next();
        while (next.done !== true) {
          await sleep(pauseMs);
          next = reading.next();
        }
        readAhead.set(path, next.value);
      } catch (error) {
        readAhead.set(path, error as Error);
      }
    }),
  );
}

function isPipe(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false;
  }
}

/** Reads piece by piece. Yields where a pipe has nothing yet. */
function* pieces(path: string, maxBytes: number): Generator<void, BoundedFile, void> {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const room = Buffer.allocUnsafeSlow(maxBytes + 1);
  let length = 0;
  try {
    const stats = fstatSync(file);
    const isPipe = stats.isFIFO();
    let beganMs = performance.now();
    while (length < room.length) {
      const read = readNow(file, room, length);
      // A named pipe is at its end, too, until its writer has opened it.
      const hasNoWriter = isPipe && read === 0 && length === 0;
      const isAtEnd = read === 0 && (!hasNoWriter || performance.now() - beganMs > pipeWriterMs);
      if (isAtEnd && hasNoWriter) throw timedOut();
      if (isAtEnd) break;
      if (read === null && performance.now() - beganMs > pipeSilenceMs) throw timedOut();
      if (read === null || read === 0) {
        yield;
      } else {
        length += read;
        beganMs = performance.now();
      }
    }
    const bytes = Buffer.from(room.subarray(0, length));
    return { bytes, mode: stats.isFile() ? stats.mode : null, isPipe };
  } finally {
    room.fill(0, 0, length);
    closeSync(file);
  }
}

const pauseMs = 10;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Null while a pipe has nothing yet. */
function readNow(file: number, room: Buffer, at: number): number | null {
  try {
    return readSync(file, room, at, room.length - at, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}

function timedOut(): Error {
  return Object.assign(new Error('Nothing comes out of the pipe.'), { code: 'ETIMEDOUT' });
}
