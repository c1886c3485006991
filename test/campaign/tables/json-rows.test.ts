import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PealError } from '../../../src/base/errors.js';
import { maxRowBytes } from '../../../src/base/limits.js';
import { InputFault } from '../../../src/campaign/recipients/input-fault.js';
import { JsonArrayRows } from '../../../src/campaign/tables/json-array-rows.js';
import { NdjsonRows } from '../../../src/campaign/tables/ndjson-rows.js';
import { othersColumn, type TableRows } from '../../../src/campaign/tables/table-rows.js';
import { type ReadTable, readAll, token } from './read-table.js';

const columns = { columns: ['id', 'token', 'name'], tokenColumn: 1 };

const lines = (text: string | Uint8Array, cuts?: readonly number[]): ReadTable =>
  readAll((sink) => new NdjsonRows(columns, sink), text, cuts);

const array = (text: string | Uint8Array, cuts?: readonly number[]): ReadTable =>
  readAll(
    ({ onRows, onInvalid }) =>
      new JsonArrayRows({ columns, name: 'The file' }, { onBlock: (rows) => onRows(rows as TableRows), onInvalid }),
    text,
    cuts,
  );

/** The cell that a value becomes. */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const value = fc.oneof(
  fc.string({ maxLength: 10, unit: 'grapheme' }),
  fc.string({ maxLength: 10 }),
  // As its text says it: JSON has no -0.
  fc.jsonValue({ maxDepth: 3 }).map((one): unknown => JSON.parse(JSON.stringify(one))),
  fc.constantFrom('\u2028"\\\n', '\ud83d\ude00', 0, -1.5e10),
);
const name = fc
  .oneof(fc.constantFrom('id', 'name', 'x', 'ä"b', 'na\\me'), fc.string({ maxLength: 6 }))
  .filter((key) => key !== '__proto__');
const object = fc.array(
  fc.tuple(
    name.filter((key) => key !== 'token'),
    value,
  ),
  { maxLength: 6 },
);
const cuts = fc.array(fc.nat(1500), { maxLength: 20 });

/** The row of an object: its own columns, and all others as one JSON object. */
function rowOf(members: readonly (readonly [string, unknown])[]): [readonly string[], Record<string, unknown>] {
  const all = Object.fromEntries(members);
  const others = Object.fromEntries(members.filter(([key]) => !columns.columns.includes(key)));
  return [columns.columns.map((column) => cellOf(all[column])), others];
}

