/**
 * The JSON payload of a message: built from named fields, or taken as it is given, and checked for size. Pure; main
 * thread, once for each message (and for each recipient with a payload of its own).
 *
 * Source: "Generating a remote notification".
 */
import { PealError } from '../base/errors.js';
import { maxRawPayloadBytes } from '../base/limits.js';
import { escapeUnprintable } from '../base/text.js';
import { apsFields, writeFields } from './aps-fields.js';
import { compactJson, NotPlainError, plainJson } from './plain-json.js';
import { type PushType, ruleOf } from './push-type.js';

/** What an alert says; as texts, or as keys of the app's own localised strings. */
export interface AlertOptions {
  readonly title?: string;
  readonly subtitle?: string;
  readonly body?: string;
  readonly launchImage?: string;
  readonly titleLocKey?: string;
  readonly titleLocArgs?: readonly string[];
  readonly subtitleLocKey?: string;
  readonly subtitleLocArgs?: readonly string[];
  readonly locKey?: string;
  readonly locArgs?: readonly string[];
}

/** A sound with more than a name. */
export interface SoundOptions {
  /** Plays it even when the device is muted; the app needs Apple's leave for it. */
  readonly critical?: boolean;
  readonly name?: string;
  /** 0 to 1. */
  readonly volume?: number;
}

/** The fields of a payload. Each is in the payload exactly when it is given (`undefined` counts as not given). */
export interface PayloadOptions {
  readonly alert?: string | AlertOptions;
  /** 0 takes the badge away. */
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
  /** Live Activities. Times are epoch seconds or a Date. */
  readonly timestamp?: number | Date;
  readonly event?: 'start' | 'update' | 'end';
  readonly contentState?: Readonly<Record<string, unknown>>;
  readonly staleDate?: number | Date;
  readonly dismissalDate?: number | Date;
  readonly attributesType?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly inputPushToken?: boolean;
  readonly inputPushChannel?: string;
  /** The app's own keys, beside `aps`. Plain data only. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** The whole payload instead of all fields above: an object of plain data, or JSON as text or UTF-8. */
  readonly payload?: RawPayload;
}

/** A whole payload: plain data, or JSON text, or JSON as UTF-8. */
export type RawPayload = Readonly<Record<string, unknown>> | string | Uint8Array;

/** A payload made ready, and the push type that its content asks for. */
export interface CompiledPayload {
  /** Compact JSON as UTF-8. */
  readonly bytes: Uint8Array;
  /** `background` for content-available with neither alert, badge nor sound. */
  readonly suggestedPushType: 'alert' | 'background';
}

/**
 * The payload that `options` describe. Its size is not checked: see {@link checkPayloadSize}.
 *
 * @throws PealError ERR_PEAL_PAYLOAD: nothing given, a field of the wrong kind, data that is not plain (getters, toJSON,
 * cycles, BigInt, functions), `aps` within `extra`, text that is no JSON object
 */
export function compilePayload(options: PayloadOptions): CompiledPayload {
  try {
    return options.payload === undefined ? buildPayload(options) : compileRaw(options, options.payload);
  } catch (error) {
    if (error instanceof NotPlainError) throw payloadError(`The payload cannot be sent: ${error.message}.`);
    throw error;
  }
}

/** Throws ERR_PEAL_PAYLOAD, with actual and allowed size, when `bytes` is more than the push type allows. */
export function checkPayloadSize(bytes: Uint8Array, pushType: PushType | null): void {
  const allowed = ruleOf(pushType ?? 'alert').maxPayloadBytes;
  if (bytes.length <= allowed) return;
  const kind = pushType === null ? 'a push' : `pushType ${pushType}`;
  throw payloadError(`The payload has ${bytes.length} bytes, but ${kind} allows ${allowed}: shorten it.`);
}

/** Throws ERR_PEAL_PAYLOAD for fields that APNs does not let a background push have. */
export function checkBackground(options: PayloadOptions): void {
  if (options.payload !== undefined) return;
  if (options.contentAvailable !== true) {
    throw payloadError('A background push needs contentAvailable: true.');
  }
  for (const field of ['alert', 'badge', 'sound'] as const) {
    if (options[field] !== undefined) {
      throw payloadError(`A background push cannot have ${field}: leave it out, or use pushType alert.`);
    }
  }
}

function buildPayload(options: PayloadOptions): CompiledPayload {
  const aps = writeFields(options, apsFields, null);
  const extra = options.extra === undefined ? '' : writeExtra(options.extra);
  if (aps.length === 0 && options.extra === undefined) {
    throw payloadError('The message is empty: give alert, badge, sound, contentAvailable, extra or payload.');
  }
  const isVisible = ['alert', 'badge', 'sound'].some((field) => options[field as keyof PayloadOptions] !== undefined);
  return {
    bytes: encode(`{"aps":{${aps.join(',')}}${extra}}`),
    suggestedPushType: options.contentAvailable === true && !isVisible ? 'background' : 'alert',
  };
}

/** The members of `extra`, each with a comma before it. */
function writeExtra(extra: unknown): string {
  if (!isDictionary(extra)) throw new NotPlainError('extra', 'must be an object');
  if (Object.hasOwn(extra, 'aps')) {
    throw new NotPlainError('extra', 'holds aps, which the other options make: use these, or payload for everything');
  }
  const members = plainJson(extra, 'extra').slice(1, -1);
  return members === '' ? '' : `,${members}`;
}

function compileRaw(options: PayloadOptions, payload: RawPayload): CompiledPayload {
  const rival = [...Object.keys(apsFields), 'extra'].find(
    (name) => options[name as keyof PayloadOptions] !== undefined,
  );
  if (rival !== undefined) throw payloadError(`The options payload and ${rival} are both given: leave one out.`);
  const isText = typeof payload === 'string' || payload instanceof Uint8Array;
  const json = isText ? compactText(payload) : writeObject(payload);
  return { bytes: encode(json), suggestedPushType: suggestedFor(JSON.parse(json)) };
}

function writeObject(payload: unknown): string {
  if (!isDictionary(payload)) throw new NotPlainError('payload', 'must be an object, JSON text or bytes');
  return plainJson(payload, 'payload');
}

/** The text of a JSON object without blanks between its values; numbers and order stay as they were written. */
function compactText(payload: string | Uint8Array): string {
  if (payload.length > maxRawPayloadBytes) {
    throw payloadError(`The payload is longer than ${maxRawPayloadBytes} bytes: it is no payload.`);
  }
  const text = (typeof payload === 'string' ? payload : decode(payload)).replace(/^\uFEFF/, '');
  if (/\p{Cs}/u.test(text)) throw payloadError('The payload holds half of a surrogate pair: text was cut in between.');
  if (text.trim() === '') throw payloadError('The payload is empty: give a JSON object.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw payloadError(`The payload is not JSON: ${escapeUnprintable((error as Error).message, 120)}.`);
  }
  if (!isDictionary(value)) throw payloadError('The payload is JSON, but not an object: write { … }.');
  return compactJson(text);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw payloadError('The payload is not UTF-8: save it as UTF-8.');
  }
}

function encode(json: string): Uint8Array {
  return new TextEncoder().encode(json);
}

function suggestedFor(payload: unknown): 'alert' | 'background' {
  const { aps } = payload as { aps?: unknown };
  if (!isDictionary(aps) || aps['content-available'] !== 1) return 'alert';
  return 'alert' in aps || 'badge' in aps || 'sound' in aps ? 'alert' : 'background';
}

function isDictionary(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function payloadError(message: string): PealError {
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}
