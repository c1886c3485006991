/**
 * Unpacks gzip (RFC 1952), member by member, and loses nothing of what can be unpacked: Node's own gunzip drops the
 * last lines of a list when the check sum behind them is wrong, or when other bytes follow. Here only the deflate data
 * goes to zlib; header and trailer are read here. Used by read-source, on its thread.
 */
import { Buffer } from 'node:buffer';
import { crc32, createInflateRaw } from 'node:zlib';
import { maxGzipNameBytes, readChunkBytes } from '../../base/limits.js';
import type { ByteSource } from './byte-source.js';
import { UnpackFault } from './unpack-fault.js';

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
 * What each chunk unpacks to is handed out before the next one is looked at. Zeros behind the end, which tapes add, are
 * skipped. Throws UnpackFault.
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
      throw new UnpackFault('gzip', 'damaged', { isEnded: true });
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
      if (chunk === null) throw new UnpackFault('gzip', 'cut');
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
  // 8: deflate, the only method there is.
  if (head[2] !== 8 || (flags & reserved) !== 0) throw new UnpackFault('gzip', 'damaged');
  if ((flags & FEXTRA) !== 0) await input.take((await input.take(2)).readUInt16LE());
  if ((flags & FNAME) !== 0) await skipText(input);
  if ((flags & FCOMMENT) !== 0) await skipText(input);
  if ((flags & FHCRC) !== 0) await input.take(2);
}

async function skipText(input: Input): Promise<void> {
  for (let length = 0; length < maxGzipNameBytes; length++) if ((await input.take(1))[0] === 0) return;
  throw new UnpackFault('gzip', 'damaged');
}

/** Returns whether another member follows. */
async function hasMember(input: Input): Promise<boolean> {
  for (;;) {
    const chunk = await input.chunk();
    if (chunk === null) return false;
    const start = chunk.findIndex((byte) => byte !== 0);
    if (start === -1) continue;
    input.giveBack(chunk.subarray(start));
    if (chunk[start] !== 0x1f) throw new UnpackFault('gzip', 'trailing', { isEnded: true });
    const magic = await input.take(2);
    input.giveBack(magic);
    if (magic[1] !== 0x8b) throw new UnpackFault('gzip', 'trailing', { isEnded: true });
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
        throw new UnpackFault('gzip', code === 'Z_BUF_ERROR' ? 'cut' : 'damaged', { cause: failure });
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
