/**
 * What a ledger byte has no room for about a rejection: status, Retry-After, since when a token is gone. Part of the
 * ledger's shared memory, so that a crash of the shard does not lose it before it was posted: whom to send to again, and
 * when, must not depend on that. Text (an unlisted reason, the apns-id) is not kept.
 *
 * A shard writes a note right before the ledger byte that calls the recipient rejected, and never for anybody else; the
 * dispatcher reads those of a shard that was lost. A note without such a byte means nothing: it is of an earlier batch.
 *
 *   offset of n notes   0 ─ 8n: a double each, see `#values`     8n ─ 10n: the status, 16 bits each
 */

import type { Answer } from '../apns/answer.js';

/** What survives of a rejection, besides its reason. */
export type RejectionNote = Pick<Answer, 'status' | 'timestampMs' | 'retryAfterSeconds'>;

const statusGone = 410;

export class RejectionNotes {
  static readonly bytesEach = 10;
  /** With 410 the timestamp, otherwise the seconds of Retry-After; NaN where the answer named none. */
  readonly #values: Float64Array;
  readonly #statuses: Uint16Array;

  private constructor(values: Float64Array, statuses: Uint16Array) {
    this.#values = values;
    this.#statuses = statuses;
  }

  /** `count` notes from `offset` of a buffer on, a multiple of 8. */
  static in(buffer: ArrayBufferLike, offset: number, count: number): RejectionNotes {
    const values = new Float64Array(buffer, offset, count);
    return new RejectionNotes(values, new Uint16Array(buffer, offset + values.byteLength, count));
  }

  write(at: number, { status, timestampMs, retryAfterSeconds }: RejectionNote): void {
    this.#values[at] = (status === statusGone ? timestampMs : retryAfterSeconds) ?? Number.NaN;
    this.#statuses[at] = status;
  }

  read(at: number): RejectionNote {
    const status = this.#statuses[at]!;
    const value = this.#values[at]!;
    const known = Number.isNaN(value) ? null : value;
    const isGone = status === statusGone;
    return { status, timestampMs: isGone ? known : null, retryAfterSeconds: isGone ? null : known };
  }
}
