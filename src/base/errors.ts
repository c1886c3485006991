/**
 * The one error class that peal throws, and the plain record that carries it between threads.
 * An answer of APNs is a value and never an error (see apns/reason).
 */
import { inspect } from 'node:util';
import { inWords, libraryWords, type Words } from './wording.js';

/** Where an error comes from: who has to act on it. */
export type ErrorOrigin = 'usage' | 'credential' | 'input' | 'connect' | 'gateway' | 'protocol' | 'engine' | 'store';

/** Stable names of everything peal throws or reports as the cause of an outcome. */
export type PealErrorCode =
  | 'ERR_PEAL_OPTION' // an option or argument has a wrong value
  | 'ERR_PEAL_TOKEN' // a device token of impossible form or length
  | 'ERR_PEAL_HEADER' // a topic, collapse id, priority … that may not be sent
  | 'ERR_PEAL_PAYLOAD' // payload missing, not JSON, or too large
  | 'ERR_PEAL_ADDRESS' // an address that is neither a known name nor a URL
  | 'ERR_PEAL_CREDENTIAL' // key, certificate or passphrase that cannot be used
  | 'ERR_PEAL_INPUT' // a file that cannot be read or written
  | 'ERR_PEAL_RESOLVE' // the gateway's host name does not resolve
  | 'ERR_PEAL_CONNECT' // the gateway refuses or cannot be reached
  | 'ERR_PEAL_CONNECT_TIMEOUT' // TCP, TLS or the first SETTINGS took too long
  | 'ERR_PEAL_PROXY' // a proxy on the way refuses, or is not a proxy
  | 'ERR_PEAL_TLS' // certificate chain, host name, protocol version, client certificate
  | 'ERR_PEAL_ALPN' // the gateway does not speak h2
  | 'ERR_PEAL_CLOSED' // the connection ended
  | 'ERR_PEAL_GOAWAY' // the gateway asked to go elsewhere
  | 'ERR_PEAL_DISCARDED' // binary gateway: sent after a notification that it refused, so certainly not processed
  | 'ERR_PEAL_REFUSED' // RST_STREAM REFUSED_STREAM: certainly not processed
  | 'ERR_PEAL_RESET' // RST_STREAM with another code
  | 'ERR_PEAL_TIMEOUT' // no answer, or no answer to a PING, in time
  | 'ERR_PEAL_ANSWER' // a service answered, and did not carry the request out
  | 'ERR_PEAL_UNAVAILABLE' // every answer of the gateway is a 5xx, to be sent again later
  | 'ERR_PEAL_PROTOCOL' // the gateway broke RFC 9113
  | 'ERR_PEAL_COMPRESSION' // the gateway broke RFC 7541
  | 'ERR_PEAL_LIMIT' // the gateway went over one of our limits
  | 'ERR_PEAL_SHARD' // a worker thread ended
  | 'ERR_PEAL_STORE' // Redis or PostgreSQL cannot be reached or used, or its package is not installed
  | 'ERR_PEAL_STOPPED' // stopped early: every answer was the same refusal
  | 'ERR_PEAL_BOUND' // a campaign went over a bound that it was given
  | 'ERR_PEAL_HOURS' // recipients of a campaign are outside of their local hours
  | 'ERR_PEAL_FENCED' // a slice of a campaign was taken over by another worker
  | 'ERR_PEAL_ABORTED'; // the caller asked to stop

/** A PealError as plain data: what structured clone leaves intact. */
export interface ErrorRecord {
  readonly code: PealErrorCode;
  readonly message: string;
  readonly origin: ErrorOrigin;
  readonly retryable: boolean;
  /**
   * @internal The message with its marks (base/wording), if it has any: the command line renders them in its own words.
   */
  readonly marked?: string;
}

interface PealErrorOptions {
  readonly origin: ErrorOrigin;
  /** True where the same call may succeed later without a change. Default false. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * Every error that peal throws. `message` names the option or file, what was wrong and what to do, and never
 * holds a key, a provider token, a passphrase or a whole device token.
 */
export class PealError extends Error {
  override readonly name = 'PealError';
  readonly code: PealErrorCode;
  readonly origin: ErrorOrigin;
  readonly retryable: boolean;
  readonly #marked: string;

  /**
   * @param message may hold the marks of base/wording; the property `message` has them rendered in the words of the
   *   library
   */
  constructor(code: PealErrorCode, message: string, options: PealErrorOptions) {
    super(inWords(message, libraryWords), options.cause === undefined ? undefined : { cause: options.cause });
    this.#marked = message;
    this.code = code;
    this.origin = options.origin;
    this.retryable = options.retryable ?? false;
  }

  /** Plain data for another thread. The cause is left out, because causes may quote what was read. */
  toRecord(): ErrorRecord {
    const { code, message, origin, retryable } = this;
    return { code, message, origin, retryable, ...(this.#marked !== message && { marked: this.#marked }) };
  }

  static fromRecord(record: ErrorRecord): PealError {
    const { code, message, origin, retryable, marked } = record;
    return new PealError(code, marked ?? message, { origin, retryable });
  }

  /** @internal The message in other words than the library's: those of the command line. */
  inWords(words: Words): string {
    return inWords(this.#marked, words);
  }

  /** @internal The message with the marks of base/wording, for a sentence that quotes it. */
  get marked(): string {
    return this.#marked;
  }

  /** Returns the same error with one more sentence. */
  withSentence(sentence: string): PealError {
    const { code, origin, retryable, cause } = this;
    return new PealError(code, `${this.#marked} ${sentence}`, { origin, retryable, cause });
  }

  toJSON(): ErrorRecord {
    const { code, message, origin, retryable } = this;
    return { code, message, origin, retryable };
  }

  [inspect.custom](): string {
    return `PealError [${this.code}]: ${this.message}`;
  }
}
