/**
 * Tells by the first bytes of a source how it is packed. The unpackers are loaded for what is packed only. Pure; used
 * by read-source and unzstd.
 */
import type { Buffer } from 'node:buffer';
import type { Packing } from './unpack-fault.js';

export const zstdMagic = 0xfd2fb528;

/** Frames of zstd that hold nothing that is unpacked. */
export function isSkippable(magic: number): boolean {
  return (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}

/** How a source is packed that begins with `head`; null for one that is not. */
export function packingOf(head: Buffer): Packing | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length < 4) return null;
  const magic = head.readUInt32LE();
  return magic === zstdMagic || isSkippable(magic) ? 'zstd' : null;
}
