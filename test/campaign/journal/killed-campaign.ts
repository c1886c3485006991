/** What a campaign that is killed and its judge both know. */
import { Buffer } from 'node:buffer';

export const blocks = 240;
export const blockRecipients = 256;

export function digestOf(number: number): Uint8Array {
  return Buffer.from(`block ${number}`);
}
