/**
 * HTTP/2 frames (RFC 9113 §4, §6): their numbers, and writing a frame header. Plain constants and functions without
 * state; the client connection and the simulator's listener use them on whatever thread they run.
 *
 *     +-----------------------------------------------+
 *     |                 Length (24)                   |
 *     +---------------+---------------+---------------+
 *     |   Type (8)    |   Flags (8)   |
 *     +-+-------------+---------------+-------------------------------+
 *     |R|                 Stream Identifier (31)                      |
 *     +=+=============================================================+
 *     |                   Frame Payload (Length)                    ...
 */
import { writeU24, writeU32 } from '../octets.js';

/** Octets in front of every frame's payload. */
export const FRAME_HEADER_BYTES = 9;

/** The octets a client sends first (§3.4). */
export const CONNECTION_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

// Frame types, §6.
export const DATA = 0x0;
export const HEADERS = 0x1;
export const PRIORITY = 0x2;
export const RST_STREAM = 0x3;
export const SETTINGS = 0x4;
export const PUSH_PROMISE = 0x5;
export const PING = 0x6;
export const GOAWAY = 0x7;
export const WINDOW_UPDATE = 0x8;
export const CONTINUATION = 0x9;

// Flags. A bit means something only on the frame types that define it.
/** On SETTINGS and PING. */
export const FLAG_ACK = 0x1;
/** On DATA and HEADERS. */
export const FLAG_END_STREAM = 0x1;
/** On HEADERS, PUSH_PROMISE and CONTINUATION. */
export const FLAG_END_HEADERS = 0x4;
/** On DATA, HEADERS and PUSH_PROMISE. */
export const FLAG_PADDED = 0x8;
/** On HEADERS. */
export const FLAG_PRIORITY = 0x20;

// Identifiers of settings, §6.5.2.
export const SETTINGS_HEADER_TABLE_SIZE = 0x1;
export const SETTINGS_ENABLE_PUSH = 0x2;
export const SETTINGS_MAX_CONCURRENT_STREAMS = 0x3;
export const SETTINGS_INITIAL_WINDOW_SIZE = 0x4;
export const SETTINGS_MAX_FRAME_SIZE = 0x5;
export const SETTINGS_MAX_HEADER_LIST_SIZE = 0x6;
/** Octets of one entry in a SETTINGS frame. */
export const SETTINGS_ENTRY_BYTES = 6;

// Error codes, §7: those that are used; `errorCodeNames` has all.
export const NO_ERROR = 0x0;
export const PROTOCOL_ERROR = 0x1;
export const INTERNAL_ERROR = 0x2;
export const FLOW_CONTROL_ERROR = 0x3;
export const SETTINGS_TIMEOUT = 0x4;
export const STREAM_CLOSED = 0x5;
export const FRAME_SIZE_ERROR = 0x6;
export const REFUSED_STREAM = 0x7;
export const CANCEL = 0x8;
export const COMPRESSION_ERROR = 0x9;
export const ENHANCE_YOUR_CALM = 0xb;
export const HTTP_1_1_REQUIRED = 0xd;

const errorCodeNames: readonly string[] = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** The RFC's name of an error code; unknown codes, which mean nothing special (§7), as hexadecimal. */
export function errorCodeName(code: number): string {
  return errorCodeNames[code] ?? `error 0x${code.toString(16)}`;
}

/** The default of SETTINGS_INITIAL_WINDOW_SIZE, and where every connection window starts (§6.9.2). */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** No flow-control window may become larger (§6.9.1). */
export const MAX_WINDOW_BYTES = 0x7fffffff;
/** The smallest SETTINGS_MAX_FRAME_SIZE, and its default (§6.5.2). */
export const MIN_MAX_FRAME_BYTES = 16_384;
/** The largest SETTINGS_MAX_FRAME_SIZE (§6.5.2). */
export const MAX_MAX_FRAME_BYTES = 16_777_215;

/** Writes the nine octets of a frame header at `offset`. `length` counts the payload only. */
export function writeFrameHeader(
  bytes: Uint8Array,
  offset: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  writeU24(bytes, offset, length);
  bytes[offset + 3] = type;
  bytes[offset + 4] = flags;
  writeU32(bytes, offset + 5, streamId);
}
