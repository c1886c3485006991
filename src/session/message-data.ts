/**
 * A message as plain JSON data, and the check of what is to become one again. Pure; called by session/message.
 */
import { checkOptions, type OptionRules, optionError, test, whole } from '../base/options.js';
import type { RecipientData } from './recipient-data.js';

/** A message as plain JSON data. Holds device tokens whole: it is meant to be stored, not logged. */
export interface MessageData {
  readonly tokens: readonly RecipientData[];
  /** The JSON payload as text; empty where each recipient has its own. */
  readonly payload: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly attempt: number;
  /** Sends in a row, up to now, that brought nobody on. */
  readonly fruitlessSends?: number;
  /** Until when binary gateways keep it, in epoch seconds, where the message itself does not say. */
  readonly binaryExpiration?: number;
}

const count = whole(0, Number.MAX_SAFE_INTEGER);

const rules: OptionRules = {
  tokens: test('an array of recipients', Array.isArray),
  payload: test('JSON text', (value) => typeof value === 'string'),
  headers: test('an object of texts', (value) => isObject(value) && Object.values(value).every(isText)),
  attempt: whole(1, Number.MAX_SAFE_INTEGER),
  fruitlessSends: count,
  binaryExpiration: whole(0, 0xffffffff),
};
const required = ['tokens', 'payload', 'headers', 'attempt'];

/** Throws PealError ERR_PEAL_OPTION that names the field: what a program stored may have been cut off or edited. */
export function checkMessageData(data: unknown): asserts data is MessageData {
  if (!isObject(data)) throw optionError('Message.fromJSON takes what toJSON gave: an object; parse JSON text first.');
  const missing = required.find((field) => data[field] === undefined);
  if (missing !== undefined) throw optionError(`Message.fromJSON: the field ${missing} is missing.`);
  checkOptions({ name: 'Message.fromJSON' }, data, rules);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
