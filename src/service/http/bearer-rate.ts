/**
 * How many pushes a second each bearer token may ask for: a bucket for each, which holds one second. Time comes from
 * outside. Main thread.
 */

export class BearerRate {
  readonly #perSecond: number;
  /** By the number of the token: what is left, and when that was true. */
  readonly #left: number[] = [];
  readonly #atMs: number[] = [];

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /**
   * Takes `count` pushes. Returns 0, or in how many seconds they could be taken: then nothing was taken. More than a
   * second holds are taken from a full bucket, and paid for afterwards.
   */
  take(bearer: number, count: number, nowMs: number): number {
    const full = this.#perSecond;
    const before = this.#left[bearer] ?? full;
    const passedMs = nowMs - (this.#atMs[bearer] ?? nowMs);
    const left = Math.min(full, before + (passedMs * full) / 1000);
    const needed = Math.min(count, full);
    this.#atMs[bearer] = nowMs;
    this.#left[bearer] = left < needed ? left : left - count;
    return left < needed ? Math.max(1, Math.ceil((needed - left) / full)) : 0;
  }
}
