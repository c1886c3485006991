/**
 * Makes a notification of the options of a message to FCM. Called by sessions, once for each message. Main thread.
 *
 * Source: Firebase documentation, "REST Resource: projects.messages" (docs/fcm.md has the address).
 */
import { Buffer } from 'node:buffer';
import { type Clock, systemClock } from '../base/clock.js';
import { maxFcmMessageBytes, maxFcmTopicMessageBytes, maxPayloadValues, maxTtlSeconds } from '../base/limits.js';
import { checkOptions, type OptionRules, unchecked } from '../base/options.js';
import { option } from '../base/wording.js';
import { NotPlainError, plainJson } from '../push/plain-json.js';
import { secondsOf } from '../push/time-option.js';
import { FcmNotification } from './fcm-notification.js';
import {
  androidFields,
  apnsFields,
  fcmOptionFields,
  isJsonObject,
  type JsonObject,
  type MessageFields,
  messageFields,
  readFields,
  webpushFields,
} from './message-fields.js';
import { type FcmMessageOptions, type Given, givenOf, isPlain, type OptionName } from './message-options.js';
import type { TargetKind } from './registration-token.js';
import { inSentence, messageError, type ReadMessage, wholeMessage } from './whole-message.js';

/**
 * Returns the notification that `options` describe.
 *
 * @param clock for times from now. Default: the system's
 * @throws PealError ERR_PEAL_OPTION for an option that is not known; ERR_PEAL_PAYLOAD: a value of the wrong kind, data
 *   that is
 * not plain, a key that FCM keeps for itself, a field that is given twice, a message that is empty or too large
 */
export function compileFcm(options: FcmMessageOptions, clock: Clock = systemClock): FcmNotification {
  const given = givenOf(options);
  const target = (given.target ?? 'token') as TargetKind;
  const dryRun = (given.dryRun ?? false) as boolean;
  try {
    const { text, value } = given.message === undefined ? builtMessage(given, clock) : wholeMessage(given);
    // Most messages are so short that nobody need count.
    if (text.length * maxBytesPerUnit > maxFcmTopicMessageBytes) checkSize(value, target);
    return new FcmNotification(target, text, dryRun);
  } catch (error) {
    throw inSentence(error);
  }
}

function builtMessage(given: Given, clock: Clock): ReadMessage {
  const value: JsonObject = {};
  const notification = notificationOf(given);
  addPart(value, 'data', dataOf(given));
  addPart(value, 'notification', notification);
  const isSilent = isEmpty(value);
  addPart(value, 'android', androidOf(given, clock));
  addPart(value, 'webpush', blockOf(given, 'webpush', webpushFields));
  addPart(value, 'apns', blockOf(given, 'apns', apnsFields));
  addPart(value, 'fcm_options', blockOf(given, 'fcmOptions', fcmOptionFields));
  if (isSilent && content.every((name) => given[name] === undefined)) {
    throw messageError('The message is empty: give alert, title, body, data, android, webpush, apns or message.');
  }
  return { text: JSON.stringify(value), value };
}

function addPart(message: JsonObject, name: string, part: JsonObject | null): void {
  if (part !== null && !isEmpty(part)) message[name] = part;
}

function isEmpty(object: JsonObject): boolean {
  for (const _name in object) return false;
  return true;
}

/** Options that a message may consist of; the others say how it is delivered. */
const content: readonly OptionName[] = [
  ...([
    'alert',
    'title',
    'body',
    'image',
    'badge',
    'sound',
    'tag',
    'data',
    'extra',
    'android',
    'webpush',
    'apns',
  ] as const),
];

function textOf(value: unknown, path: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new NotPlainError(path, 'must be a string');
  if (!value.isWellFormed()) throw new NotPlainError(path, 'holds half of a surrogate pair: text was cut in between');
  return value;
}

/** Plain data of the caller as data of our own. */
function copied(value: unknown, path: string): unknown {
  return JSON.parse(plainJson(value, path));
}

function blockOf(given: Given, name: OptionName, fields: MessageFields): JsonObject | null {
  const value = given[name];
  return value === undefined ? null : readFields(copied(value, name), fields, name);
}

