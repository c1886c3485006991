/**
 * The apns-* header fields of a message, checked and in the order in which they are sent. Nothing unchecked reaches an
 * encoder: a line feed in a value would be a second field. Pure but for the clock; main thread, once for each message.
 *
 * Source: "Sending notification requests to APNs", table of header fields; RFC 9113 §8.2.
 */
import type { Clock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import { maxCollapseIdBytes, maxExtraHeaders, maxTopicCharacters } from '../base/limits.js';
import { escapeUnprintable } from '../base/text.js';
import { option, quoting, theOption } from '../base/wording.js';
import type { HeaderField } from '../push/notification.js';
import { secondsOf, type TimeInput } from '../push/time-option.js';
import { isUuid } from './apns-id.js';
import { type HeaderSet, HeaderSets, type OwnHeaders } from './header-sets.js';
import { isPushType, isTopicForm, isTopicOf, type PushType, pushTypeOfTopic, pushTypes, ruleOf } from './push-type.js';

/** Until when APNs keeps a notification for a device that is offline. */
export type Expiration = TimeInput;

export interface HeaderOptions {
  /** The bundle id, with the suffix of the push type. Required with a provider token. Letters, digits, `.` and `-`. */
  readonly topic?: string;
  /**
   * Default: the type that belongs to the end of the topic (`.voip` …) or its beginning (`com.apple.mgmt.`: `mdm`);
   * `liveactivity` with an `event`; `background` for content-available alone; otherwise `alert`.
   */
  readonly pushType?: PushType;
  /**
   * 10: at once; 5: saving power; 1: saving as much power as possible. Default: 5 for background, otherwise left to
   * APNs (10).
   */
  readonly priority?: 10 | 5 | 1;
  /**
   * Epoch seconds (0: one attempt, not kept), a Date, `{ seconds }` from now, or text: `'1h'` from now, `'0'`, ISO
   * 8601. Default: left to APNs (up to 30 days).
   */
  readonly expiration?: Expiration;
  /** The same under the original library's name. */
  readonly expiry?: Expiration;
  /** Notifications with the same id are shown as one. 1 to 64 bytes of visible ASCII. */
  readonly collapseId?: string;
  /**
   * A UUID that names the notification in answers. For messages to a single recipient, because all recipients would
   * share it.
   */
  readonly apnsId?: string;
  /** More fields by lower-case name, for fields that Apple adds later. Not for the fields above, nor for HTTP's own. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Checked header fields: those that messages share, and the message's own. */
interface CheckedHeaders extends OwnHeaders {
  readonly set: HeaderSet;
}

const fieldNamePattern = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
const maxFieldValueCharacters = 1024;
/** Visible ASCII; blanks only within the text. */
const fieldValuePattern = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Fields that belong to HTTP, to the connection or to the payload. */
const reservedNames: ReadonlySet<string> = new Set([
  ...['authorization', 'connection', 'content-length', 'content-encoding', 'cookie', 'expect', 'host', 'keep-alive'],
  ...['proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/** The option that sets a field, so that the two cannot contradict each other. */
const optionOfField: Readonly<Record<string, keyof HeaderOptions>> = {
  'apns-topic': 'topic',
  'apns-priority': 'priority',
  'apns-expiration': 'expiration',
  'apns-collapse-id': 'collapseId',
  'apns-id': 'apnsId',
};

/** What messages of this thread share. */
const sharedSets = new HeaderSets();

const noFields: readonly HeaderField[] = [];

/**
 * Checks the given options and returns the fields: in `set.with(…)` in the order topic, push type, priority,
 * expiration, collapse id, apns-id, further fields. A field is sent exactly when it is given, except for the push type
 * and the priority of background pushes.
 *
 * @param defaultPushType used if neither `pushType` nor a field of that name is given, and the topic implies none
 * @param sets what was checked before
 * @throws PealError ERR_PEAL_HEADER naming the option
 */
export function checkHeaders(
  options: HeaderOptions,
  defaultPushType: PushType,
  clock: Clock,
  sets: HeaderSets = sharedSets,
): CheckedHeaders {
  const { topic, pushType: givenType, collapseId, apnsId } = options;
  const further = checkExtra(options.headers);
  const hasOwnPushType = further.length > 0 && further.some(([name]) => name === 'apns-push-type');
  if (hasOwnPushType && givenType !== undefined) {
    throw headerError(
      `The header apns-push-type and ${option('pushType', 'the option ')} are both given: leave one out.`,
    );
  }
  const known = sets.topic(topic);
  const implied = known === undefined ? (typeof topic === 'string' ? pushTypeOfTopic(topic) : null) : known.implied;
  const chosenType = givenType === undefined ? (implied ?? defaultPushType) : givenType;
  const pushType = hasOwnPushType ? null : checkPushType(chosenType);
  const priority = checkPriority(options.priority, pushType);
  const expiration = checkExpiration(expirationOf(options), clock);
  let set = sets.find(topic, pushType, further, known);
  if (set === undefined) {
    if (topic !== undefined) checkTopic(topic, pushType);
    set = sets.add(topic, pushType, further, implied);
  }
  return {
    set,
    expiration,
    priority,
    collapseId: collapseId === undefined ? null : checkCollapseId(collapseId),
    apnsId: apnsId === undefined ? null : checkApnsId(apnsId),
  };
}

/** Returns the UUID in lower case. Throws ERR_PEAL_HEADER for anything else. */
function checkApnsId(value: unknown): string {
  if (typeof value === 'string' && isUuid(value)) return value.toLowerCase();
  throw headerError(
    `${theOption('apnsId')} is ${show(value)}, which is not a UUID: write it as 8-4-4-4-12 hex digits.`,
  );
}

function checkPushType(value: unknown): PushType {
  if (isPushType(value)) return value;
  throw headerError(
    `${theOption('pushType')} is ${show(value)}, which is not known: use one of ${pushTypes.join(', ')}.`,
  );
}

function checkTopic(value: unknown, pushType: PushType | null): void {
  if (typeof value !== 'string' || !isTopicForm(value)) {
    throw headerError(
      `${theOption('topic')} is ${show(value)}, which is not a bundle id: only letters, digits, "." and "-" may ` +
        'stand in it, and no "." at its beginning.',
    );
  }
  if (value.length > maxTopicCharacters) {
    throw headerError(`${theOption('topic')} has ${value.length} characters, more than ${maxTopicCharacters}.`);
  }
  if (pushType !== null) checkTopicOf(value, pushType);
}

/** An app whose own bundle id ends like that sets its type by `headers: { 'apns-push-type': … }`. */
function checkTopicOf(topic: string, pushType: PushType): void {
  const implied = pushTypeOfTopic(topic);
  if (implied !== null && implied !== pushType) {
    throw headerError(
      `${theOption('topic')} is ${show(topic)}, which is a topic of ${option('pushType')} ${implied}, not ` +
        `${pushType}: change one of them.`,
    );
  }
  if (isTopicOf(pushType, topic)) return;
  throw headerError(
    `${theOption('topic')} is ${show(topic)}, which does not go with ${option('pushType')} ${pushType}: it must ` +
      `be ${topicAskedFor(pushType, topic)}.`,
  );
}

/** Describes the topic that the push type needs. The UID of a certificate looks like a bundle id. */
function topicAskedFor(pushType: PushType, topic: string): string {
  const { topicStart, topicSuffix } = ruleOf(pushType);
  if (topicStart !== '') return `the topic in the push certificate (its UID), which begins with "${topicStart}"`;
  return topic === topicSuffix ? `the bundle id of the app and ${topicSuffix}` : `${topic}${topicSuffix}`;
}

function checkPriority(value: unknown, pushType: PushType | null): number | null {
  if (value === undefined) return pushType === null ? null : ruleOf(pushType).onlyPriority;
  const problem = priorityProblem(value, pushType);
  if (problem !== null) throw headerError(`${theOption('priority')} ${problem}.`);
  return value as number;
}

/** The rest of a sentence, without its full stop; null where it may be sent. */
export function priorityProblem(value: unknown, pushType: PushType | null): string | null {
  if (value !== 10 && value !== 5 && value !== 1) {
    return quoting(`is ${show(value)}, not 10, 5 or 1`, 'is not 10, 5 or 1');
  }
  const only = pushType === null ? null : ruleOf(pushType).onlyPriority;
  if (only === null || value === only) return null;
  const misfit = quoting(`is ${value}, which does not go`, 'does not go');
  return `${misfit} with ${option('pushType')} ${pushType}: it must be ${only}, or left out`;
}

function expirationOf({ expiration, expiry }: HeaderOptions): unknown {
  if (expiration !== undefined && expiry !== undefined) {
    throw headerError('The options expiration and expiry are two names of one thing: give one of them.');
  }
  return expiration === undefined ? expiry : expiration;
}

function checkExpiration(value: unknown, clock: Clock): number | null {
  if (value === undefined) return null;
  const seconds = secondsOf(value, clock);
  if (typeof seconds === 'string') throw headerError(`${theOption('expiration')} ${seconds}.`);
  return seconds;
}

function checkCollapseId(value: unknown): string {
  const problem = collapseIdProblem(value);
  if (problem !== null) throw headerError(`${theOption('collapseId')} ${problem}.`);
  return value as string;
}

/** The rest of a sentence, without its full stop; null where it may be sent. */
export function collapseIdProblem(value: unknown): string | null {
  if (typeof value !== 'string' || !fieldValuePattern.test(value)) {
    const what = quoting(`is ${show(value)}`, 'APNs does not allow');
    return `${what}: it must be 1 to ${maxCollapseIdBytes} visible ASCII characters, blanks only within`;
  }
  return value.length > maxCollapseIdBytes ? `has ${value.length} bytes, more than ${maxCollapseIdBytes}` : null;
}

/** Returns whether the text may be the value of a header field. */
export function isFieldValue(text: string): boolean {
  return text.length <= maxFieldValueCharacters && fieldValuePattern.test(text);
}

function checkExtra(headers: unknown): readonly HeaderField[] {
  if (headers === undefined) return noFields;
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw headerError(`${theOption('headers')} must be an object of names and values.`);
  }
  const entries = Object.entries(headers);
  if (entries.length > maxExtraHeaders) {
    throw headerError(`${theOption('headers')} has ${entries.length} fields, more than ${maxExtraHeaders}.`);
  }
  return entries.map(([name, value]) => checkExtraField(name, value));
}

/** Throws ERR_PEAL_HEADER for what is no name of a field, or names a field that is not a message's to set. */
export function checkFieldName(name: string): void {
  if (!fieldNamePattern.test(name)) throw headerError(`The header name ${show(name)} is not a lower-case field name.`);
  if (reservedNames.has(name)) throw headerError(`The header ${name} cannot be set: it belongs to the connection.`);
}

function checkExtraField(name: string, value: unknown): HeaderField {
  checkFieldName(name);
  const setBy = Object.hasOwn(optionOfField, name) ? optionOfField[name] : undefined;
  if (setBy !== undefined) throw headerError(`The header ${name} is set by the option ${setBy}: use that.`);
  if (typeof value !== 'string' || !isFieldValue(value)) {
    throw headerError(`The header ${name} must be 1 to 1024 visible ASCII characters, blanks only within.`);
  }
  return [name, value];
}

function show(value: unknown): string {
  if (typeof value === 'string') return `"${escapeUnprintable(value, 80)}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `(${typeName(value)})`;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return value instanceof Date ? 'Date' : typeof value;
}

function headerError(message: string): PealError {
  return new PealError('ERR_PEAL_HEADER', message, { origin: 'usage' });
}
