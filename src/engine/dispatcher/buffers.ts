/**
 * The memory of batches on their way to a shard: copies that are transferred, because a program keeps its own memory.
 * One buffer holds all of a batch. It comes back when the batch is settled and is used again while anything is being
 * sent, so that a send of any length makes a few buffers only. Owned by the dispatcher, used by mailboxes.
 *
 *   | tokens | offsets of payloads, expirations, offsets of collapse ids | priorities, collapse ids, apns-ids, payloads
 *   |
 *   0        ^ from here on only what the batch has; numbers of four bytes come first
 */
import { maxBatchRecipients, personalBytesPerCredit } from '../../base/limits.js';
import type { PersonalFields, PersonalParts } from '../../push/notification.js';
import type { Batch } from '../batch.js';

/** A smaller batch gets a buffer of its own size, which is not used again: one of the usual size would waste memory. */
const smallBytes = 4096;
/** A full batch of the tokens that Apple issues today (32 bytes each). Larger buffers have a power of two, too. */
const usualBytes = maxBatchRecipients * 32;
/** What a full batch has at most that uses up no more credit than its recipients. */
const fullBytes = 2 * maxBatchRecipients * personalBytesPerCredit;

/** The copy of a batch. */
interface BatchCopy {
  /** To be transferred. The tokens are at its start. */
  readonly buffer: ArrayBuffer;
  /** Views of `buffer`. */
  readonly personal: PersonalParts | null;
}

export class BatchBuffers {
  /** By size. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #freeBytes = 0;
  /** A batch that is not small came since the last review. */
  #isUsed = false;
  readonly #batches: number;

  /** @param batches how many full batches may be under way at a time */
  constructor(batches: number) {
    this.#batches = batches;
  }

  copyOf({ tokens, personal }: Batch): BatchCopy {
    const { bytes, count, tokenBytes } = tokens;
    const length = count * tokenBytes;
    const buffer = this.#take(length + (personal === null ? 0 : personalBytes(personal, count)));
    new Uint8Array(buffer, 0, length).set(length === bytes.byteLength ? bytes : bytes.subarray(0, length));
    return { buffer, personal: personal === null ? null : new Filling(buffer, length).personal(personal, count) };
  }

  giveBack(buffer: ArrayBuffer): void {
    const { byteLength } = buffer;
    if (byteLength < usualBytes || this.#freeBytes + byteLength > this.#batches * fullBytes) return;
    const same = this.#free.get(byteLength) ?? [];
    if (same.length === this.#batches) return;
    this.#free.set(byteLength, same);
    same.push(buffer);
    this.#freeBytes += byteLength;
  }

  /**
   * Gives up what no batch has needed since the last call. Called now and then while sends run: those of a service that
   * sends singly never end, and what a rush has needed must not stay for ever.
   */
  review(): void {
    if (!this.#isUsed) this.trim();
    this.#isUsed = false;
  }

  /** Keeps one buffer of the usual size. Called when nothing is being sent. */
  trim(): void {
    const kept = this.#free.get(usualBytes)?.at(-1);
    this.#free.clear();
    this.#freeBytes = 0;
    if (kept !== undefined) this.giveBack(kept);
  }

  #take(bytes: number): ArrayBuffer {
    if (bytes <= smallBytes) return new ArrayBuffer(bytes);
    this.#isUsed = true;
    let size = usualBytes;
    while (size < bytes) size *= 2;
    const free = this.#free.get(size)?.pop();
    if (free === undefined) return new ArrayBuffer(size);
    this.#freeBytes -= size;
    return free;
  }
}

/** Room for the personal parts of a batch, and for the gap before them. */
function personalBytes({ apnsIds, payloads, payloadOffsets, fields = null }: PersonalParts, count: number): number {
  let bytes = Uint32Array.BYTES_PER_ELEMENT - 1;
  if (apnsIds !== null) bytes += count * 16;
  if (payloads !== null) bytes += payloadOffsets![count]!;
  if (payloadOffsets !== null) bytes += (count + 1) * Uint32Array.BYTES_PER_ELEMENT;
  if (fields === null) return bytes;
  if (fields.expirations !== null) bytes += count * Uint32Array.BYTES_PER_ELEMENT;
  if (fields.priorities !== null) bytes += count;
  if (fields.collapseIds !== null) bytes += fields.collapseIdOffsets![count]!;
  if (fields.collapseIdOffsets !== null) bytes += (count + 1) * Uint32Array.BYTES_PER_ELEMENT;
  return bytes;
}

/** Puts copies of arrays into a buffer, one behind the other. Numbers of four bytes go first. */
class Filling {
  readonly #buffer: ArrayBuffer;
  #at: number;

  constructor(buffer: ArrayBuffer, at: number) {
    this.#buffer = buffer;
    this.#at = Math.ceil(at / Uint32Array.BYTES_PER_ELEMENT) * Uint32Array.BYTES_PER_ELEMENT;
  }

  personal({ apnsIds, payloads, payloadOffsets, fields = null }: PersonalParts, count: number): PersonalParts {
    const offsets = this.#numbers(payloadOffsets, count + 1);
    const own = fields === null ? null : this.#fields(fields, count);
    return {
      apnsIds: this.#bytes(apnsIds, count * 16),
      payloads: this.#bytes(payloads, payloadOffsets?.[count] ?? 0),
      payloadOffsets: offsets,
      fields: own,
    };
  }

  #fields({ expirations, priorities, collapseIds, collapseIdOffsets }: PersonalFields, count: number): PersonalFields {
    return {
      expirations: this.#numbers(expirations, count),
      collapseIdOffsets: this.#numbers(collapseIdOffsets, count + 1),
      priorities: this.#bytes(priorities, count),
      collapseIds: this.#bytes(collapseIds, collapseIdOffsets?.[count] ?? 0),
    };
  }

  #numbers(from: Uint32Array | null, count: number): Uint32Array | null {
    if (from === null) return null;
    const to = new Uint32Array(this.#buffer, this.#at, count);
    to.set(from.length === count ? from : from.subarray(0, count));
    this.#at += to.byteLength;
    return to;
  }

  #bytes(from: Uint8Array | null, count: number): Uint8Array | null {
    if (from === null) return null;
    const to = new Uint8Array(this.#buffer, this.#at, count);
    to.set(from.length === count ? from : from.subarray(0, count));
    this.#at += count;
    return to;
  }
}
