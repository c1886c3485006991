import assert from 'node:assert/strict';
import fc from 'fast-check';
import { csvCell, csvRow } from '../../../src/campaign/outputs/csv.js';

describe('CSV', () => {
  it('quotes what would break a row, and doubles quotes (RFC 4180)', () => {
    assert.equal(csvRow(['a', 'b,c', 'say "hi"', 'two\nlines', 410]), 'a,"b,c","say ""hi""","two\nlines",410\n');
  });

  for (const start of ['=', '+', '-', '@', '\t', '\r']) {
    it(`puts an apostrophe before a cell that starts with ${JSON.stringify(start)}`, () => {
      assert.match(csvCell(`${start}1+1`), /^"?'/);
    });
  }

  it('can be read back, whatever the cells hold', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (cells) => {
        const expected = cells.map((cell) => (/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell));
        assert.deepEqual(parseRow(csvRow(cells)), expected);
      }),
    );
  });
});

/** A reader of one row, written from RFC 4180 and not from the writer. */
function parseRow(row: string): string[] {
  const cells: string[] = [];
  let at = 0;
  while (at < row.length) {
    let cell = '';
    if (row[at] === '"') {
      for (at++; ; at++) {
        if (row[at] !== '"') cell += row[at];
        else if (row[at + 1] === '"') {
          cell += '"';
          at++;
        } else break;
      }
      at++;
    } else {
      while (row[at] !== ',' && at < row.length - 1) cell += row[at++];
    }
    cells.push(cell);
    at++;
  }
  return cells;
}
