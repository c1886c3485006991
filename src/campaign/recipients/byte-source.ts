/**
 * Bytes from a file, a pipe or a program, and a wait for them that can end early. Used by token-file, on its thread.
 */
import { onAbort } from '../../base/abort-listeners.js';

/** Bytes of a list as they come: a Node or web stream, or any async iterable. */
export type ByteSource = AsyncIterable<Uint8Array | string>;

/**
 * Waits for `pending`, a pause of `pauseMs` milliseconds (null: no limit) or the abort of `signal`, whichever is first.
 * Leaves no timer and no listener behind.
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
