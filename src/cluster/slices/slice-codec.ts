/**
 * The recipients of a slice in bytes: what a worker needs to send to them. Dispatchers encode, workers decode, on their
 * main threads. Encoding copies whole arrays; decoding makes views of `bytes`, so that nothing is allocated for one
 * recipient.
 *
 *   S, version, batches (16 bits), check sum of all other bytes (32 bits)
 *   for each batch, from a multiple of four on:
 *     length of a token, flags, count (16 bits)
 *     length of a token that is text              32 bits, if the flags say so: then the one before is 0
 *     payload offsets, expirations, offsets of collapse ids   32 bits each, those that the flags name
 *     apns-ids, tokens, payloads, collapse ids, priorities    bytes, those that the flags name; tokens always
 *
 * Tokens are bytes, as APNs' are, or text, as FCM's are. A slice with text has version 2, all others have version 1: so
 * workers of another version of peal read what they can send.
 *
 * Numbers have their lowest byte first. Offsets begin with 0, and the last one is how long their bytes are.
 */
import { Buffer } from 'node:buffer';
import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import { assert } from '../../base/assert.js';
import { maxTextTokenBytes } from '../../base/limits.js';
import { batchFault } from '../../engine/batch.js';
import type { PersonalFields, PersonalParts } from '../../push/notification.js';
import { apnsIdBytes } from '../../push/notification.js';
import { TokenBlock } from '../../push/token-block.js';
import { packedDamage, packedVersionError } from './packed.js';
import type { SliceBatch } from './slice.js';

const letter = 0x53;
const [bytesVersion, textVersion] = [1, 2];
const what = 'A slice';
const headBytes = 8;
const batchHeadBytes = 4;
const textLengthBytes = 4;
const maxBatches = 0xffff;
const flag = {
  personal: 1,
  apnsIds: 2,
  payloads: 4,
  fields: 8,
  expirations: 16,
  priorities: 32,
  collapseIds: 64,
  text: 128,
};
const isLittleEndian = endianness() === 'LE';

/** @param batches at most 65,535, each as an engine takes it */
export function encodeSlice(batches: readonly SliceBatch[]): Uint8Array {
  assert(batches.length <= maxBatches, 'a slice has at most 65,535 batches');
  let length = headBytes;
  for (const batch of batches) length += lengthOf(batch);
  const bytes = Buffer.allocUnsafeSlow(length);
  bytes[0] = letter;
  bytes[1] = batches.some(hasText) ? textVersion : bytesVersion;
  bytes.writeUInt16LE(batches.length, 2);
  let at = headBytes;
  for (const batch of batches) at = writeBatch(batch, bytes, at);
  assert(at === length, 'a slice has the length that was counted');
  bytes.writeUInt32LE(sumOf(bytes), 4);
  return bytes;
}

/**
 * @param bytes kept by what is returned
 * @throws PealError ERR_PEAL_STORE for other bytes than those of `encodeSlice`
 */
export function decodeSlice(bytes: Uint8Array): SliceBatch[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (all.length < headBytes || all[0] !== letter || all.readUInt32LE(4) !== sumOf(all)) throw packedDamage(what);
  const version = all[1];
  if (version !== bytesVersion && version !== textVersion) throw packedVersionError(what);
  const reader = new BatchReader(all, headBytes, version === textVersion);
  const batches: SliceBatch[] = [];
  for (let left = all.readUInt16LE(2); left > 0; left--) batches.push(reader.next());
  reader.end();
  return batches;
}

function sumOf(bytes: Buffer): number {
  return crc32(bytes.subarray(headBytes), crc32(bytes.subarray(0, 4)));
}

function hasText({ tokens }: SliceBatch): boolean {
  return tokens.encoding === 'text';
}

function flagsOf(batch: SliceBatch): number {
  const { personal } = batch;
  let flags = hasText(batch) ? flag.text : 0;
  if (personal === null) return flags;
  const { apnsIds, payloads, fields } = personal;
  flags |= flag.personal;
  if (apnsIds !== null) flags |= flag.apnsIds;
  if (payloads !== null) flags |= flag.payloads;
  if (fields === null || fields === undefined) return flags;
  if (fields.expirations !== null) flags |= flag.expirations;
  if (fields.priorities !== null) flags |= flag.priorities;
  if (fields.collapseIds !== null) flags |= flag.collapseIds;
  return flags | flag.fields;
}

