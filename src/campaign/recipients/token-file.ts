/**
 * Reads device tokens from a file, standard input or a stream as packed blocks. Pulled by its reader: nothing is read
 * ahead but one chunk, so memory does not grow with the file. Main thread.
 */
import { Buffer } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { addAbortSignal, pipeline, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import type { TokenBlock } from '../../apns/token-block.js';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { readChunkBytes } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { type InvalidLine, TokenLineParser } from './token-lines.js';

/** Bytes of a list as they come: a Node or web stream, or anything alike. */
export type ByteSource = AsyncIterable<Uint8Array | string>;

export interface ReadTokensOptions {
  /** Told of each line that holds no token; a promise is waited for before more is read. Default: they are skipped. */
  readonly onInvalid?: (invalid: InvalidLine) => void | Promise<void>;
  /** Ends the reading, also one that waits for input. What was not handed out yet is dropped. Default: none. */
  readonly signal?: AbortSignal;
}

/** Longest of the byte sequences below that tell what a file is. */
const HEAD_BYTES = 6;

/** What a token list is not, by its first bytes, and what to do about it. */
const strangers: readonly (readonly [head: readonly number[], problem: string])[] = [
  [[0xff, 0xfe], 'is UTF-16 text: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)'],
  [[0xfe, 0xff], 'is UTF-16 text: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)'],
  [[0x50, 0x4b, 0x03, 0x04], 'is a ZIP archive: unpack it first (unzip -p)'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'is compressed with zstd: unpack it first (zstd -dc)'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], 'is compressed with xz: unpack it first (xz -dc)'],
  [[0x42, 0x5a, 0x68], 'is compressed with bzip2: unpack it first (bzip2 -dc)'],
];

/**
 * Reads a list of device tokens, one a line, in the forms of `parseDeviceToken`; empty lines are skipped.
 *
 * @param source a path, `-` for standard input, or a stream of bytes. gzip is recognised by its first bytes.
 * @returns blocks of at most 1,024 tokens of one length, in the order of the list for each length.
 * @throws PealError ERR_PEAL_INPUT while reading, naming the file: missing, unreadable, a directory, damaged gzip, or
 * a kind of file that is no list.
 */
export async function* readTokens(
  source: string | URL | ByteSource,
  options: ReadTokensOptions = {},
): AsyncGenerator<TokenBlock, void, void> {
  const { onInvalid, signal } = options;
  const blocks: TokenBlock[] = [];
  const invalid: InvalidLine[] = [];
  const parser = new TokenLineParser({
    onBlock: (block) => blocks.push(block),
    onInvalid: (line) => invalid.push(line),
  });
  for await (const chunk of plainBytes(open(source, signal), nameOf(source), signal)) {
    parser.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    await report(invalid, onInvalid);
    yield* blocks;
    blocks.length = 0;
  }
  if (signal?.aborted === true) return;
  parser.end();
  await report(invalid, onInvalid);
  yield* blocks;
}

function nameOf(source: string | URL | ByteSource): string {
  if (source === '-') return 'Standard input';
  if (typeof source === 'string') return `The file ${escapeUnprintable(source, 1000)}`;
  return source instanceof URL ? `The file ${fileURLToPath(source)}` : 'The stream of tokens';
}

function open(source: string | URL | ByteSource, signal: AbortSignal | undefined): ByteSource {
  const opened = source === '-' ? process.stdin : isPath(source) ? openFile(source) : source;
  return signal !== undefined && opened instanceof Readable ? addAbortSignal(signal, opened) : opened;
}

function openFile(path: string | URL): Readable {
  return createReadStream(path, { highWaterMark: readChunkBytes });
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

/** The bytes behind `source`, unpacked if they are gzip, with errors put into words. Ends quietly when aborted. */
async function* plainBytes(source: ByteSource, name: string, signal: AbortSignal | undefined): ByteSource {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const head = await readHead(iterator);
    const problem = strangers.find(([bytes]) => bytes.every((byte, index) => head[index] === byte))?.[1];
    if (problem !== undefined) throw inputError(name, problem);
    const all = prepend(head, iterator);
    const plain = head[0] === 0x1f && head[1] === 0x8b ? gunzip(all) : all;
    for await (const chunk of plain) {
      if (signal?.aborted === true) return;
      yield chunk;
    }
  } catch (error) {
    if (signal?.aborted === true) return;
    throw error instanceof PealError ? error : inputError(name, problemOf(error), error);
  } finally {
    close(source, iterator);
  }
}

/** Not waited for: with gzip a read may be under way that nothing will ever answer. */
function close(source: ByteSource, iterator: AsyncIterator<unknown>): void {
  if (source instanceof Readable) source.destroy();
  else iterator.return?.().catch(() => {});
}

function problemOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'Z_BUF_ERROR') return 'is gzip that was cut off: fetch or pack it again';
  if (code?.startsWith('Z_') === true) return 'is damaged gzip: fetch or pack it again';
  return readProblem(error);
}

function inputError(name: string, problem: string, cause?: unknown): PealError {
  return new PealError('ERR_PEAL_INPUT', `${name} ${problem}.`, { origin: 'input', cause });
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

function gunzip(packed: ByteSource): ByteSource {
  // The callback takes no part: the error arrives at whoever reads the unpacked stream.
  return pipeline(packed, createGunzip({ chunkSize: readChunkBytes }), () => {});
}
