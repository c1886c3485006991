/**
 * A clock that stands still until it is told to go: timers and deferred calls run in order of time, then of making,
 * on the caller's stack. Nothing waits.
 *
 * Timers lie in a binary heap. One that is cleared stays there, without its callback, until its time comes or until
 * the dead ones outnumber the others.
 */
import type { Clock, TimerHandle } from '../../src/base/clock.js';

interface Entry {
  readonly atMs: number;
  readonly sequence: number;
  /** Null once it ran or was cleared. */
  callback: (() => void) | null;
}

/** Dead entries that are worth a clean-up. */
const manyDead = 256;

export class VirtualClock implements Clock {
  #nowMs = 0;
  #wallOffsetMs = 0;
  #sequence = 0;
  #heap: Entry[] = [];
  #live = 0;
  #deferred: (() => void)[] = [];
  #deferredAt = 0;

  constructor(readonly startWallMs = 1_700_000_000_000) {}

  now(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.startWallMs + this.#nowMs + this.#wallOffsetMs;
  }

  /** Somebody sets the machine's wall clock: forward, or with a negative number back. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, callback };
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    this.#live += 1;
    return entry;
  }

  clearTimer(timer: TimerHandle): void {
    const entry = timer as Entry | null | undefined;
    if (entry == null || entry.callback === null) return;
    entry.callback = null;
    this.#live -= 1;
    const dead = this.#heap.length - this.#live;
    if (dead > manyDead && dead > this.#live) this.#dropDead();
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Timers that are set. */
  get timerCount(): number {
    return this.#live;
  }

  /** Whether deferred calls wait. */
  get hasDeferred(): boolean {
    return this.#deferredAt < this.#deferred.length;
  }

  /** When the next timer is due; null where none is set. */
  get nextTimerMs(): number | null {
    return this.#head()?.atMs ?? null;
  }

  /** Runs the deferred call that waits longest. False: none does. */
  runDeferred(): boolean {
    const callback = this.#deferred[this.#deferredAt];
    if (callback === undefined) return false;
    this.#deferredAt += 1;
    if (this.#deferredAt === this.#deferred.length) {
      this.#deferred = [];
      this.#deferredAt = 0;
    }
    callback();
    return true;
  }

  /** Lets time pass to the next timer, and runs it alone. False: none is set, or it is due after `untilMs`. */
  runTimer(untilMs = Number.POSITIVE_INFINITY): boolean {
    const next = this.#head();
    if (next === null || next.atMs > untilMs) return false;
    this.#removeHead();
    const callback = next.callback!;
    next.callback = null;
    this.#live -= 1;
    this.#nowMs = next.atMs;
    callback();
    return true;
  }

  /** Runs deferred calls, and those that they defer, until none is left. Throws after `maxCalls`: something spins. */
  settle(maxCalls = 1_000_000): void {
    for (let calls = 0; this.hasDeferred; calls++) {
      if (calls >= maxCalls) throw new Error(`more than ${maxCalls} deferred calls at ${this.#nowMs} ms`);
      this.runDeferred();
    }
  }

  /** Lets `ms` milliseconds pass, running what falls due. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    this.settle();
    while (this.runTimer(untilMs)) this.settle();
    this.#nowMs = untilMs;
  }

  /** The timer that is due next; dead ones before it are dropped. */
  #head(): Entry | null {
    while (this.#heap.length > 0 && this.#heap[0]!.callback === null) this.#removeHead();
    return this.#heap[0] ?? null;
  }

  #removeHead(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #dropDead(): void {
    this.#heap = this.#heap.filter((entry) => entry.callback !== null);
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const entry = heap[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const entry = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, entry)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
