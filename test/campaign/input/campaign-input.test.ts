import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PealError } from '../../../src/base/errors.js';
import { CampaignInput, type InputOptions } from '../../../src/campaign/input/campaign-input.js';
import { DuplicateFilter } from '../../../src/campaign/recipients/duplicate-filter.js';
import { token } from '../tables/read-table.js';

interface ReadInput {
  /** "token cell cell", with the cells of all columns of the input. */
  readonly rows: string[];
  /** Rows of each block. */
  readonly blocks: number[];
  readonly invalid: string[];
  readonly message: string | null;
  readonly input: CampaignInput | null;
}

async function read(files: string | string[], options: Partial<InputOptions> = {}): Promise<ReadInput> {
  const result: ReadInput = { rows: [], blocks: [], invalid: [], message: null, input: null };
  const onInvalid = ({ line, why }: { line: number; why: string }, file: string): void =>
    void result.invalid.push(`${file.split('/').at(-1)}:${line} ${why}`);
  let input: CampaignInput | null = null;
  try {
    input = await CampaignInput.open({ files: [files].flat(), onInvalid, ...options });
    for await (const { rows } of input) {
      result.blocks.push(rows.count);
      for (let index = 0; index < rows.count; index++) {
        const cells = input.columns.map((name) => rows.text(index, name) ?? '-');
        result.rows.push([rows.tokens.textAt(index).slice(0, 8), ...cells].join(' '));
      }
    }
  } catch (error) {
    assert.ok(error instanceof PealError && error.code === 'ERR_PEAL_INPUT', String(error));
    return { ...result, message: error.message, input };
  }
  return { ...result, input };
}

const short = (index: number): string => token(index).slice(0, 8);
const csv = (from: number, to: number): string =>
  `id,token,name\n${Array.from({ length: to - from }, (_, i) => `${from + i},${token(from + i)},n${from + i}\n`).join('')}`;
const list = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `${token(from + i)}\n`).join('');

