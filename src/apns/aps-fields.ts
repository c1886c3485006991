/**
 * The keys of the `aps` dictionary: for each option its name on the wire, how its value is checked and written, and how
 * the same key is checked within a whole payload. Pure but for the clock; used by payload.
 *
 * Sources: "Generating a remote notification"; "Starting and updating Live Activities with ActivityKit push
 * notifications"; "Updating widgets with WidgetKit push notifications"; "Configuring Safari Push Notifications".
 */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { maxVoipPayloadBytes } from '../base/limits.js';
import { isSameName, nearestName } from '../base/nearest-name.js';
import { escapeUnprintable } from '../base/text.js';
import { option, quoting } from '../base/wording.js';
import { jsonString, NotPlainError, plainJson } from '../push/plain-json.js';
import { secondsOf } from '../push/time-option.js';

/** A kind of value. `path` names the value in an error. */
interface ValueKind {
  /** Checks the value of an option and returns it as JSON. */
  readonly write: (value: unknown, path: string, clock: Clock) => string;
  /** Checks the value within a whole payload. Default: as `write` does. */
  readonly check?: (value: unknown, path: string, clock: Clock) => void;
}

/** Option name, key in the payload, kind. */
type FieldTable = Readonly<Record<string, readonly [key: string, kind: ValueKind]>>;

const text: ValueKind = {
  write: (value, path) => {
    if (typeof value !== 'string') throw new NotPlainError(path, 'must be a string');
    return jsonString(value, path);
  },
};

const texts: ValueKind = {
  write: (value, path) => {
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
      throw new NotPlainError(path, 'must be an array of strings');
    }
    return plainJson(value, path);
  },
};

/** Apple does not define `true` and `false` here: a payload with them is accepted and has no effect. */
const flag: ValueKind = {
  write: (value, path) => {
    if (typeof value !== 'boolean') throw new NotPlainError(path, 'must be true or false');
    return value ? '1' : '0';
  },
  check: (value, path) => {
    if (value !== 0 && value !== 1)
      throw new NotPlainError(
        path,
        `${quoting(`is ${shortJson(value)}`, 'is something else')}: in a payload it must be 1 or 0`,
      );
  },
};

/** A key that Apple defines as `true`. A payload may have 1 as well, which reads as the same number. */
const truth: ValueKind = {
  write: (value, path) => {
    if (typeof value !== 'boolean') throw new NotPlainError(path, 'must be true or false');
    return String(value);
  },
  check: (value, path) => {
    if (typeof value !== 'boolean' && value !== 0 && value !== 1)
      throw new NotPlainError(path, 'must be true or false');
  },
};

const count: ValueKind = {
  write: (value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < 0) {
      throw new NotPlainError(path, 'must be a whole number, 0 or more');
    }
    return String(value);
  },
};

const number: ValueKind = {
  write: (value, path) => {
    if (typeof value !== 'number') throw new NotPlainError(path, 'must be a number');
    return plainJson(value, path);
  },
};

const share: ValueKind = {
  write: (value, path) => {
    if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
      throw new NotPlainError(path, 'must be a number from 0 to 1');
    }
    return JSON.stringify(value);
  },
};

const time: ValueKind = {
  write: (value, path, clock) => String(timeOf(value, path, clock, false)),
  check: (value, path, clock) => {
    if (typeof value !== 'number') throw new NotPlainError(path, 'must be a number: whole epoch seconds');
    timeOf(value, path, clock, true);
  },
};

function timeOf(value: unknown, path: string, clock: Clock, isWire: boolean): number {
  const seconds = secondsOf(value, clock, isWire);
  if (typeof seconds === 'string') throw new NotPlainError(path, seconds);
  if (seconds === 0) throw new NotPlainError(path, 'is 0, which lies in 1970: give epoch seconds');
  return seconds;
}

const dictionary: ValueKind = {
  write: (value, path) => {
    if (!isDictionary(value)) throw new NotPlainError(path, 'must be an object');
    return plainJson(value, path);
  },
};

