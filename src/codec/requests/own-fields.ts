/**
 * Header fields that a recipient brings of its own, as they stand at the end of a header block: literals that enter no
 * table (RFC 7541 §6.2.2) and spell out their names, so that they are the same octets whatever the table holds. Called
 * by the request writer for batches that have such fields; nothing is allocated.
 */
import { maxCollapseIdBytes } from '../../base/limits.js';
import type { PersonalFields } from '../../push/notification.js';
import { OWN_COLLAPSE_ID, OWN_EXPIRATION, OWN_PRIORITY } from '../../push/personal-fields.js';
import { ByteWriter } from '../byte-writer.js';
import { writeInteger } from '../hpack/integer.js';
import { writeString } from '../hpack/representation.js';

/** Overhead of a field in a header list (RFC 7541 §4.1). */
const fieldOverheadBytes = 32;
const maxExpirationDigits = 10;
const maxPriorityDigits = 2;

/** A literal without indexing, up to the length of its value. */
function nameOctets(name: string): Uint8Array {
  const out = new ByteWriter();
  writeInteger(out, 0x00, 4, 0);
  writeString(out, name);
  return out.bytes.slice(0, out.length);
}

const expirationName = nameOctets('apns-expiration');
const priorityName = nameOctets('apns-priority');
const collapseIdName = nameOctets('apns-collapse-id');

/** The most that fields of this mask add to a header list. */
export function ownFieldsListBytes(mask: number): number {
  return (
    ((mask & OWN_EXPIRATION) === 0 ? 0 : 'apns-expiration'.length + maxExpirationDigits + fieldOverheadBytes) +
    ((mask & OWN_PRIORITY) === 0 ? 0 : 'apns-priority'.length + maxPriorityDigits + fieldOverheadBytes) +
    ((mask & OWN_COLLAPSE_ID) === 0 ? 0 : 'apns-collapse-id'.length + maxCollapseIdBytes + fieldOverheadBytes)
  );
}

/** Octets that the fields of one recipient take. */
export function ownFieldsBytes(fields: PersonalFields, recipient: number): number {
  const { expirations, priorities, collapseIdOffsets: offsets } = fields;
  return (
    (expirations === null ? 0 : expirationName.length + 1 + digitsOf(expirations[recipient]!)) +
    (priorities === null ? 0 : priorityName.length + 1 + digitsOf(priorities[recipient]!)) +
    (offsets === null ? 0 : collapseIdName.length + 1 + offsets[recipient + 1]! - offsets[recipient]!)
  );
}

/** Writes them at `start`. */
export function writeOwnFields(target: Uint8Array, start: number, fields: PersonalFields, recipient: number): void {
  const { expirations, priorities, collapseIds, collapseIdOffsets: offsets } = fields;
  let at = start;
  if (expirations !== null) at = writeNumber(target, at, expirationName, expirations[recipient]!);
  if (priorities !== null) at = writeNumber(target, at, priorityName, priorities[recipient]!);
  if (collapseIds === null) return;
  // At most 64 octets, so that their number is one octet (RFC 7541 §5.1).
  const [from, to] = [offsets![recipient]!, offsets![recipient + 1]!];
  at = copy(target, at, collapseIdName);
  target[at++] = to - from;
  for (let i = from; i < to; i++) target[at++] = collapseIds[i]!;
}

function writeNumber(target: Uint8Array, start: number, name: Uint8Array, value: number): number {
  const at = copy(target, start, name);
  const digits = digitsOf(value);
  target[at] = digits;
  let left = value;
  for (let i = at + digits; i > at; i--) {
    target[i] = 0x30 + (left % 10);
    left = Math.floor(left / 10);
  }
  return at + 1 + digits;
}

function copy(target: Uint8Array, at: number, octets: Uint8Array): number {
  for (let i = 0; i < octets.length; i++) target[at + i] = octets[i]!;
  return at + octets.length;
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  return digits;
}
