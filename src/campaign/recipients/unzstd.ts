/**
 * Unpacks zstd (RFC 8878): with Node's own zlib where it can (from 22.15 on), else with the program `zstd`, else in
 * JavaScript, five times as slow. Used by read-source, on its thread.
 *
 * Which unpacker it is makes no difference to what is said of a file that was cut off: where frames and their blocks
 * end is read here, from their headers. Only what is wrong within a block is told by the unpacker.
 *
 *   magic (4) │ header (2 to 14) │ block: size (3), data │ … │ last block │ check sum (4, if the header says so)
 */
import { Buffer } from 'node:buffer';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import type { ByteSource } from './byte-source.js';
import { isSkippable, zstdMagic } from './packing.js';
import { UnpackFault } from './unpack-fault.js';

/** What a program said at most, in characters. */
const maxSaidCharacters = 1000;

type Unpacker = 'node' | 'program' | 'javascript';

/** A piece of a frame; `isLast`: the frame ends with it, and with a check sum if `hasSum` is true. */
interface Piece {
  readonly bytes: Buffer;
  readonly isLast: boolean;
  readonly hasSum: boolean;
}

const createZstdDecompress = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress;

/** Throws UnpackFault, once all that could be unpacked has been handed out. `unpacker`: default the best there is. */
export async function* unzstd(packed: ByteSource, unpacker?: Unpacker): ByteSource {
  const pieces = zstdPieces(packed);
  if (unpacker === 'node' || (unpacker === undefined && createZstdDecompress !== undefined)) {
    yield* unpackFrames(pieces, nodeUnpacker);
    return;
  }
  const child = unpacker === 'javascript' ? null : await startProgram();
  if (child !== null) yield* unpackByProgram(pieces, child);
  else yield* unpackFrames(pieces, await javaScriptUnpacker());
}

/** The program, once it runs; null where there is none. */
async function startProgram(): Promise<ChildProcess | null> {
  const child = spawn('zstd', ['-q', '-d', '-c'], { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
  try {
    await once(child, 'spawn');
    return child;
  } catch {
    return null;
  }
}

async function* unpackByProgram(pieces: AsyncGenerator<Piece>, child: ChildProcess): ByteSource {
  let fault: unknown = null;
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(0, maxSaidCharacters);
  });
  const closed = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const bytes = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const piece of pieces) yield piece.bytes;
    } catch (error) {
      // The program unpacks what came before.
      fault = error;
    }
  };
  // A program that has ended takes no more; what it says of it is told below.
  pipeline(Readable.from(bytes()), child.stdin!).catch(() => {});
  try {
    for await (const chunk of child.stdout!) yield chunk as Buffer;
    const code = await closed;
    if (fault !== null) throw fault;
    if (code === 0) return;
    throw new UnpackFault('zstd', /too much memory/i.test(said) ? 'large' : 'damaged', {
      cause: new Error(said.trim()),
    });
  } finally {
    child.kill('SIGKILL');
  }
}

/** Unpacks one frame: what each piece unpacks to is returned; rejects or throws where a piece is damaged. */
interface FrameUnpacker {
  push(piece: Piece): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  close(): void;
}

async function* unpackFrames(pieces: AsyncGenerator<Piece>, makeUnpacker: () => FrameUnpacker): ByteSource {
  let frame: FrameUnpacker | null = null;
  try {
    for await (const piece of pieces) {
      frame ??= makeUnpacker();
      let output: readonly Uint8Array[];
      try {
        output = await frame.push(piece);
      } catch (error) {
        throw new UnpackFault('zstd', 'damaged', { cause: error });
      }
      yield* output;
      if (!piece.isLast) continue;
      frame.close();
      frame = null;
    }
  } finally {
    frame?.close();
  }
}

function nodeUnpacker(): FrameUnpacker {
  const stream = createZstdDecompress!();
  let output: Uint8Array[] = [];
  let failure: Error | null = null;
  let wake = (): void => {};
  stream.on('data', (chunk: Uint8Array) => output.push(chunk));
  stream.on('error', (error) => {
    failure = error;
    wake();
  });
  return {
    push: async ({ bytes, isLast }) => {
      output = [];
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (isLast) stream.once('end', resolve).end(bytes);
        else stream.write(bytes, () => resolve());
      });
      if (failure !== null) throw failure;
      return output;
    },
    close: () => void stream.destroy(),
  };
}

