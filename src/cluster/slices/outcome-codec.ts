/**
 * What became of recipients of a slice, in bytes: from the worker that sent to them to the dispatcher. A batch that was
 * accepted as a whole takes some 20 bytes. Called by worker/ (encode) and dispatch/ (decode), on their main threads.
 * Pure.
 *
 *   batch:  slice, epoch, batch, resent, indexes, ledger as runs, details, cause, ids
 *   end:    slice, epoch, worker, latencies
 *
 * A run is a value and how often it stands in a row. Details and causes are JSON: they are about what went wrong.
 */
import { apnsIdBytesOf, apnsIdText } from '../../apns/apns-id.js';
import type { ErrorRecord } from '../../base/errors.js';
import { maxBatchRecipients } from '../../base/limits.js';
import type { AcceptedIds, OutcomeDetail } from '../../engine/batch.js';
import type { LatencyData } from '../../engine/latency-histogram.js';
import { apnsIdBytes } from '../../push/notification.js';
import { readIndexes, writeIndexes } from './index-set.js';
import { type PackedKind, PackedReader, PackedWriter } from './packed.js';
import type { BatchOutcomes, SliceEnd, SliceOutcome } from './slice.js';

const kind: PackedKind = { letter: 0x4f, version: 1, what: 'An outcome of a slice' };
const [batchKind, endKind] = [0, 1];
const flag = { details: 1, cause: 2, ids: 4, uniqueIds: 8 };
const allFlags = 15;
const maxEpoch = Number.MAX_SAFE_INTEGER;
const writer = new PackedWriter();

export function encodeOutcome(outcome: SliceOutcome): Uint8Array {
  writer.begin(kind);
  if (outcome.kind === 'batch') writeBatch(outcome);
  else writeEnd(outcome);
  return writer.seal();
}

/** @throws PealError ERR_PEAL_STORE for other bytes than those of `encodeOutcome` */
export function decodeOutcome(bytes: Uint8Array): SliceOutcome {
  const reader = new PackedReader(bytes, kind);
  const outcome = reader.numberUpTo(endKind) === batchKind ? readBatch(reader) : readEnd(reader);
  reader.end();
  return outcome;
}

function writeEnd({ slice, epoch, worker, latencies }: SliceEnd): void {
  writer.number(endKind);
  writer.number(slice);
  writer.number(epoch);
  writer.text(worker);
  writer.text(JSON.stringify(latencies));
}

function readEnd(reader: PackedReader): SliceEnd {
  const [slice, epoch, worker] = [reader.number(), reader.numberUpTo(maxEpoch), reader.text()];
  return { kind: 'end', slice, epoch, worker, latencies: reader.json<LatencyData | null>() };
}

function writeBatch({ slice, epoch, batch, indexes, ledger, details, ids, cause, resent }: BatchOutcomes): void {
  writer.number(batchKind);
  writer.number(slice);
  writer.number(epoch);
  writer.number(batch);
  writer.number(resent);
  const hasUniqueIds = ids?.apnsUniqueIds.some((id) => id !== null) === true;
  writer.number(
    (details.length > 0 ? flag.details : 0) |
      (cause !== null ? flag.cause : 0) |
      (ids !== null ? flag.ids : 0) |
      (hasUniqueIds ? flag.uniqueIds : 0),
  );
  writeIndexes(writer, indexes);
  writer.number(ledger.length);
  writeRuns(ledger.length, (at) => ledger[at]!);
  if (details.length > 0) writer.text(JSON.stringify(details.map(rowOf)));
  if (cause !== null) writer.text(JSON.stringify(cause));
  if (ids !== null) writeIds(ids.apnsIds);
  if (ids !== null && hasUniqueIds) writeIds(ids.apnsUniqueIds);
}

