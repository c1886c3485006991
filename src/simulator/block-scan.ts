/**
 * Looks at the instructions of a header block (RFC 7541 §6) without decoding it: whether it leaves the dynamic table as
 * it is. Then an equal block that follows means the same. Called by the request reader for blocks it may remember,
 * after they have been decoded without fault.
 */
import { IntegerReader } from '../codec/hpack/integer.js';

const integers = new IntegerReader();

/** Whether the block `bytes[start, end)` neither inserts into the dynamic table nor changes its size. */
export function leavesTableAlone(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const first = bytes[at]!;
    if (first >= 0x80) {
      integers.read(bytes, at, end, 0x7f); // indexed field
      at = integers.end;
    } else if (first >= 0x20) {
      return false; // literal with incremental indexing, or size update
    } else {
      const nameIndex = integers.read(bytes, at, end, 0x0f);
      at = integers.end;
      if (nameIndex === 0) at = skipString(bytes, at, end);
      at = skipString(bytes, at, end);
    }
  }
  return true;
}

function skipString(bytes: Uint8Array, at: number, end: number): number {
  const length = integers.read(bytes, at, end, 0x7f);
  return integers.end + length;
}
