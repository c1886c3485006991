/**
 * Reads device tokens from a file, standard input or a stream as packed blocks. Pulled by its reader: nothing is read
 * ahead but one chunk, so memory does not grow with the file. Whatever ends the reading, each token of a line that was
 * read is handed out: also where the source pauses, fails or is cut off, and after an abort. Main thread.
 */
import { Buffer } from 'node:buffer';
import { createReadStream, fstatSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { TokenBlock } from '../../apns/token-block.js';
import { onAbort } from '../../base/abort-listeners.js';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { listPauseMs, readChunkBytes, usualTokenBytes } from '../../base/limits.js';
import { callback, checkOptions, type OptionRules, test, whole } from '../../base/options.js';
import { escapeUnprintable } from '../../base/text.js';
import { type ByteSource, firstOf, gunzip } from './byte-source.js';
import { HEAD_BYTES, strangerProblem } from './list-shape.js';
import { SeenTokens } from './seen-tokens.js';
import { type InvalidLine, TokenLineParser } from './token-lines.js';

export type { ByteSource } from './byte-source.js';

export interface ReadTokensOptions {
  /** Told of each line that holds no token; a promise is waited for before more is read. Default: they are skipped. */
  readonly onInvalid?: (invalid: InvalidLine) => void | Promise<void>;
  /**
   * Ends the reading, also one that waits for input. The tokens of lines that were read are still handed out, half a line
   * is not. Default: none.
   */
  readonly signal?: AbortSignal;
  /** Bytes of the shortest token, 1 to 32; a shorter one makes its line invalid. Default 16. */
  readonly minTokenBytes?: number;
  /**
   * Drops tokens that this set holds, and adds the others to it; the same set may serve several lists. It counts what it
   * drops. Costs about 22 bytes of memory for each different token (at most 24, from 100,000 on). Default: tokens that
   * stand twice are handed out twice.
   */
  readonly seen?: SeenTokens;
  /**
   * Asked once the source ends. False: the program that wrote it may have been interrupted, so that a last line without
   * its end is not taken. Default: true.
   */
  readonly isEndCertain?: () => boolean | Promise<boolean>;
}

const rules: OptionRules = {
  onInvalid: callback,
  signal: test('an AbortSignal', (value) => value instanceof AbortSignal),
  minTokenBytes: whole(1, usualTokenBytes),
  seen: test('a SeenTokens', (value) => value instanceof SeenTokens),
  isEndCertain: callback,
};

/**
 * Reads a list of device tokens, one a line, in the forms of `parseDeviceToken`; empty lines are skipped.
 *
 * @param source a path, `-` for standard input, or a stream of bytes. gzip is recognised by its first bytes.
 * @returns blocks of at most 1,024 tokens of one length, in the order of the list for each length. One that is not full
 * is handed out when the source pauses.
 * @throws PealError ERR_PEAL_OPTION that names an option, with the first block; ERR_PEAL_INPUT while reading, naming the file and the line from which to go on: missing, unreadable,
 * a directory, damaged or cut off, or a kind of file that is no list. The tokens before it have been handed out by then.
 */
export async function* readTokens(
  source: string | URL | ByteSource,
  options: ReadTokensOptions = {},
): AsyncGenerator<TokenBlock, void, void> {
  checkOptions({ name: 'readTokens' }, options, rules);
  const { onInvalid, signal, minTokenBytes, isEndCertain, seen } = options;
  const blocks: TokenBlock[] = [];
  const invalid: InvalidLine[] = [];
  const sink = {
    onBlock: (block: TokenBlock) => {
      const fresh = seen === undefined ? block : seen.unique(block);
      if (fresh.count > 0) blocks.push(fresh);
    },
    onInvalid: (line: InvalidLine) => invalid.push(line),
  };
  const parser = new TokenLineParser(sink, minTokenBytes);
  const opened = open(source, signal);
  const bytes = plainBytes(opened, nameOf(source), signal)[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<Uint8Array | string>> | null = null;
  try {
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
    }
    if (signal?.aborted === true || (await isEndCertain?.()) === false) parser.flush();
    else parser.end();
    await report(invalid, onInvalid);
    yield* taken(blocks);
  } catch (error) {
    parser.flush();
    yield* taken(blocks);
    throw error instanceof InputFault ? error.at(parser.lines) : error;
  } finally {
    pending?.catch(() => {});
    if (opened instanceof Readable) opened.destroy();
    bytes.return?.(undefined).catch(() => {});
  }
}

/** The blocks, each out of the list before it is handed out: a reader that leaves keeps no other from being counted. */
function* taken(blocks: TokenBlock[]): Generator<TokenBlock> {
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) yield block;
}

