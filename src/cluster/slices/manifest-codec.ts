/**
 * The manifest of a slice in bytes: where its batches come from, with which the dispatcher finds their recipients
 * again. A batch with all recipients of its block takes five to eight bytes. Called by dispatch/. Pure.
 */
import { maxBatchRecipients } from '../../base/limits.js';
import { readIndexes, writeIndexes } from './index-set.js';
import { type PackedKind, PackedReader, PackedWriter } from './packed.js';
import type { BatchPlace } from './slice.js';

const kind: PackedKind = { letter: 0x4d, version: 1, what: 'The manifest of a slice' };
const maxBlock = 0xffff_ffff;
const writer = new PackedWriter();

export function encodeManifest(places: readonly BatchPlace[]): Uint8Array {
  writer.begin(kind);
  writer.number(places.length);
  for (const { block, count, indexes } of places) {
    writer.number(block);
    writer.number(count);
    writeIndexes(writer, indexes);
  }
  return writer.seal();
}

/** @throws PealError ERR_PEAL_STORE for other bytes than those of `encodeManifest` */
export function decodeManifest(bytes: Uint8Array): BatchPlace[] {
  const reader = new PackedReader(bytes, kind);
  const places: BatchPlace[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const block = reader.numberUpTo(maxBlock);
    const count = reader.numberUpTo(maxBatchRecipients);
    places.push({ block, count, indexes: readIndexes(reader, count) });
  }
  reader.end();
  return places;
}
