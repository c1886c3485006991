/**
 * The batches of a slice as a send takes them: each recipient knows its place in its batch, whatever part of it is
 * sent. Made by slice-feed; pure, main thread.
 */
import type { PersonalFields, PersonalParts } from '../../push/notification.js';
import { apnsIdBytes } from '../../push/notification.js';
import { RowBatch } from '../../session/recipients/row-batch.js';
import { Rows } from '../../session/recipients/rows.js';
import type { SliceBatch } from '../slices/slice.js';

/** Rows without columns: what is personal travels beside the tokens. */
export function sliceRows({ tokens }: SliceBatch): Rows {
  return new Rows(tokens, {});
}

/**
 * @param indexes recipients of the batch; null: all of them, in their order
 */
export function pickBatch(rows: Rows, { personal }: SliceBatch, indexes: Uint16Array | null): RowBatch {
  if (indexes === null || personal === null) return new RowBatch(rows, indexes, personal);
  return new RowBatch(rows, indexes, pickPersonal(personal, indexes));
}

function pickPersonal(
  { apnsIds, payloads, payloadOffsets, fields = null }: PersonalParts,
  indexes: Uint16Array,
): PersonalParts {
  const picked = payloads === null ? null : pickSpans(payloads, payloadOffsets!, indexes);
  return {
    apnsIds: apnsIds === null ? null : pickFixed(apnsIds, apnsIdBytes, indexes),
    payloads: picked?.bytes ?? null,
    payloadOffsets: picked?.offsets ?? null,
    fields: fields === null ? null : pickFields(fields, indexes),
  };
}

function pickFields(
  { expirations, priorities, collapseIds, collapseIdOffsets }: PersonalFields,
  indexes: Uint16Array,
): PersonalFields {
  const picked = collapseIds === null ? null : pickSpans(collapseIds, collapseIdOffsets!, indexes);
  return {
    expirations: expirations === null ? null : Uint32Array.from(indexes, (index) => expirations[index]!),
    priorities: priorities === null ? null : Uint8Array.from(indexes, (index) => priorities[index]!),
    collapseIds: picked?.bytes ?? null,
    collapseIdOffsets: picked?.offsets ?? null,
  };
}

function pickFixed(bytes: Uint8Array, width: number, indexes: Uint16Array): Uint8Array {
  const picked = new Uint8Array(indexes.length * width);
  indexes.forEach((index, place) => {
    picked.set(bytes.subarray(index * width, (index + 1) * width), place * width);
  });
  return picked;
}

function pickSpans(
  bytes: Uint8Array,
  offsets: Uint32Array,
  indexes: Uint16Array,
): { readonly bytes: Uint8Array; readonly offsets: Uint32Array } {
  const picked = new Uint32Array(indexes.length + 1);
  indexes.forEach((index, place) => {
    picked[place + 1] = picked[place]! + offsets[index + 1]! - offsets[index]!;
  });
  const all = new Uint8Array(picked[indexes.length]!);
  indexes.forEach((index, place) => {
    all.set(bytes.subarray(offsets[index], offsets[index + 1]), picked[place]);
  });
  return { bytes: all, offsets: picked };
}
