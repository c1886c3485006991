import assert from 'node:assert/strict';
import { CsvRows } from '../../../src/campaign/tables/csv-rows.js';
import { JsonArrayRows } from '../../../src/campaign/tables/json-array-rows.js';
import { NdjsonRows } from '../../../src/campaign/tables/ndjson-rows.js';
import { token } from './read-table.js';

const shape = { columns: ['id', 'token', 'locale', 'name'], tokenColumn: 1 };
const rows = 60_000;
const tokens = Array.from({ length: 1000 }, (_, index) => token(index));

/** A row, by its number: some with quotes and escapes. */
const csvRow = (n: number): string => `${n},${tokens[n % 1000]},de,${n % 5 === 0 ? '"Zoë ""Z"" M"' : 'Zoë'}\n`;
const object = (n: number): string =>
  JSON.stringify({ id: n, token: tokens[n % 1000], locale: 'de', name: n % 5 === 0 ? 'a "b"' : 'Zoë' });

interface Reader {
  write(chunk: Uint8Array): void;
  end(): void;
}

const sink = { onRows: () => {}, onBlock: () => {}, onInvalid: () => assert.fail() };

const formats: readonly (readonly [name: string, text: (count: number) => string, reader: () => Reader])[] = [
  [
    'CSV',
    (count) => Array.from({ length: count }, (_, n) => csvRow(n)).join(''),
    () => new CsvRows({ ...shape, delimiter: ',', hasHeader: false }, sink),
  ],
  [
    'NDJSON',
    (count) => Array.from({ length: count }, (_, n) => `${object(n)}\n`).join(''),
    () => new NdjsonRows(shape, sink),
  ],
  [
    'a JSON array',
    (count) => `[${Array.from({ length: count }, (_, n) => object(n)).join(',\n')}]`,
    () => new JsonArrayRows({ columns: shape, name: 'The table' }, sink),
  ],
];

/** The least CPU time of several readings, in microseconds. */
function costOf(text: Buffer, readerOf: () => Reader): number {
  const costs = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    const reader = readerOf();
    for (let at = 0; at < text.length; at += 50_000) reader.write(text.subarray(at, at + 50_000));
    reader.end();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  });
  return Math.min(...costs);
}

describe('campaign/tables, the cost of a row', () => {
  for (const [name, textOf, readerOf] of formats) {
    it(`is the same in a long table as in a short one: ${name}`, () => {
      const short = Buffer.from(textOf(rows));
      const long = Buffer.from(textOf(rows * 4));
      costOf(short, readerOf);
      const ratio = costOf(long, readerOf) / costOf(short, readerOf);
      assert.ok(ratio < 7, `4 times as many rows cost ${ratio.toFixed(1)} times as much`);
    });
  }
});
