/**
 * How a micro benchmark registers itself. `main.ts` imports every `*.bench.ts` it names, registers its items on one
 * tinybench run and prints one table: item, nanoseconds per item, GB/s, beside a plain copy of the same bytes.
 *
 * A bench file exports `const items: readonly MicroItem[]`, or a function that makes them.
 */

export interface MicroItem {
  /** Group and item, as in "hpack: decode an answer, incremental". Unique. */
  readonly name: string;
  /** Bytes that one item reads or writes, for GB/s and for the plain copy beside it. */
  readonly bytesPerItem: number;
  /** How many items one call of `run` handles; enough that the call itself does not count. */
  readonly itemsPerRun: number;
  /** The measured work. Synchronous. */
  run(): void;
  /** Before the first run, outside the measurement. */
  setUp?(): void;
}

/** What a bench file exports as `register`. */
export type Register = () => readonly MicroItem[];
