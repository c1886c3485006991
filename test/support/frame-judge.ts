/**
 * A strict reader of everything that our HTTP/2 client emits (RFC 9113), used by fuzz tests, simulations and tests
 * of single cases. It stands at the client's end of a connection and must be told both directions in the order in
 * which the client sees and makes them:
 *
 *     judge.onServerBytes(bytes, length);    right before connection.receive(bytes, length)
 *     judge.onClientBytes(view);             right after takeOutput() gave the view, before it is written
 *     judge.finish();                        once nothing more comes: what is still owed is a fault
 *     judge.faults                           empty when all was well
 *
 * At that place there are no races: what was received bounds what may follow, and SETTINGS bind from their
 * acknowledgement on, because the client puts it behind whatever was made under the old ones. Bytes may be cut
 * anywhere. The server's side is only followed, never judged: when it breaks the protocol the client's GOAWAY with an
 * error ends all its duties.
 */

import assert from 'node:assert/strict';
import * as frames from '../../src/codec/http2/frames.js';
import { readU31, readU32 } from '../../src/codec/octets.js';
import { FrameCutter } from './frame-cutter.js';
import { faultOfRequestHeaders, type HeaderList, headerListBytes } from './header-rules.js';
import { PeerDecoder } from './peer-decoder.js';

/** One stream of the client that is not closed. */
interface OpenStream {
  /** Send window beyond the peer's INITIAL_WINDOW_SIZE. */
  delta: number;
  hasClientEnded: boolean;
  hasServerEnded: boolean;
  bodyBytes: number;
  contentLength: number;
}

/** What binds the client, as far as it has acknowledged it. */
interface Bounds {
  maxStreams: number;
  initialWindowBytes: number;
  maxFrameBytes: number;
  maxHeaderListBytes: number;
}

const maxFaultsKept = 20;
/** A peer may offer 4 GiB of header table; the decoder here never makes more than this of it. */
const maxTableBytes = 65_536;

