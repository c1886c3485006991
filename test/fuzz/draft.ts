/**
 * Frames that are still to be mutated, and how they become bytes. A draft may say another length than it has: its
 * header then claims `declared` octets.
 */

import * as frames from '../../src/codec/http2/frames.js';
import { writeU32 } from '../../src/codec/octets.js';

export interface Draft {
  type: number;
  flags: number;
  streamId: number;
  payload: Uint8Array;
  /** The length in the frame header; -1: the payload's own. */
  declared: number;
}

export function draft(type: number, flags: number, streamId: number, payload: Uint8Array): Draft {
  return { type, flags, streamId, payload, declared: -1 };
}

export function uint32Draft(type: number, streamId: number, ...values: readonly number[]): Draft {
  const payload = new Uint8Array(4 * values.length);
  for (let i = 0; i < values.length; i++) writeU32(payload, 4 * i, values[i]!);
  return draft(type, 0, streamId, payload);
}

/** Puts the frames into `target` from `at` on, as far as they fit whole; returns where they end. */
export function writeDrafts(drafts: readonly Draft[], target: Uint8Array, at: number): number {
  let end = at;
  for (const { type, flags, streamId, payload, declared } of drafts) {
    const start = end + frames.FRAME_HEADER_BYTES;
    if (start + payload.length > target.length) break;
    const length = declared < 0 ? payload.length : declared;
    frames.writeFrameHeader(target, end, length, type, flags, streamId);
    target.set(payload, start);
    end = start + payload.length;
  }
  return end;
}
