/**
 * One reading of a feedback gateway: from dialling to the end of its list. Made by session/feedback for each reading,
 * on the main thread; nothing of it is shared.
 *
 *   dialling ──▶ reading ──▶ over
 *       └─ error ───────────▶ over, with the error: nothing can have been read
 *
 * The gateway begins by itself and ends the stream after its last tuple. An error before that ends the reading without
 * an exception, as in the original library: the program has what came, and the next reading brings the rest.
 */
import { assert } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import type { PealError, PealErrorCode } from '../../base/errors.js';
import { maxFeedbackWaiting } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { heldUntil } from '../../base/process-hold.js';
import { PatientTimer } from '../../base/timers.js';
import { FeedbackDecoder, type FeedbackListener } from '../../codec/binary/feedback.js';
import type { Backend, ByteStream, ByteStreamListener } from '../../transport/backend.js';
import { withLog } from '../../transport/logged.js';
import { hostAndPort } from '../../transport/tls-errors.js';
import { type ConnectionTarget, openOptions } from '../connection-options.js';

interface FeedbackOptions extends ConnectionTarget {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A device token that is no longer valid, and since when. */
export interface FeedbackTuple {
  /** As binary. */
  readonly token: Uint8Array;
  /** Seconds since the epoch. */
  readonly seconds: number;
}

/** With TLS 1.3 a client certificate is refused only after the stream is open: no connection was made all the same. */
const refusals: ReadonlySet<PealErrorCode> = new Set<PealErrorCode>(['ERR_PEAL_TLS', 'ERR_PEAL_CREDENTIAL']);

/**
 * The tuples of a feedback gateway, as they come. Leaving the loop early ends the connection. While the program asks
 * for none, no more than `maxFeedbackWaiting` tuples and one read are kept.
 *
 * @throws PealError when the connection cannot be made; ERR_PEAL_LIMIT for a peer that is not a feedback gateway
 */
export async function* readFeedback(options: FeedbackOptions): AsyncGenerator<FeedbackTuple, void, undefined> {
  const connection = new FeedbackConnection(options);
  try {
    for (;;) {
      const tuples = await connection.next();
      if (tuples === null) return;
      yield* tuples;
    }
  } finally {
    connection.close();
  }
}

class FeedbackConnection implements ByteStreamListener, FeedbackListener {
  readonly #options: FeedbackOptions;
  readonly #decoder = new FeedbackDecoder(this);
  readonly #stream: ByteStream;
  readonly #where: string;
  #waiting: FeedbackTuple[] = [];
  #isOpen = false;
  #isOver = false;
  #isPaused = false;
  #received = 0;
  #error: PealError | null = null;
  readonly #silenceTimer: PatientTimer;
  #wake: (() => void) | null = null;

  constructor(options: FeedbackOptions) {
    const { link, backend, clock, log } = options;
    this.#options = options;
    const onSilence = (): void => this.#end(`feedback ended: the gateway said nothing for ${link.readTimeoutMs} ms`);
    this.#silenceTimer = new PatientTimer(clock, () => this.#received, onSilence);
    this.#where = hostAndPort(options.address);
    log.debug({ gateway: this.#where }, 'feedback connection opening');
    const logged = withLog(backend, log, { gateway: this.#where });
    this.#stream = logged.open(openOptions(options, null), this);
  }

  /**
   * Returns what came since the last call, and waits if nothing did; null at the end. Throws why there is no
   * connection.
   */
  async next(): Promise<readonly FeedbackTuple[] | null> {
    assert(this.#wake === null, 'one reader waits for tuples at a time');
    while (this.#waiting.length === 0 && !this.#isOver) {
      this.#resumeReading();
      await heldUntil(
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
      );
    }
    if (this.#waiting.length === 0) {
      if (this.#error !== null) throw this.#error;
      return null;
    }
    const tuples = this.#waiting;
    this.#waiting = [];
    return tuples;
  }

  close(): void {
    this.#silenceTimer.clear();
    if (!this.#isOver) this.#stream.destroy();
    this.#isOver = true;
  }

  onOpen(): void {
    this.#isOpen = true;
    this.#options.log.debug({ gateway: this.#where }, 'feedback connection open');
    this.#silenceTimer.set(this.#options.link.readTimeoutMs);
  }

  onBytes(buffer: Uint8Array, length: number): void {
    if (this.#isOver) return;
    this.#received += length;
    this.#silenceTimer.clear();
    this.#decoder.receive(buffer, length);
    if (this.#decoder.failure !== null) {
      this.#error = this.#decoder.failure;
      this.#end(this.#error.message);
      return;
    }
    if (this.#waiting.length > maxFeedbackWaiting) {
      this.#isPaused = true;
      this.#stream.pauseReading();
    } else {
      this.#silenceTimer.set(this.#options.link.readTimeoutMs);
    }
    this.#notify();
  }

  onFeedback(seconds: number, bytes: Uint8Array, start: number, end: number): void {
    this.#waiting.push({ token: bytes.slice(start, end), seconds });
  }

  onClosed(error: PealError | null): void {
    this.#silenceTimer.clear();
    if (this.#isOver) return;
    this.#isOver = true;
    const isRefused = error !== null && this.#received === 0 && refusals.has(error.code);
    if (!this.#isOpen || isRefused) this.#error = error;
    const fields = { gateway: this.#where, bytes: this.#received, isCutOff: this.#decoder.isPartial };
    this.#options.log.debug(fields, error === null ? 'feedback connection closed' : error.message);
    this.#notify();
  }

  /** Gives up what the gateway still had to say. */
  #end(why: string): void {
    this.#options.log.warn({ gateway: this.#where, bytes: this.#received }, why);
    this.close();
    this.#notify();
  }

  #resumeReading(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#stream.resumeReading();
    this.#silenceTimer.set(this.#options.link.readTimeoutMs);
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
