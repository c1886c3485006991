/**
 * How many recipients files seem to hold, before they are read: for progress and for the choice of threads. Main
 * thread.
 */
import { open, stat } from 'node:fs/promises';

/** Parts of a file from which its number of lines is estimated, and their bytes: later lines are often longer. */
const [samples, sampleBytes] = [5, 64 * 1024];

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
 * How many recipients a list seems to hold, from its size and the length of some of its lines; null where that cannot
 * be told (standard input, gzip, zstd, pipes). Exact for lists whose lines are all of one length.
 */
export async function estimateRecipients(source: string): Promise<number | null> {
  // Only regular files are opened: opening and closing a pipe would end the program that writes it.
  if (source === '-' || (await stat(source).catch(() => null))?.isFile() !== true) return null;
  const file = await open(source, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    const isShort = size <= samples * sampleBytes;
    const length = isShort ? size : sampleBytes;
    const parts: Uint8Array[] = [];
    for (let part = 0; part < (isShort ? 1 : samples); part++) {
      const at = Math.floor(((size - length) * part) / (samples - 1));
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
      parts.push(buffer.subarray(0, bytesRead));
    }
    return estimateLines(parts, size);
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/**
 * Exported for its test. `parts` of a list of `size` bytes: its beginning, and others that begin anywhere in a line.
 */
export function estimateLines([head, ...others]: readonly Uint8Array[], size: number): number | null {
  if (head === undefined || head.length === 0 || isPacked(head)) return null;
  const counts = [countLines(head, 0), ...others.map((part) => countLines(part, lineStart(part)))];
  const sum = counts.reduce((all, { lines, bytes }) => ({ lines: all.lines + lines, bytes: all.bytes + bytes }));
  if (head.length === size) return sum.lines + (sum.bytes < size ? 1 : 0);
  return sum.lines === 0 ? null : Math.round((size * sum.lines) / sum.bytes);
}

function isPacked(head: Uint8Array): boolean {
  return (head[0] === 0x1f && head[1] === 0x8b) || (head[0] === 0x28 && head[1] === 0xb5);
}

/** Where the first whole line begins. */
function lineStart(part: Uint8Array): number {
  const end = part.indexOf(0x0a);
  return end < 0 ? part.length : end + 1;
}

/** The whole lines from `start`, and how many bytes they take. */
function countLines(part: Uint8Array, start: number): { readonly lines: number; readonly bytes: number } {
  let lines = 0;
  let end = start;
  for (let at = start; at < part.length; at++) {
    if (part[at] !== 0x0a && part[at] !== 0x0d) continue;
    // Blank lines are not recipients, nor is the empty text between a CR and its LF.
    if (at > end) lines++;
    end = at + 1;
  }
  return { lines, bytes: end - start };
}
