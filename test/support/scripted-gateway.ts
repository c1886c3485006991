/**
 * A gateway for tests, over memory streams: reads frames, hands each complete request to the test's script, and sends
 * the frames that the test asks for. Strict where it matters (stream limit, order of ids) and otherwise simple.
 */
import assert from 'node:assert/strict';
import type { PealError } from '../../src/base/errors.js';
import { HpackDecoder } from '../../src/codec/hpack/decoder.js';
import * as frames from '../../src/codec/http2/frames.js';
import type { ByteStream, ByteStreamListener, OpenOptions } from '../../src/transport/backend.js';
import { indexOfPath } from './book-source.js';
import { frame, goaway, rstStream, settingsAck, settingsFrame, windowUpdate } from './frames.js';
import type { OpenGateway } from './gateways.js';

export interface GatewayScript {
  /** SETTINGS entries sent at once; null: none, and no acknowledgement. Default: 1,000 streams. */
  readonly settings?: readonly (readonly [id: number, value: number])[] | null;
  /** A request is complete. Default: 200. */
  readonly onRequest?: (gateway: ScriptedGateway, streamId: number, index: number) => void;
  /** The client's preface came. */
  readonly onConnect?: (gateway: ScriptedGateway) => void;
  /** Whether the connection window is given back at once. Default true. */
  readonly opensWindow?: boolean;
  /** Whether PINGs are answered. Default true. */
  readonly answersPings?: boolean;
  /** Whether the client's SETTINGS are acknowledged. Default true. */
  readonly acknowledges?: boolean;
}

/** SETTINGS that allow `count` streams at a time. */
export const streams = (count: number) => [[frames.SETTINGS_MAX_CONCURRENT_STREAMS, count]] as const;

/** One connection at the gateway's end. */
export class ScriptedGateway implements ByteStreamListener {
  /** Recipients in the order of their requests. */
  readonly requests: number[] = [];
  readonly headers = new Map<number, Map<string, string>>();
  readonly streamOf = new Map<number, number>();
  /** Bodies by stream, as text. */
  readonly bodies = new Map<number, string>();
  pings = 0;
  goawayFromClient: { lastStreamId: number; errorCode: number } | null = null;
  closed: PealError | null | undefined = undefined;
  settingsAcks = 0;
  readonly #script: GatewayScript;
  readonly #decoder = new HpackDecoder();
  readonly #openStreams = new Set<number>();
  #lastStreamId = 0;
  #input = Buffer.alloc(0);
  #hasPreface = false;
  #output: Buffer[] = [];
  #isWriting = false;
  #wantsEnd = false;

  constructor(
    readonly stream: ByteStream,
    readonly openOptions: OpenOptions,
    script: GatewayScript,
  ) {
    this.#script = script;
  }

  get openStreams(): number {
    return this.#openStreams.size;
  }

  // --- what tests ask for ---

  accept(streamId: number): void {
    this.#openStreams.delete(streamId);
    this.send(frames.HEADERS, frames.FLAG_END_HEADERS | frames.FLAG_END_STREAM, streamId, [0x88]);
  }

  /** `retryAfter`: the field of that name. */
  reject(streamId: number, status: number, body: string, retryAfter: string | null = null): void {
    this.#openStreams.delete(streamId);
    // :status, literal without indexing, name index 8, three octets; retry-after, likewise, name index 53.
    const fields = [0x08, 3, ...Buffer.from(String(status))];
    if (retryAfter !== null) fields.push(0x0f, 53 - 15, retryAfter.length, ...Buffer.from(retryAfter));
    this.send(frames.HEADERS, frames.FLAG_END_HEADERS, streamId, fields);
    this.send(frames.DATA, frames.FLAG_END_STREAM, streamId, Buffer.from(body));
  }

  reset(streamId: number, errorCode: number): void {
    this.#openStreams.delete(streamId);
    this.#put(rstStream(streamId, errorCode));
  }

  goaway(lastStreamId: number, errorCode = 0, debug = ''): void {
    this.#put(goaway(lastStreamId, errorCode, debug));
  }

  settings(entries: readonly (readonly [id: number, value: number])[]): void {
    this.#put(settingsFrame(entries));
  }

  windowUpdate(streamId: number, bytes: number): void {
    this.#put(windowUpdate(streamId, bytes));
  }

