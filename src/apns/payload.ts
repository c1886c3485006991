/**
 * The JSON payload of a message: built from named fields, or taken as it was given, and checked for size. Pure; main
 * thread, once for each message (and for each recipient with a payload of its own).
 *
 * Source: "Generating a remote notification".
 */
import { Buffer } from 'node:buffer';
import { type Clock, systemClock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import { maxBroadcastPayloadBytes, maxRawPayloadBytes } from '../base/limits.js';
import { escapeUnprintable } from '../base/text.js';
import { option, quoting } from '../base/wording.js';
import { compactJson, jsonString, keyGivenTwice, NotPlainError, plainJson } from '../push/plain-json.js';
import type { TimeInput } from '../push/time-option.js';
import { apsFields, checkFields, isDictionary, writeFields, writeFurtherKeys } from './aps-fields.js';
import { checkContent, contentOf, type PayloadContent } from './payload-content.js';
import { type PushType, ruleOf } from './push-type.js';

/** A text of the app's own localised strings, in the alert of a Live Activity. */
export interface LocalizedText {
  readonly locKey?: string;
  readonly locArgs?: readonly string[];
}

/** The text of an alert, or keys of the app's own localised strings. */
export interface AlertOptions {
  /** Of a Live Activity also `{ locKey, locArgs }`. */
  readonly title?: string | LocalizedText;
  readonly subtitle?: string;
  /** Of a Live Activity also `{ locKey, locArgs }`. */
  readonly body?: string | LocalizedText;
  readonly launchImage?: string;
  readonly titleLocKey?: string;
  readonly titleLocArgs?: readonly string[];
  readonly subtitleLocKey?: string;
  readonly subtitleLocArgs?: readonly string[];
  readonly locKey?: string;
  readonly locArgs?: readonly string[];
  /** Of a Live Activity, whose sound stands within the alert. Other alerts have the option `sound` of the message. */
  readonly sound?: string;
  /** Of Safari: the label of the action button. */
  readonly action?: string;
  /** The key of the label of the button that opens the app. Read up to iOS 9. */
  readonly actionLocKey?: string;
  /** What the summary of a group of notifications says about this one. Read by iOS 12 to 14. */
  readonly summaryArg?: string;
  /** For how many items this notification counts in the summary. Read by iOS 12 to 14. */
  readonly summaryArgCount?: number;
}

/** A sound with more than a name. */
export interface SoundOptions {
  /** Plays it even when the device is muted. The app needs Apple's permission for that. */
  readonly critical?: boolean;
  readonly name?: string;
  /** 0 to 1. */
  readonly volume?: number;
}

/** The fields of a payload. Each is in the payload exactly when it is given (`undefined` counts as not given). */
export interface PayloadOptions {
  readonly alert?: string | AlertOptions;
  /** 0 removes the badge. */
  readonly badge?: number;
  readonly sound?: string | SoundOptions;
  readonly threadId?: string;
  readonly category?: string;
  readonly contentAvailable?: boolean;
  readonly mutableContent?: boolean;
  readonly targetContentId?: string;
  readonly interruptionLevel?: 'passive' | 'active' | 'time-sensitive' | 'critical';
  /** 0 to 1; for Live Activities any number. */
  readonly relevanceScore?: number;
  readonly filterCriteria?: string;
  /** When the content of a Live Activity was made. Each `event` needs it. */
  readonly timestamp?: TimeInput;
  /**
   * The event of a Live Activity. `update` needs `contentState`, and `start` needs that, `attributesType`, `attributes`
   * and `alert`.
   */
  readonly event?: 'start' | 'update' | 'end';
  readonly contentState?: Readonly<Record<string, unknown>>;
  readonly staleDate?: TimeInput;
  readonly dismissalDate?: TimeInput;
  readonly attributesType?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly inputPushToken?: boolean;
  readonly inputPushChannel?: string;
  /** Reloads the widgets or controls of the app. For the push types `widgets` and `controls`. */
  readonly contentChanged?: boolean;
  /** The values for the placeholders of the URL that a website's notification opens in Safari. */
  readonly urlArgs?: readonly string[];
  /** Keys within `aps` that have no option here, because Apple added them since. Plain data only; may be empty. */
  readonly aps?: Readonly<Record<string, unknown>>;
  /** Wakes a managed device: its PushMagic, which is the whole payload. Default push type: `mdm`. */
  readonly mdm?: string;
  /** The app's own keys, beside `aps`. Plain data only. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** The whole payload instead of all fields above: an object of plain data, or JSON as text or UTF-8. */
  readonly payload?: RawPayload;
}

/** A whole payload: plain data, or JSON text, or JSON as UTF-8. */
export type RawPayload = Readonly<Record<string, unknown>> | string | Uint8Array;

/** A payload ready to be encoded, and its content. */
export interface CompiledPayload {
  /** Compact JSON; well-formed Unicode. */
  readonly text: string;
  readonly content: PayloadContent;
}

/**
 * Returns the payload that `options` describe, or null if they have nothing for a payload. Neither its size is checked
 * nor whether it fits a push type: see {@link checkPayloadText} and {@link checkPayloadContent}.
 *
 * @param clock for times from now. Default: the system's
 * @param byName the same options in an object from which they are read faster by name
 * @throws PealError ERR_PEAL_PAYLOAD: a field of the wrong kind, data that is not plain (getters, toJSON, cycles,
 *   BigInt, functions), `aps` within `extra`, a key of `aps` that has an option, text that is not a JSON object, a
 *   whole payload whose `aps` is not as Apple reads it
 */
export function compilePayload(
  options: PayloadOptions,
  clock: Clock = systemClock,
  byName: PayloadOptions = options,
): CompiledPayload | null {
  const { payload, mdm } = byName;
  try {
    if (payload !== undefined) return compileRaw(options, payload, clock);
    return mdm === undefined ? buildPayload(options, clock, byName) : compileMdm(options, mdm);
  } catch (error) {
    throw asPayloadError(error);
  }
}

/** The same for a whole payload alone. */
export function compileWhole(payload: RawPayload, clock: Clock = systemClock): CompiledPayload {
  try {
    return compileText(payload, clock);
  } catch (error) {
    throw asPayloadError(error);
  }
}

/** Restores a payload that was compiled before, from JSON text. Only its form is checked. */
export function restorePayload(json: string): CompiledPayload {
  const { text, value } = readText(json);
  return { text, content: contentOf(value, true) };
}

/**
 * A whole payload as compact JSON text. Nothing but its form is checked: it is still to be changed, and to be compiled
 * then.
 *
 * @throws PealError ERR_PEAL_PAYLOAD for what is no JSON object, not plain data, or has a key twice
 */
export function payloadText(payload: RawPayload): string {
  try {
    return rawJson(payload).text;
  } catch (error) {
    throw asPayloadError(error);
  }
}

/** Throws ERR_PEAL_PAYLOAD for content that does not go with `pushType`. */
export function checkPayloadContent(content: PayloadContent, pushType: PushType): void {
  try {
    checkContent(content, pushType);
  } catch (error) {
    throw asPayloadError(error);
  }
}

/**
 * Throws ERR_PEAL_PAYLOAD, with actual and allowed size, when there are more bytes than the push type allows.
 *
 * @param isBroadcast it is for the subscribers of channels, which may be larger
 */
export function checkPayloadSize(bytes: number, pushType: PushType | null, isBroadcast = false): void {
  const allowed = isBroadcast ? maxBroadcastPayloadBytes : ruleOf(pushType ?? 'alert').maxPayloadBytes;
  if (bytes <= allowed) return;
  const ofType = pushType === null ? 'a push' : `${option('pushType')} ${pushType}`;
  const kind = isBroadcast ? 'a broadcast' : ofType;
  throw payloadError(`The payload has ${bytes} bytes, but ${kind} allows ${allowed}: shorten it.`);
}

/** The same for a payload as text. */
export function checkPayloadText(text: string, pushType: PushType | null, isBroadcast = false): void {
  if (text.length * maxBytesPerUnit <= ruleOf(pushType ?? 'alert').maxPayloadBytes) return;
  checkPayloadSize(Buffer.byteLength(text), pushType, isBroadcast);
}

/** The most bytes of UTF-8 for one unit of UTF-16. */
const maxBytesPerUnit = 3;

/** The options that say what a notification says. */
export const contentOptions: readonly string[] = [...Object.keys(apsFields), 'aps', 'extra', 'mdm', 'payload'];
const isContentOption: ReadonlySet<string> = new Set(contentOptions);

function asPayloadError(error: unknown): unknown {
  if (!(error instanceof NotPlainError)) return error;
  return payloadError(`The payload cannot be sent: ${error.marked.replace(/([^?])$/, '$1.')}`);
}

/** The content of a payload with neither an event nor content-available: the checks look at nothing else in `aps`. */
const ordinary: PayloadContent = Object.freeze(contentOf({ aps: {} }, false));

function buildPayload(options: PayloadOptions, clock: Clock, byName: PayloadOptions): CompiledPayload | null {
  const { extra, event, contentAvailable, aps: further } = byName;
  let aps = writeFields(options, apsFields, null, clock);
  if (further !== undefined) aps = joined(aps, writeFurtherKeys(further, 'aps'));
  else if (aps === '' && extra === undefined) return null;
  const beside = extra === undefined ? '' : writeExtra(extra);
  const isOrdinary = event === undefined && contentAvailable === undefined;
  const content = isOrdinary ? ordinary : contentOf({ aps: JSON.parse(`{${aps}}`) as object }, false);
  return { text: `{"aps":{${aps}}${beside}}`, content };
}

function joined(members: string, more: string): string {
  return members === '' || more === '' ? members + more : `${members},${more}`;
}

/** For a message without content to recipients without payloads of their own. */
export function emptyError(): PealError {
  return payloadError('The message is empty: give alert, badge, sound, contentAvailable, extra or payload.');
}

/** The members of `extra`, each with a comma before it. */
function writeExtra(extra: unknown): string {
  if (!isDictionary(extra)) throw new NotPlainError('extra', 'must be an object');
  if (Object.hasOwn(extra, 'aps')) {
    throw new NotPlainError(
      'extra',
      'must not hold aps: the other options make it; use them, or payload for everything',
    );
  }
  const members = plainJson(extra, 'extra').slice(1, -1);
  return members === '' ? '' : `,${members}`;
}

function compileRaw(options: PayloadOptions, payload: RawPayload, clock: Clock): CompiledPayload {
  checkAlone(options, 'payload');
  return compileText(payload, clock);
}

/** A payload for device management has this key alone ("Sending Push Notifications to Devices"). */
function compileMdm(options: PayloadOptions, pushMagic: unknown): CompiledPayload {
  checkAlone(options, 'mdm');
  if (typeof pushMagic !== 'string' || pushMagic === '')
    throw new NotPlainError('mdm', 'must be the PushMagic, as text');
  return { text: `{"mdm":${jsonString(pushMagic, 'mdm')}}`, content: contentOf({ mdm: '' }, false) };
}

/** For an option that is the whole payload. */
function checkAlone(options: PayloadOptions, own: 'payload' | 'mdm'): void {
  for (const name in options) {
    if (name === own || !isContentOption.has(name)) continue;
    if (options[name as keyof PayloadOptions] !== undefined) throw rivalError(options, own);
  }
}

function rivalError(options: PayloadOptions, own: string): PealError {
  const rival = contentOptions.find((name) => name !== own && options[name as keyof PayloadOptions] !== undefined)!;
  return payloadError(`The options ${option(own)} and ${option(rival)} are both given: leave one out.`);
}

function compileText(payload: RawPayload, clock: Clock): CompiledPayload {
  const { text, value } = rawJson(payload);
  checkWhole(value, clock);
  return { text, content: contentOf(value, true) };
}

/** JSON text of an object, and the object. */
interface ReadPayload {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** A whole payload as compact JSON text: an object, plain data, no key twice. */
function rawJson(payload: RawPayload): ReadPayload {
  const isText = typeof payload === 'string' || payload instanceof Uint8Array;
  if (!isText) {
    const text = writeObject(payload);
    return { text, value: JSON.parse(text) as Record<string, unknown> };
  }
  const read = readText(payload);
  const twice = keyGivenTwice(read.text, read.value);
  if (twice === null) return read;
  throw payloadError(
    `The payload has ${quoting(`the key "${escapeUnprintable(twice, 40)}"`, 'a key')} twice in one object: leave one out.`,
  );
}

/** A whole payload must not contain what the named options would refuse. */
function checkWhole(payload: Readonly<Record<string, unknown>>, clock: Clock): void {
  if ('aps' in payload) {
    if (!isDictionary(payload.aps)) throw new NotPlainError('payload.aps', 'must be an object');
    checkFields(payload.aps, apsFields, 'payload.aps', clock);
  }
  const misspelt = Object.keys(payload).find((name) => name !== 'aps' && name.toLowerCase() === 'aps');
  if (misspelt !== undefined) throw new NotPlainError('payload', `has the key "${misspelt}": write aps`);
}

function writeObject(payload: unknown): string {
  if (!isDictionary(payload)) throw new NotPlainError('payload', 'must be an object, JSON text or bytes');
  return plainJson(payload, 'payload');
}

/** A JSON object, and its text without blanks between values; numbers and order stay as they were written. */
function readText(payload: string | Uint8Array): ReadPayload {
  if (payload.length > maxRawPayloadBytes) {
    throw payloadError(`The payload is longer than ${maxRawPayloadBytes} bytes, so it is not a payload.`);
  }
  const given = typeof payload === 'string' ? payload : decode(payload);
  const text = given.startsWith('\uFEFF') ? given.slice(1) : given;
  if (!text.isWellFormed()) throw payloadError('The payload holds half of a surrogate pair: text was cut in between.');
  if (text.trim() === '') throw payloadError('The payload is empty: give a JSON object.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const where = quoting(`: ${escapeUnprintable((error as Error).message, 120)}`, '');
    throw payloadError(`The payload is not JSON${where}.`);
  }
  if (!isDictionary(value)) throw payloadError('The payload is JSON, but not an object: write { … }.');
  return { text: compactJson(text), value };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw payloadError('The payload is not UTF-8: save it as UTF-8.');
  }
}

function payloadError(message: string): PealError {
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}
