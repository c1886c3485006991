/**
 * A batch that was made of rows: it knows which row each of its recipients is, so that a sink can write the recipient's own
 * fields beside the outcome. Made by templates and by the packer; read by sinks. Main thread.
 */
import type { PersonalParts } from '../../apns/notification.js';
import { TokenBlock } from '../../apns/token-block.js';
import type { Batch } from '../../engine/batch.js';
import type { Rows } from './rows.js';

/** A row to which nothing can be sent. */
export interface InvalidRow {
  /** In its rows. */
  readonly index: number;
  /** The rest of a sentence about the recipient. */
  readonly why: string;
}

export interface RenderedRows {
  readonly batches: readonly RowBatch[];
  readonly invalid: readonly InvalidRow[];
}

export class RowBatch implements Batch {
  readonly tokens: TokenBlock;

  /** @param indexes by recipient: its index in `rows`; null where all rows are here, in their order */
  constructor(
    readonly rows: Rows,
    readonly indexes: Uint16Array | null,
    readonly personal: PersonalParts | null,
  ) {
    this.tokens = indexes === null ? rows.tokens : pick(rows.tokens, indexes);
  }

  /** Which row of `rows` a recipient of the batch is. */
  rowOf(recipient: number): number {
    return this.indexes === null ? recipient : this.indexes[recipient]!;
  }
}

function pick({ bytes, tokenBytes }: TokenBlock, indexes: Uint16Array): TokenBlock {
  const picked = new Uint8Array(indexes.length * tokenBytes);
  indexes.forEach((index, place) => {
    picked.set(bytes.subarray(index * tokenBytes, (index + 1) * tokenBytes), place * tokenBytes);
  });
  return new TokenBlock(picked, tokenBytes, indexes.length);
}
