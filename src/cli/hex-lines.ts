/**
 * Device tokens as lines of hex, made in one piece. Pure; called by outputs, where a whole list may stay unsent.
 */
import type { TokenBlock } from '../apns/token-block.js';
import { writeHex } from '../base/hex.js';

const lineFeed = 0x0a;

/** Tokens `start` to `end` (exclusive) of a block, one a line. A fresh buffer. */
export function hexLines(block: TokenBlock, start: number, end: number): Uint8Array {
  const lines = new Uint8Array((end - start) * (block.tokenBytes * 2 + 1));
  const view = new DataView(lines.buffer);
  let to = 0;
  for (let token = start; token < end; token++) {
    writeHex(view, to, block.bytes, token * block.tokenBytes, block.tokenBytes);
    to += block.tokenBytes * 2;
    lines[to++] = lineFeed;
  }
  return lines;
}
