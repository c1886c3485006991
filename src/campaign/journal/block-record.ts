/**
 * What a journal knows of one block of recipients, and the bytes in which it is stored. Read and changed by the
 * journal, read by its readers; main thread.
 *
 *   record   0 format (1) │ 1 flags (1) │ 2 recipients (2) │ 4 bytes of the digest (1) │ 5 digest │ states
 *            │ those without a row, where there are any │ CRC-32 of all before, begun with the number of the block (4)
 *   states   a byte for each recipient; or runs of equal ones: the byte, and how many (7 bits a byte, the lowest first, the
 *            eighth is set while more follow)
 *
 * A record of a block that was accepted as a whole has 20 to 30 bytes.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { maxBatchRecipients } from '../../base/limits.js';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT } from '../../engine/ledger.js';

/** Never noted: not sent to, or invalid. */
export const NEW = 0;
/** It may have been sent to: noted, and no outcome since. */
export const NOTED = 1;
/** The same, for one that was unknown before: it never becomes unsent again. */
export const NOTED_AGAIN = 5;

/** Kinds of states, as they are counted. */
export const kinds = ['new', 'underWay', 'accepted', 'rejected', 'unsent', 'unknown'] as const;
export type StateKind = (typeof kinds)[number];

/** By state: the index of its kind. */
export const kindOf: Uint8Array = Uint8Array.from({ length: 256 }, (_, state) => {
  if (state === ACCEPTED) return kinds.indexOf('accepted');
  if (state === UNSENT) return kinds.indexOf('unsent');
  if (state === UNKNOWN) return kinds.indexOf('unknown');
  if (state >= REJECTED) return kinds.indexOf('rejected');
  return state === NEW ? kinds.indexOf('new') : kinds.indexOf('underWay');
});

/** How many recipients are of each kind, by its index. */
export type KindCounts = Float64Array;

/**
 * Which of two services the recipients of a block are on, where their list is for both: counts are kept for each. Else
 * 0.
 */
export type Part = 0 | 1;

export function countsByKind(counts: KindCounts): Record<StateKind, number> {
  return Object.fromEntries(kinds.map((kind, index) => [kind, counts[index]!])) as Record<StateKind, number>;
}

/** By state: 1 for an outcome that stays, so that the recipient is never sent to again. */
export const isFinal: Uint8Array = Uint8Array.from({ length: 256 }, (_, state) =>
  state === ACCEPTED || state >= REJECTED ? 1 : 0,
);

/** By index of a kind. */
const isUnderWay = Uint8Array.from(kinds, (kind) => (kind === 'underWay' ? 1 : 0));

const format = 1;
const [statesAreRuns, hasUnwritten, isOfPart1] = [1, 2, 4];
const headBytes = 5;
const sumBytes = 4;
export const maxDigestBytes = 32;
/** Recipients of one state, for those that whole blocks have. */
const manyNoted = new Uint8Array(maxBatchRecipients).fill(NOTED);
const manyAccepted = new Uint8Array(maxBatchRecipients).fill(ACCEPTED);
/** Two bytes for each recipient, were each a run of its own. */
const scratch = Buffer.alloc(headBytes + maxDigestBytes + maxBatchRecipients * 4 + sumBytes);

export class BlockRecord {
  /** Recipients in state NOTED or NOTED_AGAIN. */
  underWay = 0;

  private constructor(
    /** Of the content of the block: the same block of the same input has the same one. */
    readonly digest: Uint8Array,
    /** By recipient: NEW, NOTED, NOTED_AGAIN, or its outcome as a ledger has it. */
    readonly states: Uint8Array,
    /** By recipient: 1 where its outcome stays and is in no output file; null where there is none such. */
    unwritten: Uint8Array | null,
    readonly part: Part,
  ) {
    this.#unwritten = unwritten;
  }

  #unwritten: Uint8Array | null;

  static fresh(digest: Uint8Array, count: number, part: Part = 0): BlockRecord {
    return new BlockRecord(digest, new Uint8Array(count), null, part);
  }

  get count(): number {
    return this.states.length;
  }

  get unwritten(): Uint8Array | null {
    return this.#unwritten;
  }

  /** Whether nothing more comes of it: nothing is under way, and every outcome has its row. */
  get isAtRest(): boolean {
    return this.underWay === 0 && this.#unwritten?.includes(1) !== true;
  }

  /** Whether all recipients are noted, for the first time. */
  get isNotedWhole(): boolean {
    return this.underWay === this.count && areEqual(this.states, manyNoted);
  }

  /** Gives a recipient another state, and counts it so. */
  turn(index: number, state: number, counts: KindCounts): void {
    const [before, after] = [kindOf[this.states[index]!]!, kindOf[state]!];
    this.states[index] = state;
    counts[before]! -= 1;
    counts[after]! += 1;
    this.underWay += isUnderWay[after]! - isUnderWay[before]!;
  }