function oneOf(...allowed: readonly string[]): ValueKind {
  return {
    write: (value, path) => {
      if (!allowed.includes(value as string)) throw new NotPlainError(path, `must be one of ${allowed.join(', ')}`);
      return JSON.stringify(value);
    },
  };
}

/** Text, or an object of `fields`. An empty one comes from a variable that was never set. */
function textOr(fields: FieldTable): ValueKind {
  const checkKind = (value: unknown, path: string): void => {
    if (typeof value !== 'string' && !isDictionary(value))
      throw new NotPlainError(path, 'must be a string or an object');
    if (typeof value === 'string' ? isBlank(value) : Object.values(value).every(saysNothing))
      throw new NotPlainError(path, 'is empty: say something, or leave it out');
  };
  return {
    write: (value, path, clock) => {
      checkKind(value, path);
      if (typeof value === 'string') return jsonString(value, path);
      return `{${writeFields(value as object, fields, path, clock)}}`;
    },
    check: (value, path, clock) => {
      checkKind(value, path);
      if (typeof value !== 'string') checkFields(value as object, fields, path, clock);
    },
  };
}

const localizedFields: FieldTable = {
  locKey: ['loc-key', text],
  locArgs: ['loc-args', texts],
};

/** Text, or the key of a text of the app's own, as Live Activities have it. */
const textOrLocalized: ValueKind = {
  write: (value, path, clock) => {
    if (typeof value === 'string') return jsonString(value, path);
    if (!isDictionary(value)) throw new NotPlainError(path, 'must be a string, or an object with locKey');
    return `{${writeFields(value, localizedFields, path, clock)}}`;
  },
  check: (value, path, clock) => {
    if (typeof value === 'string') return;
    if (!isDictionary(value)) throw new NotPlainError(path, 'must be a string, or an object with loc-key');
    checkFields(value, localizedFields, path, clock);
  },
};

const alertFields: FieldTable = {
  title: ['title', textOrLocalized],
  subtitle: ['subtitle', text],
  body: ['body', textOrLocalized],
  launchImage: ['launch-image', text],
  titleLocKey: ['title-loc-key', text],
  titleLocArgs: ['title-loc-args', texts],
  subtitleLocKey: ['subtitle-loc-key', text],
  subtitleLocArgs: ['subtitle-loc-args', texts],
  locKey: ['loc-key', text],
  locArgs: ['loc-args', texts],
  /** Of a Live Activity: its sound stands within the alert. */
  sound: ['sound', text],
  /** Of Safari: the label of the action button. */
  action: ['action', text],
  actionLocKey: ['action-loc-key', text],
  summaryArg: ['summary-arg', text],
  summaryArgCount: ['summary-arg-count', count],
};

const soundFields: FieldTable = {
  critical: ['critical', flag],
  name: ['name', text],
  volume: ['volume', share],
};

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
  contentChanged: ['content-changed', truth],
  urlArgs: ['url-args', texts],
};

/** The option that becomes each key of `aps`. */
export const optionOfKey: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(apsFields).map(([option, [key]]) => [key, option]),
);

const knownKeys: readonly string[] = Object.keys(optionOfKey);

/** A table made ready for walks along an object. At most 31 fields. */
interface FieldIndex {
  readonly options: readonly string[];
  /** `"key":` for each field. */
  readonly prefixes: readonly string[];
  readonly kinds: readonly ValueKind[];
  /** The place of each option in the table. */
  readonly places: ReadonlyMap<string, number>;
  readonly kindsByKey: ReadonlyMap<string, ValueKind>;
}

const indexes = new WeakMap<FieldTable, FieldIndex>();

function indexOf(fields: FieldTable): FieldIndex {
  const known = indexes.get(fields);
  if (known !== undefined) return known;
  const options = Object.keys(fields);
  const rows = Object.values(fields);
  assert(options.length < 32, 'each field of a table has a bit');
  const index = {
    options,
    prefixes: rows.map(([key]) => `"${key}":`),
    kinds: rows.map(([, kind]) => kind),
    places: new Map(options.map((option, place) => [option, place])),
    kindsByKey: new Map(rows),
  };
  indexes.set(fields, index);
  return index;
}

