/**
 * Header fields that recipients of one batch have of their own, instead of the notification's. One number tells which
 * of them a batch has, so that what is laid out for a batch can be told apart by it. Pure; any thread.
 */
import type { PersonalFields } from './notification.js';

/** Bits of a mask of fields. */
export const OWN_EXPIRATION = 1;
export const OWN_PRIORITY = 2;
export const OWN_COLLAPSE_ID = 4;
/** Number of masks. */
export const fieldMasks = 8;

/** Returns the mask of the fields that `fields` has. */
export function fieldMask(fields: PersonalFields | null | undefined): number {
  if (fields === null || fields === undefined) return 0;
  return (
    (fields.expirations === null ? 0 : OWN_EXPIRATION) |
    (fields.priorities === null ? 0 : OWN_PRIORITY) |
    (fields.collapseIds === null ? 0 : OWN_COLLAPSE_ID)
  );
}

/** Returns the mask of the header fields that a message has of its own. */
export function ownMask(own: {
  readonly expiration: number | null;
  readonly priority: number | null;
  readonly collapseId: string | null;
}): number {
  return (
    (own.expiration === null ? 0 : OWN_EXPIRATION) |
    (own.priority === null ? 0 : OWN_PRIORITY) |
    (own.collapseId === null ? 0 : OWN_COLLAPSE_ID)
  );
}

/** The header field of each bit. */
const names: readonly (readonly [bit: number, name: string])[] = [
  [OWN_EXPIRATION, 'apns-expiration'],
  [OWN_PRIORITY, 'apns-priority'],
  [OWN_COLLAPSE_ID, 'apns-collapse-id'],
];

/** Returns whether recipients of a batch with this mask have an own header field of that name. */
export function isOwnField(mask: number, name: string): boolean {
  return mask !== 0 && names.some(([bit, own]) => (mask & bit) !== 0 && own === name);
}

/** The collapse id of one recipient; null if the recipients share the notification's. */
export function collapseIdAt({ collapseIds, collapseIdOffsets }: PersonalFields, index: number): string | null {
  if (collapseIds === null) return null;
  const { buffer, byteOffset } = collapseIds;
  const [from, to] = [collapseIdOffsets![index]!, collapseIdOffsets![index + 1]!];
  return Buffer.from(buffer, byteOffset + from, to - from).toString('latin1');
}

/** Fields of recipients `from` to before `to`; of the same memory, but for the offsets. */
export function sliceFields(fields: PersonalFields, from: number, to: number): PersonalFields {
  const { expirations, priorities, collapseIds, collapseIdOffsets: offsets } = fields;
  const [start, end] = offsets === null ? [0, 0] : [offsets[from]!, offsets[to]!];
  return {
    expirations: expirations?.subarray(from, to) ?? null,
    priorities: priorities?.subarray(from, to) ?? null,
    collapseIds: collapseIds?.subarray(start, end) ?? null,
    collapseIdOffsets: offsets?.slice(from, to + 1).map((offset) => offset - start) ?? null,
  };
}

/** Returns the mistake of a program that makes batches itself, as a sentence, or null. */
export function fieldsFault(fields: PersonalFields, count: number): string | null {
  const { expirations, priorities, collapseIds, collapseIdOffsets } = fields;
  if (expirations !== null && expirations.length < count) return `${count} recipients need as many expirations`;
  if (priorities !== null && priorities.length < count) return `${count} recipients need as many priorities`;
  if ((collapseIds === null) !== (collapseIdOffsets === null)) return 'collapseIds and collapseIdOffsets come together';
  if (collapseIds === null || collapseIdOffsets === null) return null;
  if (collapseIdOffsets.length < count + 1 || collapseIdOffsets[count]! > collapseIds.byteLength) {
    return `${count} collapse ids need ${count + 1} offsets within their bytes`;
  }
  return null;
}
