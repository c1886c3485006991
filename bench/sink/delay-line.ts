/** Holds what a connection of the sink sends for one round trip, in order. One timer for the oldest piece. */

export class DelayLine<Piece> {
  readonly #delayMs: number;
  readonly #send: (piece: Piece) => void;
  readonly #waiting: { readonly piece: Piece; readonly dueMs: number }[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(delayMs: number, send: (piece: Piece) => void) {
    this.#delayMs = delayMs;
    this.#send = send;
  }

  enter(piece: Piece): void {
    if (this.#delayMs === 0) {
      this.#send(piece);
      return;
    }
    const nowMs = performance.now();
    this.#waiting.push({ piece, dueMs: nowMs + this.#delayMs });
    this.#arm(nowMs);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #arm(nowMs: number): void {
    const oldest = this.#waiting[0];
    if (oldest === undefined || this.#timer !== null) return;
    this.#timer = setTimeout(this.#onTimer, Math.max(0, oldest.dueMs - nowMs));
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    const nowMs = performance.now();
    // Timers of Node are due up to a millisecond late, and what is due within half of one may go along.
    let due = 0;
    while (due < this.#waiting.length && this.#waiting[due]!.dueMs <= nowMs + 0.5) due++;
    for (const { piece } of this.#waiting.splice(0, due)) this.#send(piece);
    this.#arm(nowMs);
  };
}
