/**
 * Device tokens as lines of hex, made in one piece. Pure; called by outputs, where a whole list may stay unsent.
 */
import type { TokenBlock } from '../apns/token-block.js';

const digits = new Uint8Array(Buffer.from('0123456789abcdef', 'latin1'));
const lineFeed = 0x0a;

/** Tokens `start` to `end` (exclusive) of a block, one a line. A fresh buffer. */
export function hexLines(block: TokenBlock, start: number, end: number): Uint8Array {
  const lines = new Uint8Array((end - start) * (block.tokenBytes * 2 + 1));
  let to = 0;
  let from = start * block.tokenBytes;
  for (let token = start; token < end; token++) {
    for (let index = 0; index < block.tokenBytes; index++) {
      const byte = block.bytes[from++]!;
      lines[to++] = digits[byte >> 4]!;
      lines[to++] = digits[byte & 15]!;
    }
    lines[to++] = lineFeed;
  }
  return lines;
}
