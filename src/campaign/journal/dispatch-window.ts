/**
 * How many recipients may be noted and have no outcome: what a crash leaves unknown. As few as keep the gateway busy.
 * Asked by a campaign before it notes the next block; pure, with the time handed in.
 *
 * The window is judged by what the engine has and has not written yet (`queued`). Where that is nothing at the moment
 * when more comes, the gateway has waited: the window grows by a half. Where some of it was there at all times, it was
 * larger than needed: it shrinks by a part of that. So it follows the gateway's speed without knowing it, and a slow
 * one is left with the least window. Until a connection stands, the window is smaller still, because nothing of it can
 * be written.
 */
import { firstDispatchWindow, maxBatchRecipients, maxDispatchWindow, minDispatchWindow } from '../../base/limits.js';

const growthFactor = 1.5;
/** So long the least queue is looked for before the window shrinks. */
const shrinkAfterMs = 250;
/** So much, and so much of the window at most, may always be queued: before more comes, a transaction has to pass. */
const spareQueued = maxBatchRecipients / 2;
const spareShare = 1 / 4;
const shrinkShare = 0.5;
/** From such a window on a block is noted as a whole: its overshoot is a small part. */
const wholeBlocksFrom = 4 * maxBatchRecipients;
/** A smaller window is used up in pieces of at least this part of it, because each piece costs a batch. */
const leastPieceShare = 1 / 4;

export class DispatchWindow {
  #recipients = firstDispatchWindow;
  /** The least that was queued since `#sinceMs`. */
  #leastQueued = Number.POSITIVE_INFINITY;
  #sinceMs: number | null = null;
  #wasFull = false;

  /** As of now: recipients that may be noted and have no outcome. */
  get recipients(): number {
    return this.#recipients;
  }

  /** A connection stands: what is noted from now on can be written. Called any number of times. */
  open(): void {
    this.#recipients = Math.max(minDispatchWindow, this.#recipients);
  }

  /**
   * Returns how many recipients may be noted now; 0 where others have to come back first.
   *
   * @param open recipients that are noted and have no outcome, as far as that is known (`glimpse`)
   */
  room(open: number): number {
    const free = this.#recipients - open;
    if (this.#recipients >= wholeBlocksFrom && free > 0) return Math.max(free, maxBatchRecipients);
    if (free >= this.#recipients * leastPieceShare) return free;
    this.#wasFull = true;
    return 0;
  }

  /**
   * Called when a noted block is about to be handed to the engine, and now and then between.
   *
   * @param queued recipients that the engine has, and has not written yet
   */
  sample(queued: number, nowMs: number): void {
    if (this.#recipients < minDispatchWindow) return;
    this.#sinceMs ??= nowMs;
    this.#leastQueued = Math.min(this.#leastQueued, queued);
    if (queued === 0 && this.#wasFull) {
      this.#recipients = Math.min(maxDispatchWindow, Math.ceil(this.#recipients * growthFactor));
      this.#begin(nowMs);
    } else if (nowMs - this.#sinceMs >= shrinkAfterMs) {
      const spare = Math.min(spareQueued, this.#recipients * spareShare);
      const surplus = Math.max(0, this.#leastQueued - spare);
      this.#recipients = Math.max(minDispatchWindow, Math.floor(this.#recipients - surplus * shrinkShare));
      this.#begin(nowMs);
    }
  }

  #begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#leastQueued = Number.POSITIVE_INFINITY;
    this.#wasFull = false;
  }
}