describe('campaign/input/campaign-input', () => {
  let directory: string;
  const file = (name: string, contents: string | Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, contents);
    return path;
  };
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'peal-input-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  it('reads lists and tables of any name, packed or not, one after another', async () => {
    const files = [
      file('a', list(0, 2)),
      file('b.txt', csv(2, 4)),
      file('c.gz', gzipSync(csv(4, 6).replaceAll(',', ';'))),
      file('d', `token\n${list(6, 7)}`),
      file('empty', ''),
      file('e.csv', `locale,token\nde,${token(7)}\n`),
    ];
    const { rows, input, invalid, message } = await read(files);
    assert.deepEqual([invalid, message], [[], null]);
    assert.deepEqual(input!.columns, ['id', 'token', 'name', 'locale']);
    assert.deepEqual(rows, [
      `${short(0)} - - - -`,
      `${short(1)} - - - -`,
      `${short(2)} 2 ${token(2)} n2 -`,
      `${short(3)} 3 ${token(3)} n3 -`,
      `${short(4)} 4 ${token(4)} n4 -`,
      `${short(5)} 5 ${token(5)} n5 -`,
      `${short(6)} - ${token(6)} - -`,
      `${short(7)} - ${token(7)} - de`,
    ]);
    assert.deepEqual(
      input!.files.map(({ shape, place }) => `${shape?.format} ${place.isWhole}`),
      ['list true', 'csv true', 'csv true', 'csv true', 'list true', 'csv true'],
    );
  });

  const objects = (from: number, to: number): object[] =>
    Array.from({ length: to - from }, (_, i) => ({ id: from + i, push: token(from + i), tags: ['a', i] }));

  it('reads NDJSON and JSON arrays of objects and of texts', async () => {
    const ndjson = objects(0, 2).map((one) => JSON.stringify(one));
    const files = [
      file('a.ndjson', `nonsense\n${ndjson.join('\n')}`.replace('nonsense', '{"id":,}')),
      file('b.json', JSON.stringify(objects(2, 4), null, 2)),
      file('c.json.gz', gzipSync(JSON.stringify(objects(4, 5)))),
      file('d.json', JSON.stringify([token(5), token(6)])),
    ];
    const { rows, input, invalid, message } = await read(files);
    assert.deepEqual([invalid, message], [['a.ndjson:1 is not a JSON object'], null]);
    assert.deepEqual(input!.columns, ['id', 'push', 'tags']);
    assert.deepEqual(
      rows.map((row) => row.replace(/ [0-9a-f]{64} /, '_').replaceAll(/\s+/g, '')),
      [
        ...[0, 1].map((i) => `${short(i)}${i}_["a",${i}]`),
        ...[2, 3, 4].map((i) => `${short(i)}${i}_["a",${i === 4 ? 0 : i - 2}]`),
        `${short(5)}---`,
        `${short(6)}---`,
      ],
    );
    assert.deepEqual(
      input!.files.map(({ shape }) => shape!.format),
      ['ndjson', 'json', 'json', 'json'],
    );
  });

  it('has a column for members that are asked for, also where the first rows have none', async () => {
    const first = JSON.stringify({ token: token(0), id: 1 });
    const many = `${first}\n`.repeat(1500) + JSON.stringify({ token: token(1), nick: 'x', city: 'y' });
    const path = file('late.ndjson', many);
    const input = await CampaignInput.open({ files: [path], columns: ['nick'], isRepeatable: true });
    assert.deepEqual(input.columns, ['token', 'id', 'nick']);
    const cells: unknown[] = [];
    for await (const { rows } of input)
      cells.push([rows.text(rows.count - 1, 'nick'), rows.text(rows.count - 1, '(others)')]);
    assert.deepEqual(cells, [
      [null, null],
      ['x', '{"city":"y"}'],
    ]);
  });

  it('says what to do with JSON that is neither', async () => {
    const one = JSON.stringify({ app: 'x', tokens: [token(1)] });
    assert.match(
      (await read(file('one.json', one))).message!,
      /is a JSON object with a list in it: write the list alone \(jq '\."tokens"'\)/,
    );
    assert.match(
      (await read(file('many.json', JSON.stringify(JSON.parse(one), null, 2)))).message!,
      /is a JSON object: /,
    );
    const other = file('other.ndjson', '{"a":1}\n{"a":2}\n');
    assert.match((await read(other)).message!, /has no column that looks like device tokens \(a\)/);
    const cut = await read(file('cut.json', JSON.stringify(objects(0, 3)).slice(0, -20)));
    assert.equal(cut.rows.length, 2);
    assert.match(
      cut.message!,
      /was cut off: .*Elements 1 to 2 were read and count; go on with element 3 .*jq '\.\[2:\]'/,
    );
  });

  it('finds files by patterns, sorted, each once', async () => {
    mkdirSync(join(directory, 'exports'));
    file('exports/b.csv', csv(1, 2));
    file('exports/a.csv', csv(0, 1));
    file('exports/c[1].txt', list(2, 3));
    const { rows } = await read([join(directory, 'exports/*.csv'), join(directory, 'exports/{a,b}.csv')]);
    assert.deepEqual(
      rows.map((row) => row.split(' ')[1]),
      ['0', '1'],
    );
    assert.equal((await read(join(directory, 'exports/c[1].txt'))).rows.length, 1);
    const none = join(directory, 'exports/*.gz');
    assert.equal((await read(none)).message, `No file matches ${none}.`);
    assert.match((await read(['-', '-'])).message!, /^Standard input is named twice/);
  });

  it('refuses a file that is named twice, and takes one once that is named beside a pattern', async () => {
    mkdirSync(join(directory, 'lists'));
    const first = file('lists/a.txt', list(0, 1));
    file('lists/b.txt', list(1, 2));
    assert.equal((await read([first, first])).message, `The file ${first} is named twice: name it once.`);
    assert.equal((await read([first, join(directory, 'lists/*.txt')])).rows.length, 2);
    assert.equal((await read([join(directory, 'lists/*.txt'), first])).rows.length, 2);
  });

  it('tells of invalid rows with their file and line, and waits for the one who is told', async () => {
    const path = file('bad.csv', `${csv(0, 2)}x,y\n2,nonsense,n\n`);
    let running = 0;
    const { invalid, rows } = await read([path, file('bad.txt', `${token(3)}\nnonsense\n`)]);
    assert.deepEqual(invalid, [
      'bad.csv:4 has 2 cells where the table has 3 columns',
      'bad.csv:5 is neither hex nor base64 of a device token',
      'bad.txt:2 is neither hex nor base64 of a device token',
    ]);
    assert.equal(rows.length, 3);
    await read(path, {
      onInvalid: async () => {
        assert.equal(++running, 1);
        await Promise.resolve();
        running--;
      },
    });
  });

  it('keeps the first row of each token, in all files', async () => {
    const duplicates = new DuplicateFilter();
    const files = [
      file('twice.csv', `${csv(0, 3)}x,${token(1)},other\n${csv(3, 4).split('\n')[1]}\n`),
      file('again', list(2, 5)),
      file('all', list(0, 5)),
    ];
    const { rows } = await read(files, { duplicates });
    assert.deepEqual(
      rows.map((row) => row.split(' ').slice(0, 2)),
      [0, 1, 2, 3, 4].map((i) => [short(i), i < 4 ? `${i}` : '-']),
    );
    assert.deepEqual([duplicates.size, duplicates.duplicates], [5, 8]);
    assert.equal(rows[1], `${short(1)} 1 ${token(1)} n1`);
  });

  it('refuses what cannot be read before anything is handed out', async () => {
    const good = file('good.txt', list(0, 3));
    for (const [name, contents, problem] of [
      ['sql', `INSERT INTO t VALUES (1, '${token(1)}');\n`, /looks like SQL/],
      ['psql', ` id | token \n----+------\n  1 | ${token(1)}\n`, /looks like a table that a SQL tool has printed/],
      [
        'columns.csv',
        'id,locale,name\n1,de,x\n',
        /has no column that looks like device tokens \(id, locale, name\): say/,
      ],
      ['pem', '-----BEGIN PRIVATE KEY-----\nabc\n', /is a PEM file/],
      ['spreadsheet', Buffer.from('504b030414000000', 'hex'), /is a ZIP archive or a spreadsheet/],
    ] as const) {
      const bad = file(name, contents);
      const { rows, message } = await read([good, bad]);
      assert.deepEqual(rows, []);
      assert.match(message!, problem);
      assert.ok(message!.startsWith(`The file ${bad} `), message!);
    }
    const missing = join(directory, 'missing.csv');
    assert.equal((await read([good, missing])).message, `The file ${missing} does not exist.`);
  });

  it('refuses tables without a header beside tables with one', async () => {
    const { message, rows } = await read([file('h.csv', csv(0, 2)), file('n.csv', `1,${token(1)}\n`)]);
    assert.match(message!, /n\.csv has no header, and the file .*h\.csv has names for its columns/);
    assert.deepEqual(rows, []);
    const unnamed = await read([file('n1.csv', `1,${token(1)}\n`), file('n2.csv', `${token(2)};2;3\n`)]);
    assert.deepEqual(unnamed.input!.columns, ['1', '2', '3']);
    assert.equal(unnamed.rows.length, 2);
  });

  it('reads as it is told', async () => {
    const path = file('two.csv', `a,b\n${token(1)},${token(2)}\n`);
    assert.match((await read(path)).message!, /several columns that look like device tokens \(a, b\)/);
    assert.equal((await read(path, { tokenColumn: 'b' })).rows[0]!.split(' ')[0], short(2));
    assert.equal((await read(path, { tokenColumn: 1 })).rows[0]!.split(' ')[0], short(1));
    assert.equal((await read(path, { tokenColumn: '2', header: false })).rows.length, 1);
    const bars = file('bars', `x^token\n1^${token(1)}\n`);
    assert.equal((await read(bars, { delimiter: '^' })).rows.length, 1);
    assert.equal((await read(bars, { format: 'list' })).invalid.length, 2);
    await assert.rejects(CampaignInput.open({ files: [path], delimiter: 'a' }), /delimiter must be one character/);
    await assert.rejects(CampaignInput.open({ files: [] }), { code: 'ERR_PEAL_OPTION' });
  });

  it('reads each format in zstd', async function () {
    if (spawnSync('zstd', ['--version']).status !== 0) this.skip();
    const zstd = (text: string): Buffer => spawnSync('zstd', ['-q', '-c'], { input: text }).stdout;
    const ndjson = objects(2, 4).map((one) => JSON.stringify(one));
    const { rows, message } = await read([
      file('a.csv.zst', zstd(csv(0, 2))),
      file('b.ndjson.zst', zstd(ndjson.join('\n'))),
      file('c.json.zst', zstd(JSON.stringify(objects(4, 5)))),
      file('d.zst', zstd(list(5, 6))),
    ]);
    assert.equal(message, null);
    assert.deepEqual(
      rows.map((row) => row.slice(0, 8)),
      [0, 1, 2, 3, 4, 5].map(short),
    );
    const packed = zstd(csv(0, 5000));
    const cut = await read(file('cut.csv.zst', packed.subarray(0, packed.length - 100_000)));
    const lines = cut.rows.length + 1;
    assert.match(
      cut.message!,
      new RegExp(`is zstd that was cut off: .* go on with line ${lines + 1} .*\\(sed 2,${lines}d\\)`),
    );
  });

  it('says of a table that was cut off where to go on', async () => {
    const whole = csv(0, 5000);
    const packed = gzipSync(whole);
    const { rows, message } = await read(file('cut.csv.gz', packed.subarray(0, packed.length / 2)));
    assert.ok(rows.length > 100);
    const lines = rows.length + 1;
    assert.ok(
      message!.endsWith(
        `is gzip that was cut off: fetch or pack it again. Lines 1 to ${lines} were read and count; ` +
          `go on with line ${lines + 1} of a whole copy (sed 2,${lines}d).`,
      ),
      message!,
    );
  });

  it('reads the other files where one fails, and tells of it then', async () => {
    const packed = gzipSync(list(0, 5000));
    const files = [file('cut.gz', packed.subarray(0, 5000)), file('good.csv', csv(0, 3))];
    const { rows, message } = await read(files);
    assert.match(message!, /cut\.gz is gzip that was cut off/);
    assert.equal(rows.at(-1), `${short(2)} 2 ${token(2)} n2`);
  });

  describe('with repeatable blocks', () => {
    it('gives the same blocks whatever the pieces that a pipe brings', async () => {
      const text = csv(0, 3000);
      const script = `
        import { CampaignInput } from '${new URL('../../../src/campaign/input/campaign-input.js', import.meta.url)}';
        const input = await CampaignInput.open({ files: ['-'], isRepeatable: true });
        const counts = [];
        for await (const { rows } of input) counts.push(rows.count);
        console.log(counts.join(' '), input.columns.join(' '));`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.on('data', (chunk) => {
        said += String(chunk);
      });
      for (const part of [text.slice(0, 10), text.slice(10, 1000), text.slice(1000, 150_000), text.slice(150_000)]) {
        child.stdin.write(part);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      child.stdin.end();
      await new Promise((resolve) => child.once('close', resolve));
      assert.equal(said, '1024 1024 952 id token name\n');
    });

    it('hands out whole blocks only of a file that fails, and nothing behind them', async () => {
      const packed = gzipSync(csv(0, 5000));
      const files = [file('cut.gz', packed.subarray(0, packed.length / 2)), file('good.csv', csv(0, 3))];
      const { blocks, message, input } = await read(files, { isRepeatable: true });
      assert.ok(blocks.length > 0 && blocks.every((count) => count === 1024), blocks.join());
      assert.match(message!, /What was read of it counts: run the same again with a whole copy\.$/);
      assert.equal(input!.files[0]!.place.isWhole, false);
    });
  });

  it('hands out what a pipe brought when it pauses, once it is known how it is written', async () => {
    if (process.platform === 'win32') return;
    const path = join(directory, 'pipe');
    spawnSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', 'exec cat > "$0"', path], { stdio: ['pipe', 'ignore', 'inherit'] });
    writer.stdin.write('id,token\n');
    const opening = CampaignInput.open({ files: [path] });
    await new Promise((resolve) => setTimeout(resolve, 20));
    writer.stdin.write(`1,${token(1)}\n`);
    const input = await opening;
    assert.deepEqual(input.columns, ['id', 'token']);
    const blocks = input[Symbol.asyncIterator]();
    assert.equal((await blocks.next()).value!.rows.count, 1);
    writer.stdin.write(`2,${token(2)}\n`);
    assert.equal((await blocks.next()).value!.rows.text(0, 'id'), '2');
    writer.stdin.end();
    assert.equal((await blocks.next()).done, true);
  });

  it('ends when it is told to, with the rows that were read', async () => {
    if (process.platform === 'win32') return;
    const path = join(directory, 'silent');
    spawnSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', 'exec cat > "$0"', path], { stdio: ['pipe', 'ignore', 'inherit'] });
    writer.stdin.write(csv(0, 10));
    const end = new AbortController();
    const input = await CampaignInput.open({ files: [path], signal: end.signal });
    let count = 0;
    for await (const { rows } of input) {
      count += rows.count;
      end.abort();
    }
    assert.equal(count, 10);
    assert.equal(input.files[0]!.place.isWhole, false);
    writer.kill();
    const aborted = await read(file('aborted.csv', csv(0, 3)), { signal: AbortSignal.abort() });
    assert.deepEqual(aborted.rows, []);
  });

  it('closes what it has opened when its reader leaves', async () => {
    if (process.platform === 'win32') return;
    const path = join(directory, 'left');
    spawnSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', 'exec cat > "$0"', path], { stdio: ['pipe', 'ignore', 'inherit'] });
    writer.stdin.on('error', () => {});
    writer.stdin.write(list(0, 10));
    const input = await CampaignInput.open({ files: [path] });
    for await (const _block of input) break;
    const closed = new Promise((resolve) => writer.once('exit', resolve));
    writer.stdin.write(list(0, 10));
    await closed;
  });
});
