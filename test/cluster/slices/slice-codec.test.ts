import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { SliceBatch } from '../../../src/cluster/slices/slice.js';
import { decodeSlice, encodeSlice } from '../../../src/cluster/slices/slice-codec.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { checkAnyBytes, checkDamage } from './damage.js';
import { drawnSlice } from './drawn-slices.js';

/** With plain arrays, so that views of other kinds compare by what they hold. */
function plain(batches: readonly SliceBatch[]): unknown {
  return JSON.parse(
    JSON.stringify(batches, (_, value: unknown) => (value instanceof Uint8Array ? Array.from(value) : value)),
  );
}

/** The same bytes at another place of their memory. */
function shifted(bytes: Uint8Array, by: number): Uint8Array {
  const memory = new Uint8Array(bytes.length + by);
  memory.set(bytes, by);
  return memory.subarray(by);
}

/** A slice of one batch with these bytes, whose check sum matches. */
function sealed(content: Uint8Array): Uint8Array {
  const bytes = Buffer.concat([Buffer.from([0x53, 1, 1, 0]), Buffer.alloc(4), content]);
  bytes.writeUInt32LE(crc32(content, crc32(bytes.subarray(0, 4))), 4);
  return bytes;
}

describe('the codec of slices', () => {
  it('gives back what it was given, at any place of the memory', () => {
    fc.assert(
      fc.property(drawnSlice, fc.integer({ min: 0, max: 5 }), (batches, by) => {
        assert.deepEqual(plain(decodeSlice(shifted(encodeSlice(batches), by))), plain(batches));
      }),
    );
  });

  it('takes a part of longer arrays, and offsets that begin within them', () => {
    const tokens = new TokenBlock(new Uint8Array(100).fill(7), 32, 2);
    const payloads = Buffer.from('--{"a":1}{"b":2}--');
    const personal = { apnsIds: null, payloads, payloadOffsets: Uint32Array.from([2, 9, 16, 18]) };
    const [batch] = decodeSlice(encodeSlice([{ tokens, personal }]));
    assert.equal(Buffer.from(batch!.personal!.payloads!).toString(), '{"a":1}{"b":2}');
    assert.deepEqual([...batch!.personal!.payloadOffsets!], [0, 7, 14]);
    assert.equal(batch!.tokens.bytes.length, 64);
  });

  it('makes views of the bytes, and copies nothing where the memory is aligned', () => {
    const tokens = new TokenBlock(new Uint8Array(32 * 1000), 32, 1000);
    const fields = { ...{ priorities: null, collapseIds: null, collapseIdOffsets: null } };
    const expirations = new Uint32Array(1000);
    const bytes = encodeSlice([
      { tokens, personal: { apnsIds: null, payloads: null, payloadOffsets: null, fields: { ...fields, expirations } } },
    ]);
    const [batch] = decodeSlice(bytes);
    assert.equal(batch!.tokens.bytes.buffer, bytes.buffer);
    assert.equal(batch!.personal!.fields!.expirations!.buffer, bytes.buffer);
  });

  it('has 32 bytes for a recipient with a token only, and four more for a batch', () => {
    const batch = { tokens: new TokenBlock(new Uint8Array(32 * 1024), 32, 1024), personal: null };
    assert.equal(encodeSlice([batch, batch]).length, 8 + 2 * (4 + 32 * 1024));
  });

  it('keeps tokens that are text, up to 1,024 bytes, and marks such slices with a version of their own', () => {
    const text = new TokenBlock(Buffer.from('ab:c'.repeat(512)), 1024, 2, 'text');
    const hex = new TokenBlock(new Uint8Array(64).fill(7), 32, 2);
    const bytes = encodeSlice([
      { tokens: hex, personal: null },
      { tokens: text, personal: null },
    ]);
    const [first, second] = decodeSlice(bytes);
    assert.deepEqual([first!.tokens.encoding, second!.tokens.encoding], ['hex', 'text']);
    assert.equal(second!.tokens.textAt(1), 'ab:c'.repeat(256));
    assert.equal(bytes[1], 2);
    assert.equal(encodeSlice([{ tokens: hex, personal: null }])[1], 1, 'workers of an older version take it');
    const asFirst = sealed(encodeSlice([{ tokens: text, personal: null }]).subarray(8));
    assert.throws(() => decodeSlice(asFirst), { code: 'ERR_PEAL_STORE' }, 'no text in the first version');
  });

  it('refuses bytes that are damaged, in one sentence', () => {
    checkDamage(drawnSlice, encodeSlice, decodeSlice);
    const message = 'A slice is damaged in the store: its bytes are not those that were stored.';
    assert.throws(() => decodeSlice(new Uint8Array(3)), { message });
  });

  it('refuses batches that no engine takes, whatever the check sum', () => {
    checkAnyBytes(sealed, decodeSlice);
    const twoPayloads = Buffer.from([1, 5, 2, 0, 0, 0, 0, 0, 9, 0, 0, 0, 3, 0, 0, 0, 1, 1, 65, 66, 67, 0, 0, 0]);
    assert.throws(() => decodeSlice(sealed(twoPayloads)), { code: 'ERR_PEAL_STORE' });
  });

  it('names another version', () => {
    const bytes = Buffer.from([0x53, 3, 0, 0, 0, 0, 0, 0]);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 4)), 4);
    assert.throws(() => decodeSlice(bytes), {
      code: 'ERR_PEAL_STORE',
      message: /^A slice was stored by another version/,
    });
  });
});
