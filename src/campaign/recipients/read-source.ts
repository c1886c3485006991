/**
 * Reads recipients from a file, standard input or a stream, whatever the format: opens it, unpacks it, hands its bytes
 * to the reader of its format, and hands out the blocks that come of them. Pulled by its reader: nothing is read ahead
 * but one chunk, so memory does not grow with the file. Whatever ends the reading, each line that was read is handed
 * out: also where the source pauses, fails or is cut off, and after an abort. Main thread.
 *
 * A source whose blocks must be the same each time it is read (`isRepeatable`) hands out whole blocks only, until it
 * ends.
 */
import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onAbort } from '../../base/abort-listeners.js';
import { readProblem } from '../../base/file-errors.js';
import { listPauseMs } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { type ByteSource, firstOf } from './byte-source.js';
import { type OtherKind, pemContent, refuseOtherFiles } from './file-kind.js';
import { InputFault, type Proof } from './input-fault.js';
import { ListFile } from './list-file.js';
import { openList } from './open-list.js';
import { packingOf } from './packing.js';
import type { InvalidLine } from './token-lines.js';
import { type Packing, UnpackFault } from './unpack-fault.js';

/** Reads the bytes of one source. Blocks and invalid lines come from within its methods. */
export interface SourceReader {
  /** Lines ended so far (elements of a JSON array). */
  readonly lines: number;
  /** Whether something was read that is in no block yet. */
  readonly isOpen: boolean;
  /** Whether a line has begun whose end has not come. */
  readonly isLineOpen: boolean;
  /** Takes the next bytes; they may be used again as soon as this returns. */
  write(chunk: Uint8Array): void;
  /** Hands out what is in no block yet. The beginning of a line stays. `isOver`: nothing more will be read. */
  flush(isOver: boolean): void;
  /** There are no more bytes: takes a last line without an end and hands out what is left. */
  end(): void;
  /** What lines are called. Default `Lines`. */
  readonly unit?: string;
  /** The command that gives the source from this line on; null where none does. Default `tail`. */
  goOn?(line: number): string | null;
}

/** Told at once, from within the methods of a reader. */
export interface SourceSink<Block> {
  onBlock(block: Block): void;
  onInvalid(invalid: InvalidLine): void;
}

interface SourceOptions<Block> {
  /** Makes the reader. `name`: of the source, for the beginning of a sentence. */
  readonly readerOf: (sink: SourceSink<Block>, name: string) => SourceReader;
  /** Told of each line that holds no recipient; a promise is waited for before more is read. */
  readonly onInvalid?: ((invalid: InvalidLine) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** As in `ReadTokensOptions`. */
  readonly isEndCertain?: ((isLineOpen: boolean) => boolean | Promise<boolean>) | undefined;
  /**
   * Whether blocks depend on the content alone. Default: what was read is handed out when the source pauses or fails.
   */
  readonly isRepeatable?: boolean;
  /** Files that its reader reads, and that are no lists. Default: none. */
  readonly accepts?: readonly OtherKind[];
}

/** How far a list was read, as far as its tokens were handed out. */
export interface ListPlace {
  /** The line from which to go on with a whole copy, from 1; null where no line can be relied on. */
  next: number | null;
  /** Whether the list was read to its end, and that is certain. */
  isWhole: boolean;
}

/**
 * Hands out the blocks of `source`, and keeps `place` up to date.
 *
 * @param source a path, `-` for standard input, or a stream of bytes
 * @throws PealError ERR_PEAL_INPUT, once all that can be read has been handed out
 */
export async function* readSource<Block>(
  source: string | URL | ByteSource,
  options: SourceOptions<Block>,
  place: ListPlace,
): AsyncGenerator<Block, void, void> {
  const { onInvalid, signal, isEndCertain, isRepeatable = false, accepts = [] } = options;
  const name = nameOf(source);
  const blocks: Block[] = [];
  const invalid: InvalidLine[] = [];
  const sink: SourceSink<Block> = {
    onBlock: (block) => blocks.push(block),
    onInvalid: (line) => {
      const content = pemContent(line.text);
      // The lines behind this one are those of a key, and may look like tokens.
      if (content !== null)
        throw new InputFault(name, pemInside(content, line.line), { proof: 'all', lines: line.line - 1 });
      invalid.push(line);
    },
  };
  const reader = options.readerOf(sink, name);
  let opened: ByteSource | null = null;
  let bytes: AsyncIterator<Uint8Array | string> | null = null;
  let pending: Promise<IteratorResult<Uint8Array | string>> | null = null;
  try {
    opened = await open(source, name, signal);
    bytes = plainBytes(opened, name, { signal, accepts })[Symbol.asyncIterator]();
    for (;;) {
      pending ??= bytes.next();
      const step = await firstOf(pending, reader.isOpen && !isRepeatable ? listPauseMs : null, signal);
      if (step === 'aborted') break;
      if (step === 'paused') {
        reader.flush(false);
      } else {
        pending = null;
        if (step.done === true) break;
        reader.write(typeof step.value === 'string' ? Buffer.from(step.value) : step.value);
      }
      await report(invalid, onInvalid);
      yield* taken(blocks);
      if (!reader.isOpen) place.next = reader.lines + 1;
    }
    const isWhole = signal?.aborted !== true && (await isEndCertain?.(reader.isLineOpen)) !== false;
    if (isWhole) reader.end();
    else if (!isRepeatable) reader.flush(true);
    await report(invalid, onInvalid);
    yield* taken(blocks);
    place.next = isWhole || !isRepeatable ? reader.lines + 1 : null;
    place.isWhole = isWhole;
  } catch (error) {
    const fault = error instanceof InputFault ? finish(reader, error, isRepeatable) : null;
    if (fault === null && !isRepeatable) reader.flush(true);
    if (fault !== null) await report(invalid, onInvalid);
    yield* taken(blocks);
    if (fault === null) throw error;
    place.next = isRepeatable ? null : fault.next(reader.lines);
    throw fault.at({
      lines: reader.lines,
      unit: reader.unit ?? 'Lines',
      goOn: (line) => (reader.goOn === undefined ? `tail -n +${line}` : reader.goOn(line)),
      isReadAgain: isRepeatable,
    });
  } finally {
    pending?.catch(() => {});
    if (opened instanceof Readable) opened.destroy();
    else if (opened instanceof ListFile) opened.close();
    bytes?.return?.(undefined).catch(() => {});
  }
}

/** Takes what was read before a fault. Returns the fault to tell of: another one, where one comes up now. */
function finish(reader: SourceReader, fault: InputFault, isRepeatable: boolean): InputFault {
  try {
    if (fault.isEnded) reader.end();
    else if (!isRepeatable) reader.flush(true);
    return fault;
  } catch (error) {
    if (error instanceof InputFault) return error;
    throw error;
  }
}

function pemInside(content: string, line: number): string {
  return `has PEM (${content}) in line ${line}, and nothing after it was read: a list must hold only device tokens`;
}

/** The blocks, each out of the list before it is handed out: a reader that leaves keeps no other from being counted. */
function* taken<Block>(blocks: Block[]): Generator<Block> {
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) yield block;
}

