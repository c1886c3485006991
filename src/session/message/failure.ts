/**
 * What the push service answered for one rejected recipient. Made by the books of a send; read by the program. Main
 * thread.
 */
import type { Protocol } from '../../push/address.js';
import type { Answer } from '../../push/answer.js';
import type { ReasonClass } from '../../push/reason.js';
import { adviceOf, classOf, retryKindOf } from '../../push-services/reasons.js';

/**
 * An answer other than 200, as it came. Immutable. Its fields are copies and not getters over the answer, because
 * programs compare failures (deepEqual), spread and print them, and each of these looks at own fields only.
 */
export class Failure implements Answer {
  /** What the gateway speaks that answered. */
  readonly protocol: Protocol;
  /** HTTP status, 201 to 999 (of APNs 400 to 599); of a binary gateway its own, 1 to 255. */
  readonly status: number;
  /** The service's reason, also one that peal does not know; empty when the answer held none. */
  readonly reason: string;
  /** Since when the token is gone (410), in milliseconds since the epoch; null elsewhere. */
  readonly timestampMs: number | null;
  /** The id of the notification, a UUID; null when the answer held none, as with FCM. */
  readonly apnsId: string | null;
  /** The key of APNs' delivery log (development only); null where there was none, or the send kept no ids. */
  readonly apnsUniqueId: string | null;
  /** How long the gateway asks to wait, in seconds; null when it asks nothing. */
  readonly retryAfterSeconds: number | null;
  /** FCM: what the answer finds fault with, where it says so. */
  declare readonly detail?: string;

  constructor(answer: Answer, protocol: Protocol) {
    this.protocol = protocol;
    this.status = answer.status;
    this.reason = answer.reason;
    this.timestampMs = answer.timestampMs;
    this.apnsId = answer.apnsId;
    this.apnsUniqueId = answer.apnsUniqueId ?? null;
    this.retryAfterSeconds = answer.retryAfterSeconds;
    const { detail = null } = answer;
    if (detail !== null) this.detail = detail;
  }

  /** Who the rejection is about, and so what mends it; see `ReasonClass`. */
  get kind(): ReasonClass {
    return classOf(this.status, this.reason, this.protocol);
  }

  /** The same as {@link kind}, and its name in `toJSON()`. */
  get class(): ReasonClass {
    return this.kind;
  }

  /** One sentence for people: what it means and what to do. */
  get explanation(): string {
    return adviceOf(this.status, this.reason, this.protocol);
  }

  /**
   * Whether the same notification may be accepted later: the fault passes, or was the connection's, or the provider
   * token's, which is another one by then (ExpiredProviderToken) or may be used again (TooManyProviderTokenUpdates).
   */
  get isTransient(): boolean {
    const { kind, status, reason, protocol } = this;
    return kind === 'transient' || kind === 'connection' || retryKindOf(status, reason, protocol) !== null;
  }

  toJSON(): Record<string, unknown> {
    const { status, reason, explanation, timestampMs, apnsId, retryAfterSeconds, apnsUniqueId, detail } = this;
    const common = { status, reason, class: this.kind, explanation, timestampMs, apnsId, retryAfterSeconds };
    return { ...common, ...(apnsUniqueId !== null && { apnsUniqueId }), ...(detail !== undefined && { detail }) };
  }
}
