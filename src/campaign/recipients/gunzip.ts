/**
 * Unpacks gzip (RFC 1952), member by member, without losing anything that can be unpacked: Node's own gunzip drops the
 * last lines of a list if the checksum behind them is wrong, or if other bytes follow. Here only the deflate data
 * goes to zlib; header and trailer are read here. Used by token-file, on its thread.
 */
import { Buffer } from 'node:buffer';
import { crc32, createInflateRaw } from 'node:zlib';
import { maxGzipNameBytes, readChunkBytes } from '../../base/limits.js';
import type { ByteSource } from './byte-source.js';

/**
 * Size of the pieces that zlib returns. In damaged data the last, incomplete piece is lost, as with gzip. Larger pieces
 * are not faster.
 */
const outputBytes = readChunkBytes / 2;
/**
 * Packed bytes that are unpacked at a time. Their unpacked data is in memory at once: at most a thousand times as much.
 */
const inputBytes = readChunkBytes / 2;
const trailerBytes = 8;
/** Flags of the header. */
const [FHCRC, FEXTRA, FNAME, FCOMMENT, reserved] = [2, 4, 8, 16, 0xe0];

/**
 * The problem. "cut": the data ends too soon, and everything unpacked so far is right. "damaged": any of it may be
 * wrong. "trailing": something else follows, and everything unpacked is right.
 */
export class GzipFault extends Error {
  readonly kind: 'cut' | 'damaged' | 'trailing';
  /** Whether the unpacked data ends where the packed text did. If so, a last line without a line end is whole. */
  readonly isEnded: boolean;

  constructor(kind: GzipFault['kind'], { isEnded = false, cause }: { isEnded?: boolean; cause?: unknown } = {}) {
    super(`gzip: ${kind}`, { cause });
    this.kind = kind;
    this.isEnded = isEnded;
  }
}

/**
 * Hands out the unpacked data of each chunk before it reads the next one. Zeros behind the end, which tapes add, are
 * skipped. Throws GzipFault.
 */
export async function* gunzip(packed: ByteSource): ByteSource {
  const input = new Input(packed[Symbol.asyncIterator]());
  do {
    await skipHeader(input);
    let sum = 0;
    let size = 0;
    for await (const chunk of inflate(input)) {
      sum = crc32(chunk, sum);
      size = (size + chunk.length) >>> 0;
      yield chunk;
    }
    const trailer = await input.take(trailerBytes);
    if (trailer.readUInt32LE(0) !== sum || trailer.readUInt32LE(4) !== size)
      throw new GzipFault('damaged', { isEnded: true });
  } while (await hasMember(input));
}

/** Bytes that come in chunks, and are taken in pieces of the size wanted. */
class Input {
  readonly #chunks: AsyncIterator<Uint8Array | string>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterator<Uint8Array | string>) {
    this.#chunks = chunks;
  }

  /** Returns the bytes that are there, or that come next; null at the end. */
  async chunk(): Promise<Buffer | null> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#chunks.next();
      if (done === true) return null;
      this.#rest = Buffer.from(value as Uint8Array);
    }
    const chunk = this.#rest;
    this.#rest = Buffer.alloc(0);
    return chunk;
  }

  giveBack(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([bytes, this.#rest]);
  }

  /** Returns exactly `length` bytes. */
  async take(length: number): Promise<Buffer> {
    let taken: Buffer = Buffer.alloc(0);
    while (taken.length < length) {
      const chunk = await this.chunk();
      if (chunk === null) throw new GzipFault('cut');
      const missing = length - taken.length;
      taken = Buffer.concat([taken, chunk.subarray(0, missing)]);
      this.giveBack(chunk.subarray(missing));
    }
    return taken;
  }
}

async function skipHeader(input: Input): Promise<void> {
  const head = await input.take(10);
  const flags = head[3]!;
  // 8 is deflate, the only method.
  if (head[2] !== 8 || (flags & reserved) !== 0) throw new GzipFault('damaged');
  if ((flags & FEXTRA) !== 0) await input.take((await input.take(2)).readUInt16LE());
  if ((flags & FNAME) !== 0) await skipText(input);
  if ((flags & FCOMMENT) !== 0) await skipText(input);
  if ((flags & FHCRC) !== 0) await input.take(2);
}

async function skipText(input: Input): Promise<void> {
  for (let length = 0; length < maxGzipNameBytes; length++) if ((await input.take(1))[0] === 0) return;
  throw new GzipFault('damaged');
}

/** Returns whether another member follows. */
async function hasMember(input: Input): Promise<boolean> {
  for (;;) {
    const chunk = await input.chunk();
    if (chunk === null) return false;
    const start = chunk.findIndex((byte) => byte !== 0);
    if (start === -1) continue;
    input.giveBack(chunk.subarray(start));
    if (chunk[start] !== 0x1f) throw new GzipFault('trailing', { isEnded: true });
    const magic = await input.take(2);
    input.giveBack(magic);
    if (magic[1] !== 0x8b) throw new GzipFault('trailing', { isEnded: true });
    return true;
  }
}

/** The deflate data of one member. The bytes behind it stay in `input`. */
async function* inflate(input: Input): AsyncGenerator<Uint8Array> {
  const stream = createInflateRaw({ chunkSize: outputBytes });
  // A failing stream drops its unread output, so everything is taken from it as it comes.
  let output: Uint8Array[] = [];
  let failure: NodeJS.ErrnoException | null = null;
  let wake = (): void => {};
  stream.on('data', (chunk: Uint8Array) => output.push(chunk));
  stream.on('error', (error) => {
    failure = error;
    wake();
  });
  try {
    for (;;) {
      const all = await input.chunk();
      const chunk = all?.subarray(0, inputBytes) ?? null;
      const before = stream.bytesWritten;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (chunk === null) stream.once('end', wake).end();
        else stream.write(chunk, wake);
      });
      yield* output;
      output = [];
      if (failure !== null) {
        const { code } = failure as NodeJS.ErrnoException;
        throw new GzipFault(code === 'Z_BUF_ERROR' ? 'cut' : 'damaged', { cause: failure });
      }
      if (all === null || chunk === null) return;
      // zlib does not consume the bytes behind the end of its data.
      const taken = stream.bytesWritten - before;
      input.giveBack(all.subarray(taken));
      if (taken < chunk.length) return;
    }
  } finally {
    stream.destroy();
  }
}
