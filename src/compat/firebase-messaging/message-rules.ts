/**
 * What firebase-admin asks of a message, and the names that its fields have on the wire. Its texts are here to the
 * letter, because programs compare them. Called by messaging, once for each message; pure, any thread.
 */
import { invalidPayload } from './errors.js';

type Dictionary = Record<string, unknown>;

/** Checks a value that is given, and returns what is sent. `block`: where it stands. */
type Field = (value: unknown, block: Dictionary) => unknown;

/** An object within a message. */
interface Block {
  readonly label: string;
  /** In the order in which faults are told. */
  readonly fields?: Readonly<Record<string, Field>>;
  /** Fields that have to be given: they are checked also where they are not. */
  readonly isComplete?: boolean;
  /** Names on the wire, of fields that have another one there. */
  readonly wireNames?: Readonly<Record<string, string>>;
  /**
   * By which name a fault calls the block if a field has both names. Missing: the name of firebase-admin goes first.
   */
  readonly once?: string;
  readonly last?: (sent: Dictionary) => void;
}

/** What a message goes to. */
export type TargetField = 'token' | 'topic' | 'condition' | 'fid';

function isObject(value: unknown): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}

// --- fields ---

const that =
  (isValid: (value: unknown) => boolean, fault: string): Field =>
  (value) => {
    if (!isValid(value)) throw invalidPayload(fault);
    return value;
  };

const label = that((value) => typeof value === 'string', 'analyticsLabel must be a string value');

const url = (name: string): Field => that(isUrl, `${name} must be a valid URL string`);

const block =
  (one: Block): Field =>
  (value) =>
    readBlock(value, one);

const textMap =
  (name: string): Field =>
  (value) => {
    if (!isObject(value)) throw invalidPayload(`${name} must be a non-null object`);
    for (const key of Object.keys(value)) {
      if (typeof value[key] !== 'string') throw invalidPayload(`${name} must only contain string values`);
    }
    return value;
  };

/** Arguments of a text by its key need the key. */
const argumentsOf =
  (keyName: string, argsName: string, within: string): Field =>
  (value, { [keyName]: key }) => {
    if (Array.isArray(value) && value.length > 0 && !isText(key)) {
      throw invalidPayload(`${within}.${keyName} is required when specifying ${argsName}`);
    }
    return value;
  };

const milliseconds =
  (fault: string): Field =>
  (value) => {
    if (!isNumber(value) || value < 0) throw invalidPayload(fault);
    return durationText(value);
  };

/** Google's durations: `3s`, `3.500000000s`. */
function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const nanoseconds = Math.floor((ms - seconds * 1000) * 1_000_000);
  return nanoseconds > 0 ? `${seconds}.${String(nanoseconds).padStart(9, '0')}s` : `${seconds}s`;
}

const upperCase =
  (name: string, prefix = ''): Field =>
  (value) => {
    if (typeof value !== 'string') throw invalidPayload(`android.notification.${name} must be a string`);
    return prefix + value.toUpperCase();
  };

// --- Android ---

const fcmOptions: Block = { label: 'fcmOptions', fields: { analyticsLabel: label } };

const lights = 'android.notification.lightSettings';

const lightSettings: Block = {
  label: lights,
  isComplete: true,
  fields: {
    lightOnDurationMillis: milliseconds(
      `${lights}.lightOnDurationMillis must be a non-negative duration in milliseconds`,
    ),
    lightOffDurationMillis: milliseconds(
      `${lights}.lightOffDurationMillis must be a non-negative duration in milliseconds`,
    ),
    color: lightColor,
  },
  wireNames: { lightOnDurationMillis: 'light_on_duration', lightOffDurationMillis: 'light_off_duration' },
};

function lightColor(value: unknown): object {
  if (typeof value !== 'string' || !/^#(?:[0-9a-f]{6}|[0-9a-f]{8})$/i.test(value)) {
    throw invalidPayload(`${lights}.color must be in the form #RRGGBB or #RRGGBBAA format`);
  }
  const digits = value.length === 7 ? `${value}ff` : value;
  const part = (index: number): number => Number.parseInt(digits.slice(index, index + 2), 16) / 255;
  return { red: part(1), green: part(3), blue: part(5), alpha: part(7) };
}

function eventTime(value: unknown): string {
  if (!(value instanceof Date)) {
    throw invalidPayload('android.notification.eventTimestamp must be a valid `Date` object');
  }
  return value.toISOString();
}

const vibrateTiming = milliseconds(
  'android.notification.vibrateTimingsMillis must be non-negative durations in milliseconds',
);

