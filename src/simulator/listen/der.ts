/** The few parts of DER (X.690) that a certificate needs. Pure. */
import { Buffer } from 'node:buffer';

export const SET = 0x31;

/** Tag, length, contents. */
export function der(tag: number, ...parts: readonly (Uint8Array | readonly number[])[]): Buffer {
  const contents = Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array)));
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(contents.length)]), contents]);
}

/** An object identifier, as `2.5.29.17`. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(0x06, [40 * first + second, ...rest.flatMap(base128)]);
}

export function utf8String(text: string): Buffer {
  return der(0x0c, Buffer.from(text, 'utf8'));
}

/** An unsigned integer from its octets, the highest first, in the fewest octets (X.690 §8.3.2); its sign takes one. */
export function unsignedInteger(octets: Uint8Array): Buffer {
  const first = octets.findIndex((octet) => octet !== 0);
  const digits = first === -1 ? Uint8Array.of(0) : octets.subarray(first);
  return der(0x02, digits[0]! >= 0x80 ? [0] : [], digits);
}

export function bitString(octets: Uint8Array, unusedBits = 0): Buffer {
  return der(0x03, [unusedBits], octets);
}

export function octetString(octets: Uint8Array): Buffer {
  return der(0x04, octets);
}

/** A time of this century in the form of certificates: UTCTime to 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
export function derTime(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+/, '').replace(/[-:T]/g, '');
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  return [0x82, length >> 8, length & 0xff];
}

function base128(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}