/** fzstd does not look at check sums, so they are checked here. */
async function javaScriptUnpacker(): Promise<() => FrameUnpacker> {
  const [{ Decompress }, { default: loadHashes }] = await Promise.all([import('fzstd'), import('xxhash-wasm')]);
  const { create64 } = await loadHashes();
  return () => {
    let output: Uint8Array[] = [];
    const hash = create64();
    // The end of a sum may come in a piece of its own.
    let end: Buffer = Buffer.alloc(0);
    const stream = new Decompress((chunk) => output.push(chunk));
    return {
      push: ({ bytes, isLast, hasSum }) => {
        output = [];
        // The library keeps what it is given, and its pieces are views of memory that it writes to again.
        stream.push(new Uint8Array(bytes), isLast);
        output = output.map((chunk) => chunk.slice());
        for (const chunk of output) hash.update(chunk);
        end = Buffer.concat([end, bytes]).subarray(-4);
        if (isLast && hasSum && BigInt(end.readUInt32LE()) !== (hash.digest() & 0xffffffffn)) {
          throw new Error('the check sum is wrong');
        }
        return output;
      },
      close: () => {},
    };
  };
}

/** What comes next in the packed data. */
type Part = 'magic' | 'header' | 'block' | 'data' | 'sum' | 'skip-size' | 'skip';

/** The frames of `packed`, in pieces. Throws UnpackFault where they end too soon, or something else follows them. */
async function* zstdPieces(packed: ByteSource): AsyncGenerator<Piece> {
  let part: Part = 'magic';
  let isLastBlock = false;
  let hasSum = false;
  /** Bytes that are passed on before the next header is read. */
  let pending = 0;
  let rest: Buffer = Buffer.alloc(0);
  let hasFrame = false;
  for await (const chunk of packed) {
    const bytes = Buffer.concat([rest, asBytes(chunk)]);
    let position = 0;
    let start = 0;
    rest = Buffer.alloc(0);
    reading: for (;;) {
      const left = bytes.length - position;
      switch (part) {
        case 'magic': {
          if (left < 4) break reading;
          const magic = bytes.readUInt32LE(position);
          if (isSkippable(magic)) part = 'skip-size';
          else if (magic === zstdMagic) part = 'header';
          else throw new UnpackFault('zstd', hasFrame ? 'trailing' : 'damaged', { isEnded: true });
          hasFrame = true;
          start = position;
          break;
        }
        case 'header': {
          if (left < 5) break reading;
          const size = headerBytes(bytes[position + 4]!);
          if (left < size) break reading;
          hasSum = (bytes[position + 4]! & 4) !== 0;
          position += size;
          part = 'block';
          break;
        }
        case 'block': {
          if (left < 3) break reading;
          const header = bytes.readUIntLE(position, 3);
          isLastBlock = (header & 1) !== 0;
          const type = (header >> 1) & 3;
          position += 3;
          // A block of one byte that is repeated holds that byte alone.
          pending = type === 1 ? 1 : header >> 3;
          part = 'data';
          break;
        }
        case 'skip-size':
          if (left < 8) break reading;
          pending = bytes.readUInt32LE(position + 4);
          position += 8;
          part = 'skip';
          break;
        default: {
          const taken = Math.min(left, pending);
          position += taken;
          pending -= taken;
          if (pending > 0) break reading;
          if (part === 'skip') {
            part = 'magic';
          } else if (part === 'data' && !isLastBlock) {
            part = 'block';
          } else if (part === 'data' && hasSum) {
            part = 'sum';
            pending = 4;
          } else {
            part = 'magic';
            yield { bytes: bytes.subarray(start, position), isLast: true, hasSum };
          }
          start = part === 'magic' ? position : start;
        }
      }
    }
    if (part === 'skip') start = bytes.length;
    // Headers that are not whole are read again with what comes.
    if (start < position && part !== 'magic') yield { bytes: bytes.subarray(start, position), isLast: false, hasSum };
    rest = Buffer.from(bytes.subarray(position));
  }
  if (part === 'magic' && rest.length === 0) return;
  if (part === 'magic' && hasFrame && !isMagicStart(rest)) throw new UnpackFault('zstd', 'trailing', { isEnded: true });
  throw new UnpackFault('zstd', 'cut');
}

/** Bytes of magic and header, by the byte that describes the header. */
function headerBytes(descriptor: number): number {
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const contentFlag = descriptor >> 6;
  const content = contentFlag === 0 ? (isSingle ? 1 : 0) : 1 << contentFlag;
  return 5 + (isSingle ? 0 : 1) + dictionary + content;
}

function isMagicStart(bytes: Buffer): boolean {
  const magic = Buffer.from([0x28, 0xb5, 0x2f]);
  return bytes.equals(magic.subarray(0, bytes.length));
}

function asBytes(chunk: Uint8Array | string): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
