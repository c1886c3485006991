/**
 * Keeps the process alive while a program waits for a result of peal. Sockets, timers, ports and worker threads of peal
 * do not keep it alive, because an idle session must not. So everything that a program can wait for holds the process
 * here until it is settled. Called on the program's own thread; one count for all sessions.
 */
import { assert } from './assert.js';

/** The longest interval of a timer in Node. */
const longestMs = 2 ** 31 - 1;

let holders = 0;
/** Made once. Only its ref changes. */
let timer: NodeJS.Timeout | null = null;

/** Keeps the process alive until `releaseProcess` was called as often as `holdProcess`. */
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

/** Returns the same promise, and keeps the process alive until it is settled. */
export async function heldUntil<T>(promise: Promise<T>): Promise<T> {
  holdProcess();
  try {
    return await promise;
  } finally {
    releaseProcess();
  }
}
