/**
 * Reads Parquet with hyparquet, row group by row group: memory is that of one row group. A file of its own is needed,
 * because Parquet is read from its end. Loaded by input/ only for such a file. Main thread.
 *
 * Values become text: integers and decimals with all their digits, times in ISO 8601, bytes that are no text as hex,
 * nested values as JSON. The number of a row, from 1, stands for its line.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import type { AsyncBuffer, Compressors, FileMetaData, ParquetParsers, SchemaElement } from 'hyparquet';
import { hexOf } from '../../base/hex.js';
import { maxTableColumns } from '../../base/limits.js';
import type { TokenForm } from '../recipients/token-form.js';
import { csvShapeOf, type ShapeProblem, type TableChoices } from './csv-shape.js';
import { RowPacker, type RowSink, type TableColumns } from './table-rows.js';

/** Rows that are looked at to find the column of the tokens. */
const sampleRows = 64;
/** Rows between two moments at which blocks are taken from the reader. */
const rowsPerStep = 4096;

/** The cells of one column of a row group: cell i ends at `ends[i]` of `bytes`, where the next one begins. */
interface PackedColumn {
  readonly bytes: Buffer;
  readonly ends: Uint32Array;
}

export class ParquetRows {
  readonly shape: TableColumns;
  readonly #file: FileHandle;
  readonly #source: Source;
  #rows = 0;

  private constructor(file: FileHandle, source: Source, shape: TableColumns) {
    this.#file = file;
    this.#source = source;
    this.shape = shape;
  }

