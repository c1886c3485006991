/**
 * The fields of a message of FCM's HTTP v1 API: their names on the wire, and of what kind their values are. FCM takes
 * each name also in camel case. Fields that are not listed pass unchanged, because Google may have added them, unless
 * they are spelt nearly like a listed one. Pure; called by fcm/compile-fcm and fcm/whole-message.
 *
 * Source: Firebase documentation, "REST Resource: projects.messages" (docs/fcm.md has the address).
 */
import { nearestName } from '../base/nearest-name.js';
import { escapeUnprintable } from '../base/text.js';
import { NotPlainError } from '../push/plain-json.js';

/** Plain data: what JSON.parse makes of an object. */
export type JsonObject = Record<string, unknown>;

/** Checks a value of plain data, and returns it in the form in which it is sent. `path` names it in an error. */
type ValueKind = (value: unknown, path: string) => unknown;

/** Kinds by the names on the wire. */
export type MessageFields = Readonly<Record<string, ValueKind>>;

const text: ValueKind = (value, path) => {
  if (typeof value !== 'string') throw new NotPlainError(path, 'must be a string');
  return value;
};

const flag: ValueKind = (value, path) => {
  if (typeof value !== 'boolean') throw new NotPlainError(path, 'must be true or false');
  return value;
};

const count: ValueKind = (value, path) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new NotPlainError(path, 'must be a whole number, 0 or more');
  }
  return value;
};

const texts: ValueKind = (value, path) => {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw new NotPlainError(path, 'must be an array of strings');
  }
  return value;
};

const struct: ValueKind = (value, path) => {
  if (!isJsonObject(value)) throw new NotPlainError(path, 'must be an object');
  return value;
};

const textMap: ValueKind = (value, path) => {
  if (!isJsonObject(value)) throw new NotPlainError(path, 'must be an object');
  for (const key of Object.keys(value)) {
    if (typeof value[key] !== 'string') {
      throw new NotPlainError(memberPath(path, key), 'must be a string: FCM takes no other values here');
    }
  }
  return value;
};

/** Keys that FCM keeps for itself. */
const reservedKey = /^(?:from|message_type|gcm|google\..*|gcm\.notification\..*)$/s;

const dataMap: ValueKind = (value, path) => {
  textMap(value, path);
  for (const key of Object.keys(value as object)) {
    if (!reservedKey.test(key)) continue;
    throw new NotPlainError(
      path,
      `has the key "${escapeUnprintable(key, 40)}", which FCM keeps for itself: give it another name`,
    );
  }
  return value;
};

const duration: ValueKind = (value, path) => {
  if (typeof value === 'string' && /^\d{1,12}(?:\.\d{1,9})?s$/.test(value)) return value;
  throw new NotPlainError(path, "must be seconds as text that ends in s, such as '3600s'");
};

const color: ValueKind = (value, path) => {
  if (typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value)) return value;
  throw new NotPlainError(path, "must be a colour such as '#ff8800'");
};

const deliveryPriority: ValueKind = (value, path) => {
  if (typeof value === 'string' && /^(?:normal|high)$/i.test(value)) return value;
  throw new NotPlainError(path, "must be 'normal' or 'high'");
};

function fieldsOf(fields: MessageFields): ValueKind {
  return (value, path) => readFields(value, fields, path);
}

const labelOnly: MessageFields = { analytics_label: text };

const androidNotificationFields: MessageFields = {
  title: text,
  body: text,
  icon: text,
  color,
  sound: text,
  tag: text,
  click_action: text,
  body_loc_key: text,
  body_loc_args: texts,
  title_loc_key: text,
  title_loc_args: texts,
  channel_id: text,
  ticker: text,
  sticky: flag,
  event_time: text,
  local_only: flag,
  notification_priority: text,
  default_sound: flag,
  default_vibrate_timings: flag,
  default_light_settings: flag,
  vibrate_timings: texts,
  visibility: text,
  notification_count: count,
  light_settings: fieldsOf({ color: struct, light_on_duration: duration, light_off_duration: duration }),
  image: text,
  bypass_proxy_notification: flag,
  proxy: text,
};

export const androidFields: MessageFields = {
  collapse_key: text,
  priority: deliveryPriority,
  ttl: duration,
  restricted_package_name: text,
  data: dataMap,
  notification: fieldsOf(androidNotificationFields),
  fcm_options: fieldsOf(labelOnly),
  direct_boot_ok: flag,
  bandwidth_constrained_ok: flag,
  restricted_satellite_ok: flag,
};

export const webpushFields: MessageFields = {
  headers: textMap,
  data: textMap,
  notification: struct,
  fcm_options: fieldsOf({ link: text, analytics_label: text }),
};

export const apnsFields: MessageFields = {
  headers: textMap,
  payload: struct,
  fcm_options: fieldsOf({ analytics_label: text, image: text }),
  live_activity_token: text,
};

export const fcmOptionFields: MessageFields = labelOnly;

/** A whole message but for its recipient. */
export const messageFields: MessageFields = {
  data: dataMap,
  notification: fieldsOf({ title: text, body: text, image: text }),
  android: fieldsOf(androidFields),
  webpush: fieldsOf(webpushFields),
  apns: fieldsOf(apnsFields),
  fcm_options: fieldsOf(fcmOptionFields),
};

/**
 * Checks an object of plain data, and returns a copy with the names of the wire.
 *
 * @throws NotPlainError "android.ttl must be …"
 */
export function readFields(value: unknown, fields: MessageFields, path: string): JsonObject {
  if (!isJsonObject(value)) throw new NotPlainError(path, 'must be an object');
  const read: JsonObject = {};
  for (const key of Object.keys(value)) {
    const name = Object.hasOwn(fields, key) ? key : wireName(key, fields, path);
    if (Object.hasOwn(read, name)) throw new NotPlainError(path, `has ${name} twice, in two spellings: leave one out`);
    const given = value[key];
    // JSON's null is a field that is not given (protobuf's JSON mapping).
    read[name] = given === null || !Object.hasOwn(fields, name) ? given : fields[name]!(given, `${path}.${name}`);
  }
  return read;
}

function wireName(key: string, fields: MessageFields, path: string): string {
  const snake = key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
  if (Object.hasOwn(fields, snake)) return snake;
  const meant = nearestName(key, Object.keys(fields), 1);
  if (meant === null) return key;
  throw new NotPlainError(path, `has the key "${escapeUnprintable(key, 40)}": write ${meant}`);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function memberPath(path: string, name: string): string {
  return /^[\w$-]{1,40}$/.test(name) ? `${path}.${name}` : `${path}[…]`;
}
