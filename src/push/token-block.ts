/** Device tokens in the form in which they are moved: packed, all of one length, never as strings. */
import { Buffer } from 'node:buffer';

/** How device tokens are written as text: APNs' are bytes that are written as hex digits, FCM's are text themselves. */
export type TokenEncoding = 'hex' | 'text';

/**
 * A run of device tokens of one length.
 * `bytes` holds `count * tokenBytes` bytes, token after token, as binary (not hex).
 */
export class TokenBlock {
  constructor(
    readonly bytes: Uint8Array,
    /** Length of each token in bytes, 1 to 100; of text up to 1,024. */
    readonly tokenBytes: number,
    readonly count: number,
    readonly encoding: TokenEncoding = 'hex',
  ) {}

  /** The token at `index` as text: lower-case hex, or what it is. */
  textAt(index: number): string {
    const start = this.bytes.byteOffset + index * this.tokenBytes;
    return tokenText(new Uint8Array(this.bytes.buffer, start, this.tokenBytes), this.encoding);
  }
}

/** One token as text. */
export function tokenText({ buffer, byteOffset, byteLength }: Uint8Array, encoding: TokenEncoding): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString(encoding === 'hex' ? 'hex' : 'latin1');
}