function vibrateTimings(value: unknown, within: Dictionary): unknown {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidPayload('android.notification.vibrateTimingsMillis must be a non-empty array of numbers');
  }
  return value.map((timing: unknown) => vibrateTiming(timing, within));
}

const androidNotification: Block = {
  label: 'android.notification',
  fields: {
    color: that(
      (value) => typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value),
      'android.notification.color must be in the form #RRGGBB',
    ),
    bodyLocArgs: argumentsOf('bodyLocKey', 'bodyLocArgs', 'android.notification'),
    titleLocArgs: argumentsOf('titleLocKey', 'titleLocArgs', 'android.notification'),
    imageUrl: url('android.notification.imageUrl'),
    eventTimestamp: eventTime,
    vibrateTimingsMillis: vibrateTimings,
    priority: upperCase('priority', 'PRIORITY_'),
    proxy: upperCase('proxy'),
    visibility: upperCase('visibility'),
    lightSettings: block(lightSettings),
  },
  wireNames: {
    clickAction: 'click_action',
    bodyLocKey: 'body_loc_key',
    bodyLocArgs: 'body_loc_args',
    titleLocKey: 'title_loc_key',
    titleLocArgs: 'title_loc_args',
    channelId: 'channel_id',
    imageUrl: 'image',
    eventTimestamp: 'event_time',
    localOnly: 'local_only',
    priority: 'notification_priority',
    vibrateTimingsMillis: 'vibrate_timings',
    defaultVibrateTimings: 'default_vibrate_timings',
    defaultSound: 'default_sound',
    lightSettings: 'light_settings',
    defaultLightSettings: 'default_light_settings',
    notificationCount: 'notification_count',
  },
};

const android: Block = {
  label: 'android',
  fields: {
    ttl: milliseconds('TTL must be a non-negative duration in milliseconds'),
    data: textMap('android.data'),
    notification: block(androidNotification),
    fcmOptions: block(fcmOptions),
  },
  wireNames: {
    collapseKey: 'collapse_key',
    restrictedPackageName: 'restricted_package_name',
    directBootOk: 'direct_boot_ok',
    bandwidthConstrainedOk: 'bandwidth_constrained_ok',
    restrictedSatelliteOk: 'restricted_satellite_ok',
  },
};

// --- Apple's devices ---

const alert = 'apns.payload.aps.alert';

const alertBlock: Block = {
  label: alert,
  fields: {
    locArgs: argumentsOf('locKey', 'locArgs', alert),
    titleLocArgs: argumentsOf('titleLocKey', 'titleLocArgs', alert),
    subtitleLocArgs: argumentsOf('subtitleLocKey', 'subtitleLocArgs', alert),
  },
  wireNames: {
    locKey: 'loc-key',
    locArgs: 'loc-args',
    titleLocKey: 'title-loc-key',
    titleLocArgs: 'title-loc-args',
    subtitleLocKey: 'subtitle-loc-key',
    subtitleLocArgs: 'subtitle-loc-args',
    actionLocKey: 'action-loc-key',
    launchImage: 'launch-image',
  },
};

function alertOf(value: unknown): unknown {
  if (typeof value === 'string') return value;
  if (!isObject(value)) throw invalidPayload(`${alert} must be a string or a non-null object`);
  return readBlock(value, alertBlock);
}

const sound = 'apns.payload.aps.sound';

const soundBlock: Block = {
  label: sound,
  isComplete: true,
  fields: { name: that(isText, `${sound}.name must be a non-empty string`), volume: volumeOf },
  last: (sent) => setFlag(sent, 'critical'),
};

function volumeOf(value: unknown): unknown {
  if (value === undefined) return value;
  if (!isNumber(value)) throw invalidPayload(`${sound}.volume must be a number`);
  if (value < 0 || value > 1) throw invalidPayload(`${sound}.volume must be in the interval [0, 1]`);
  return value;
}

function soundOf(value: unknown): unknown {
  if (isText(value)) return value;
  if (!isObject(value)) throw invalidPayload(`${sound} must be a non-empty string or a non-null object`);
  return readBlock(value, soundBlock);
}

/** Apple's flags are 1 or missing. */
function setFlag(sent: Dictionary, name: string): void {
  if (sent[name] === true) sent[name] = 1;
  else if (sent[name] !== 1) delete sent[name];
}

const aps: Block = {
  label: 'apns.payload.aps',
  fields: { alert: alertOf, sound: soundOf },
  wireNames: { contentAvailable: 'content-available', mutableContent: 'mutable-content', threadId: 'thread-id' },
  once: 'Aps',
  last: (sent) => {
    setFlag(sent, 'content-available');
    setFlag(sent, 'mutable-content');
  },
};

