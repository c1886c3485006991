/**
 * The digest of a block of recipients: of its tokens and of all its fields, by which a run that resumes knows that the
 * block is the one that an earlier run has sent to. It finds what changes by mistake, and costs about 10 ns for a
 * recipient without fields; so it is made of CRC-32. Pure; main thread.
 *
 *   recipients (2) │ bytes of a token, modulo 256 (1) │ columns (1) │ CRC-32 of the tokens (4) │ of names, places and cells (4)
 *
 * Places count from the first cell, so that it does not matter where in its memory a reader has put them.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { Rows, TextColumn } from '../../session/recipients/rows.js';

export function blockDigest({ tokens, columns }: Rows): Uint8Array {
  const { bytes, tokenBytes, count } = tokens;
  const digest = Buffer.alloc(12);
  digest.writeUInt16LE(count, 0);
  digest[2] = tokenBytes;
  digest[3] = columns.size & 0xff;
  digest.writeUInt32LE(crc32(bytes.subarray(0, count * tokenBytes)), 4);
  let sum = 0;
  for (const name of columns.keys()) sum = crc32(`${name}\n`, sum);
  // Columns that lie in the same memory are looked at once: nearly always all of them.
  const seen = new Set<Uint32Array>();
  for (const column of columns.values()) {
    if (!seen.has(column.spans)) sum = addCells([...columns.values()], column.spans, count, sum);
    seen.add(column.spans);
  }
  digest.writeUInt32LE(sum, 8);
  return digest;
}

/** Goes on with `sum` over the cells of all columns that have these spans. */
function addCells(columns: readonly TextColumn[], spans: Uint32Array, count: number, sum: number): number {
  const sharing = columns.filter((column) => column.spans === spans);
  const bytes = new Set(sharing.map((column) => column.bytes));
  // Any other layout than one piece of memory is taken cell by cell.
  if (bytes.size > 1 || !isDense(sharing, spans, count)) {
    return sharing.reduce((added, column) => addCellByCell(column, count, added), sum);
  }
  const used = sharing.length * 2 * count;
  let first = 0xffffffff;
  let end = 0;
  for (let at = 0; at < used; at++) {
    const place = spans[at]!;
    if (place < first) first = place;
    if (place > end) end = place;
  }
  const places = new Uint32Array(used);
  for (let at = 0; at < used; at++) places[at] = spans[at]! - first;
  const [cells] = bytes;
  return crc32(cells!.subarray(first, end), crc32(places, sum));
}

/** Whether the columns share all spans up to the last recipient's, row after row. */
function isDense(columns: readonly TextColumn[], spans: Uint32Array, count: number): boolean {
  const step = columns.length * 2;
  return (
    spans.length >= step * count && columns.every((column, index) => column.step === step && column.first === index * 2)
  );
}

function addCellByCell({ bytes, spans, first, step }: TextColumn, count: number, sum: number): number {
  let added = sum;
  for (let index = 0; index < count; index++) {
    const cell = bytes.subarray(spans[first + index * step], spans[first + index * step + 1]);
    added = crc32(cell, crc32(`${cell.length};`, added));
  }
  return added;
}
