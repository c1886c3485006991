/**
 * The answers of one connection: those that are under way, by the slot of their stream, and the one place where
 * outcomes are reported, one for each tag. The stream of an answer has ended when its outcome is reported. Owned by one
 * connection, on its thread.
 */
import { assert } from '../../base/assert.js';
import type { AnswerFields } from '../../push/answer.js';
import type { StreamCause } from '../http2/stream-causes.js';
import type { StreamUser } from '../http2/stream-endings.js';
import type { StreamTable } from '../http2/stream-table.js';
import { AnswerPool, type PendingAnswer } from './pending-answer.js';
import type { ResponseListener } from './response-listener.js';

const noBody = new Uint8Array(0);

export class Answers implements StreamUser {
  readonly pool = new AnswerPool();
  /** No answer but 403 has come yet: the peer has not accepted the provider token. */
  isUnproven = true;
  /** The mark of the request whose answer is being reported; 0 where marks are not kept. */
  mark = 0;
  /** By slot: the final answer, once begun and not yet complete. Written here only. */
  readonly pending: (PendingAnswer | null)[];
  readonly #streams: StreamTable;
  readonly #listener: ResponseListener;

  constructor(streams: StreamTable, listener: ResponseListener) {
    this.pending = new Array<PendingAnswer | null>(streams.mask + 1).fill(null);
    this.#streams = streams;
    this.#listener = listener;
  }

  /** A final status has come, and the end of the stream has not. `fields` are copied. */
  begin(slot: number, status: number, contentLength: number, fields: AnswerFields): void {
    assert(this.pending[slot] === null, 'a stream has one final answer');
    const answer = this.pool.take(status);
    answer.contentLength = contentLength;
    answer.apnsId = fields.apnsId;
    answer.retryAfter = fields.retryAfter;
    answer.uniqueId = fields.uniqueId;
    this.pending[slot] = answer;
  }

  /** A complete 200. `fields` are those of it, where ids are kept. */
  accepted(slot: number, fields: AnswerFields | null): void {
    this.isUnproven = false;
    this.#readMark(slot);
    this.#listener.onAccepted(this.#streams.tags[slot]!, fields, noBody);
  }

  /** A complete answer without a body. */
  rejected(slot: number, status: number, fields: AnswerFields): void {
    if (status !== 403) this.isUnproven = false;
    this.#readMark(slot);
    this.#listener.onRejected(this.#streams.tags[slot]!, status, noBody, fields);
  }

  /** The answer that was under way is complete, or enough of it. */
  gathered(slot: number, answer: PendingAnswer): void {
    if (answer.status !== 403) this.isUnproven = false;
    this.pending[slot] = null;
    this.#readMark(slot);
    const tag = this.#streams.tags[slot]!;
    if (answer.status === 200) this.#listener.onAccepted(tag, answer, answer.body);
    else this.#listener.onRejected(tag, answer.status, answer.body, answer);
    this.pool.give(answer);
  }

  hasAnswerBegun(slot: number): boolean {
    return this.pending[slot] !== null || this.#streams.informational[slot] !== 0;
  }

  onUnsent(slot: number, cause: StreamCause): void {
    this.#forget(slot);
    this.#listener.onUnsent(this.#streams.tags[slot]!, cause);
  }

  onUnknown(slot: number, cause: StreamCause): void {
    this.#forget(slot);
    this.#listener.onUnknown(this.#streams.tags[slot]!, cause);
  }

  #readMark(slot: number): void {
    const { marks } = this.#streams;
    if (marks !== null) this.mark = marks[slot]!;
  }

  #forget(slot: number): void {
    const answer = this.pending[slot]!;
    if (answer === null) return;
    this.pending[slot] = null;
    this.pool.give(answer);
  }
}
