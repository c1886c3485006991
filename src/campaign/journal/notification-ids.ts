/**
 * The apns-ids of a campaign's notifications, derived from its journal: the same recipient has the same one in every
 * run, so that what is sent again after a crash can be told from another notification. Needed only where unknown
 * recipients are sent to again, from the first run on; elsewhere APNs makes them. Pure; main thread.
 *
 *   apns-id = AES-128 under the journal's key of (block, 12 bytes │ index, 4 bytes), with the marks of a UUID of version 8
 *
 * That is the key stream of AES in counter mode: about 10 µs for a block of 1,024.
 */
import { createCipheriv } from 'node:crypto';
import { apnsIdBytes } from '../../push/notification.js';

const blockAt = 8;

/** 16 bytes for each recipient of a block. */
export function notificationIds(journalKey: Uint8Array, block: number, count: number): Uint8Array {
  const counter = Buffer.alloc(16);
  counter.writeUInt32BE(block, blockAt);
  const ids = createCipheriv('aes-128-ctr', journalKey, counter).update(Buffer.alloc(count * apnsIdBytes));
  for (let at = 0; at < ids.length; at += apnsIdBytes) {
    ids[at + 6] = (ids[at + 6]! & 0x0f) | 0x80;
    ids[at + 8] = (ids[at + 8]! & 0x3f) | 0x80;
  }
  return ids;
}
