/**
 * A gateway at the end of a long way, on virtual time, for tests that measure rates: it knows round-trip time, stream
 * limit and connection window, and nothing of what requests say. Connecting takes two round trips (TCP, TLS 1.3), the
 * first SETTINGS half a one more each way. The window is judged: more than it allows fails the test.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../../src/base/clock.js';
import { SETTINGS_MAX_CONCURRENT_STREAMS } from '../../src/codec/http2/frames.js';
import type { Backend, BackendStream, ByteStreamListener } from '../../src/transport/backend.js';
import { FrameCutter } from './frame-cutter.js';
import * as frames from './frames.js';

export interface FarGatewayOptions {
  readonly roundTripMs: number;
  /** Requests at a time on each connection. Default 1,000. */
  readonly streams?: number;
  /** The stream limit is 1 until the first answer, as with provider tokens. Default false. */
  readonly provesFirst?: boolean;
  /** The share of the connection window (65,535 bytes) that is used up when it is given back. Default 0: at once. */
  readonly givesBackAt?: number;
  /** Answers in a second of all connections together. Default: as many as are asked for. */
  readonly perSecond?: number;
}

const windowBytes = 65_535;

/** What a gateway allows on one connection, by the model of docs/library.md (`maxConnections`): answers in a second. */
export function modelRate(options: FarGatewayOptions, payloadBytes: number): number {
  const { roundTripMs, streams = 1_000, givesBackAt = 0 } = options;
  const bodies = Math.floor(windowBytes / payloadBytes);
  // Bodies whose window comes back together; those that make no whole lot wait for the next one at the gateway.
  const lot = Math.max(1, Math.ceil((windowBytes * givesBackAt) / payloadBytes));
  return (Math.min(streams, Math.floor(bodies / lot) * lot) * 1_000) / roundTripMs;
}

export class FarGateway {
  /** When each attempt to connect began. */
  readonly attemptsAtMs: number[] = [];
  readonly backend: Backend;
  readonly #queue: (() => void)[] = [];
  #isServing = false;
  #owed = 0;

  constructor(
    readonly clock: Clock,
    readonly options: FarGatewayOptions,
  ) {
    this.backend = {
      open: (_options, listener) => {
        this.attemptsAtMs.push(clock.now());
        return new FarStream(this, listener);
      },
    };
  }

  /** Answers now, or when the requests before it are answered. */
  serve(answer: () => void): void {
    if (this.options.perSecond === undefined) {
      answer();
      return;
    }
    this.#queue.push(answer);
    if (!this.#isServing) this.#tick();
    this.#isServing = true;
  }

  #tick(): void {
    this.clock.setTimer(() => {
      this.#owed += this.options.perSecond! / 1_000;
      const count = Math.min(Math.floor(this.#owed), this.#queue.length);
      this.#owed -= count;
      for (const answer of this.#queue.splice(0, count)) answer();
      this.#isServing = this.#queue.length > 0;
      if (this.#isServing) this.#tick();
      else this.#owed = 0;
    }, 1);
  }
}

/** One connection: the client's end, and behind it the gateway's. */
class FarStream implements BackendStream {
  readonly #gateway: FarGateway;
  readonly #listener: ByteStreamListener;
  readonly #cutter: FrameCutter;
  #isClosed = false;
  #isPaused = false;
  #arrived: Buffer[] = [];
  #output: Buffer[] = [];
  #isFlushDue = false;
  #used = 0;
  #isProven = false;

  constructor(gateway: FarGateway, listener: ByteStreamListener) {
    this.#gateway = gateway;
    this.#listener = listener;
    this.#cutter = new FrameCutter(
      (type, flags, id, _bytes, start, end) => this.#onFrame(type, flags, id, end - start),
      frames.preface.toString('latin1'),
    );
    gateway.clock.setTimer(() => {
      if (!this.#isClosed) listener.onOpen();
    }, 2 * gateway.options.roundTripMs);
    this.#isProven = gateway.options.provesFirst !== true;
  }

  get #streams(): number {
    return this.#gateway.options.streams ?? 1_000;
  }

  // --- the client's end ---

  write(bytes: Uint8Array, onWritten: () => void): void {
    const copy = bytes.slice();
    this.#later(() => assert.equal(this.#cutter.push(copy), null));
    this.#gateway.clock.defer(() => {
      if (!this.#isClosed) onWritten();
    });
  }

  pauseReading(): void {
    this.#isPaused = true;
  }

  resumeReading(): void {
    this.#isPaused = false;
    for (const bytes of this.#arrived.splice(0)) this.#deliver(bytes);
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#gateway.clock.defer(() => this.#listener.onClosed(null));
  }

  details(): Record<string, never> {
    return {};
  }

  #deliver(bytes: Buffer): void {
    if (this.#isClosed) return;
    if (this.#isPaused) this.#arrived.push(bytes);
    else this.#listener.onBytes(bytes, bytes.length);
  }

  // --- the gateway's end ---

  #onFrame(type: number, flags: number, streamId: number, payloadBytes: number): void {
    if (type === frames.SETTINGS && (flags & frames.ACK) === 0) {
      this.#allow(this.#isProven ? this.#streams : 1);
      this.#put(frames.settingsAck);
    }
    if (type !== frames.DATA) return;
    this.#used += payloadBytes;
    assert.ok(this.#used <= windowBytes, `${this.#used} bytes in a window of ${windowBytes}`);
    if (this.#used >= windowBytes * (this.#gateway.options.givesBackAt ?? 0)) {
      this.#put(frames.windowUpdate(0, this.#used));
      this.#used = 0;
    }
    if ((flags & frames.END_STREAM) !== 0) this.#gateway.serve(() => this.#answer(streamId));
  }

  #answer(streamId: number): void {
    this.#put(frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, streamId, [0x88]));
    if (this.#isProven) return;
    this.#isProven = true;
    this.#allow(this.#streams);
  }

  #allow(streams: number): void {
    this.#put(frames.settingsFrame([[SETTINGS_MAX_CONCURRENT_STREAMS, streams]]));
  }

  /** What is written within one turn goes out together. */
  #put(bytes: Buffer): void {
    this.#output.push(bytes);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#gateway.clock.defer(() => {
      this.#isFlushDue = false;
      const all = Buffer.concat(this.#output.splice(0));
      this.#later(() => this.#deliver(all));
    });
  }

  /** Half a round trip later. */
  #later(callback: () => void): void {
    this.#gateway.clock.setTimer(() => {
      if (!this.#isClosed) callback();
    }, this.#gateway.options.roundTripMs / 2);
  }
}