/**
 * Returns the members of `fields` that `options` gives, as `"key":value` with commas between them, in the order of the
 * table. Without a `path` other properties are ignored; with a path they are refused. Getters are always refused.
 */
export function writeFields(options: object, fields: FieldTable, path: string | null, clock: Clock): string {
  const index = indexOf(fields);
  let given = 0;
  for (const option in options) {
    if (!Object.hasOwn(options, option)) continue;
    const place = index.places.get(option);
    if (place !== undefined) given |= 1 << place;
    else if (path !== null) refuseStranger(option, fields, path);
  }
  let members = '';
  for (; given !== 0; given &= given - 1) {
    const place = 31 - Math.clz32(given & -given);
    const option = index.options[place]!;
    const property = Object.getOwnPropertyDescriptor(options, option);
    const name = path === null ? option : `${path}.${option}`;
    if (property?.get !== undefined) throw new NotPlainError(name, 'is a getter, not a value');
    if (property?.value === undefined) continue;
    if (members !== '') members += ',';
    members += index.prefixes[place]! + index.kinds[place]!.write(property.value, name, clock);
  }
  return members;
}

/**
 * Checks the keys of `fields` within a whole payload. Other keys are accepted, because Apple may have added them,
 * unless they are spelt nearly like a known key.
 */
export function checkFields(dictionary: object, fields: FieldTable, path: string, clock: Clock): void {
  const { kindsByKey } = indexOf(fields);
  for (const key of Object.keys(dictionary)) {
    const kind = kindsByKey.get(key);
    if (kind === undefined) refuseNearMiss(key, fields, [...kindsByKey.keys()], path);
    else (kind.check ?? kind.write)((dictionary as Record<string, unknown>)[key], `${path}.${key}`, clock);
  }
}

/**
 * Returns the members of `aps` that Apple may have added since, as `"key":value` with commas between them. Keys that
 * have an option are refused, also where they are spelt nearly like it.
 */
export function writeFurtherKeys(value: unknown, path: string): string {
  if (!isDictionary(value)) throw new NotPlainError(path, 'must be an object');
  // First, because it refuses more values than any payload has.
  const json = plainJson(value, path);
  // More than any payload may have is refused by its size.
  if (json.length > maxVoipPayloadBytes) return json.slice(1, -1);
  for (const key of Object.keys(value)) {
    const meant = Object.hasOwn(apsFields, key) ? key : optionOfKey[nearestName(key, knownKeys, 1) ?? ''];
    if (meant === undefined) continue;
    throw new NotPlainError(path, `has the key "${escapeUnprintable(key, 40)}": use ${option(meant, 'the option ')}`);
  }
  return json.slice(1, -1);
}

function refuseNearMiss(key: string, fields: FieldTable, keys: readonly string[], path: string): void {
  const meant = Object.hasOwn(fields, key) ? fields[key]![0] : nearestName(key, keys, 1);
  if (meant !== null) throw new NotPlainError(path, `has the key "${escapeUnprintable(key, 40)}": write ${meant}`);
}

function refuseStranger(option: string, fields: FieldTable, path: string): never {
  const names = Object.keys(fields);
  const meant =
    Object.entries(fields).find(([, [key]]) => key === option)?.[0] ?? names.find((name) => isSameName(option, name));
  const nearest = nearestName(option, names);
  const guess = nearest === null ? `allowed are ${names.join(', ')}` : `did you mean ${nearest}?`;
  const advice = meant === undefined ? guess : `write ${meant}`;
  throw new NotPlainError(path, `has an unknown property "${escapeUnprintable(option, 40)}": ${advice}`);
}

function saysNothing(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && isBlank(value));
}

/** Returns whether the text is empty or of white space alone. Looks at the first character first. */
function isBlank(text: string): boolean {
  const code = text.length === 0 ? 0x20 : text.charCodeAt(0);
  const isVisibleAscii = code > 0x20 && code < 0x7f;
  return !isVisibleAscii && text.trim() === '';
}

function shortJson(value: unknown): string {
  return escapeUnprintable(JSON.stringify(value) ?? String(value), 40);
}

export function isDictionary(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
