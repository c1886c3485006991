import assert from 'node:assert/strict';
import { CsvRows } from '../../../src/campaign/tables/csv-rows.js';
import { JsonArrayRows } from '../../../src/campaign/tables/json-array-rows.js';
import { NdjsonRows } from '../../../src/campaign/tables/ndjson-rows.js';
import { leastRatio } from '../../support/cpu-time.js';
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

/** A row, by its number: quotes of some are never closed, or stand wrong. */
const brokenRow = (n: number): string => {
  if (n % 50 === 0) return `${n},${tokens[n % 1000]},de,"Zoë\n`;
  return n % 50 === 25 ? `${n},${tokens[n % 1000]},de,Z "Z" Z\nrest\n` : csvRow(n);
};

const told = { onRows: () => {}, onBlock: () => {}, onInvalid: () => {} };

const formats: readonly (readonly [name: string, text: (count: number) => string, reader: () => Reader])[] = [
  [
    'CSV',
    (count) => Array.from({ length: count }, (_, n) => csvRow(n)).join(''),
    () => new CsvRows({ ...shape, delimiter: ',', hasHeader: false }, sink),
  ],
  [
    'CSV with quotes that are wrong',
    (count) => Array.from({ length: count }, (_, n) => brokenRow(n)).join(''),
    () => new CsvRows({ ...shape, delimiter: ',', hasHeader: false }, told),
  ],
  [
    'CSV whose first quote is never closed',
    (count) =>
      `0,${tokens[0]},de,"Zoë\n${Array.from({ length: count }, (_, n) => `${n},${tokens[n % 1000]},,x\n`).join('')}`,
    () => new CsvRows({ ...shape, delimiter: ',', hasHeader: false }, told),
  ],
  [
    'CSV of nothing but the text of one cell',
    (count) => `0,${tokens[0]},de,"Zoë\n${'a line, and "another"\n'.repeat(count / 4)}`,
    () => new CsvRows({ ...shape, delimiter: ',', hasHeader: false }, told),
  ],
  ['NDJSON of one line', (count) => `{"id":"${'long '.repeat(count * 10)}"}\n`, () => new NdjsonRows(shape, told)],
  [
    'a JSON array with one element',
    (count) => `[{"id":"${'long '.repeat(count * 10)}"}]`,
    () => new JsonArrayRows({ columns: shape, name: 'The table' }, told),
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
    it(`is the same in a long table as in a short one: ${name}`, async () => {
      const short = Buffer.from(textOf(rows));
      const long = Buffer.from(textOf(rows * 4));
      costOf(short, readerOf);
      const ratio = await leastRatio(7, () => costOf(long, readerOf) / costOf(short, readerOf));
      assert.ok(ratio < 7, `4 times as many rows cost ${ratio.toFixed(1)} times as much`);
    });
  }

  it('does not depend on the size of the chunks in which a long one comes', () => {
    const text = 'a text of "many" lines\n'.repeat(30_000);
    const readers: readonly (readonly [string, () => Reader])[] = [
      [
        `0,${tokens[0]},de,"${text.replaceAll('"', "'")}"\n`,
        () => new CsvRows({ ...shape, delimiter: ',', hasHeader: false }, sink),
      ],
      [
        `[${JSON.stringify({ token: tokens[0], name: text })}]`,
        () => new JsonArrayRows({ columns: shape, name: 'The table' }, sink),
      ],
    ];
    for (const [bytes, readerOf] of readers) {
      const whole = Buffer.from(bytes);
      const before = process.cpuUsage().user;
      const reader = readerOf();
      for (let at = 0; at < whole.length; at += 200) reader.write(whole.subarray(at, at + 200));
      reader.end();
      // A look at all that came before with each chunk takes several seconds.
      assert.ok(process.cpuUsage().user - before < 1_000_000);
    }
  });
});
