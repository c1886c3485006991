/**
 * The fields of a message of FCM and their types, as the parser of Google's requests knows them: it refuses unknown
 * names and values of another type. Tables and pure functions, called for each body.
 *
 * Names may be written with underscores or in camel case. Source: REST reference, "projects.messages" of the FCM HTTP
 * v1 API.
 */
import type { Violation } from './error-bodies.js';

/** Finds the first fault of a value; null: none. `path` is as Google writes it. */
type FieldType = (value: unknown, path: string) => Violation | null;

type FieldTable = ReadonlyMap<string, FieldType>;

/** Names in camel case, by those with underscores: as few as there are fields. */
const camelCased = new Map<string, string>();

const messageTypes = 'type.googleapis.com/google.firebase.fcm.v1.';

function fault(path: string, type: string, value: unknown): Violation {
  const shown = typeof value === 'string' ? JSON.stringify(value) : typeof value === 'object' ? '' : String(value);
  const description = `Invalid value at '${path}' (${type})${shown === '' ? '' : `, ${shown}`}`;
  return { field: path, description, isOfParser: true, message: description };
}

const string: FieldType = (value, path) => (typeof value === 'string' ? null : fault(path, 'TYPE_STRING', value));
const bool: FieldType = (value, path) => (typeof value === 'boolean' ? null : fault(path, 'TYPE_BOOL', value));
const int32: FieldType = (value, path) => {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  const isWhole = typeof number === 'number' && Number.isInteger(number) && Math.abs(number) <= 0x7fffffff;
  return isWhole ? null : fault(path, 'TYPE_INT32', value);
};
const float: FieldType = (value, path) => (typeof value === 'number' ? null : fault(path, 'TYPE_FLOAT', value));
const duration: FieldType = (value, path) => {
  if (typeof value === 'string' && /^-?\d{1,12}(?:\.\d{1,9})?s$/.test(value)) return null;
  const description =
    `Invalid value at '${path}' (type.googleapis.com/google.protobuf.Duration), Illegal duration format; ` +
    "duration must end with 's'";
  return { field: path, description, isOfParser: true, message: description };
};
const timestamp: FieldType = (value, path) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value) && !Number.isNaN(Date.parse(value))
    ? null
    : fault(path, 'type.googleapis.com/google.protobuf.Timestamp', value);
const struct: FieldType = (value, path) =>
  isObject(value) ? null : fault(path, 'type.googleapis.com/google.protobuf.Struct', value);

/** Pairs of texts. */
const stringMap: FieldType = (value, path) => {
  if (!isObject(value)) return fault(path, 'Map', value);
  let index = 0;
  for (const name in value) {
    if (typeof value[name] !== 'string') return fault(`${path}[${index}].value`, 'TYPE_STRING', value[name]);
    index++;
  }
  return null;
};

function listOf(type: FieldType): FieldType {
  return (value, path) => {
    const items = Array.isArray(value) ? value : [value];
    for (const [index, item] of items.entries()) {
      const found = type(item, `${path}[${index}]`);
      if (found !== null) return found;
    }
    return null;
  };
}

function choiceOf(name: string, ...values: readonly string[]): FieldType {
  const allowed = new Set<unknown>(values);
  return (value, path) => {
    const isKnown = typeof value === 'string' ? allowed.has(value.toUpperCase()) : Number.isInteger(value);
    return isKnown ? null : fault(path, messageTypes + name, value);
  };
}

function object(name: string, fields: Readonly<Record<string, FieldType>>): FieldType {
  const table = tableOf(fields);
  return (value, path) => (isObject(value) ? checkFields(value, path, table) : fault(path, messageTypes + name, value));
}

/** Both forms of each name. */
function tableOf(fields: Readonly<Record<string, FieldType>>): FieldTable {
  const table = new Map<string, FieldType>();
  for (const [name, type] of Object.entries(fields)) {
    table.set(name, type);
    table.set(camelCase(name), type);
  }
  return table;
}