/** What is wrong with a source, before it is known how much of it was read. */
class InputFault extends Error {
  readonly #source: string;
  readonly #problem: string;

  constructor(source: string, problem: string, cause?: unknown) {
    super(problem, { cause });
    this.#source = source;
    this.#problem = problem;
  }

  /** The same as a sentence, and where to go on behind the `lines` lines that were read. */
  at(lines: number): PealError {
    const next = lines + 1;
    const place =
      lines === 0
        ? ''
        : ` Lines 1 to ${lines} were read and count; go on with line ${next} of a whole copy (tail -n +${next}).`;
    const message = `${this.#source} ${this.#problem}.${place}`;
    return new PealError('ERR_PEAL_INPUT', message, { origin: 'input', cause: this.cause });
  }
}

function nameOf(source: string | URL | ByteSource): string {
  if (source === '-') return 'Standard input';
  if (typeof source === 'string') return `The file ${escapeUnprintable(source, 1000)}`;
  return source instanceof URL ? `The file ${fileURLToPath(source)}` : 'The stream of tokens';
}

function open(source: string | URL | ByteSource, signal: AbortSignal | undefined): ByteSource {
  const opened = source === '-' ? process.stdin : isPath(source) ? openFile(source) : source;
  if (signal !== undefined && opened instanceof Readable) destroyOnAbort(opened, signal);
  return opened;
}

/** As `addAbortSignal` of node:stream, but for any number of streams with one signal. */
function destroyOnAbort(stream: Readable, signal: AbortSignal): void {
  const destroy = (): void => void stream.destroy(new DOMException('The reading was aborted.', 'AbortError'));
  if (signal.aborted) destroy();
  else stream.once('close', onAbort(signal, destroy));
}

function openFile(path: string | URL): FileStream {
  const stream: FileStream = createReadStream(path, { highWaterMark: readChunkBytes });
  stream.once('open', (fd: number) => {
    const stats = fstatSync(fd);
    if (stats.isFile()) stream.sizeAtOpen = stats.size;
  });
  return stream;
}

/** `sizeAtOpen`: bytes, of a regular file. */
type FileStream = ReturnType<typeof createReadStream> & { sizeAtOpen?: number };

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

/** The bytes behind `source`, unpacked if they are gzip, with errors put into words. Ends quietly when aborted. */
async function* plainBytes(source: ByteSource, name: string, signal: AbortSignal | undefined): ByteSource {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const head = await readHead(iterator);
    const problem = strangerProblem(head);
    if (problem !== null) throw new InputFault(name, problem);
    const all = prepend(head, iterator);
    const plain = head[0] === 0x1f && head[1] === 0x8b ? gunzip(all) : all;
    for await (const chunk of plain) {
      if (signal?.aborted === true) return;
      yield chunk;
    }
    const cut = cutProblem(source);
    if (cut !== null && signal?.aborted !== true) throw new InputFault(name, cut);
  } catch (error) {
    if (signal?.aborted === true) return;
    throw error instanceof InputFault ? error : new InputFault(name, problemOf(error), error);
  } finally {
    close(source, iterator);
  }
}

/** Not waited for: with gzip a read may be under way that nothing will ever answer. */
function close(source: ByteSource, iterator: AsyncIterator<unknown>): void {
  if (source instanceof Readable) source.destroy();
  else iterator.return?.().catch(() => {});
}

/** Whether a file ended sooner than its size said when it was opened. */
function cutProblem(source: ByteSource): string | null {
  const { sizeAtOpen = 0, bytesRead = 0 } = source as Partial<FileStream>;
  if (bytesRead >= sizeAtOpen) return null;
  return `was cut while it was read: it had ${sizeAtOpen} bytes when it was opened, and ended after ${bytesRead}`;
}

function problemOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'Z_BUF_ERROR') return 'is gzip that was cut off: fetch or pack it again';
  if (code?.startsWith('Z_') === true)
    return 'is damaged gzip, and its last lines may be wrong, too: fetch or pack it again';
  return readProblem(error);
}

/** The first chunks together, as far as they are needed to tell what this is; empty for an empty source. */
async function readHead(iterator: AsyncIterator<Uint8Array | string>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < HEAD_BYTES) {
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
