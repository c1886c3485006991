/**
 * The streams and the environment of a command, and the output that all commands share. run-process passes them in, so
 * that commands do not use those of the process. Main thread.
 */
import type { Readable, Writable } from 'node:stream';
import { createColors } from 'picocolors';
import { PealError } from '../../base/errors.js';
import { maxMessageCharacters } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { isOutOfFiles } from './exit-codes.js';
import { commandMessage } from './wording.js';

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Whether text for this stream may be coloured: a terminal, unless NO_COLOR or a dumb terminal says otherwise. */
export function hasColour(terminal: Terminal, stream: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR = '', FORCE_COLOR = '', TERM = '' } = terminal.env;
  if (NO_COLOR !== '') return false;
  if (FORCE_COLOR !== '' && FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && TERM !== 'dumb';
}

/** Prints one sentence about an error. An error other than PealError is a fault of peal, so its stack is printed. */
export function printError(terminal: Terminal, error: unknown): void {
  const { red } = createColors(hasColour(terminal, terminal.stderr));
  const text =
    error instanceof PealError
      ? printable(commandMessage(error))
      : isOutOfFiles(error)
        ? 'this process has reached its limit of open files (EMFILE): raise it (ulimit -n 1024) and run it again.'
        : `this is a fault of peal: ${(error as Error)?.stack ?? String(error)}`;
  terminal.stderr.write(`${red('peal:')} ${text}\n`);
}

export function printNote(terminal: Terminal, text: string): void {
  const { yellow } = createColors(hasColour(terminal, terminal.stderr));
  terminal.stderr.write(`${yellow('peal:')} ${printable(text)}\n`);
}

/** One JSON object on a line of its own, as programs read them. */
export function writeJsonLine(output: Writable, value: object): void {
  output.write(`${JSON.stringify(value)}\n`);
}

/** A line that is safe to print: names of files and options may hold control characters. */
export function printable(text: string): string {
  return escapeUnprintable(text, maxMessageCharacters);
}

/** A sentence as lines of at most `width` characters, broken at blanks. */
export function wrapped(sentence: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of sentence.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A wrong use of the command line, in one sentence. */
export function usageError(message: string, cause?: unknown): PealError {
  return new PealError('ERR_PEAL_OPTION', message, { origin: 'usage', cause });
}
