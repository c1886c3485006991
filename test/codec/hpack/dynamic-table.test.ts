/** The dynamic table as the decoder keeps it: insertion, eviction, changes of its size. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ByteWriter } from '../../../src/codec/byte-writer.js';
import { HpackDecoder } from '../../../src/codec/hpack/decoder.js';
import {
  type StringForm,
  writeIndexed,
  writeLiteral,
  writeSizeUpdate,
} from '../../../src/codec/hpack/representation.js';
import { block, compressionError, decoderWith, entered, writeCoded } from '../../support/header-blocks.js';
import { octets } from '../../support/hex.js';

/** Those of the entries named n, the newest first, that a table has room for. */
function newest(values: readonly string[], maxTableBytes: number): string[] {
  let bytes = 0;
  const tooMany = values.findIndex((value) => {
    bytes += value.length + 33;
    return bytes > maxTableBytes;
  });
  return tooMany < 0 ? [...values] : values.slice(0, tooMany);
}

describe("HpackDecoder's dynamic table", () => {
  describe('is kept as RFC 7541 §4 asks', () => {
    it('an entry that is larger than the table empties it', () => {
      const decoder = new HpackDecoder({ maxTableBytes: 64 });
      decoder.decode(entered('a', '1'));
      assert.deepEqual(decoder.decode(entered('b', '2'.repeat(32))), [['b', '2'.repeat(32)]]);
      assert.deepEqual([decoder.tableEntries, decoder.tableBytes], [0, 0]);
    });

    it('an entry of exactly the size of the table fits', () => {
      const decoder = new HpackDecoder({ maxTableBytes: 64 });
      decoder.decode(entered('b', '2'.repeat(31)));
      assert.deepEqual([decoder.tableEntries, decoder.tableBytes], [1, 64]);
    });

    it('the same field may be entered twice', () => {
      const decoder = new HpackDecoder();
      decoder.decode(entered('a', '1'));
      decoder.decode(entered('a', '1'));
      assert.equal(decoder.tableEntries, 2);
      assert.deepEqual(decoder.decode(octets('be bf')), [
        ['a', '1'],
        ['a', '1'],
      ]);
    });

    it('a name may be taken from the entry that goes to make room', () => {
      const decoder = new HpackDecoder({ maxTableBytes: 50 });
      decoder.decode(entered('long-name', '1'));
      const literal = block((out) => writeLiteral(out, 'indexing', 62, '', '23'));
      assert.deepEqual(decoder.decode(literal), [['long-name', '23']]);
      assert.deepEqual(decoder.decode(octets('be')), [['long-name', '23']]);
      assert.equal(decoder.tableEntries, 1);
    });

    it('literals without indexing do not enter it', () => {
      const decoder = new HpackDecoder();
      decoder.decode(block((out) => writeLiteral(out, 'without-indexing', 0, 'a', '1')));
      decoder.decode(block((out) => writeLiteral(out, 'never-indexed', 0, 'a', '1')));
      assert.equal(decoder.tableEntries, 0);
    });

    it('values whose code is longer than they are count, and stay, as what they stand for', () => {
      const decoder = new HpackDecoder({ maxTableBytes: 64 });
      // 28 bits each: sixteen NULs take 26 octets coded, sixteen of 0xf9 take 56.
      const value = '\xf9'.repeat(16);
      const coded = block((out) => {
        out.append(octets('40 01 61 b8'));
        for (let i = 0; i < 8; i++) out.append(octets('ff ff ff ef ff ff fe'));
      });
      assert.deepEqual(decoder.decode(coded), [['a', value]]);
      assert.equal(decoder.tableBytes, 1 + 16 + 32);
      assert.deepEqual(decoder.decode(octets('be')), [['a', value]]);
    });

    it('a value whose code is longer than the whole table can still be entered', () => {
      const decoder = new HpackDecoder({ maxTableBytes: 50 });
      decoder.decode(block((out) => writeCoded(out, '\xf9'.repeat(16)))); // 56 octets coded
      assert.equal(decoder.tableEntries, 1);
      assert.deepEqual(decoder.decode(octets('be')), [['n', '\xf9'.repeat(16)]]);
    });

    it('names of entries stay, however many other names come and go', () => {
      const decoder = new HpackDecoder();
      decoder.decode(entered('x-entered', '1'));
      for (let i = 0; i < 1000; i++) {
        decoder.decode(block((out) => writeLiteral(out, 'without-indexing', 0, `x-${i}`, '')));
      }
      assert.deepEqual(decoder.decode(octets('be')), [['x-entered', '1']]);
    });

    it('names of evicted entries make room for others', () => {
      const decoder = new HpackDecoder();
      for (let i = 0; i < 5000; i++) decoder.decode(entered(`x-${i}`, ''));
      assert.deepEqual(decoder.decode(octets('be')), [['x-4999', '']]);
    });

    it('every value is as it was while its entry lives, however the memory behind it turns', () => {
      const kind = fc.constantFrom('raw', 'compact', 'coded');
      // The first quarter of the values is small, so that some tables have many entries and others few.
      const percent = fc.oneof(fc.nat(5), fc.nat(110));
      const entries = fc.array(fc.tuple(percent, kind), { minLength: 1, maxLength: 60 });
      fc.assert(
        fc.property(entries, fc.integer({ min: 40, max: 700 }), (steps, maxTableBytes) => {
          const decoder = new HpackDecoder({ maxTableBytes });
          let model: string[] = [];
          steps.forEach(([share, form], step) => {
            // 28 bits for each of the last kind, where the others take 5 to 8.
            const letter = form === 'coded' ? '\xf9' : String.fromCharCode(0x61 + (step % 26));
            const value = letter.repeat(Math.floor((share * (maxTableBytes - 33)) / 100));
            const write = (out: ByteWriter): void => {
              if (form === 'coded') writeCoded(out, value);
              else writeLiteral(out, 'indexing', 0, 'n', value, form as StringForm);
            };
            decoder.decode(block(write));
            model = newest([value, ...model], maxTableBytes);
            const all = model.map((_, age) => block((out) => writeIndexed(out, 62 + age)));
            assert.deepEqual(
              decoder.decode(Uint8Array.from(Buffer.concat(all))),
              model.map((entry) => ['n', entry]),
            );
            assert.equal(decoder.tableEntries, model.length);
          });
        }),
        { numRuns: 500 },
      );
    });
  });

  describe('takes changes of the size of the table', () => {
    const update = (...sizes: number[]): Uint8Array =>
      block((out) => {
        for (const size of sizes) writeSizeUpdate(out, size);
      });

    it('up to what we announced, and evicts what no longer fits', () => {
      const decoder = decoderWith(3); // 46 bytes each
      decoder.decode(update(92));
      assert.equal(decoder.tableEntries, 2);
      decoder.decode(update(0, 4096));
      assert.equal(decoder.tableEntries, 0);
      decoder.decode(entered('a', '1'));
      assert.equal(decoder.tableEntries, 1);
    });

    it('not above what we announced', () => {
      assert.throws(() => new HpackDecoder().decode(update(4097)), compressionError);
      const decoder = new HpackDecoder({ maxTableBytes: 100 });
      assert.throws(() => decoder.decode(update(101)), compressionError);
    });

    it('not behind a field', () => {
      assert.throws(() => new HpackDecoder().decode(octets('88 20')), compressionError);
    });

    it('as nginx does: a size of 0, then literals to be entered where nothing can be', () => {
      const decoder = new HpackDecoder();
      const bytes = Uint8Array.of(...update(0), ...entered('server', 'nginx'), ...entered('a', '1'));
      assert.equal(decoder.decode(bytes).length, 2);
      assert.equal(decoder.tableEntries, 0);
    });
  });
});
