/**
 * Makes an answer of the field blocks and the DATA of a stream, and checks it as RFC 9113 §8.1 asks. The usual answer
 * is one HEADERS frame, 200, with END_STREAM: it is checked and reported without an allocation. Called by
 * http2/stream-input for open streams; owned by one connection, on its thread.
 *
 *            1xx                    DATA
 *           ┌───┐                  ┌───┐
 *           │   ▼                  │   ▼
 *   ──▶ awaiting ──final status──▶ answer begun ──DATA or trailers with END_STREAM──▶ complete
 *           └──────────────final status with END_STREAM──────────────────────────────▶ complete
 */
import { maxInformationalResponses } from '../../base/limits.js';
import { HpackDecoder } from '../hpack/decoder.js';
import type { ReceiveWindow } from '../http2/flow-control.js';
import { PROTOCOL_ERROR } from '../http2/frames.js';
import { malformedCause } from '../http2/stream-causes.js';
import type { StreamEndings } from '../http2/stream-endings.js';
import type { AnswerReader } from '../http2/stream-input.js';
import type { StreamTable } from '../http2/stream-table.js';
import type { Answers } from './answers.js';
import { apnsNames } from './apns-names.js';
import type { PendingAnswer } from './pending-answer.js';
import { ResponseFieldReader } from './response-fields.js';

export class ResponseReader implements AnswerReader {
  readonly #streams: StreamTable;
  readonly #endings: StreamEndings;
  readonly #answers: Answers;
  readonly #decoder = new HpackDecoder({ ownNames: apnsNames });
  readonly #fields = new ResponseFieldReader(this.#decoder.names);

  constructor(streams: StreamTable, endings: StreamEndings, answers: Answers) {
    this.#streams = streams;
    this.#endings = endings;
    this.#answers = answers;
  }

  /** From now on the ids of accepted notifications are reported, too. */
  keepIds(): void {
    this.#fields.keepsIds = true;
  }

  readHeaders(slot: number, endsStream: boolean, bytes: Uint8Array, start: number, end: number): void {
    const answer = this.#answers.pending[slot]!;
    const fields = this.#fields;
    fields.begin(answer !== null);
    this.#decoder.walk(bytes, start, end, fields);
    if (fields.isMalformed || this.#decoder.hasForbiddenOctets) this.#malformed(slot);
    else if (answer !== null) this.#readTrailers(slot, answer, endsStream);
    else if (fields.status < 200) this.#readInformational(slot, endsStream);
    else if (!endsStream) this.#answers.begin(slot, fields.status, fields.contentLength, fields);
    else if (fields.contentLength > 0 && mayHaveBody(fields.status)) this.#malformed(slot);
    else {
      this.#endings.answered(slot);
      if (fields.status === 200) this.#answers.accepted(slot, fields.keepsIds ? fields : null);
      else this.#answers.rejected(slot, fields.status, fields);
    }
  }

  discardBlock(bytes: Uint8Array, start: number, end: number): void {
    this.#fields.begin(false);
    this.#decoder.walk(bytes, start, end, this.#fields);
  }

  windowOf(slot: number): ReceiveWindow | null {
    return this.#answers.pending[slot]?.window ?? null;
  }

  readData(slot: number, endsStream: boolean, bytes: Uint8Array, start: number, end: number): boolean {
    const answer = this.#answers.pending[slot]!;
    if (!this.#answers.pool.add(answer, bytes, start, end)) {
      // The answer does not end: its status counts, and the rest is not read.
      this.#endings.stopped(slot);
      this.#answers.gathered(slot, answer);
      return false;
    }
    if (endsStream) this.#complete(slot, answer);
    return !endsStream;
  }

  #readInformational(slot: number, endsStream: boolean): void {
    // A block without :status has status 0; 101 does not exist in HTTP/2 (§8.6).
    if (this.#fields.status === 0 || this.#fields.status === 101 || endsStream) this.#malformed(slot);
    else if (++this.#streams.informational[slot]! > maxInformationalResponses) this.#malformed(slot);
  }

  #readTrailers(slot: number, answer: PendingAnswer, endsStream: boolean): void {
    if (endsStream) this.#complete(slot, answer);
    else this.#malformed(slot);
  }

  #complete(slot: number, answer: PendingAnswer): void {
    const isWholeBody = mayHaveBody(answer.status)
      ? answer.contentLength < 0 || answer.contentLength === answer.bodyBytes
      : answer.bodyBytes === 0;
    if (!isWholeBody) {
      this.#malformed(slot);
      return;
    }
    this.#endings.answered(slot);
    this.#answers.gathered(slot, answer);
  }

  #malformed(slot: number): void {
    this.#endings.streamError(slot, PROTOCOL_ERROR, malformedCause);
  }
}

/** Answers with these statuses never have a body, whatever their content-length says (§8.1.1). */
function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 304;
}
