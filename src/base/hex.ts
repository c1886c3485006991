/**
 * Hex digits: text to bytes and bytes to text. The tables are only here; loops that convert whole lines or whole
 * requests import them. Pure; any thread.
 */
import { Buffer } from 'node:buffer';

/** The entry of `digitValues` for a character that is not a hex digit: larger than a byte, also after a shift. */
export const NOT_HEX = 0x100;

/** The value of each ASCII character as a hex digit, in either case. */
const digitValues: Uint16Array = Uint16Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? NOT_HEX : value;
});

/** Two lower-case digits for each byte, in memory order: the first digit in the low octet (little-endian). */
export const hexPairs: Uint16Array = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  const digits = byte.toString(16).padStart(2, '0');
  hexPairs[byte] = digits.charCodeAt(0) | (digits.charCodeAt(1) << 8);
}

/**
 * Writes the bytes that the hex digits of `text` spell to `target` from `offset`; `text` has an even length. Returns
 * false if a character is not a hex digit, and part of `target` may have been written by then.
 */
export function decodeHex(text: string, target: Uint8Array, offset: number): boolean {
  let seen = 0;
  for (let at = 0, to = offset; at < text.length; at += 2, to++) {
    const high = text.charCodeAt(at);
    const low = text.charCodeAt(at + 1);
    if ((high | low) > 0x7f) return false;
    const byte = (digitValues[high]! << 4) | digitValues[low]!;
    seen |= byte;
    target[to] = byte;
  }
  return seen < NOT_HEX;
}

/** Writes two lower-case digits to `view` from `to` for each of the `length` bytes from `from`. */
export function writeHex(view: DataView, to: number, bytes: Uint8Array, from: number, length: number): void {
  for (let i = 0; i < length; i++) view.setUint16(to + 2 * i, hexPairs[bytes[from + i]!]!, true);
}

/** Returns the bytes as lower-case hex digits. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
