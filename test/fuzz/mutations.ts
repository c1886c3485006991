/**
 * What a hostile or broken server makes of a conversation: changes that know the structure of frames and header blocks,
 * and some that know nothing.
 */

import * as frames from '../../src/codec/http2/frames.js';
import { writeU32 } from '../../src/codec/octets.js';
import type { Prng } from '../support/prng.js';
import { type Draft, draft, uint32Draft } from './draft.js';

const interestingLengths = [0, 1, 3, 4, 5, 7, 8, 9, 16_384, 16_385, 0xffffff];
const interestingIds = [0, 1, 2, 3, 5, 7, 9, 15, 17, 101, 0x7fffffff, 0x80000001];
const interestingWords = [0, 1, 2, 0x3fff, 0x4000, 0xffff, 0x10000, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xffffffff];
const settingIds = [1, 2, 3, 4, 5, 6, 7, 8, 0x99];
/** Pieces of header blocks that stand at the edge of RFC 7541. */
const oddBlocks = [
  [0x80], // index 0
  [0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], // an integer that overflows
  [0xff, 0x80, 0x80, 0x80, 0x80, 0x00], // zeros without end
  [0xbe], // the newest entry of the dynamic table
  [0xfe, 0xff, 0x00], // an index beyond it
  [0x20], // table size 0
  [0x3f, 0xe1, 0x1f], // table size 4,096
  [0x3f, 0xe2, 0x1f], // table size 4,097
  [0x40, 0x01, 0x61, 0x83, 0xff, 0xff, 0xff], // Huffman: EOS within
  [0x40, 0x01, 0x61, 0x81, 0x00], // Huffman: padding that is none
  [0x40, 0x01, 0x61, 0x7f, 0x10], // a string beyond the block
  [0x40, 0x00, 0x01, 0x78], // an empty name
  [0x48, 0x03, 0x32, 0x30, 0x30], // :status 200, entered
  [0x88], // :status 200
  [0x8d], // :status 404
  [0x00, 0x01, 0x41, 0x01, 0x78], // a name in upper case
  [0x00, 0x01, 0x61, 0x02, 0x0d, 0x0a], // CR LF in a value
];

/** Changes `drafts` in one way. */
export function mutateDrafts(drafts: Draft[], prng: Prng): void {
  if (drafts.length === 0) {
    drafts.push(randomFrame(prng));
    return;
  }
  const at = prng.int(drafts.length);
  const chosen = drafts[at]!;
  switch (prng.int(14)) {
    case 0:
      chosen.type = prng.chance(0.9) ? prng.int(11) : prng.int(256);
      break;
    case 1:
      chosen.flags ^= 1 << prng.pick([0, 0, 2, 2, 3, 5, prng.int(8)]);
      break;
    case 2:
      chosen.streamId = prng.pick(interestingIds);
      break;
    case 3:
      chosen.declared = prng.chance(0.5)
        ? prng.pick(interestingLengths)
        : Math.max(0, chosen.payload.length - 3 + prng.int(7));
      break;
    case 4:
      drafts.splice(at, 0, copyOf(chosen));
      break;
    case 5:
      drafts.splice(at, 1);
      break;
    case 6:
      drafts.splice(at, 1);
      drafts.splice(prng.int(drafts.length + 1), 0, chosen);
      break;
    case 7:
      drafts.splice(at, 0, randomFrame(prng));
      break;
    case 8:
      chosen.payload = resized(chosen.payload, prng);
      break;
    case 9:
      repeat(drafts, at, prng);
      break;
    case 10:
      chosen.payload = withWord(chosen.payload, prng);
      break;
    case 11:
    case 12:
      mutateBlock(drafts, prng);
      break;
    default:
      chosen.payload = withFlippedBits(chosen.payload, prng);
  }
}

/** Changes the bytes of a whole stream; returns its new length. */
export function mutateBytes(bytes: Uint8Array, length: number, prng: Prng): number {
  if (length === 0) return 0;
  switch (prng.int(3)) {
    case 0:
      return prng.int(length);
    case 1:
      for (let n = 1 + prng.int(4); n > 0; n--) bytes[prng.int(length)]! ^= 1 << prng.int(8);
      return length;
    default: {
      const at = prng.int(length);
      const dropped = Math.min(length - at, 1 + prng.int(12));
      bytes.copyWithin(at, at + dropped, length);
      return length - dropped;
    }
  }
}

