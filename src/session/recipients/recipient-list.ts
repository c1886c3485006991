/**
 * Recipients kept after a send (unsent, unknown, to be tried again): packed as they travelled, 32 bytes for each of
 * today's tokens, with what they brought of their own. Made by a send's collector; read by the program, and sent again
 * as it is. Main thread.
 */
import { inspect } from 'node:util';
import type { Batch } from '../../engine/batch.js';

/** An immutable list of recipients. Iterates over the device tokens as lower-case hex. */
export class RecipientList implements Iterable<string> {
  static readonly empty: RecipientList = new RecipientList([]);

  /** How many recipients there are, duplicates counted. */
  readonly length: number;
  readonly #batches: readonly Batch[];

  /** The list keeps `batches` and their memory; they must not change afterwards. */
  constructor(batches: readonly Batch[]) {
    this.#batches = batches;
    this.length = batches.reduce((sum, batch) => sum + batch.tokens.count, 0);
  }

  static concat(...lists: readonly RecipientList[]): RecipientList {
    return RecipientList.join(lists);
  }

  /**
   * The same for any number of lists.
   *
   * @internal for results
   */
  static join(lists: readonly RecipientList[]): RecipientList {
    const filled = lists.filter((list) => list.length > 0);
    if (filled.length <= 1) return filled[0] ?? RecipientList.empty;
    return new RecipientList(filled.flatMap((list) => list.#batches));
  }

  /** The recipients as they are packed, in runs of at most 1,024. */
  get batches(): readonly Batch[] {
    return this.#batches;
  }

  *[Symbol.iterator](): Generator<string, void, undefined> {
    for (const { tokens } of this.#batches) {
      for (let index = 0; index < tokens.count; index++) yield tokens.textAt(index);
    }
  }

  toArray(): string[] {
    return [...this];
  }

  /** The device tokens as hex; what recipients brought of their own is left out. */
  toJSON(): string[] {
    return this.toArray();
  }

  /** Shows how many recipients there are, and no token. */
  [inspect.custom](): string {
    return `RecipientList(${this.length})`;
  }
}
