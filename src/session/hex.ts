/**
 * Hex digits of a token straight into a batch: the way of nearly every token that a program names as text. Main thread.
 */

/** Value of the hex digit with a character code; 255 for what is none. */
const digitOf = new Uint8Array(128).fill(255);
for (let digit = 0; digit < 16; digit++) {
  const character = digit.toString(16);
  digitOf[character.charCodeAt(0)] = digit;
  digitOf[character.toUpperCase().charCodeAt(0)] = digit;
}

/**
 * Writes the bytes that `text` spells to `target` from `offset`; false where it is not hex throughout (`target` may be
 * written to all the same). `text` has an even length.
 */
export function decodeHex(text: string, target: Uint8Array, offset: number): boolean {
  let seen = 0;
  for (let at = 0, to = offset; at < text.length; at += 2, to++) {
    const high = text.charCodeAt(at);
    const low = text.charCodeAt(at + 1);
    if ((high | low) > 127) return false;
    const byte = (digitOf[high]! << 4) | digitOf[low]!;
    seen |= digitOf[high]! | digitOf[low]!;
    target[to] = byte;
  }
  return seen <= 15;
}
