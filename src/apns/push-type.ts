/**
 * The push types and what each asks of topic, priority and payload. Pure; read by headers and payload on the main
 * thread and by the simulator.
 *
 * Source: "Sending notification requests to APNs", the header apns-push-type.
 */
import { maxPayloadBytes, maxVoipPayloadBytes } from '../base/limits.js';

export interface PushTypeRule {
  /** What the topic ends with behind the bundle id; empty where it is the bundle id (or, for mdm, no bundle id). */
  readonly topicSuffix: string;
  /** The only priority that APNs takes; null where 10, 5 and 1 are all fit. */
  readonly onlyPriority: number | null;
  /** Works with a provider token only, not with a certificate. */
  readonly needsProviderToken: boolean;
  /** Largest payload, in bytes. */
  readonly maxPayloadBytes: number;
}

const plain: PushTypeRule = {
  topicSuffix: '',
  onlyPriority: null,
  needsProviderToken: false,
  maxPayloadBytes,
};

const rules = {
  alert: plain,
  background: { ...plain, onlyPriority: 5 },
  complication: { ...plain, topicSuffix: '.complication' },
  controls: { ...plain, topicSuffix: '.push-type.controls' },
  fileprovider: { ...plain, topicSuffix: '.pushkit.fileprovider' },
  liveactivity: { ...plain, topicSuffix: '.push-type.liveactivity' },
  location: { ...plain, topicSuffix: '.location-query', needsProviderToken: true },
  mdm: plain,
  pushtotalk: { ...plain, topicSuffix: '.voip-ptt' },
  voip: { ...plain, topicSuffix: '.voip', maxPayloadBytes: maxVoipPayloadBytes },
  widgets: { ...plain, topicSuffix: '.push-type.widgets' },
} as const satisfies Readonly<Record<string, PushTypeRule>>;

export type PushType = keyof typeof rules;

/** All push types, in alphabetical order. */
export const pushTypes: readonly PushType[] = Object.freeze(Object.keys(rules) as PushType[]);

export function isPushType(value: unknown): value is PushType {
  return typeof value === 'string' && Object.hasOwn(rules, value);
}

export function ruleOf(pushType: PushType): PushTypeRule {
  return rules[pushType];
}

/** The topic of a push type for an app: `topicFor('voip', 'com.example.app')` is `com.example.app.voip`. */
export function topicFor(pushType: PushType, bundleId: string): string {
  return bundleId + rules[pushType].topicSuffix;
}

/** What the topics of certificates for device management begin with. */
const mdmTopicStart = 'com.apple.mgmt.';

/** The push type that only has topics like this one; null where the topic is that of an app. */
export function pushTypeOfTopic(topic: string): PushType | null {
  if (topic.startsWith(mdmTopicStart)) return 'mdm';
  const isOf = (pushType: PushType): boolean =>
    rules[pushType].topicSuffix !== '' && topic.endsWith(rules[pushType].topicSuffix);
  return pushTypes.find(isOf) ?? null;
}
