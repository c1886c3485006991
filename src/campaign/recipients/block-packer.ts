/**
 * Packs device tokens into blocks: one open block for each length of token, handed out when it is full. Used by
 * token-lines, whose fast path writes tokens of 32 bytes straight into the open block.
 */
import { TokenBlock } from '../../apns/token-block.js';
import { maxBatchRecipients } from '../../base/limits.js';

const TOKEN_32_BYTES = 32;

/**
 * Tokens of one length that are not handed out yet. The ArrayBuffer is allocated at full size, because it is
 * transferred.
 */
interface OpenBlock {
  bytes: Uint8Array;
  count: number;
}

export class BlockPacker {
  readonly #onBlock: (block: TokenBlock) => void;
  /** By length of token in bytes; 32 has fields of its own. */
  readonly #open = new Map<number, OpenBlock>();

  #bytes32 = allocate(TOKEN_32_BYTES);
  /** The open block for tokens of 32 bytes, and the offset of the next token. Only for the fast path. */
  view32 = new DataView(this.#bytes32.buffer);
  offset32 = 0;

  constructor(onBlock: (block: TokenBlock) => void) {
    this.#onBlock = onBlock;
  }

  /** Whether an open block has tokens. */
  get isOpen(): boolean {
    return this.offset32 > 0 || this.#open.size > 0;
  }

  /** A token of 32 bytes was written to `view32` at `offset32`. */
  added32(): void {
    this.offset32 += TOKEN_32_BYTES;
    if (this.offset32 === this.#bytes32.length) this.#flush32();
  }

  add(token: Uint8Array): void {
    if (token.length === TOKEN_32_BYTES) {
      this.#bytes32.set(token, this.offset32);
      this.added32();
      return;
    }
    let open = this.#open.get(token.length);
    if (open === undefined) {
      open = { bytes: allocate(token.length), count: 0 };
      this.#open.set(token.length, open);
    }
    open.bytes.set(token, open.count * token.length);
    open.count++;
    if (open.count === maxBatchRecipients) this.#flushOther(token.length, open);
  }

  /** Hands out every open block that has tokens. */
  flush(): void {
    if (this.offset32 > 0) this.#flush32();
    for (const [tokenBytes, open] of this.#open) this.#flushOther(tokenBytes, open);
  }

  #flush32(): void {
    const full = this.#bytes32;
    const count = this.offset32 / TOKEN_32_BYTES;
    this.#bytes32 = allocate(TOKEN_32_BYTES);
    this.view32 = new DataView(this.#bytes32.buffer);
    this.offset32 = 0;
    this.#onBlock(blockOf(full, TOKEN_32_BYTES, count));
  }

  /** Lengths other than 32 come rarely and few at a time, so their memory is released. */
  #flushOther(tokenBytes: number, open: OpenBlock): void {
    this.#open.delete(tokenBytes);
    this.#onBlock(blockOf(open.bytes, tokenBytes, open.count));
  }
}

function allocate(tokenBytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(maxBatchRecipients * tokenBytes));
}

/** A block whose bytes fill their ArrayBuffer. A block that is not full is copied to a smaller buffer. */
function blockOf(bytes: Uint8Array, tokenBytes: number, count: number): TokenBlock {
  const length = count * tokenBytes;
  return new TokenBlock(length === bytes.length ? bytes : bytes.slice(0, length), tokenBytes, count);
}
