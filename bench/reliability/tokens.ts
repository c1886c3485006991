/**
 * The device tokens of a case: the same in the gateway's process and the contender's, without handing them over. Pure.
 */
import { createHash } from 'node:crypto';

/** Token number `index`, 64 hex digits. */
export function tokenAt(index: number): string {
  return createHash('sha256').update(`peal reliability ${index}`).digest('hex');
}

export function tokensOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => tokenAt(index));
}
