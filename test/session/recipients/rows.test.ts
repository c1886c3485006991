import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { TokenBlock } from '../../../src/push/token-block.js';
import { type ColumnValues, Rows } from '../../../src/session/recipients/rows.js';

const blockOf = (count: number): TokenBlock =>
  new TokenBlock(
    Uint8Array.from({ length: count * 32 }, (_, at) => at >> 5),
    32,
    count,
  );
const textsOf = (rows: Rows, column: string): (string | null)[] =>
  Array.from({ length: rows.count }, (_, index) => rows.text(index, column));

describe('rows', () => {
  const columns: Readonly<Record<string, ColumnValues>> = {
    name: ['Ada', null, 'Zoë', ''],
    age: Float64Array.of(1, Number.NaN, -0.5, 1e21),
    vip: [true, false, undefined, true],
  };

  it('have their fields as text, and know which are missing', () => {
    const rows = new Rows(blockOf(4), columns);
    assert.deepEqual(textsOf(rows, 'name'), ['Ada', null, 'Zoë', null]);
    assert.deepEqual(textsOf(rows, 'age'), ['1', null, '-0.5', '1e+21']);
    assert.deepEqual(textsOf(rows, 'vip'), ['true', 'false', null, 'true']);
    assert.deepEqual(textsOf(rows, 'none'), [null, null, null, null]);
    assert.equal(inspect(rows), 'Rows(4) [ name, age, vip ]');
  });

  it('are picked with all their fields, also once more', () => {
    const rows = new Rows(blockOf(4), columns).pick([3, 0, 2]).pick(Uint16Array.of(0, 2));
    assert.deepEqual([rows.count, rows.tokens.textAt(0), rows.tokens.textAt(1)], [2, '03'.repeat(32), '02'.repeat(32)]);
    assert.deepEqual(textsOf(rows, 'name'), [null, 'Zoë']);
    assert.deepEqual(textsOf(rows, 'age'), ['1e+21', '-0.5']);
    assert.equal(new Rows(blockOf(4), {}).pick([1]).columns.size, 0);
  });

  it('refuse too many tokens, and columns of another length', () => {
    assert.throws(() => new Rows(blockOf(1025), {}), { code: 'ERR_PEAL_TOKEN', message: /at most 1024/ });
    assert.throws(() => new Rows(blockOf(3), columns), { code: 'ERR_PEAL_TOKEN', message: /"name" has 4 cells for 3/ });
  });
});
