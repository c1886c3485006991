/**
 * The frames of a connection besides requests: SETTINGS, PING, GOAWAY, WINDOW_UPDATE, RST_STREAM and PRIORITY (RFC 9113
 * §6), with the checks of each. Owned by one server connection.
 *
 * Floods of frames that are answered need no limit here: the answers pile up in the output, and the connection is not
 * read while too much output waits (connection-driver).
 */

import {
  headerTableBytes,
  maxSettingsEntries,
  receiveMaxFrameBytes,
  simulatorHeaderListBytes,
} from '../../base/limits.js';
import {
  ENHANCE_YOUR_CALM,
  FLAG_ACK,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  GOAWAY,
  MAX_WINDOW_BYTES,
  PING,
  PRIORITY,
  PROTOCOL_ERROR,
  SETTINGS,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_ENTRY_BYTES,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_FRAME_SIZE,
  SETTINGS_MAX_HEADER_LIST_SIZE,
} from '../../codec/http2/frames.js';
import { PeerSettings } from '../../codec/http2/settings.js';
import { readU16, readU31, readU32 } from '../../codec/octets.js';
import type { SimulatorSettings } from '../settings/simulator-settings.js';
import { AnnouncedSettings } from './announced-settings.js';
import type { AnswerWriter } from './answer-writer.js';
import { clientFault } from './client-fault.js';
import type { RejectionQueue } from './rejection-queue.js';
import type { ServerStreams } from './server-streams.js';

/** The octets of our own PING. */
const pingOctets = Uint8Array.from('peal end', (character) => character.charCodeAt(0));

export class ServerControlFrames {
  readonly #writer: AnswerWriter;
  readonly #rejections: RejectionQueue;
  readonly #streams: ServerStreams;
  readonly #peer = new PeerSettings();
  /** Our own settings that bind the client. */
  readonly announced = new AnnouncedSettings();
  /** Whether the client has answered our PING. */
  isPingAcknowledged = false;

  constructor(writer: AnswerWriter, rejections: RejectionQueue, streams: ServerStreams) {
    this.#writer = writer;
    this.#rejections = rejections;
    this.#streams = streams;
  }

