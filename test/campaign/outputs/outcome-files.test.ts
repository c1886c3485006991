import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, open as openFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CampaignInput } from '../../../src/campaign/input/campaign-input.js';
import {
  OutcomeFiles,
  type OutcomeFilesOptions,
  removeOutcomeFiles,
} from '../../../src/campaign/outputs/outcome-files.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { Rows } from '../../../src/session/recipients/rows.js';
import { leastRatio } from '../../support/cpu-time.js';

const since = Date.UTC(2026, 0, 2, 3, 4, 5);
const sinceText = '2026-01-02T03:04:05.000Z';
const id = '8d0e5e1e-0b0a-4d8e-9f1a-000000000001';

type Cells = Readonly<Record<string, readonly string[]>>;

/** Tokens of 16 bytes, all digits of one kind. */
function rowsOf(count: number, cells: Cells = {}): Rows {
  const bytes = new Uint8Array(count * 16).map((_, index) => (Math.trunc(index / 16) + 1) * 0x11);
  return new Rows(new TokenBlock(bytes, 16, count), cells);
}

const hex = (row: number): string => String(row + 1).repeat(32);

describe('campaign/outputs, the files of outcomes', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const at = (name: string): string => path.join(folder, name);
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  const objects = (name: string): unknown[] =>
    read(name)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  const open = (options: Partial<OutcomeFilesOptions> = {}): Promise<OutcomeFiles> =>
    OutcomeFiles.open({
      folder,
      format: 'csv',
      columns: [],
      tokenColumns: new Set(),
      keepsAccepted: false,
      lengths: {},
      ...options,
    });
  const ofTable = (columns: readonly string[], more: Partial<OutcomeFilesOptions> = {}): Promise<OutcomeFiles> =>
    open({ columns, tokenColumns: new Set(['device']), ...more });

  describe('of plain lists', () => {
    it('have a token a line, and the columns that they have always had', async () => {
      const files = await open({ keepsAccepted: true });
      const rows = rowsOf(4);
      files.rejected(rows, 0, 400, 'BadTopic');
      files.rejected(rows, 1, null, '=SUM(A1)');
      files.gone(rows, 2, 'Unregistered', since);
      files.gone(rows, 2, 'BadDeviceToken', null);
      files.accepted(rows, 3, id, null);
      files.unsent(rows, null);
      files.unknown(rows, [1, 3]);
      files.invalid(7, 'x,y', 'is no token', '-');
      files.invalid(null, '"', 'is no token', 'a\nb');
      await files.finish();
      assert.equal(
        read('rejected.csv'),
        `token,status,reason,timestamp\n${hex(0)},400,BadTopic,\n${hex(1)},,'=SUM(A1),\n`,
      );
      assert.equal(
        read('gone.csv'),
        `token,reason,since\n${hex(2)},Unregistered,${sinceText}\n${hex(2)},BadDeviceToken,\n`,
      );
      assert.equal(read('accepted.csv'), `token,apns-id,apns-unique-id\n${hex(3)},${id},\n`);
      assert.equal(read('unsent.txt'), [0, 1, 2, 3].map((row) => `${hex(row)}\n`).join(''));
      assert.equal(read('unknown.txt'), `${hex(1)}\n${hex(3)}\n`);
      assert.equal(
        read('invalid.csv'),
        'line,text,why,list\n7,"x,y",is no token,standard input\n,"""",is no token,a\\u{a}b\n',
      );
      const names = ['accepted.csv', 'gone.csv', 'invalid.csv', 'rejected.csv', 'unknown.txt', 'unsent.txt'];
      assert.deepEqual(readdirSync(folder).sort(), names);
      assert.deepEqual([...files.names].sort(), names);
      for (const name of names) assert.equal(statSync(at(name)).mode & 0o777, 0o600);
    });

    it('are lists in NDJSON, too, beside objects', async () => {
      const files = await open({ format: 'ndjson' });
      files.rejected(rowsOf(1), 0, null, 'say "no"');
      files.gone(rowsOf(1), 0, 'Unregistered', null);
      files.accepted(rowsOf(1), 0, id, id);
      files.unsent(rowsOf(1), null);
      files.invalid(null, 'x', 'is no token', '-');
      await files.finish();
      assert.deepEqual(objects('rejected.ndjson'), [{ token: hex(0), status: null, reason: 'say "no"' }]);
      assert.deepEqual(objects('gone.ndjson'), [{ token: hex(0), reason: 'Unregistered', since: null }]);
      assert.deepEqual(objects('invalid.ndjson'), [
        { line: null, text: 'x', why: 'is no token', list: 'standard input' },
      ]);
      assert.equal(read('unsent.txt'), `${hex(0)}\n`);
      assert.ok(!readdirSync(folder).includes('accepted.ndjson'));
    });
  });

  describe('of tables', () => {
    const cells = { name: ['Zoë', 'a "b", c\nd'], device: ['x', 'y'], status: ['=1+1', 'nul\0'] };
    const columns = ['name', 'device', 'status'];

    it('have the columns of the input behind those of peal, or as they were', async () => {
      const files = await ofTable(columns, { keepsAccepted: true });
      const rows = rowsOf(2, cells);
      files.rejected(rows, 0, 400, 'BadTopic');
      files.rejected(rows, 1, 400, 'BadTopic');
      files.gone(rows, 0, 'Unregistered', since);
      files.accepted(rows, 0, id, null);
      files.unsent(rows, null);
      files.unknown(rows, [1]);
      await files.finish();
      const own = ["Zoë,'=1+1", '"a ""b"", c\nd",nul\0'];
      assert.equal(
        read('rejected.csv'),
        `token,status,reason,name,status (own)\n${own.map((text, row) => `${hex(row)},400,BadTopic,${text}\n`).join('')}`,
      );
      assert.equal(
        read('gone.csv'),
        `token,reason,since,name,status (own)\n${hex(0)},Unregistered,${sinceText},${own[0]}\n`,
      );
      assert.equal(
        read('accepted.csv'),
        `token,apns-id,apns-unique-id,name,status (own)\n${hex(0)},${id},,${own[0]}\n`,
      );
      assert.equal(read('unsent.csv'), `name,device,status\nZoë,${hex(0)},'=1+1\n"a ""b"", c\nd",${hex(1)},nul\0\n`);
      assert.equal(read('unknown.csv'), `name,device,status\n"a ""b"", c\nd",${hex(1)},nul\0\n`);
    });

    it('are objects in NDJSON, with the fields that a recipient has', async () => {
      const files = await ofTable(columns, { format: 'ndjson' });
      const rows = rowsOf(2, { ...cells, name: ['', cells.name[1]!] });
      files.rejected(rows, 0, 400, 'BadTopic');
      files.rejected(rows, 1, 400, 'BadTopic');
      files.unsent(rows, null);
      await files.finish();
      const peal = { status: 400, reason: 'BadTopic' };
      assert.deepEqual(objects('rejected.ndjson'), [
        { token: hex(0), ...peal, 'status (own)': '=1+1' },
        { token: hex(1), ...peal, name: cells.name[1], 'status (own)': 'nul\0' },
      ]);
      assert.deepEqual(objects('unsent.ndjson'), [
        { device: hex(0), status: '=1+1' },
        { device: hex(1), name: cells.name[1], status: 'nul\0' },
      ]);
    });

    it('have cells of several inputs under the names of their columns', async () => {
      const files = await ofTable(['a', 'device', 'b', '@c']);
      files.unsent(rowsOf(1, { device: [''], b: ['B'], a: ['A'] }), null);
      files.unsent(rowsOf(1, { '@c': ['C'], device: [''] }), null);
      files.rejected(rowsOf(1, { b: ['B'] }), 0, 400, 'X');
      await files.finish();
      assert.equal(read('unsent.csv'), `a,device,b,'@c\nA,${hex(0)},B,\n,${hex(0)},,C\n`);
      assert.equal(read('rejected.csv'), `token,status,reason,a,b,'@c\n${hex(0)},400,X,,B,\n`);
    });

    it('have what is in no column in the column (others), and in NDJSON as members', async () => {
      const others = '{"n": 12345678901234567890, "o":{"x":[1,\n2]},"status":"s","last" : true}';
      const rows = rowsOf(2, { device: ['', ''], a: ['A', ''], z: ['Z', ''], '(others)': [others, ''] });
      const texts: string[] = [];
      for (const format of ['csv', 'ndjson'] as const) {
        const files = await ofTable(['a', 'device', '(others)'], { format });
        files.rejected(rows, 0, 400, 'X');
        files.unsent(rows, null);
        files.unsent(rowsOf(1, { '(others)': ['{"one":1}'] }), null);
        await files.finish();
        texts.push(read(`unsent.${format}`));
      }
      const merged = '{"z":"Z","n":12345678901234567890,"o":{"x":[1, 2]},"status":"s","last":true}';
      const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
      assert.equal(
        texts[0],
        `a,device,(others)\nA,${hex(0)},${cell(merged)}\n,${hex(1)},\n,${hex(0)},${cell('{"one":1}')}\n`,
      );
      const members = '"n":12345678901234567890,"o":{"x":[1, 2]},"status":"s","last":true';
      assert.equal(
        texts[1],
        `{"device":"${hex(0)}","a":"A","z":"Z",${members}}\n{"device":"${hex(1)}"}\n{"device":"${hex(0)}","one":1}\n`,
      );
      assert.match(read('rejected.ndjson'), /"status":400,.*"status \(own\)":"s"/);
    });
  });

  describe('that grow', () => {
    const columns = ['name', 'device'];
    const rows = rowsOf(3, { name: ['a', '"', 'c'], device: ['', '', ''] });

    it('are the same after a crash at any byte, once a run has gone on from the lengths of the journal', async () => {
      const append = (files: OutcomeFiles, row: number): void => files.rejected(rows, row, 400, 'X');
      const whole = await ofTable(columns);
      for (const row of [0, 1, 2]) append(whole, row);
      await whole.finish();
      const expected = read('rejected.csv');
      const first = await ofTable(columns);
      append(first, 0);
      const { files: lengths, written } = first.cut();
      await written;
      const kept = lengths['rejected.csv']!;
      assert.equal(read('rejected.csv'), expected.slice(0, kept));
      append(first, 1);
      append(first, 2);
      first.abandon();
      for (let end = kept; end <= expected.length; end++) {
        truncateSync(at('rejected.csv'), end);
        const next = await ofTable(columns, { lengths });
        for (const row of [1, 2]) append(next, row);
        await next.finish();
        assert.equal(read('rejected.csv'), expected);
        assert.equal(next.cut().files['rejected.csv'], expected.length);
        assert.equal(next.cut().written, null);
      }
      await first.finish().catch(() => {});
    });

    it('are refused when they are shorter than they were, are missing, or are a link', async () => {
      writeFileSync(at('rejected.csv'), 'short');
      const lengths = { 'rejected.csv': 10 };
      await assert.rejects(ofTable(columns, { lengths }), {
        code: 'ERR_PEAL_INPUT',
        message:
          /rejected\.csv is shorter than it was \(5 of 10 bytes\): what an earlier run wrote to it is lost\. Bring the file back from a copy,/,
      });
      assert.equal(read('rejected.csv'), 'short');
      await rm(at('rejected.csv'));
      await assert.rejects(ofTable(columns, { lengths }), { code: 'ERR_PEAL_INPUT', message: /is missing: / });
      writeFileSync(at('victim'), 'untouched, and long');
      symlinkSync(at('victim'), at('rejected.csv'));
      await assert.rejects(ofTable(columns, { lengths }), { message: /rejected\.csv is a symbolic link: / });
      assert.equal(read('victim'), 'untouched, and long');
    });

    it('replace a link when they begin, and what it points to stays as it was', async () => {
      writeFileSync(at('victim'), 'untouched');
      for (const name of ['rejected.csv', 'gone.csv', 'unsent.txt']) symlinkSync(at('victim'), at(name));
      const files = await open();
      await files.finish();
      assert.equal(read('victim'), 'untouched');
      for (const name of files.names) assert.ok(lstatSync(at(name)).isFile());
    });

    it('do not begin in place of a directory', async () => {
      mkdirSync(at('gone.csv'));
      await assert.rejects(open(), {
        code: 'ERR_PEAL_INPUT',
        message: /gone\.csv cannot be written: it is a directory\.$/,
      });
    });
  });

  it('name each file that could not be written on a full disk, and are written by the run that resumes', async () => {
    const files = await open();
    const { written } = files.cut();
    await written;
    const lengths = files.cut().files;
    const probe = await openFile(at('probe'), 'w');
    const prototype = Object.getPrototypeOf(probe) as { write: unknown };
    await probe.close();
    const original = prototype.write;
    prototype.write = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    try {
      files.rejected(rowsOf(2), 0, 400, 'X');
      files.rejected(rowsOf(2), 1, 400, 'X');
      files.unsent(rowsOf(3), null);
      await assert.rejects(files.cut().written!, { code: 'ERR_PEAL_INPUT', message: /rejected\.csv .*disk is full/ });
      assert.equal(files.failure?.code, 'ERR_PEAL_INPUT');
      await assert.rejects(files.finish(), ({ message }: Error) => {
        assert.match(message, /unsent\.txt\.\w{8}\.cut holds 0 of 3 lines, .*rejected\.csv holds 0 of 2 lines,/);
        assert.match(message, /; a run that resumes the campaign writes the missing lines\.$/);
        return true;
      });
    } finally {
      prototype.write = original;
    }
    const next = await open({ lengths });
    next.rejected(rowsOf(2), 0, 400, 'X');
    await next.finish();
    assert.equal(read('rejected.csv'), `token,status,reason,timestamp\n${hex(0)},400,X,\n`);
  });

  it('are refused in one sentence in a directory that may not be written to', async function () {
    if (process.getuid?.() === 0) this.skip();
    chmodSync(folder, 0o500);
    try {
      await assert.rejects(open(), { code: 'ERR_PEAL_INPUT', message: /may not be written: permission denied/ });
    } finally {
      chmodSync(folder, 0o700);
    }
  });

  it('of a run that was killed are removed by the next, and all of them with removeOutcomeFiles', async () => {
    const killed = await open();
    killed.unsent(rowsOf(2), null);
    killed.abandon();
    assert.equal(readdirSync(folder).filter((name) => name.endsWith('.partial')).length, 3);
    writeFileSync(at('unsent.txt'), 'earlier');
    writeFileSync(at('mine.csv'), 'mine');
    const files = await open();
    assert.ok(!readdirSync(folder).includes('unsent.txt'));
    await files.finish();
    assert.ok(!readdirSync(folder).some((name) => name.endsWith('.partial')));
    for (const name of ['summary.json', 'report.html', '.peal-series.json', 'gone.ndjson']) writeFileSync(at(name), '');
    writeFileSync(at('unsent.csv.01234567.cut'), '');
    await removeOutcomeFiles(folder);
    assert.deepEqual(readdirSync(folder), ['mine.csv']);
    await killed.finish().catch(() => {});
  });

  const odd = [
    '=1',
    '+49',
    '-x',
    '@y',
    '\tz',
    '\rw',
    "'=1",
    "''+2",
    "'",
    '"',
    ' a ',
    'a\nb',
    'c\r\nd',
    'nul\0',
    'ü🎉',
    '1,2',
  ];

  for (const format of ['csv', 'ndjson'] as const) {
    it(`of unsent recipients can be sent to: ${format} gives the same fields and device tokens`, async () => {
      const count = odd.length;
      const bytes = new Uint8Array(count * 32).map((_, index) => (index * 7) & 0xff);
      const table = { id: odd.map((_, row) => String(row)), device: odd.map(() => 'x'), '=text': odd };
      const rows = new Rows(new TokenBlock(bytes, 32, count), table);
      const files = await ofTable(['id', 'device', '=text'], { format });
      files.unsent(rows, null);
      await files.finish();
      const input = await CampaignInput.open({ files: [at(`unsent.${format}`)] });
      const found: (string | null)[][] = [];
      for await (const { rows: some } of input) {
        for (let row = 0; row < some.count; row++) {
          found.push([some.tokens.textAt(row), some.text(row, 'id'), some.text(row, '=text')]);
        }
      }
      const expected = odd.map((text, row) => [rows.tokens.textAt(row), String(row), text]);
      assert.deepEqual(found, expected);
      if (format === 'csv') assert.deepEqual(input.columns, ['id', 'device', '=text']);
    });
  }

  it('have no header where the input had none', async () => {
    const files = await open({ columns: ['1', '2', '3'], tokenColumns: new Set(['2']) });
    files.unsent(rowsOf(1, { 1: ['a'], 2: [''], 3: ['c'] }), null);
    await files.finish();
    assert.equal(read('unsent.csv'), `a,${hex(0)},c\n`);
  });

  it('cost twice as much for twice as many rows', async () => {
    const count = 1000;
    const rows = new Rows(new TokenBlock(new Uint8Array(count * 32), 32, count), {
      name: Array.from({ length: count }, (_, row) => `Person ${row}`),
      note: Array.from({ length: count }, (_, row) => (row % 5 === 0 ? 'a "quoted", word' : 'plain')),
    });
    const costOf = async (blocks: number): Promise<number> => {
      const files = await ofTable(['name', 'device', 'note']);
      const before = process.cpuUsage();
      for (let block = 0; block < blocks; block++) {
        for (let row = 0; row < count; row++) files.rejected(rows, row, 400, 'BadTopic');
        files.unsent(rows, null);
        await files.pressure();
      }
      const { user } = process.cpuUsage(before);
      await files.finish();
      return user;
    };
    const least = async (blocks: number): Promise<number> =>
      Math.min(await costOf(blocks), await costOf(blocks), await costOf(blocks));
    await costOf(50);
    const ratio = await leastRatio(3.5, async () => (await least(200)) / (await least(100)));
    assert.ok(ratio < 3.5, `twice as many rows cost ${ratio.toFixed(1)} times as much`);
  });
});
