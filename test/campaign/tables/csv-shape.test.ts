import assert from 'node:assert/strict';
import { inWords, libraryWords } from '../../../src/base/wording.js';
import {
  csvShapeOf,
  isNamedColumn,
  isTable,
  rowsWithToken,
  sampleOf,
  type TableChoices,
} from '../../../src/campaign/tables/csv-shape.js';
import { token } from './read-table.js';

/** The shape as one line, or what is said of a table that has none. */
function shapeOf(text: string, choices: TableChoices = {}, isEnd = true): string {
  const found = csvShapeOf(sampleOf(Buffer.from(text), isEnd, choices), choices);
  if ('problem' in found) return inWords(found.problem, libraryWords);
  const { delimiter, columns, hasHeader, tokenColumn } = found;
  return `${JSON.stringify(delimiter)} ${hasHeader ? 'header' : 'none'} ${columns.join(' ')} @${tokenColumn + 1}`;
}

describe('campaign/tables/csv-shape', () => {
  const found: readonly (readonly [name: string, text: string, shape: string, choices?: TableChoices])[] = [
    ['a header', `user_id,token,name\n1,${token(1)},"a;b;c"\n`, '"," header user_id token name @2'],
    ['no header', `1;${token(1)};"a,b"\n2;${token(2)};x`, '";" none 1 2 3 @2'],
    ['tabs, and quotes within cells', `id\ttoken\n1\t${token(1)}\n`, '"\\t" header id token @2'],
    ['bars', `a|b\r\n${token(1)}|x\r\n`, '"|" header a b @1'],
    ['CR alone', `id,token\r1,${token(1)}\r`, '"," header id token @2'],
    ['a byte order mark and quoted names', `\uFEFF"id","my, token"\n1,${token(1)}\n`, '"," header id my, token @2'],
    ['names with blanks around them, and without a name', `id, push ,\n1,${token(1)},x\n`, '"," header id push 3 @2'],
    ['one column with a name', `device_token\n${token(1)}\n`, '"," header device_token @1'],
    ['a header alone', 'id;device_token;name\n', '";" header id device_token name @2'],
    ['a first row without a name, but with a token', `,${token(1)}\n1,\n`, '"," none 1 2 @2'],
    [
      'two columns of hashes, one of which is called token',
      `md,token\n${token(1)},${token(2)}\n`,
      '"," header md token @2',
    ],
    ['a shorter hash beside the token', `${token(1).slice(32)},${token(2)}\n`, '"," none 1 2 @2'],
    ['some cells without tokens', `id,push\n1,\n2,${token(2)}\n3,${token(3)}\n`, '"," header id push @2'],
    ['no token in sight, but a name', 'id,locale,apns_token\n1,de,\n', '"," header id locale apns_token @3'],
    [
      'a first row whose quote is never closed',
      `id,push\n1,"x\n${`2,${token(2)}\n`.repeat(900)}`,
      '"," header id push @2',
    ],
    [
      'rows whose quotes are wrong, and a text of many lines in one of them',
      `1;${token(1)};"a\n2;${token(2)};"b" c\n${'d\n'.repeat(100)}${`3;${token(3)};"e;f"\n`.repeat(9)}`,
      '";" none 1 2 3 @2',
    ],
    ['a column that is named', `a,b\n${token(1)},${token(2)}\n`, '"," header a b @2', { tokenColumn: 'b' }],
    [
      'a column that is named in other case',
      `a,Tok\n${token(1)},${token(2)}\n`,
      '"," header a Tok @2',
      { tokenColumn: 'tok' },
    ],
    ['a column by number', `a,b\n${token(1)},${token(2)}\n`, '"," header a b @1', { tokenColumn: 1 }],
    [
      'a column whose name is a number',
      `2,1\n${token(1)},${token(2)}\n`,
      '"," header 2 1 @2',
      { tokenColumn: '1', header: true },
    ],
    ['a header that is given', `1,2\n3,${token(1)}\n`, '"," header 1 2 @2', { header: true }],
    ['no header, as given', `id,token\n1,${token(1)}\n`, '"," none 1 2 @2', { header: false }],
    ['a delimiter that is given', `id^token\n1^${token(1)}\n`, '"^" header id token @2', { delimiter: '^' }],
  ];
  for (const [name, text, shape, choices] of found) {
    it(`finds ${name}`, () => assert.equal(shapeOf(text, choices), shape));
  }

  const refused: readonly (readonly [name: string, text: string, problem: RegExp, choices?: TableChoices])[] = [
    [
      'two columns of tokens',
      `id,a,b\n1,${token(1)},${token(2)}\n`,
      /^has several columns that look like device tokens \(a, b\): say which one with the option tokenColumn$/,
    ],
    [
      'a line that tells Excel the delimiter',
      `sep=;\nid;a\n1;${token(1)}\n2;${token(2)}\n`,
      /^begins with a line such as "sep=;", which is for Excel alone: remove that line$/,
    ],
    [
      'such a line where a header is said to be',
      `sep=,\nid,a\n1,${token(1)}\n2,${token(2)}\n`,
      /^begins with a line such as "sep=;"/,
      { header: true },
    ],
    ['no column of tokens', 'id,a\n1,2\n', /^has no column that looks like device tokens \(id, a\): say which one/],
    [
      'a first row that may be a header',
      `1,?\n2,${token(1)}\n3,${token(2)}\n`,
      /^has neither a device token nor a name in column 2 of its first line: say with the option header whether/,
    ],
    [
      'a name twice',
      `id,token,id\n1,${token(1)},2\n`,
      /^has two columns called id \(columns 1 and 3\): rename all but one of them, or leave them out$/,
    ],
    [
      'a column that is not there',
      `id,token\n1,${token(1)}\n`,
      /^has no column "push" \(id, token\): give the option tokenColumn one of its columns/,
      { tokenColumn: 'push' },
    ],
    [
      'a number that is not there',
      `id,token\n1,${token(1)}\n`,
      /has 2 columns \(id, token\), and none with the number 3/,
      { tokenColumn: 3 },
    ],
    [
      'a name without a header',
      `1,${token(1)}\n`,
      /has no column "id", because it has no header/,
      { tokenColumn: 'id', header: false },
    ],
    [
      'two columns of tokens with one name',
      `token,token,name\n${token(1)},${token(2)},Ada\n`,
      /^has two columns called token \(columns 1 and 2\): rename all but one of them, or leave them out$/,
    ],
    [
      'two columns with the name that is asked for',
      `token,token,name\n${token(1)},${token(2)},Ada\n`,
      /^has two columns called token \(columns 1 and 2\)/,
      { tokenColumn: 1 },
    ],
    [
      'a name three times',
      `x,x,token,x\n1,2,${token(1)},3\n`,
      /^has 3 columns called x \(columns 1, 2 and 4\): rename/,
    ],
    [
      'a name that is the number of one without',
      `2,,token\n1,2,${token(1)}\n`,
      /^has two columns called 2 \(columns 1 and 2\)/,
    ],
    [
      'a column that is not there, and one without a name',
      `id,,token\n1,2,${token(1)}\n`,
      /^has no column "0" \(id, 2, token\): give the option tokenColumn one of its columns, by name or by number, from 1$/,
      { tokenColumn: '0' },
    ],
    [
      'a row of tokens that is called a header',
      `${token(1)},${token(1)}\n${token(2)},${token(2)}\n`,
      /^has the same text as the name of columns 1 and 2: if its first line is not a header, say so with the option header: false$/,
      { header: true },
    ],
    [
      'a name where there are only tokens',
      `${token(1)},${token(1)}\n${token(2)},${token(2)}\n`,
      /^has no column "x", because its first line has no names: give the option tokenColumn the number of a column, from 1$/,
      { tokenColumn: 'x' },
    ],
    ['very many columns', `${'a,'.repeat(1500)}\n`, /has 1501 columns, and 1000 are read/],
  ];
  for (const [name, text, problem, choices] of refused) {
    it(`says what to give for ${name}`, () => {
      const said = shapeOf(text, choices);
      assert.match(said, problem);
      for (const one of [token(1), token(2)]) assert.doesNotMatch(said, new RegExp(one.slice(0, 16)));
    });
  }

  it('leaves a row out whose end is not there yet', () => {
    const head = `id,token\n1,${token(1)}\n2,${token(2).slice(9)}`;
    assert.equal(sampleOf(Buffer.from(head), false, {}).rows.length, 2);
    assert.equal(sampleOf(Buffer.from(head), true, {}).rows.length, 3);
  });

  it('does not pay for delimiters that do not occur, where each quote would be an error', () => {
    const rows = Array.from({ length: 500 }, (_, index) => `${index},${token(index)},"Name, ${index}","x"`);
    const head = Buffer.from(rows.join('\n'));
    const bestOf = (choices: TableChoices): number => {
      const times = Array.from({ length: 8 }, () => {
        const began = process.cpuUsage();
        assert.equal(sampleOf(head, true, choices).delimiter, ',');
        const { user, system } = process.cpuUsage(began);
        return user + system;
      });
      return Math.min(...times);
    };
    const [given, found] = [bestOf({ delimiter: ',' }), bestOf({})];
    assert.ok(found < 5 * given, `${found} µs, and ${given} with the delimiter given`);
  });

  it('tells lists from tables', () => {
    const sample = (text: string) => sampleOf(Buffer.from(text), true, {});
    const list = sample(`${token(1)}\n${token(2)}\n`);
    assert.deepEqual([rowsWithToken(list, {}), isTable(list), isNamedColumn(list, {})], [0, false, false]);
    const table = sample(`1,${token(1)}\n2,${token(2)}\n`);
    assert.deepEqual([rowsWithToken(table, {}), isTable(table), isNamedColumn(table, {})], [2, true, false]);
    const named = sample(`token\n${token(2)}\n`);
    assert.deepEqual([rowsWithToken(named, {}), isTable(named), isNamedColumn(named, {})], [0, false, true]);
  });
});
