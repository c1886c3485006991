/**
 * The id of a notification, a UUID, as text and as 16 bytes. Called by header checks, sends and shards. Pure, any
 * thread.
 */
import { Buffer } from 'node:buffer';
import { writeHex } from '../base/hex.js';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Returns whether `text` is a UUID, written as 8-4-4-4-12 hex digits in either case. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}

/** Returns the 16 bytes of a UUID, or null for anything else. */
export function apnsIdBytesOf(apnsId: unknown): Uint8Array | null {
  if (typeof apnsId !== 'string' || !isUuid(apnsId)) return null;
  return Buffer.from(apnsId.replaceAll('-', ''), 'hex');
}

const text = Buffer.from('00000000-0000-0000-0000-000000000000', 'latin1');
const textView = new DataView(text.buffer, text.byteOffset, text.byteLength);

/** Returns the UUID of the 16 bytes at `start`, in lower case. */
export function apnsIdText(bytes: Uint8Array, start: number): string {
  writeHex(textView, 0, bytes, start, 4);
  writeHex(textView, 9, bytes, start + 4, 2);
  writeHex(textView, 14, bytes, start + 6, 2);
  writeHex(textView, 19, bytes, start + 8, 2);
  writeHex(textView, 24, bytes, start + 10, 6);
  return text.toString('latin1');
}
