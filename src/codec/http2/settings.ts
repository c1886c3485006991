/**
 * SETTINGS (RFC 9113 §6.5): what the peer has asked for, with every check of its values, and how ours are written.
 * Owned by one connection, on its thread.
 */
import { writeU16, writeU32 } from '../octets.js';
import { protocolFault } from './connection-fault.js';
import {
  DEFAULT_WINDOW_BYTES,
  FLOW_CONTROL_ERROR,
  MAX_MAX_FRAME_BYTES,
  MAX_WINDOW_BYTES,
  MIN_MAX_FRAME_BYTES,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_ENTRY_BYTES,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_FRAME_SIZE,
  SETTINGS_MAX_HEADER_LIST_SIZE,
} from './frames.js';

/** The settings of a server as its client keeps them; until told otherwise, the protocol's defaults. */
export class PeerSettings {
  /** SETTINGS_HEADER_TABLE_SIZE. */
  headerTableBytes = 4096;
  /** SETTINGS_MAX_CONCURRENT_STREAMS; Infinity while the peer names none. */
  maxConcurrentStreams = Number.POSITIVE_INFINITY;
  /** SETTINGS_INITIAL_WINDOW_SIZE: the send window that every stream starts with. */
  initialWindowBytes = DEFAULT_WINDOW_BYTES;
  /** SETTINGS_MAX_FRAME_SIZE: the largest payload of a frame we may send. */
  maxFrameBytes = MIN_MAX_FRAME_BYTES;
  /** SETTINGS_MAX_HEADER_LIST_SIZE; Infinity while the peer names none. */
  maxHeaderListBytes = Number.POSITIVE_INFINITY;

  /**
   * Applies one entry, in the order in which entries come. Unknown identifiers are ignored.
   * @throws ConnectionFault when a server may not send the value (§6.5.2)
   */
  apply(identifier: number, value: number): void {
    switch (identifier) {
      case SETTINGS_HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        break;
      case SETTINGS_ENABLE_PUSH:
        if (value !== 0) throw protocolFault('a server may not set ENABLE_PUSH');
        break;
      case SETTINGS_MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        break;
      case SETTINGS_INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW_BYTES) throw protocolFault('INITIAL_WINDOW_SIZE above 2^31-1', FLOW_CONTROL_ERROR);
        this.initialWindowBytes = value;
        break;
      case SETTINGS_MAX_FRAME_SIZE:
        if (value < MIN_MAX_FRAME_BYTES || value > MAX_MAX_FRAME_BYTES) {
          throw protocolFault('MAX_FRAME_SIZE outside 16,384 to 16,777,215');
        }
        this.maxFrameBytes = value;
        break;
      case SETTINGS_MAX_HEADER_LIST_SIZE:
        this.maxHeaderListBytes = value;
        break;
    }
  }
}

export type SettingsEntry = readonly [identifier: number, value: number];

/** The payload of a SETTINGS frame. */
export function encodeSettings(entries: readonly SettingsEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * SETTINGS_ENTRY_BYTES);
  entries.forEach(([identifier, value], index) => {
    const at = index * SETTINGS_ENTRY_BYTES;
    writeU16(bytes, at, identifier);
    writeU32(bytes, at + 2, value);
  });
  return bytes;
}
