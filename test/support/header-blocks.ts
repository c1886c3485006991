/** Header blocks made by hand for tests of HPACK. */
import { ByteWriter } from '../../src/codec/byte-writer.js';
import { HpackDecoder, type HpackDecoderOptions } from '../../src/codec/hpack/decoder.js';
import { huffmanLength, writeHuffman } from '../../src/codec/hpack/huffman.js';
import { writeInteger } from '../../src/codec/hpack/integer.js';
import { writeLiteral } from '../../src/codec/hpack/representation.js';
import { octets } from './hex.js';

export const compressionError = { name: 'PealError', code: 'ERR_PEAL_COMPRESSION', origin: 'protocol' };

export function block(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  write(out);
  return out.view();
}

/** A literal that is entered into the table, as raw octets. */
export function entered(name: string, value: string): Uint8Array {
  return block((out) => writeLiteral(out, 'indexing', 0, name, value, 'raw'));
}

/** As `entered`, Huffman coded whether that is shorter or not. */
export function writeCoded(out: ByteWriter, value: string): void {
  out.append(octets('40 01 6e')); // new name: n
  writeInteger(out, 0x80, 7, huffmanLength(value));
  writeHuffman(out, value);
}

export function decoderWith(entries: number, options?: HpackDecoderOptions): HpackDecoder {
  const decoder = new HpackDecoder(options);
  for (let i = 0; i < entries; i++) decoder.decode(entered(`name-${i}`, `value-${i}`));
  return decoder;
}
