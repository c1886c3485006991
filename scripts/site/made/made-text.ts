/**
 * What a generator of the site returns, and how it reads comments of the source. Used by the generators of this folder.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface MadeText {
  /** Its place in the site, without an extension. */
  readonly address: string;
  readonly title: string;
  /** Markdown, links as the site has them. */
  readonly text: string;
}

/**
 * Returns the comment of each name in a file of the source, of which `row` finds comment and name: a comment stands
 * above its name, or behind it.
 */
export function commentsIn(root: string, file: string, row: RegExp): ReadonlyMap<string, string> {
  const text = readFileSync(path.join(root, file), 'utf8');
  const found = [...text.matchAll(row)].map(({ groups }) => [groups!.name!, sentence(groups!.comment!)] as const);
  if (found.length === 0) throw new Error(`${file} has no comment that ${row} finds`);
  return new Map(found);
}

/** A comment of several lines as one text. */
export function sentence(comment: string): string {
  return comment.replace(/\s*\n\s*\*?\s*/g, ' ').trim();
}

/** A text with its first letter as a capital, and a full stop at its end. */
export function asSentence(text: string): string {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?:]$/.test(upper) ? upper : `${upper}.`;
}
