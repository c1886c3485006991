/**
 * Writes the frames that carry no request: SETTINGS, acknowledgements, WINDOW_UPDATE, RST_STREAM, PING and GOAWAY, and
 * bounds how many a peer can make us owe it. Owned by one connection, on its thread.
 */

import { maxPendingAcks } from '../../base/limits.js';
import { readU32, writeU32 } from '../octets.js';
import { limitFault } from './connection-fault.js';
import {
  CONNECTION_PREFACE,
  FLAG_ACK,
  FRAME_HEADER_BYTES,
  GOAWAY,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  writeFrameHeader,
} from './frames.js';
import type { Output } from './output.js';
import { encodeSettings, type SettingsEntry } from './settings.js';

/** The first four octets of our PINGs, "peal"; a number follows. */
const pingMark = 0x7065616c;

export class ControlFrames {
  readonly #output: Output;
  /** Acknowledgements that wait in the output since hand-out number `#pendingSince`. */
  #pendingAcks = 0;
  #pendingSince = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  preface(): void {
    const at = this.#output.claimControl(CONNECTION_PREFACE.length, true);
    const bytes = this.#output.filling.bytes;
    for (let i = 0; i < CONNECTION_PREFACE.length; i++) bytes[at + i] = CONNECTION_PREFACE.charCodeAt(i);
  }

  settings(entries: readonly SettingsEntry[]): void {
    const payload = encodeSettings(entries);
    const at = this.#frame(payload.length, SETTINGS, 0, 0, true);
    this.#output.filling.bytes.set(payload, at);
  }

  settingsAck(): void {
    this.#countAck();
    this.#frame(0, SETTINGS, FLAG_ACK, 0, true);
  }

  /** Answers a PING with the eight octets at `start`. */
  pingAck(bytes: Uint8Array, start: number): void {
    this.#countAck();
    const at = this.#frame(8, PING, FLAG_ACK, 0, false);
    const target = this.#output.filling.bytes;
    for (let i = 0; i < 8; i++) target[at + i] = bytes[start + i]!;
  }

  ping(number: number): void {
    const at = this.#frame(8, PING, 0, 0, false);
    writeU32(this.#output.filling.bytes, at, pingMark);
    writeU32(this.#output.filling.bytes, at + 4, number);
  }

  windowUpdate(streamId: number, increment: number): void {
    const at = this.#frame(4, WINDOW_UPDATE, 0, streamId, false);
    writeU32(this.#output.filling.bytes, at, increment);
  }

  rstStream(streamId: number, errorCode: number): void {
    const at = this.#frame(4, RST_STREAM, 0, streamId, true);
    writeU32(this.#output.filling.bytes, at, errorCode);
  }

  /** We are a client without streams of the peer's, so lastStreamId is always 0. */
  goaway(errorCode: number, debug: string): void {
    const text = new TextEncoder().encode(debug);
    const at = this.#frame(8 + text.length, GOAWAY, 0, 0, true);
    const bytes = this.#output.filling.bytes;
    writeU32(bytes, at, 0);
    writeU32(bytes, at + 4, errorCode);
    bytes.set(text, at + 8);
  }

  /** What was handed out is owed no more: the peer may ask again. */
  #countAck(): void {
    if (this.#pendingSince !== this.#output.handOuts) this.#pendingAcks = 0;
    this.#pendingSince = this.#output.handOuts;
    if (++this.#pendingAcks > maxPendingAcks) throw limitFault('a flood of PING or SETTINGS');
  }

  /** Writes the frame header and returns where the payload goes. */
  #frame(length: number, type: number, flags: number, streamId: number, inOrder: boolean): number {
    const at = this.#output.claimControl(FRAME_HEADER_BYTES + length, inOrder);
    writeFrameHeader(this.#output.filling.bytes, at, length, type, flags, streamId);
    return at + FRAME_HEADER_BYTES;
  }
}

/** The number that a PING ACK of ours carries; 0 if the PING was not ours. */
export function pingNumber(bytes: Uint8Array, start: number): number {
  return readU32(bytes, start) === pingMark ? readU32(bytes, start + 4) : 0;
}
