/**
 * A batch that was made of rows: it knows which row each of its recipients is, so that a sink can write the recipient's
 * own fields beside the outcome. Made by templates and by the packer; read by sinks. Main thread.
 */
import type { Batch } from '../../engine/batch.js';
import type { PersonalParts } from '../../push/notification.js';
import { apnsIdBytes } from '../../push/notification.js';
import { sliceFields } from '../../push/personal-fields.js';
import type { TokenBlock } from '../../push/token-block.js';
import { pickTokens, type Rows } from './rows.js';

/** A row to which nothing can be sent. */
export interface UnfitRow {
  /** In its rows. */
  readonly index: number;
  /** The rest of a sentence about the recipient. */
  readonly why: string;
}

export interface RenderedRows {
  readonly batches: readonly RowBatch[];
  readonly invalid: readonly UnfitRow[];
}

export class RowBatch implements Batch {
  readonly tokens: TokenBlock;

  /**
   * @param indexes by recipient: its index in `rows`; null where all rows are here, in their order
   * @internal for templates and packers
   */
  constructor(
    readonly rows: Rows,
    readonly indexes: Uint16Array | null,
    readonly personal: PersonalParts | null,
  ) {
    this.tokens = indexes === null ? rows.tokens : pickTokens(rows.tokens, indexes);
  }

  /** @internal Recipients `from` to before `to` as a batch of their own. */
  slice(from: number, to: number): RowBatch {
    if (from === 0 && to === this.tokens.count) return this;
    const indexes =
      this.indexes?.slice(from, to) ?? Uint16Array.from({ length: to - from }, (_, place) => from + place);
    return new RowBatch(this.rows, indexes, this.personal === null ? null : slicePersonal(this.personal, from, to));
  }

  /** Which row of `rows` a recipient of the batch is. */
  rowOf(recipient: number): number {
    return this.indexes === null ? recipient : this.indexes[recipient]!;
  }
}

function slicePersonal(
  { apnsIds, payloads, payloadOffsets, fields = null }: PersonalParts,
  from: number,
  to: number,
): PersonalParts {
  const [start, end] = payloadOffsets === null ? [0, 0] : [payloadOffsets[from]!, payloadOffsets[to]!];
  return {
    apnsIds: apnsIds?.subarray(from * apnsIdBytes, to * apnsIdBytes) ?? null,
    payloads: payloads?.subarray(start, end) ?? null,
    payloadOffsets: payloadOffsets?.slice(from, to + 1).map((offset) => offset - start) ?? null,
    fields: fields === null ? null : sliceFields(fields, from, to),
  };
}
