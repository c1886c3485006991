/**
 * APNs' demands on the headers of a device push, rule by rule. The first that fails decides the answer. Pure but for
 * the memory of checked provider tokens; called by request readers when a field differs from the request before.
 *
 * Source: "Sending notification requests to APNs", "Handling notification responses from APNs". Apple does not publish
 * the order of its checks. The order here is ours: method, credential, duplicates, push type, topic, priority,
 * expiration, collapse id, then (elsewhere) device token and payload.
 */
import {
  isPushType,
  isTopicAmong,
  isTopicForm,
  isTopicOf,
  type PushTypeRule,
  pushTypeOfTopic,
  ruleOf,
} from '../../apns/push-type.js';
import { maxCollapseIdBytes } from '../../base/limits.js';
import type { CertificateScope } from '../../push/credentials/credential.js';
import type { SimulatorLedger } from '../books/ledger.js';
import {
  ACCEPTED_ANSWER,
  BAD_CERTIFICATE_ENVIRONMENT,
  BAD_COLLAPSE_ID,
  BAD_ENVIRONMENT_KEY,
  BAD_EXPIRATION_DATE,
  BAD_PRIORITY,
  BAD_TOPIC,
  DUPLICATE_HEADERS,
  INVALID_PUSH_TYPE,
  METHOD_NOT_ALLOWED,
  MISSING_PROVIDER_TOKEN,
  MISSING_TOPIC,
  TOO_MANY_PROVIDER_TOKEN_UPDATES,
  TOPIC_DISALLOWED,
  UNRELATED_KEY_ID,
} from '../settings/answers.js';
import type { SimulatorSettings } from '../settings/simulator-settings.js';
import type { CheckedToken, KeyScope, ProviderTokens } from './provider-tokens.js';
import type { KeyUpdates } from './rates.js';
import {
  AUTHORIZATION,
  COLLAPSE_ID,
  EXPIRATION,
  METHOD,
  PRIORITY_FIELD,
  PUSH_TYPE,
  type RequestFields,
  TOPIC,
} from './request-fields.js';

/** The identity of a client, as far as it has shown one. */
export interface ClientIdentity {
  /**
   * The bundle id (UID) of an accepted client certificate; empty if the certificate has none; null without a
   * certificate.
   */
  readonly certificateTopic: string | null;
  /** What the certificate says that it is for; without it, nothing is known. */
  readonly certificateScope?: CertificateScope;
  /** The key that the connection is bound to: that of its first valid provider token. */
  keyName: string | null;
}

const wholeNumber = /^\d{1,10}$/;

export class RequestRules {
  readonly #settings: SimulatorSettings;
  readonly #providerTokens: ProviderTokens;
  /** Wall time until which the result of the last `judge` is valid, because provider tokens age. */
  holdsUntilMs = Number.POSITIVE_INFINITY;
  readonly #updates: KeyUpdates | null;
  readonly #ledger: SimulatorLedger;
  /** Wall time until which the connection is refused, because it showed one provider token too many. */
  #blockedUntilMs = 0;
  /** What the key of the request in hand is for; null without a provider token, or where keys are not checked. */
  #keyScope: KeyScope | null = null;

  /** @param updates Counts changes of provider tokens; null if they do not matter. */
  constructor(
    settings: SimulatorSettings,
    providerTokens: ProviderTokens,
    ledger: SimulatorLedger,
    updates: KeyUpdates | null = null,
  ) {
    this.#settings = settings;
    this.#providerTokens = providerTokens;
    this.#ledger = ledger;
    this.#updates = updates;
  }

  /**
   * Returns the answer (answers.ts) that the headers earn, apart from token and payload; ACCEPTED_ANSWER if they are
   * valid.
   */
  judge(fields: RequestFields, client: ClientIdentity, wallMs: number): number {
    this.holdsUntilMs = Number.POSITIVE_INFINITY;
    if (fields.text(METHOD) !== 'POST') return METHOD_NOT_ALLOWED;
    return (
      this.judgeCredential(fields.text(AUTHORIZATION), client, wallMs) ||
      (fields.hasDuplicates ? DUPLICATE_HEADERS : ACCEPTED_ANSWER) ||
      judgePushType(fields, client) ||
      this.#judgeTopicsType(fields.text(TOPIC), fields.text(PUSH_TYPE)) ||
      this.#judgeTopic(fields, client) ||
      judgePriority(fields) ||
      judgeExpiration(fields.text(EXPIRATION)) ||
      judgeCollapseId(fields.text(COLLAPSE_ID))
    );
  }

  /** The same for the credential alone, which is what requests to other services have in common with device pushes. */
  judgeCredential(authorization: string | null, client: ClientIdentity, wallMs: number): number {
    const { auth, environment } = this.#settings;
    this.#keyScope = null;
    if (authorization !== null && auth !== 'certificate') return this.#judgeToken(authorization, client, wallMs);
    const places = client.certificateScope?.environments ?? null;
    if (environment !== null && places !== null && !places.includes(environment)) return BAD_CERTIFICATE_ENVIRONMENT;
    if (auth === 'any') return ACCEPTED_ANSWER;
    // With `certificate`, a connection without one was refused earlier (tls-listener).
    if (auth !== 'token' && client.certificateTopic !== null) return ACCEPTED_ANSWER;
    return MISSING_PROVIDER_TOKEN;
  }

