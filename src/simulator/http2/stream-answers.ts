/**
 * The end of a request: books the decision, writes it, and ends the stream. Owned by one server connection, called by
 * it and by its stage.
 */
import { Buffer } from 'node:buffer';
import { INTERNAL_ERROR, REFUSED_STREAM } from '../../codec/http2/frames.js';
import type { SimulatedGateway } from '../faults/simulated-gateway.js';
import type { OtherRequest } from '../rules/other-request.js';
import { ACCEPTED_ANSWER, NO_ANSWER, REFUSED, RESET } from '../settings/answers.js';
import type { AnswerWriter } from './answer-writer.js';
import type { RejectionQueue } from './rejection-queue.js';
import type { RequestNotes } from './request-notes.js';
import { DISCARDING, FREE, type ServerStreams } from './server-streams.js';

export class StreamAnswers {
  readonly #gateway: SimulatedGateway;
  readonly #streams: ServerStreams;
  readonly #writer: AnswerWriter;
  readonly #rejections: RejectionQueue;
  readonly #notes: RequestNotes | null;

  /** @param notes For the request log; null without one. */
  constructor(
    gateway: SimulatedGateway,
    streams: ServerStreams,
    writer: AnswerWriter,
    rejections: RejectionQueue,
    notes: RequestNotes | null,
  ) {
    this.#notes = notes;
    this.#gateway = gateway;
    this.#streams = streams;
    this.#writer = writer;
    this.#rejections = rejections;
  }

  /**
   * Books a request and does what `answer` means (answers.ts).
   * @param retryAfterS Retry-After of a rejection, in seconds; below 0 for none.
   * @param bodyBytes Least length of the body.
   */
  settle(streamId: number, slot: number, answer: number, payloadBytes: number, retryAfterS = -1, bodyBytes = 0): void {
    if (answer === NO_ANSWER || answer === REFUSED || answer === RESET) {
      this.book(slot, answer, payloadBytes);
      if (answer !== NO_ANSWER) this.reset(streamId, slot, answer === REFUSED ? REFUSED_STREAM : INTERNAL_ERROR);
      return;
    }
    const streams = this.#streams;
    const served = streams.served.size === 0 ? undefined : streams.served.get(slot);
    if (served !== undefined) {
      this.#settleServed(streamId, slot, served, answer, retryAfterS, bodyBytes);
      return;
    }
    this.book(slot, answer, payloadBytes);
    const apnsId = streams.apnsIds.size === 0 ? null : (streams.apnsIds.get(slot) ?? null);
    if (answer === ACCEPTED_ANSWER && bodyBytes === 0) {
      this.#writer.accepted(streamId, apnsId);
      streams.end(slot, FREE);
      return;
    }
    const body = this.#gateway.bodyOf(answer, bodyBytes);
    this.#writer.headers(streamId, answer, apnsId, retryAfterS, body.length === 0);
    if (body.length === 0) streams.end(slot, FREE);
    else this.#rejections.send(streamId, slot, body);
  }

  /** The same for a request that is not a device push. */
  #settleServed(
    streamId: number,
    slot: number,
    served: OtherRequest,
    answer: number,
    retryAfterS: number,
    bodyBytes: number,
  ): void {
    const given = this.#gateway.others.take(served, answer, bodyBytes);
    this.#notes?.book(slot, given.answer);
    const own = given.body === '' ? null : Buffer.from(given.body);
    const body = own ?? this.#gateway.bodyOf(given.answer, bodyBytes);
    const type = ['content-type', given.bodyType ?? 'application/json'] as const;
    const fields = body.length === 0 ? given.fields : [...given.fields, type];
    const waitS = retryAfterS < 0 ? (given.retryAfterS ?? -1) : retryAfterS;
    this.#writer.fields(streamId, given.status, fields, waitS, body.length === 0);
    if (body.length === 0) this.#streams.end(slot, FREE);
    else this.#rejections.send(streamId, slot, body);
  }

  /** Enters a request into the ledger, or lets its service book it. */
  book(slot: number, answer: number, payloadBytes: number): void {
    const streams = this.#streams;
    const { ledger } = this.#gateway;
    if (answer === REFUSED) {
      ledger.recordRefused();
      return;
    }
    if (streams.served.size > 0 && streams.served.has(slot)) {
      this.#gateway.others.lose(streams.served.get(slot)!, answer);
      this.#notes?.book(slot, answer);
      return;
    }
    if (streams.tokenLengths[slot] === 0) {
      ledger.recordWithoutToken(answer, payloadBytes);
    } else {
      ledger.record(streams.entries[slot]!, streams.hashesA[slot]!, streams.hashesB[slot]!, answer, payloadBytes);
    }
    if (this.#notes !== null) this.#notes.book(slot, answer);
  }

  /** RST_STREAM for a stream that the client has open. */
  reset(streamId: number, slot: number, errorCode: number): void {
    this.#streams.end(slot, DISCARDING);
    this.#writer.reset(streamId, errorCode, true);
  }
}
