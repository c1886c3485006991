/**
 * Reads device tokens from a file, standard input or a stream as packed blocks. Pulled by its reader: only one chunk is
 * read ahead, so memory does not grow with the file. Every token of a line that was read is handed out, also if the
 * source pauses, fails or is cut off, and after an abort. Main thread.
 */
import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { TokenBlock } from '../../apns/token-block.js';
import { onAbort } from '../../base/abort-listeners.js';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { listPauseMs, usualTokenBytes } from '../../base/limits.js';
import { callback, checkOptions, type OptionRules, test, whole } from '../../base/options.js';
import { escapeUnprintable } from '../../base/text.js';
import { type ByteSource, firstOf } from './byte-source.js';
import { pemContent, refuseOtherFiles } from './file-kind.js';
import { GzipFault, gunzip } from './gunzip.js';
import { type ListFile, openList } from './open-list.js';
import { SeenTokens } from './seen-tokens.js';
import { type InvalidLine, TokenLineParser } from './token-lines.js';

export interface ReadTokensOptions {
  /**
   * Called for each line that holds no token. A returned promise is awaited before more is read. Default: such lines
   * are skipped.
   */
  readonly onInvalid?: (invalid: InvalidLine) => void | Promise<void>;
  /**
   * Ends the reading, also while it waits for input. Tokens of complete lines are still handed out. Default: no signal.
   */
  readonly signal?: AbortSignal;
  /** Bytes of the shortest token, 1 to 32. A shorter token makes its line invalid. Default 16. */
  readonly minTokenBytes?: number;
  /**
   * Drops tokens that this set holds, and adds the others to it. The same set may serve several lists. It counts what
   * it drops. Costs about 22 bytes of memory for each different token (at most 24, from 100,000 on). Default: a token
   * that is listed twice is handed out twice.
   */
  readonly seen?: SeenTokens;
  /**
   * Called once the source ends. `isLineOpen`: its last line has no line end. Returns false if the program that wrote
   * it may have been interrupted, so that such a line is not used. Default: returns true.
   */
  readonly isEndCertain?: (isLineOpen: boolean) => boolean | Promise<boolean>;
}

const rules: OptionRules = {
  onInvalid: callback,
  signal: test('an AbortSignal', (value) => value instanceof AbortSignal),
  minTokenBytes: whole(1, usualTokenBytes),
  seen: test('a SeenTokens', (value) => value instanceof SeenTokens),
  isEndCertain: callback,
};

/**
 * Reads a list of device tokens, one a line, in the forms of `parseDeviceToken`. Empty lines are skipped.
 *
 * @param source a path, `-` for standard input, or a stream of bytes. gzip is recognised by its first bytes.
 * @returns blocks of at most 1,024 tokens of one length, in the order of the list for each length. A block that is not
 *   full is handed out when the source pauses.
 * @throws PealError ERR_PEAL_OPTION that names an option, with the first block; ERR_PEAL_INPUT while reading: missing,
 *   unreadable, a directory, damaged or cut off, or a kind of file that is not a list. It names the file and, if the
 *   lines before it are reliable, the line from which to go on. Their tokens have been handed out by then.
 */
export function readTokens(
  source: string | URL | ByteSource,
  options: ReadTokensOptions = {},
): AsyncGenerator<TokenBlock, void, void> {
  return readList(source, options, { next: 1, isWhole: false });
}

/** How far the tokens of a list were handed out. */
export interface ListPlace {
  /** The line from which to go on with a whole copy, from 1; null if no line is reliable. */
  next: number | null;
  /** Whether the list was certainly read to its end. */
  isWhole: boolean;
}

