/**
 * Answers: field blocks and DATA, from the peer's frames to the listener. The usual answer is one HEADERS frame, 200,
 * with END_STREAM: it is looked up, checked and reported without an allocation. Owned by one connection, on its thread.
 *
 *            1xx                    DATA
 *           ┌───┐                  ┌───┐
 *           │   ▼                  │   ▼
 *   ──▶ awaiting ──final status──▶ answer begun ──DATA or trailers with END_STREAM──▶ complete
 *           └──────────────final status with END_STREAM──────────────────────────────▶ complete
 */
import { maxEmptyDataFrames, maxInformationalResponses, receiveConnectionWindowBytes } from '../../base/limits.js';
import { HpackDecoder } from '../hpack/decoder.js';
import type { PendingAnswer } from './answer.js';
import { apnsNames } from './apns-names.js';
import { limitFault, protocolFault } from './connection-fault.js';
import type { ControlFrames } from './control-frames.js';
import { ReceiveWindow } from './flow-control.js';
import { FLOW_CONTROL_ERROR, PROTOCOL_ERROR, STREAM_CLOSED } from './frames.js';
import { ResponseFieldReader } from './response-fields.js';
import { flowControlCause, malformedCause } from './stream-causes.js';
import type { StreamEndings } from './stream-endings.js';
import { DROPPED, type StreamTable } from './stream-table.js';

export class ResponseReader {
  readonly #streams: StreamTable;
  readonly #control: ControlFrames;
  readonly #endings: StreamEndings;
  readonly #decoder = new HpackDecoder({ ownNames: apnsNames });
  readonly #fields = new ResponseFieldReader(this.#decoder.names);
  readonly #window = new ReceiveWindow(receiveConnectionWindowBytes);
  #emptyDataFrames = 0;

  constructor(streams: StreamTable, control: ControlFrames, endings: StreamEndings) {
    this.#streams = streams;
    this.#control = control;
    this.#endings = endings;
  }

  /**
   * A whole field block of a HEADERS frame. It is decoded whatever becomes of it: the table must follow (§4.3).
   * @throws ConnectionFault, PealError where the connection has to end
   */
  readHeaders(streamId: number, endsStream: boolean, bytes: Uint8Array, start: number, end: number): void {
    const streams = this.#streams;
    const slot = streams.findActive(streamId);
    if (slot < 0 || streamId >= streams.handedOutBelow) {
      this.#readHeadersOfClosed(streamId, bytes, start, end);
      return;
    }
    const answer = streams.answers[slot]!;
    const fields = this.#fields;
    fields.begin(answer !== null);
    this.#decoder.walk(bytes, start, end, fields);
    if (fields.isMalformed || this.#decoder.hasForbiddenOctets) this.#malformed(slot);
    else if (answer !== null) this.#readTrailers(slot, answer, endsStream);
    else if (fields.status < 200) this.#readInformational(slot, endsStream);
    else if (!endsStream) this.#beginAnswer(slot);
    else if (fields.contentLength > 0 && mayHaveBody(fields.status)) this.#malformed(slot);
    else {
      this.#emptyDataFrames = 0;
      if (fields.status === 200) this.#endings.accepted(slot, fields.keepsIds ? fields : null);
      else this.#endings.rejected(slot, fields.status, fields);
    }
  }

  /** From now on the ids of accepted notifications are reported, too. */
  keepIds(): void {
    this.#fields.keepsIds = true;
  }

  /** A field block of a push that is refused: it is decoded for the table only. */
  discardBlock(bytes: Uint8Array, start: number, end: number): void {
    this.#fields.begin(false);
    this.#decoder.walk(bytes, start, end, this.#fields);
  }

  /**
   * A DATA frame. `bytes[start … end)` is its data without padding; `flowBytes` its whole payload, which counts
   * against the windows (§6.1).
   */
  readData(
    streamId: number,
    endsStream: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    flowBytes: number,
  ): void {
    this.#takeFlow(flowBytes);
    if (start === end && !endsStream && ++this.#emptyDataFrames > maxEmptyDataFrames) {
      throw limitFault('a flood of empty DATA frames');
    }
    const slot = this.#streams.findActive(streamId);
    if (slot < 0 || streamId >= this.#streams.handedOutBelow) {
      this.#onClosed(streamId);
      return;
    }
    const answer = this.#streams.answers[slot]!;
    if (answer === null) {
      this.#malformed(slot);
    } else if (!answer.window.take(flowBytes, this.#control.handOuts)) {
      this.#endings.streamError(slot, FLOW_CONTROL_ERROR, flowControlCause);
    } else if (!this.#endings.pool.add(answer, bytes, start, end)) {
      this.#endings.answeredEndlessly(slot, answer);
    } else if (endsStream) {
      this.#complete(slot, answer);
    } else {
      const increment = answer.window.credit(this.#control.handOuts);
      if (increment > 0) this.#control.windowUpdate(streamId, increment);
    }
  }

  /** Whatever comes as DATA is credited back to the connection, kept or discarded. */
  #takeFlow(flowBytes: number): void {
    if (!this.#window.take(flowBytes, this.#control.handOuts)) {
      throw protocolFault('more DATA than the connection window allows', FLOW_CONTROL_ERROR);
    }
    const increment = this.#window.credit(this.#control.handOuts);
    if (increment > 0) this.#control.windowUpdate(0, increment);
  }

  #readHeadersOfClosed(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    this.discardBlock(bytes, start, end);
    this.#onClosed(streamId);
  }

  /** HEADERS or DATA on a stream that is not open: an error, unless we have dropped the stream ourselves (§5.1). */
  #onClosed(streamId: number): void {
    const streams = this.#streams;
    if (streams.isRefusedPush(streamId)) return;
    if (!streams.wasOpened(streamId)) throw protocolFault('a frame on a stream that was never opened');
    if (!streams.hasPeerEnded(streamId)) return;
    this.#endings.reset(streamId, STREAM_CLOSED);
    streams.states[(streamId >>> 1) & streams.mask] = DROPPED;
  }

  #beginAnswer(slot: number): void {
    const fields = this.#fields;
    const answer = this.#endings.pool.take(fields.status);
    answer.contentLength = fields.contentLength;
    answer.apnsId = fields.apnsId;
    answer.retryAfter = fields.retryAfter;
    answer.uniqueId = fields.uniqueId;
    this.#streams.answers[slot] = answer;
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
    this.#emptyDataFrames = 0;
    const isWholeBody = mayHaveBody(answer.status)
      ? answer.contentLength < 0 || answer.contentLength === answer.bodyBytes
      : answer.bodyBytes === 0;
    if (isWholeBody) this.#endings.answered(slot, answer);
    else this.#malformed(slot);
  }

  #malformed(slot: number): void {
    this.#endings.streamError(slot, PROTOCOL_ERROR, malformedCause);
  }
}

/** Answers with these statuses never have a body, whatever their content-length says (§8.1.1). */
function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 304;
}
