import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { decodeManifest, encodeManifest } from '../../../src/cluster/slices/manifest-codec.js';
import { checkAnyBytes, checkDamage } from './damage.js';
import { drawnManifest } from './drawn-slices.js';

function sealed(content: Uint8Array): Uint8Array {
  const bytes = Buffer.concat([Buffer.from([0x4d, 1]), content, Buffer.alloc(4)]);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

describe('the codec of manifests', () => {
  it('gives back what it was given', () => {
    fc.assert(fc.property(drawnManifest, (places) => assert.deepEqual(decodeManifest(encodeManifest(places)), places)));
  });

  it('has few bytes for a whole block, and a bit for a recipient where few are missing', () => {
    const whole = Array.from({ length: 10 }, (_, at) => ({ block: 900_000 + at, count: 1024, indexes: null }));
    assert.ok(encodeManifest(whole).length <= 80);
    const indexes = Uint16Array.from({ length: 1020 }, (_, at) => at + 3);
    assert.ok(encodeManifest([{ block: 1, count: 1024, indexes }]).length <= 150);
  });

  it('refuses bytes that are damaged', () => {
    checkDamage(drawnManifest, encodeManifest, decodeManifest);
    checkAnyBytes(sealed, decodeManifest);
  });

  it('refuses an index that its block does not have', () => {
    const bytes = encodeManifest([{ block: 1, count: 9, indexes: Uint16Array.from([8]) }]);
    const content = Uint8Array.from(bytes.subarray(2, -4));
    content[2] = 8;
    assert.throws(() => decodeManifest(sealed(content)), { code: 'ERR_PEAL_STORE' });
  });
});
