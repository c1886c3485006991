import assert from 'node:assert/strict';
import {
  staticFieldIndex,
  staticName,
  staticNameIds,
  staticNameIndex,
  staticValue,
  staticValueBytes,
  staticValueStarts,
} from '../../../src/codec/hpack/static-table.js';

describe('HPACK static table', () => {
  it('has the entries of RFC 7541 Appendix A at their indices', () => {
    const rows: [index: number, name: string, value: string][] = [
      [1, ':authority', ''],
      [3, ':method', 'POST'],
      [5, ':path', '/index.html'],
      [8, ':status', '200'],
      [14, ':status', '500'],
      [16, 'accept-encoding', 'gzip, deflate'],
      [19, 'accept', ''],
      [28, 'content-length', ''],
      [38, 'host', ''],
      [50, 'range', ''],
      [61, 'www-authenticate', ''],
    ];
    for (const [index, name, value] of rows) {
      assert.deepEqual([staticName(index), staticValue(index)], [name, value], `index ${index}`);
      assert.equal(staticFieldIndex(name, value), index);
    }
  });

  it('finds names by their first index and does not find others', () => {
    assert.equal(staticNameIndex(':status'), 8);
    assert.equal(staticNameIndex(':path'), 4);
    assert.equal(staticNameIndex('apns-id'), 0);
    assert.equal(staticNameIndex(''), 0);
    assert.equal(staticFieldIndex(':status', '201'), 0);
    assert.equal(staticFieldIndex('apns-id', ''), 0);
    assert.equal(staticNameIds[14], 8);
    assert.equal(staticNameIds[61], 61);
  });

  it('has the bytes of every value where they are said to be', () => {
    for (let index = 1; index <= 61; index++) {
      const value = staticValueBytes.subarray(staticValueStarts[index], staticValueStarts[index + 1]);
      assert.equal(Buffer.from(value).toString('latin1'), staticValue(index));
    }
  });
});
