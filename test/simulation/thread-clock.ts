/**
 * Time as the sender's thread has it: the world's, but nothing runs while the thread is stalled (a collection of
 * garbage, a suspended machine, a program that computes for seconds). Afterwards everything happens late and in the
 * order of an event loop: timers that fell due, what came from the network, then what was deferred. The wall clock may
 * be set to anything without the world's noticing.
 */
import type { Clock, TimerHandle } from '../../src/base/clock.js';
import type { VirtualClock } from '../support/virtual-clock.js';

interface ThreadTimer {
  readonly world: TimerHandle;
  isSet: boolean;
}

export class ThreadClock implements Clock {
  /** Timers that the thread has set. */
  timerCount = 0;
  /** Most that were set at once. */
  mostTimers = 0;
  readonly #world: VirtualClock;
  #wallOffsetMs = 0;
  #isStalled = false;
  #isDead = false;
  #stalledSinceMs = 0;
  #stalledMs = 0;
  #lateTimers: (() => void)[] = [];
  #lateIo: (() => void)[] = [];
  #lateDeferred: (() => void)[] = [];

  constructor(world: VirtualClock) {
    this.#world = world;
  }

  now(): number {
    return this.#world.now();
  }

  wallMs(): number {
    return this.#world.wallMs() + this.#wallOffsetMs;
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    const run = (): void => {
      if (!timer.isSet || this.#isDead) return;
      if (this.#isStalled) {
        this.#lateTimers.push(run);
        return;
      }
      timer.isSet = false;
      this.timerCount -= 1;
      callback();
    };
    const timer: ThreadTimer = { world: this.#world.setTimer(run, delayMs), isSet: true };
    this.timerCount += 1;
    this.mostTimers = Math.max(this.mostTimers, this.timerCount);
    return timer;
  }

  clearTimer(handle: TimerHandle): void {
    const timer = handle as ThreadTimer | null;
    if (timer === null || !timer.isSet) return;
    timer.isSet = false;
    this.timerCount -= 1;
    this.#world.clearTimer(timer.world);
  }

  defer(callback: () => void): void {
    this.#world.defer(() => this.#runOrKeep(callback, this.#lateDeferred));
  }

  /** Something comes from the network. */
  io(callback: () => void): void {
    this.#runOrKeep(callback, this.#lateIo);
  }

  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** Time for which the thread has stood still so far. */
  get stalledMs(): number {
    return this.#stalledMs + (this.#isStalled ? this.now() - this.#stalledSinceMs : 0);
  }

  /** The thread has ended: nothing of it runs any more. */
  end(): void {
    this.#isDead = true;
  }

  /** Nothing of the thread runs for `ms`. */
  stall(ms: number): void {
    if (this.#isStalled) return;
    this.#isStalled = true;
    this.#stalledSinceMs = this.now();
    this.#world.setTimer(() => this.#wakeUp(), ms);
  }

  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  #runOrKeep(callback: () => void, late: (() => void)[]): void {
    if (this.#isDead) return;
    if (this.#isStalled) late.push(callback);
    else callback();
  }

  #wakeUp(): void {
    this.#stalledMs = this.stalledMs;
    this.#isStalled = false;
    const late = [...this.#lateTimers, ...this.#lateIo, ...this.#lateDeferred];
    this.#lateTimers = [];
    this.#lateIo = [];
    this.#lateDeferred = [];
    // Each on a stack of its own, and before anything that comes now.
    for (const callback of late) this.#world.defer(() => this.#runOrKeep(callback, this.#lateIo));
  }
}