describe('campaign/tables/json rows', () => {
  it('reads objects as JSON.parse does, a line each or in an array, whatever the chunks', () => {
    fc.assert(
      fc.property(fc.array(object, { maxLength: 8 }), cuts, fc.nat(2), (objects, at, indent) => {
        const all = objects.map((members, index) => {
          const withToken: [string, unknown][] = [...members];
          withToken.splice(index % (members.length + 1), 0, ['token', token(index)]);
          return withToken;
        });
        const texts = all.map((members) => {
          const parts = members.map(([key, one]) => `${JSON.stringify(key)} :${JSON.stringify(one)}`);
          return ` {${parts.join(' ,')}} `;
        });
        const expected = all.map(rowOf);
        const ndjson = lines(texts.join('\r\n'), at);
        const elements = array(`[${texts.join(`,${'\n'.repeat(indent)}`)}]`, at);
        for (const { rows, invalid } of [ndjson, elements]) {
          assert.deepEqual(invalid, []);
          assert.deepEqual(
            rows.map(({ cells, line }) => [line, cells.slice(0, 3)]),
            expected.map(([cells], index) => [index + 1, cells]),
          );
          rows.forEach(({ cells }, index) => {
            assert.deepEqual(JSON.parse(cells[3] || '{}'), expected[index]![1]);
          });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('takes for an object exactly what JSON.parse takes for one', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      ' ',
      '\t',
      '"a"',
      '"token"',
      `"${token(1)}"`,
      '1',
      '-',
      '0',
      '01',
      '1.5',
      '1e',
      '1e5',
      '.',
      'true',
      'null',
      'nul',
      '\\',
      '\\u00e4',
      '\\x',
      '{"a":1}',
      '[1,2]',
      '\u0001',
      'ä',
    );
    const good = `{"id":"1","token":"${token(1)}","name":"x"}`;
    const damaged = fc
      .tuple(fc.nat(good.length), fc.nat(3), fc.array(piece, { maxLength: 3 }))
      .map(([at, length, pieces]) => good.slice(0, at) + pieces.join('') + good.slice(at + length));
    const made = fc.array(piece, { maxLength: 12 }).map((pieces) => `{"token":"${token(1)}"${pieces.join('')}`);
    fc.assert(
      fc.property(fc.oneof(damaged, made), (text) => {
        let parsed: unknown;
        try {
          parsed = JSON.parse(text);
        } catch {
          parsed = null;
        }
        const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
        const { rows, invalid } = lines(`${text}\n`);
        if (!isObject) {
          assert.equal(rows.length, 0);
          if (text.trim() !== '') assert.equal(invalid[0]!.why, 'is not a JSON object');
        } else if ((parsed as { token?: string }).token === token(1)) {
          assert.equal(rows.length, 1);
        } else {
          assert.notEqual(invalid[0]?.why, 'is not a JSON object');
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('keeps numbers as they are written, and nested values as their text', () => {
    const { rows } = lines(`{"id":12345678901234567890,"token":"${token(1)}","name":{"a": [1, "}"]}}\n`);
    assert.deepEqual(rows[0]!.cells, ['12345678901234567890', token(1), '{"a": [1, "}"]}']);
  });

  it('has a column for other members only in blocks where there are any', () => {
    const text = (other: string): string => `{"id":1,"token":"${token(1)}"${other}}\n`;
    const names: string[][] = [];
    const reader = new NdjsonRows(columns, {
      onRows: (rows) => names.push([...rows.columns.keys()]),
      onInvalid: () => {},
    });
    reader.write(Buffer.from(text('').repeat(1024) + text(',"new":true,"x":"y"')));
    reader.end();
    assert.deepEqual(names, [columns.columns, [...columns.columns, othersColumn]]);
    assert.equal(lines(text(',"new":true,"x":"y"')).rows[0]!.cells[3], '{"new":true,"x":"y"}');
  });

  it('tells of lines that hold no recipient, and goes on', () => {
    const long = `{"id":"${'x'.repeat(maxRowBytes)}","token":"${token(9)}"}`;
    const text = [
      `{"id":1}`,
      '',
      'nonsense',
      '[1]',
      `{"token":"abc"}`,
      `{"token":null,"id":7}`,
      long,
      `{"token":"${token(1)}"}`,
      '{"id":',
    ].join('\n');
    const expected = [
      '1 1 has no device token in its column "token"',
      '3 nonsense is not a JSON object',
      '4 [1] is not a JSON object',
      '5 abc has 3 hex digits, an odd number',
      '6 7 has no device token in its column "token"',
      `7 {"id":"${'x'.repeat(112)}… is longer than 1048576 bytes`,
      '9 {"id": is the last line, has no line end, and is no whole JSON object: the file was probably cut off',
    ];
    for (const at of [[], [3, 10, 40, 500_000, 1_048_600, 1_048_700]]) {
      const { invalid, rows } = lines(text, at);
      assert.deepEqual(
        invalid.map(({ line, text: shown, why }) => `${line} ${shown} ${why}`),
        expected,
      );
      assert.deepEqual(
        rows.map(({ line }) => line),
        [8],
      );
    }
  });

  it('tells of elements that hold no recipient, and goes on', () => {
    const text = `[1, "a", {"id":}, [2, "]"], {"id":3}, null, {"token":"${token(1)}"}]`;
    const { invalid, rows } = array(text);
    assert.deepEqual(
      invalid.map(({ line, text: shown, why }) => `${line} ${shown} ${why}`),
      [
        '1 1 is not a JSON object',
        '2 "a" is not a JSON object',
        '3 {"id":} is not a JSON object',
        '4 [2, "]"] is not a JSON object',
        '5 3 has no device token in its column "token"',
        '6 null is not a JSON object',
      ],
    );
    assert.deepEqual(
      rows.map(({ line }) => line),
      [7],
    );
  });

  it('tells of an element that is too long, and goes on behind it', () => {
    const row = (index: number, name = 'x'): string => JSON.stringify({ token: token(index), name });
    const long = row(2, '],"\\'.repeat(maxRowBytes / 2));
    for (const element of [long, `[${long}]`, JSON.stringify(long), '7'.repeat(maxRowBytes + 1)]) {
      const text = `[${row(1)}, ${element} , ${row(3)}]`;
      for (const cuts of [[], [70_000, 1_000_000, 1_500_000], [text.length - 80]]) {
        const { rows, invalid } = array(text, cuts);
        assert.deepEqual(
          rows.map(({ line }) => line),
          [1, 3],
        );
        assert.deepEqual(
          invalid.map(({ line, why }) => `${line} ${why}`),
          ['2 is longer than 1048576 bytes'],
        );
      }
    }
  });

  it('reads a text with a control character to its quote', () => {
    const { rows, invalid } = array(`["a\nb", {"token":"${token(2)}"}]`);
    assert.deepEqual([rows.length, invalid.length], [1, 1]);
  });

  it('reads an array of texts as a list', () => {
    const tokens: string[] = [];
    const invalid: string[] = [];
    const reader = new JsonArrayRows(
      { columns: null, name: 'The file' },
      {
        onBlock: ({ tokens: block }) => {
          for (let index = 0; index < block.count; index++) tokens.push(block.textAt(index));
        },
        onInvalid: ({ line, why }) => invalid.push(`${line} ${why}`),
      },
    );
    const text = Buffer.from(`\uFEFF ["${token(1)}",\n"<${token(2)}>", 7, "x", "${token(3)}\\u0020" ] \n`);
    for (const byte of text) reader.write(Uint8Array.of(byte));
    reader.end();
    assert.deepEqual(tokens, [token(1), token(2), token(3)]);
    assert.deepEqual(invalid, ['3 is not a text', '4 is neither hex nor base64 of a device token']);
  });

  it('says of an array that is damaged or cut off how far it was read', () => {
    const one = `{"token":"${token(1)}"}`;
    const faultOf = (text: string): string => {
      try {
        array(text);
      } catch (error) {
        assert.ok(error instanceof InputFault, String(error));
        const fault = error.at({
          lines: 2,
          unit: 'Elements',
          goOn: (line) => `jq '.[${line - 1}:]'`,
          isReadAgain: false,
        });
        assert.ok(fault instanceof PealError);
        return fault.message;
      }
      return 'none';
    };
    assert.equal(
      faultOf(`[${one},${one},{"to`),
      "The file is a JSON array that was cut off: fetch or write it again. Elements 1 to 2 were read and count; go on with element 3 of a whole copy (jq '.[2:]').",
    );
    assert.match(faultOf(`[${one} ${one}]`), /is damaged JSON: element 1 of its array is not followed by a comma/);
    assert.match(
      faultOf(`[${one}] x`),
      /has more behind the end of its JSON array.*Elements 1 to 2 were read and count\.$/,
    );
    assert.match(
      faultOf(`[${one},{"name":"x${'y'.repeat(maxRowBytes)}`),
      /is damaged JSON: element 2 of its array has no end, and nothing behind its beginning was read: write it again\./,
    );
    assert.equal(faultOf(`[${one},${one}]\n`), 'none');
    assert.equal(faultOf('[]'), 'none');
  });

  it('tells of rows that are not UTF-8', () => {
    const text = Buffer.concat([
      Buffer.from(`{"token":"${token(1)}","name":"`),
      Buffer.of(0xe9),
      Buffer.from(`"}\n{"token":"${token(2)}","name":"\\n`),
      Buffer.of(0xe9),
      Buffer.from(`"}\n{"token":"${token(3)}","name":"é"}\n`),
    ]);
    const { invalid, rows } = lines(text);
    assert.deepEqual(
      invalid.map(({ line, why }) => `${line} ${why}`),
      [1, 2].map((line) => `${line} is not UTF-8 (column "name"): save the table as UTF-8`),
    );
    assert.equal(rows[0]!.cells[2], 'é');
  });
});
