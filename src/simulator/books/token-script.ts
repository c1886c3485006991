/**
 * Device tokens that choose their answer by their first eight hex digits. Pure; used by the gateway of HTTP/2
 * (binary-script has the other), by tests and demos that make such tokens, and by the test that compares
 * docs/simulator.md.
 *
 *     feed 410 0 …      feed, the status, and which of the reasons with that status (a hex digit)
 *     │    │   └─ 0: Unregistered, 1: ExpiredToken
 *     │    └───── HTTP status; 000 for anything but an answer
 *     └────────── marks the token as scripted
 *
 * Eight digits, because a list of random tokens must not run into a script by chance: about one token in 120 million
 * does.
 */

import { reasons } from '../../apns/reason.js';
import { nearestName } from '../../base/nearest-name.js';
import { checkOption, type OptionRule, optionError, shownValue, whole } from '../../base/options.js';
import { ACCEPTED_ANSWER, NO_ANSWER, REFUSED, RESET } from '../settings/answers.js';

/** One script that a device token can name. */
export interface ScriptRow {
  /** The first eight hex digits of the token. */
  readonly prefix: string;
  /** The action of the simulator: `ACCEPTED_ANSWER`, a reason code, `NO_ANSWER`, `REFUSED` or `RESET` (answers.ts). */
  readonly answer: number;
  /** Apple's reason, or in words what is done instead of an answer. */
  readonly name: string;
}

const mark = 'feed';

/** Every script, in the order of its prefix. */
export const tokenScript: readonly ScriptRow[] = Object.freeze([
  { prefix: `${mark}0000`, answer: NO_ANSWER, name: 'no answer, ever' },
  { prefix: `${mark}0001`, answer: REFUSED, name: 'RST_STREAM REFUSED_STREAM, each time' },
  { prefix: `${mark}0002`, answer: RESET, name: 'RST_STREAM INTERNAL_ERROR' },
  { prefix: `${mark}2000`, answer: ACCEPTED_ANSWER, name: 'accepted, whatever rejectFraction says' },
  ...reasonRows(),
]);

/** What tells tokens of one script apart. */
export const tokenIndex: OptionRule = whole(0, 2 ** 31 - 1);

/** What `scriptedToken` can be asked for. */
const prefixes: ReadonlyMap<string, string> = new Map([
  ['accepted', `${mark}2000`],
  ...tokenScript.map(({ name, prefix }) => [name, prefix] as const),
]);

const answersByDigits = new Map(tokenScript.map((row) => [Number.parseInt(row.prefix.slice(4), 16), row.answer]));

/** Returns what a token of `length` bytes asks for, or -1 if it asks for nothing. */
export function scriptedAnswer(token: Uint8Array, length: number): number {
  if (token[0] !== 0xfe || token[1] !== 0xed || length < 4) return -1;
  return answersByDigits.get((token[2]! << 8) | token[3]!) ?? -1;
}

/**
 * A device token (64 hex digits) that gets `reason` from the simulator.
 * @param reason Apple's reason, or `accepted`.
 * @param index Makes tokens of the same reason differ, 0 to 2^31 - 1.
 * @throws PealError `ERR_PEAL_OPTION` for a reason that the script does not have, or another index
 */
export function scriptedToken(reason: string, index = 0): string {
  const prefix = prefixes.get(reason);
  if (prefix === undefined) {
    const meant = nearestName(String(reason), [...prefixes.keys()]);
    const advice = meant === null ? 'docs/simulator.md lists the reasons.' : `did you mean ${meant}?`;
    throw optionError(`No scripted token answers ${shownValue(reason)}: ${advice}`);
  }
  checkOption('index', index, tokenIndex);
  return prefix + index.toString(16).padStart(56, '0');
}

/** Ordered by status, then by code. Codes are never reused, so a new reason comes last and moves no other. */
function reasonRows(): ScriptRow[] {
  const nextOfStatus = new Map<number, number>();
  const ordered = [...reasons].sort((a, b) => a.status - b.status || a.code - b.code);
  return ordered.map((row) => {
    const digit = nextOfStatus.get(row.status) ?? 0;
    nextOfStatus.set(row.status, digit + 1);
    return { prefix: `${mark}${row.status}${digit.toString(16)}`, answer: row.code, name: row.reason };
  });
}
