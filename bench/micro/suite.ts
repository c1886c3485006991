/**
 * How a micro benchmark registers itself: a `*.bench.ts` that is named here exports `register`. `main.ts` measures the
 * items of all of them and prints one table: item, nanoseconds per item, GB/s, beside a plain copy of the same bytes.
 */

export interface MicroItem {
  /** Group and item, as in "hpack: decode an answer, incremental". Unique. */
  readonly name: string;
  /** Bytes that one item reads or writes, for GB/s and for the plain copy beside it. */
  readonly bytesPerItem: number;
  /** How many items one call of `run` handles; enough that the call itself does not count. */
  readonly itemsPerRun: number;
  /** The measured work. What is asynchronous is measured until it is done. */
  run(): void | Promise<void>;
  /** Before the first run, outside the measurement. */
  setUp?(): void;
}

/** What a bench file exports as `register`. */
export type Register = () => readonly MicroItem[];

/** Every bench file, in the order of the table. */
const files = [
  'request-template',
  'binary-frames',
  'response-reader',
  'hpack',
  'batch',
  'template-rendering',
  'message',
  'latency',
  'token-parsing',
  'table-reading',
  'slice-codec',
];

/** The items of all bench files. */
export async function loadItems(): Promise<MicroItem[]> {
  const items: MicroItem[] = [];
  for (const file of files) {
    const { register } = (await import(new URL(`./${file}.bench.js`, import.meta.url).href)) as { register: Register };
    items.push(...register());
  }
  return items;
}