  /** Our first SETTINGS, as APNs was seen to send them. */
  announce(settings: SimulatorSettings, maxStreams: number): void {
    this.announced.begin(settings, maxStreams);
    this.#writer.settings([
      [SETTINGS_HEADER_TABLE_SIZE, headerTableBytes],
      [SETTINGS_MAX_CONCURRENT_STREAMS, maxStreams],
      [SETTINGS_INITIAL_WINDOW_SIZE, settings.initialWindowBytes],
      [SETTINGS_MAX_FRAME_SIZE, receiveMaxFrameBytes],
      [SETTINGS_MAX_HEADER_LIST_SIZE, simulatorHeaderListBytes],
    ]);
  }

  announceMaxStreams(maxStreams: number): void {
    this.announced.send({ maxStreams });
    this.#writer.settings([[SETTINGS_MAX_CONCURRENT_STREAMS, maxStreams]]);
  }

  announceInitialWindow(initialWindowBytes: number): void {
    this.announced.send({ initialWindowBytes });
    this.#writer.settings([[SETTINGS_INITIAL_WINDOW_SIZE, initialWindowBytes]]);
  }

  /** Sends a PING, to learn when the client has read everything before it. */
  ping(): void {
    this.#writer.ping(pingOctets, 0, false);
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    switch (type) {
      case SETTINGS:
        this.#onSettings(flags, streamId, bytes, start, end);
        break;
      case PING:
        this.#onPing(flags, streamId, bytes, start, end);
        break;
      case GOAWAY:
        if (streamId !== 0) throw clientFault('GOAWAY on a stream');
        if (end - start < 8) throw clientFault('GOAWAY of a wrong length', FRAME_SIZE_ERROR);
        break;
      case PRIORITY:
        if (streamId === 0) throw clientFault('PRIORITY on stream 0');
        if (end - start !== 5) throw clientFault('PRIORITY of a wrong length', FRAME_SIZE_ERROR);
        break;
      default: // unknown types are ignored (§4.1)
    }
  }

  /** @returns The error that ends the stream (RFC 9113 §6.9, §6.9.1), or null. */
  windowUpdate(streamId: number, lastStreamId: number, bytes: Uint8Array, start: number, end: number): number | null {
    if (end - start !== 4) throw clientFault('WINDOW_UPDATE of a wrong length', FRAME_SIZE_ERROR);
    if (streamId > lastStreamId) throw clientFault('WINDOW_UPDATE on an idle stream');
    const increment = readU31(bytes, start);
    if (increment === 0) {
      if (this.#streams.findTaken(streamId) >= 0) return PROTOCOL_ERROR;
      throw clientFault('WINDOW_UPDATE of 0');
    }
    if (streamId === 0) {
      if (!this.#rejections.connectionWindow.open(increment)) {
        throw clientFault('the connection window is above 2^31-1', FLOW_CONTROL_ERROR);
      }
    } else if (!this.#openStreamWindow(streamId, increment)) {
      return FLOW_CONTROL_ERROR;
    }
    this.#rejections.resume();
    return null;
  }

  checkReset(streamId: number, lastStreamId: number, length: number): void {
    if (length !== 4) throw clientFault('RST_STREAM of a wrong length', FRAME_SIZE_ERROR);
    if (streamId === 0 || streamId > lastStreamId) throw clientFault('RST_STREAM on an idle stream');
  }

  /** @returns Whether the window is at most 2^31-1. */
  #openStreamWindow(streamId: number, increment: number): boolean {
    const streams = this.#streams;
    const slot = streams.findTaken(streamId);
    if (slot < 0) return true;
    const delta = streams.windowDeltas[slot]! + increment;
    if (this.#rejections.initialWindowBytes + delta > MAX_WINDOW_BYTES) return false;
    streams.windowDeltas[slot] = delta;
    return true;
  }

  #onSettings(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (streamId !== 0) throw clientFault('SETTINGS on a stream');
    if ((flags & FLAG_ACK) !== 0) {
      if (length !== 0) throw clientFault('SETTINGS ACK with a payload', FRAME_SIZE_ERROR);
      if (!this.announced.acknowledge()) throw clientFault('SETTINGS ACK for nothing');
      return;
    }
    if (length % SETTINGS_ENTRY_BYTES !== 0) throw clientFault('SETTINGS of a wrong length', FRAME_SIZE_ERROR);
    if (length > maxSettingsEntries * SETTINGS_ENTRY_BYTES) throw clientFault('too many settings', ENHANCE_YOUR_CALM);
    for (let at = start; at < end; at += SETTINGS_ENTRY_BYTES) {
      this.#apply(readU16(bytes, at), readU32(bytes, at + 2));
    }
    this.#writer.settingsAck();
    this.#rejections.resume();
  }

  #apply(identifier: number, value: number): void {
    if (identifier === SETTINGS_ENABLE_PUSH) {
      // A client may send either value. The codec's PeerSettings are a server's, which may not.
      if (value > 1) throw clientFault('ENABLE_PUSH is neither 0 nor 1');
      return;
    }
    this.#peer.apply(identifier, value);
    if (identifier === SETTINGS_HEADER_TABLE_SIZE) this.#writer.setPeerTableBytes(value);
    if (identifier !== SETTINGS_INITIAL_WINDOW_SIZE) return;
    // Moves the windows of all streams (§6.9.2).
    if (value > this.#rejections.initialWindowBytes && value + this.#streams.highestDelta() > MAX_WINDOW_BYTES) {
      throw clientFault('a stream window is above 2^31-1', FLOW_CONTROL_ERROR);
    }
    this.#rejections.initialWindowBytes = value;
  }

  #onPing(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) throw clientFault('PING on a stream');
    if (end - start !== 8) throw clientFault('PING of a wrong length', FRAME_SIZE_ERROR);
    if ((flags & FLAG_ACK) === 0) this.#writer.ping(bytes, start, true);
    else if (pingOctets.every((octet, index) => bytes[start + index] === octet)) this.isPingAcknowledged = true;
  }
}
