/**
 * Which recipients of a batch or a block are meant, in bytes. Indexes that rise are a bit each if that is shorter, and
 * two bytes each otherwise. Called by the codecs of manifests and outcomes. Pure.
 *
 *   0                              all, in their order
 *   1 <bytes> bits                 the lowest bit of the first byte is index 0
 *   2 <count> two bytes each       the low byte first, in any order
 */
import { maxBatchRecipients } from '../../base/limits.js';
import type { PackedReader, PackedWriter } from './packed.js';

const [all, bits, list] = [0, 1, 2];

export function writeIndexes(writer: PackedWriter, indexes: Uint16Array | null): void {
  if (indexes === null) {
    writer.number(all);
    return;
  }
  const { length } = indexes;
  const bitBytes = length === 0 ? 0 : (indexes[length - 1]! >> 3) + 1;
  if (isRising(indexes) && bitBytes < 2 * length) {
    writer.number(bits);
    writer.number(bitBytes);
    const room = writer.room(bitBytes);
    for (let at = 0; at < length; at++) room[indexes[at]! >> 3]! |= 1 << (indexes[at]! & 7);
    return;
  }
  writer.number(list);
  writer.number(length);
  const room = writer.room(2 * length);
  for (let at = 0; at < length; at++) {
    room[2 * at] = indexes[at]! & 0xff;
    room[2 * at + 1] = indexes[at]! >> 8;
  }
}

/** @param below what each index is below of */
export function readIndexes(reader: PackedReader, below: number): Uint16Array | null {
  const form = reader.numberUpTo(list);
  if (form === all) return null;
  const indexes = form === bits ? readBits(reader) : readList(reader);
  for (const index of indexes) reader.check(index, index < below);
  return indexes;
}

function readBits(reader: PackedReader): Uint16Array {
  const bytes = reader.bytes(reader.numberUpTo(maxBatchRecipients / 8));
  let count = 0;
  for (const byte of bytes) for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  const indexes = new Uint16Array(count);
  let at = 0;
  for (let index = 0; at < count; index++) if ((bytes[index >> 3]! & (1 << (index & 7))) !== 0) indexes[at++] = index;
  return indexes;
}

function readList(reader: PackedReader): Uint16Array {
  const indexes = new Uint16Array(reader.numberUpTo(maxBatchRecipients));
  const bytes = reader.bytes(2 * indexes.length);
  for (let at = 0; at < indexes.length; at++) indexes[at] = bytes[2 * at]! | (bytes[2 * at + 1]! << 8);
  return indexes;
}

function isRising(indexes: Uint16Array): boolean {
  for (let at = 1; at < indexes.length; at++) if (indexes[at]! <= indexes[at - 1]!) return false;
  return true;
}
