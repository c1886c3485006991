import assert from 'node:assert/strict';
import fc from 'fast-check';
import { maxHpackIntegerOctets } from '../../../src/base/limits.js';
import { ByteWriter } from '../../../src/codec/byte-writer.js';
import { IntegerReader, maxInteger, writeInteger } from '../../../src/codec/hpack/integer.js';
import { hexOf, octets } from '../../support/hex.js';

const compressionError = { name: 'PealError', code: 'ERR_PEAL_COMPRESSION', origin: 'protocol' };

function written(pattern: number, prefixBits: number, value: number): string {
  const out = new ByteWriter();
  writeInteger(out, pattern, prefixBits, value);
  return hexOf(out.view());
}

function read(bytes: Uint8Array, prefixBits: number): { value: number; end: number } {
  const integers = new IntegerReader();
  const value = integers.read(bytes, 0, bytes.length, 2 ** prefixBits - 1);
  return { value, end: integers.end };
}

describe('HPACK integers', () => {
  it('are the examples of RFC 7541 C.1', () => {
    assert.equal(written(0, 5, 10), '0a'); // C.1.1
    assert.equal(written(0, 5, 1337), '1f9a0a'); // C.1.2
    assert.equal(written(0, 8, 42), '2a'); // C.1.3
    assert.deepEqual(read(octets('0a'), 5), { value: 10, end: 1 });
    assert.deepEqual(read(octets('1f 9a 0a'), 5), { value: 1337, end: 3 });
    assert.deepEqual(read(octets('2a'), 8), { value: 42, end: 1 });
  });

  it('keep the pattern in front of the prefix, which reading ignores', () => {
    assert.equal(written(0x80, 7, 2), '82');
    assert.equal(written(0x20, 5, 4096), '3fe11f');
    assert.deepEqual(read(octets('ea'), 5), { value: 10, end: 1 });
  });

  it('come back as they were written, for every prefix', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: maxInteger }), (prefixBits, value) => {
        const out = new ByteWriter();
        writeInteger(out, 0, prefixBits, value);
        assert.ok(out.length <= maxHpackIntegerOctets);
        assert.deepEqual(read(out.view(), prefixBits), { value, end: out.length });
      }),
    );
  });

  it('are refused when they are cut off', () => {
    assert.throws(() => read(octets(''), 5), compressionError);
    assert.throws(() => read(octets('1f'), 5), compressionError);
    assert.throws(() => read(octets('1f 9a'), 5), compressionError);
  });

  it('are refused beyond five octets, whether these add to the value or are zeros', () => {
    assert.deepEqual(read(octets('1f 80 80 80 00'), 5), { value: 31, end: 5 });
    assert.throws(() => read(octets('1f 80 80 80 80 00'), 5), compressionError);
    assert.throws(() => read(octets('ff ff ff ff ff ff ff ff ff ff'), 7), compressionError);
  });

  it('are not written above what can be read again', () => {
    assert.throws(() => written(0, 5, maxInteger + 1), { code: 'ERR_PEAL_OPTION' });
    assert.throws(() => written(0, 5, -1), { code: 'ERR_PEAL_OPTION' });
  });
});
