/**
 * Device tokens that choose what the binary gateway does with them, by their first twelve hex digits. Pure; used by
 * that gateway, by tests and demos that make such tokens, and by the test that compares docs/simulator.md. The script
 * of HTTP/2 is in token-script.
 *
 *     feed b008 2000 …   feed, b and the status, and how long it takes
 *     │    │    └─ tenths of a second to the status (a hex digit), and three zeros
 *     │    └────── b and the status in decimal, 001 to 255; b000 and b999 for what is no status at all
 *     └─────────── marks the token as scripted
 *
 * Twelve digits, so that no list of random tokens runs into a script by chance.
 */
import { binaryReasonOf } from '../../apns/reason.js';
import { anyOf, checkOption, choice, type OptionRule, test, whole } from '../../base/options.js';
import { answerName, BINARY_STATUS, BROKEN, CLOSED } from '../settings/answers.js';
import { type ScriptRow, tokenIndex } from './token-script.js';

const mark = 'feedb';
const scriptBytes = 6;
const delayStepMs = 100;
const maxDelayMs = 15 * delayStepMs;
const resetDigits = 999;
const statusRule: OptionRule = anyOf(whole(1, 255), choice('closed', 'reset'));
const delayRule = test(`a multiple of ${delayStepMs} from 0 to ${maxDelayMs}`, (value) =>
  typeof value === 'number' && value >= 0 && value <= maxDelayMs && Number.isInteger(value / delayStepMs));
/** The statuses that Apple has named, including the one that is not a failure. */
const namedStatuses = [1, 2, 3, 4, 5, 6, 7, 8, 10, 128, 255];

/** The scripts that have a name, in the order of their prefix. Every other status is asked for in the same way. */
export const binaryScript: readonly ScriptRow[] = Object.freeze([
  { prefix: `${mark}000`, answer: CLOSED, name: answerName(CLOSED) },
  ...namedStatuses.map(statusRow),
  { prefix: `${mark}${resetDigits}`, answer: BROKEN, name: answerName(BROKEN) },
]);

/** Returns the answer (answers.ts) that a token of `length` bytes asks for, or -1 if it asks for none. */
export function binaryScriptAnswer(token: Uint8Array, length: number): number {
  if (token[0] !== 0xfe || token[1] !== 0xed || length < scriptBytes) return -1;
  if (token[2]! >>> 4 !== 0xb || (token[4]! & 0x0f) !== 0 || token[5] !== 0) return -1;
  const hundreds = token[2]! & 0x0f;
  const tens = token[3]! >>> 4;
  const ones = token[3]! & 0x0f;
  if (hundreds > 9 || tens > 9 || ones > 9) return -1;
  const digits = 100 * hundreds + 10 * tens + ones;
  if (digits === 0) return CLOSED;
  if (digits === resetDigits) return BROKEN;
  return digits <= 255 ? BINARY_STATUS + digits : -1;
}

/** Returns the delay that a token asks for, in milliseconds, or 0 if it asks for none. */
export function binaryScriptDelayMs(token: Uint8Array, length: number): number {
  return binaryScriptAnswer(token, length) < 0 ? 0 : (token[4]! >>> 4) * delayStepMs;
}

/**
 * A device token (64 hex digits) that gets `status` from the gateway of the binary protocol.
 * @param status 1 to 255; `closed`: the connection is closed without one; `reset`: it is reset.
 * @param index Makes tokens of the same status differ, 0 to 2^31 - 1.
 * @param delayMs Time to the status, a multiple of 100 up to 1,500.
 * @throws PealError `ERR_PEAL_OPTION` for what cannot be asked for
 */
export function scriptedBinaryToken(status: number | 'closed' | 'reset', index = 0, delayMs = 0): string {
  checkOption('status', status, statusRule);
  checkOption('index', index, tokenIndex);
  checkOption('delayMs', delayMs, delayRule);
  const digits = status === 'closed' ? 0 : status === 'reset' ? resetDigits : status;
  const steps = delayMs / delayStepMs;
  const head = `${mark}${String(digits).padStart(3, '0')}${steps.toString(16)}000`;
  return head + index.toString(16).padStart(64 - head.length, '0');
}

function statusRow(status: number): ScriptRow {
  const name = binaryReasonOf(status)?.reason ?? 'Shutdown';
  return { prefix: mark + String(status).padStart(3, '0'), answer: BINARY_STATUS + status, name };
}
