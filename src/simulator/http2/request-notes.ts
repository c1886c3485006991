/**
 * The notes of one HTTP/2 connection for the request log: the headers of each request when they come, the payload when
 * it is complete, the rest when it is booked. Owned by one server connection, and only with a request log.
 */
import { Buffer } from 'node:buffer';
import type { Clock } from '../../base/clock.js';
import { PayloadTexts, type RequestLog } from '../books/request-log.js';
import { answerName, answerStatus } from '../settings/answers.js';
import type { RequestReader } from './request-reader.js';
import type { ServerStreams } from './server-streams.js';

export class RequestNotes {
  readonly #log: RequestLog;
  readonly #streams: ServerStreams;
  readonly #clock: Clock;
  readonly #connection: number;
  readonly #payloads = new PayloadTexts();

  constructor(log: RequestLog, streams: ServerStreams, clock: Clock, connection: number) {
    this.#log = log;
    this.#streams = streams;
    this.#clock = clock;
    this.#connection = connection;
  }

  /** The headers have come. */
  open(slot: number, requests: RequestReader, protocol: 'http2' | 'fcm'): void {
    const { headers, path, token, tokenLength, providerKey } = requests;
    this.#streams.notes.set(slot, {
      protocol,
      connection: this.#connection,
      streamId: this.#streams.ids[slot]!,
      receivedMs: 0,
      token: tokenLength === 0 ? null : Buffer.from(token.buffer, token.byteOffset, tokenLength).toString('hex'),
      path,
      headers,
      payload: '',
      payloadBytes: 0,
      providerKey,
      answer: '',
      status: 0,
    });
  }

  /** The token that stood in the body. */
  nameToken(slot: number, token: string | null): void {
    const note = this.#streams.notes.get(slot);
    if (note !== undefined) note.token = token;
  }

  /** The request is complete; the payload may be cut off after `bytes`. */
  complete(slot: number, bytes: Uint8Array, from: number, to: number, payloadBytes: number): void {
    const note = this.#streams.notes.get(slot);
    if (note === undefined) return;
    note.payload = this.#payloads.textOf(bytes, from, to);
    note.payloadBytes = payloadBytes;
    note.receivedMs = this.#clock.wallMs();
  }

  /** The request is booked with that answer (answers.ts). */
  book(slot: number, answer: number): void {
    const note = this.#streams.notes.get(slot);
    if (note === undefined) return;
    this.#streams.notes.delete(slot);
    note.answer = answerName(answer);
    note.status = answerStatus(answer);
    this.#log.add(note);
  }
}
