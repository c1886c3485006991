/**
 * How many recipients files seem to hold, before they are read: for progress and for the choice of threads. Main thread.
 */
import { open, stat } from 'node:fs/promises';

/** Bytes from which the number of lines of a file is estimated. */
const sampleBytes = 64 * 1024;

/** Estimates the recipients of all lists together; null if one list cannot be estimated. */
export async function estimateAll(sources: readonly string[]): Promise<number | null> {
  let sum = 0;
  for (const source of sources) {
    const estimated = await estimateRecipients(source);
    if (estimated === null) return null;
    sum += estimated;
  }
  return sum;
}

/**
 * How many recipients a list seems to hold, from its size and the length of its first lines; null where that cannot
 * be told (standard input, gzip, zstd, pipes). Exact for lists whose lines are all of one length.
 */
export async function estimateRecipients(source: string): Promise<number | null> {
  // Only regular files are opened: opening and closing a pipe would end the program that writes it.
  if (source === '-' || (await stat(source).catch(() => null))?.isFile() !== true) return null;
  const file = await open(source, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    const sample = Buffer.alloc(Math.min(size, sampleBytes));
    const { bytesRead } = await file.read(sample, 0, sample.length, 0);
    return estimateLines(sample.subarray(0, bytesRead), size);
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** Exported for its test. `head`: the beginning of a list of `size` bytes. */
export function estimateLines(head: Uint8Array, size: number): number | null {
  const isPacked = (head[0] === 0x1f && head[1] === 0x8b) || (head[0] === 0x28 && head[1] === 0xb5);
  if (head.length === 0 || isPacked) return null;
  let lines = 0;
  let end = 0;
  for (let at = 0; at < head.length; at++) {
    if (head[at] !== 0x0a && head[at] !== 0x0d) continue;
    // Blank lines are not recipients, nor is the empty text between a CR and its LF.
    if (at > end) lines++;
    end = at + 1;
  }
  if (head.length === size) return lines + (end < size ? 1 : 0);
  return lines === 0 ? null : Math.round((size * lines) / end);
}
