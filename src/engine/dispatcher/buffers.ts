/**
 * The memory of batches on their way to a shard: copies that are transferred, because a program keeps its own memory.
 * The token buffer of a full batch comes back when the batch is settled and is used again while anything is being
 * sent. Other buffers are small or rare and are made for one use. Owned by the dispatcher, used by mailboxes.
 */
import type { PersonalParts } from '../../apns/notification.js';
import { copyFields } from '../../apns/personal-fields.js';
import type { TokenBlock } from '../../apns/token-block.js';
import { maxBatchRecipients } from '../../base/limits.js';
import type { Batch } from '../batch.js';

/** The usual size: a full batch of the tokens that Apple issues today (32 bytes each). */
const usualBytes = maxBatchRecipients * 32;
/** A smaller batch gets a buffer of its own size, because one of the usual size would waste memory. */
const smallBytes = 4096;

export class TokenBuffers {
  readonly #free: ArrayBuffer[] = [];
  readonly #maxFree: number;

  constructor(maxFree: number) {
    this.#maxFree = maxFree;
  }

  /** Copies the block's tokens to offset 0 of a buffer that may be transferred. */
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

  /** Keeps one buffer. Called when nothing is being sent. */
  trim(): void {
    this.#free.length = Math.min(1, this.#free.length);
  }
}

/** Copies personal parts into buffers of their own: transferring a view would transfer its whole buffer. */
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

/** Returns the buffers of a copy, for the transfer list. */
export function buffersOf({ apnsIds, payloads, payloadOffsets, fields }: PersonalParts): ArrayBuffer[] {
  const own = fields === null || fields === undefined ? [] : Object.values(fields);
  return [apnsIds, payloads, payloadOffsets, ...(own as readonly (Uint8Array | Uint32Array | null)[])].flatMap(
    (part) => (part === null ? [] : [part.buffer as ArrayBuffer]),
  );
}
