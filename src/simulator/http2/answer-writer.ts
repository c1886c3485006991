/**
 * Writes answers and control frames into a connection's output. Owned by one server connection, on its thread.
 *
 * Header block of an answer (RFC 7541), as short as APNs makes it:
 *
 *     88              :status 200 by the static table (others: 08 03 '4' '1' '0', a literal with a static name)
 *     0f 2f           literal without indexing, its name is entry 62, which the first answer inserted
 *     24 …            36 octets: the apns-id, not Huffman coded
 *
 * If the client allows us no table, the name is written out instead.
 */

import { Buffer } from 'node:buffer';
import { headerTableBytes } from '../../base/limits.js';
import {
  DATA,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  GOAWAY,
  HEADERS,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  writeFrameHeader,
} from '../../codec/http2/frames.js';
import { encodeSettings, type SettingsEntry } from '../../codec/http2/settings.js';
import { writeU32 } from '../../codec/octets.js';
import { type ApnsIds, apnsIdCharacters } from '../faults/apns-ids.js';
import type { Chunk, OutputChunks } from '../faults/output-chunks.js';
import { answerStatus } from '../settings/answers.js';

const apnsIdName = Uint8Array.from('apns-id', (character) => character.charCodeAt(0));
/** Bytes of the entry for apns-id in the client's table (RFC 7541 §4.1). */
const apnsIdEntryBytes = 32 + apnsIdName.length + apnsIdCharacters;
/** Longest header block: two size updates, a status, an apns-id with its name, and a Retry-After. */
const maxBlockBytes = 2 * 4 + 5 + 2 + apnsIdName.length + 1 + apnsIdCharacters + 3 + 10;

export class AnswerWriter {
  readonly #output: OutputChunks;
  readonly #ids: ApnsIds;
  /** Whether entry 62 of the client's table is apns-id. */
  #isNameIndexed = false;
  #tableBytes = headerTableBytes;
  /** Smallest table size since the last block, to be announced first (RFC 7541 §4.2); -1: nothing to announce. */
  #smallestTableBytes = -1;

  constructor(output: OutputChunks, ids: ApnsIds) {
    this.#output = output;
    this.#ids = ids;
  }

