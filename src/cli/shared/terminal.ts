/**
 * The streams and the environment of a command, and the output that all commands share. run-process passes them in, so
 * that commands do not use those of the process. Main thread.
 */
import type { Readable, Writable } from 'node:stream';
import { createColors } from 'picocolors';
import { PealError } from '../../base/errors.js';
import { maxMessageCharacters } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { escapeUnprintable } from '../../base/text.js';
import { isOutOfFiles } from './exit-codes.js';
import { commandMessage } from './wording.js';

/** Text for people is not wider than that on a wide terminal either. */
export const widestText = 100;

/** Where a command writes lines with a level and fields, beside or instead of its sentences. */
export interface CommandLog {
  readonly logger: Logger;
  /** Whether standard error has lines of JSON and nothing else: sentences become lines, too. */
  readonly isJson: boolean;
  /** Writes a line of the log to standard error. A live display puts it above itself. Default: calls `print`. */
  around: (print: () => void) => void;
}

/** What a command line was given by file and environment. */
interface GivenSettings {
  /** The configuration file, as it is named; null without one. */
  readonly file: string | null;
  /** Each option, and where it comes from: `--key is from PEAL_KEY`. Without values. */
  readonly sources: readonly string[];
  /** Sentences without their end: what is probably not meant. */
  readonly notes: readonly string[];
}

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: the command has sentences only. */
  readonly log?: CommandLog;
  /** What the command line was given besides its options. Default: nothing. */
  readonly settings?: GivenSettings;
  /** Says where the options come from that an error names, where they are not on the command line. */
  readonly sourcesIn?: (text: string) => string | null;
}

/** Whether a command line, or the environment, asks for standard error to have lines of JSON and nothing else. */
export function asksForJson(args: readonly string[], env: Terminal['env']): boolean {
  if (env.PEAL_LOG_FORMAT === 'json') return true;
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).some(
    (arg, at) => arg === '--log-format=json' || (arg === 'json' && args[at - 1] === '--log-format'),
  );
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
  const fields = error instanceof PealError ? { code: error.code, retryable: error.retryable } : {};
  printParagraph(terminal, { paint: red, level: 'error', fields }, text);
  printSources(terminal, text);
}

/** A note on where the options come from that `text` names; nothing where all are on the command line. */
export function printSources(terminal: Terminal, text: string): void {
  const sources = terminal.sourcesIn?.(text) ?? null;
  if (sources !== null) printNote(terminal, sources);
}

/** @param command what to copy into a shell: it ends the sentence, on a terminal on a line of its own */
export function printNote(terminal: Terminal, text: string, command: string | null = null): void {
  printYellow(terminal, 'info', text, command);
}

/** A note about what a person should look at. */
export function printWarning(terminal: Terminal, text: string, command: string | null = null): void {
  printYellow(terminal, 'warn', text, command);
}

function printYellow(terminal: Terminal, level: 'info' | 'warn', text: string, command: string | null): void {
  const { yellow: paint } = createColors(hasColour(terminal, terminal.stderr));
  const style = { paint, level, fields: {} };
  printParagraph(terminal, style, printable(text), command === null ? null : printable(command));
}

/** How a sentence is shown: to people, and as a line of a log. */
interface Style {
  readonly paint: (text: string) => string;
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: object;
}

/** One line where programs read it. A terminal would break that within a word, so its lines are broken at blanks. */
function printParagraph(
  { stderr, log }: Terminal,
  { paint, level, fields }: Style,
  text: string,
  command: string | null = null,
): void {
  if (log?.isJson === true) {
    log.logger[level](fields, command === null ? text : `${text}: ${command}`);
    return;
  }
  const hasScreen = stderr.isTTY === true && stderr.columns !== undefined && stderr.columns > 0;
  const [first = '', ...more] = hasScreen
    ? [...noteLines(command === null ? text : `${text}:`, stderr.columns!), ...(command === null ? [] : [command])]
    : [command === null ? text : `${text}: ${command}`];
  const lines = [`${paint(mark)} ${first}`, ...more.map((line) => ' '.repeat(mark.length + 1) + line)];
  stderr.write(lines.map((line) => `${line}\n`).join(''));
}

const mark = 'peal:';

/** The lines of an error with the stack of a fault stay apart. */
function noteLines(text: string, columns: number): string[] {
  const width = Math.min(columns, widestText) - 1 - (mark.length + 1);
  return text.split('\n').flatMap((line) => (line.startsWith(' ') ? [line] : wrapped(line, Math.max(30, width))));
}

/** One JSON object on a line of its own, as programs read them. */
export function writeJsonLine(output: Writable, value: object): void {
  output.write(`${JSON.stringify(value)}\n`);
}

/** The line about an error. `count`: recipients that are unsent or unknown because of it. */
export function errorMessage(error: PealError, count: number): object {
  const { code, retryable } = error;
  return { messageType: 'error', code, message: commandMessage(error), retryable, count };
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
