/** Device tokens in the form in which they are moved: packed, all of one length, never as strings. */
import { Buffer } from 'node:buffer';

/**
 * A run of device tokens of one length.
 * `bytes` holds `count * tokenBytes` bytes, token after token, as binary (not hex).
 */
export class TokenBlock {
  constructor(
    readonly bytes: Uint8Array,
    /** Length of each token in bytes, 1 to 100. */
    readonly tokenBytes: number,
    readonly count: number,
  ) {}

  /** The token at `index` as lower-case hex. */
  hexAt(index: number): string {
    const start = this.bytes.byteOffset + index * this.tokenBytes;
    return Buffer.from(this.bytes.buffer, start, this.tokenBytes).toString('hex');
  }
}
