/**
 * A batch that is being filled: recipients of one shape, which is one token length and the same personal parts. Grows
 * from room for a few to a whole batch, so that a single notification does not pay for 1,024. Owned by a packer, or
 * by the collector of what a send leaves.
 */
import { assert } from '../../base/assert.js';
import { maxBatchRecipients } from '../../base/limits.js';
import type { Batch } from '../../engine/batch.js';
import type { PersonalFields } from '../../push/notification.js';
import { apnsIdBytes } from '../../push/notification.js';
import { fieldMasks, OWN_COLLAPSE_ID, OWN_EXPIRATION, OWN_PRIORITY } from '../../push/personal-fields.js';
import { TokenBlock, type TokenEncoding } from '../../push/token-block.js';
import type { OwnFields } from './own-fields.js';

/** Room of a batch when its first recipient comes: most small sends have just one. */
const firstRoom = 1;
/** How much a batch grows at once. */
const growth = 8;

const empty = new Uint8Array(0);

/** A number for each shape. `fields`: the mask of the header fields that recipients bring. */
export function shapeOf(tokenBytes: number, hasApnsIds: boolean, hasPayloads: boolean, fields: number): number {
  return (tokenBytes * fieldMasks + fields) * 4 + (hasApnsIds ? 2 : 0) + (hasPayloads ? 1 : 0);
}

export class OpenBatch {
  count = 0;
  readonly tokenBytes: number;
  readonly #hasApnsIds: boolean;
  readonly #hasPayloads: boolean;
  readonly #fieldMask: number;
  /** Made when the first recipient comes: nothing is allocated for a batch that stays empty. */
  #bytes: Uint8Array<ArrayBuffer> = empty;
  #apnsIds: Uint8Array<ArrayBuffer> | null;
  #payloads: Uint8Array[] = [];
  #fields: OwnFields[] = [];
  #nextRoom = firstRoom;

  constructor(
    tokenBytes: number,
    hasApnsIds: boolean,
    hasPayloads: boolean,
    fields: number,
    readonly encoding: TokenEncoding = 'hex',
  ) {
    this.tokenBytes = tokenBytes;
    this.#hasApnsIds = hasApnsIds;
    this.#hasPayloads = hasPayloads;
    this.#fieldMask = fields;
    this.#apnsIds = hasApnsIds ? empty : null;
  }

  get isFull(): boolean {
    return this.count === maxBatchRecipients;
  }

  /** Where the next token goes: `tokenBytes` bytes at `offset`. They count once `commit` is called. */
  reserve(): Uint8Array {
    if ((this.count + 1) * this.tokenBytes > this.#bytes.length) this.#grow();
    return this.#bytes;
  }

  get offset(): number {
    return this.count * this.tokenBytes;
  }

  commit(): void {
    this.count++;
  }

  /** Adds the token at `start` of `source` with its personal parts. */
  add(
    source: Uint8Array,
    start: number,
    apnsId: Uint8Array | null,
    payload: Uint8Array | null,
    fields: OwnFields | null,
  ): void {
    const target = this.reserve();
    const offset = this.offset;
    for (let i = 0; i < this.tokenBytes; i++) target[offset + i] = source[start + i]!;
    if (apnsId !== null) this.#apnsIds!.set(apnsId, this.count * apnsIdBytes);
    if (payload !== null) this.#payloads.push(payload);
    if (fields !== null) this.#fields.push(fields);
    this.count++;
  }

  /** Adds as many tokens of `source` from its byte `start` as there is room for, `count` at most; says how many. */
  addRun(source: Uint8Array, start: number, count: number): number {
    const taken = Math.min(count, maxBatchRecipients - this.count);
    while (this.#bytes.length < (this.count + taken) * this.tokenBytes) this.#grow();
    this.#bytes.set(source.subarray(start, start + taken * this.tokenBytes), this.offset);
    this.count += taken;
    return taken;
  }

  /** What was added, as a batch with memory of its own; this one is empty afterwards. */
  take(): Batch {
    const { count, tokenBytes } = this;
    const fieldsCount = this.#fieldMask === 0 ? 0 : count;
    const isWhole = this.#payloads.length === (this.#hasPayloads ? count : 0) && this.#fields.length === fieldsCount;
    assert(count > 0 && isWhole, 'each recipient of a batch brings the personal parts of its shape, and no others');
    const tokens = new TokenBlock(exactly(this.#bytes, count * tokenBytes), tokenBytes, count, this.encoding);
    const apnsIds = this.#apnsIds === null ? null : exactly(this.#apnsIds, count * apnsIdBytes);
    const hasPersonal = this.#hasApnsIds || this.#hasPayloads || this.#fieldMask !== 0;
    const fields = this.#fieldMask === 0 ? null : joinFields(this.#fields, this.#fieldMask);
    const batch = { tokens, personal: hasPersonal ? { apnsIds, ...this.#joinPayloads(), fields } : null };
    this.#nextRoom = count === maxBatchRecipients ? maxBatchRecipients : firstRoom;
    this.count = 0;
    this.#bytes = empty;
    this.#apnsIds = this.#hasApnsIds ? empty : null;
    this.#payloads = [];
    this.#fields = [];
    return batch;
  }

  #joinPayloads(): { payloads: Uint8Array | null; payloadOffsets: Uint32Array | null } {
    if (!this.#hasPayloads) return { payloads: null, payloadOffsets: null };
    const payloadOffsets = new Uint32Array(this.count + 1);
    this.#payloads.forEach((payload, index) => {
      payloadOffsets[index + 1] = payloadOffsets[index]! + payload.length;
    });
    const payloads = new Uint8Array(payloadOffsets[this.count]!);
    this.#payloads.forEach((payload, index) => {
      payloads.set(payload, payloadOffsets[index]!);
    });
    return { payloads, payloadOffsets };
  }

  #grow(): void {
    const room = Math.min(maxBatchRecipients, this.#nextRoom);
    this.#nextRoom = room * growth;
    const bytes = new Uint8Array(room * this.tokenBytes);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    if (this.#apnsIds === null) return;
    const apnsIds = new Uint8Array(room * apnsIdBytes);
    apnsIds.set(this.#apnsIds);
    this.#apnsIds = apnsIds;
  }
}

function joinFields(fields: readonly OwnFields[], mask: number): PersonalFields {
  const ids = (mask & OWN_COLLAPSE_ID) === 0 ? null : fields.map(({ collapseId }) => collapseId);
  const offsets = ids === null ? null : new Uint32Array(ids.length + 1);
  ids?.forEach((id, index) => {
    offsets![index + 1] = offsets![index]! + id.length;
  });
  return {
    expirations: (mask & OWN_EXPIRATION) === 0 ? null : Uint32Array.from(fields, ({ expiration }) => expiration),
    priorities: (mask & OWN_PRIORITY) === 0 ? null : Uint8Array.from(fields, ({ priority }) => priority),
    collapseIds: ids === null ? null : new TextEncoder().encode(ids.join('')),
    collapseIdOffsets: offsets,
  };
}

/** `bytes` itself where it has that length, otherwise a copy: the memory of a batch may be transferred whole. */
function exactly(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  return bytes.length === length ? bytes : bytes.slice(0, length);
}
