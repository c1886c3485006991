/**
 * The parts that header blocks are written from (RFC 7541 §5.2, §6): what `HpackEncoder` uses, and the request
 * template of codec/http2, which writes its `:path` itself.
 */
import type { ByteWriter } from '../byte-writer.js';
import { huffmanLength, writeHuffman } from './huffman.js';
import { writeInteger } from './integer.js';

/** What the receiver does with a literal: enter it, not enter it, or never enter it, and no intermediary may either. */
type LiteralForm = 'indexing' | 'without-indexing' | 'never-indexed';

/** `compact`: Huffman coded unless that is longer; `raw`: as it is, so that its octets can be replaced in place. */
export type StringForm = 'compact' | 'raw';

/** Appends a field that a table has (§6.1). */
export function writeIndexed(out: ByteWriter, index: number): void {
  writeInteger(out, 0x80, 7, index);
}

/**
 * Appends a literal field (§6.2).
 * @param nameIndex Index of an entry with the name, or 0 to spell the name out.
 */
export function writeLiteral(
  out: ByteWriter,
  form: LiteralForm,
  nameIndex: number,
  name: string,
  value: string,
  strings: StringForm = 'compact',
): void {
  if (form === 'indexing') writeInteger(out, 0x40, 6, nameIndex);
  else writeInteger(out, form === 'never-indexed' ? 0x10 : 0x00, 4, nameIndex);
  if (nameIndex === 0) writeString(out, name, strings);
  writeString(out, value, strings);
}

/**
 * Appends a string literal (§5.2), an octet for each character.
 * @throws PealError `ERR_PEAL_HEADER` for a character above U+00FF.
 */
export function writeString(out: ByteWriter, text: string, form: StringForm = 'compact'): void {
  const coded = form === 'raw' || text === '' ? Number.POSITIVE_INFINITY : huffmanLength(text);
  if (coded <= text.length) {
    writeInteger(out, 0x80, 7, coded);
    writeHuffman(out, text, coded);
  } else {
    writeInteger(out, 0x00, 7, text.length);
    out.latin1(text);
  }
}

/** Appends a change of the dynamic table's size (§6.3); only at the start of a block. */
export function writeSizeUpdate(out: ByteWriter, tableBytes: number): void {
  writeInteger(out, 0x20, 5, tableBytes);
}
