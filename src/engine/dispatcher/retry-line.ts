/**
 * The parcels that wait until recipients of them may be sent to again: a heap by that time, and one timer for the first
 * parcel. Owned by the dispatcher, on its thread.
 *
 * A parcel that waits here has given its shard's credit back, so that others go on meanwhile. That holds for as many
 * parcels as `maxRetryBatches` full ones. Beyond them a parcel keeps its credit, so the input slows down and memory
 * stays bounded.
 */
import type { Clock, TimerHandle } from '../../base/clock.js';
import { maxBatchRecipients, maxRetryBatches } from '../../base/limits.js';
import type { Job } from './job.js';
import type { Parcel } from './parcel.js';

interface Entry {
  readonly parcel: Parcel;
  readonly dueMs: number;
  /** Its share of the room; 0 if there was no room for it. */
  readonly weight: number;
}

export class RetryLine {
  readonly #clock: Clock;
  readonly #onDue: (due: readonly Parcel[]) => void;
  /** A binary heap: `heap[i]` is due no later than `heap[2i + 1]` and `heap[2i + 2]`. */
  #heap: Entry[] = [];
  #freeWeight = maxRetryBatches * maxBatchRecipients;
  #timer: TimerHandle | null = null;
  #timerMs = 0;

  /** `onDue` gets all parcels that are due, the earliest first. */
  constructor(clock: Clock, onDue: (due: readonly Parcel[]) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.length;
  }

  /**
   * Adds a parcel that waits until `dueMs` of the clock. Returns true if there is room for it, so that it needs no
   * credit of its shard meanwhile.
   */
  add(parcel: Parcel, dueMs: number): boolean {
    const weight = parcel.waitingWeight;
    const hasRoom = weight <= this.#freeWeight;
    if (hasRoom) this.#freeWeight -= weight;
    this.#heap.push({ parcel, dueMs, weight: hasRoom ? weight : 0 });
    this.#up(this.#heap.length - 1);
    this.#arm();
    return hasRoom;
  }

  /** Removes and returns all parcels of one job. */
  removeJob(job: Job): Parcel[] {
    const removed = this.#heap.filter(({ parcel }) => parcel.job === job);
    if (removed.length === 0) return [];
    this.#heap = this.#heap.filter(({ parcel }) => parcel.job !== job);
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#down(at);
    for (const { weight } of removed) this.#freeWeight += weight;
    this.#arm();
    return removed.map(({ parcel }) => parcel);
  }

  #takeDue(): void {
    this.#timer = null;
    const due: Parcel[] = [];
    const nowMs = this.#clock.now();
    for (let first = this.#heap[0]; first !== undefined && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.#removeFirst();
      this.#freeWeight += first.weight;
      due.push(first.parcel);
    }
    this.#arm();
    if (due.length > 0) this.#onDue(due);
  }

  /** Keeps one timer for the first parcel, and none when no parcel waits, so that an idle program can end. */
  #arm(): void {
    const first = this.#heap[0];
    if (this.#timer !== null && first?.dueMs === this.#timerMs) return;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    if (first === undefined) return;
    this.#timerMs = first.dueMs;
    // Rounded up: a timer that fires a fraction too early would find nothing due.
    const delayMs = Math.max(0, Math.ceil(first.dueMs - this.#clock.now()));
    this.#timer = this.#clock.setTimer(() => this.#takeDue(), delayMs);
  }

  #removeFirst(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.dueMs <= heap[at]!.dueMs) return;
      [heap[parent], heap[at]] = [heap[at]!, heap[parent]!];
      at = parent;
    }
  }

  #down(from: number): void {
    const heap = this.#heap;
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = at;
      if (left < heap.length && heap[left]!.dueMs < heap[least]!.dueMs) least = left;
      if (right < heap.length && heap[right]!.dueMs < heap[least]!.dueMs) least = right;
      if (least === at) return;
      [heap[least], heap[at]] = [heap[at]!, heap[least]!];
      at = least;
    }
  }
}
