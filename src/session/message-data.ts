/**
 * A message as plain JSON data, and the check of what is to become one again. Pure; called by session/message.
 */
import { optionError } from './options.js';
import type { RecipientData } from './recipient-data.js';

/** A message as plain JSON data. Holds device tokens whole: it is meant to be stored, not logged. */
export interface MessageData {
  readonly tokens: readonly RecipientData[];
  /** The JSON payload as text. */
  readonly payload: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly attempt: number;
  /** Sends in a row, up to now, that brought nobody on. */
  readonly fruitlessSends?: number;
  /** Until when binary gateways keep it, in epoch seconds, where the message itself does not say. */
  readonly binaryExpiration?: number;
}

const epochSecondsMax = 0xffffffff;

/** Throws PealError ERR_PEAL_OPTION that names the field: what a program stored may have been cut off or edited. */
export function checkMessageData(data: unknown): asserts data is MessageData {
  if (!isObject(data)) throw optionError('Message.fromJSON takes what toJSON gave: an object; parse JSON text first.');
  const { tokens, payload, headers, attempt, fruitlessSends = 0, binaryExpiration = 0 } = data;
  if (!Array.isArray(tokens)) throw fieldError('tokens', 'an array of recipients');
  if (typeof payload !== 'string') throw fieldError('payload', 'JSON text');
  if (!isObject(headers) || !Object.values(headers).every((value) => typeof value === 'string')) {
    throw fieldError('headers', 'an object of texts');
  }
  if (!isCount(attempt) || attempt < 1) throw fieldError('attempt', 'a whole number from 1');
  if (!isCount(fruitlessSends)) throw fieldError('fruitlessSends', 'a whole number from 0');
  if (!isCount(binaryExpiration) || binaryExpiration > epochSecondsMax) {
    throw fieldError('binaryExpiration', 'epoch seconds');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function fieldError(field: string, expected: string): Error {
  return optionError(`Message.fromJSON: the field ${field} must be ${expected}.`);
}
