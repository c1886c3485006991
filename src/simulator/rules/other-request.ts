/**
 * The seam between a connection over HTTP/2 and requests that are not device pushes of APNs: to channel management,
 * broadcasts (channels/), and messages of FCM (fcm/). Their rules read the headers, the request takes the body when it
 * is complete, and their service processes it, keeps its own books and says what is answered. Types only.
 */
import type { RequestFields } from './request-fields.js';
import type { ClientIdentity } from './request-rules.js';

/** A request that has come, or is coming. */
export interface OtherRequest {
  /** What headers and body earn (answers.ts). */
  readonly answer: number;
  /** For the request log: the token that it is for, or null. Undefined: it is not logged. */
  readonly token?: string | null;
  /**
   * The request is complete, with the body `bytes[from, to)`, which may be cut off after the largest that is kept.
   * @returns the answer that headers and body earn, given what the headers earned
   */
  complete(headersAnswer: number, bytes: Uint8Array, from: number, to: number, bodyBytes: number): number;
}

/** What is answered. */
export interface OtherAnswer {
  /** As answers.ts has it. */
  readonly answer: number;
  readonly status: number;
  /** Header fields beside the status and the type of the body. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Empty: the body that the answer has by itself. */
  readonly body: string;
  /** Default JSON. */
  readonly bodyType?: string;
  /** Retry-After in seconds. Missing: none. */
  readonly retryAfterS?: number;
}

/** Processes the requests of all connections of a gateway. */
export interface OtherService {
  /** Of a request, in bytes. What comes beyond is counted only. */
  readonly maxKeptBytes: number;
  /**
   * Processes a request that is answered, and books it.
   * @param answer ACCEPTED_ANSWER, or the rejection that it gets.
   * @param leastBodyBytes The body is filled up to so many.
   */
  take(request: OtherRequest, answer: number, leastBodyBytes: number): OtherAnswer;
  /** Processes a request whose client gets no answer, and books it. @param answer What is done instead. */
  lose(request: OtherRequest, answer: number): void;
}

/** Judges the headers of the requests of one connection. */
export interface OtherRules {
  /** Whether paths of devices are served, and by RequestRules. */
  readonly served: { readonly pushes: boolean };
  /** What headers and path of the last request earn. */
  readonly answer: number;
  /** The last request; null for a path of no service, on a port of device pushes: such requests are in their ledger. */
  readonly request: OtherRequest | null;
  /** Judges a request whose path is not that of a device. The fields are valid during the call only. */
  read(path: string, fields: RequestFields, client: ClientIdentity, wallMs: number): void;
}

/** Judges the headers of requests apart from the path. */
export interface HeaderRules {
  /** Wall time until which the result of the last `judge` is valid. */
  readonly holdsUntilMs: number;
  /** Returns the answer that the headers earn; ACCEPTED_ANSWER if they are valid. */
  judge(fields: RequestFields, client: ClientIdentity, wallMs: number): number;
}
