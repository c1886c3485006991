import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PealError } from '../../../src/base/errors.js';
import { maxHeaderFields, maxHeaderListBytes } from '../../../src/base/limits.js';
import { HpackDecoder } from '../../../src/codec/hpack/decoder.js';
import { NAME_STATUS } from '../../../src/codec/hpack/field-names.js';
import { decodeText } from '../../../src/codec/hpack/field-text.js';
import { writeIndexed, writeLiteral } from '../../../src/codec/hpack/representation.js';
import { apnsNames, NAME_APNS_ID } from '../../../src/codec/requests/apns-names.js';
import { block, compressionError, decoderWith, entered } from '../../support/header-blocks.js';
import { octets } from '../../support/hex.js';

const limitError = { name: 'PealError', code: 'ERR_PEAL_LIMIT', origin: 'protocol' };

describe('HpackDecoder', () => {
  describe('refuses indices that are none', () => {
    it('index 0 of an indexed field', () => {
      assert.throws(() => new HpackDecoder().decode(octets('80')), compressionError);
    });

    it('the first index beyond the entries, for fields and for names', () => {
      for (const entries of [0, 1, 5]) {
        const beyond = 62 + entries;
        const indexed = block((out) => writeIndexed(out, beyond));
        assert.throws(() => decoderWith(entries).decode(indexed), compressionError);
        for (const form of ['indexing', 'without-indexing', 'never-indexed'] as const) {
          const literal = block((out) => writeLiteral(out, form, beyond, '', 'v'));
          assert.throws(() => decoderWith(entries).decode(literal), compressionError);
        }
        if (entries > 0) assert.equal(decoderWith(entries).decode(Uint8Array.of(0x80 | (beyond - 1)))[0]![0], 'name-0');
      }
    });

    it('but not the last of the static table', () => {
      assert.deepEqual(new HpackDecoder().decode(octets('bd')), [['www-authenticate', '']]);
      assert.deepEqual(new HpackDecoder().decode(octets('7d 00')), [['www-authenticate', '']]);
    });

    it('entries that were evicted', () => {
      const decoder = new HpackDecoder({ maxTableBytes: 100 });
      decoder.decode(entered('a', '1'.repeat(30))); // 63 bytes
      decoder.decode(entered('b', '2')); // 34 bytes
      assert.equal(decoder.decode(octets('bf'))[0]![0], 'a');
      decoder.decode(entered('c', '3')); // 34 bytes: a has to go
      assert.equal(decoder.decode(octets('bf'))[0]![0], 'b');
      assert.throws(() => decoder.decode(octets('c0')), compressionError);
    });

    it('very large ones', () => {
      assert.throws(() => new HpackDecoder().decode(octets('ff ff ff ff 7f')), compressionError);
    });
  });

  describe('refuses strings and integers that are none', () => {
    const cases: [what: string, block: string][] = [
      ['an integer that is cut off', 'ff'],
      ['an integer of more than five octets', 'ff 80 80 80 80 80 00'],
      ['a literal that ends behind its first octet', '40'],
      ['a literal that ends behind its name', '40 01 61'],
      ['a name that is longer than the block', '40 05 61'],
      ['a value that is longer than the block', '40 01 61 05 62'],
      ['a length that is cut off', '40 01 61 7f'],
      ['a length beyond all measure', '40 01 61 7f ff ff ff 7f 62'],
      ['a value whose code ends with eleven ones', '48 82 1fff'],
      ['a value whose padding is not ones', '48 81 18'],
      ['a value that holds EOS', '48 84 ffffffff'],
      ['a name that holds EOS', '40 84 ffffffff 00'],
      ['a name whose padding is not ones', '40 81 18 00'],
    ];
    for (const [what, bytes] of cases) {
      it(what, () => {
        assert.throws(() => new HpackDecoder().decode(octets(bytes)), compressionError);
      });
    }

    it('even when the buffer goes on behind the block', () => {
      const bytes = octets('88 40 01 61 01 62');
      for (let end = 2; end < bytes.length; end++) {
        assert.throws(() => new HpackDecoder().decode(bytes, 0, end), compressionError);
      }
      assert.equal(new HpackDecoder().decode(bytes, 0, 1).length, 1);
    });

    it('and ranges that do not lie in the buffer', () => {
      assert.throws(() => new HpackDecoder().decode(octets('88'), 0, 2), compressionError);
      assert.throws(() => new HpackDecoder().decode(octets('88'), -1, 1), compressionError);
    });
  });

  describe('bounds what a block can make of itself', () => {
    it('counts each field as RFC 7541 §4.1 does: name, value and 32', () => {
      const bytes = Uint8Array.of(...entered('a', '1'), 0xbe, 0xbe, 0x88); // 34 + 34 + 34 + 42
      assert.equal(new HpackDecoder({ maxHeaderListBytes: 144 }).decode(bytes).length, 4);
      assert.throws(() => new HpackDecoder({ maxHeaderListBytes: 143 }).decode(bytes), limitError);
    });

    it('a block that repeats one large entry (CVE-2016-6581)', () => {
      const bomb = Uint8Array.of(...entered('a', 'x'.repeat(4000)), ...new Uint8Array(16_000).fill(0xbe));
      let fields = 0;
      const visitor = { onField: () => void fields++ };
      assert.throws(() => new HpackDecoder().walk(bomb, 0, bomb.length, visitor), limitError);
      assert.ok(fields <= maxHeaderListBytes / 4000);
    });

    it('a block of very many small fields', () => {
      const most = new Uint8Array(maxHeaderFields).fill(0x90); // accept-encoding: gzip, deflate
      assert.equal(new HpackDecoder().decode(most).length, maxHeaderFields);
      const bomb = new Uint8Array(maxHeaderFields + 1).fill(0x90);
      assert.throws(() => new HpackDecoder().decode(bomb), limitError);
    });

    it('a block of very many fields without name and value (CVE-2019-9516)', () => {
      const bomb = new Uint8Array(3 * 5000); // 00 00 00: literal, empty name, empty value
      assert.throws(() => new HpackDecoder().decode(bomb), limitError);
    });

    it('a name that alone is too large', () => {
      const bomb = entered('n'.repeat(maxHeaderListBytes + 1), '');
      assert.throws(() => new HpackDecoder().decode(bomb), limitError);
    });

    it('starts to count anew with each block', () => {
      const decoder = new HpackDecoder();
      for (let i = 0; i < 3; i++) assert.equal(decoder.decode(new Uint8Array(100).fill(0x90)).length, 100);
    });
  });

  describe('marks values with NUL, CR or LF, and with a blank at an end', () => {
    const isMarked = (decoder: HpackDecoder, bytes: Uint8Array): boolean => {
      decoder.decode(bytes);
      return decoder.hasForbiddenOctets;
    };

    for (const form of ['raw', 'compact'] as const) {
      for (const forbidden of ['\0', '\r', '\n']) {
        for (const at of [0, 1, 2, 3, 4, 7, 8]) {
          const value = `${'v'.repeat(at)}${forbidden}${'v'.repeat(8 - at)}`;
          it(`${JSON.stringify(value)}, ${form}, also when it comes back from the table`, () => {
            const decoder = new HpackDecoder();
            const once = block((out) => writeLiteral(out, 'without-indexing', 8, '', value, form));
            assert.equal(isMarked(decoder, once), true);
            assert.equal(isMarked(decoder, octets('88')), false);
            const kept = block((out) => writeLiteral(out, 'indexing', 8, '', value, form));
            assert.equal(isMarked(decoder, kept), true);
            assert.equal(isMarked(decoder, octets('88')), false);
            assert.equal(isMarked(decoder, octets('88 be')), true);
          });
        }
      }
    }

    for (const form of ['raw', 'compact'] as const) {
      for (const value of [' ', '\t', ' v', '\tvalue', 'v ', 'value\t', 'a longer value ', ' a longer value']) {
        it(`${JSON.stringify(value)}, ${form}, also when it comes back from the table`, () => {
          const decoder = new HpackDecoder();
          const once = block((out) => writeLiteral(out, 'without-indexing', 8, '', value, form));
          assert.equal(isMarked(decoder, once), true);
          const kept = block((out) => writeLiteral(out, 'indexing', 8, '', value, form));
          assert.equal(isMarked(decoder, kept), true);
          assert.equal(isMarked(decoder, octets('88')), false);
          assert.equal(isMarked(decoder, octets('88 be')), true);
        });
      }
    }

    it('and no others', () => {
      const decoder = new HpackDecoder();
      const value = '\x01\x09 \x0b\x0c\x0e\x1f\x7f\xff';
      for (const form of ['raw', 'compact'] as const) {
        assert.equal(
          isMarked(
            decoder,
            block((out) => writeLiteral(out, 'indexing', 8, '', value, form)),
          ),
          false,
        );
        assert.equal(isMarked(decoder, octets('be')), false);
      }
    });
  });

  it('hands out names as numbers and values as they stand in the block', () => {
    const id = 'eabeae54-14a8-11e5-b60b-1697f925ec7b';
    const seen: [number, string][] = [];
    const visitor = {
      onField(name: number, bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
        seen.push([name, decodeText(bytes, start, length, isHuffman)]);
      },
    };
    const decoder = new HpackDecoder({ ownNames: apnsNames });
    const bytes = block((out) => {
      out.u8(0xee); // something in front of the block
      writeIndexed(out, 8);
      writeLiteral(out, 'indexing', 0, 'apns-id', id);
      writeLiteral(out, 'without-indexing', 62, '', id, 'raw');
      writeIndexed(out, 62);
    });
    decoder.walk(bytes, 1, bytes.length, visitor);
    assert.deepEqual(seen, [
      [NAME_STATUS, '200'],
      [NAME_APNS_ID, id],
      [NAME_APNS_ID, id],
      [NAME_APNS_ID, id],
    ]);
  });

  it('throws nothing but PealErrors for garbage, and always comes to an end', () => {
    const shaped = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Octets that lead deeper than even ones do: literals with short strings, new indices, updates.
      fc
        .array(fc.constantFrom(0x40, 0x00, 0x10, 0x41, 0x01, 0x02, 0x82, 0xbe, 0xbf, 0x3f, 0x20, 0x81, 0xff, 0x61), {
          maxLength: 200,
        })
        .map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(fc.array(shaped, { maxLength: 8 }), (blocks) => {
        const decoder = new HpackDecoder();
        for (const bytes of blocks) {
          try {
            decoder.decode(bytes);
          } catch (error) {
            assert.ok(error instanceof PealError, String(error));
            assert.ok(['ERR_PEAL_COMPRESSION', 'ERR_PEAL_LIMIT'].includes(error.code));
          }
          assert.ok(decoder.tableBytes <= 4096);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
