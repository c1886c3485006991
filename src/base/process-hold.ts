/**
 * What keeps the process alive while a result of peal is waited for. Sockets, timers, ports and worker threads of peal do not:
 * an idle session is no reason to go on. So whatever a program may be waiting for is held here for as long as it takes.
 * Called on the program's own thread; one count for all sessions.
 */
import { assert } from './assert.js';

/** The longest interval there is. */
const longestMs = 2 ** 31 - 1;

let holders = 0;
/** Made once; only whether it counts for the process changes. */
let timer: NodeJS.Timeout | null = null;

/** The process goes on until `releaseProcess` was called as often as this. */
export function holdProcess(): void {
  holders += 1;
  if (holders > 1) return;
  timer ??= setInterval(() => {}, longestMs);
  timer.ref();
}

/** Takes one call of `holdProcess` back. */
export function releaseProcess(): void {
  assert(holders > 0, 'the process is released only after it was held');
  holders -= 1;
  if (holders === 0) timer?.unref();
}

/** The same promise; the process goes on until it is settled. */
export async function heldUntil<T>(promise: Promise<T>): Promise<T> {
  holdProcess();
  try {
    return await promise;
  } finally {
    releaseProcess();
  }
}
