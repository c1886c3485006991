/**
 * What one HTTP/2 connection notes of each request under way for the request log: headers when they come, the payload
 * when the request is complete, the rest when it is booked. Owned by one server connection; only where somebody asked
 * for a log.
 */
import { Buffer } from 'node:buffer';
import type { Clock } from '../base/clock.js';
import { answerName, answerStatus } from './answers.js';
import type { ReceivedRequest, RequestLog } from './request-log.js';
import type { RequestReader } from './request-reader.js';
import { maxKeptBodyBytes, type ServerStreams } from './server-streams.js';

/** A request that is not booked yet. */
export type RequestNote = { -readonly [Name in keyof ReceivedRequest]: ReceivedRequest[Name] };

/** Payloads as text, one in memory for all that are alike and follow each other. One for each connection. */
export class PayloadTexts {
  #octets: Buffer = Buffer.alloc(0);
  #text = '';

  textOf(bytes: Uint8Array, from: number, to: number): string {
    const end = Math.min(to, from + maxKeptBodyBytes, bytes.length);
    const octets = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from);
    if (octets.equals(this.#octets)) return this.#text;
    this.#octets = Buffer.from(octets);
    this.#text = octets.toString('utf8');
    return this.#text;
  }
}

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
  open(slot: number, requests: RequestReader): void {
    const { headers, path, token, tokenLength, providerKey } = requests;
    this.#streams.notes.set(slot, {
      protocol: 'http2',
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

  /** The request is complete; of its payload no more than `bytes` has need be there. */
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
