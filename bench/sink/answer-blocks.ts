/**
 * Blocks of answers that are laid out once: of each answer only the stream id and the end of the apns-id are written
 * anew. One writer for a connection of the sink; a block comes back once its bytes are written.
 *
 *     00 00 2f | 01 05 | id id id id | 88 | 00 07 a p n s - i d | 24 b e n c h 0 0 0 - … 36 octets
 *     length     HEADERS  stream       200   a literal without indexing, whatever table the client has
 */
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  HEADERS,
  writeFrameHeader,
} from '../../src/codec/http2/frames.js';

const name = Buffer.from('apns-id');
const uuid = Buffer.from('5ca1ab1e-0000-4000-8000-000000000000');
const fields = Buffer.concat([Buffer.from([0x88, 0x00, name.length]), name, Buffer.from([uuid.length]), uuid]);
export const answerBytes = FRAME_HEADER_BYTES + fields.length;
/** As many as fit into four TLS records. */
const blockAnswers = Math.floor((64 * 1024) / answerBytes);
/** The last eight digits count, so that no two answers of a connection have one apns-id. */
const digitsFrom = answerBytes - 8;
const hexDigits = Buffer.from('0123456789abcdef');

export interface AnswerBlock {
  readonly bytes: Buffer;
  /** Bytes that are in use. */
  length: number;
}

export class AnswerBlocks {
  readonly #free: AnswerBlock[] = [];
  #answered = 0;

  /** A block without answers. */
  take(): AnswerBlock {
    const block = this.#free.pop() ?? layOut();
    block.length = 0;
    return block;
  }

  /** The block's bytes are written. */
  giveBack(block: AnswerBlock): void {
    this.#free.push(block);
  }

  /** Adds an answer. Returns false if the block is full after it. */
  answer(block: AnswerBlock, streamId: number): boolean {
    const { bytes, length } = block;
    bytes[length + 5] = streamId >>> 24;
    bytes[length + 6] = streamId >>> 16;
    bytes[length + 7] = streamId >>> 8;
    bytes[length + 8] = streamId;
    let rest = this.#answered++;
    for (let at = length + digitsFrom + 7; at >= length + digitsFrom; at--) {
      bytes[at] = hexDigits[rest & 0xf]!;
      rest >>>= 4;
    }
    block.length = length + answerBytes;
    return block.length + answerBytes <= bytes.length;
  }
}

function layOut(): AnswerBlock {
  const bytes = Buffer.allocUnsafeSlow(blockAnswers * answerBytes);
  for (let start = 0; start < bytes.length; start += answerBytes) {
    writeFrameHeader(bytes, start, fields.length, HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 0);
    fields.copy(bytes, start + FRAME_HEADER_BYTES);
  }
  return { bytes, length: 0 };
}
