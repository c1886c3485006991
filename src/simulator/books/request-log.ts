/**
 * The parts of each request that the ledger's numbers do not contain, for programs that want to see what they sent.
 * With `ledger: 'full'` the newest requests are kept, within limits; with `onRequest` each request is passed to the
 * program when it is booked. One for all connections of a simulator, on its thread; made only if a log was asked for.
 */
import { Buffer } from 'node:buffer';
import { maxKeptBodyBytes, maxLoggedRequestBytes, maxLoggedRequests } from '../../base/limits.js';
import type { ReceivedRequest } from '../settings/options.js';

/** A request that is not booked yet. */
export type RequestNote = { -readonly [Name in keyof ReceivedRequest]: ReceivedRequest[Name] };

/** Approximate bytes of an entry besides its texts. */
const entryBytes = 400;

export class RequestLog {
  readonly #isKept: boolean;
  readonly #onRequest: ((request: ReceivedRequest) => void) | null;
  readonly #maxRequests: number;
  readonly #maxBytes: number;
  #kept: ReceivedRequest[] = [];
  /** Index of the oldest request that is still kept. */
  #first = 0;
  #bytes = 0;
  /** Requests that were dropped to make room. */
  dropped = 0;

  /**
   * @param isKept Whether requests can be read later.
   * @param onRequest Called for each request; null for no calls.
   */
  constructor(
    isKept: boolean,
    onRequest: ((request: ReceivedRequest) => void) | null,
    { maxRequests = maxLoggedRequests, maxBytes = maxLoggedRequestBytes } = {},
  ) {
    this.#isKept = isKept;
    this.#onRequest = onRequest;
    this.#maxRequests = maxRequests;
    this.#maxBytes = maxBytes;
  }

  add(request: ReceivedRequest): void {
    if (this.#isKept) this.#keep(request);
    if (this.#onRequest === null) return;
    try {
      this.#onRequest(request);
    } catch (error) {
      // An error of the program is thrown apart, so that it does not look like a fault of the connection being served.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  /** Returns the kept requests, oldest first. @param token Only those of this token: lower-case hex. */
  list(token: string | null): ReceivedRequest[] {
    const kept = this.#kept.slice(this.#first);
    return token === null ? kept : kept.filter((request) => request.token === token);
  }

  clear(): void {
    this.#kept = [];
    this.#first = 0;
    this.#bytes = 0;
    this.dropped = 0;
  }

  #keep(request: ReceivedRequest): void {
    this.#kept.push(request);
    this.#bytes += sizeOf(request);
    while (this.#kept.length - this.#first > this.#maxRequests || this.#bytes > this.#maxBytes) {
      this.#bytes -= sizeOf(this.#kept[this.#first]!);
      this.#first++;
      this.dropped++;
    }
    // Moving the rest is cheap, because it happens once for as many requests as are kept.
    if (this.#first < 1024 || this.#first * 2 < this.#kept.length) return;
    this.#kept = this.#kept.slice(this.#first);
    this.#first = 0;
  }
}

/** An upper estimate: equal payloads and headers that follow each other share their memory. */
function sizeOf({ headers, path, payload }: ReceivedRequest): number {
  let bytes = entryBytes + path.length + payload.length;
  for (const name in headers) bytes += name.length + headers[name]!.length;
  return bytes;
}

/** Payloads as text. Equal payloads that follow each other share one text. One for each connection. */
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