function checkFields(value: Readonly<Record<string, unknown>>, path: string, table: FieldTable): Violation | null {
  for (const name in value) {
    const type = table.get(name);
    if (type === undefined) {
      const where = path === '' ? '' : ` at '${path}'`;
      const description = `Invalid JSON payload received. Unknown name "${name}"${where}: Cannot find field.`;
      return { field: path, description, isOfParser: true, message: description };
    }
    const inner = value[name];
    if (inner === null) continue; // as if it were not there
    const found = type(inner, path === '' ? name : `${path}.${name}`);
    if (found !== null) return found;
  }
  return null;
}

const fcmOptions = object('FcmOptions', { analytics_label: string });

const lightSettings = object('LightSettings', {
  color: object('Color', { red: float, green: float, blue: float, alpha: float }),
  light_on_duration: duration,
  light_off_duration: duration,
});

const androidNotification = object('AndroidNotification', {
  title: string,
  body: string,
  icon: string,
  color: string,
  sound: string,
  tag: string,
  click_action: string,
  body_loc_key: string,
  body_loc_args: listOf(string),
  title_loc_key: string,
  title_loc_args: listOf(string),
  channel_id: string,
  ticker: string,
  sticky: bool,
  event_time: timestamp,
  local_only: bool,
  notification_priority: choiceOf(
    'AndroidNotification.NotificationPriority',
    ...['UNSPECIFIED', 'MIN', 'LOW', 'DEFAULT', 'HIGH', 'MAX'].map((name) => `PRIORITY_${name}`),
  ),
  default_sound: bool,
  default_vibrate_timings: bool,
  default_light_settings: bool,
  vibrate_timings: listOf(duration),
  visibility: choiceOf('AndroidNotification.Visibility', 'VISIBILITY_UNSPECIFIED', 'PRIVATE', 'PUBLIC', 'SECRET'),
  notification_count: int32,
  light_settings: lightSettings,
  image: string,
  bypass_proxy_notification: bool,
  proxy: choiceOf('AndroidNotification.Proxy', 'PROXY_UNSPECIFIED', 'ALLOW', 'DENY', 'IF_PRIORITY_LOWERED'),
});

const android = object('AndroidConfig', {
  collapse_key: string,
  priority: choiceOf('AndroidConfig.AndroidMessagePriority', 'NORMAL', 'HIGH'),
  ttl: duration,
  restricted_package_name: string,
  data: stringMap,
  notification: androidNotification,
  fcm_options: fcmOptions,
  direct_boot_ok: bool,
  bandwidth_constrained_ok: bool,
  restricted_satellite_ok: bool,
});

const webpush = object('WebpushConfig', {
  headers: stringMap,
  data: stringMap,
  notification: struct,
  fcm_options: object('WebpushFcmOptions', { link: string, analytics_label: string }),
});

const apns = object('ApnsConfig', {
  headers: stringMap,
  payload: struct,
  fcm_options: object('ApnsFcmOptions', { analytics_label: string, image: string }),
  live_activity_token: string,
});

const message = object('Message', {
  name: string,
  data: stringMap,
  notification: object('Notification', { title: string, body: string, image: string }),
  android,
  webpush,
  apns,
  fcm_options: fcmOptions,
  token: string,
  topic: string,
  condition: string,
  fid: string,
});

const request = tableOf({ validate_only: bool, message });

/** Returns the first fault that the parser finds in the body of a request, or null. */
export function parserFault(body: Readonly<Record<string, unknown>>): Violation | null {
  return checkFields(body, '', request);
}

/** The value of a field under either form of its name; undefined without one. */
export function fieldOf(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return value[name] ?? value[camelCase(name)] ?? undefined;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function camelCase(name: string): string {
  let camel = camelCased.get(name);
  if (camel === undefined) {
    camel = inCamelCase(name);
    camelCased.set(name, camel);
  }
  return camel;
}

function inCamelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
