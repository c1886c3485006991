/**
 * Makes a notification of the options of a message to FCM: the body of its requests, but for the recipient that stands in it.
 * Called by sessions, once for each message. Main thread.
 *
 *   {"message":{"token":"dYxV…:APA91b…","notification":{"title":"Hi"}}}
 *   bodyStart           recipient     payloadText
 *
 * Source: Firebase documentation, "REST Resource: projects.messages" (docs/fcm.md has the address).
 */
import { Buffer } from 'node:buffer';
import { type Clock, systemClock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import {
  maxFcmMessageBytes,
  maxFcmTopicMessageBytes,
  maxPayloadValues,
  maxRawMessageBytes,
  maxTtlSeconds,
} from '../base/limits.js';
import { checkOptions, choice, flag, type Hints, type OptionRules, unchecked } from '../base/options.js';
import { escapeUnprintable } from '../base/text.js';
import { option, quoting } from '../base/wording.js';
import type { Address } from '../push/address.js';
import { type Authentication, type CompiledMessage, otherServiceError } from '../push/compiled-message.js';
import type { HeaderField, Notification } from '../push/notification.js';
import { compactJson, keyGivenTwice, NotPlainError, plainJson } from '../push/plain-json.js';
import { secondsOf, type TimeInput } from '../push/time-option.js';
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
import { isUsualToken, readTarget, type TargetKind } from './registration-token.js';

/** The text of a notification, or keys of texts that the app has itself (Android). */
export interface FcmAlert {
  readonly title?: string;
  readonly body?: string;
  readonly titleLocKey?: string;
  readonly titleLocArgs?: readonly string[];
  readonly locKey?: string;
  readonly locArgs?: readonly string[];
}

/** Part of a message in the form of the HTTP v1 API, in its names or in camel case. Plain data only. */
type FcmBlock = Readonly<Record<string, unknown>>;

/** A message to FCM but for its recipients. A field is sent exactly when it is given (`undefined` counts as not given). */
export interface FcmMessageOptions {
  /** What the recipients are. Default: `token`, registration tokens. */
  readonly target?: TargetKind;
  /** The text of the notification, or `{ title, body }`. */
  readonly alert?: string | FcmAlert;
  readonly title?: string;
  readonly body?: string;
  /** The URL of a picture. */
  readonly image?: string;
  /** How many new things there are, 1 or more (Android, `notification_count`). */
  readonly badge?: number;
  /** The name of a sound in the app, or `default` (Android). */
  readonly sound?: string;
  /** A notification with the same tag replaces this one in the drawer (Android). */
  readonly tag?: string;
  /** The app's own keys, with text as values. */
  readonly data?: Readonly<Record<string, string>>;
  /** The app's own keys with any plain data; what is not text becomes JSON text, because `data` holds text only. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Of messages with the same id, a device that was offline gets the last one (Android, `collapse_key`). */
  readonly collapseId?: string;
  /**
   * Until when FCM keeps the message for a device that is offline (Android, `ttl`): epoch seconds (0: one attempt), a Date,
   * `{ seconds }` from now, or text such as `'1h'`. At most four weeks from now. Counted from when the message is made.
   */
  readonly expiration?: TimeInput;
  /** The same under the name that the original library has for it. */
  readonly expiry?: TimeInput;
  /** 10 or `high`: at once; 5 or `normal`: saving power; 1 is sent as 5 (Android). */
  readonly priority?: 10 | 5 | 1 | 'high' | 'normal';
  /** Further fields of `android`. */
  readonly android?: FcmBlock;
  readonly webpush?: FcmBlock;
  readonly apns?: FcmBlock;
  readonly fcmOptions?: FcmBlock;
  /** The whole message instead of all fields above: plain data, or JSON as text or UTF-8, without a recipient. */
  readonly message?: FcmBlock | string | Uint8Array;
  /** FCM checks the message, and delivers it to nobody. Default: false. */
  readonly dryRun?: boolean;
}

/** A message in the parts of which a sender puts requests together. Immutable. */
export class FcmNotification implements CompiledMessage {
  readonly service = 'fcm';
  readonly encoding = 'text';
  readonly isNamedByService = true;
  readonly isRaw = false;
  readonly isForeignId = true;
  // What stands in header fields with APNs is within the message.
  readonly expiration = null;
  readonly priority = null;
  readonly collapseId = null;
  readonly apnsId = null;
  readonly target: TargetKind;
  /** The message without a recipient: JSON text of the HTTP v1 API. Placeholders may stand in its strings. */
  readonly messageText: string;
  readonly dryRun: boolean;
  /** What follows the recipient in the body. Begins with the quote that closes the recipient. */
  readonly payloadText: string;
  #payload: Uint8Array | null = null;
  #notification: Notification | null = null;

  constructor(target: TargetKind, messageText: string, dryRun: boolean) {
    this.target = target;
    this.messageText = messageText;
    this.dryRun = dryRun;
    this.payloadText = `${behindRecipient(messageText.slice(1))}${endOf(dryRun)}`;
  }

  /** The body without a recipient: `{"message":{…}}`. */
  get json(): string {
    return bodyText(this.messageText, this.dryRun);
  }

  get sharedHeaders(): readonly HeaderField[] {
    return shared[this.target].headers;
  }

  get recipientName(): string {
    return this.target === 'fid' ? 'installation id' : this.target;
  }

  get bodyStart(): Uint8Array {
    return shared[this.target].bodyStart;
  }

  /** What follows the recipient, as UTF-8. */
  get payload(): Uint8Array {
    this.#payload ??= encoder.encode(this.payloadText);
    return this.#payload;
  }

  /** The notification as plain data, frozen. */
  get notification(): Notification {
    const { sharedHeaders: headers, bodyStart, payload } = this;
    this.#notification ??= Object.freeze({ headers, bodyStart, payload, expiration: null, priority: null });
    return this.#notification;
  }

  isPlainToken(token: string): boolean {
    return this.target === 'token' && isUsualToken(token);
  }

  // A function that needs no `this`, because senders keep it.
  get readToken(): TokenReader {
    return shared[this.target].readToken;
  }

  checkFor(_credential: Authentication, address: Address): void {
    if (address.protocol !== 'fcm') throw otherServiceError(address, 'an FcmMessage', 'a Message');
  }
}

const encoder = new TextEncoder();
/** What each body begins with. */
const start = '{"message":{';

/** What messages share whose recipients are of one kind. */
interface SharedParts {
  readonly headers: readonly HeaderField[];
  readonly bodyStart: Uint8Array;
  readonly readToken: TokenReader;
}

type TokenReader = CompiledMessage['readToken'];

function sharedParts(target: TargetKind): SharedParts {
  const headers = Object.freeze([Object.freeze(['content-type', 'application/json'] as const)]);
  const readToken = (token: unknown): Uint8Array | string => {
    const read = readTarget(token, target);
    return read instanceof Uint8Array ? read : read.why;
  };
  return { headers, bodyStart: encoder.encode(`${start}"${target}":"`), readToken };
}

const shared: Readonly<Record<TargetKind, SharedParts>> = {
  token: sharedParts('token'),
  topic: sharedParts('topic'),
  condition: sharedParts('condition'),
  fid: sharedParts('fid'),
};

/**
 * Returns what follows the recipient in a body. A body that was cut at its placeholders begins with the same octets, and its
 * first piece is taken in the same way.
 *
 * @param json a body without a recipient (`FcmNotification.json`), or its beginning
 */
export function afterRecipient(json: string): string {
  return behindRecipient(json.slice(start.length));
}

/** @param rest what follows the brace that opens the message */
function behindRecipient(rest: string): string {
  return rest.startsWith('}') ? `"${rest}` : `",${rest}`;
}

/** A body without a recipient around the JSON text of its message. */
export function bodyText(message: string, dryRun: boolean): string {
  return `{"message":${message}${endOf(dryRun)}`;
}

/** What follows the message in a body. */
function endOf(dryRun: boolean): string {
  return dryRun ? ',"validate_only":true}' : '}';
}

const contentRules: OptionRules = {
  alert: unchecked,
  title: unchecked,
  body: unchecked,
  image: unchecked,
  badge: unchecked,
  sound: unchecked,
  tag: unchecked,
  data: unchecked,
  extra: unchecked,
  collapseId: unchecked,
  expiration: unchecked,
  expiry: unchecked,
  priority: unchecked,
  android: unchecked,
  webpush: unchecked,
  apns: unchecked,
  fcmOptions: unchecked,
};
const contentNames = Object.keys(contentRules) as OptionName[];
const rules: OptionRules = {
  target: choice('token', 'topic', 'condition', 'fid'),
  ...contentRules,
  message: unchecked,
  dryRun: flag,
};

const inAndroid = (field: string): string => `write android: { notification: { ${field} } }.`;
/** What other libraries and services call things. */
const hints: Hints = {
  notification: 'write title, body and image.',
  text: 'write body.',
  subtitle: 'FCM has none; for Apple devices write apns: { payload }.',
  imageurl: 'write image.',
  ttl: 'write expiration.',
  timetolive: 'write expiration.',
  collapsekey: 'write collapseId.',
  validateonly: 'write dryRun.',
  raw: 'write message.',
  payload: 'write message for a whole message, or data for the keys of the app.',
  custom: 'the keys of the app belong into data.',
  token: 'recipients are the first argument.',
  tokens: 'recipients are the first argument.',
  topic: "recipients are the first argument, and target: 'topic' says that they are topics.",
  condition: "recipients are the first argument, and target: 'condition' says that they are conditions.",
  fid: "recipients are the first argument, and target: 'fid' says that they are installation ids.",
  headers: 'write apns: { headers } or webpush: { headers }.',
  icon: inAndroid('icon'),
  color: inAndroid('color'),
  channelid: inAndroid('channel_id'),
  clickaction: inAndroid('click_action'),
  threadid: 'for Apple devices write apns: { payload }.',
  category: 'for Apple devices write apns: { payload }.',
  contentavailable: 'for Apple devices write apns: { payload }.',
  mutablecontent: 'for Apple devices write apns: { payload }.',
};

/**
 * All options, read once and in objects of one shape: a push makes a message for itself, and a read by name from an object of
 * any shape costs more than the walk along what is given.
 */
class Given implements Record<keyof FcmMessageOptions, unknown> {
  target: unknown = undefined;
  alert: unknown = undefined;
  title: unknown = undefined;
  body: unknown = undefined;
  image: unknown = undefined;
  badge: unknown = undefined;
  sound: unknown = undefined;
  tag: unknown = undefined;
  data: unknown = undefined;
  extra: unknown = undefined;
  collapseId: unknown = undefined;
  expiration: unknown = undefined;
  expiry: unknown = undefined;
  priority: unknown = undefined;
  android: unknown = undefined;
  webpush: unknown = undefined;
  apns: unknown = undefined;
  fcmOptions: unknown = undefined;
  message: unknown = undefined;
  dryRun: unknown = undefined;
}

type OptionName = keyof FcmMessageOptions;

const optionNames = Object.keys(rules) as OptionName[];
const isOption: ReadonlySet<string> = new Set(optionNames);

/** Comes to what `checkOptions` says, which has the sentence for what is wrong. */
function givenOf(options: FcmMessageOptions): Given {
  const given = new Given();
  let isKnown = isPlain(options);
  if (isKnown) {
    for (const name in options) {
      if (isOption.has(name)) given[name as OptionName] = options[name as OptionName];
      else isKnown = false;
    }
  }
  if (isKnown && given.target === undefined && given.dryRun === undefined) return given;
  checkOptions({ name: 'The message', hints }, options, rules);
  // What an object inherits counts, too.
  for (const name of optionNames) given[name] = options[name];
  return given;
}

/** Whether it is an object without a class. */
function isPlain(value: unknown): value is object {
  if (!isJsonObject(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === Object.prototype || prototype === null;
}

/**
 * Returns the notification that `options` describe.
 *
 * @param clock for times from now. Default: the system's
 * @throws PealError ERR_PEAL_OPTION for an option that is not known; ERR_PEAL_PAYLOAD: a value of the wrong kind, data that is
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

function inSentence(error: unknown): unknown {
  if (!(error instanceof NotPlainError)) return error;
  return messageError(`The message cannot be sent: ${error.marked.replace(/([^?])$/, '$1.')}`);
}

/** A message as compact JSON text, and as what JSON.parse makes of it, by the names of the wire. */
interface ReadMessage {
  readonly text: string;
  readonly value: JsonObject;
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
 * Returns a copy of a plain object of texts, at a tenth of what plain data costs. Null for everything else: `plainJson` knows
 * what is wrong with it, if anything is.
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

/** Members that name the recipient, and one that FCM gives. */
const notInMessage = ['token', 'topic', 'condition', 'fid', 'name'];

function wholeMessage(given: Given): ReadMessage {
  const rival = contentNames.find((name) => given[name] !== undefined);
  if (rival !== undefined) {
    throw messageError(`The options ${option('message')} and ${option(rival)} are both given: leave one out.`);
  }
  const text = messageText(given.message);
  const parsed: unknown = parsedText(text);
  if (!isJsonObject(parsed)) throw messageError('The message is JSON, but not an object: write { … }.');
  const twice = keyGivenTwice(text, parsed);
  if (twice !== null) {
    const shown = quoting(`the key "${escapeUnprintable(twice, 40)}"`, 'a key');
    throw messageError(`The message has ${shown} twice in one object: leave one out.`);
  }
  if (Object.hasOwn(parsed, 'message')) {
    throw new NotPlainError('message', 'has a message within it: give what stands within, and dryRun beside it');
  }
  const target = notInMessage.find((name) => Object.hasOwn(parsed, name));
  if (target !== undefined) {
    throw new NotPlainError('message', `has ${target}: leave it out; recipients are the first argument`);
  }
  const value = readFields(parsed, messageFields, 'message');
  if (Object.keys(value).length === 0) throw messageError('The message is empty: give notification, data or android.');
  return { text, value };
}

/**
 * A whole message as compact JSON text. Numbers and order stay as they were written.
 *
 * @throws PealError ERR_PEAL_PAYLOAD for what is no JSON object
 */
export function messageText(message: unknown): string {
  const isText = typeof message === 'string' || message instanceof Uint8Array;
  if (!isText) {
    try {
      if (!isJsonObject(message)) throw new NotPlainError('message', 'must be an object, JSON text or bytes');
      return plainJson(message, 'message');
    } catch (error) {
      throw inSentence(error);
    }
  }
  if (message.length > maxRawMessageBytes) {
    throw messageError(`The message is longer than ${maxRawMessageBytes} bytes, so it is not a message.`);
  }
  const text = (typeof message === 'string' ? message : decoded(message)).replace(/^\ufeff/, '');
  if (!text.isWellFormed()) throw messageError('The message holds half of a surrogate pair: text was cut in between.');
  if (text.trim() === '') throw messageError('The message is empty: give a JSON object.');
  parsedText(text);
  return compactJson(text);
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw messageError('The message is not UTF-8.');
  }
}

function parsedText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw messageError(
      `The message is not JSON${quoting(`: ${escapeUnprintable((error as Error).message, 120)}`, '')}.`,
    );
  }
}

/** The most bytes of UTF-8 for one unit of UTF-16. */
const maxBytesPerUnit = 3;

/**
 * Refuses what FCM surely refuses: Google counts keys and values of `data` and the texts of the notification, and does not say
 * what else. A message that passes may still be too large.
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

function messageError(message: string): PealError {
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}
