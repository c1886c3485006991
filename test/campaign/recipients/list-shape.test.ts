import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { listShape } from '../../../src/campaign/recipients/list-shape.js';
import { type InvalidLine, TokenLineParser } from '../../../src/campaign/recipients/token-lines.js';

const token = (seed: number) => createHash('sha256').update(String(seed)).digest('hex');

/** What a list looks like by its first three lines that hold no token. */
function shapeOf(text: string): string | null {
  const invalid: InvalidLine[] = [];
  const parser = new TokenLineParser({ onBlock: () => {}, onInvalid: (line) => invalid.push(line) });
  parser.write(new TextEncoder().encode(text));
  parser.end();
  assert.ok(invalid.length > 0);
  return listShape(invalid.slice(0, 3));
}

const rows = (delimiter: string, quote = ''): string =>
  [1, 2, 3].map((n) => [n, `${quote}${token(n)}${quote}`, 'de', `${quote}Zoë${quote}`].join(delimiter)).join('\n');

describe('campaign/recipients/list-shape', () => {
  const shapes: readonly (readonly [name: string, text: string, shape: RegExp | null])[] = [
    [
      'CSV with a header',
      `user_id,token,locale,name\n${rows(',')}`,
      /CSV with a header: user_id, token, locale, name \(divided by commas\)/,
    ],
    [
      'CSV with a quoted header',
      `"user id";"device token"\n"1";"${token(1)}"`,
      /CSV with a header: user id, device token \(divided by semicolons\)/,
    ],
    ['tabs with a header', `id\ttoken\n1\t${token(1)}`, /CSV with a header: id, token \(divided by tabs\)/],
    [
      'CSV without a header',
      rows(','),
      /CSV \(divided by commas\): give the column of the tokens alone, one token a line \(cut -d, -f2\)$/,
    ],
    ['CSV with a header and the token first', `t;a\n${token(1)};1`, /\(cut -d';' -f1 \| tail -n \+2\)$/],
    ['tabs without a header', rows('\t'), /\(cut -f2\)$/],
    ['NSData of iOS 13', '{length = 32, bytes = 0xd3d997af 967d1f43 ... 28f10282 14af515f }', /NSData .* as hex$/],
    ['SQL', `INSERT INTO t VALUES ('${token(1)}');\nINSERT INTO t VALUES ('${token(2)}');`, /looks like SQL/],
    ['a dump of SQL', `-- MySQL dump 10\n--\nLOCK TABLES t WRITE;`, /looks like SQL/],
    ['quoted CSV without a header', rows(';', '"'), /CSV \(divided by semicolons\): .* one token a line$/],
    ['words in braces', '{hello world}', null],
    ['a comma at the end of each line', `${token(1)},\n${token(2)},\n`, /ends with a comma/],
    ['a header of one column', `device_token\n${token(1)}\n`, /Line 1 looks like the header of a column/],
    ['NDJSON', `{"token":"${token(1)}"}\n{"token":"${token(2)}"}\n`, /NDJSON.*jq -r '."token"'/],
    [
      'NDJSON with another name of the token',
      [1, 2].map((n) => `{"id":"u${n}","device_token":"${token(n)}","locale":"de"}`).join('\n'),
      /NDJSON.*jq -r '."device_token"'/,
    ],
    ['a JSON object on one line', `{"tokens":["${token(1)}","${token(2)}"]}`, /JSON object.*jq -r '."tokens"\[\]'/],
    [
      'a JSON object on many lines',
      `{\n  "devices": [\n    "${token(1)}",\n    "${token(2)}"\n  ]\n}`,
      /JSON object.*jq -r '."devices"\[\]'/,
    ],
    ['a binary file', '\u0003\ufffd\ufffdab\u0000\u0001\n\ufffd\u0007x\u0000\u0000y\n', /binary file/],
    ['a JSON array on one line', `["${token(1)}","${token(2)}"]`, /JSON array/],
    ['a JSON array on many lines', `[\n  "${token(1)}",\n  "${token(2)}"\n]`, /JSON array/],
    ['a table of psql', ` id | token \n----+------\n  1 | ${token(1)}\n`, /table that a SQL tool/],
    ['a table of mysql', `+----+\n| id |\n+----+\n|  1 |\n`, /table that a SQL tool/],
    ['a mistyped token', `${token(1)}\n${token(2).slice(1)}\n`, null],
    ['half a token at the end', `${token(1)}\n${token(2).slice(0, 44)}`, null],
    ['words', 'hello world\nthese are words\n', null],
    ['words in Latin-1', 'Z\ufffdrich und K\ufffdln\nM\ufffdnchen, sch\ufffdn\n', null],
  ];
  for (const [name, text, shape] of shapes) {
    it(name, () => {
      const said = shapeOf(text);
      if (shape === null) assert.equal(said, null);
      else assert.match(said ?? '', shape);
    });
  }
});
