/**
 * The one place where streams end and their tags are reported: each open stream exactly once. Owned by one connection,
 * on its thread.
 */
import { maxStreamErrors } from '../../base/limits.js';
import { AnswerPool, type PendingAnswer } from './answer.js';
import { limitFault } from './connection-fault.js';
import type { ControlFrames } from './control-frames.js';
import { CANCEL } from './frames.js';
import type { ResponseFields, ResponseListener, StreamCause } from './response-listener.js';
import { AWAITING, DROPPED, ENDED, SENDING, type StreamTable } from './stream-table.js';

const noBody = new Uint8Array(0);

export class StreamEndings {
  readonly pool = new AnswerPool();
  /** No answer but 403 has come yet: the peer has not accepted the provider token. */
  isUnproven = true;
  readonly #streams: StreamTable;
  readonly #control: ControlFrames;
  readonly #listener: ResponseListener;
  #streamErrors = 0;

  constructor(streams: StreamTable, control: ControlFrames, listener: ResponseListener) {
    this.#streams = streams;
    this.#control = control;
    this.#listener = listener;
  }

  /** A complete 200. `fields` are those of it, where ids are kept. */
  accepted(slot: number, fields: ResponseFields | null): void {
    this.isUnproven = false;
    this.#close(slot);
    this.#listener.onAccepted(this.#streams.tags[slot]!, fields);
  }

  /** A complete answer without a body. */
  rejected(slot: number, status: number, fields: ResponseFields): void {
    if (status !== 403) this.isUnproven = false;
    this.#close(slot);
    this.#listener.onRejected(this.#streams.tags[slot]!, status, noBody, fields);
  }

  /** The answer that was gathered is complete. */
  answered(slot: number, answer: PendingAnswer): void {
    if (answer.status !== 403) this.isUnproven = false;
    this.#streams.answers[slot] = null;
    this.#close(slot);
    this.#report(slot, answer);
  }

  /** The answer goes on and on: its status counts, and the peer is told to stop. */
  answeredEndlessly(slot: number, answer: PendingAnswer): void {
    if (answer.status !== 403) this.isUnproven = false;
    this.#streams.answers[slot] = null;
    this.#control.rstStream(this.#streams.ids[slot]!, CANCEL);
    this.#streams.end(slot, DROPPED);
    this.#report(slot, answer);
  }

  #report(slot: number, answer: PendingAnswer): void {
    const tag = this.#streams.tags[slot]!;
    if (answer.status === 200) this.#listener.onAccepted(tag, answer);
    else this.#listener.onRejected(tag, answer.status, answer.body, answer);
    this.pool.give(answer);
  }

  /** Ends a stream that the peer has reset or gone away from, or whose connection is over. */
  unsent(slot: number, state: number, cause: StreamCause): void {
    this.#drop(slot, state);
    this.#listener.onUnsent(this.#streams.tags[slot]!, cause);
  }

  unknown(slot: number, state: number, cause: StreamCause): void {
    this.#drop(slot, state);
    this.#listener.onUnknown(this.#streams.tags[slot]!, cause);
  }

  /**
   * Ends a stream that will get no answer. It is unsent if its END_STREAM was never handed out (a server cannot act on half
   * a request), unless an answer has begun. A FINISHING stream counts as sent: its END_STREAM is already in the output.
   */
  lost(slot: number, state: number, cause: StreamCause): void {
    const isHalf = this.#streams.states[slot] === SENDING;
    if (isHalf && !this.hasAnswerBegun(slot)) this.unsent(slot, state, cause);
    else this.unknown(slot, state, cause);
  }

  /**
   * A stream error (RFC 9113 §5.4.2) in what is part of an answer: resets the stream and reports it unknown.
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

  /** Reports every open stream; those that were never handed out whole, and now never will be, as unsent. */
  all(cause: StreamCause): void {
    const streams = this.#streams;
    const { states } = streams;
    for (let slot = 0; slot < states.length; slot++) {
      if (states[slot]! < AWAITING) continue;
      if (streams.isUnfinished(slot) && !this.hasAnswerBegun(slot)) this.unsent(slot, DROPPED, cause);
      else this.unknown(slot, DROPPED, cause);
    }
  }

  /** Whether any part of an answer has come: then the stream was processed, whatever the peer says later. */
  hasAnswerBegun(slot: number): boolean {
    return this.#streams.answers[slot] !== null || this.#streams.informational[slot] !== 0;
  }

  /** The peer has ended the stream. If we have not (the answer came before the whole body went), we stop sending. */
  #close(slot: number): void {
    if (this.#streams.states[slot] === SENDING) {
      this.#control.rstStream(this.#streams.ids[slot]!, CANCEL);
      this.#streams.end(slot, DROPPED);
    } else {
      this.#streams.end(slot, ENDED);
    }
  }

  #drop(slot: number, state: number): void {
    const answer = this.#streams.answers[slot]!;
    if (answer !== null) {
      this.#streams.answers[slot] = null;
      this.pool.give(answer);
    }
    this.#streams.end(slot, state);
  }
}