const alertNames = ['title', 'body', 'titleLocKey', 'titleLocArgs', 'locKey', 'locArgs'];
const alertRules: OptionRules = Object.fromEntries(alertNames.map((name) => [name, unchecked]));
const alertOwner = {
  name: 'The message',
  path: 'alert',
  hints: { subtitle: 'FCM has none; for Apple devices write apns: { payload }.', image: 'it is an option of its own.' },
};

/** Title, body and picture. */
function notificationOf({ alert, title, body, image }: Given): JsonObject {
  const [ownTitle, ownBody] = [textOf(title, 'title'), textOf(body, 'body')];
  const notification = alert === undefined ? {} : alertOf(alert);
  addText(notification, 'title', ownTitle);
  addText(notification, 'body', ownBody);
  addText(notification, 'image', textOf(image, 'image'));
  return notification;
}

function alertOf(alert: unknown): JsonObject {
  const notification: JsonObject = {};
  if (typeof alert === 'string') {
    if (alert.trim() === '') throw new NotPlainError('alert', 'is empty: say something, or leave it out');
    addText(notification, 'body', textOf(alert, 'alert'));
    return notification;
  }
  if (!isJsonObject(alert)) throw new NotPlainError('alert', 'must be a string or an object');
  checkOptions(alertOwner, alert, alertRules);
  if (Object.values(alert).every((value) => value === undefined || value === '')) {
    throw new NotPlainError('alert', 'is empty: say something, or leave it out');
  }
  addText(notification, 'title', textOf(alert.title, 'alert.title'));
  addText(notification, 'body', textOf(alert.body, 'alert.body'));
  return notification;
}

function addText(to: JsonObject, name: string, text: string | undefined): void {
  if (text === undefined) return;
  if (Object.hasOwn(to, name)) {
    throw new NotPlainError(name, `and ${option('alert')} both say it: leave one out`);
  }
  to[name] = text;
}

