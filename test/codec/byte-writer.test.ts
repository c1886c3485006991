import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ByteWriter } from '../../src/codec/byte-writer.js';
import { hexOf } from '../support/hex.js';

describe('ByteWriter', () => {
  it('writes octets', () => {
    const out = new ByteWriter();
    out.u8(0x01);
    out.u8(0xff);
    assert.equal(hexOf(out.view()), '01ff');
    assert.equal(out.length, 2);
  });

  it('keeps what was written when it grows', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 40 }), (pieces) => {
        const out = new ByteWriter(1);
        for (const piece of pieces) out.append(piece);
        assert.equal(hexOf(out.view()), pieces.map(hexOf).join(''));
      }),
    );
  });

  it('appends a part of a buffer', () => {
    const out = new ByteWriter();
    out.append(Uint8Array.of(1, 2, 3, 4), 1, 3);
    assert.equal(hexOf(out.view()), '0203');
  });

  it('leaves a gap for the caller to fill', () => {
    const out = new ByteWriter();
    out.u8(1);
    const at = out.skip(2);
    out.u8(4);
    out.bytes[at] = 2;
    out.bytes[at + 1] = 3;
    assert.equal(hexOf(out.view()), '01020304');
  });

  it('starts again after a reset', () => {
    const out = new ByteWriter();
    out.ascii('before');
    out.reset();
    out.latin1('\u00e9');
    assert.equal(hexOf(out.view()), 'e9');
  });

  it('refuses values that do not fit', () => {
    const out = new ByteWriter();
    const error = { name: 'PealError', code: 'ERR_PEAL_OPTION' };
    assert.throws(() => out.u8(256), error);
    assert.throws(() => out.u8(-1), error);
    assert.throws(() => out.u8(1.5), error);
    assert.throws(() => out.skip(-1), error);
    assert.throws(() => out.append(Uint8Array.of(1), 0, 2), error);
    assert.throws(() => out.append(Uint8Array.of(1), 1, 0), error);
    assert.equal(out.length, 0);
  });

  it('refuses characters that are no octet, and takes nothing of such a text', () => {
    const out = new ByteWriter();
    assert.throws(() => out.latin1('ab\u0100'), { code: 'ERR_PEAL_HEADER' });
    assert.throws(() => out.ascii('ab\u00e9'), { code: 'ERR_PEAL_HEADER' });
    assert.equal(out.length, 0);
  });
});
