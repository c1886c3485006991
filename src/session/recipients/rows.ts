/**
 * Recipients with fields: device tokens of one length and, beside them, columns of text, packed. What a reader of
 * tables hands to a send, so that a recipient is not an object. Made by readers and programs; read by templates, and by
 * sinks that write a recipient's own fields. Main thread.
 */
import { inspect } from 'node:util';
import { PealError } from '../../base/errors.js';
import { maxBatchRecipients } from '../../base/limits.js';
import { TokenBlock } from '../../push/token-block.js';

/**
 * The cells of one column, as UTF-8. Cell i is `bytes` from `spans[first + i * step]` to before
 * `spans[first + i * step + 1]`; one that is empty is a missing field. Several columns may share `bytes` and `spans`.
 */
export interface TextColumn {
  readonly bytes: Uint8Array;
  readonly spans: Uint32Array;
  readonly first: number;
  readonly step: number;
}

/** A column as a program has it. Null, undefined and empty text are a missing field; NaN is one, too. */
export type ColumnValues = readonly (string | number | boolean | null | undefined)[] | NumberArray | TextColumn;

type NumberArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** At most 1,024 recipients, their tokens all of one length, with named columns of as many cells. */
export class Rows {
  readonly tokens: TokenBlock;
  readonly columns: ReadonlyMap<string, TextColumn>;

  /**
   * @param tokens as `readTokens` yields them, or packed by the program; used in place
   * @param columns by name; arrays are copied, a `TextColumn` is used in place
   * @throws PealError ERR_PEAL_TOKEN for more than 1,024 tokens, or a column that has not as many cells as there are
   *   tokens
   */
  constructor(tokens: TokenBlock, columns: Readonly<Record<string, ColumnValues>> | ReadonlyMap<string, TextColumn>) {
    if (tokens.count > maxBatchRecipients) {
      throw rowsError(`Rows hold at most ${maxBatchRecipients} recipients, not ${tokens.count}: make several.`);
    }
    this.tokens = tokens;
    this.columns =
      columns instanceof Map ? columns : packColumns(tokens.count, columns as Readonly<Record<string, ColumnValues>>);
  }

  get count(): number {
    return this.tokens.count;
  }

  /** The field of one recipient as text; null where it is missing, or there is no such column. */
  text(index: number, column: string): string | null {
    const found = this.columns.get(column);
    return found === undefined ? null : cellText(found, index);
  }

  /** The rows at `indexes` alone. Their cells stay where they are. */
  pick(indexes: ArrayLike<number>): Rows {
    const columns = new Map<string, TextColumn>();
    for (const [name, { bytes, spans, first, step }] of this.columns) {
      const picked = new Uint32Array(indexes.length * 2);
      for (let place = 0; place < indexes.length; place++) {
        picked[place * 2] = spans[first + indexes[place]! * step]!;
        picked[place * 2 + 1] = spans[first + indexes[place]! * step + 1]!;
      }
      columns.set(name, { bytes, spans: picked, first: 0, step: 2 });
    }
    return new Rows(pickTokens(this.tokens, indexes), columns);
  }

  /** Shows how many there are and what the columns are called, and no cell of them. */
  [inspect.custom](): string {
    return `Rows(${this.count}) [ ${[...this.columns.keys()].join(', ')} ]`;
  }
}

/** The tokens at `indexes` alone. */
export function pickTokens({ bytes, tokenBytes, encoding }: TokenBlock, indexes: ArrayLike<number>): TokenBlock {
  const picked = new Uint8Array(indexes.length * tokenBytes);
  for (let place = 0; place < indexes.length; place++) {
    const start = indexes[place]! * tokenBytes;
    picked.set(bytes.subarray(start, start + tokenBytes), place * tokenBytes);
  }
  return new TokenBlock(picked, tokenBytes, indexes.length, encoding);
}

/** The cell as text; null where it is empty. */
export function cellText({ bytes, spans, first, step }: TextColumn, index: number): string | null {
  const start = spans[first + index * step]!;
  const end = spans[first + index * step + 1]!;
  return start === end ? null : Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

function packColumns(count: number, columns: Readonly<Record<string, ColumnValues>>): Map<string, TextColumn> {
  const packed = new Map<string, TextColumn>();
  for (const [name, values] of Object.entries(columns)) {
    if (isTextColumn(values)) {
      packed.set(name, values);
      continue;
    }
    if (values.length !== count) {
      throw rowsError(`The column "${name}" has ${values.length} cells for ${count} tokens: give one for each.`);
    }
    packed.set(name, packColumn(values));
  }
  return packed;
}

function packColumn(values: Exclude<ColumnValues, TextColumn>): TextColumn {
  const texts = Array.from(values as ArrayLike<unknown>, textOf);
  const spans = new Uint32Array(texts.length * 2);
  const bytes = Buffer.from(texts.join(''));
  let at = 0;
  texts.forEach((text, index) => {
    spans[index * 2] = at;
    at += Buffer.byteLength(text);
    spans[index * 2 + 1] = at;
  });
  return { bytes, spans, first: 0, step: 2 };
}

function textOf(value: unknown): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '';
  return String(value);
}

function isTextColumn(values: ColumnValues): values is TextColumn {
  return !Array.isArray(values) && 'spans' in values;
}

function rowsError(message: string): PealError {
  return new PealError('ERR_PEAL_TOKEN', message, { origin: 'usage' });
}
