/**
 * One notification in any of the three layouts, written field by field: what templates are drawn from, the flush, and
 * what tests compare with. Not for the per-notification path, which patches slots in place. Pure.
 */
import { writeU16, writeU32 } from '../octets.js';
import {
  BINARY_HEADER_BYTES,
  type Command,
  ENHANCED,
  FRAMED,
  ITEM_EXPIRY,
  ITEM_HEADER_BYTES,
  ITEM_IDENTIFIER,
  ITEM_PAYLOAD,
  ITEM_PRIORITY,
  ITEM_TOKEN,
  LAST_IDENTIFIER,
  SIMPLE,
} from './wire.js';

export interface NotificationFields {
  readonly command: Command;
  /** As binary. Empty only in a flush. At most 65,535 bytes, like the payload. */
  readonly token: Uint8Array;
  readonly payload: Uint8Array;
  /** 1 to 2^32 - 1; 0 where the sender does not care. Command 0 has none. */
  readonly identifier: number;
  /** Epoch seconds, 0: not stored; null: left out, which command 1 has to write as 0. Command 0 has none. */
  readonly expiry: number | null;
  /** 10 or 5; null: left out. Command 2 only. */
  readonly priority: number | null;
}

/** Octets of a notification with these fields. */
export function notificationBytes({ command, token, payload, expiry, priority }: NotificationFields): number {
  const data = token.length + payload.length;
  if (command === SIMPLE) return 5 + data;
  if (command === ENHANCED) return 13 + data;
  const items = 3 * ITEM_HEADER_BYTES + 4;
  const expiryBytes = expiry === null ? 0 : ITEM_HEADER_BYTES + 4;
  const priorityBytes = priority === null ? 0 : ITEM_HEADER_BYTES + 1;
  return BINARY_HEADER_BYTES + items + expiryBytes + priorityBytes + data;
}

/** Writes a notification at `at`; returns where it ends. */
export function writeNotification(target: Uint8Array, at: number, fields: NotificationFields): number {
  return fields.command === FRAMED ? writeFrame(target, at, fields) : writeLegacy(target, at, fields);
}

/** An expiry beyond the field's range becomes its last second (2106). */
function clampedExpiry(expiry: number | null): number {
  return expiry === null ? 0 : Math.min(expiry, LAST_IDENTIFIER);
}

function writeLegacy(target: Uint8Array, start: number, fields: NotificationFields): number {
  let at = start;
  target[at++] = fields.command;
  if (fields.command === ENHANCED) {
    writeU32(target, at, fields.identifier);
    writeU32(target, at + 4, clampedExpiry(fields.expiry));
    at += 8;
  }
  at = writeSized(target, at, fields.token);
  return writeSized(target, at, fields.payload);
}

function writeFrame(target: Uint8Array, start: number, fields: NotificationFields): number {
  const { token, payload, identifier, expiry, priority } = fields;
  target[start] = FRAMED;
  writeU32(target, start + 1, notificationBytes(fields) - BINARY_HEADER_BYTES);
  let at = start + BINARY_HEADER_BYTES;
  target[at] = ITEM_TOKEN;
  at = writeSized(target, at + 1, token);
  target[at] = ITEM_PAYLOAD;
  at = writeSized(target, at + 1, payload);
  at = writeItemHeader(target, at, ITEM_IDENTIFIER, 4);
  writeU32(target, at, identifier);
  at += 4;
  if (expiry !== null) {
    at = writeItemHeader(target, at, ITEM_EXPIRY, 4);
    writeU32(target, at, clampedExpiry(expiry));
    at += 4;
  }
  if (priority !== null) {
    at = writeItemHeader(target, at, ITEM_PRIORITY, 1);
    target[at++] = priority;
  }
  return at;
}

function writeItemHeader(target: Uint8Array, at: number, id: number, length: number): number {
  target[at] = id;
  writeU16(target, at + 1, length);
  return at + ITEM_HEADER_BYTES;
}

function writeSized(target: Uint8Array, at: number, data: Uint8Array): number {
  writeU16(target, at, data.length);
  target.set(data, at + 2);
  return at + 2 + data.length;
}
