import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { PealError } from '../../../src/base/errors.js';
import { CampaignInput, type InputOptions } from '../../../src/campaign/input/campaign-input.js';
import { token } from './read-table.js';

interface Table {
  readonly columns: readonly string[];
  readonly cells: (string | null)[][];
  readonly tokens: string[];
  readonly invalid: string[];
  readonly blocks: number[];
}

async function read(file: string, options: Partial<InputOptions> = {}): Promise<Table> {
  const table = {
    cells: [] as (string | null)[][],
    tokens: [] as string[],
    invalid: [] as string[],
    blocks: [] as number[],
  };
  const onInvalid = ({ line, why }: { line: number; why: string }): void => void table.invalid.push(`${line} ${why}`);
  const input = await CampaignInput.open({ files: [file], onInvalid, ...options });
  for await (const { rows } of input) {
    table.blocks.push(rows.count);
    for (let index = 0; index < rows.count; index++) {
      table.tokens.push(rows.tokens.textAt(index));
      table.cells.push(input.columns.map((name) => rows.text(index, name)));
    }
  }
  return { columns: input.columns, ...table };
}

const problemOf = async (file: string, options?: Partial<InputOptions>): Promise<string> => {
  try {
    await read(file, options);
  } catch (error) {
    assert.ok(error instanceof PealError && error.code === 'ERR_PEAL_INPUT', String(error));
    return error.message;
  }
  return 'none';
};

type Columns = Parameters<typeof parquetWriteBuffer>[0]['columnData'];

