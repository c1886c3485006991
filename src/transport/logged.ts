/**
 * A byte stream that logs what it does: when it is secured, and with what; each write and read. Put between a
 * connection and its back-end only if the logger wants it, so that it costs nothing otherwise. Made by pools and
 * feedback readers, on the connection's thread.
 *
 * Sizes only, never bytes: what goes through a stream holds device tokens and provider tokens.
 */
import type { PealError } from '../base/errors.js';
import { type Logger, wants } from '../base/log.js';
import type { Backend, BackendStream, ByteStreamListener, OpenOptions, StreamDetails } from './backend.js';

/** Returns `backend`, with its streams logged as far as `log` wants. `fields` name the connection in every line. */
export function withLog(backend: Backend, log: Logger, fields: object): Backend {
  if (!wants(log, 'debug')) return backend;
  return {
    open(options: OpenOptions, listener: ByteStreamListener): BackendStream {
      const logged = new LoggedStream(log, fields, listener);
      const stream = backend.open(options, logged);
      logged.attach(stream);
      return wants(log, 'trace') ? logged : stream;
    },
  };
}

class LoggedStream implements BackendStream, ByteStreamListener {
  readonly #log: Logger;
  readonly #fields: object;
  readonly #listener: ByteStreamListener;
  readonly #isTracing: boolean;
  #stream!: BackendStream;

  constructor(log: Logger, fields: object, listener: ByteStreamListener) {
    this.#log = log;
    this.#fields = fields;
    this.#listener = listener;
    this.#isTracing = wants(log, 'trace');
  }

  /** A back-end tells its listener nothing from within `open`, so this comes before everything else. */
  attach(stream: BackendStream): void {
    this.#stream = stream;
  }

  // --- what the back-end tells ---

  onOpen(): void {
    this.#log.debug({ ...this.#fields, ...this.#stream.details() }, 'stream open');
    this.#listener.onOpen();
  }

  onBytes(buffer: Uint8Array, length: number): void {
    if (this.#isTracing) this.#log.trace({ ...this.#fields, bytes: length }, 'read');
    this.#listener.onBytes(buffer, length);
  }

  onClosed(error: PealError | null): void {
    this.#log.debug({ ...this.#fields, code: error?.code ?? null }, 'stream closed');
    this.#listener.onClosed(error);
  }

  // --- what the connection does ---

  write(bytes: Uint8Array, onWritten: () => void): void {
    this.#log.trace({ ...this.#fields, bytes: bytes.length }, 'write');
    this.#stream.write(bytes, onWritten);
  }

  pauseReading(): void {
    this.#stream.pauseReading();
  }

  resumeReading(): void {
    this.#stream.resumeReading();
  }

  end(): void {
    this.#log.trace(this.#fields, 'end');
    this.#stream.end();
  }

  destroy(): void {
    this.#log.trace(this.#fields, 'destroy');
    this.#stream.destroy();
  }

  details(): StreamDetails {
    return this.#stream.details();
  }
}
