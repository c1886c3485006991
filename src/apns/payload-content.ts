/**
 * What a payload says, held against the push type that it goes out as: APNs takes a contradiction without a word, and
 * the device then shows nothing. Pure; called once for each message, and for each recipient with a payload of its own.
 *
 * Source: "Sending notification requests to APNs", "Pushing background updates to your app", "Starting and updating
 * Live Activities with ActivityKit push notifications".
 */
import { either, option } from '../base/wording.js';
import { isDictionary, optionOfKey } from './aps-fields.js';
import { NotPlainError } from './plain-json.js';
import type { PushType } from './push-type.js';

/** A payload as it was understood. */
export interface PayloadContent {
  /** The `aps` dictionary as it is sent; null where there is none. */
  readonly aps: Readonly<Record<string, unknown>> | null;
  /** A command for device management, which has no `aps`. */
  readonly isMdm: boolean;
  /** Of a payload without `aps`, the first key that says it should have one; null where there is none. */
  readonly strayKey: string | null;
  /** Given whole, so that its keys are called as they are sent. */
  readonly isRaw: boolean;
}

/** Keys that show something, which background pushes must not. */
const visibleKeys = ['alert', 'badge', 'sound'] as const;

/**
 * Push types whose payload is read by the system, out of `aps`, and what to write there. Payloads of the others go to
 * the app, or to device management, and may have nothing but keys of their own; background and Live Activities have
 * rules that say more.
 */
const readFromAps: Partial<Readonly<Record<PushType, string>>> = {
  alert: '{ "aps": { "alert": … } }',
  controls: '{ "aps": { "content-changed": true } }',
  widgets: '{ "aps": { "content-changed": true } }',
};

/** What each event of a Live Activity needs besides. */
const companions: Readonly<Record<string, readonly string[]>> = {
  start: ['timestamp', 'content-state', 'attributes-type', 'attributes', 'alert'],
  update: ['timestamp', 'content-state'],
  end: ['timestamp'],
};

export function contentOf(payload: Readonly<Record<string, unknown>>, isRaw: boolean): PayloadContent {
  const { aps = null } = payload;
  const strayKey = aps === null ? Object.keys(payload).find((key) => isStray(key, payload[key])) : undefined;
  return {
    aps: isDictionary(aps) ? aps : null,
    isMdm: aps === null && 'mdm' in payload,
    strayKey: strayKey ?? null,
    isRaw,
  };
}

/** What shows something within `aps` only, and what requests of Firebase and Web push consist of. */
function isStray(key: string, value: unknown): boolean {
  if (key === 'registration_ids') return true;
  if (key === 'notification' || key === 'message') return isDictionary(value);
  return Object.hasOwn(optionOfKey, key) && key !== 'category' && key !== 'timestamp' && key !== 'event';
}

/** The push type that the content asks for; `alert` where it asks for none. */
export function pushTypeOfContent({ aps, isMdm }: PayloadContent): PushType {
  if (isMdm) return 'mdm';
  if (aps === null) return 'alert';
  if ('event' in aps) return 'liveactivity';
  return aps['content-available'] === 1 && !visibleKeys.some((key) => key in aps) ? 'background' : 'alert';
}

/** @throws NotPlainError for content that does not go with `pushType` */
export function checkContent(content: PayloadContent, pushType: PushType): void {
  if (content.aps === null) checkPlace(content, pushType);
  if (pushType === 'background') checkBackground(content);
  if (pushType === 'liveactivity') checkLiveActivity(content);
  else if (content.aps !== null && 'event' in content.aps) {
    throw new NotPlainError(
      nameOf('event', content),
      `is for Live Activities and does not go with ${option('pushType')} ${pushType}: leave it out, or send it as ` +
        'liveactivity',
    );
  }
}

/** Apps that take calls and the like read keys of their own; here nothing outside of `aps` would be shown. */
function checkPlace({ strayKey }: PayloadContent, pushType: PushType): void {
  if (strayKey !== null && (pushType === 'alert' || pushType === 'background')) {
    const problem = Object.hasOwn(optionOfKey, strayKey)
      ? `has "${strayKey}" outside of aps: write { "aps": { "${strayKey}": … } }`
      : `has "${strayKey}" and no aps, which is the form of another service: write { "aps": { "alert": … } }`;
    throw new NotPlainError('payload', problem);
  }
  const example = readFromAps[pushType];
  if (example === undefined) return;
  throw new NotPlainError(
    'payload',
    `has no aps, out of which pushes of the type ${pushType} are read: write ${example}`,
  );
}

function checkBackground(content: PayloadContent): void {
  const aps = content.aps ?? {};
  if (aps['content-available'] !== 1) {
    const missing = content.isRaw
      ? `${option(nameOf('content-available', content))}, which must be 1`
      : either('contentAvailable: true', '--payload with {"aps":{"content-available":1}}');
    throw new NotPlainError('pushType', `background needs ${missing}`);
  }
  const shown = visibleKeys.find((key) => key in aps);
  if (shown === undefined) return;
  const name = option(nameOf(shown, content));
  throw new NotPlainError('pushType', `background cannot have ${name}: leave it out, or send it as alert`);
}

function checkLiveActivity(content: PayloadContent): void {
  const aps = content.aps ?? {};
  const { event } = aps;
  if (typeof event !== 'string') {
    throw new NotPlainError('pushType', `liveactivity needs ${option(nameOf('event', content))}: start, update or end`);
  }
  const missing = (companions[event] ?? []).filter((key) => !(key in aps));
  if (missing.length === 0) return;
  const names = missing.map((key) => option(nameOf(key, content)));
  throw new NotPlainError(nameOf('event', content), `${event} needs ${names.join(', ')} besides`);
}

/** What the program calls a key of `aps`. */
function nameOf(key: string, { isRaw }: PayloadContent): string {
  return isRaw ? `payload.aps.${key}` : optionOfKey[key]!;
}