  /** The client's SETTINGS_HEADER_TABLE_SIZE. We use at most the default. */
  setPeerTableBytes(bytes: number): void {
    const size = Math.min(bytes, headerTableBytes);
    if (size === this.#tableBytes) return;
    const smallest = this.#smallestTableBytes;
    this.#smallestTableBytes = smallest < 0 ? size : Math.min(smallest, size);
    this.#tableBytes = size;
    if (size < apnsIdEntryBytes) this.#isNameIndexed = false;
  }

  /** 200, complete. @param apnsId 36 characters, or null for a fresh one. */
  accepted(streamId: number, apnsId: Uint8Array | null): void {
    const chunk = this.#output.room(FRAME_HEADER_BYTES + maxBlockBytes);
    const { bytes } = chunk;
    const start = chunk.length;
    let at = start + FRAME_HEADER_BYTES;
    if (this.#smallestTableBytes >= 0) at = this.#writeSizeUpdate(bytes, at);
    bytes[at++] = 0x88;
    at = this.#writeApnsId(chunk, at, apnsId);
    const length = at - start - FRAME_HEADER_BYTES;
    writeFrameHeader(bytes, start, length, HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, streamId);
    chunk.length = at;
    chunk.endedStreams++;
  }

  /**
   * The headers of any answer.
   * @param retryAfterS Retry-After in seconds; below 0: none.
   * @param isEnd Whether no body follows.
   */
  headers(streamId: number, answer: number, apnsId: Uint8Array | null, retryAfterS: number, isEnd: boolean): void {
    const chunk = this.#output.room(FRAME_HEADER_BYTES + maxBlockBytes);
    const { bytes } = chunk;
    const start = chunk.length;
    let at = start + FRAME_HEADER_BYTES;
    if (this.#smallestTableBytes >= 0) at = this.#writeSizeUpdate(bytes, at);
    at = writeStatus(bytes, at, answerStatus(answer));
    at = this.#writeApnsId(chunk, at, apnsId);
    if (retryAfterS >= 0) at = writeRetryAfter(bytes, at, retryAfterS);
    const flags = isEnd ? FLAG_END_HEADERS | FLAG_END_STREAM : FLAG_END_HEADERS;
    writeFrameHeader(bytes, start, at - start - FRAME_HEADER_BYTES, HEADERS, flags, streamId);
    chunk.length = at;
    if (isEnd) chunk.endedStreams++;
  }

  /** The headers of an answer that is not about a device push: a status and any fields, each a literal. */
  fields(
    streamId: number,
    status: number,
    fields: readonly (readonly [name: string, value: string])[],
    retryAfterS: number,
    isEnd: boolean,
  ): void {
    const block = fields.reduce((bytes, [name, value]) => bytes + 5 + name.length + value.length, maxBlockBytes);
    const chunk = this.#output.room(FRAME_HEADER_BYTES + block);
    const { bytes } = chunk;
    const start = chunk.length;
    let at = start + FRAME_HEADER_BYTES;
    if (this.#smallestTableBytes >= 0) at = this.#writeSizeUpdate(bytes, at);
    at = writeStatus(bytes, at, status);
    for (const [name, value] of fields) {
      bytes[at++] = 0x00; // literal without indexing, with a name of its own
      at = writeText(bytes, writeText(bytes, at, name), value);
    }
    if (retryAfterS >= 0) at = writeRetryAfter(bytes, at, retryAfterS);
    const flags = isEnd ? FLAG_END_HEADERS | FLAG_END_STREAM : FLAG_END_HEADERS;
    writeFrameHeader(bytes, start, at - start - FRAME_HEADER_BYTES, HEADERS, flags, streamId);
    chunk.length = at;
    if (isEnd) chunk.endedStreams++;
  }

  /** `body[from, to)` in one DATA frame. */
  data(streamId: number, body: Uint8Array, from: number, to: number): void {
    const chunk = this.#output.room(FRAME_HEADER_BYTES + to - from);
    const isEnd = to === body.length;
    writeFrameHeader(chunk.bytes, chunk.length, to - from, DATA, isEnd ? FLAG_END_STREAM : 0, streamId);
    let at = chunk.length + FRAME_HEADER_BYTES;
    for (let i = from; i < to; i++) chunk.bytes[at++] = body[i]!;
    chunk.length = at;
    if (isEnd) chunk.endedStreams++;
  }

  /** @param endsStream Whether the stream was open until now. */
  reset(streamId: number, errorCode: number, endsStream: boolean): void {
    const chunk = this.#output.room(FRAME_HEADER_BYTES + 4);
    writeFrameHeader(chunk.bytes, chunk.length, 4, RST_STREAM, 0, streamId);
    writeU32(chunk.bytes, chunk.length + FRAME_HEADER_BYTES, errorCode);
    chunk.length += FRAME_HEADER_BYTES + 4;
    if (endsStream) chunk.endedStreams++;
  }

  /** @param streamId 0 for the window of the connection. */
  windowUpdate(streamId: number, increment: number, isCredit: boolean): void {
    const chunk = this.#output.room(FRAME_HEADER_BYTES + 4);
    writeFrameHeader(chunk.bytes, chunk.length, 4, WINDOW_UPDATE, 0, streamId);
    writeU32(chunk.bytes, chunk.length + FRAME_HEADER_BYTES, increment);
    chunk.length += FRAME_HEADER_BYTES + 4;
    if (isCredit) chunk.creditBytes += increment;
  }

  settings(entries: readonly SettingsEntry[]): void {
    const payload = encodeSettings(entries);
    this.#frame(SETTINGS, 0, payload, 0, payload.length);
  }

  settingsAck(): void {
    this.#frame(SETTINGS, FLAG_ACK, apnsIdName, 0, 0);
  }

  /** Eight octets from `start`. */
  ping(bytes: Uint8Array, start: number, isAck: boolean): void {
    this.#frame(PING, isAck ? FLAG_ACK : 0, bytes, start, start + 8);
  }

  goaway(lastStreamId: number, errorCode: number, debug: string): void {
    const text = Buffer.from(debug, 'utf8');
    const payload = new Uint8Array(8 + text.length);
    writeU32(payload, 0, lastStreamId);
    writeU32(payload, 4, errorCode);
    payload.set(text, 8);
    this.#frame(GOAWAY, 0, payload, 0, payload.length);
  }

  /** Octets unchanged, for scenarios that break the protocol. At most 64 KiB. */
  raw(octets: Uint8Array): void {
    const chunk = this.#output.room(octets.length);
    chunk.bytes.set(octets, chunk.length);
    chunk.length += octets.length;
  }

  #frame(type: number, flags: number, payload: Uint8Array, start: number, end: number): void {
    const chunk = this.#output.room(FRAME_HEADER_BYTES + end - start);
    writeFrameHeader(chunk.bytes, chunk.length, end - start, type, flags, 0);
    chunk.bytes.set(payload.subarray(start, end), chunk.length + FRAME_HEADER_BYTES);
    chunk.length += FRAME_HEADER_BYTES + end - start;
  }

  #writeApnsId(chunk: Chunk, start: number, apnsId: Uint8Array | null): number {
    const { bytes } = chunk;
    let at = start;
    if (this.#isNameIndexed) {
      bytes[at++] = 0x0f;
      bytes[at++] = 62 - 15;
    } else {
      const canInsert = this.#tableBytes >= apnsIdEntryBytes;
      bytes[at++] = canInsert ? 0x40 : 0x00;
      bytes[at++] = apnsIdName.length;
      for (let i = 0; i < apnsIdName.length; i++) bytes[at++] = apnsIdName[i]!;
      this.#isNameIndexed = canInsert;
    }
    bytes[at++] = apnsIdCharacters;
    if (apnsId === null) this.#ids.write(chunk.view, at);
    else for (let i = 0; i < apnsIdCharacters; i++) bytes[at + i] = apnsId[i]!;
    return at + apnsIdCharacters;
  }

  #writeSizeUpdate(bytes: Uint8Array, start: number): number {
    let at = start;
    if (this.#smallestTableBytes < this.#tableBytes) at = writeTableSize(bytes, at, this.#smallestTableBytes);
    at = writeTableSize(bytes, at, this.#tableBytes);
    this.#smallestTableBytes = -1;
    return at;
  }
}

/** Dynamic table size update: 001, then the size behind a prefix of five bits (RFC 7541 §6.3). */
function writeTableSize(bytes: Uint8Array, start: number, size: number): number {
  let at = start;
  if (size < 31) {
    bytes[at++] = 0x20 | size;
    return at;
  }
  bytes[at++] = 0x3f;
  let rest = size - 31;
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}

/** A string of less than 254 octets, not Huffman coded (RFC 7541 §5.1, §5.2). */
function writeText(bytes: Uint8Array, start: number, text: string): number {
  let at = start;
  if (text.length < 0x7f) {
    bytes[at++] = text.length;
  } else {
    bytes[at++] = 0x7f;
    bytes[at++] = text.length - 0x7f;
  }
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

function writeStatus(bytes: Uint8Array, start: number, status: number): number {
  bytes[start] = 0x08; // literal without indexing, name of static entry 8
  bytes[start + 1] = 3;
  bytes[start + 2] = 0x30 + Math.floor(status / 100);
  bytes[start + 3] = 0x30 + (Math.floor(status / 10) % 10);
  bytes[start + 4] = 0x30 + (status % 10);
  return start + 5;
}

/** A literal without indexing whose name is static entry 53, retry-after; its value in seconds. */
function writeRetryAfter(bytes: Uint8Array, start: number, seconds: number): number {
  const digits = String(seconds);
  let at = start;
  bytes[at++] = 0x0f;
  bytes[at++] = 53 - 15;
  bytes[at++] = digits.length;
  for (let i = 0; i < digits.length; i++) bytes[at++] = digits.charCodeAt(i);
  return at;
}
