/**
 * The push types, and the topic, priority and payload that each needs. Pure; read by headers and payload on the main
 * thread and by the simulator: one table for both.
 *
 * Source: "Sending notification requests to APNs", the header apns-push-type.
 */
import { PealError } from '../base/errors.js';
import { maxPayloadBytes, maxVoipPayloadBytes } from '../base/limits.js';

export type PushType =
  | 'alert'
  | 'background'
  | 'complication'
  | 'controls'
  | 'fileprovider'
  | 'liveactivity'
  | 'location'
  | 'mdm'
  | 'pushtotalk'
  | 'voip'
  | 'widgets';

export interface PushTypeRule {
  /** The beginning of the topic; empty if the topic begins with the bundle id of the app. */
  readonly topicStart: string;
  /** The end of the topic after the bundle id; empty without a suffix. */
  readonly topicSuffix: string;
  /** The only priority that APNs accepts; null if it accepts 10, 5 and 1. */
  readonly onlyPriority: number | null;
  /** Works with a provider token only, not with a certificate. */
  readonly needsProviderToken: boolean;
  /** Largest payload, in bytes. */
  readonly maxPayloadBytes: number;
}

const plain: PushTypeRule = {
  topicStart: '',
  topicSuffix: '',
  onlyPriority: null,
  needsProviderToken: false,
  maxPayloadBytes,
};

const rules: Readonly<Record<PushType, PushTypeRule>> = {
  alert: plain,
  background: { ...plain, onlyPriority: 5 },
  complication: { ...plain, topicSuffix: '.complication' },
  controls: { ...plain, topicSuffix: '.push-type.controls' },
  fileprovider: { ...plain, topicSuffix: '.pushkit.fileprovider' },
  liveactivity: { ...plain, topicSuffix: '.push-type.liveactivity' },
  location: { ...plain, topicSuffix: '.location-query', needsProviderToken: true },
  /** The topic is the UID of the push certificate for device management. All of these begin alike. */
  mdm: { ...plain, topicStart: 'com.apple.mgmt.' },
  pushtotalk: { ...plain, topicSuffix: '.voip-ptt' },
  voip: { ...plain, topicSuffix: '.voip', maxPayloadBytes: maxVoipPayloadBytes },
  widgets: { ...plain, topicSuffix: '.push-type.widgets' },
};

/** All push types, in alphabetical order. */
export const pushTypes: readonly PushType[] = Object.freeze(Object.keys(rules) as PushType[]);

export function isPushType(value: unknown): value is PushType {
  return typeof value === 'string' && Object.hasOwn(rules, value);
}

export function ruleOf(pushType: PushType): PushTypeRule {
  return rules[pushType];
}

/** Push types whose topics Apple lists in certificates, beside the bundle ids. */
const listedTypes: ReadonlySet<PushType> = new Set<PushType>(['complication', 'voip']);

/**
 * Returns whether a certificate for `topics` may be for `topic`: it lists the topic, or the bundle id before the ending
 * of a push type that certificates do not list.
 */
export function isTopicAmong(topics: readonly string[], topic: string): boolean {
  if (topics.includes(topic)) return true;
  const pushType = pushTypeOfTopic(topic);
  if (pushType === null || listedTypes.has(pushType)) return false;
  const { topicSuffix } = rules[pushType];
  return topicSuffix !== '' && topics.includes(topic.slice(0, -topicSuffix.length));
}

const topicForm = /^[A-Za-z0-9-][A-Za-z0-9.-]*$/;

/**
 * Returns whether the text may be a topic of any push type: letters, digits and `-`, and `.` except at the beginning.
 */
export function isTopicForm(topic: string): boolean {
  return topicForm.test(topic);
}

/** Returns whether the topic has the beginning and the end that the push type needs, and something beside them. */
export function isTopicOf(pushType: PushType, topic: string): boolean {
  const { topicStart, topicSuffix } = rules[pushType];
  return (
    topic.startsWith(topicStart) && topic.endsWith(topicSuffix) && topic.length > topicStart.length + topicSuffix.length
  );
}

/**
 * Returns the topic of a push type for an app: `topicFor('voip', 'com.example.app')` is `com.example.app.voip`. A topic
 * of `mdm` is not an app's: it is in the push certificate for device management, and is returned unchanged.
 *
 * @throws PealError ERR_PEAL_HEADER for `mdm` and a bundle id
 */
export function topicFor(pushType: PushType, bundleId: string): string {
  const { topicStart, topicSuffix } = rules[pushType];
  if (bundleId.startsWith(topicStart)) return bundleId + topicSuffix;
  const message =
    `The push type ${pushType} has no topics of apps: give the topic of its push certificate (UID), ` +
    `${topicStart}….`;
  throw new PealError('ERR_PEAL_HEADER', message, { origin: 'usage' });
}

/** Those whose topics have a beginning or an end of their own. */
const withStart = pushTypes.filter((pushType) => rules[pushType].topicStart !== '');
const withSuffix = pushTypes.filter((pushType) => rules[pushType].topicSuffix !== '');

/** Returns the push type whose topics alone look like this one, or null for the topic of an app. */
export function pushTypeOfTopic(topic: string): PushType | null {
  for (const pushType of withStart) if (topic.startsWith(rules[pushType].topicStart)) return pushType;
  for (const pushType of withSuffix) if (topic.endsWith(rules[pushType].topicSuffix)) return pushType;
  return null;
}