const image = { imageUrl: 'image' } as const;

const apns: Block = {
  label: 'apns',
  fields: {
    liveActivityToken: (value) => {
      if (typeof value !== 'string') throw invalidPayload('apns.liveActivityToken must be a string value');
      if (value === '') throw invalidPayload('apns.liveActivityToken must be a non-empty string');
      return value;
    },
    headers: textMap('apns.headers'),
    payload: block({ label: 'apns.payload', fields: { aps: block(aps) } }),
    fcmOptions: block({
      label: 'fcmOptions',
      fields: { imageUrl: url('imageUrl'), analyticsLabel: label },
      wireNames: image,
      once: 'ApnsFcmOptions',
    }),
  },
  wireNames: { liveActivityToken: 'live_activity_token' },
};

// --- the message ---

const content: Block = {
  label: 'Message',
  fields: {
    data: textMap('data'),
    android: block(android),
    webpush: block({
      label: 'webpush',
      fields: { headers: textMap('webpush.headers'), data: textMap('webpush.data') },
    }),
    apns: block(apns),
    fcmOptions: block(fcmOptions),
    notification: block({
      label: 'notification',
      fields: { imageUrl: url('notification.imageUrl') },
      wireNames: image,
      once: 'Notification',
    }),
  },
};

/** Returns a copy by the names of the wire. What programs gave is not changed. */
function readBlock(value: unknown, one: Block): Dictionary {
  const { fields = {}, wireNames = {}, isComplete = false, once, last } = one;
  if (!isObject(value)) throw invalidPayload(`${one.label} must be a non-null object`);
  const sent = { ...value };
  for (const name of Object.keys(fields)) {
    if (isComplete || value[name] !== undefined) sent[name] = fields[name]!(value[name], value);
  }
  if (once !== undefined) {
    const twice = Object.keys(wireNames).find((name) => name in value && wireNames[name]! in value);
    if (twice !== undefined) throw invalidPayload(`Multiple specifications for ${twice} in ${once}`);
  }
  for (const name of Object.keys(wireNames)) {
    if (!(name in sent)) continue;
    sent[wireNames[name]!] = sent[name];
    delete sent[name];
  }
  last?.(sent);
  return sent;
}

/** Whom a message goes to. */
export interface MessageRecipient {
  readonly target: TargetField;
  readonly text: string;
}

/**
 * Whom a message goes to, checked as firebase-admin does.
 *
 * @throws FirebaseMessagingError messaging/invalid-payload
 */
export function recipientOf(message: unknown): MessageRecipient {
  if (!isObject(message)) throw invalidPayload('Message must be a non-null object');
  const { token, topic, condition, fid } = message;
  const given: Readonly<Record<TargetField, unknown>> = { token, topic: topicOf(topic), condition, fid };
  const targets = (Object.keys(given) as TargetField[]).filter((name) => isText(given[name]));
  const [target] = targets;
  if (target === undefined || targets.length > 1) {
    throw invalidPayload('Exactly one of topic, token or condition is required');
  }
  return { target, text: given[target] as string };
}

/**
 * What a message says, by the names of the wire and without its recipient, checked as firebase-admin does.
 *
 * @throws FirebaseMessagingError messaging/invalid-payload
 */
export function wireContentOf(message: object): Readonly<Dictionary> {
  const { token, topic, condition, fid, ...rest } = message as Dictionary;
  return readBlock(rest, content);
}

/** Without the prefix that topics have elsewhere. */
function topicOf(topic: unknown): unknown {
  if (!topic) return topic;
  const name = typeof topic === 'string' ? topic.replace(/^\/topics\//, '') : '';
  if (!/^[\w.~%-]+$/.test(name)) throw invalidPayload('Malformed topic name');
  return name;
}

/** Which URLs firebase-admin takes: fewer than there are, so that a program notices the same ones. */
function isUrl(value: unknown): boolean {
  if (typeof value !== 'string' || /[^a-z0-9:/?#[\]@!$&'()*+,;=.\-_~%]/i.test(value) || !URL.canParse(value))
    return false;
  const { protocol, hostname, pathname } = new URL(value);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  const isName = hostname.split('.').every((part) => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i.test(part));
  if (!isName && !/^\[[a-f0-9:.]+\]$/i.test(hostname)) return false;
  return pathname === '/' || /^(?:\/[\w\-.~!$'()*+,;=:@%]+)*\/?$/.test(pathname);
}
