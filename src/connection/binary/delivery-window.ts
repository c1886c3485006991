/**
 * What one binary connection has written and the gateway has not yet proven: the tag behind each identifier. A gateway
 * says nothing about what it accepts, so a notification leaves the window when something later is answered. Owned by
 * BinaryConnection, on its thread.
 *
 *   identifier   1 … first - 1  |  first … next - 1   |  next …
 *                has its outcome|  written, unproven  |  not yet given
 *                                  └ tag at identifier modulo capacity ┘
 */
import { assert } from '../../base/assert.js';
import { LAST_IDENTIFIER } from '../../codec/binary/wire.js';
import type { RequestRun } from '../request-source.js';

export class DeliveryWindow {
  readonly #tags: Uint32Array;
  readonly #mask: number;
  #first = 1;
  #next = 1;
  /** Identifiers were taken back, which are not given again: the connection ends. */
  #isEnding = false;

  constructor(capacity: number) {
    assert(Number.isInteger(Math.log2(capacity)), 'the capacity of a window is a power of two');
    this.#tags = new Uint32Array(capacity);
    this.#mask = capacity - 1;
  }

  get size(): number {
    return this.#next - this.#first;
  }

  /** How many more may be written. The last identifier is kept for a flush. */
  get room(): number {
    return Math.min(this.#tags.length - this.size, LAST_IDENTIFIER - this.#next);
  }

  /** The identifiers of this connection are used up. */
  get isExhausted(): boolean {
    return this.#next >= LAST_IDENTIFIER;
  }

  /** The lowest identifier without an outcome; equal to `next` when there is none. */
  get first(): number {
    return this.#first;
  }

  /** The identifier that the next notification gets. */
  get next(): number {
    return this.#next;
  }

  holds(identifier: number): boolean {
    return identifier >= this.#first && identifier < this.#next;
  }

  /** Whether delivery may have ended with `identifier`: also with the last one that has its outcome already. */
  canEndAt(identifier: number): boolean {
    return identifier > 0 && identifier >= this.#first - 1 && identifier < this.#next;
  }

  /** Gives the next identifiers to the first `count` waiting recipients of `run`. */
  push(run: RequestRun, count: number): void {
    assert(count <= this.room, 'a window is given no more than it has room for');
    assert(!this.#isEnding, 'an identifier is given once');
    const { order, head, tagBase } = run;
    const tags = this.#tags;
    const mask = this.#mask;
    let identifier = this.#next;
    for (let at = head; at < head + count; at++) tags[identifier++ & mask] = tagBase + order[at]!;
    this.#next = identifier;
  }

  /** Takes the lowest identifier out of the window, which is not empty; returns its tag. */
  shift(): number {
    return this.#tags[this.#first++ & this.#mask]!;
  }

  /** Takes the highest identifier out of the window, which is not empty; returns its tag. No push() may follow. */
  pop(): number {
    this.#isEnding = true;
    this.#next -= 1;
    return this.#tags[this.#next & this.#mask]!;
  }
}
