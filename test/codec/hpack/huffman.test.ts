import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ByteWriter } from '../../../src/codec/byte-writer.js';
import { decodeText } from '../../../src/codec/hpack/field-text.js';
import {
  copyHuffman,
  decodeHuffman,
  huffmanLength,
  huffmanRoom,
  measureHuffman,
  writeHuffman,
} from '../../../src/codec/hpack/huffman.js';
import { codeLengths, codes, EOS } from '../../../src/codec/hpack/huffman-code.js';
import { hexOf, octets } from '../../support/hex.js';

function coded(text: string): Uint8Array {
  const out = new ByteWriter();
  writeHuffman(out, text);
  return out.view();
}

function bits(...parts: string[]): Uint8Array {
  const all = parts.join('').replace(/ /g, '');
  assert.equal(all.length % 8, 0, 'whole octets');
  return Uint8Array.from(all.match(/.{8}/g) ?? [], (octet) => Number.parseInt(octet, 2));
}

function code(symbol: number): string {
  return codes[symbol]!.toString(2).padStart(codeLengths[symbol]!, '0');
}

/** All three readers have to agree; -1 for malformed. */
function measure(bytes: Uint8Array): number {
  const measured = measureHuffman(bytes, 0, bytes.length);
  const copied = new Uint8Array(bytes.length);
  assert.equal(copyHuffman(bytes, 0, bytes.length, copied, 0), measured);
  assert.equal(hexOf(copied), hexOf(bytes));
  const decoded = decodeHuffman(bytes, 0, bytes.length, new Uint8Array(huffmanRoom(bytes.length)), 0);
  assert.equal(decoded, measured < 0 ? -1 : measured >> 1);
  return measured;
}

const latin1 = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

describe('HPACK Huffman code', () => {
  it('has the codes of RFC 7541 Appendix B', () => {
    // One of each length, the first and the last of a length where there are several.
    const rows: [symbol: number, code: number, length: number][] = [
      [0x30, 0x0, 5],
      [0x74, 0x9, 5],
      [0x20, 0x14, 6],
      [0x75, 0x2d, 6],
      [0x3a, 0x5c, 7],
      [0x7a, 0x7b, 7],
      [0x26, 0xf8, 8],
      [0x5a, 0xfd, 8],
      [0x21, 0x3f8, 10],
      [0x3f, 0x3fc, 10],
      [0x7c, 0x7fc, 11],
      [0x23, 0xffa, 12],
      [0x00, 0x1ff8, 13],
      [0x7d, 0x3ffd, 14],
      [0x7b, 0x7ffe, 15],
      [0x5c, 0x7fff0, 19],
      [0xc7, 0x1ffffec, 25],
      [0xf9, 0xffffffe, 28],
      [0x16, 0x3ffffffe, 30],
      [EOS, 0x3fffffff, 30],
    ];
    for (const [symbol, value, length] of rows) {
      assert.deepEqual([codes[symbol], codeLengths[symbol]], [value, length], `symbol ${symbol}`);
    }
  });

  it('is complete: every code is used exactly once', () => {
    const used = [...codeLengths].reduce((sum, length) => sum + 2 ** -length, 0);
    assert.equal(used, 1);
  });

  it('gives every octet back', () => {
    for (let octet = 0; octet < 256; octet++) {
      const text = String.fromCharCode(octet).repeat(3);
      const bytes = coded(text);
      assert.equal(bytes.length, huffmanLength(text));
      assert.equal(decodeText(bytes, 0, bytes.length, true), text);
    }
  });

  it('gives every text back', () => {
    fc.assert(
      fc.property(latin1, (text) => {
        const bytes = coded(text);
        const hasForbidden = /[\0\r\n]|^[ \t]|[ \t]$/.test(text);
        assert.equal(measure(bytes), text.length * 2 + (hasForbidden ? 1 : 0));
        assert.equal(decodeText(bytes, 0, bytes.length, true), text);
      }),
    );
  });

  it('reads what lies in the middle of a buffer', () => {
    const bytes = coded('no-cache');
    const block = Uint8Array.from([0xff, 0xff, ...bytes, 0xff]);
    assert.equal(measureHuffman(block, 2, 2 + bytes.length), 16);
    assert.equal(decodeText(block, 2, bytes.length, true), 'no-cache');
  });

  it('takes padding of up to seven ones and no more', () => {
    assert.equal(measure(bits(code(0x61), '111')), 2); // 5 + 3 bits
    assert.equal(measure(bits(code(0x30), code(0x30), code(0x30), '1')), 6); // 15 + 1 bits
    assert.equal(measure(bits(code(0x26), '1111 1111')), -1); // 8 + 8 bits
    assert.equal(measure(bits('1111 1111')), -1);
    assert.equal(measure(bits()), 0);
  });

  it('refuses padding that is not the start of EOS', () => {
    assert.equal(measure(bits(code(0x61), '110')), -1);
    assert.equal(measure(bits(code(0x61), '000')), -1);
    assert.equal(measure(octets('1f 00')), -1);
  });

  it('refuses EOS inside a string', () => {
    assert.equal(measure(bits(code(EOS), '11')), -1);
    assert.equal(measure(bits(code(0x61), code(EOS), code(0x61))), -1);
  });

  it('refuses a string that ends within a code', () => {
    assert.equal(measure(bits(code(0x16).slice(0, 24))), -1);
    assert.equal(measure(bits(code(0x16).slice(0, 8))), -1);
  });

  it('notices NUL, CR and LF wherever they stand', () => {
    for (const octet of [0x00, 0x0a, 0x0d]) {
      const forbidden = String.fromCharCode(octet);
      for (const text of [forbidden, `a${forbidden}`, `${forbidden}0`, `0123${forbidden}4567`]) {
        assert.equal(measure(coded(text)) & 1, 1, JSON.stringify(text));
      }
    }
    assert.equal(measure(coded('\x01\t \x0b\x0c\x0e~\x7f\xff')) & 1, 0);
  });

  it('notices blanks at either end, and no others', () => {
    for (const blank of [' ', '\t']) {
      for (const text of [blank, `${blank}a`, `a${blank}`, `ab${blank}`, `abcdefg${blank}`, `\xff\xff${blank}`]) {
        assert.equal(measure(coded(text)) & 1, 1, JSON.stringify(text));
        assert.equal(measure(coded(`x${text}x`)) & 1, 0, JSON.stringify(`x${text}x`));
      }
    }
    const ends = fc.constantFrom(' ', '\t', '', 'a', '~', '\xf9');
    fc.assert(
      fc.property(ends, latin1, ends, (first, middle, last) => {
        const text = `${first}${middle.replace(/[\0\r\n]/g, '')}${last}`;
        assert.equal(measure(coded(text)) & 1, /^[ \t]|[ \t]$/.test(text) ? 1 : 0);
      }),
    );
  });

  it('reads garbage the same in every way, and says nothing of it that is not so', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const measured = measure(bytes);
        if (measured < 0) {
          assert.throws(() => decodeText(bytes, 0, bytes.length, true), { code: 'ERR_PEAL_COMPRESSION' });
          return;
        }
        // The code is unambiguous: what is well formed is the code of what it stands for.
        assert.equal(hexOf(coded(decodeText(bytes, 0, bytes.length, true))), hexOf(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('decodes strings that are longer than its scratch memory', () => {
    const text = 'e'.repeat(20_000);
    const bytes = coded(text);
    assert.equal(decodeText(bytes, 0, bytes.length, true), text);
  });

  it('has no code for characters above U+00FF', () => {
    assert.equal(huffmanLength('\u0100'), Number.POSITIVE_INFINITY);
  });
});
