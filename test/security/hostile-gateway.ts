/**
 * A gateway that means harm, over a memory stream: reads just enough of what a client sends to know when a request is
 * complete, and writes whatever the test wants, as fast as the client reads. Used by the tests of this folder.
 */

import { systemClock } from '../../src/base/clock.js';
import type { Backend, ByteStream, ByteStreamListener } from '../../src/transport/backend.js';
import { createMemoryBackend } from '../../src/transport/memory.js';
import {
  ACK,
  DATA,
  END_HEADERS,
  END_STREAM,
  FrameSplitter,
  frame,
  GOAWAY,
  HEADERS,
  type RawFrame,
  SETTINGS,
  settingsAck,
  settingsFrame,
} from '../support/frames.js';

/** What one does about requests and frames; all optional. */
export interface Hostility {
  /** A request is complete. */
  onRequest?(gateway: HostileGateway, streamId: number): void;
  /** Stops reading once a request came: acknowledgements gather on the client's side. */
  readonly isDeaf?: boolean;
}

export class HostileGateway implements ByteStreamListener {
  /** Frames that the client sent, by type. */
  readonly received = new Map<number, number>();
  /** Error code of the client's GOAWAY; null before one. */
  goawayCode: number | null = null;
  isClosed = false;
  /** Bytes that were written. */
  written = 0;
  readonly #stream: ByteStream;
  readonly #hostility: Hostility;
  readonly #splitter = new FrameSplitter('client');
  #queue: Uint8Array[] = [];
  #isWriting = false;
  #flood: (() => Uint8Array | null) | null = null;

  constructor(stream: ByteStream, hostility: Hostility) {
    this.#stream = stream;
    this.#hostility = hostility;
  }

  /** Frames, or any bytes. */
  write(...bytes: readonly Uint8Array[]): void {
    this.#queue.push(...bytes);
    this.#flush();
  }

  /** Writes what `next` gives again and again, each once the client has taken the last, until null or the end. */
  flood(next: () => Uint8Array | null): void {
    this.#flood = next;
    this.#flush();
  }

  /** 200, on one frame. */
  accept(streamId: number): void {
    this.write(frame(HEADERS, END_HEADERS | END_STREAM, streamId, Uint8Array.of(0x88)));
  }

  destroy(): void {
    this.#stream.destroy();
  }

  onOpen(): void {
    this.write(settingsFrame([[3, 100]]));
  }

  onBytes(buffer: Uint8Array, length: number): void {
    for (const one of this.#splitter.push(buffer.subarray(0, length))) this.#onFrame(one);
  }

  onClosed(): void {
    this.isClosed = true;
    this.#flood = null;
  }

  #onFrame({ type, flags, streamId, payload }: RawFrame): void {
    this.received.set(type, (this.received.get(type) ?? 0) + 1);
    if (type === GOAWAY) this.goawayCode = payload.readUInt32BE(4);
    if (type === SETTINGS && (flags & ACK) === 0) this.write(settingsAck);
    const isComplete = (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0;
    if (isComplete && this.#hostility.isDeaf === true) this.#stream.pauseReading();
    if (isComplete) this.#hostility.onRequest?.(this, streamId);
  }

  #flush(): void {
    if (this.#isWriting || this.isClosed) return;
    const bytes = this.#queue.length > 0 ? Buffer.concat(this.#queue) : (this.#flood?.() ?? null);
    this.#queue = [];
    if (bytes === null || bytes.length === 0) return;
    this.#isWriting = true;
    this.written += bytes.length;
    this.#stream.write(bytes, () => {
      this.#isWriting = false;
      this.#flush();
    });
  }
}

/** A back-end whose connections lead to hostile gateways, each added to `gateways`. */
export function hostileBackend(hostility: Hostility, gateways: HostileGateway[] = []): Backend {
  return createMemoryBackend(
    (stream) => {
      const gateway = new HostileGateway(stream, hostility);
      gateways.push(gateway);
      return gateway;
    },
    { clock: systemClock, bufferBytes: 64 * 1024 },
  );
}

/** The same bytes `times` times. */
export function repeated(bytes: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}
