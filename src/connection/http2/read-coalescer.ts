/**
 * Stops reading for a moment where that lets small answers gather in the kernel. Owned by Http2Connection.
 *
 * Each wake-up of the thread costs about 100 us and each TLS record about 2 us on top of the answers in it. A gateway
 * that writes every answer on its own (nginx) wakes its client for each few of them; a pause of 1 to 3 ms between
 * bursts of reads saves a fifth to a quarter of the client's CPU. Where bursts are large by themselves, where reads
 * are large, and on connections with few requests in flight (where the gateway would only wait, too), nothing is held
 * back.
 *
 *   burst (the small reads of one turn of the loop) ── few reads ──▶ pause ── timer ──▶ larger burst ──▶ pause …
 *
 * One burst in `probeInterval` is left to come as it will, to see whether pauses are still of use.
 */
import type { Clock } from '../../base/clock.js';
import { maxReadPauseMs, minReadPauseMs, minRequestsForReadPause, smallReadBytes } from '../../base/limits.js';
import { Timer } from '../../base/timers.js';
import type { ByteStream } from '../../transport/backend.js';

/** Reads of one burst: with fewer than `fewReads` a pause is of use, with more than `manyReads` it may be shorter. */
const fewReads = 64;
const manyReads = 256;
const probeInterval = 16;

export class ReadCoalescer {
  readonly #clock: Clock;
  readonly #stream: ByteStream;
  readonly #onBurst: () => number;
  readonly #timer: Timer;
  #pauseMs = minReadPauseMs;
  #reads = 0;
  #isBurstOpen = false;
  #isGathering = false;
  #hasPaused = false;
  #pauses = 0;
  #isStopped = false;

  /** `onBurst`: the reads of one turn of the loop are over; does what follows from them, returns requests in flight. */
  constructor(clock: Clock, stream: ByteStream, onBurst: () => number) {
    this.#clock = clock;
    this.#stream = stream;
    this.#onBurst = onBurst;
    this.#timer = new Timer(clock, () => stream.resumeReading());
  }

  /**
   * After a read of `length` bytes. Returns true if it is one of many small ones. What follows from it (new requests)
   * is then done once, at the end of the burst, by `onBurst`, so that requests leave in one large write.
   */
  afterRead(length: number, inFlight: number): boolean {
    if (length >= smallReadBytes || inFlight < minRequestsForReadPause) return false;
    this.#reads++;
    if (!this.#isBurstOpen) {
      this.#isBurstOpen = true;
      this.#clock.defer(this.#endBurst);
    }
    return true;
  }

  readonly #endBurst = (): void => {
    this.#isBurstOpen = false;
    if (!this.#isStopped) this.#afterBurst(this.#onBurst());
  };

  #afterBurst(inFlight: number): void {
    this.#learn(this.#reads);
    this.#reads = 0;
    this.#hasPaused = false;
    if (!this.#isGathering || inFlight < minRequestsForReadPause || this.#timer.isSet) return;
    if (++this.#pauses % probeInterval === 0) return;
    this.#hasPaused = true;
    this.#stream.pauseReading();
    this.#timer.set(this.#pauseMs);
  }

  /** The connection is over: nothing is resumed any more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer.clear();
  }

  /** A burst without a pause before it shows how the gateway writes, one after a pause what the pause gave. */
  #learn(reads: number): void {
    if (!this.#hasPaused) this.#isGathering = reads < fewReads;
    else if (reads < fewReads) this.#pauseMs = Math.min(maxReadPauseMs, this.#pauseMs + 1);
    else if (reads > manyReads) this.#pauseMs = Math.max(minReadPauseMs, this.#pauseMs - 1);
  }
}