function lengthOf(batch: SliceBatch): number {
  const { tokens, personal } = batch;
  const fault = batchFault(batch);
  assert(fault === null, `a slice is made of whole batches: ${fault}`);
  const { count } = tokens;
  let length = batchHeadBytes + (hasText(batch) ? textLengthBytes : 0) + count * tokens.tokenBytes;
  if (personal === null) return padded(length);
  const { apnsIds, payloadOffsets, fields } = personal;
  if (apnsIds !== null) length += count * apnsIdBytes;
  if (payloadOffsets !== null) length += 4 * (count + 1) + payloadOffsets[count]! - payloadOffsets[0]!;
  if (fields === null || fields === undefined) return padded(length);
  const { expirations, priorities, collapseIdOffsets } = fields;
  if (expirations !== null) length += 4 * count;
  if (priorities !== null) length += count;
  if (collapseIdOffsets !== null) length += 4 * (count + 1) + collapseIdOffsets[count]! - collapseIdOffsets[0]!;
  return padded(length);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

/** Returns where it ends. */
function writeBatch(batch: SliceBatch, bytes: Buffer, start: number): number {
  const { tokens, personal } = batch;
  const { count, tokenBytes } = tokens;
  const isText = hasText(batch);
  bytes[start] = isText ? 0 : tokenBytes;
  bytes[start + 1] = flagsOf(batch);
  bytes.writeUInt16LE(count, start + 2);
  let at = start + batchHeadBytes;
  if (isText) at = bytes.writeUInt32LE(tokenBytes, at);
  const { apnsIds = null, payloads = null, payloadOffsets = null, fields = null } = personal ?? {};
  const { expirations = null, priorities = null, collapseIds = null, collapseIdOffsets = null } = fields ?? {};
  if (payloadOffsets !== null) at = writeNumbers(payloadOffsets, count + 1, payloadOffsets[0]!, bytes, at);
  if (expirations !== null) at = writeNumbers(expirations, count, 0, bytes, at);
  if (collapseIdOffsets !== null) at = writeNumbers(collapseIdOffsets, count + 1, collapseIdOffsets[0]!, bytes, at);
  if (apnsIds !== null) at = writePart(apnsIds, 0, count * apnsIdBytes, bytes, at);
  at = writePart(tokens.bytes, 0, count * tokenBytes, bytes, at);
  if (payloads !== null) at = writePart(payloads, payloadOffsets![0]!, payloadOffsets![count]!, bytes, at);
  if (collapseIds !== null) at = writePart(collapseIds, collapseIdOffsets![0]!, collapseIdOffsets![count]!, bytes, at);
  if (priorities !== null) at = writePart(priorities, 0, count, bytes, at);
  while (at % 4 !== 0) bytes[at++] = 0;
  return at;
}

function writeNumbers(numbers: Uint32Array, count: number, first: number, bytes: Buffer, start: number): number {
  let at = start;
  for (let index = 0; index < count; index++) {
    bytes.writeUInt32LE(numbers[index]! - first, at);
    at += 4;
  }
  return at;
}

function writePart(part: Uint8Array, from: number, to: number, bytes: Buffer, at: number): number {
  bytes.set(part.length === to && from === 0 ? part : part.subarray(from, to), at);
  return at + to - from;
}

/** Takes batches out of the bytes of a slice, one after the other. */
class BatchReader {
  readonly #bytes: Buffer;
  /** Whether tokens may be text. */
  readonly #takesText: boolean;
  #at: number;

  constructor(bytes: Buffer, at: number, takesText: boolean) {
    this.#bytes = bytes;
    this.#at = at;
    this.#takesText = takesText;
  }

  next(): SliceBatch {
    const head = this.#part(batchHeadBytes);
    const [flags, count] = [head[1]!, head[2]! | (head[3]! << 8)];
    const has = (bit: number): boolean => (flags & bit) !== 0;
    const isText = has(flag.text);
    if (isText && (!this.#takesText || head[0] !== 0)) throw packedDamage(what);
    const tokenBytes = isText ? this.#numbers(1)[0]! : head[0]!;
    if (tokenBytes > maxTextTokenBytes) throw packedDamage(what);
    const payloadOffsets = has(flag.payloads) ? this.#offsets(count) : null;
    const expirations = has(flag.expirations) ? this.#numbers(count) : null;
    const collapseIdOffsets = has(flag.collapseIds) ? this.#offsets(count) : null;
    const apnsIds = has(flag.apnsIds) ? this.#part(count * apnsIdBytes) : null;
    const tokens = new TokenBlock(this.#part(count * tokenBytes), tokenBytes, count, isText ? 'text' : 'hex');
    const payloads = payloadOffsets === null ? null : this.#part(payloadOffsets[count]!);
    const collapseIds = collapseIdOffsets === null ? null : this.#part(collapseIdOffsets[count]!);
    const priorities = has(flag.priorities) ? this.#part(count) : null;
    this.#at = padded(this.#at);
    const fields: PersonalFields | null = has(flag.fields)
      ? { expirations, priorities, collapseIds, collapseIdOffsets }
      : null;
    const personal: PersonalParts | null = has(flag.personal) ? { apnsIds, payloads, payloadOffsets, fields } : null;
    const batch = { tokens, personal };
    if (tokenBytes === 0 || batchFault(batch) !== null) throw packedDamage(what);
    return batch;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw packedDamage(what);
  }

  #part(length: number): Uint8Array {
    const start = this.#at;
    const { buffer, byteOffset } = this.#bytes;
    if (length > this.#bytes.length - start) throw packedDamage(what);
    this.#at = start + length;
    return new Uint8Array(buffer, byteOffset + start, length);
  }

  /** They begin with 0 and rise. */
  #offsets(count: number): Uint32Array {
    const offsets = this.#numbers(count + 1);
    let last = 0;
    let isRising = offsets[0] === 0;
    for (let index = 1; index <= count; index++) {
      isRising &&= offsets[index]! >= last;
      last = offsets[index]!;
    }
    if (!isRising) throw packedDamage(what);
    return offsets;
  }

  /** A view where the memory allows it, otherwise a copy. */
  #numbers(count: number): Uint32Array {
    const { buffer, byteOffset } = this.#part(4 * count);
    if (isLittleEndian && byteOffset % 4 === 0) return new Uint32Array(buffer as ArrayBuffer, byteOffset, count);
    const view = new DataView(buffer, byteOffset, 4 * count);
    const numbers = new Uint32Array(count);
    for (let index = 0; index < count; index++) numbers[index] = view.getUint32(4 * index, true);
    return numbers;
  }
}
