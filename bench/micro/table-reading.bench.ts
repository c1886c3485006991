/**
 * Tables of recipients: what it costs to turn a row of four cells into a packed token and packed cells, beside what the
 * libraries for each format take to make values of it (they pack nothing).
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetMetadataAsync, parquetRead } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { readChunkBytes } from '../../src/base/limits.js';
import { CsvRows } from '../../src/campaign/tables/csv-rows.js';
import { JsonArrayRows } from '../../src/campaign/tables/json-array-rows.js';
import { NdjsonRows } from '../../src/campaign/tables/ndjson-rows.js';
import { ParquetRows } from '../../src/campaign/tables/parquet-rows.js';
import type { MicroItem, Register } from './suite.js';

const rowsPerRun = 20_000;
const columns = ['user_id', 'token', 'locale', 'name'];
const shape = { columns, tokenColumn: 1 };

type Row = readonly [id: string, token: string, locale: string, name: string];

const rows = Array.from({ length: rowsPerRun }, (_, index): Row => {
  const token = createHash('sha256').update(String(index)).digest('hex');
  return [`${100_000 + index}`, token, index % 2 === 0 ? 'de' : 'fr', `Zoë Müller ${index % 100}`];
});

export const register: Register = () => [
  csvItem('table: row of CSV', ''),
  csvItem('table: row of CSV in quotes', '"'),
  csvParseItem(),
  ndjsonItem(),
  jsonParseItem(),
  jsonArrayItem(),
  ...parquetItems(),
];

interface Reader {
  write(chunk: Uint8Array): void;
  end(): void;
}

interface Counter {
  count: number;
  onRows(rows: { readonly count: number }): void;
  onBlock(rows: { readonly count: number }): void;
  onInvalid(): void;
}

function newCounter(): Counter {
  const counter: Counter = {
    count: 0,
    onRows: ({ count }) => {
      counter.count += count;
    },
    onBlock: (block) => counter.onRows(block),
    onInvalid: () => {
      throw new Error('a row of the benchmark is invalid');
    },
  };
  return counter;
}

function readItem(name: string, text: string, readerOf: (counter: Counter) => Reader): MicroItem {
  const bytes = Buffer.from(text);
  return {
    name,
    bytesPerItem: bytes.length / rowsPerRun,
    itemsPerRun: rowsPerRun,
    run: () => {
      const counter = newCounter();
      const reader = readerOf(counter);
      for (let from = 0; from < bytes.length; from += readChunkBytes) {
        reader.write(bytes.subarray(from, from + readChunkBytes));
      }
      reader.end();
      checkCount(counter.count);
    },
  };
}

function checkCount(count: number): void {
  if (count !== rowsPerRun) throw new Error(`${count} rows of ${rowsPerRun}`);
}

function csvText(quote: string): string {
  const lines = [columns, ...rows].map((row) => row.map((cell) => `${quote}${cell}${quote}`).join(','));
  return `${lines.join('\n')}\n`;
}

function csvItem(name: string, quote: string): MicroItem {
  return readItem(
    name,
    csvText(quote),
    (counter) => new CsvRows({ ...shape, delimiter: ',', hasHeader: true }, counter),
  );
}

function csvParseItem(): MicroItem {
  const bytes = Buffer.from(csvText(''));
  return {
    name: 'table: row of CSV, by csv-parse from one buffer',
    bytesPerItem: bytes.length / rowsPerRun,
    itemsPerRun: rowsPerRun,
    run: () => checkCount(parse(bytes).length - 1),
  };
}

const objects = rows.map(([id, token, locale, name]) => JSON.stringify({ user_id: Number(id), token, locale, name }));

function ndjsonItem(): MicroItem {
  return readItem('table: row of NDJSON', `${objects.join('\n')}\n`, (counter) => new NdjsonRows(shape, counter));
}

function jsonParseItem(): MicroItem {
  const bytes = Buffer.from(`${objects.join('\n')}\n`);
  return {
    name: 'table: row of NDJSON, by JSON.parse',
    bytesPerItem: bytes.length / rowsPerRun,
    itemsPerRun: rowsPerRun,
    run: () => {
      let count = 0;
      let from = 0;
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
        const { token } = JSON.parse(bytes.toString('utf8', from, end)) as { token: string };
        if (token.length === 64) count++;
        from = end + 1;
      }
      checkCount(count);
    },
  };
}

function jsonArrayItem(): MicroItem {
  return readItem(
    'table: element of a JSON array',
    `[${objects.join(',')}]`,
    (counter) => new JsonArrayRows({ columns: shape, name: 'The benchmark' }, counter),
  );
}

/** The same table as Parquet, packed with snappy: by peal, and as hyparquet makes rows of it. */
function parquetItems(): MicroItem[] {
  const columnData = columns.map((name, index) => ({
    name,
    data: rows.map((row) => row[index]!),
    type: 'STRING' as const,
  }));
  const bytes = parquetWriteBuffer({ columnData });
  const common = { bytesPerItem: bytes.byteLength / rowsPerRun, itemsPerRun: rowsPerRun };
  return [
    {
      ...common,
      name: 'table: row of Parquet',
      run: async () => {
        const directory = mkdtempSync(join(tmpdir(), 'peal-bench-'));
        try {
          const path = join(directory, 'table.parquet');
          writeFileSync(path, new Uint8Array(bytes));
          const table = await ParquetRows.open(path, {});
          if (!(table instanceof ParquetRows)) throw new Error(table.problem);
          const counter = newCounter();
          for await (const _step of table.read(counter));
          await table.close();
          checkCount(counter.count);
        } finally {
          rmSync(directory, { recursive: true });
        }
      },
    },
    {
      ...common,
      name: 'table: row of Parquet, by hyparquet from memory',
      run: async () => {
        const file = { byteLength: bytes.byteLength, slice: (start: number, end?: number) => bytes.slice(start, end) };
        const metadata = await parquetMetadataAsync(file);
        let count = 0;
        await parquetRead({
          file,
          metadata,
          onComplete: (found) => {
            count = found.length;
          },
        });
        checkCount(count);
      },
    },
  ];
}
