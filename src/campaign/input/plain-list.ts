/**
 * Tells a plain list of device tokens, by its beginning, and makes its reader. Most campaigns need no more: the readers
 * of tables are loaded for what is none. Called by input-file and text-reader, on the main thread.
 */
import type { Buffer } from 'node:buffer';
import { Rows } from '../../session/recipients/rows.js';
import type { SourceReader, SourceSink } from '../recipients/read-source.js';
import { hexForm, type TokenForm } from '../recipients/token-form.js';
import { TokenLineParser } from '../recipients/token-lines.js';

/** What the user says of a list. */
interface ListChoices {
  /** A delimiter makes it a table. */
  readonly delimiter?: string | undefined;
  /** How the tokens are written. Default: as those of APNs. */
  readonly tokens?: TokenForm | undefined;
}

/** The text that `head` is, without blanks at its beginning, and its lines. */
interface HeadLines {
  readonly text: string;
  /** Those that are not blank. */
  readonly lines: readonly string[];
  /** Those among them that are no device token. */
  readonly others: readonly string[];
}

export function headLines(head: Buffer, { tokens = hexForm() }: ListChoices): HeadLines {
  const text = head.toString('utf8').replace(/^\uFEFF?\s*/, '');
  const lines = text.split(/\r\n|[\r\n]/).filter((line) => line.trim() !== '');
  return { text, lines, others: lines.filter((line) => tokens.likeBytes(line) === 0) };
}

/** Returns true if each line is a device token, which leaves no doubt. `isEnd`: there are no more lines. */
export function isPlainList({ lines, others }: HeadLines, isEnd: boolean, { delimiter }: ListChoices): boolean {
  // A table would have other lines, unless it is cut with an unusual delimiter. The last line may be cut off.
  const isAllTokens = others.length === 0 || (!isEnd && others.length === 1 && others[0] === lines.at(-1));
  return others.length < lines.length && isAllTokens && delimiter === undefined;
}

/** How it is written. */
export const plainListShape = { format: 'list', columns: null, hasNames: false, tokenColumn: null } as const;

const noColumns = new Map();

export function plainListReader(sink: SourceSink<Rows>, { tokens: form }: ListChoices): SourceReader {
  const onBlock = (tokens: Rows['tokens']): void => sink.onBlock(new Rows(tokens, noColumns));
  return new TokenLineParser({ onBlock, onInvalid: sink.onInvalid }, form);
}
