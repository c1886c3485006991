/**
 * What each frame of the peer does (RFC 9113 §5 and §6): checks it, and passes it to the part of the connection that
 * keeps the state. Throws ConnectionFault where the connection has to end. Called by frame-reader; owned by one
 * connection, on its thread.
 */

import { maxGoawayDebugBytes, maxSettingsEntries } from '../../base/limits.js';
import type { HpackEncoder } from '../hpack/encoder.js';
import { readU16, readU31, readU32 } from '../octets.js';
import { limitFault, protocolFault } from './connection-fault.js';
import { type ControlFrames, pingNumber } from './control-frames.js';
import { FieldBlock } from './field-block.js';
import type { SendWindow } from './flow-control.js';
import type { FrameSink } from './frame-reader.js';
import {
  CONTINUATION,
  DATA,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HEADERS,
  MAX_WINDOW_BYTES,
  PING,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  SETTINGS_ENTRY_BYTES,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_INITIAL_WINDOW_SIZE,
  WINDOW_UPDATE,
} from './frames.js';
import type { Goaways } from './goaways.js';
import type { PeerSettings } from './settings.js';
import { brokenStreamCause, flowControlCause, refusedCause, resetCause } from './stream-causes.js';
import type { StreamEndings } from './stream-endings.js';
import type { StreamInput } from './stream-input.js';
import { AWAITING, ENDED, type StreamTable } from './stream-table.js';

interface PeerFramesParts {
  readonly streams: StreamTable;
  readonly settings: PeerSettings;
  readonly window: SendWindow;
  readonly encoder: HpackEncoder;
  readonly control: ControlFrames;
  readonly endings: StreamEndings;
  readonly goaways: Goaways;
  readonly input: StreamInput;
}

const plainAnswer = FLAG_END_HEADERS | FLAG_END_STREAM;
const priorityBytes = 5;

export class PeerFrames implements FrameSink {
  /** Whether the peer's first SETTINGS have come. */
  isReady = false;
  /** SETTINGS frames of ours that the peer has not acknowledged. */
  unackedSettings = 0;
  /** The number of our PING that was acknowledged last; 0 before the first. */
  lastPingAcked = 0;
  readonly #streams: StreamTable;
  readonly #settings: PeerSettings;
  readonly #window: SendWindow;
  readonly #encoder: HpackEncoder;
  readonly #control: ControlFrames;
  readonly #endings: StreamEndings;
  readonly #goaways: Goaways;
  readonly #input: StreamInput;
  readonly #block = new FieldBlock();