/** Like `readTokens`, and keeps `place` up to date. */
export async function* readList(
  source: string | URL | ByteSource,
  options: ReadTokensOptions,
  place: ListPlace,
): AsyncGenerator<TokenBlock, void, void> {
  checkOptions({ name: 'readTokens' }, options, rules);
  const { onInvalid, signal, minTokenBytes, isEndCertain, seen } = options;
  const name = nameOf(source);
  const blocks: TokenBlock[] = [];
  const invalid: InvalidLine[] = [];
  const sink = {
    onBlock: (block: TokenBlock) => {
      const fresh = seen === undefined ? block : seen.unique(block);
      if (fresh.count > 0) blocks.push(fresh);
    },
    onInvalid: (line: InvalidLine) => {
      const content = pemContent(line.text);
      // The lines after this one belong to a key, and may look like tokens.
      if (content !== null)
        throw new InputFault(name, pemInside(content, line.line), { proof: 'all', lines: line.line - 1 });
      invalid.push(line);
    },
  };
  const parser = new TokenLineParser(sink, minTokenBytes);
  let opened: ByteSource | null = null;
  let bytes: AsyncIterator<Uint8Array | string> | null = null;
  let pending: Promise<IteratorResult<Uint8Array | string>> | null = null;
  try {
    opened = await open(source, name, signal);
    bytes = plainBytes(opened, name, signal)[Symbol.asyncIterator]();
    for (;;) {
      pending ??= bytes.next();
      const step = await firstOf(pending, parser.isOpen ? listPauseMs : null, signal);
      if (step === 'aborted') break;
      if (step === 'paused') {
        parser.flush();
      } else {
        pending = null;
        if (step.done === true) break;
        parser.write(typeof step.value === 'string' ? Buffer.from(step.value) : step.value);
      }
      await report(invalid, onInvalid);
      yield* taken(blocks);
      if (!parser.isOpen) place.next = parser.lines + 1;
    }
    const isWhole = signal?.aborted !== true && (await isEndCertain?.(parser.isLineOpen)) !== false;
    if (isWhole) parser.end();
    else parser.flush();
    await report(invalid, onInvalid);
    yield* taken(blocks);
    place.next = parser.lines + 1;
    place.isWhole = isWhole;
  } catch (error) {
    if (error instanceof InputFault && error.isEnded) parser.end();
    else parser.flush();
    if (error instanceof InputFault) await report(invalid, onInvalid);
    yield* taken(blocks);
    if (!(error instanceof InputFault)) throw error;
    place.next = error.next(parser.lines);
    throw error.at(parser.lines);
  } finally {
    pending?.catch(() => {});
    if (opened instanceof Readable) opened.destroy();
    bytes?.return?.(undefined).catch(() => {});
  }
}

function pemInside(content: string, line: number): string {
  return `has PEM (${content}) in line ${line}, and nothing after it was read: a list must hold only device tokens`;
}

/**
 * Removes each block from the list before it is handed out, so that a reader that leaves early has only the blocks that
 * it got.
 */
function* taken(blocks: TokenBlock[]): Generator<TokenBlock> {
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) yield block;
}

/** A problem of a source, before it is known how much of it was read. */
class InputFault extends Error {
  readonly #source: string;
  readonly #problem: string;
  readonly #proof: Proof;
  /** Number of lines that count, if not all that were read. */
  readonly #lines: number | undefined;

  constructor(source: string, problem: string, { cause, proof = 'next', lines }: FaultOptions = {}) {
    super(problem, { cause });
    this.#source = source;
    this.#problem = problem;
    this.#proof = proof;
    this.#lines = lines;
  }

  /** Whether the text of the list came to its end. If so, a last line without a line end is whole. */
  get isEnded(): boolean {
    return this.cause instanceof GzipFault && this.cause.isEnded;
  }

  /** Returns the line from which to go on after `lines` lines were read, or null if no line is reliable. */
  next(lines: number): number | null {
    return this.#proof === 'next' ? (this.#lines ?? lines) + 1 : null;
  }

