/** Collects what a stream tells its listener, and lets a test wait for it. */
import type { PealError } from '../../src/base/errors.js';
import type { ByteStreamListener } from '../../src/transport/backend.js';

export class StreamRecorder implements ByteStreamListener {
  readonly events: string[] = [];
  received = Buffer.alloc(0);
  readonly opened: Promise<void>;
  readonly closed: Promise<PealError | null>;
  #open!: () => void;
  #close!: (error: PealError | null) => void;
  #onBytes: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  onOpen(): void {
    this.events.push('open');
    this.#open();
  }

  onBytes(buffer: Uint8Array, length: number): void {
    this.received = Buffer.concat([this.received, buffer.subarray(0, length)]);
    this.#onBytes();
  }

  onClosed(error: PealError | null): void {
    this.events.push('closed');
    this.#close(error);
  }

  /** Resolves once so many bytes have come. */
  async until(bytes: number): Promise<void> {
    if (this.received.length >= bytes) return;
    await new Promise<void>((resolve) => {
      this.#onBytes = () => {
        if (this.received.length >= bytes) resolve();
      };
    });
  }
}
