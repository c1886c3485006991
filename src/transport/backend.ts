/**
 * The seam between connections and the network: a back-end opens byte streams. A connection drives one stream and hears
 * of every event through one listener, without an object or a closure for each read or write.
 *
 * Back-ends are pluggable: `tls`, `memory` and `proxy` are built in, others can be written outside peal
 * (docs/backends.md). Everything here is called on the thread of the connection, a shard's worker or the program's own.
 */
import type { SecureContextOptions } from 'node:tls';
import type { PealError } from '../base/errors.js';
import type { Address } from '../push/address.js';
import type { CertificateCredential } from '../push/credentials/credential.js';

/** What a stream tells its owner. Calls never nest: no call is made from within a call of the owner. */
export interface ByteStreamListener {
  /** Connected, secured, and the application protocol agreed on. Once, before any other call but onClosed. */
  onOpen(): void;
  /** `length` bytes at the start of `buffer`, valid only during this call: the buffer is read into again. */
  onBytes(buffer: Uint8Array, length: number): void;
  /** The stream is over: `null` when the peer ended it or we did, otherwise why. Once, the last call. */
  onClosed(error: PealError | null): void;
}

/** What either end of a connection can do with its stream. */
export interface ByteStream {
  /**
   * Writes `bytes`, which must stay untouched until `onWritten` is called (not called once the stream has closed).
   * One write at a time: the caller must not write again before `onWritten`.
   */
  write(bytes: Uint8Array, onWritten: () => void): void;
  /** Stops reading until `resumeReading`: what the peer sends gathers in the kernel. */
  pauseReading(): void;
  resumeReading(): void;
  /** Ends our side after what was written; the peer may still send. */
  end(): void;
  /** Drops the stream at once. onClosed follows, once, later in the same or next turn. */
  destroy(): void;
}

/** What can be said of an open stream in a log: plain data, and nothing secret. */
export type StreamDetails = Readonly<Record<string, string | number | boolean | null>>;

/**
 * A stream as a back-end opens it. Peal calls none of the optional members: the streams of the built-in back-ends
 * `tls`, `proxy` and `memory` have them for code that was ported from the Python library.
 */
export interface BackendStream extends ByteStream {
  /** What was agreed on with the peer (protocol, cipher …), once open; for logs. */
  details(): StreamDetails;
  /** True when nothing can be written any more: the stream failed, was destroyed or has ended. False while it opens. */
  readonly isClosed?: boolean;
  /** Whether the stream holds bytes that its listener has not been given. Bytes still in the kernel do not count. */
  readonly hasUnread?: boolean;
  /**
   * Makes the stream ready for its next use: reading goes on if it was paused. Returns false, and changes nothing, if
   * the stream is not open, was ended by either side, has a write outstanding, or holds unread bytes.
   */
  reset?(): boolean;
}

/**
 * A client certificate as a back-end holds it. Peal's own keeps the material in memory; a back-end of another kind may
 * leave the key where it is (a PKCS#11 token, say) and tell OpenSSL how to use it.
 */
export interface BackendCredential {
  /** SHA-256 over the certificate, hex. Equal for the same certificate: contexts and connections are shared by it. */
  readonly digest: string;
  /** What `tls.createSecureContext` needs to prove that the certificate is ours. Holds secrets: never to be logged. */
  load(): SecureContextOptions;
  /** The certificate and its chain as PEM, without the key; null for one in PKCS#12. Peal does not call it. */
  dump?(): string | null;
}

/** What a session's options say about each stream. */
export interface StreamTerms {
  /** PEM certificates that are trusted instead of the system's, or null. */
  readonly ca: string | null;
  /** Pins (`sha256/…`). If given, the chain must be trusted and contain at least one of these keys. */
  readonly pins?: readonly string[] | null;
  /** Longest time for DNS, TCP and TLS together, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs: number;
  /** What one read from a gateway brings at most, in bytes; one such buffer for each connection. Default 65,536. */
  readonly readBufferSize?: number;
}

export interface OpenOptions extends StreamTerms {
  readonly address: Address;
  /** The client certificate, or null. */
  readonly certificate: CertificateCredential | null;
  /** Application protocol that must be agreed on (`h2`), or null for none. */
  readonly alpnProtocol: string | null;
}

/** Opens byte streams; it alone knows the network. */
export interface Backend {
  /**
   * Whether its streams hold the gateway's chain against `pins`. Sessions with pins refuse a back-end
   * without it: their pins would not be checked.
   */
  readonly checksPins?: boolean;
  /** Begins to open a stream. Failure comes through `listener.onClosed`, never as a throw. */
  open(options: OpenOptions, listener: ByteStreamListener): BackendStream;
}

/** Makes back-ends: called once in each thread that sends, with the session's option `backendOptions`, or `{}`. */
export type BackendClass = new (options: never) => Backend;

/** A back-end by name, as it crosses threads: `specifier` and `options` are plain data. */
export interface BackendSpec {
  /** `tls`, `memory`, `proxy`, or the package name, path or URL of a module. */
  readonly specifier: string;
  readonly options: object | null;
}
