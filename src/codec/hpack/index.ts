/** HPACK, header compression for HTTP/2 (RFC 7541): what the folders beyond this one use of it. */

export type { FieldVisitor, HpackDecoderOptions } from './decoder.js';
export { HpackDecoder } from './decoder.js';
export type { EncodedField, Indexing } from './encoder.js';
export { HpackEncoder } from './encoder.js';
export * from './field-names.js';
export { decodeText } from './field-text.js';
export { decodeHuffman, huffmanLength, huffmanRoom, measureHuffman } from './huffman.js';
export { IntegerReader, maxInteger, writeInteger } from './integer.js';
export type { LiteralForm, StringForm } from './representation.js';
export { writeIndexed, writeLiteral, writeSizeUpdate, writeString } from './representation.js';
export { staticFieldIndex, staticName, staticNameIndex, staticValue } from './static-table.js';
