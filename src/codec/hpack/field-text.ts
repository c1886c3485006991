/**
 * Field values as strings, for the few that are read as text. Called by visitors of fields.
 */
import { Buffer } from 'node:buffer';
import { decodingError } from './block-error.js';
import { decodeHuffman, huffmanRoom } from './huffman.js';

/** Reused from call to call; a longer value gets memory of its own. */
const scratch = Buffer.alloc(huffmanRoom(4096));

/**
 * The octets `bytes[start, start + length)` as text, one character (up to U+00FF) for each octet.
 * @throws PealError `ERR_PEAL_COMPRESSION` for a malformed Huffman coded string; none that `walk` reports is.
 */
export function decodeText(bytes: Uint8Array, start: number, length: number, isHuffman: boolean): string {
  if (!isHuffman) return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
  const room = huffmanRoom(length);
  const out = room <= scratch.length ? scratch : Buffer.alloc(room);
  const decoded = decodeHuffman(bytes, start, start + length, out, 0);
  if (decoded < 0) throw decodingError('a string is not Huffman coded');
  return out.toString('latin1', 0, decoded);
}
