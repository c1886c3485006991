/**
 * Checks the content of a payload against the push type that it is sent as: APNs accepts a contradiction silently, and
 * the device then shows nothing. Pure; called once for each message, and for each recipient with a payload of its
 * own.
 *
 * Source: "Sending notification requests to APNs", "Pushing background updates to your app", "Starting and updating
 * Live Activities with ActivityKit push notifications".
 */
import { either, option } from '../base/wording.js';
import { NotPlainError } from '../push/plain-json.js';
import { isDictionary, optionOfKey } from './aps-fields.js';
import type { PushType } from './push-type.js';

/** The parsed content of a payload. */
export interface PayloadContent {
  /** The `aps` dictionary as it is sent; null without one. */
  readonly aps: Readonly<Record<string, unknown>> | null;
  /** A command for device management, which has no `aps`. */
  readonly isMdm: boolean;
  /** In a payload without `aps`, the first key that belongs into it; null without such a key. */
  readonly strayKey: string | null;
  /** Whether the payload was given whole, so that messages use its keys and not the names of options. */
  readonly isRaw: boolean;
}

/** Keys that show something, which background pushes must not. */
const visibleKeys = ['alert', 'badge', 'sound'] as const;

/**
 * Push types whose payload the system reads in `aps`, with an example of it. The payloads of other types go to the app,
 * or to device management, and may have only keys of their own. Background and Live Activities have stricter rules.
 */
const readFromAps: Partial<Readonly<Record<PushType, string>>> = {
  alert: '{ "aps": { "alert": … } }',
  controls: '{ "aps": { "content-changed": true } }',
  widgets: '{ "aps": { "content-changed": true } }',
};

/** The other fields that each event of a Live Activity needs. */
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

/** Returns whether the key has an effect only within `aps`, or is part of requests of Firebase and Web push. */
function isStray(key: string, value: unknown): boolean {
  if (key === 'registration_ids') return true;
  if (key === 'notification' || key === 'message') return isDictionary(value);
  return Object.hasOwn(optionOfKey, key) && key !== 'category' && key !== 'timestamp' && key !== 'event';
}

/** Returns the push type that the content asks for, or `alert` if it asks for none. */
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

/** Apps for calls and the like read keys of their own. For these types nothing outside of `aps` would be shown. */
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

/** The program's name for a key of `aps`. */
function nameOf(key: string, { isRaw }: PayloadContent): string {
  return isRaw ? `payload.aps.${key}` : optionOfKey[key]!;
}