  /** Returns the error, with the place to go on after `read` lines were read. */
  at(read: number): PealError {
    const lines = this.#lines ?? read;
    const place = lines === 0 ? '' : places[this.#proof](lines);
    const message = `${this.#source} ${this.#problem}.${place}`;
    return new PealError('ERR_PEAL_INPUT', message, { origin: 'input', cause: this.cause });
  }
}

/**
 * How reliable the lines before a fault are. "next": they are right, and the lines after them are missing. "all": they
 * are right, and there are no others. "none": they may be wrong.
 */
type Proof = 'next' | 'all' | 'none';

interface FaultOptions {
  readonly cause?: unknown;
  readonly proof?: Proof;
  readonly lines?: number;
}

const places: Readonly<Record<Proof, (lines: number) => string>> = {
  next: (lines) =>
    ` Lines 1 to ${lines} were read and count; go on with line ${lines + 1} of a whole copy (tail -n +${lines + 1}).`,
  all: (lines) => ` Lines 1 to ${lines} were read and count.`,
  none: (lines) =>
    ` Lines 1 to ${lines} were read and count, but any of them may be wrong: take what was accepted (accepted.csv of ` +
    'peal send --accepted) out of a whole copy before you send to it.',
};

function nameOf(source: string | URL | ByteSource): string {
  if (source === '-') return 'Standard input';
  if (typeof source === 'string') return `The file ${escapeUnprintable(source, 1000)}`;
  return source instanceof URL ? `The file ${fileURLToPath(source)}` : 'The stream of tokens';
}

async function open(
  source: string | URL | ByteSource,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ByteSource> {
  let opened: ByteSource;
  try {
    opened = source === '-' ? process.stdin : isPath(source) ? await openList(source) : source;
  } catch (error) {
    throw new InputFault(name, readProblem(error), { cause: error });
  }
  if (signal !== undefined && opened instanceof Readable) destroyOnAbort(opened, signal);
  return opened;
}

/** Like `addAbortSignal` of node:stream, but for any number of streams with one signal. */
function destroyOnAbort(stream: Readable, signal: AbortSignal): void {
  const destroy = (): void => void stream.destroy(new DOMException('The reading was aborted.', 'AbortError'));
  if (signal.aborted) destroy();
  else stream.once('close', onAbort(signal, destroy));
}

function isPath(source: string | URL | ByteSource): source is string | URL {
  return typeof source === 'string' || source instanceof URL;
}

async function report(invalid: InvalidLine[], onInvalid: ReadTokensOptions['onInvalid']): Promise<void> {
  if (onInvalid !== undefined) {
    for (const line of invalid) {
      const taken = onInvalid(line);
      if (taken !== undefined) await taken;
    }
  }
  invalid.length = 0;
}

/** The bytes of `source`, unpacked if they are gzip. Errors get a sentence. Ends without an error when aborted. */
async function* plainBytes(source: ByteSource, name: string, signal: AbortSignal | undefined): ByteSource {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const head = await readHead(iterator);
    const all = prepend(head, iterator);
    const isGzip = head[0] === 0x1f && head[1] === 0x8b;
    const fault = (problem: string): Error =>
      new InputFault(name, isGzip ? `is gzip, and its content ${problem}` : problem);
    for await (const chunk of refuseOtherFiles(isGzip ? gunzip(all) : all, fault)) {
      if (signal?.aborted === true) return;
      yield chunk;
    }
    const cut = cutProblem(source);
    if (cut !== null && signal?.aborted !== true) throw new InputFault(name, cut);
  } catch (error) {
    if (signal?.aborted === true) return;
    throw faultOf(name, error);
  } finally {
    close(source, iterator);
  }
}

/** Not awaited: with gzip a read may be under way that will never finish. */
function close(source: ByteSource, iterator: AsyncIterator<unknown>): void {
  if (source instanceof Readable) source.destroy();
  else iterator.return?.().catch(() => {});
}

/** Returns a problem if a file ended before its size at opening. */
function cutProblem(source: ByteSource): string | null {
  const { sizeAtOpen = 0, bytesRead = 0 } = source as Partial<ListFile>;
  if (bytesRead >= sizeAtOpen) return null;
  return `was cut while it was read: it had ${sizeAtOpen} bytes when it was opened, and ended after ${bytesRead}`;
}

function faultOf(name: string, error: unknown): InputFault {
  if (error instanceof InputFault) return error;
  if (!(error instanceof GzipFault)) return new InputFault(name, readProblem(error), { cause: error });
  const [problem, proof] = gzipFaults[error.kind];
  return new InputFault(name, problem, { cause: error, proof });
}

const gzipFaults: Readonly<Record<GzipFault['kind'], readonly [problem: string, proof: Proof]>> = {
  cut: ['is gzip that was cut off: fetch or pack it again', 'next'],
  damaged: ['is damaged gzip: fetch or pack it again', 'none'],
  trailing: [
    'has other bytes behind the end of its gzip data, and they were not read: check whether a list was appended ' +
      'to it unpacked',
    'all',
  ],
};

/** Returns the first chunks joined, as many as are needed to recognise the file; empty for an empty source. */
async function readHead(iterator: AsyncIterator<Uint8Array | string>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 2) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    const bytes = Buffer.from(value as Uint8Array);
    head = head.length === 0 ? bytes : Buffer.concat([head, bytes]);
  }
  return head;
}

async function* prepend(head: Buffer, iterator: AsyncIterator<Uint8Array | string>): ByteSource {
  yield head;
  for (;;) {
    const { value, done } = await iterator.next();
    if (done === true) return;
    yield value;
  }
}