function readBatch(reader: PackedReader): BatchOutcomes {
  const [slice, epoch, batch, resent] = [reader.number(), reader.number(), reader.number(), reader.number()];
  const flags = reader.numberUpTo(allFlags);
  const indexes = readIndexes(reader, maxBatchRecipients);
  const ledger = new Uint8Array(reader.numberUpTo(maxBatchRecipients));
  readRuns(reader, ledger);
  reader.check(indexes, indexes === null || indexes.length === ledger.length);
  const details = (flags & flag.details) === 0 ? [] : reader.json<DetailRow[]>().map(detailOf);
  const cause = (flags & flag.cause) === 0 ? null : reader.json<ErrorRecord>();
  const ids = (flags & flag.ids) === 0 ? null : readIds(reader, (flags & flag.uniqueIds) !== 0);
  return { kind: 'batch', slice, epoch, batch, indexes, ledger, details, ids, cause, resent };
}

/** Without the names, which would be most of it. The last ones stand only where the detail has them. */
type DetailRow = [
  index: number,
  status: number,
  reason: string,
  timestampMs: number | null,
  apnsId: string | null,
  retryAfterSeconds: number | null,
  apnsUniqueId?: string | null,
  detail?: string,
];

function rowOf({ index, status, reason, timestampMs, apnsId, retryAfterSeconds, apnsUniqueId, detail }: OutcomeDetail) {
  const row: DetailRow = [index, status, reason, timestampMs, apnsId, retryAfterSeconds];
  const hasDetail = detail !== undefined && detail !== null;
  if (hasDetail || apnsUniqueId !== undefined) row.push(apnsUniqueId ?? null);
  if (hasDetail) row.push(detail);
  return row;
}

function detailOf([index, status, reason, timestampMs, apnsId, retryAfterSeconds, ...more]: DetailRow): OutcomeDetail {
  const answer = { index, status, reason, timestampMs, apnsId, retryAfterSeconds };
  const [apnsUniqueId, detail] = more;
  if (apnsUniqueId === undefined) return answer;
  return { ...answer, apnsUniqueId, ...(detail !== undefined && { detail }) };
}

/** Values from 0 to 255; their number is known to the reader. */
function writeRuns(length: number, valueAt: (at: number) => number): void {
  for (let at = 0; at < length; ) {
    const value = valueAt(at);
    const start = at;
    while (at < length && valueAt(at) === value) at++;
    writer.number(value);
    writer.number(at - start);
  }
}

function readRuns(reader: PackedReader, values: Uint8Array): void {
  for (let at = 0; at < values.length; ) {
    const value = reader.numberUpTo(0xff);
    const count = reader.numberUpTo(values.length - at);
    reader.check(count, count > 0);
    values.fill(value, at, at + count);
    at += count;
  }
}

/** How an id is written: none at all; 16 bytes, for a UUID in small or in capital letters; or as text. */
const [noId, smallUuid, capitalUuid, textId] = [0, 1, 2, 3];

function writeIds(ids: readonly (string | null)[]): void {
  const forms = ids.map(formOf);
  writer.number(ids.length);
  writeRuns(ids.length, (at) => forms[at]!);
  for (const [at, id] of ids.entries()) {
    if (id === null) continue;
    if (forms[at] === textId) writer.text(id);
    else writer.bytes(apnsIdBytesOf(id)!);
  }
}

function formOf(id: string | null): number {
  if (id === null) return noId;
  if (apnsIdBytesOf(id) === null) return textId;
  if (id === id.toLowerCase()) return smallUuid;
  return id === id.toUpperCase() ? capitalUuid : textId;
}

function readIds(reader: PackedReader, hasUniqueIds: boolean): AcceptedIds {
  const apnsIds = readIdList(reader);
  return { apnsIds, apnsUniqueIds: hasUniqueIds ? readIdList(reader) : apnsIds.map(() => null) };
}

function readIdList(reader: PackedReader): (string | null)[] {
  const forms = new Uint8Array(reader.numberUpTo(maxBatchRecipients));
  readRuns(reader, forms);
  return Array.from(forms, (form) => {
    if (form === noId) return null;
    if (form === textId) return reader.text();
    const text = apnsIdText(reader.bytes(apnsIdBytes), 0);
    return reader.check(form === smallUuid ? text : text.toUpperCase(), form <= capitalUuid);
  });
}
