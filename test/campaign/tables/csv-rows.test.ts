import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { maxRowBytes } from '../../../src/base/limits.js';
import { CsvRows, type CsvShape } from '../../../src/campaign/tables/csv-rows.js';
import { type ReadTable, readAll, token } from './read-table.js';

const shape: CsvShape = { delimiter: ',', columns: ['id', 'token', 'name'], hasHeader: true, tokenColumn: 1 };

function read(text: string | Uint8Array, given: Partial<CsvShape> = {}, cuts: readonly number[] = []): ReadTable {
  return readAll((sink) => new CsvRows({ ...shape, ...given }, sink), text, cuts);
}

/** The invalid rows of a table with the header of `shape`, as "line why". */
function invalidOf(text: string | Uint8Array, given?: Partial<CsvShape>): string[] {
  return read(text, given).invalid.map(({ line, why }) => `${line} ${why}`);
}

const strayQuote = 'has a quote in the middle of a cell: such a cell is written "a ""quoted"" word"';

describe('campaign/tables/csv-rows', () => {
  describe('reads any table of any chunks as csv-parse does', () => {
    const cell = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.string({ maxLength: 8, unit: 'grapheme' }),
      fc.string({ maxLength: 6, unit: fc.constantFrom('"', ',', ';', '\t', '\r', '\n', 'a', ' ', '\0', "'", '=') }),
    );
    const table = fc.record({
      delimiter: fc.constantFrom(',', ';', '\t', '|'),
      lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
      hasMark: fc.boolean(),
      hasHeader: fc.boolean(),
      endsLine: fc.boolean(),
      tokenColumn: fc.nat(3),
      others: fc.array(fc.record({ cells: fc.tuple(cell, cell, cell), quoted: fc.boolean(), blanks: fc.nat(2) }), {
        maxLength: 12,
      }),
      cuts: fc.array(fc.nat(600), { maxLength: 30 }),
    });

    it('with the lines on which rows begin', () => {
      fc.assert(
        fc.property(table, ({ delimiter, lineEnd, hasMark, hasHeader, endsLine, tokenColumn, others, cuts }) => {
          const columns = ['a', 'b', 'c', 'd'];
          const rows = others.map(({ cells }, index) => cells.toSpliced(tokenColumn, 0, token(index)));
          const lines: number[] = [];
          let line = 1;
          let text = hasMark ? '\uFEFF' : '';
          const write = (cells: readonly string[], isQuoted: boolean): void => {
            const written = cells.map((one) =>
              isQuoted || /["\r\n]/.test(one) || one.includes(delimiter) ? `"${one.replaceAll('"', '""')}"` : one,
            );
            const row = written.join(delimiter) + lineEnd;
            text += row;
            line += row.match(/\r\n|\r|\n/g)!.length;
          };
          if (hasHeader) write(columns, false);
          rows.forEach((cells, index) => {
            const { blanks, quoted } = others[index]!;
            text += lineEnd.repeat(blanks);
            line += blanks;
            lines.push(line);
            write(cells, quoted);
          });
          if (!endsLine) text = text.slice(0, -lineEnd.length || undefined);
          const found = read(text, { delimiter, columns, hasHeader, tokenColumn }, cuts);
          const expected = parse(text, {
            delimiter,
            bom: true,
            record_delimiter: ['\r\n', '\n', '\r'],
            skip_empty_lines: true,
            relax_quotes: delimiter === '\t',
          });
          assert.deepEqual(found.invalid, []);
          assert.deepEqual(
            found.rows.map(({ cells }) => cells),
            (expected as unknown as string[][])
              .slice(hasHeader ? 1 : 0)
              .map((row) => row.map((text) => text.replace(/^'(?='*[=+\-@\t\r])/, ''))),
          );
          assert.deepEqual(
            found.rows.map((row) => row.line),
            lines,
          );
        }),
        { numRuns: 1500 },
      );
    });

    it('and what is no table, too, whatever the chunks', () => {
      const piece = fc.constantFrom('"', '""', ',', '\r', '\n', '\r\n', 'a', ' ', token(1), 'ä', '\0');
      const bytes = fc.array(
        fc.oneof(
          piece.map((text) => Buffer.from(text)),
          fc.constantFrom(Buffer.of(0xff), Buffer.of(0xef), Buffer.of(0xbb, 0xbf)),
        ),
        { maxLength: 60 },
      );
      const cuts = fc.array(fc.nat(300), { maxLength: 30 });
      fc.assert(
        fc.property(bytes, cuts, fc.boolean(), fc.constantFrom(',', '\t'), (pieces, at, hasHeader, delimiter) => {
          const given = { columns: ['a', 'b'], tokenColumn: 1, hasHeader, delimiter };
          const all = Buffer.concat(pieces);
          assert.deepEqual(read(all, given, at), read(all, given));
        }),
        { numRuns: 3000 },
      );
    });
  });

  const header = 'id,token,name\n';

  it('tells of rows with too few and too many cells, and skips blank lines', () => {
    const text = `${header}1,${token(1)}\n\n   \n2,${token(2)},b,c\r\n\r\n3,${token(3)},c`;
    assert.deepEqual(invalidOf(text), [
      '2 has 2 cells where the table has 3 columns',
      '5 has 4 cells where the table has 3 columns',
    ]);
    assert.deepEqual(
      read(text).rows.map(({ line }) => line),
      [7],
    );
    assert.deepEqual(invalidOf(`t\n${token(1)},x\n`, { columns: ['t'], tokenColumn: 0 }), [
      '2 has 2 cells where the table has 1 column',
    ]);
  });

  it('tells of rows without a token', () => {
    const { invalid } = read(`${header}1,,Bob\n2,nonsense,x\n3, ${token(1).slice(1)},y\n`);
    assert.deepEqual(
      invalid.map(({ line, text, why }) => `${line} ${text} ${why}`),
      [
        '2 1 Bob has no device token in its column "token"',
        '3 nonsense is neither hex nor base64 of a device token',
        `4 ${token(1).slice(1)} has 63 hex digits, an odd number`,
      ],
    );
  });

  it('reads tokens in all forms, of each length in blocks of its own', () => {
    const long = token(1) + token(2).slice(0, 8);
    const brackets = `<${token(3).match(/.{8}/g)!.join(' ')}>`;
    const base64 = Buffer.from(token(4), 'hex').toString('base64');
    const { blocks } = read(
      `${header}1,${token(0)},\n2,${long},\n3,${brackets},"a, b"\n4,${base64},\n5,${token(5).toUpperCase()},\n`,
    );
    assert.deepEqual(
      blocks.map((block) => block.map(({ token: hex }) => hex)),
      [[token(0), token(3), token(4), token(5)], [long]],
    );
  });

  it('loses one row to a quote that stands wrong, and none behind it', () => {
    const rows = (bad: string): string =>
      `${header}1,${token(1)},a\n${bad}\n3,${token(3)},c\n4,${token(4)},"d ""e"""\n`;
    for (const bad of [`2,${token(2)},b "B" b`, `2,${token(2)},"b" b`, `"2"2,${token(2)},b`, `2,${token(2)}, "b"`]) {
      assert.deepEqual(invalidOf(rows(bad)), [`3 ${strayQuote}`]);
      assert.equal(read(rows(bad)).rows.length, 3);
    }
    const open = rows(`2,${token(2)},"b`);
    assert.deepEqual(invalidOf(open), [
      '3 has a quote in the middle of a cell: such a cell is written "a ""quoted"" word"',
    ]);
    assert.equal(read(open).rows.length, 3);
  });

  it('loses one row to a quote that is never closed', () => {
    const mend = 'close it, or write a quote that belongs to its text twice ("")';
    const rest = Array.from({ length: 3000 }, (_, index) => `${index},${token(index)},x\n`).join('');
    const text = `${header}1,${token(1)},"a\n${rest}`;
    assert.deepEqual(invalidOf(text), [`2 begins a cell in quotes that never ends: ${mend}`]);
    assert.equal(read(text).rows.length, 3000);
    const long = `${header}1,${token(1)},"a\n${rest.repeat(5)}`;
    const { invalid, rows } = read(long);
    assert.equal(rows.length, 15_000);
    assert.equal(rows[0]!.line, 3);
    assert.deepEqual(
      invalid.map(({ why }) => why),
      [`begins a cell in quotes that does not end within ${maxRowBytes} bytes: ${mend}, or shorten it`],
    );
    const twoTexts = { columns: ['token', 'a', 'b'], tokenColumn: 0, hasHeader: false };
    assert.deepEqual(invalidOf(`${token(1)},"a\nb","c\nd\n`, twoTexts), [
      `1 begins a cell in quotes in line 2 that never ends: ${mend}; ` +
        'lines 2 to 3 behind it have no device token, and are counted with it',
    ]);
  });

  it('tells of a text of many lines whose quotes are wrong, or that is too long, as one row', () => {
    const prose = 'Dear friend,\n"this" is a "long" text,\nwith, commas\n'.repeat(25_000);
    const last = `2,${token(2)},b\n`;
    for (const cell of [`"${prose}`, `"${prose}"`, `"${prose.replaceAll('"', '""')}"`, `"a\nb" c\n${prose}`]) {
      const { rows, invalid, lines } = read(`${header}1,${token(1)},${cell}\n${last}`, {}, [100, 70_000, 1_200_000]);
      assert.deepEqual(
        rows.map((row) => row.token),
        [token(2)],
      );
      assert.equal(invalid.length, 1);
      assert.equal(invalid[0]!.line, 2);
      assert.match(invalid[0]!.why, /; lines 3 to 7500\d behind it have no device token, and are counted with it$/);
      assert.ok(lines > 75_000);
    }
    // To the end of the table, and up to a pause.
    const end = read(`${header}1,${token(1)},"${prose}`);
    assert.deepEqual([end.rows.length, end.invalid.length], [0, 1]);
  });

  it('tells of such a row when its end is known, also where the source pauses, or when no more is read', () => {
    const invalid: string[] = [];
    const reader = new CsvRows(shape, {
      onRows: () => {},
      onInvalid: ({ line, why }) => invalid.push(`${line} ${why}`),
    });
    reader.write(Buffer.from(`${header}1,${token(1)},a "b"\nc\n`));
    reader.flush(false);
    assert.deepEqual(invalid, []);
    reader.write(Buffer.from('d\n'));
    reader.flush(true);
    assert.deepEqual(invalid, [
      `2 ${strayQuote}; lines 3 to 4 behind it have no device token, and are counted with it`,
    ]);
    reader.end();
    assert.equal(invalid.length, 1);
  });

  it('tells of each row that cannot be read and has a device token', () => {
    const bad = (index: number): string => `${index},${token(index)},b "B" b\n`;
    const text = `${header}${bad(1)}${bad(2)}junk\n${bad(3)}4,nothing,x\n5,${token(5)},x\n6,nothing,x\n`;
    assert.deepEqual(
      read(text).invalid.map(({ line, why }) => `${line} ${why.replace(strayQuote, '…')}`),
      [
        '2 …',
        '3 …; line 4 behind it has no device token, and is counted with it',
        '5 …; line 6 behind it has no device token, and is counted with it',
        '8 is neither hex nor base64 of a device token',
      ],
    );
  });

  it('takes the rows that stand within a cell because of a quote too many', () => {
    const text = `${header}1,${token(1)},"a\n2,${token(2)},b\n3,${token(3)},c"\n4,${token(4)},"d\n5,${token(5)},"\n`;
    // Only the last one may be meant so.
    assert.deepEqual(
      read(text).rows.map(({ cells }) => cells[2]),
      [`a\n2,${token(2)},b\n3,${token(3)},c`, `d\n5,${token(5)},`],
    );
    const narrow = `${header}1,"a\n2,${token(2)},b\n3,${token(3)},c"\n4,${token(4)},d\n`;
    assert.deepEqual(
      read(narrow).rows.map((row) => row.token),
      [token(2), token(4)],
    );
    assert.deepEqual(invalidOf(narrow), ['2 has 2 cells where the table has 3 columns', `4 ${strayQuote}`]);
  });

  it('skips a row that is too long', () => {
    const text = `${header}1,${token(1)},${'x'.repeat(maxRowBytes)}\n2,${token(2)},b\n3,${token(3)},${'y'.repeat(maxRowBytes - 100)}\n`;
    const { invalid, rows } = read(text, {}, [70_000, 500_000, 1_100_000]);
    assert.deepEqual(
      invalid.map(({ line }) => line),
      [2],
    );
    assert.deepEqual(
      rows.map(({ line }) => line),
      [3, 4],
    );
    assert.deepEqual(read(text), read(text, {}, [70_000, 500_000, 1_100_000]));
  });

  it('between tabs takes a quote in the middle of a cell as it is', () => {
    const text = `id\ttoken\tname\n1\t${token(1)}\tDwayne "The Rock"\n2\t${token(2)}\t"a\tb"\n`;
    const { rows, invalid } = read(text, { delimiter: '\t' });
    assert.deepEqual(invalid, []);
    assert.deepEqual(
      rows.map(({ cells }) => cells[2]),
      ['Dwayne "The Rock"', 'a\tb'],
    );
  });

  it('tells of rows that are not UTF-8, also where cells are UTF-8 only together', () => {
    const row = (id: Uint8Array | string, index: number, name: Uint8Array | string): Buffer =>
      Buffer.concat([
        Buffer.from(id as string),
        Buffer.from(`,${token(index)},`),
        Buffer.from(name as string),
        Buffer.from('\n'),
      ]);
    const text = Buffer.concat([
      Buffer.from(header),
      row('1', 1, 'Zoë'),
      row('2', 2, Buffer.from('Zo\xeb', 'latin1')),
      row('3', 3, Buffer.of(0xc3)),
      row(Buffer.of(0xab), 4, 'x'),
      row('5', 5, '日本'),
    ]);
    const { rows, invalid } = read(text);
    assert.deepEqual(
      rows.map(({ line, cells }) => `${line} ${cells[2]}`),
      ['2 Zoë', '6 日本'],
    );
    assert.deepEqual(
      invalid.map(({ line, why }) => `${line} ${why}`),
      [
        '3 is not UTF-8 (column "name"): save the table as UTF-8',
        '4 is not UTF-8 (column "name"): save the table as UTF-8',
        '5 is not UTF-8 (column "id"): save the table as UTF-8',
      ],
    );
  });

  it('takes a short token at the end of a table without a line end for half of one', () => {
    const cut = `id,name,token\n1,a,${token(1)}\n2,b,${token(2).slice(0, 40)}`;
    assert.match(invalidOf(cut, { tokenColumn: 2 })[0]!, /^3 is the last line, has no line end, .* probably cut off$/);
    assert.deepEqual(invalidOf(`${cut}\n`, { tokenColumn: 2 }), []);
  });

  it('puts 1,024 rows in a block, fewer where their cells are large', () => {
    const rows = (count: number, name: string): string =>
      header + Array.from({ length: count }, (_, index) => `${index},${token(index)},${name}\n`).join('');
    assert.deepEqual(
      read(rows(2500, 'x')).blocks.map(({ length }) => length),
      [1024, 1024, 452],
    );
    const large = read(rows(300, 'x'.repeat(10_000)));
    assert.deepEqual(
      large.blocks.map(({ length }) => length),
      [105, 105, 90],
    );
  });

  it('costs the same for each row, also where a row comes in many small chunks', () => {
    const rows = createHash('sha256').update('x').digest('hex');
    const text = Buffer.from(`${header}1,${rows},"${'a\n'.repeat(100_000)}"\n`);
    const reader = new CsvRows(shape, { onRows: () => {}, onInvalid: () => assert.fail() });
    const start = process.cpuUsage().user;
    for (let at = 0; at < text.length; at += 4096) reader.write(text.subarray(at, at + 4096));
    reader.end();
    assert.ok(process.cpuUsage().user - start < 2_000_000);
    assert.equal(reader.lines, 100_002);
  });
});
