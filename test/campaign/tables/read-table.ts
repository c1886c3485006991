/** Reads a whole table with a reader, in chunks cut at given places, into plain objects. */
import { createHash } from 'node:crypto';
import type { InvalidLine } from '../../../src/campaign/recipients/token-lines.js';
import type { RowSink, TableRows } from '../../../src/campaign/tables/table-rows.js';

export interface ReadRow {
  readonly token: string;
  readonly cells: readonly string[];
  readonly line: number;
}

export interface ReadTable {
  readonly rows: readonly ReadRow[];
  readonly blocks: readonly (readonly ReadRow[])[];
  readonly invalid: readonly InvalidLine[];
  readonly lines: number;
}

interface TableReader {
  readonly lines: number;
  write(chunk: Uint8Array): void;
  end(): void;
}

/** The device token of a number, as hex. */
export function token(index: number): string {
  return createHash('sha256').update(String(index)).digest('hex');
}

export function rowsOf(rows: TableRows): ReadRow[] {
  return Array.from({ length: rows.count }, (_, index) => ({
    token: rows.tokens.textAt(index),
    cells: [...rows.columns.keys()].map((name) => rows.text(index, name) ?? ''),
    line: rows.lines[index]!,
  }));
}

export function readAll(
  readerOf: (sink: RowSink) => TableReader,
  text: string | Uint8Array,
  cuts: readonly number[] = [],
): ReadTable {
  const blocks: ReadRow[][] = [];
  const invalid: InvalidLine[] = [];
  const reader = readerOf({ onRows: (rows) => blocks.push(rowsOf(rows)), onInvalid: (line) => invalid.push(line) });
  const bytes = Buffer.from(text as string);
  let from = 0;
  for (const at of [...cuts].sort((a, b) => a - b)) {
    // What is written may be used again: it is overwritten at once.
    const chunk = Buffer.from(bytes.subarray(from, Math.max(from, at)));
    reader.write(chunk);
    chunk.fill(0x22);
    from = Math.max(from, at);
  }
  reader.write(bytes.subarray(from));
  reader.end();
  const rows = blocks.flat().sort((a, b) => a.line - b.line);
  return { rows, blocks, invalid: invalid.sort((a, b) => a.line - b.line), lines: reader.lines };
}
