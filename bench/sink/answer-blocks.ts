/**
 * Blocks of answers that are laid out once: of each answer only the stream id and eight digits of its own id are
 * written anew. One writer for a connection of the sink; a block comes back once its bytes are written.
 */
import type { AnswerForm } from './answer-forms.js';

/** Four TLS records. */
const blockBytes = 64 * 1024;
const hexDigits = Buffer.from('0123456789abcdef');

export interface AnswerBlock {
  readonly bytes: Buffer;
  /** Bytes that are in use. */
  length: number;
}

export class AnswerBlocks {
  readonly #form: AnswerForm;
  readonly #free: AnswerBlock[] = [];
  #answered = 0;

  constructor(form: AnswerForm) {
    this.#form = form;
  }

  /** A block without answers. */
  take(): AnswerBlock {
    const block = this.#free.pop() ?? layOut(this.#form);
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
    const { idsAt, digitsAt } = this.#form;
    for (let frame = 0; frame < idsAt.length; frame++) {
      const at = length + idsAt[frame]!;
      bytes[at] = streamId >>> 24;
      bytes[at + 1] = streamId >>> 16;
      bytes[at + 2] = streamId >>> 8;
      bytes[at + 3] = streamId;
    }
    let rest = this.#answered++;
    for (let at = length + digitsAt + 7; at >= length + digitsAt; at--) {
      bytes[at] = hexDigits[rest & 0xf]!;
      rest >>>= 4;
    }
    block.length = length + this.#form.bytes.length;
    return block.length < bytes.length;
  }
}

function layOut({ bytes: answer }: AnswerForm): AnswerBlock {
  const answers = Math.floor(blockBytes / answer.length);
  const bytes = Buffer.allocUnsafeSlow(answers * answer.length);
  for (let start = 0; start < bytes.length; start += answer.length) answer.copy(bytes, start);
  return { bytes, length: 0 };
}
