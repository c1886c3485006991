/**
 * The memory that a batch travels in: copies that are transferred to a shard, because a program keeps its own. The buffer
 * for the tokens of a full batch comes back when the batch is settled and is used again, for as long as anything is sent;
 * others are small or rare and are made for one use. Owned by the dispatcher, used by mailboxes.
 */
import type { PersonalParts } from '../../apns/notification.js';
import { copyFields } from '../../apns/personal-fields.js';
import type { TokenBlock } from '../../apns/token-block.js';
import { maxBatchRecipients } from '../../base/limits.js';
import type { Batch } from '../batch.js';

/** The usual size: a full batch of the tokens that Apple issues today (32 bytes each). */
const usualBytes = maxBatchRecipients * 32;
/** Below this a buffer of the usual size would waste more than it saves. */
const smallBytes = 4096;

export class TokenBuffers {
  readonly #free: ArrayBuffer[] = [];
  readonly #maxFree: number;

  constructor(maxFree: number) {
    this.#maxFree = maxFree;
  }

  /** A copy of the block's tokens from offset 0, in a buffer of its own that may be transferred. */
  copyOf({ bytes, count, tokenBytes }: TokenBlock): ArrayBuffer {
    const length = count * tokenBytes;
    const isUsual = length > smallBytes && length <= usualBytes;
    const buffer = isUsual ? (this.#free.pop() ?? new ArrayBuffer(usualBytes)) : new ArrayBuffer(length);
    new Uint8Array(buffer, 0, length).set(length === bytes.byteLength ? bytes : bytes.subarray(0, length));
    return buffer;
  }

  giveBack(buffer: ArrayBuffer): void {
    if (buffer.byteLength === usualBytes && this.#free.length < this.#maxFree) this.#free.push(buffer);
  }

  /** Nothing is sent now: keeps one. */
  trim(): void {
    this.#free.length = Math.min(1, this.#free.length);
  }
}

/** Personal parts in buffers of their own: a transferred view would take its whole buffer along. */
export function copyPersonal({ tokens, personal }: Batch): PersonalParts | null {
  if (personal === null) return null;
  const { count } = tokens;
  const { apnsIds, payloads, payloadOffsets, fields = null } = personal;
  return {
    apnsIds: apnsIds === null ? null : new Uint8Array(apnsIds.subarray(0, count * 16)),
    payloads: payloads === null ? null : new Uint8Array(payloads),
    payloadOffsets: payloadOffsets === null ? null : new Uint32Array(payloadOffsets.subarray(0, count + 1)),
    fields: fields === null ? null : copyFields(fields, count),
  };
}

/** The buffers of a copy, to be transferred. */
export function buffersOf({ apnsIds, payloads, payloadOffsets, fields }: PersonalParts): ArrayBuffer[] {
  const own = fields === null || fields === undefined ? [] : Object.values(fields);
  return [apnsIds, payloads, payloadOffsets, ...(own as readonly (Uint8Array | Uint32Array | null)[])].flatMap(
    (part) => (part === null ? [] : [part.buffer as ArrayBuffer]),
  );
}