function copyOf({ type, flags, streamId, payload, declared }: Draft): Draft {
  return { type, flags, streamId, payload, declared };
}

function randomFrame(prng: Prng): Draft {
  const streamId = prng.pick(interestingIds);
  switch (prng.int(10)) {
    case 0:
      return settings(prng);
    case 1:
      return uint32Draft(frames.WINDOW_UPDATE, streamId, prng.pick(interestingWords));
    case 2:
      return uint32Draft(frames.RST_STREAM, streamId, prng.int(15));
    case 3:
      return uint32Draft(frames.GOAWAY, 0, prng.pick(interestingWords), prng.int(15));
    case 4:
      return draft(
        frames.PUSH_PROMISE,
        prng.pick([4, 0, 12]),
        streamId,
        Uint8Array.of(0, 0, 0, 2, ...prng.pick(oddBlocks)),
      );
    case 5:
      return draft(frames.HEADERS, prng.pick([4, 5, 0, 1]), streamId, Uint8Array.from(prng.pick(oddBlocks)));
    case 6:
      return draft(frames.CONTINUATION, prng.pick([0, 4]), streamId, Uint8Array.from(prng.pick(oddBlocks)));
    case 7:
      return draft(frames.DATA, prng.pick([0, 1, 8]), streamId, new Uint8Array(prng.pick([0, 1, 100, 16_384])));
    default:
      return draft(prng.int(12), prng.int(256), streamId, randomBytes(prng, prng.int(20)));
  }
}

function settings(prng: Prng): Draft {
  const count = prng.chance(0.02) ? 33 : 1 + prng.int(3);
  const payload = new Uint8Array(6 * count);
  for (let i = 0; i < count; i++) {
    payload[6 * i + 1] = prng.pick(settingIds);
    writeU32(payload, 6 * i + 2, prng.pick(interestingWords));
  }
  return draft(frames.SETTINGS, 0, 0, payload);
}

/** The same frame many times over: a flood. */
function repeat(drafts: Draft[], at: number, prng: Prng): void {
  const chosen = drafts[at]!;
  if (chosen.payload.length > 300) return;
  const times = prng.chance(0.2) ? 120 : 1 + prng.int(20);
  const copies = Array.from({ length: times }, () => copyOf(chosen));
  drafts.splice(at, 0, ...copies);
}

function mutateBlock(drafts: readonly Draft[], prng: Prng): void {
  const blocks = drafts.filter(({ type }) => type === frames.HEADERS || type === frames.CONTINUATION);
  if (blocks.length === 0) return;
  const chosen = prng.pick(blocks);
  const odd = prng.pick(oddBlocks);
  const at = prng.chance(0.3) ? 0 : prng.int(chosen.payload.length + 1);
  const skipped = prng.chance(0.5) ? 0 : prng.int(4);
  const rest = chosen.payload.subarray(Math.min(at + skipped, chosen.payload.length));
  const times = prng.chance(0.03) ? 200 : 1;
  const payload = new Uint8Array(at + odd.length * times + rest.length);
  payload.set(chosen.payload.subarray(0, at));
  for (let i = 0; i < times; i++) payload.set(odd, at + i * odd.length);
  payload.set(rest, at + odd.length * times);
  chosen.payload = payload;
}

function resized(payload: Uint8Array, prng: Prng): Uint8Array {
  const length = prng.chance(0.5) ? prng.int(payload.length + 1) : payload.length + 1 + prng.int(8);
  const bytes = new Uint8Array(length);
  bytes.set(payload.subarray(0, length));
  return bytes;
}

function withWord(payload: Uint8Array, prng: Prng): Uint8Array {
  if (payload.length < 4) return payload;
  const bytes = payload.slice();
  writeU32(bytes, prng.chance(0.5) ? 0 : prng.int(bytes.length - 3), prng.pick(interestingWords));
  return bytes;
}

function withFlippedBits(payload: Uint8Array, prng: Prng): Uint8Array {
  if (payload.length === 0) return payload;
  const bytes = payload.slice();
  for (let n = 1 + prng.int(3); n > 0; n--) bytes[prng.int(bytes.length)]! ^= 1 << prng.int(8);
  return bytes;
}

function randomBytes(prng: Prng, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = prng.int(256);
  return bytes;
}
