/**
 * Tokens and texts of single sends. Made before they are needed where that can be, because all contenders need them.
 */
import { randomBytes } from 'node:crypto';

const tokens = Array.from({ length: 16_384 }, () => randomBytes(32).toString('hex'));

/** In hexadecimal. */
export const tokenAt = (index: number): string => tokens[index % tokens.length]!;

/** Another for each index. The payload around it has 120 bytes. */
export const alertAt = (index: number): string =>
  `Your order ${String(index).padStart(12, '0')} has left our house and will be with you tomorrow, before noon. We thank you!`;