/** How a sentence calls a source. */
export function nameOf(source: string | URL | ByteSource): string {
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

/** As `addAbortSignal` of node:stream, but for any number of streams with one signal. */
function destroyOnAbort(stream: Readable, signal: AbortSignal): void {
  const destroy = (): void => void stream.destroy(new DOMException('The reading was aborted.', 'AbortError'));
  if (signal.aborted) destroy();
  else stream.once('close', onAbort(signal, destroy));
}

function isPath(source: string | URL | ByteSource): source is string | URL {
  return typeof source === 'string' || source instanceof URL;
}

async function report(
  invalid: InvalidLine[],
  onInvalid: ((line: InvalidLine) => void | Promise<void>) | undefined,
): Promise<void> {
  if (onInvalid !== undefined) {
    for (const line of invalid) {
      const taken = onInvalid(line);
      if (taken !== undefined) await taken;
    }
  }
  invalid.length = 0;
}

interface PlainOptions {
  readonly signal: AbortSignal | undefined;
  readonly accepts: readonly OtherKind[];
}

/** The bytes behind `source`, unpacked if they are packed, with errors put into words. Ends quietly when aborted. */
async function* plainBytes(source: ByteSource, name: string, { signal, accepts }: PlainOptions): ByteSource {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const head = await readHead(iterator);
    const all = prepend(head, iterator);
    const packing = packingOf(head);
    const fault = (problem: string): Error =>
      new InputFault(name, packing === null ? problem : `is ${packing}, and its content ${problem}`);
    const plain = packing === null ? all : await unpacked(all, packing);
    for await (const chunk of refuseOtherFiles(plain, fault, accepts)) {
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

async function unpacked(packed: ByteSource, packing: Packing): Promise<ByteSource> {
  if (packing === 'gzip') return (await import('./gunzip.js')).gunzip(packed);
  return (await import('./unzstd.js')).unzstd(packed);
}

/** Not waited for: a read may be under way that nothing will ever answer. */
function close(source: ByteSource, iterator: AsyncIterator<unknown>): void {
  if (source instanceof Readable) source.destroy();
  else iterator.return?.().catch(() => {});
}

/** Whether a file ended sooner than its size said when it was opened. */
function cutProblem(source: ByteSource): string | null {
  if (!(source instanceof ListFile)) return null;
  const { sizeAtOpen, bytesRead } = source;
  if (bytesRead >= sizeAtOpen) return null;
  return `was cut while it was read: it had ${sizeAtOpen} bytes when it was opened, and ended after ${bytesRead}`;
}

function faultOf(name: string, error: unknown): InputFault {
  if (error instanceof InputFault) return error;
  if (!(error instanceof UnpackFault)) return new InputFault(name, readProblem(error), { cause: error });
  const [problems, proof] = unpackFaults[error.kind];
  return new InputFault(name, problems[error.packing], { cause: error, proof, isEnded: error.isEnded });
}

type Problems = Readonly<Record<Packing, string>>;

const unpackFaults: Readonly<Record<UnpackFault['kind'], readonly [Problems, Proof]>> = {
  cut: [
    {
      gzip: 'is gzip that was cut off: fetch or pack it again',
      zstd: 'is zstd that was cut off: fetch or pack it again',
    },
    'next',
  ],
  damaged: [
    { gzip: 'is damaged gzip: fetch or pack it again', zstd: 'is damaged zstd: fetch or pack it again' },
    'none',
  ],
  trailing: [
    {
      gzip: 'has other bytes behind the end of its gzip data, and they were not read: check whether a list was appended to it unpacked',
      zstd: 'has other bytes behind the end of its zstd data, and they were not read: check whether a list was appended to it unpacked',
    },
    'all',
  ],
  large: [
    {
      gzip: 'is gzip that takes too much memory to unpack',
      zstd: 'is zstd that takes more memory to unpack than is given to it: unpack it first (zstd -d --long=31)',
    },
    'next',
  ],
};

/** The first chunks together, as far as they are needed to tell what this is; empty for an empty source. */
async function readHead(iterator: AsyncIterator<Uint8Array | string>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 4) {
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
