import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { blockDigest } from '../../../src/campaign/journal/block-digest.js';
import { RowPacker } from '../../../src/campaign/tables/table-rows.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { Rows } from '../../../src/session/recipients/rows.js';

const tokens = new TokenBlock(Buffer.alloc(96, 'abcdefgh'), 32, 3);
const columns = { name: ['Ann', '', 'Zoë'], city: ['Rome', 'Oslo', ''] };

const digest = (rows: Rows): string => Buffer.from(blockDigest(rows)).toString('hex');

/** As a reader of tables makes them, its cells `offset` bytes from the beginning of their memory. */
function tableRows(cells: readonly (readonly string[])[], offset: number): Rows {
  let made: Rows | null = null;
  const packer = new RowPacker(
    { columns: ['name', 'city'], tokenColumn: 0 },
    {
      onRows: (rows) => {
        made = rows;
      },
      onInvalid: () => assert.fail('all rows are valid'),
    },
  );
  packer.next.cellBytes = offset;
  for (const row of cells)
    packer.add(
      Buffer.alloc(32, 7),
      row.map((cell) => Buffer.from(cell)),
      1,
    );
  packer.flush();
  return made!;
}

describe('the digest of a block', () => {
  it('is the same for the same content', () => {
    assert.equal(digest(new Rows(tokens, columns)), digest(new Rows(tokens, structuredClone(columns))));
  });

  it('is another one for other tokens, fields, names or counts', () => {
    const other = Buffer.from(tokens.bytes);
    other[40]! ^= 1;
    const all = [
      new Rows(tokens, columns),
      new Rows(tokens, {}),
      new Rows(new TokenBlock(other, 32, 3), columns),
      new Rows(new TokenBlock(tokens.bytes, 32, 2), { name: ['Ann', ''], city: ['Rome', 'Oslo'] }),
      new Rows(new TokenBlock(tokens.bytes, 16, 3), columns),
      new Rows(tokens, { ...columns, name: ['Ann', '', 'Zoe'] }),
      new Rows(tokens, { ...columns, name: ['', 'Ann', 'Zoë'] }),
      new Rows(tokens, { city: columns.city, name: columns.name }),
      new Rows(tokens, { name: columns.name }),
    ].map(digest);
    assert.equal(new Set(all).size, all.length);
  });

  it('does not depend on where a reader has put the cells', () => {
    const cells = [
      ['Ann', 'Rome'],
      ['', 'Oslo'],
    ];
    assert.equal(digest(tableRows(cells, 0)), digest(tableRows(cells, 1_000)));
    const moved = [
      ['An', 'nRome'],
      ['', 'Oslo'],
    ];
    assert.notEqual(digest(tableRows(cells, 0)), digest(tableRows(moved, 0)));
  });
});
