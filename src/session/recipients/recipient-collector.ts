/**
 * Gathers recipients out of settled batches, whose memory is used again, into a list that is kept. Owned by the books
 * of a send. Main thread.
 */
import type { Batch } from '../../engine/batch.js';
import { apnsIdBytes } from '../../push/notification.js';
import { fieldMask } from '../../push/personal-fields.js';
import type { TokenEncoding } from '../../push/token-block.js';
import { OpenBatch, shapeOf } from './open-batch.js';
import { fieldsAt } from './own-fields.js';
import { RecipientList } from './recipient-list.js';

export class RecipientCollector {
  readonly #done: Batch[] = [];
  /** By shape; null until something is added, because most sends keep nothing. */
  #open: Map<number, OpenBatch> | null = null;

  /** Copies the recipient at `index` of `batch`, with what it brought of its own. */
  add(batch: Batch, index: number): void {
    const { tokens, personal } = batch;
    const apnsIds = personal?.apnsIds ?? null;
    const offsets = personal?.payloadOffsets ?? null;
    const fields = personal?.fields ?? null;
    const open = this.#openFor(
      tokens.tokenBytes,
      apnsIds !== null,
      offsets !== null,
      fieldMask(fields),
      tokens.encoding,
    );
    const apnsId = apnsIds?.subarray(index * apnsIdBytes, (index + 1) * apnsIdBytes) ?? null;
    const payload = offsets === null ? null : personal!.payloads!.slice(offsets[index]!, offsets[index + 1]!);
    const own = fields === null ? null : fieldsAt(fields, index);
    open.add(tokens.bytes, index * tokens.tokenBytes, apnsId, payload, own);
    if (open.isFull) this.#done.push(open.take());
  }

  /** Keeps `batch` as it is; its memory must not be used again. */
  addWhole(batch: Batch): void {
    this.#done.push(batch);
  }

  /** All that was added so far. */
  toList(): RecipientList {
    for (const open of this.#open?.values() ?? []) if (open.count > 0) this.#done.push(open.take());
    return this.#done.length === 0 ? RecipientList.empty : new RecipientList([...this.#done]);
  }

  #openFor(
    tokenBytes: number,
    hasApnsIds: boolean,
    hasPayloads: boolean,
    fields: number,
    encoding: TokenEncoding,
  ): OpenBatch {
    const shape = shapeOf(tokenBytes, hasApnsIds, hasPayloads, fields);
    this.#open ??= new Map();
    let open = this.#open.get(shape);
    if (open === undefined) {
      open = new OpenBatch(tokenBytes, hasApnsIds, hasPayloads, fields, encoding);
      this.#open.set(shape, open);
    }
    return open;
  }
}
