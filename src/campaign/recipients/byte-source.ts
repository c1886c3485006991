/**
 * Bytes as they come from a file, a pipe or a program: unpacked, and waited for with an end to the waiting. Used by
 * token-file, on its thread.
 */
import { createGunzip } from 'node:zlib';
import { onAbort } from '../../base/abort-listeners.js';
import { readChunkBytes } from '../../base/limits.js';

/** Bytes of a list as they come: a Node or web stream, or anything alike. */
export type ByteSource = AsyncIterable<Uint8Array | string>;

/**
 * Waits for `pending`, a pause of `pauseMs` milliseconds (null: however long it takes) or the abort of `signal`,
 * whichever is first. Leaves no timer and no listener behind.
 */
export function firstOf<T>(
  pending: Promise<T>,
  pauseMs: number | null,
  signal: AbortSignal | undefined,
): Promise<T | 'paused' | 'aborted'> {
  if (signal?.aborted === true) return Promise.resolve('aborted');
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      stopListening?.();
    };
    const settle = (value: T | 'paused' | 'aborted'): void => {
      end();
      resolve(value);
    };
    const timer = pauseMs === null ? undefined : setTimeout(settle, pauseMs, 'paused');
    const stopListening = signal && onAbort(signal, () => settle('aborted'));
    pending.then(settle, (error: unknown) => {
      end();
      reject(error);
    });
  });
}

/**
 * Unpacks gzip of one or several members. What a chunk unpacks to is handed out before the next one is looked at, and
 * the end is told only then: so a list that was cut off gives all that can be unpacked of it before it throws
 * Z_BUF_ERROR. (A pipe would tell zlib of the end together with the last chunk, and lose what came out of it.)
 */
export async function* gunzip(packed: ByteSource): ByteSource {
  const stream = createGunzip({ chunkSize: readChunkBytes });
  let failure: Error | null = null;
  let isOver = false;
  let wake = (): void => {};
  const onEvent = (): void => wake();
  stream.on('error', (error) => {
    failure = error;
    wake();
  });
  stream.on('readable', onEvent);
  stream.on('end', () => {
    isOver = true;
    wake();
  });
  try {
    for await (const chunk of packed) {
      let isTaken = false;
      stream.write(chunk, () => {
        isTaken = true;
        wake();
      });
      yield* output(() => isTaken);
    }
    stream.end();
    yield* output(() => isOver);
  } finally {
    stream.destroy();
  }

  async function* output(isDone: () => boolean): AsyncGenerator<Uint8Array> {
    for (;;) {
      for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) yield chunk as Uint8Array;
      if (failure !== null) throw failure;
      if (isDone()) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}
