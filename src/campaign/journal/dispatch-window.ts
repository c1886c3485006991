/**
 * How many recipients may be noted and have no outcome: what a crash leaves unknown. As few as keep the gateway busy. Asked
 * by a campaign before it notes the next block; pure, with the time handed in.
 *
 * The window is judged by what the engine has and has not written yet (`queued`). Where that is nothing at the moment when
 * more comes, the gateway has waited: the window grows by a half. Where some of it was there at all times, it was larger than
 * needed: it shrinks by a part of that. So it follows the gateway's speed without knowing it, and a slow one is left with
 * the least window.
 */
import { maxBatchRecipients, maxDispatchWindow, minDispatchWindow } from '../../base/limits.js';

const growthFactor = 1.5;
/** So long the least queue is looked for before the window shrinks. */
const shrinkAfterMs = 250;
/** So much may always be queued: a transaction of the journal has to pass before more comes. */
const spareQueued = maxBatchRecipients / 2;
const shrinkShare = 0.5;

export class DispatchWindow {
  #recipients = minDispatchWindow;
  /** The least that was queued since `#sinceMs`. */
  #leastQueued = Number.POSITIVE_INFINITY;
  #sinceMs: number | null = null;
  #wasFull = false;

  /** As of now: recipients that may be noted and have no outcome. */
  get recipients(): number {
    return this.#recipients;
  }

  /** @param open recipients that are noted and have no outcome, as far as that is known (`glimpse`) */
  admits(open: number): boolean {
    const isAdmitted = open < this.#recipients;
    if (!isAdmitted) this.#wasFull = true;
    return isAdmitted;
  }

  /**
   * Called when a noted block is about to be handed to the engine, and now and then between.
   *
   * @param queued recipients that the engine has, and has not written yet
   */
  sample(queued: number, nowMs: number): void {
    this.#sinceMs ??= nowMs;
    this.#leastQueued = Math.min(this.#leastQueued, queued);
    if (queued === 0 && this.#wasFull) {
      this.#recipients = Math.min(maxDispatchWindow, Math.ceil(this.#recipients * growthFactor));
      this.#begin(nowMs);
    } else if (nowMs - this.#sinceMs >= shrinkAfterMs) {
      const surplus = Math.max(0, this.#leastQueued - spareQueued);
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
