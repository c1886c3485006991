/**
 * What a simulator keeps of each request beyond the ledger's numbers, for programs that want to see what they sent:
 * with `ledger: 'full'` the newest, within limits; with `onRequest` each is handed out when it is booked. One for all
 * connections of a simulator, on its thread; there is none unless somebody asked.
 */
import { maxLoggedRequestBytes, maxLoggedRequests } from '../base/limits.js';

/** A request (or a notification over the binary protocol) that came complete and was processed. */
export interface ReceivedRequest {
  readonly protocol: 'http2' | 'binary';
  /** Number of its connection, from 1, in the order in which they came. */
  readonly connection: number;
  /** Number of the HTTP/2 stream; over the binary protocol the identifier of the notification. */
  readonly streamId: number;
  /** When it was complete: epoch milliseconds, by the simulator's clock. */
  readonly receivedMs: number;
  /** The device token, lower-case hex; null where there was none that could be kept. */
  readonly token: string | null;
  /** `/3/device/…`; empty over the binary protocol. */
  readonly path: string;
  /**
   * Header fields by their names in lower case, without those that begin with a colon; values of a name that came more than
   * once are joined by `, `. Of `authorization` only the scheme is kept: see `providerKey`. Over the binary protocol
   * `apns-expiration` and `apns-priority` stand for the items of the notification.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** The payload as text; of one above 5,121 bytes, which is too large in any case, its beginning. */
  readonly payload: string;
  /** Bytes of the whole payload. */
  readonly payloadBytes: number;
  /** `TEAMID/KEYID` of the valid provider token that the connection has shown; null for none. */
  readonly providerKey: string | null;
  /** `accepted`, Apple's reason, or what was done instead of an answer. */
  readonly answer: string;
  /** As in TokenRecord; 0 where there was no answer. */
  readonly status: number;
}

/** What an entry takes beside its texts, about. */
const entryBytes = 400;

export class RequestLog {
  readonly #isKept: boolean;
  readonly #onRequest: ((request: ReceivedRequest) => void) | null;
  readonly #maxRequests: number;
  readonly #maxBytes: number;
  #kept: ReceivedRequest[] = [];
  /** Where the oldest that is still kept stands: those before are gone. */
  #first = 0;
  #bytes = 0;
  /** Requests that were dropped to make room. */
  dropped = 0;

  /**
   * @param isKept Whether requests can be asked for later.
   * @param onRequest Called for each; null for nobody.
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
      // What a program throws is its own: it must not look like a fault of the connection that is being served.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  /** Those that are kept, oldest first. @param token Of this one only: lower-case hex. */
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
    // Moving the rest costs nothing for a request, as it is done once for as many as are kept.
    if (this.#first < 1024 || this.#first * 2 < this.#kept.length) return;
    this.#kept = this.#kept.slice(this.#first);
    this.#first = 0;
  }
}

/** Equal payloads and headers that follow each other are one in memory, so this is what a log takes at most. */
function sizeOf({ headers, path, payload }: ReceivedRequest): number {
  let bytes = entryBytes + path.length + payload.length;
  for (const name in headers) bytes += name.length + headers[name]!.length;
  return bytes;
}