export class FrameJudge {
  /** What the client did wrong; the first twenty. */
  readonly faults: string[] = [];
  /** HEADERS of requests so far. */
  requests = 0;
  /** Bytes of DATA so far. */
  dataBytes = 0;
  /** Most streams that were open at once. */
  mostOpen = 0;
  /** The client has sent a GOAWAY with an error: nothing may follow. */
  hasGivenUp = false;
  /** Told of the header list of each request. */
  onRequest: ((streamId: number, list: HeaderList) => void) | null = null;
  readonly #fromClient: FrameCutter;
  /** Frames above the SETTINGS_MAX_FRAME_SIZE that the client has announced end it. */
  readonly #fromServer: FrameCutter;
  readonly #decoder: PeerDecoder;
  readonly #open = new Map<number, OpenStream>();
  /** Streams that the server has reset; true where it sent nothing else that a reset of ours could be for. */
  readonly #resetByServer = new Map<number, boolean>();
  /** Streams on which the server has sent something since the client's last output. */
  readonly #touched = new Set<number>();
  readonly #bounds: Bounds = {
    maxStreams: Number.POSITIVE_INFINITY,
    initialWindowBytes: frames.DEFAULT_WINDOW_BYTES,
    maxFrameBytes: frames.MIN_MAX_FRAME_BYTES,
    maxHeaderListBytes: Number.POSITIVE_INFINITY,
  };
  /** SETTINGS of the server that are not acknowledged, and PINGs. */
  readonly #settingsOwed: Uint8Array[] = [];
  readonly #pingsOwed: string[] = [];
  #sendWindow = frames.DEFAULT_WINDOW_BYTES;
  #receiveWindow = frames.DEFAULT_WINDOW_BYTES;
  #mostReceiveWindow = frames.DEFAULT_WINDOW_BYTES;
  #highestId = 0;
  #highestPromisedId = 0;
  #hasServerSettings = false;
  #hasClientSettings = false;
  #hasServerGoneAway = false;
  /** The smallest of the server's GOAWAYs. */
  #lastStreamId = Number.POSITIVE_INFINITY;
  #hasClientGoneAway = false;
  #block: { streamId: number; flags: number; parts: Uint8Array[] } | null = null;

  /** @param decoder Of the client's header blocks; a fresh one by default. */
  constructor(decoder: PeerDecoder = new PeerDecoder()) {
    this.#decoder = decoder;
    this.#fromClient = new FrameCutter((...each) => this.#onClientFrame(...each), frames.CONNECTION_PREFACE);
    this.#fromClient.maxFrameBytes = frames.MAX_MAX_FRAME_BYTES;
    this.#fromServer = new FrameCutter((...each) => this.#onServerFrame(...each));
  }

  /** Streams that are open to the client's knowledge. */
  get openStreams(): number {
    return this.#open.size;
  }

  onClientBytes(bytes: Uint8Array, length = bytes.length): void {
    const fault = this.#fromClient.push(bytes, length);
    if (fault !== null) this.#fault(fault);
    this.#touched.clear();
  }

  onServerBytes(bytes: Uint8Array, length = bytes.length): void {
    this.#fromServer.push(bytes, length);
  }

  /** Nothing more comes and all output was taken: looks for what is still owed. */
  finish(): void {
    if (!this.#fromClient.isAtBoundary) this.#fault('the output ends within a frame');
    if (this.#block !== null) this.#fault('the output ends within a field block');
    if (this.hasGivenUp || this.#fromServer.isBroken) return;
    if (this.#settingsOwed.length > 0) this.#fault(`${this.#settingsOwed.length} SETTINGS were not acknowledged`);
    if (this.#pingsOwed.length > 0) this.#fault(`${this.#pingsOwed.length} PINGs were not answered`);
    this.#findStalledBodies();
    if (this.#receiveWindow * 2 < this.#mostReceiveWindow - 2 * frames.MIN_MAX_FRAME_BYTES) {
      this.#fault(`of the connection window only ${this.#receiveWindow} bytes were given back`);
    }
  }

  /** A body that waits although both windows are open would wait for ever: no update comes before they are used. */
  #findStalledBodies(): void {
    for (const [streamId, { delta, hasClientEnded }] of this.#open) {
      const window = Math.min(this.#bounds.initialWindowBytes + delta, this.#sendWindow);
      if (hasClientEnded || streamId > this.#lastStreamId || window <= 0) continue;
      this.#fault(`the body of stream ${streamId} waits although the windows allow ${window} bytes`);
    }
  }

  /** @throws AssertionError with all faults, and `what` in front */
  assertClean(what = 'output of the client'): void {
    assert.deepEqual(this.faults, [], what);
  }

  // --- what the client sends ---

  #onClientFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.hasGivenUp) this.#fault(`a frame of type ${type} behind a GOAWAY with an error`);
    if (end - start > this.#bounds.maxFrameBytes) this.#fault(`a frame of ${end - start} bytes`);
    if (!this.#hasClientSettings && (type !== frames.SETTINGS || (flags & frames.FLAG_ACK) !== 0)) {
      this.#fault('the first frame is not SETTINGS');
    }
    this.#hasClientSettings = true;
    if (this.#block !== null && (type !== frames.CONTINUATION || streamId !== this.#block.streamId)) {
      this.#fault('another frame within a field block');
      this.#block = null;
    }
    const length = end - start;
    switch (type) {
      case frames.DATA:
        this.#onData(flags, streamId, length);
        break;
      case frames.HEADERS:
        this.#onHeaders(flags, streamId, bytes.slice(start, end));
        break;
      case frames.CONTINUATION:
        this.#onContinuation(flags, bytes.slice(start, end));
        break;
      case frames.RST_STREAM:
        this.#onReset(flags, streamId, length);
        break;
      case frames.SETTINGS:
        this.#onSettings(flags, streamId, bytes, start, end);
        break;
      case frames.PING:
        this.#onPing(flags, streamId, bytes, start, end);
        break;
      case frames.GOAWAY:
        this.#onGoaway(flags, streamId, bytes, start, length);
        break;
      case frames.WINDOW_UPDATE:
        this.#onWindowUpdate(flags, streamId, bytes, start, length);
        break;
      default:
        this.#fault(`a frame of type ${type}, which a client has no use for`);
    }
  }

  #onHeaders(flags: number, streamId: number, fragment: Uint8Array): void {
    if ((flags & ~(frames.FLAG_END_STREAM | frames.FLAG_END_HEADERS)) !== 0) this.#fault(`HEADERS with flags ${flags}`);
    if ((streamId & 1) === 0) this.#fault(`HEADERS on stream ${streamId}`);
    if (streamId <= this.#highestId) this.#fault(`stream ${streamId} behind stream ${this.#highestId}`);
    if (!this.#hasServerSettings) this.#fault('a request before the SETTINGS of the server');
    if (this.#hasServerGoneAway) this.#fault('a request although the server goes away');
    if (this.#hasClientGoneAway) this.#fault('a request behind a GOAWAY');
    if (this.#open.size >= this.#bounds.maxStreams) {
      this.#fault(`stream ${streamId} is one more than the ${this.#bounds.maxStreams} that are allowed`);
    }
    this.#highestId = Math.max(this.#highestId, streamId);
    this.#block = { streamId, flags, parts: [fragment] };
    if ((flags & frames.FLAG_END_HEADERS) !== 0) this.#endBlock();
  }

  #onContinuation(flags: number, fragment: Uint8Array): void {
    if (this.#block === null) {
      this.#fault('CONTINUATION without HEADERS');
      return;
    }
    this.#block.parts.push(fragment);
    if ((flags & frames.FLAG_END_HEADERS) !== 0) this.#endBlock();
  }

  #endBlock(): void {
    const { streamId, flags, parts } = this.#block!;
    this.#block = null;
    const stream = { delta: 0, hasClientEnded: false, hasServerEnded: false, bodyBytes: 0, contentLength: -1 };
    this.#open.set(streamId, stream);
    this.requests++;
    this.mostOpen = Math.max(this.mostOpen, this.#open.size);
    try {
      const list = this.#decoder.decode(parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts)));
      const fault = faultOfRequestHeaders(list);
      if (fault !== null) this.#fault(`a malformed request: ${fault}`);
      const listBytes = headerListBytes(list);
      this.onRequest?.(streamId, list);
      if (listBytes > this.#bounds.maxHeaderListBytes) {
        this.#fault(`a header list of ${listBytes} bytes, above ${this.#bounds.maxHeaderListBytes}`);
      }
      const length = list.find(([name]) => name === 'content-length');
      if (length !== undefined) stream.contentLength = Number(length[1]);
    } catch (error) {
      this.#fault(`a header block that cannot be decoded: ${(error as Error).message}`);
    }
    if ((flags & frames.FLAG_END_STREAM) !== 0) this.#endOfClient(streamId, stream);
  }

  #onData(flags: number, streamId: number, length: number): void {
    if ((flags & ~frames.FLAG_END_STREAM) !== 0) this.#fault(`DATA with flags ${flags}`);
    if (length > this.#sendWindow)
      this.#fault(`DATA of ${length} bytes where the connection allows ${this.#sendWindow}`);
    this.#sendWindow -= length;
    this.dataBytes += length;
    const stream = this.#open.get(streamId);
    if (stream === undefined) {
      // What was on its way when the server's RST_STREAM came is no fault (§5.1).
      if (!this.#resetByServer.has(streamId)) this.#fault(`DATA on stream ${streamId}, which is not open`);
      return;
    }
    if (stream.hasClientEnded) this.#fault(`DATA on stream ${streamId} behind its END_STREAM`);
    const window = this.#bounds.initialWindowBytes + stream.delta;
    if (length > 0 && length > window) this.#fault(`DATA of ${length} bytes where stream ${streamId} allows ${window}`);
    stream.delta -= length;
    stream.bodyBytes += length;
    if ((flags & frames.FLAG_END_STREAM) !== 0) this.#endOfClient(streamId, stream);
  }

  #endOfClient(streamId: number, stream: OpenStream): void {
    stream.hasClientEnded = true;
    if (stream.contentLength >= 0 && stream.contentLength !== stream.bodyBytes) {
      this.#fault(`content-length ${stream.contentLength} and ${stream.bodyBytes} bytes of body on stream ${streamId}`);
    }
    if (stream.hasServerEnded) this.#open.delete(streamId);
  }

  #onReset(flags: number, streamId: number, length: number): void {
    if (flags !== 0 || length !== 4) this.#fault('a malformed RST_STREAM');
    const isKnown = (streamId & 1) === 1 ? streamId <= this.#highestId : streamId <= this.#highestPromisedId;
    if (streamId === 0 || !isKnown) this.#fault(`RST_STREAM on the idle stream ${streamId}`);
    if (this.#resetByServer.get(streamId)) this.#fault(`RST_STREAM in answer to RST_STREAM on stream ${streamId}`);
    this.#open.delete(streamId);
  }

  #onSettings(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) this.#fault('SETTINGS on a stream');
    if ((flags & ~frames.FLAG_ACK) !== 0 || (end - start) % frames.SETTINGS_ENTRY_BYTES !== 0) {
      this.#fault('malformed SETTINGS');
    }
    if ((flags & frames.FLAG_ACK) === 0) {
      this.#onOwnSettings(bytes, start, end);
      return;
    }
    if (end !== start) this.#fault('a SETTINGS acknowledgement with a payload');
    const acknowledged = this.#settingsOwed.shift();
    if (acknowledged === undefined) this.#fault('an acknowledgement of SETTINGS that never came');
    else this.#bind(acknowledged);
  }

  #onOwnSettings(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at + frames.SETTINGS_ENTRY_BYTES <= end; at += frames.SETTINGS_ENTRY_BYTES) {
      const identifier = (bytes[at]! << 8) | bytes[at + 1]!;
      const value = readU32(bytes, at + 2);
      if (identifier === frames.SETTINGS_ENABLE_PUSH && value !== 0) this.#fault(`ENABLE_PUSH ${value}`);
      if (identifier === frames.SETTINGS_INITIAL_WINDOW_SIZE && value > frames.MAX_WINDOW_BYTES) {
        this.#fault(`INITIAL_WINDOW_SIZE ${value}`);
      }
      if (identifier === frames.SETTINGS_MAX_FRAME_SIZE) {
        if (value < frames.MIN_MAX_FRAME_BYTES || value > frames.MAX_MAX_FRAME_BYTES)
          this.#fault(`MAX_FRAME_SIZE ${value}`);
        this.#fromServer.maxFrameBytes = value;
      }
    }
  }

  #onPing(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0 || end - start !== 8 || (flags & ~frames.FLAG_ACK) !== 0) this.#fault('a malformed PING');
    if ((flags & frames.FLAG_ACK) === 0) return;
    const owed = this.#pingsOwed.shift();
    if (owed !== opaqueText(bytes, start)) this.#fault('a PING acknowledgement that answers no PING');
  }

  #onGoaway(flags: number, streamId: number, bytes: Uint8Array, start: number, length: number): void {
    if (flags !== 0 || streamId !== 0 || length < 8) {
      this.#fault('a malformed GOAWAY');
      return;
    }
    if (readU31(bytes, start) > this.#highestPromisedId) this.#fault('a GOAWAY that names a stream of ours');
    this.#hasClientGoneAway = true;
    this.hasGivenUp = readU32(bytes, start + 4) !== frames.NO_ERROR;
  }

  #onWindowUpdate(flags: number, streamId: number, bytes: Uint8Array, start: number, length: number): void {
    if (flags !== 0 || length !== 4) {
      this.#fault('a malformed WINDOW_UPDATE');
      return;
    }
    const increment = readU31(bytes, start);
    if (increment === 0) this.#fault('a WINDOW_UPDATE by 0');
    if (streamId === 0) {
      this.#receiveWindow += increment;
      this.#mostReceiveWindow = Math.max(this.#mostReceiveWindow, this.#receiveWindow);
      if (this.#receiveWindow > frames.MAX_WINDOW_BYTES) this.#fault('a connection window above 2^31-1');
    } else if (streamId > this.#highestId) {
      this.#fault(`WINDOW_UPDATE on the idle stream ${streamId}`);
    }
  }

  // --- what the server sends ---

  #onServerFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (type === frames.DATA) this.#receiveWindow -= length;
    if (type === frames.RST_STREAM) {
      if (length === 4 && this.#open.delete(streamId)) {
        this.#resetByServer.set(streamId, !this.#touched.has(streamId));
      }
      return;
    }
    if (streamId !== 0) {
      this.#touched.add(streamId);
      if (this.#resetByServer.has(streamId)) this.#resetByServer.set(streamId, false);
    }
    if (type === frames.SETTINGS && streamId === 0 && (flags & frames.FLAG_ACK) === 0) {
      this.#hasServerSettings = true;
      this.#settingsOwed.push(bytes.slice(start, end));
    } else if (type === frames.PING && length === 8 && (flags & frames.FLAG_ACK) === 0) {
      this.#pingsOwed.push(opaqueText(bytes, start));
    } else if (type === frames.GOAWAY && length >= 8) {
      this.#hasServerGoneAway = true;
      this.#lastStreamId = Math.min(this.#lastStreamId, readU31(bytes, start));
    } else if (type === frames.WINDOW_UPDATE && length === 4) {
      this.#openWindow(streamId, readU31(bytes, start));
    } else if (type === frames.PUSH_PROMISE && length >= 4) {
      const at = (flags & frames.FLAG_PADDED) !== 0 ? start + 1 : start;
      if (at + 4 <= end) this.#highestPromisedId = Math.max(this.#highestPromisedId, readU31(bytes, at));
    } else if (type === frames.HEADERS || type === frames.DATA) {
      if ((flags & frames.FLAG_END_STREAM) !== 0) this.#endOfServer(streamId);
    }
  }

  #endOfServer(streamId: number): void {
    const stream = this.#open.get(streamId);
    if (stream === undefined) return;
    stream.hasServerEnded = true;
    if (stream.hasClientEnded) this.#open.delete(streamId);
  }

  #openWindow(streamId: number, increment: number): void {
    if (streamId === 0) this.#sendWindow += increment;
    else {
      const stream = this.#open.get(streamId);
      if (stream !== undefined) stream.delta += increment;
    }
  }

  /** The client has acknowledged these SETTINGS: they bind what it sends from here on. */
  #bind(payload: Uint8Array): void {
    for (let at = 0; at + frames.SETTINGS_ENTRY_BYTES <= payload.length; at += frames.SETTINGS_ENTRY_BYTES) {
      const value = readU32(payload, at + 2);
      switch ((payload[at]! << 8) | payload[at + 1]!) {
        case frames.SETTINGS_HEADER_TABLE_SIZE:
          this.#decoder.announced(Math.min(value, maxTableBytes));
          break;
        case frames.SETTINGS_MAX_CONCURRENT_STREAMS:
          this.#bounds.maxStreams = value;
          break;
        case frames.SETTINGS_INITIAL_WINDOW_SIZE:
          this.#bounds.initialWindowBytes = value;
          break;
        case frames.SETTINGS_MAX_FRAME_SIZE:
          this.#bounds.maxFrameBytes = value;
          break;
        case frames.SETTINGS_MAX_HEADER_LIST_SIZE:
          this.#bounds.maxHeaderListBytes = value;
          break;
      }
    }
  }

  #fault(what: string): void {
    if (this.faults.length < maxFaultsKept) this.faults.push(what);
  }
}

function opaqueText(bytes: Uint8Array, start: number): string {
  return `${readU32(bytes, start)} ${readU32(bytes, start + 4)}`;
}
