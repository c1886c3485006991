/**
 * Strings that are not Huffman coded (RFC 7541 §5.2): looked through for octets that no field value may have. The
 * counterpart of huffman.ts for `HpackDecoder` and its table. Four octets at a time, because the loop itself is most
 * of the cost.
 */

/** Above all octets that are looked for: NUL, LF (0x0a) and CR (0x0d). */
const FIRST_HARMLESS = 0x0e;

/**
 * Twice the length of `bytes[start, end)`, plus one when no field value may be like that: one of its octets is NUL, CR
 * or LF, or the first or last is a blank (RFC 9113 §8.2.1).
 */
export function measureRaw(bytes: Uint8Array, start: number, end: number): number {
  let low = 0; // becomes negative with the first octet below FIRST_HARMLESS
  let position = start;
  for (; position + 3 < end; position += 4) {
    low |= bytes[position]! - FIRST_HARMLESS;
    low |= bytes[position + 1]! - FIRST_HARMLESS;
    low |= bytes[position + 2]! - FIRST_HARMLESS;
    low |= bytes[position + 3]! - FIRST_HARMLESS;
  }
  for (; position < end; position++) low |= bytes[position]! - FIRST_HARMLESS;
  return measured(bytes, start, end, low);
}

/** As `measureRaw`; copies the string to `to` from `at` on. */
export function copyRaw(bytes: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  let low = 0;
  let position = start;
  let target = at;
  for (; position + 3 < end; position += 4) {
    const first = bytes[position]!;
    const second = bytes[position + 1]!;
    const third = bytes[position + 2]!;
    const fourth = bytes[position + 3]!;
    to[target] = first;
    to[target + 1] = second;
    to[target + 2] = third;
    to[target + 3] = fourth;
    low |= (first - FIRST_HARMLESS) | (second - FIRST_HARMLESS) | (third - FIRST_HARMLESS) | (fourth - FIRST_HARMLESS);
    target += 4;
  }
  for (; position < end; position++) {
    const octet = bytes[position]!;
    to[target++] = octet;
    low |= octet - FIRST_HARMLESS;
  }
  return measured(bytes, start, end, low);
}

function measured(bytes: Uint8Array, start: number, end: number, low: number): number {
  if (start === end) return 0;
  const isForbidden =
    isBlank(bytes[start]!) || isBlank(bytes[end - 1]!) || (low < 0 && hasForbidden(bytes, start, end));
  return ((end - start) << 1) | (isForbidden ? 1 : 0);
}

function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09;
}

function hasForbidden(bytes: Uint8Array, start: number, end: number): boolean {
  for (let position = start; position < end; position++) {
    const octet = bytes[position]!;
    if (octet === 0 || octet === 0x0a || octet === 0x0d) return true;
  }
  return false;
}
