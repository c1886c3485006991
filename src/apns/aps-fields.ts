/**
 * The keys of the `aps` dictionary: for each option its name on the wire and its check. Pure; used by payload.
 *
 * Source: "Generating a remote notification", "Starting and updating Live Activities with ActivityKit push notifications".
 */
import { escapeUnprintable } from '../base/text.js';
import { jsonString, NotPlainError, plainJson } from './plain-json.js';

/** Checks a value that was given and writes it as JSON; `path` names it in the error. */
type Writer = (value: unknown, path: string) => string;

/** Option name, key in the payload, check. */
export type FieldTable = Readonly<Record<string, readonly [key: string, write: Writer]>>;

const text: Writer = (value, path) => {
  if (typeof value !== 'string') throw new NotPlainError(path, 'must be a string');
  return jsonString(value, path);
};

const texts: Writer = (value, path) => {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw new NotPlainError(path, 'must be an array of strings');
  }
  return plainJson(value, path);
};

const flag: Writer = (value, path) => {
  if (typeof value !== 'boolean') throw new NotPlainError(path, 'must be true or false');
  return value ? '1' : '0';
};

const count: Writer = (value, path) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new NotPlainError(path, 'must be a whole number, 0 or more');
  }
  return String(value);
};

const number: Writer = (value, path) => {
  if (typeof value !== 'number') throw new NotPlainError(path, 'must be a number');
  return plainJson(value, path);
};

/** Epoch seconds or a Date. */
const time: Writer = (value, path) => {
  const seconds = value instanceof Date ? Math.floor(value.getTime() / 1000) : value;
  if (!Number.isSafeInteger(seconds) || (seconds as number) < 0) {
    throw new NotPlainError(path, 'must be whole epoch seconds or a Date');
  }
  return String(seconds);
};

const dictionary: Writer = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NotPlainError(path, 'must be an object');
  }
  return plainJson(value, path);
};

function oneOf(...allowed: readonly string[]): Writer {
  return (value, path) => {
    if (!allowed.includes(value as string)) throw new NotPlainError(path, `must be one of ${allowed.join(', ')}`);
    return JSON.stringify(value);
  };
}

const alertFields: FieldTable = {
  title: ['title', text],
  subtitle: ['subtitle', text],
  body: ['body', text],
  launchImage: ['launch-image', text],
  titleLocKey: ['title-loc-key', text],
  titleLocArgs: ['title-loc-args', texts],
  subtitleLocKey: ['subtitle-loc-key', text],
  subtitleLocArgs: ['subtitle-loc-args', texts],
  locKey: ['loc-key', text],
  locArgs: ['loc-args', texts],
};

const soundFields: FieldTable = {
  critical: ['critical', flag],
  name: ['name', text],
  volume: [
    'volume',
    (value, path) => {
      if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
        throw new NotPlainError(path, 'must be a number from 0 to 1');
      }
      return JSON.stringify(value);
    },
  ],
};

function textOr(fields: FieldTable): Writer {
  return (value, path) => {
    if (typeof value === 'string') return text(value, path);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new NotPlainError(path, 'must be a string or an object');
    }
    return `{${writeFields(value, fields, path).join(',')}}`;
  };
}

/** The options that become `aps`, in the order in which they are written. */
export const apsFields: FieldTable = {
  alert: ['alert', textOr(alertFields)],
  badge: ['badge', count],
  sound: ['sound', textOr(soundFields)],
  threadId: ['thread-id', text],
  category: ['category', text],
  contentAvailable: ['content-available', flag],
  mutableContent: ['mutable-content', flag],
  targetContentId: ['target-content-id', text],
  interruptionLevel: ['interruption-level', oneOf('passive', 'active', 'time-sensitive', 'critical')],
  relevanceScore: ['relevance-score', number],
  filterCriteria: ['filter-criteria', text],
  timestamp: ['timestamp', time],
  event: ['event', oneOf('start', 'update', 'end')],
  contentState: ['content-state', dictionary],
  staleDate: ['stale-date', time],
  dismissalDate: ['dismissal-date', time],
  attributesType: ['attributes-type', text],
  attributes: ['attributes', dictionary],
  inputPushToken: ['input-push-token', flag],
  inputPushChannel: ['input-push-channel', text],
};

/**
 * The members of `fields` that `options` gives, as `"key":value`, in the order of the table. Without a `path` other
 * properties are somebody else's; with one they are refused, and getters are refused everywhere.
 */
export function writeFields(options: object, fields: FieldTable, path: string | null): string[] {
  if (path !== null) refuseStrangers(options, fields, path);
  const members: string[] = [];
  for (const [option, [key, write]] of Object.entries(fields)) {
    const property = Object.getOwnPropertyDescriptor(options, option);
    const name = path === null ? option : `${path}.${option}`;
    if (property?.get !== undefined) throw new NotPlainError(name, 'is a getter, not a value');
    if (property?.value !== undefined) members.push(`"${key}":${write(property.value, name)}`);
  }
  return members;
}

function refuseStrangers(options: object, fields: FieldTable, path: string): void {
  for (const option of Object.keys(options)) {
    if (Object.hasOwn(fields, option)) continue;
    const meant = Object.entries(fields).find(([, [key]]) => key === option)?.[0];
    const advice = meant === undefined ? `allowed are ${Object.keys(fields).join(', ')}` : `write ${meant}`;
    throw new NotPlainError(path, `has an unknown property "${escapeUnprintable(option, 40)}": ${advice}`);
  }
}