/** `data`, and `extra` beside it as text. */
function dataOf(given: Given): JsonObject | null {
  if (given.data === undefined && given.extra === undefined) return null;
  const data = keysOf(given.data, 'data');
  const extra = keysOf(given.extra, 'extra');
  for (const key of Object.keys(extra)) {
    if (Object.hasOwn(data, key))
      throw new NotPlainError('extra', `has a key that ${option('data')} has: leave one out`);
    const value = extra[key];
    data[key] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return messageFields.data!(data, 'data') as JsonObject;
}

/** The app's own keys, in an object of our own. */
function keysOf(value: unknown, path: string): JsonObject {
  if (value === undefined) return {};
  const keys = textsOf(value) ?? copied(value, path);
  if (!isJsonObject(keys)) throw new NotPlainError(path, 'must be an object');
  return keys;
}

/**
 * Returns a copy of a plain object of texts, at a tenth of what plain data costs. Null for everything else: `plainJson`
 * knows what is wrong with it, if anything is.
 */
function textsOf(value: unknown): JsonObject | null {
  if (!isPlain(value)) return null;
  const names = Object.keys(value);
  if (names.length >= maxPayloadValues) return null;
  const texts: JsonObject = {};
  for (const name of names) {
    // A getter has no value here.
    const text: unknown = Object.getOwnPropertyDescriptor(value, name)!.value;
    const isUsual = typeof text === 'string' && text.isWellFormed() && name.isWellFormed() && name !== '__proto__';
    if (!isUsual) return null;
    texts[name] = text;
  }
  return texts;
}

/** The block `android`, and the options that stand in it. */
function androidOf(given: Given, clock: Clock): JsonObject {
  const android = blockOf(given, 'android', androidFields) ?? {};
  const notification = (android.notification ?? {}) as JsonObject;
  addShown(notification, given);
  if (!isEmpty(notification)) android.notification = notification;
  add(android, 'android', 'collapse_key', 'collapseId', collapseKeyOf(given));
  add(android, 'android', 'ttl', 'expiration', ttlOf(given, clock));
  add(android, 'android', 'priority', 'priority', priorityOf(given));
  return android;
}

function addShown(notification: JsonObject, given: Given): void {
  const path = 'android.notification';
  const { alert, sound, tag } = given;
  add(notification, path, 'notification_count', 'badge', badgeOf(given));
  add(notification, path, 'sound', 'sound', textOf(sound, 'sound'));
  add(notification, path, 'tag', 'tag', textOf(tag, 'tag'));
  if (!isJsonObject(alert)) return;
  const { titleLocKey, titleLocArgs, locKey, locArgs } = alert;
  add(notification, path, 'title_loc_key', 'alert.titleLocKey', textOf(titleLocKey, 'alert.titleLocKey'));
  add(notification, path, 'title_loc_args', 'alert.titleLocArgs', titleLocArgs);
  add(notification, path, 'body_loc_key', 'alert.locKey', textOf(locKey, 'alert.locKey'));
  add(notification, path, 'body_loc_args', 'alert.locArgs', locArgs);
}

/** Adds a field that has an option, so that the two cannot contradict each other. `name`: of the option. */
function add(to: JsonObject, path: string, field: string, name: string, value: unknown): void {
  if (value === undefined) return;
  if (Object.hasOwn(to, field)) {
    throw new NotPlainError(name, `and ${option(`${path}.${field}`)} are both given: leave one out`);
  }
  if (Array.isArray(value) && !value.every((item) => typeof item === 'string')) {
    throw new NotPlainError(name, 'must be an array of strings');
  }
  to[field] = Array.isArray(value) ? copied(value, name) : value;
}

function badgeOf({ badge }: Given): number | undefined {
  if (badge === undefined || (Number.isSafeInteger(badge) && (badge as number) > 0)) return badge as number | undefined;
  if (badge === 0) throw new NotPlainError('badge', 'is 0, by which FCM counts up: leave it out');
  throw new NotPlainError('badge', 'must be a whole number, 1 or more');
}

function collapseKeyOf({ collapseId }: Given): string | undefined {
  const key = textOf(collapseId, 'collapseId');
  if (key === '') throw new NotPlainError('collapseId', 'is empty: name something, or leave it out');
  return key;
}

function priorityOf({ priority }: Given): string | undefined {
  if (priority === undefined) return undefined;
  if (priority === 10 || priority === 'high') return 'HIGH';
  if (priority === 5 || priority === 1 || priority === 'normal') return 'NORMAL';
  throw new NotPlainError('priority', "must be 10, 5, 1, 'high' or 'normal'");
}

function ttlOf({ expiration, expiry }: Given, clock: Clock): string | undefined {
  if (expiration !== undefined && expiry !== undefined) {
    throw new NotPlainError('expiration', `and ${option('expiry')} are two names of one thing: give one of them`);
  }
  const name = expiration === undefined ? 'expiry' : 'expiration';
  const value = expiration ?? expiry;
  if (value === undefined) return undefined;
  const at = secondsOf(value, clock);
  if (typeof at === 'string') throw new NotPlainError(name, at);
  if (at === 0) return '0s';
  const seconds = at - Math.floor(clock.wallMs() / 1000);
  if (seconds < 0) throw new NotPlainError(name, 'lies in the past: give a later time, or 0 for one attempt');
  if (seconds <= maxTtlSeconds) return `${seconds}s`;
  throw new NotPlainError(name, "is over four weeks from now, and FCM keeps no message longer: give '28d' or less");
}

/** The most bytes of UTF-8 for one unit of UTF-16. */
const maxBytesPerUnit = 3;

/**
 * Refuses what FCM surely refuses: Google counts keys and values of `data` and the texts of the notification, and does
 * not say what else. A message that passes may still be too large.
 */
function checkSize({ data, notification }: JsonObject, target: TargetKind): void {
  let bytes = 0;
  for (const [key, value] of Object.entries((data ?? {}) as Record<string, string>)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  for (const value of Object.values((notification ?? {}) as JsonObject)) {
    if (typeof value === 'string') bytes += Buffer.byteLength(value);
  }
  const allowed = target === 'topic' ? maxFcmTopicMessageBytes : maxFcmMessageBytes;
  if (bytes <= allowed) return;
  const to = target === 'topic' ? ' to a topic' : '';
  throw messageError(`The message has ${bytes} bytes of text, but FCM allows ${allowed}${to}: shorten it.`);
}