describe('campaign/tables/parquet-rows', () => {
  let directory: string;
  const file = (name: string, contents: string | Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, contents);
    return path;
  };
  const parquet = (name: string, columnData: Columns, options: object = {}): string =>
    file(name, new Uint8Array(parquetWriteBuffer({ columnData, ...options })));
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'peal-parquet-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  it('makes text of values of all types', async () => {
    const time = new Date('2026-11-28T10:20:30.123Z');
    const path = parquet('types', [
      { name: 'id', data: [12345678901234567n, -1n], type: 'INT64' },
      { name: 'push', data: [token(0), token(1)], type: 'STRING' },
      { name: 'count', data: [7, 0], type: 'INT32' },
      { name: 'score', data: [1.5, -0.1], type: 'DOUBLE' },
      { name: 'flag', data: [true, false], type: 'BOOLEAN' },
      { name: 'since', data: [time, time], type: 'TIMESTAMP' },
      { name: 'name', data: ['Zoë', null] as unknown as string[], type: 'STRING' },
      { name: 'tags', data: [{ a: [1, 'x'] }, null] as unknown as string[], type: 'JSON' },
    ] as Columns);
    const { columns, cells, tokens, invalid } = await read(path);
    assert.deepEqual(columns, ['id', 'push', 'count', 'score', 'flag', 'since', 'name', 'tags']);
    assert.deepEqual(invalid, []);
    assert.deepEqual(tokens, [token(0), token(1)]);
    assert.deepEqual(cells[0], [
      '12345678901234567',
      token(0),
      '7',
      '1.5',
      'true',
      '2026-11-28T10:20:30.123Z',
      'Zoë',
      '{"a":[1,"x"]}',
    ]);
    assert.deepEqual(cells[1]!.slice(0, 5), ['-1', token(1), '0', '-0.1', 'false']);
    assert.deepEqual(cells[1]!.slice(6), [null, null]);
  });

  it('keeps the digits of decimals, and the microseconds of times', async () => {
    const schema = [
      { name: 'root', num_children: 4 },
      { name: 'token', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      { name: 'price', type: 'INT32', converted_type: 'DECIMAL', scale: 1, precision: 9, repetition_type: 'REQUIRED' },
      { name: 'large', type: 'INT64', converted_type: 'DECIMAL', scale: 2, precision: 18, repetition_type: 'REQUIRED' },
      {
        name: 'at',
        type: 'INT64',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
        repetition_type: 'REQUIRED',
      },
    ];
    const columnData = [
      { name: 'token', data: [token(0)] },
      { name: 'price', data: [0.3] },
      { name: 'large', data: [-12345678901234.56] },
      { name: 'at', data: [1764325230123456n] },
    ];
    const { cells } = await read(parquet('decimals', columnData as Columns, { schema }));
    assert.deepEqual(cells[0]!.slice(1), ['0.3', '-12345678901234.56', '2025-11-28T10:20:30.123456Z']);
  });

  it('takes 32 raw bytes for a token, and other bytes for hex', async () => {
    const raw = (index: number): Uint8Array => new Uint8Array(Buffer.from(token(index), 'hex'));
    const path = parquet('binary', [
      { name: 'id', data: ['a', 'b'], type: 'STRING' },
      { name: 'push', data: [raw(0), raw(1)], type: 'BYTE_ARRAY' },
    ] as Columns);
    const { tokens, cells } = await read(path);
    assert.deepEqual(tokens, [token(0), token(1)]);
    assert.deepEqual(cells[1], ['b', token(1)]);
    const schema = [
      { name: 'root', num_children: 1 },
      { name: 'device', type: 'FIXED_LEN_BYTE_ARRAY', type_length: 32, repetition_type: 'REQUIRED' },
    ];
    const fixed = parquet('fixed', [{ name: 'device', data: [raw(2), raw(3)] }] as Columns, { schema });
    assert.deepEqual((await read(fixed)).tokens, [token(2), token(3)]);
  });

  for (const codec of ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD'] as const) {
    it(`reads row groups one after another, packed with ${codec}`, async function () {
      const numbers = Array.from({ length: 5000 }, (_, index) => index);
      const zstd = (input: Uint8Array): Uint8Array => new Uint8Array(spawnSync('zstd', ['-q', '-c'], { input }).stdout);
      const compressors = { GZIP: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)), ZSTD: zstd };
      if (codec === 'ZSTD' && spawnSync('zstd', ['--version']).status !== 0) this.skip();
      const path = parquet(
        codec,
        [
          { name: 'id', data: numbers, type: 'INT32' },
          { name: 'token', data: numbers.map(token), type: 'STRING' },
          { name: 'locale', data: numbers.map((n) => (n % 3 === 0 ? 'de' : 'fr')), type: 'STRING' },
        ] as Columns,
        { codec, compressors, rowGroupSize: 1500 },
      );
      const { tokens, cells, blocks, invalid } = await read(path);
      assert.deepEqual(invalid, []);
      assert.deepEqual(tokens, numbers.map(token));
      assert.deepEqual(cells[4999], ['4999', token(4999), 'fr']);
      assert.deepEqual(blocks, [1024, 1024, 1024, 1024, 904]);
    });
  }

  it('tells of rows without a token by their number', async () => {
    const path = parquet('bad', [
      { name: 'token', data: [token(0), 'x', null, token(3)] as unknown as string[], type: 'STRING' },
      { name: 'name', data: ['a', 'b', 'c', 'd'], type: 'STRING' },
    ] as Columns);
    const { tokens, invalid } = await read(path);
    assert.deepEqual(tokens, [token(0), token(3)]);
    assert.deepEqual(invalid, [
      '2 is neither hex nor base64 of a device token',
      '3 has no device token in its column "token"',
    ]);
  });

  it('refuses a file of another schema, naming its columns', async () => {
    const path = parquet('schema', [
      { name: 'id', data: [1, 2], type: 'INT32' },
      { name: 'mail', data: ['a', 'b'], type: 'STRING' },
    ] as Columns);
    assert.equal(
      await problemOf(path),
      `The file ${path} has no column that looks like device tokens (id, mail): say which one with the option tokenColumn.`,
    );
    assert.match(await problemOf(path, { tokenColumn: 'push' }), /has no column "push" \(id, mail\)/);
  });

  it('says of what cannot be read as Parquet why', async () => {
    const good = new Uint8Array(
      parquetWriteBuffer({ columnData: [{ name: 'token', data: [token(0), token(1)], type: 'STRING' }] as Columns }),
    );
    assert.match(
      await problemOf(file('packed.gz', gzipSync(good))),
      /is gzip, and its content is Parquet, which is read from its end: give the file itself/,
    );
    assert.match(
      await problemOf(file('cut', good.subarray(0, good.length - 20))),
      /is Parquet that is damaged or was cut off/,
    );
    assert.match(await problemOf(file('text', `${token(0)}\n`), { format: 'parquet' }), /is no Parquet file/);
    assert.match(await problemOf('-', { format: 'parquet' }), /Standard input cannot be Parquet/);
    assert.match(await problemOf(file('given', good), { format: 'csv' }), /is Parquet: write the column/);
    const damaged = new Uint8Array(good);
    damaged.fill(0xff, 10, 40);
    assert.match(await problemOf(file('damaged', damaged)), /is Parquet/);
  });
});