  /** Throws what the file system says, or what is wrong with the file. */
  static async open(path: string, choices: TableChoices): Promise<ParquetRows | ShapeProblem> {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const source = await openSource(bufferOf(file, size));
      const shape = await shapeOf(source, choices);
      if (!('problem' in shape)) return new ParquetRows(file, source, shape);
      await file.close();
      return shape;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Rows read so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Reads all rows into `sink`. Yields each time that some were read. */
  async *read(sink: RowSink, tokens?: TokenForm): AsyncGenerator<void, void, void> {
    const packer = new RowPacker(this.shape, sink, tokens);
    let start = 0;
    for (const group of this.#source.metadata.row_groups) {
      const count = Number(group.num_rows);
      const columns: PackedColumn[] = [];
      for (const name of this.shape.columns)
        columns.push(packed(await valuesOf(this.#source, name, start, start + count)));
      for (let row = 0; row < count; row++) {
        this.#rows = start + row + 1;
        this.#take(packer, columns, row);
        if ((row + 1) % rowsPerStep === 0) yield;
      }
      start += count;
      yield;
    }
    packer.flush();
    yield;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #take(packer: RowPacker, columns: readonly PackedColumn[], row: number): void {
    const rows = packer.next;
    const { spans } = rows;
    let place = rows.count * columns.length * 2;
    let to = rows.cellBytes;
    for (const { bytes, ends } of columns) {
      const start = row === 0 ? 0 : ends[row - 1]!;
      const end = ends[row]!;
      const cells = to + end - start > rows.cells.length ? rows.grow(to, end - start) : rows.cells;
      spans[place++] = to;
      for (let at = start; at < end; at++) cells[to++] = bytes[at]!;
      spans[place++] = to;
    }
    packer.take(rows, to, this.#rows);
  }
}

/** A file, ready to be read. */
interface Source {
  readonly hyparquet: typeof import('hyparquet');
  readonly buffer: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly compressors: Compressors | undefined;
  /** By name of a column. */
  readonly textOf: ReadonlyMap<string, (value: unknown) => string | Uint8Array>;
}

async function openSource(buffer: AsyncBuffer): Promise<Source> {
  // Not with this module: the bundle of the command requires its modules, and hyparquet is an ES module.
  const hyparquet = await import('hyparquet');
  const metadata = await hyparquet.parquetMetadataAsync(buffer, { geoparquet: false });
  const codecs = new Set(
    metadata.row_groups.flatMap(({ columns }) => columns.map((column) => column.meta_data?.codec)),
  );
  const isPacked = [...codecs].some((codec) => codec !== 'SNAPPY' && codec !== 'UNCOMPRESSED');
  const compressors = isPacked ? (await import('hyparquet-compressors')).compressors : undefined;
  const textOf = new Map(
    hyparquet
      .parquetSchema(metadata)
      .children.map(({ element, children }) => [element.name, children.length > 0 ? jsonText : readerOf(element)]),
  );
  return { hyparquet, buffer, metadata, compressors, textOf };
}

/** The column of the tokens, from the first rows. */
async function shapeOf(source: Source, choices: TableChoices): Promise<TableColumns | ShapeProblem> {
  const columns = [...source.textOf.keys()];
  if (columns.length > maxTableColumns) {
    return {
      problem: `has ${columns.length} columns, and ${maxTableColumns} are read at most: leave out those that are not needed`,
    };
  }
  const count = Math.min(Number(source.metadata.num_rows), sampleRows);
  const rows = Array.from({ length: count }, (): string[] => []);
  for (const name of columns) {
    const values = await valuesOf(source, name, 0, count);
    for (const [index, row] of rows.entries()) row.push(Buffer.from(values[index]!).toString('utf8'));
  }
  const shape = csvShapeOf({ delimiter: ',', rows: [columns, ...rows] }, { ...choices, header: true });
  return 'problem' in shape ? shape : { columns, tokenColumn: shape.tokenColumn };
}

/** The cells of one column, of rows `rowStart` to before `rowEnd`. */
async function valuesOf(
  source: Source,
  name: string,
  rowStart: number,
  rowEnd: number,
): Promise<(string | Uint8Array)[]> {
  if (rowStart === rowEnd) return [];
  const { hyparquet, buffer: file, metadata, compressors } = source;
  const textOf = source.textOf.get(name)!;
  const cells = new Array<string | Uint8Array>(rowEnd - rowStart).fill('');
  await hyparquet.parquetRead({
    file,
    metadata,
    columns: [name],
    rowStart,
    rowEnd,
    parsers,
    geoparquet: false,
    // More may come than was asked for: whole pages.
    onChunk: ({ columnData, rowStart: first }) => {
      for (let index = Math.max(0, rowStart - first); index < columnData.length; index++) {
        const place = first + index - rowStart;
        if (place >= cells.length) break;
        const value: unknown = columnData[index];
        if (value !== null && value !== undefined) cells[place] = textOf(value);
      }
    },
    ...(compressors === undefined ? {} : { compressors }),
  });
  return cells;
}

function packed(values: readonly (string | Uint8Array)[]): PackedColumn {
  let length = 0;
  for (const value of values) length += typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  const bytes = Buffer.allocUnsafeSlow(length);
  const ends = new Uint32Array(values.length);
  let to = 0;
  values.forEach((value, index) => {
    if (typeof value === 'string') to += bytes.write(value, to);
    else {
      bytes.set(value, to);
      to += value.length;
    }
    ends[index] = to;
  });
  return { bytes, ends };
}

/** How values of a column become text. */
function readerOf(element: SchemaElement): (value: unknown) => string | Uint8Array {
  const { type, converted_type: converted, logical_type: logical, scale = 0 } = element;
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') {
    // hyparquet would make doubles of them.
    delete element.converted_type;
    delete element.logical_type;
    return (value) => decimalText(value, scale);
  }
  if (type === 'FIXED_LEN_BYTE_ARRAY') return (value) => (value instanceof Uint8Array ? hexOf(value) : String(value));
  return (value) => {
    if (value instanceof Uint8Array) return isUtf8(value) ? value : hexOf(value);
    return typeof value === 'object' ? jsonText(value) : String(value);
  };
}

const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (value: bigint | null | undefined) => timeText(value, 1n),
  timestampFromMicroseconds: (value: bigint | null | undefined) => timeText(value, 1000n),
  timestampFromNanoseconds: (value: bigint | null | undefined) => timeText(value, 1_000_000n),
  dateFromDays: (days: number | null | undefined) =>
    days === null || days === undefined ? null : isoText(BigInt(days) * 86_400_000n)?.slice(0, -14),
  stringFromBytes: (bytes: Uint8Array | null | undefined) => bytes,
  jsonFromBytes: (bytes: Uint8Array | null | undefined) => bytes,
};

/** ISO 8601, with all digits of the second that there are. */
function timeText(value: bigint | null | undefined, perMillisecond: bigint): string | null {
  if (value === null || value === undefined) return null;
  const units = BigInt(value);
  const rest = ((units % perMillisecond) + perMillisecond) % perMillisecond;
  const text = isoText((units - rest) / perMillisecond);
  if (text === null) return String(value);
  const digits = String(perMillisecond).length - 1;
  return rest === 0n ? text : `${text.slice(0, -1)}${String(rest).padStart(digits, '0')}Z`;
}

/** Null for what is no time of a Date. */
function isoText(milliseconds: bigint): string | null {
  const date = new Date(Number(milliseconds));
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

function decimalText(value: unknown, scale: number): string {
  const unscaled = value instanceof Uint8Array ? signedOf(value) : BigInt(value as number | bigint);
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  return scale <= 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Big-endian, in two's complement. */
function signedOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${hexOf(bytes)}`));
}

/** As JSON.stringify, with all digits of integers. */
function jsonText(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) {
    return JSON.stringify(isUtf8(value) ? Buffer.from(value).toString('utf8') : hexOf(value));
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return `[${Array.from(value as ArrayLike<unknown>, jsonText).join(',')}]`;
  }
  if (typeof value !== 'object') return JSON.stringify(value);
  if (value instanceof Date) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`).join(',')}}`;
}

function bufferOf(file: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    slice: async (start, end = byteLength) => {
      const bytes = new Uint8Array(end - start);
      let length = 0;
      while (length < bytes.length) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, start + length);
        if (bytesRead === 0) throw new Error('the file has become shorter');
        length += bytesRead;
      }
      return bytes.buffer;
    },
  };
}
