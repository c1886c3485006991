/**
 * Registration tokens, topics and installation ids of FCM that choose their answer by how they begin. Pure; used by the
 * service, and by tests and demos that make such tokens.
 *
 *     feed-unregistered-7:APA91bAAAA…       the name of the script, a number, and anything
 */
import { nearestName } from '../../base/nearest-name.js';
import { checkOption, optionError, shownValue, whole } from '../../base/options.js';
import { ACCEPTED_ANSWER, HTTP_STATUS, NO_ANSWER, REFUSED, RESET } from '../settings/answers.js';
import { fcmAnswers } from '../settings/fcm-answers.js';

/** One script that a registration token can name. */
export interface FcmScriptRow {
  /** Stands in the token behind `feed-`. */
  readonly name: string;
  /** As answers.ts has it. */
  readonly answer: number;
  /** The name of the answer in ledgers, or in words what is done instead of one. */
  readonly says: string;
}

/** Every script. */
export const fcmScript: readonly FcmScriptRow[] = Object.freeze([
  { name: 'accepted', answer: ACCEPTED_ANSWER, says: 'accepted, whatever rejectFraction says' },
  { name: 'no-answer', answer: NO_ANSWER, says: 'no answer, ever' },
  { name: 'refused', answer: REFUSED, says: 'RST_STREAM REFUSED_STREAM, each time' },
  { name: 'reset', answer: RESET, says: 'RST_STREAM INTERNAL_ERROR' },
  { name: 'html-404', answer: HTTP_STATUS + 404, says: 'HTTP 404' },
  { name: 'html-502', answer: HTTP_STATUS + 502, says: 'HTTP 502' },
  ...fcmAnswers.map(({ code, name }) => ({ name: scriptName(name), answer: code, says: name })),
]);

const answersByName = new Map(fcmScript.map(({ name, answer }) => [name, answer]));
const namesByAnswer = new Map(fcmScript.flatMap(({ name, says }) => [[name, name] as const, [says, name] as const]));
const scripted = /^feed-([a-z0-9-]+)-\d+(?::|$)/;
/** Usual length of a registration token. */
const tokenCharacters = 142;

/** Returns what a target asks for, or -1 if it asks for nothing. */
export function scriptedFcmAnswer(target: string): number {
  if (!target.startsWith('feed-')) return -1;
  const [, name = ''] = scripted.exec(target) ?? [];
  return answersByName.get(name) ?? -1;
}

/**
 * A registration token of 142 characters that gets `reason` from the simulator's FCM service.
 * @param reason As in the ledger, such as `UNREGISTERED`, or the name of the script, such as `html-502`.
 * @param index Makes tokens of the same reason differ, 0 to 2^31 - 1.
 * @throws PealError `ERR_PEAL_OPTION` for a reason that the script does not have, or another index
 */
export function scriptedFcmToken(reason: string, index = 0): string {
  const name = namesByAnswer.get(reason);
  if (name === undefined) {
    const meant = nearestName(String(reason), [...namesByAnswer.keys()]);
    const advice = meant === null ? 'docs/simulator.md lists the reasons.' : `did you mean ${meant}?`;
    throw optionError(`No scripted registration token answers ${shownValue(reason)}: ${advice}`);
  }
  checkOption('index', index, whole(0, 2 ** 31 - 1));
  return `feed-${name}-${index}:APA91b`.padEnd(tokenCharacters, 'A');
}

/** `QUOTA_EXCEEDED (device)` as `quota-exceeded-device`. */
function scriptName(reason: string): string {
  return reason
    .toLowerCase()
    .replace(/[^a-z]+/g, '-')
    .replace(/-$/, '');
}
