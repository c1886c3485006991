/**
 * Packs device tokens into blocks: one open block for each length of token, handed out when it is full. Used by
 * token-lines, whose fast path writes tokens of 32 bytes straight into the open block.
 */
import { maxBatchRecipients, maxOpenBlocks } from '../../base/limits.js';
import { TokenBlock, type TokenEncoding } from '../../push/token-block.js';

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

  readonly #encoding: TokenEncoding;
  /** The block of the last token of another length than 32, and that length. */
  #latest: OpenBlock | null = null;
  #latestBytes = 0;

  #bytes32 = allocate(TOKEN_32_BYTES);
  /** The open block for tokens of 32 bytes, and the offset of the next token. Only for the fast path. */
  view32 = new DataView(this.#bytes32.buffer);
  offset32 = 0;

  constructor(onBlock: (block: TokenBlock) => void, encoding: TokenEncoding = 'hex') {
    this.#onBlock = onBlock;
    this.#encoding = encoding;
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
    this.addPart(token, 0, token.length);
  }

  /** Adds the token of `length` bytes at `from` of `bytes`. */
  addPart(bytes: Uint8Array, from: number, length: number): void {
    if (length === TOKEN_32_BYTES) {
      this.#bytes32.set(bytes.subarray(from, from + length), this.offset32);
      this.added32();
      return;
    }
    let open = this.#latest;
    if (open === null || this.#latestBytes !== length) {
      open = this.#open.get(length) ?? this.#begin(length);
      this.#latest = open;
      this.#latestBytes = length;
    }
    const to = open.count * length;
    for (let at = 0; at < length; at++) open.bytes[to + at] = bytes[from + at]!;
    open.count++;
    if (open.count === maxBatchRecipients) this.#flushOther(length, open);
  }

  /** Opens a block. So that memory stays bounded, the one that was opened first makes room. */
  #begin(tokenBytes: number): OpenBlock {
    if (this.#open.size === maxOpenBlocks) {
      const [oldest, block] = this.#open.entries().next().value!;
      this.#flushOther(oldest, block);
    }
    const open = { bytes: allocate(tokenBytes), count: 0 };
    this.#open.set(tokenBytes, open);
    return open;
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
    this.#onBlock(blockOf(full, TOKEN_32_BYTES, count, this.#encoding));
  }

  /** The memory of other lengths than 32 is released: for APNs they come rarely, and FCM's are many. */
  #flushOther(tokenBytes: number, open: OpenBlock): void {
    this.#open.delete(tokenBytes);
    if (this.#latest === open) this.#latest = null;
    this.#onBlock(blockOf(open.bytes, tokenBytes, open.count, this.#encoding));
  }
}

function allocate(tokenBytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(maxBatchRecipients * tokenBytes));
}

/** A block whose bytes fill their ArrayBuffer. A block that is not full is copied to a smaller buffer. */
function blockOf(bytes: Uint8Array, tokenBytes: number, count: number, encoding: TokenEncoding): TokenBlock {
  const length = count * tokenBytes;
  return new TokenBlock(length === bytes.length ? bytes : bytes.slice(0, length), tokenBytes, count, encoding);
}
