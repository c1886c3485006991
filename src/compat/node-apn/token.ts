/** Device tokens as @parse/node-apn cleans them. Pure; any thread. */
import { Buffer } from 'node:buffer';

/**
 * Returns the hex digits of a device token that is written with blanks, `<` and `>`, or given as bytes.
 *
 * @throws Error where no hex digit is left
 */
export function token(input: string | Buffer): string {
  const digits = (Buffer.isBuffer(input) ? input.toString('hex') : input).replace(/[^0-9a-f]/gi, '');
  if (digits.length === 0) throw new Error('Token has invalid length');
  return digits;
}
