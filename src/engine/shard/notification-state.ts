/**
 * What a shard remembers of one notification while batches of it come: whether it was cancelled, and whether APNs
 * refuses it again and again. Owned by the shard, used by the route it belongs to, on the shard's thread.
 */
import type { Protocol } from '../../apns/address.js';
import type { Notification } from '../../apns/notification.js';
import { classOf } from '../../apns/reason.js';
import { retryKindOf } from '../../apns/retry-policy.js';
import { assert } from '../../base/assert.js';
import type { Clock, TimerHandle } from '../../base/clock.js';
import { retryTimeMs, stopAfterRefusals, tokenUpdatesBurstMs } from '../../base/limits.js';

/** A batch of it, as long as it is not settled. */
interface UnsettledBatch {
  /** Recipients accepted so far. */
  readonly accepted: number;
}

/** What is different from a plain notification over HTTP/2. */
export interface NotificationTraits {
  /** What its gateway speaks. Default `'http2'`. */
  readonly protocol?: Protocol;
  /** The first status of a binary gateway cancels what is left. Default false. */
  readonly stopsAtFailure?: boolean;
  /** The route sends under a provider token, which the dispatcher renews when APNs calls it expired. Default false. */
  readonly hasProviderToken?: boolean;
  /** The ids of accepted notifications are kept. Default false. */
  readonly keepsIds?: boolean;
  /** How long TooManyProviderTokenUpdates may be answered, and nothing accepted. Default retryTimeMs. */
  readonly tokenUpdatesTimeMs?: number | undefined;
}

export class NotificationState {
  readonly protocol: Protocol;
  readonly stopsAtFailure: boolean;
  readonly keepsIds: boolean;
  readonly tokenUpdatesTimeMs: number;
  /** Nothing of it is written any more. */
  isCancelled = false;
  readonly #batches = new Set<UnsettledBatch>();
  readonly #hasProviderToken: boolean;
  #updatesTimer: TimerHandle | null = null;
  #updatesClock: Clock | null = null;
  #acceptedInSettled = 0;
  #streakReason = '';
  #streak = 0;
  #acceptedAtStreak = 0;
  #lastBurstMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly id: number,
    readonly routeId: number,
    readonly notification: Notification,
    traits: NotificationTraits = {},
  ) {
    this.protocol = traits.protocol ?? 'http2';
    this.stopsAtFailure = traits.stopsAtFailure ?? false;
    this.keepsIds = traits.keepsIds ?? false;
    this.tokenUpdatesTimeMs = traits.tokenUpdatesTimeMs ?? retryTimeMs;
    this.#hasProviderToken = traits.hasProviderToken ?? false;
  }

  /**
   * APNs answered TooManyProviderTokenUpdates. `onOver` runs where it accepts nothing for tokenUpdatesTimeMs from now on:
   * the pool pauses for minutes, and who waits behind it has had no answer whose budget could end.
   */
  noteTokenUpdates(clock: Clock, onOver: () => void): void {
    if (this.#updatesTimer !== null) return;
    const before = this.#accepted();
    const over = (): void => {
      this.#updatesTimer = null;
      if (!this.isCancelled && this.#batches.size > 0 && this.#accepted() === before) onOver();
    };
    this.#updatesClock = clock;
    this.#updatesTimer = clock.setTimer(over, this.tokenUpdatesTimeMs);
  }

  /** Nothing of it is sent any more: no timer is left. */
  end(): void {
    if (this.#updatesTimer !== null) this.#updatesClock?.clearTimer(this.#updatesTimer);
    this.#updatesTimer = null;
  }

  /** A batch of it has come. */
  begin(batch: UnsettledBatch): void {
    this.#batches.add(batch);
  }

  /** Called as a batch is settled, before its slot is emptied. */
  settled(batch: UnsettledBatch): void {
    assert(this.#batches.delete(batch), 'a batch of a notification is settled once');
    this.#acceptedInSettled += batch.accepted;
  }

  /**
   * Counts a rejection; true when it is the last of `stopAfterRefusals` of one reason in a row, with nothing accepted
   * between: a reason about the request or the credential, which every other recipient would get as well.
   * The count of accepted ones is worked out here and not kept, so that an accepted recipient costs nothing for it.
   */
  isRefusedForGood(status: number, reason: string, nowMs: number): boolean {
    const reasonClass = classOf(status, reason, this.protocol);
    const name = reason === '' ? String(status) : reason;
    if (reasonClass !== 'request' && reasonClass !== 'credential') {
      this.#streak = 0;
      return false;
    }
    if (this.#isForgiven(status, reason, nowMs)) return false;
    const accepted = this.#accepted();
    if (name !== this.#streakReason || accepted !== this.#acceptedAtStreak) this.#streak = 0;
    this.#streakReason = name;
    this.#acceptedAtStreak = accepted;
    this.#streak += 1;
    return this.#streak === stopAfterRefusals;
  }

  /**
   * All that is in flight when a provider token expires is refused alike, and may pass under a new one: the dispatcher
   * stops the send if there is none. Likewise TooManyProviderTokenUpdates, which the pool waits out: a burst counts once.
   */
  #isForgiven(status: number, reason: string, nowMs: number): boolean {
    const kind = retryKindOf(status, reason, this.protocol);
    if (kind === 'expired') return this.#hasProviderToken;
    if (kind !== 'token-updates') return false;
    if (nowMs - this.#lastBurstMs < tokenUpdatesBurstMs) return true;
    this.#lastBurstMs = nowMs;
    return false;
  }

  #accepted(): number {
    let accepted = this.#acceptedInSettled;
    for (const batch of this.#batches) accepted += batch.accepted;
    return accepted;
  }
}
