/** Hex digits against Buffer's, in both directions. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { decodeHex, hexOf, writeHex } from '../../src/base/hex.js';

describe('hex', () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);

  it('decodes digits of either case to the place asked for', () => {
    const text = Buffer.from(all).toString('hex');
    const target = new Uint8Array(258);
    assert.equal(decodeHex(text, target, 1), true);
    assert.deepEqual(target.subarray(1, 257), all);
    assert.equal(decodeHex(text.toUpperCase(), target, 2), true);
    assert.deepEqual(target.subarray(2), all);
  });

  it('refuses every other character at either place of a byte', () => {
    const target = new Uint8Array(1);
    for (let code = 0; code < 0x300; code++) {
      const character = String.fromCharCode(code);
      const isDigit = /[0-9a-fA-F]/.test(character);
      assert.equal(decodeHex(`${character}0`, target, 0), isDigit);
      assert.equal(decodeHex(`0${character}`, target, 0), isDigit);
    }
  });

  it('writes lower-case digits', () => {
    const bytes = new Uint8Array(514);
    writeHex(new DataView(bytes.buffer), 2, all, 0, 256);
    assert.equal(Buffer.from(bytes.subarray(2)).toString('latin1'), Buffer.from(all).toString('hex'));
    assert.equal(hexOf(all.subarray(9, 18)), '090a0b0c0d0e0f1011');
  });
});
