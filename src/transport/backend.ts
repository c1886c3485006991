/**
 * The seam between connections and the world: a back-end opens byte streams. A connection drives one stream and is
 * told of everything through one listener, without an object or a closure for each read or write.
 */
import type { Address } from '../apns/address.js';
import type { CertificateCredential } from '../apns/credential.js';
import type { PealError } from '../base/errors.js';

/** What a stream tells its owner. Calls never nest: none is made from within a call that the owner makes. */
export interface ByteStreamListener {
  /** Connected, secured, and the application protocol agreed on. Once, before any other call but onClosed. */
  onOpen(): void;
  /** `length` bytes at the start of `buffer`, valid only during this call: the buffer is read into again. */
  onBytes(buffer: Uint8Array, length: number): void;
  /** The stream is over: `null` when the peer ended it or we did, otherwise why. Once, the last call. */
  onClosed(error: PealError | null): void;
}

export interface ByteStream {
  /**
   * Writes `bytes`, which must stay untouched until `onWritten` is called (not called once the stream has closed).
   * One write at a time: a second before `onWritten` is a fault of the caller.
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

export interface OpenOptions {
  readonly address: Address;
  /** The client certificate, or null. */
  readonly certificate: CertificateCredential | null;
  /** PEM certificates that are trusted instead of the system's, or null. */
  readonly ca: string | null;
  /** Application protocol that must be agreed on (`h2`), or null for none. */
  readonly alpnProtocol: string | null;
  readonly connectTimeoutMs: number;
}

/** Opens byte streams; everything else about the network is its own business. */
export interface Backend {
  /** Begins to open a stream. Failure comes through `listener.onClosed`, never as a throw. */
  open(options: OpenOptions, listener: ByteStreamListener): ByteStream;
}