  send(type: number, flags: number, streamId: number, payload: Uint8Array | number[]): void {
    this.#put(frame(type, flags, streamId, payload));
  }

  end(): void {
    this.#wantsEnd = true;
    this.#flush();
  }

  // --- the stream ---

  onOpen(): void {}

  onBytes(buffer: Uint8Array, length: number): void {
    this.#input = Buffer.concat([this.#input, buffer.subarray(0, length)]);
    if (!this.#hasPreface) this.#readPreface();
    while (this.#hasPreface && this.#input.length >= frames.FRAME_HEADER_BYTES) {
      const frameBytes = frames.FRAME_HEADER_BYTES + this.#input.readUIntBE(0, 3);
      if (this.#input.length < frameBytes) break;
      const frame = this.#input.subarray(0, frameBytes);
      this.#input = this.#input.subarray(frameBytes);
      this.#onFrame(frame[3]!, frame[4]!, frame.readUInt32BE(5), frame.subarray(frames.FRAME_HEADER_BYTES));
    }
  }

  onClosed(error: PealError | null): void {
    this.closed = error;
  }

  #readPreface(): void {
    const { CONNECTION_PREFACE: preface } = frames;
    if (this.#input.length < preface.length) return;
    assert.equal(this.#input.subarray(0, preface.length).toString('latin1'), preface);
    this.#input = this.#input.subarray(preface.length);
    this.#hasPreface = true;
    const settings = this.#script.settings ?? [[frames.SETTINGS_MAX_CONCURRENT_STREAMS, 1000]];
    if (this.#script.settings !== null) this.settings(settings);
    this.#script.onConnect?.(this);
  }

  #onFrame(type: number, flags: number, streamId: number, payload: Buffer): void {
    switch (type) {
      case frames.HEADERS:
        this.#onHeaders(flags, streamId, payload);
        break;
      case frames.DATA:
        this.bodies.set(streamId, (this.bodies.get(streamId) ?? '') + payload.toString());
        if (payload.length > 0 && (this.#script.opensWindow ?? true)) this.windowUpdate(0, payload.length);
        if ((flags & frames.FLAG_END_STREAM) !== 0) this.#onComplete(streamId);
        break;
      case frames.SETTINGS:
        if ((flags & frames.FLAG_ACK) !== 0) this.settingsAcks++;
        else if (this.#script.settings !== null && (this.#script.acknowledges ?? true)) this.#put(settingsAck);
        break;
      case frames.PING:
        this.pings++;
        if (this.#script.answersPings ?? true) this.send(frames.PING, frames.FLAG_ACK, 0, payload);
        break;
      case frames.GOAWAY:
        this.goawayFromClient = { lastStreamId: payload.readUInt32BE(0), errorCode: payload.readUInt32BE(4) };
        break;
    }
  }

  #onHeaders(flags: number, streamId: number, payload: Buffer): void {
    assert.ok((flags & frames.FLAG_END_HEADERS) !== 0);
    assert.ok(streamId % 2 === 1 && streamId > this.#lastStreamId, `stream ${streamId} after ${this.#lastStreamId}`);
    this.#lastStreamId = streamId;
    const fields = new Map(this.#decoder.decode(payload));
    this.headers.set(streamId, fields);
    this.#openStreams.add(streamId);
    if ((flags & frames.FLAG_END_STREAM) !== 0) this.#onComplete(streamId);
  }

  #onComplete(streamId: number): void {
    const index = indexOfPath(this.headers.get(streamId)!.get(':path')!);
    this.requests.push(index);
    this.streamOf.set(index, streamId);
    if (this.#script.onRequest === undefined) this.accept(streamId);
    else this.#script.onRequest(this, streamId, index);
  }

  #put(bytes: Buffer): void {
    this.#output.push(bytes);
    this.#flush();
  }

  #flush(): void {
    if (this.#isWriting) return;
    if (this.#output.length === 0) {
      if (this.#wantsEnd) this.stream.end();
      return;
    }
    const bytes = Buffer.concat(this.#output);
    this.#output = [];
    this.#isWriting = true;
    this.stream.write(bytes, () => {
      this.#isWriting = false;
      this.#flush();
    });
  }
}

/** For `new Gateways(…)`. */
export const openScriptedGateway: OpenGateway<ScriptedGateway, GatewayScript> = (stream, options, script) =>
  new ScriptedGateway(stream, options, script);
