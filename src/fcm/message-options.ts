/**
 * The options of a message to FCM: their names, what is known of other names, and how they are read. Called by
 * compile-fcm, once for each message; main thread.
 */
import { checkOptions, choice, flag, type Hints, type OptionRules, unchecked } from '../base/options.js';
import type { TimeInput } from '../push/time-option.js';
import { isJsonObject } from './message-fields.js';
import type { TargetKind } from './registration-token.js';

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

/**
 * A message to FCM but for its recipients. A field is sent exactly when it is given (`undefined` counts as not given).
 */
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
   * Until when FCM keeps the message for a device that is offline (Android, `ttl`): epoch seconds (0: one attempt), a
   * Date, `{ seconds }` from now, or text such as `'1h'`. At most four weeks from now. Counted from when the message is
   * made.
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
/** Options of which a message is made; `message` stands for all of them. */
export const contentNames = Object.keys(contentRules) as OptionName[];
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
 * All options, read once and in objects of one shape: a push makes a message for itself, and a read by name from an
 * object of any shape costs more than the walk along what is given.
 */
export class Given implements Record<keyof FcmMessageOptions, unknown> {
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

export type OptionName = keyof FcmMessageOptions;

const optionNames = Object.keys(rules) as OptionName[];
const isOption: ReadonlySet<string> = new Set(optionNames);

/** Comes to what `checkOptions` says, which has the sentence for what is wrong. */
export function givenOf(options: FcmMessageOptions): Given {
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
export function isPlain(value: unknown): value is object {
  if (!isJsonObject(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === Object.prototype || prototype === null;
}