  #judgeToken(authorization: string, client: ClientIdentity, wallMs: number): number {
    const token = this.#providerTokens.check(authorization);
    this.holdsUntilMs = this.#providerTokens.answerHoldsUntil(token, wallMs);
    const answer = this.#providerTokens.answerAt(token, wallMs);
    if (answer !== ACCEPTED_ANSWER) return answer;
    const keyName = keyNameOf(token);
    const { scope } = token;
    const place = scope?.environment ?? null;
    if (place !== null && this.#settings.environment !== null && place !== this.#settings.environment) {
      return BAD_ENVIRONMENT_KEY;
    }
    const isBound = client.keyName !== null && client.keyName !== keyName;
    if (isBound && scope?.related.has(client.keyName!) !== true) return UNRELATED_KEY_ID;
    this.#keyScope = scope;
    if (this.#updates !== null && this.#isOneTooMany(this.#updates, keyName, authorization, wallMs)) {
      return TOO_MANY_PROVIDER_TOKEN_UPDATES;
    }
    client.keyName ??= keyName;
    return ACCEPTED_ANSWER;
  }

  #isOneTooMany(updates: KeyUpdates, keyName: string, authorization: string, wallMs: number): boolean {
    if (wallMs >= this.#blockedUntilMs) {
      this.#blockedUntilMs = updates.admit(keyName, authorization, wallMs);
      if (this.#blockedUntilMs > 0) this.#ledger.recordFault('providerTokenUpdates');
    }
    if (this.#blockedUntilMs <= wallMs) return false;
    this.holdsUntilMs = Math.min(this.holdsUntilMs, this.#blockedUntilMs);
    return true;
  }

  /** A topic with the ending of one push type needs that type. A request without a push type counts as an alert. */
  #judgeTopicsType(topic: string | null, pushType: string | null): number {
    if (topic === null) return ACCEPTED_ANSWER;
    const ownType = pushTypeOfTopic(topic);
    if (ownType === null || ownType === (pushType ?? 'alert')) return ACCEPTED_ANSWER;
    const { topicStart, topicSuffix } = ruleOf(ownType);
    if (topicStart !== '') return pushType === null ? ACCEPTED_ANSWER : INVALID_PUSH_TYPE;
    // A bundle id may have such an ending itself. Listing it in `topics` says so.
    const { topics } = this.#settings;
    const isBundleId = topics?.has(topic) === true && !topics.has(topic.slice(0, -topicSuffix.length));
    return isBundleId ? ACCEPTED_ANSWER : INVALID_PUSH_TYPE;
  }

  #judgeTopic(fields: RequestFields, client: ClientIdentity): number {
    const pushType = fields.text(PUSH_TYPE);
    const topic = fields.text(TOPIC);
    const ofCertificate = client.certificateTopic;
    const listed = client.certificateScope?.topics ?? null;
    // A certificate for one topic replaces the field.
    if (topic === null) {
      const isOne = listed === null ? ofCertificate !== null && ofCertificate !== '' : listed.length === 1;
      return isOne ? ACCEPTED_ANSWER : MISSING_TOPIC;
    }
    const type = isPushType(pushType) ? pushType : 'alert';
    if (!isTopicForm(topic) || !isTopicOf(type, topic)) return BAD_TOPIC;
    const bundleId = topic.slice(0, topic.length - ruleOf(type).topicSuffix.length);
    const { topics } = this.#settings;
    if (topics !== null && !topics.has(bundleId) && !topics.has(topic)) return TOPIC_DISALLOWED;
    const keyTopics = this.#keyScope?.topics ?? null;
    if (keyTopics !== null && !keyTopics.has(bundleId) && !keyTopics.has(topic)) return TOPIC_DISALLOWED;
    if (listed !== null) return isTopicAmong(listed, topic) ? ACCEPTED_ANSWER : TOPIC_DISALLOWED;
    if (ofCertificate !== null && ofCertificate !== '' && ofCertificate !== bundleId) return TOPIC_DISALLOWED;
    return ACCEPTED_ANSWER;
  }
}

/** The rules of the push type; those of an alert without one. */
function rulesFor(fields: RequestFields): PushTypeRule {
  const pushType = fields.text(PUSH_TYPE);
  return ruleOf(isPushType(pushType) ? pushType : 'alert');
}

/** Largest payload that goes with the push type, in bytes. */
export function payloadLimitOf(fields: RequestFields): number {
  return rulesFor(fields).maxPayloadBytes;
}

/** The push type may be missing, as APNs allows for alerts. Some work with provider tokens only. */
function judgePushType(fields: RequestFields, client: ClientIdentity): number {
  const pushType = fields.text(PUSH_TYPE);
  if (pushType === null) return ACCEPTED_ANSWER;
  if (!isPushType(pushType)) return INVALID_PUSH_TYPE;
  const isByCertificate = client.certificateTopic !== null && !fields.has(AUTHORIZATION);
  return ruleOf(pushType).needsProviderToken && isByCertificate ? INVALID_PUSH_TYPE : ACCEPTED_ANSWER;
}

function judgePriority(fields: RequestFields): number {
  const priority = fields.text(PRIORITY_FIELD);
  if (priority === null) return ACCEPTED_ANSWER;
  const { onlyPriority } = rulesFor(fields);
  if (onlyPriority !== null) return priority === String(onlyPriority) ? ACCEPTED_ANSWER : BAD_PRIORITY;
  return priority === '10' || priority === '5' || priority === '1' ? ACCEPTED_ANSWER : BAD_PRIORITY;
}

function judgeExpiration(expiration: string | null): number {
  return expiration === null || wholeNumber.test(expiration) ? ACCEPTED_ANSWER : BAD_EXPIRATION_DATE;
}

/** The text has one character for each byte. */
function judgeCollapseId(collapseId: string | null): number {
  return collapseId === null || collapseId.length <= maxCollapseIdBytes ? ACCEPTED_ANSWER : BAD_COLLAPSE_ID;
}

function keyNameOf(token: CheckedToken): string {
  return `${token.teamId}/${token.keyId}`;
}
