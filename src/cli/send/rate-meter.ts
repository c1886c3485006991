/**
 * The rate of the last seconds and the time left at that rate, for the progress display. Pure: time is handed in.
 */

/** How far back the rate looks, in milliseconds. */
const windowMs = 3000;

export class RateMeter {
  #first: { readonly atMs: number; readonly done: number } | null = null;
  readonly #samples: { readonly atMs: number; readonly done: number }[] = [];

  /** Notes that `done` recipients had their outcome at `atMs` (monotonic). */
  note(atMs: number, done: number): void {
    this.#first ??= { atMs, done };
    this.#samples.push({ atMs, done });
    while (this.#samples.length > 2 && this.#samples[1]!.atMs <= atMs - windowMs) this.#samples.shift();
  }

  /** Recipients per second over the window; 0 until two notes were made. */
  perSecond(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return ((last.done - first.done) * 1000) / (last.atMs - first.atMs);
  }

  /** Recipients per second since the first note. */
  mean(): number {
    const [first, last] = [this.#first, this.#samples.at(-1)];
    if (first === null || last === undefined || last.atMs <= first.atMs) return 0;
    return ((last.done - first.done) * 1000) / (last.atMs - first.atMs);
  }

  /** Seconds until `total` is reached at this rate; null while that is unknown: the first moments say nothing of it. */
  secondsLeft(total: number): number | null {
    const [first, last] = [this.#first, this.#samples.at(-1)];
    if (first === null || last === undefined || last.atMs - first.atMs < windowMs) return null;
    const rate = this.perSecond();
    return rate > 0 ? Math.max(0, total - last.done) / rate : null;
  }
}
