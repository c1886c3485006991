/**
 * The one place where streams end: each open stream exactly once. Those that end without a complete answer are passed
 * to the StreamUser. Bounds what a peer may do wrong on streams. Owned by one connection, on its thread.
 */
import { assert } from '../../base/assert.js';
import { maxEmptyDataFrames, maxStreamErrors } from '../../base/limits.js';
import { limitFault } from './connection-fault.js';
import type { ControlFrames } from './control-frames.js';
import { CANCEL } from './frames.js';
import type { StreamCause } from './stream-causes.js';
import { AWAITING, DROPPED, ENDED, SENDING, type StreamTable } from './stream-table.js';

/**
 * The side that opened the streams and reads their answers: codec/requests/answers. It must not call back from within
 * these calls.
 */
export interface StreamUser {
  /** Whether any part of an answer has come: then the stream was processed, whatever the peer says later. */
  hasAnswerBegun(slot: number): boolean;
  /** The stream has ended, and its request was certainly not processed. */
  onUnsent(slot: number, cause: StreamCause): void;
  /** The stream has ended without a complete answer, and its request may have been processed. */
  onUnknown(slot: number, cause: StreamCause): void;
}

export class StreamEndings {
  readonly #streams: StreamTable;
  readonly #control: ControlFrames;
  readonly #user: StreamUser;
  #streamErrors = 0;
  #emptyDataFrames = 0;

  constructor(streams: StreamTable, control: ControlFrames, user: StreamUser) {
    this.#streams = streams;
    this.#control = control;
    this.#user = user;
  }

  /**
   * The answer is complete, and the peer has ended the stream. Where the answer came before the whole body went, the
   * rest is not sent.
   */
  answered(slot: number): void {
    this.#emptyDataFrames = 0;
    if (this.#streams.states[slot] === SENDING) this.stopped(slot);
    else this.#streams.end(slot, ENDED);
  }

  /** What the peer has sent is enough: it is told to stop. */
  stopped(slot: number): void {
    this.#control.rstStream(this.#streams.ids[slot]!, CANCEL);
    this.#streams.end(slot, DROPPED);
  }

  /** Ends a stream, by ENDED or DROPPED, whose request was certainly not processed. */
  unsent(slot: number, state: number, cause: StreamCause): void {
    this.#streams.end(slot, state);
    this.#user.onUnsent(slot, cause);
  }

  /** The same, for a stream whose request may have been processed. */
  unknown(slot: number, state: number, cause: StreamCause): void {
    this.#streams.end(slot, state);
    this.#user.onUnknown(slot, cause);
  }

  /**
   * Ends a stream that will get no answer. It is unsent if its END_STREAM was never handed out (a server cannot act on
   * half a request), unless an answer has begun. A FINISHING stream counts as sent: its END_STREAM is already in the
   * output.
   */
  lost(slot: number, state: number, cause: StreamCause): void {
    const isHalf = this.#streams.states[slot] === SENDING;
    if (isHalf && !this.hasAnswerBegun(slot)) this.unsent(slot, state, cause);
    else this.unknown(slot, state, cause);
  }

  /**
   * A stream error (RFC 9113 §5.4.2) in what is part of an answer: resets the stream, whose outcome is unknown.
   * @throws ConnectionFault when it is one too many: many resets look like an attack, so the connection ends instead
   */
  streamError(slot: number, errorCode: number, cause: StreamCause): void {
    this.reset(this.#streams.ids[slot]!, errorCode);
    this.unknown(slot, DROPPED, cause);
  }

  /** A stream error in any other frame. @throws ConnectionFault as streamError does */
  controlError(slot: number, errorCode: number, cause: StreamCause): void {
    this.reset(this.#streams.ids[slot]!, errorCode);
    this.lost(slot, DROPPED, cause);
  }

  /** Sends RST_STREAM for something the peer did wrong. @throws ConnectionFault as streamError does */
  reset(streamId: number, errorCode: number): void {
    if (++this.#streamErrors > maxStreamErrors) throw limitFault('too many streams with errors');
    this.#control.rstStream(streamId, errorCode);
  }

  /** Counts a DATA frame without data that ends nothing. @throws ConnectionFault for too many between two answers */
  countEmptyData(): void {
    if (++this.#emptyDataFrames > maxEmptyDataFrames) throw limitFault('a flood of empty DATA frames');
  }

  /** Ends every open stream; those that were never handed out whole, and now never will be, as unsent. */
  all(cause: StreamCause): void {
    const streams = this.#streams;
    const { states } = streams;
    for (let slot = 0; slot < states.length; slot++) {
      if (states[slot]! < AWAITING) continue;
      if (streams.isUnfinished(slot) && !this.hasAnswerBegun(slot)) this.unsent(slot, DROPPED, cause);
      else this.unknown(slot, DROPPED, cause);
    }
    assert(streams.active === 0, 'every open stream ends with its connection');
  }

  /** Whether any part of an answer has come. */
  hasAnswerBegun(slot: number): boolean {
    return this.#user.hasAnswerBegun(slot);
  }
}
