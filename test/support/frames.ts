/**
 * HTTP/2 frames (RFC 9113) as tests write them and take them apart, octet by octet: the one place where tests build
 * frames. Independent of src/codec, which is among the things that are tested. Two others remain: FrameCutter reads
 * without copies, for fuzzing and the simulation, and fuzz/draft.ts writes frames whose headers lie about their length.
 */
import assert from 'node:assert/strict';
import { FrameCutter } from './frame-cutter.js';

// Types (§6).
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

// Flags (§6).
export const ACK = 0x1;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;

/** What a client says first (§3.4). */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

type Fields = readonly (readonly [name: string, value: string])[];

/** §4.1: length, type, flags, stream. `streamId` may have the reserved bit. */
export function frame(type: number, flags: number, streamId: number, payload: ArrayLike<number> = []): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, Uint8Array.from(payload)]);
}

/** §6.1. */
export function data(streamId: number, content: string | Uint8Array, endsStream: boolean): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  return frame(DATA, endsStream ? END_STREAM : 0, streamId, bytes);
}

/** §6.2, with a whole block. */
export function headers(streamId: number, fields: Fields, endsStream = true): Buffer {
  return frame(HEADERS, END_HEADERS | (endsStream ? END_STREAM : 0), streamId, literals(fields));
}

/** HEADERS as APNs answers an accepted notification. */
export function accepted(streamId: number): Buffer {
  return headers(streamId, [
    [':status', '200'],
    ['apns-id', 'eabeae54-14a8-11e5-b60b-1697f925ec7b'],
  ]);
}

/** §6.4. */
export function rstStream(streamId: number, errorCode: number): Buffer {
  return frame(RST_STREAM, 0, streamId, uint32(errorCode));
}

/** One entry of SETTINGS (§6.5.1). */
export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

/** §6.5. */
export function settingsFrame(entries: readonly (readonly [id: number, value: number])[] = []): Buffer {
  return frame(SETTINGS, 0, 0, Buffer.concat(entries.map(([id, value]) => setting(id, value))));
}

export const settingsAck: Buffer = frame(SETTINGS, ACK, 0);

/** §6.8. */
export function goaway(lastStreamId: number, errorCode: number, debug = ''): Buffer {
  return frame(GOAWAY, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(errorCode), Buffer.from(debug)]));
}

/** §6.9. */
export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(WINDOW_UPDATE, 0, streamId, uint32(increment));
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A field block of literals that enter no table, names and values as they are (RFC 7541 §6.2.2). */
export function literals(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]));
}

/** RFC 7541 §5.2. */
function literal(text: string): Buffer {
  return Buffer.concat([integer(text.length), Buffer.from(text, 'latin1')]);
}

/** RFC 7541 §5.1, with a prefix of seven bits. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const octets = [127];
  let rest = value - 127;
  for (; rest > 127; rest >>= 7) octets.push((rest & 127) | 128);
  return Buffer.from([...octets, rest]);
}

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Cuts a stream of bytes into frames that can be kept, wherever its chunks begin and end. */
export class FrameSplitter {
  #found: RawFrame[] = [];
  readonly #cutter: FrameCutter;

  /** @param side Whose octets they are: the client's begin with the preface. */
  constructor(side: 'client' | 'server') {
    this.#cutter = new FrameCutter(
      (type, flags, streamId, bytes, start, end) => {
        this.#found.push({ type, flags, streamId, payload: Buffer.from(bytes.subarray(start, end)) });
      },
      side === 'client' ? preface.toString('latin1') : '',
    );
    this.#cutter.maxFrameBytes = 2 ** 24;
  }

  /** Nothing of a frame that is not complete is held. */
  get isAtBoundary(): boolean {
    return this.#cutter.isAtBoundary;
  }

  push(chunk: Uint8Array): RawFrame[] {
    this.#found = [];
    assert.equal(this.#cutter.push(chunk), null);
    return this.#found;
  }
}

/** The frames of a client's octets, with or without the preface. */
export function splitFrames(bytes: Uint8Array): RawFrame[] {
  const splitter = new FrameSplitter(preface.equals(bytes.subarray(0, preface.length)) ? 'client' : 'server');
  const found = splitter.push(bytes);
  assert.ok(splitter.isAtBoundary, 'the output ends within a frame');
  return found;
}
