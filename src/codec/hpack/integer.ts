/**
 * Integers with a prefix (RFC 7541 §5.1), both ways. Pure; called by encoder and decoder of this folder and by the
 * request template of codec/http2.
 *
 *     0   1   2   3   4   5   6   7
 *   +---+---+---+---+---+---+---+---+
 *   |  pattern  |  prefix, all ones |   value - (2^N - 1) follows in groups of seven bits, the lowest first
 *   +---+---+---+---+---+---+---+---+
 */
import { PealError } from '../../base/errors.js';
import { maxHpackIntegerOctets } from '../../base/limits.js';
import type { ByteWriter } from '../byte-writer.js';
import { decodingError } from './block-error.js';

/** The largest integer that is written: what `maxHpackIntegerOctets` hold behind the shortest prefix. */
export const maxInteger = 2 ** (7 * (maxHpackIntegerOctets - 1)) - 1;

/**
 * Appends `value` behind `pattern`.
 * @param pattern The high bits of the first octet, in place (0x80 for an indexed field).
 * @param prefixBits Bits of the first octet that belong to the integer, 1 to 8.
 * @param value 0 to `maxInteger`.
 * @throws PealError `ERR_PEAL_OPTION` for a value outside that range.
 */
export function writeInteger(out: ByteWriter, pattern: number, prefixBits: number, value: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= maxInteger)) {
    throw new PealError('ERR_PEAL_OPTION', `${value} cannot be written as an HPACK integer: 0 to ${maxInteger} can`, {
      origin: 'usage',
    });
  }
  const prefix = (1 << prefixBits) - 1;
  if (value < prefix) {
    out.u8(pattern | value);
    return;
  }
  out.u8(pattern | prefix);
  let rest = value - prefix;
  while (rest >= 0x80) {
    out.u8((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.u8(rest);
}

/** Reads integers; keeps where the last one ended, so that reading allocates nothing. */
export class IntegerReader {
  /** Offset behind the integer that was read last. */
  end = 0;

  /**
   * The integer whose first octet is `bytes[position]`.
   * @param prefix All ones of the prefix: 0x7f for seven bits.
   * @param limit Offset at which the block ends.
   * @throws PealError `ERR_PEAL_COMPRESSION` when the block ends within it or it has more than
   *   `maxHpackIntegerOctets`, leading zeros counted (RFC 7541 §5.1 asks for a limit on both).
   */
  read(bytes: Uint8Array, position: number, limit: number, prefix: number): number {
    if (position >= limit) throw decodingError('it ends where an integer should start');
    let value = bytes[position]! & prefix;
    let next = position + 1;
    if (value === prefix) {
      const last = position + maxHpackIntegerOctets;
      let shift = 0;
      let octet = 0x80;
      while (octet >= 0x80) {
        if (next >= limit) throw decodingError('it ends within an integer');
        if (next >= last) throw decodingError(`an integer has more than ${maxHpackIntegerOctets} octets`);
        octet = bytes[next++]!;
        value += (octet & 0x7f) << shift;
        shift += 7;
      }
    }
    this.end = next;
    return value;
  }
}