  constructor(parts: PeerFramesParts) {
    this.#streams = parts.streams;
    this.#settings = parts.settings;
    this.#window = parts.window;
    this.#encoder = parts.encoder;
    this.#control = parts.control;
    this.#endings = parts.endings;
    this.#goaways = parts.goaways;
    this.#input = parts.input;
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#block.streamId !== 0) {
      this.#onContinuation(type, flags, streamId, bytes, start, end);
    } else if (type === HEADERS && flags === plainAnswer && streamId !== 0) {
      this.#input.readHeaders(streamId, true, bytes, start, end);
    } else {
      this.#dispatch(type, flags, streamId, bytes, start, end);
    }
  }

  #dispatch(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    switch (type) {
      case DATA:
        this.#onData(flags, streamId, bytes, start, end);
        break;
      case HEADERS:
        this.#onHeaders(flags, streamId, bytes, start, end);
        break;
      case PRIORITY:
        this.#onPriority(streamId, end - start);
        break;
      case RST_STREAM:
        this.#onRstStream(streamId, bytes, start, end);
        break;
      case SETTINGS:
        this.#onSettings(flags, streamId, bytes, start, end);
        break;
      case PUSH_PROMISE:
        this.#onPushPromise(flags, streamId, bytes, start, end);
        break;
      case PING:
        this.#onPing(flags, streamId, bytes, start, end);
        break;
      case GOAWAY:
        this.#onGoaway(streamId, bytes, start, end);
        break;
      case WINDOW_UPDATE:
        this.#onWindowUpdate(streamId, bytes, start, end);
        break;
      case CONTINUATION:
        throw protocolFault('CONTINUATION without an open field block');
      // Unknown frame types are discarded (§4.1, §5.5).
    }
  }

  #onData(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId === 0) throw protocolFault('DATA on stream 0');
    const isPadded = (flags & FLAG_PADDED) !== 0;
    const from = isPadded ? start + 1 : start;
    const to = isPadded ? end - padding(bytes, start, from, end) : end;
    this.#input.readData(streamId, (flags & FLAG_END_STREAM) !== 0, bytes, from, to, end - start);
  }

  #onHeaders(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId === 0) throw protocolFault('HEADERS on stream 0');
    const isPadded = (flags & FLAG_PADDED) !== 0;
    const from = start + (isPadded ? 1 : 0) + ((flags & FLAG_PRIORITY) !== 0 ? priorityBytes : 0);
    if (from > end) throw protocolFault('HEADERS too short for its flags', FRAME_SIZE_ERROR);
    const to = isPadded ? end - padding(bytes, start, from, end) : end;
    const endsStream = (flags & FLAG_END_STREAM) !== 0;
    if ((flags & FLAG_END_HEADERS) !== 0) {
      this.#input.readHeaders(streamId, endsStream, bytes, from, to);
    } else {
      this.#block.begin(streamId, endsStream, 0);
      this.#block.add(bytes, from, to);
    }
  }

  #onContinuation(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const block = this.#block;
    if (type !== CONTINUATION || streamId !== block.streamId) {
      throw protocolFault('another frame within a field block');
    }
    block.countContinuation();
    block.add(bytes, start, end);
    if ((flags & FLAG_END_HEADERS) === 0) return;
    block.finish();
    if (block.promisedId !== 0) this.#refusePush(block.promisedId, block.bytes, 0, block.length);
    else this.#input.readHeaders(streamId, block.endsStream, block.bytes, 0, block.length);
  }

  /** Pushes are switched off. One may still come until the peer has acknowledged that (§6.6, §8.4). */
  #onPushPromise(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.unackedSettings === 0) throw protocolFault('PUSH_PROMISE although pushes are switched off');
    if (!this.#streams.wasOpened(streamId)) throw protocolFault('PUSH_PROMISE on a stream that is not open');
    const isPadded = (flags & FLAG_PADDED) !== 0;
    const idAt = isPadded ? start + 1 : start;
    const from = idAt + 4;
    if (from > end) throw protocolFault('PUSH_PROMISE too short', FRAME_SIZE_ERROR);
    const to = isPadded ? end - padding(bytes, start, from, end) : end;
    const promisedId = readU31(bytes, idAt);
    if ((promisedId & 1) !== 0 || promisedId <= this.#streams.lastPromisedId) {
      throw protocolFault('PUSH_PROMISE of a stream id that may not be promised');
    }
    if ((flags & FLAG_END_HEADERS) !== 0) {
      this.#refusePush(promisedId, bytes, from, to);
    } else {
      this.#block.begin(streamId, false, promisedId);
      this.#block.add(bytes, from, to);
    }
  }

  #refusePush(promisedId: number, bytes: Uint8Array, start: number, end: number): void {
    this.#input.discardBlock(bytes, start, end);
    this.#streams.lastPromisedId = promisedId;
    this.#endings.reset(promisedId, REFUSED_STREAM);
  }

  #onPriority(streamId: number, length: number): void {
    if (streamId === 0) throw protocolFault('PRIORITY on stream 0');
    if (length === priorityBytes) return;
    const slot = this.#activeSlot(streamId);
    if (slot >= 0) this.#endings.controlError(slot, FRAME_SIZE_ERROR, brokenStreamCause);
    else if (!this.#isKnown(streamId)) throw protocolFault('PRIORITY of a wrong length', FRAME_SIZE_ERROR);
  }

  #onRstStream(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) throw protocolFault('RST_STREAM of a wrong length', FRAME_SIZE_ERROR);
    if (!this.#isKnown(streamId)) throw protocolFault('RST_STREAM on a stream that was never opened');
    const slot = this.#activeSlot(streamId);
    // After a complete answer RST_STREAM only asks us to stop sending, and nothing is left to send (§8.1).
    if (slot < 0) return;
    const errorCode = readU32(bytes, start);
    if (errorCode === REFUSED_STREAM && !this.#endings.hasAnswerBegun(slot)) {
      this.#endings.unsent(slot, ENDED, refusedCause);
    } else {
      this.#endings.lost(slot, ENDED, resetCause(errorCode));
    }
  }

  #onSettings(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) throw protocolFault('SETTINGS on a stream');
    const length = end - start;
    if ((flags & FLAG_ACK) !== 0) {
      if (length !== 0) throw protocolFault('a SETTINGS acknowledgement with a payload', FRAME_SIZE_ERROR);
      if (this.unackedSettings === 0) throw protocolFault('an acknowledgement of SETTINGS that were never sent');
      this.unackedSettings--;
      return;
    }
    if (length % SETTINGS_ENTRY_BYTES !== 0) throw protocolFault('SETTINGS of a wrong length', FRAME_SIZE_ERROR);
    if (length > maxSettingsEntries * SETTINGS_ENTRY_BYTES) throw limitFault('too many entries in one SETTINGS frame');
    const windowBefore = this.#settings.initialWindowBytes;
    let largestWindow = windowBefore;
    for (let at = start; at < end; at += SETTINGS_ENTRY_BYTES) {
      const identifier = readU16(bytes, at);
      const value = readU32(bytes, at + 2);
      this.#settings.apply(identifier, value);
      if (identifier === SETTINGS_HEADER_TABLE_SIZE) this.#encoder.setPeerTableBytes(value);
      if (identifier === SETTINGS_INITIAL_WINDOW_SIZE) largestWindow = Math.max(largestWindow, value);
    }
    // Once for all entries of a frame: a look through all streams for each entry would make a flood of them expensive.
    if (largestWindow > windowBefore) this.#checkStreamWindows(largestWindow);
    this.isReady = true;
    this.#control.settingsAck();
  }

  /** All stream windows have grown with INITIAL_WINDOW_SIZE (§6.9.2). */
  #checkStreamWindows(initialWindowBytes: number): void {
    const { states, windowDeltas } = this.#streams;
    for (let slot = 0; slot < states.length; slot++) {
      if (states[slot]! >= AWAITING && initialWindowBytes + windowDeltas[slot]! > MAX_WINDOW_BYTES) {
        throw protocolFault('INITIAL_WINDOW_SIZE lifts a stream window above 2^31-1', FLOW_CONTROL_ERROR);
      }
    }
  }

  #onPing(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) throw protocolFault('PING on a stream');
    if (end - start !== 8) throw protocolFault('PING of a wrong length', FRAME_SIZE_ERROR);
    if ((flags & FLAG_ACK) === 0) {
      this.#control.pingAck(bytes, start);
      return;
    }
    const number = pingNumber(bytes, start);
    if (number !== 0) this.lastPingAcked = number;
  }

  #onGoaway(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) throw protocolFault('GOAWAY on a stream');
    if (end - start < 8) throw protocolFault('GOAWAY too short', FRAME_SIZE_ERROR);
    const debugEnd = Math.min(end, start + 8 + maxGoawayDebugBytes);
    const debug = bytes.subarray(start + 8, debugEnd);
    this.#goaways.receive(readU31(bytes, start), readU32(bytes, start + 4), debug);
  }

  #onWindowUpdate(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) throw protocolFault('WINDOW_UPDATE of a wrong length', FRAME_SIZE_ERROR);
    const increment = readU31(bytes, start);
    if (streamId === 0) {
      if (increment === 0) throw protocolFault('WINDOW_UPDATE by 0');
      if (!this.#window.open(increment)) {
        throw protocolFault('WINDOW_UPDATE lifts the connection window above 2^31-1', FLOW_CONTROL_ERROR);
      }
      return;
    }
    if (!this.#isKnown(streamId)) throw protocolFault('WINDOW_UPDATE on a stream that was never opened');
    const slot = this.#activeSlot(streamId);
    if (slot < 0) return;
    const delta = this.#streams.windowDeltas[slot]! + increment;
    if (increment === 0) this.#endings.controlError(slot, PROTOCOL_ERROR, brokenStreamCause);
    else if (this.#settings.initialWindowBytes + delta > MAX_WINDOW_BYTES) {
      this.#endings.controlError(slot, FLOW_CONTROL_ERROR, flowControlCause);
    } else {
      this.#streams.windowDeltas[slot] = delta;
    }
  }

  /** Whether the stream is not idle: we opened it and handed it out, or it is a push that we refused. */
  #isKnown(streamId: number): boolean {
    return streamId !== 0 && (this.#streams.wasOpened(streamId) || this.#streams.isRefusedPush(streamId));
  }

  /** The slot of an open stream that the peer can know of, or -1. */
  #activeSlot(streamId: number): number {
    const { ids, states, handedOutBelow, mask } = this.#streams;
    const slot = (streamId >>> 1) & mask;
    return ids[slot] === streamId && states[slot]! >= AWAITING && streamId < handedOutBelow ? slot : -1;
  }
}

/** Length of the padding that `bytes[lengthAt]` announces, all of it between `from` and `end` (§6.1). */
function padding(bytes: Uint8Array, lengthAt: number, from: number, end: number): number {
  if (lengthAt >= end) throw protocolFault('a padded frame without a padding length', FRAME_SIZE_ERROR);
  const length = bytes[lengthAt]!;
  if (from + length > end) throw protocolFault('padding as long as the frame');
  return length;
}
