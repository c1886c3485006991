import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ByteWriter } from '../../../src/codec/byte-writer.js';
import { type EncodedField, HpackEncoder, type Indexing } from '../../../src/codec/hpack/encoder.js';
import { hexOf, octets } from '../../support/hex.js';
import { PeerDecoder } from '../../support/peer-decoder.js';

function field(name: string, value: string, indexing: Indexing = 'shared'): EncodedField {
  return { name, value, indexing };
}

function encode(encoder: HpackEncoder, ...fields: EncodedField[]): Uint8Array {
  const out = new ByteWriter();
  encoder.encode(fields, out);
  return out.view();
}

const hexBlock = (encoder: HpackEncoder, ...fields: EncodedField[]): string => hexOf(encode(encoder, ...fields));

describe('HpackEncoder', () => {
  it('enters shared fields once and refers to them from then on', () => {
    const encoder = new HpackEncoder();
    const topic = field('apns-topic', 'com.example.app');
    assert.equal(encoder.canEncodeWithoutInsertion([topic]), false);
    assert.equal(hexBlock(encoder, topic).slice(0, 2), '40');
    assert.equal(encoder.canEncodeWithoutInsertion([topic]), true);
    assert.equal(hexBlock(encoder, topic), 'be');
    assert.equal(encoder.indexOf('apns-topic', 'com.example.app'), 62);
    assert.equal(encoder.nameIndexOf('apns-topic'), 62);
    assert.equal(encoder.indexOf('apns-topic', 'com.example.other'), 0);
  });

  it('enters the first collapse id and writes others as literals with its name', () => {
    const encoder = new HpackEncoder();
    assert.equal(hexBlock(encoder, field('apns-collapse-id', 'one', 'first')).slice(0, 2), '40');
    assert.equal(hexBlock(encoder, field('apns-collapse-id', 'one', 'first')), 'be');
    const second = hexBlock(encoder, field('apns-collapse-id', 'two', 'first'));
    assert.equal(second.slice(0, 4), '0f2f'); // not indexed, name of index 15 + 47 = 62
    assert.equal(encoder.tableEntries, 1);
    assert.equal(encoder.canEncodeWithoutInsertion([field('apns-collapse-id', 'three', 'first')]), true);
  });

  it('never enters what is not to be indexed, and marks what must never be', () => {
    const encoder = new HpackEncoder();
    assert.equal(hexBlock(encoder, field(':path', '/3', 'none')), hexOf(octets('04 82 619f')));
    assert.equal(hexBlock(encoder, field('authorization', '~', 'never')), hexOf(octets('1f 08 01 7e')));
    assert.equal(encoder.tableEntries, 0);
  });

  it('does not push others out for a field of more than half the table', () => {
    const encoder = new HpackEncoder(200);
    encode(encoder, field('a', 'x'.repeat(67))); // exactly 100
    assert.equal(encoder.tableEntries, 1);
    encode(encoder, field('b', 'x'.repeat(68))); // 101, and 100 are in use
    assert.deepEqual([encoder.tableEntries, encoder.indexOf('b', 'x'.repeat(68))], [1, 0]);
    encode(encoder, field('c', 'x'.repeat(66)), field('d', 'x'.repeat(67))); // 99, and 100 for which a has to go
    assert.deepEqual([encoder.tableEntries, encoder.tableBytes], [2, 199]);
    assert.equal(encoder.indexOf('a', 'x'.repeat(67)), 0);
  });

  it('does not enter what can never fit, and then encodes it the same every time', () => {
    const encoder = new HpackEncoder(64);
    encode(encoder);
    const large = field('a', 'x'.repeat(64));
    assert.equal(encoder.canEncodeWithoutInsertion([large]), true);
    const first = hexBlock(encoder, large);
    assert.equal(hexBlock(encoder, large), first);
    assert.equal(first.slice(0, 2), '00');
  });

  it('writes what is longer coded as it is', () => {
    const encoder = new HpackEncoder();
    assert.equal(hexBlock(encoder, field('a', '\xff\xff', 'none')), hexOf(octets('00 81 1f 02 ffff')));
    assert.equal(hexBlock(encoder, field('a', '', 'none')), hexOf(octets('00 81 1f 00')));
  });

  it('refuses characters that are no octet', () => {
    assert.throws(() => encode(new HpackEncoder(), field('a', '\u0100')), { code: 'ERR_PEAL_HEADER' });
  });

  describe('changes its revision exactly when indices may have changed', () => {
    it('with insertions and changes of size, not with what only refers', () => {
      const encoder = new HpackEncoder();
      let before = encoder.revision;
      const changes = (act: () => void): boolean => {
        act();
        const isChanged = encoder.revision !== before;
        before = encoder.revision;
        return isChanged;
      };
      assert.equal(
        changes(() => encode(encoder, field('a', '1'))),
        true,
      );
      assert.equal(
        changes(() => encode(encoder, field('a', '1'), field('b', '2', 'none'))),
        false,
      );
      assert.equal(
        changes(() => encoder.setPeerTableBytes(4096)),
        false,
      );
      assert.equal(
        changes(() => encoder.setPeerTableBytes(65_536)),
        false,
      );
      assert.equal(
        changes(() => encoder.setPeerTableBytes(100)),
        true,
      );
      assert.equal(
        changes(() => encode(encoder)),
        false,
      );
      assert.equal(
        changes(() => encoder.setPeerTableBytes(4096)),
        true,
      );
    });
  });

  describe('tells of a smaller table before it uses one', () => {
    it('at the start of the next block, once', () => {
      const encoder = new HpackEncoder();
      encode(encoder, field('a', '1'));
      encoder.setPeerTableBytes(0);
      assert.equal(encoder.tableEntries, 0);
      assert.equal(encoder.canEncodeWithoutInsertion([field(':method', 'GET')]), false);
      assert.equal(hexBlock(encoder, field(':method', 'GET')), '2082');
      assert.equal(encoder.canEncodeWithoutInsertion([field(':method', 'GET')]), true);
      assert.equal(hexBlock(encoder, field(':method', 'GET')), '82');
    });

    it('with the smallest size and then the last when there were several', () => {
      const encoder = new HpackEncoder();
      for (const size of [1000, 100, 2000]) encoder.setPeerTableBytes(size);
      assert.equal(hexBlock(encoder), hexOf(octets('3f 45 3f b1 0f'))); // 100, then 2000
    });

    it('and when the peer went down and back up between two blocks', () => {
      const encoder = new HpackEncoder();
      encode(encoder, field('a', '1'));
      encoder.setPeerTableBytes(0);
      encoder.setPeerTableBytes(4096);
      assert.equal(hexBlock(encoder, field('a', '1')).slice(0, 8), hexOf(octets('20 3f e1 1f'))); // 0, then 4096
    });

    it('and not at all when the peer allows more than we use', () => {
      const encoder = new HpackEncoder();
      encoder.setPeerTableBytes(65_536);
      assert.equal(hexBlock(encoder, field(':method', 'GET')), '82');
    });

    it('and at once when it starts with less than HTTP/2 does', () => {
      assert.equal(hexBlock(new HpackEncoder(100)), hexOf(octets('3f 45')));
    });
  });

  it('is understood by our decoder, whatever is encoded and however the table changes', () => {
    const name = fc.constantFrom('apns-topic', 'apns-id', 'x', ':path', ':status', 'content-type', 'authorization');
    const value = fc.oneof(
      fc.constantFrom('', '200', '/', 'application/json', 'x'.repeat(150)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    const indexing = fc.constantFrom<Indexing>('shared', 'first', 'none', 'never');
    const fields = fc.array(fc.record({ name, value, indexing }), { maxLength: 12 });
    const step = fc.oneof(
      { weight: 4, arbitrary: fields },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 6000 }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 5000 }), (steps, ownBytes) => {
        const encoder = new HpackEncoder(ownBytes);
        const decoder = new PeerDecoder();
        for (const next of steps) {
          if (typeof next === 'number') {
            encoder.setPeerTableBytes(next);
            decoder.announced(next);
            continue;
          }
          const isSteady = encoder.canEncodeWithoutInsertion(next);
          const { revision } = encoder;
          const bytes = encode(encoder, ...next);
          assert.equal(isSteady && encoder.revision !== revision, false);
          assert.deepEqual(
            decoder.decode(bytes),
            next.map((one) => [one.name, one.value]),
          );
          assert.equal(decoder.tableEntries, encoder.tableEntries);
          assert.equal(decoder.tableBytes, encoder.tableBytes);
          if (isSteady) assert.equal(hexBlock(encoder, ...next), hexOf(bytes));
        }
      }),
      { numRuns: 300 },
    );
  });
});