  /** Some were turned from NOTED to ACCEPTED by themselves: the loop over most recipients. */
  countAccepted(accepted: number, counts: KindCounts): void {
    counts[kindOf[NOTED]!]! -= accepted;
    counts[kindOf[ACCEPTED]!]! += accepted;
    this.underWay -= accepted;
  }

  /** The same for all recipients, which have one state. */
  turnAll(state: number, counts: KindCounts): void {
    const { count } = this;
    const [before, after] = [kindOf[this.states[0]!]!, kindOf[state]!];
    this.states.fill(state);
    counts[before]! -= count;
    counts[after]! += count;
    this.underWay = isUnderWay[after]! * count;
  }

  setUnwritten(index: number): void {
    this.#unwritten ??= new Uint8Array(this.count);
    this.#unwritten[index] = 1;
  }

  clearUnwritten(index: number): void {
    if (this.#unwritten !== null) this.#unwritten[index] = 0;
  }

  /** @param block its number */
  encode(block: number): Uint8Array {
    const { digest, states } = this;
    const unwritten = this.#unwritten?.includes(1) === true ? this.#unwritten : null;
    scratch[0] = format;
    scratch.writeUInt16LE(states.length, 2);
    scratch[4] = digest.length;
    scratch.set(digest, headBytes);
    const start = headBytes + digest.length;
    let end = writeRuns(states, start, states.length);
    const areRuns = end !== null;
    if (end === null) {
      scratch.set(states, start);
      end = start + states.length;
    }
    if (unwritten !== null) end = writeRuns(unwritten, end, Number.POSITIVE_INFINITY)!;
    const partFlag = this.part === 1 ? isOfPart1 : 0;
    scratch[1] = (areRuns ? statesAreRuns : 0) | (unwritten === null ? 0 : hasUnwritten) | partFlag;
    scratch.writeUInt32LE(crc32(scratch.subarray(0, end), block), end);
    return Uint8Array.prototype.slice.call(scratch, 0, end + sumBytes);
  }

  /** Null for bytes that `encode` has not written for this block. */
  static decode(bytes: Uint8Array, block: number): BlockRecord | null {
    const end = bytes.length - sumBytes;
    if (end < headBytes || bytes[0] !== format) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end), block)) return null;
    const flags = bytes[1]!;
    const states = new Uint8Array(view.getUint16(2, true));
    const start = headBytes + bytes[4]!;
    let at = start;
    if ((flags & statesAreRuns) !== 0) at = readRuns(bytes, at, states);
    else {
      states.set(bytes.subarray(at, at + states.length));
      at += states.length;
    }
    const unwritten = (flags & hasUnwritten) === 0 ? null : new Uint8Array(states.length);
    if (unwritten !== null) at = readRuns(bytes, at, unwritten);
    if (at !== end) return null;
    const digest = new Uint8Array(bytes.subarray(headBytes, start));
    const record = new BlockRecord(digest, states, unwritten, (flags & isOfPart1) === 0 ? 0 : 1);
    for (const state of states) record.underWay += isUnderWay[kindOf[state]!]!;
    return record;
  }
}

/** Whether recipients have no other states than those of `many`. */
function areEqual(states: Uint8Array, many: Uint8Array): boolean {
  return Buffer.compare(states, many.subarray(0, states.length)) === 0;
}

export function areAllAccepted(states: Uint8Array): boolean {
  return areEqual(states, manyAccepted);
}

/** Returns where they end; null where they would have more than `maxBytes`. */
function writeRuns(values: Uint8Array, at: number, maxBytes: number): number | null {
  const { length } = values;
  if (areEqual(values, manyNoted) || areEqual(values, manyAccepted)) return writeRun(values[0]!, length, at);
  let end = at;
  for (let index = 0; index < length; ) {
    if (end - at > maxBytes - 3) return null;
    const value = values[index]!;
    const start = index;
    while (index < length && values[index] === value) index++;
    end = writeRun(value, index - start, end);
  }
  return end;
}

function writeRun(value: number, count: number, at: number): number {
  let end = at;
  scratch[end++] = value;
  let length = count;
  for (; length > 0x7f; length >>>= 7) scratch[end++] = (length & 0x7f) | 0x80;
  scratch[end++] = length;
  return end;
}

/** Where the runs end; a place that cannot be where they do not fit. */
function readRuns(bytes: Uint8Array, at: number, values: Uint8Array): number {
  let place = at;
  for (let index = 0; index < values.length; ) {
    const value = bytes[place++]!;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[place++] ?? 0;
      length |= (byte & 0x7f) << shift;
      if (byte <= 0x7f || shift > 14) break;
    }
    if (length === 0 || index + length > values.length) return -1;
    values.fill(value, index, index + length);
    index += length;
  }
  return place;
}
