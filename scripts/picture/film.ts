/**
 * What a terminal showed over time, without what it showed twice: each line from when it appeared until it changed.
 * Frames are put in by the recorder, and the picture is drawn from the result.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Line, Span } from './styled-text.js';

/** The terminal at one moment. */
export interface Frame {
  /** Since the beginning. */
  readonly ms: number;
  /** Its rows from the top. */
  readonly rows: readonly Line[];
  /** Where the cursor is; null while it is hidden. */
  readonly cursor: { readonly column: number; readonly row: number } | null;
}

/** Something that stayed the same from one moment to another. */
export interface Scene<T> {
  readonly row: number;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Whether it is there at the end. */
  readonly isLast: boolean;
  readonly content: T;
}

export interface Film {
  readonly durationMs: number;
  /** Empty rows are not among them. */
  readonly lines: readonly Scene<readonly Span[]>[];
  /** The content is the column. */
  readonly cursors: readonly Scene<number>[];
}

/** The film of these frames, of which the last one stays for `restMs`. */
export function filmOf(frames: readonly Frame[], restMs: number): Film {
  const durationMs = (frames.at(-1)?.ms ?? 0) + restMs;
  const rows = Math.max(0, ...frames.map((frame) => frame.rows.length));
  const lines = Array.from({ length: rows }, (_, row) =>
    scenesOf(frames, durationMs, row, ({ rows: shown }) => (shown[row]?.text ? shown[row].spans : null)),
  ).flat();
  const cursors = Array.from({ length: rows }, (_, row) =>
    scenesOf(frames, durationMs, row, ({ cursor }) => (cursor?.row === row ? cursor.column : null)),
  ).flat();
  return { durationMs, lines, cursors };
}

/** The stretches of frames with one content that is not null. */
function scenesOf<T>(
  frames: readonly Frame[],
  durationMs: number,
  row: number,
  contentOf: (frame: Frame) => T | null,
): Scene<T>[] {
  const scenes: Scene<T>[] = [];
  for (let first = 0; first < frames.length; ) {
    const content = contentOf(frames[first]!);
    let next = first + 1;
    while (next < frames.length && isDeepStrictEqual(contentOf(frames[next]!), content)) next++;
    const isLast = next === frames.length;
    const untilMs = isLast ? durationMs : frames[next]!.ms;
    if (content !== null) scenes.push({ row, fromMs: frames[first]!.ms, untilMs, isLast, content });
    first = next;
  }
  return scenes;
}
