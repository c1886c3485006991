/**
 * A shard's record of one notification while batches of it come: whether it was cancelled, and whether APNs refuses it
 * again and again. Owned by the shard, used by the notification's route, on the shard's thread.
 */
import { assert } from '../../base/assert.js';
import type { Clock, TimerHandle } from '../../base/clock.js';
import { retryTimeMs, stopAfterRefusals, tokenUpdatesBurstMs } from '../../base/limits.js';
import type { Protocol } from '../../push/address.js';
import type { Notification } from '../../push/notification.js';
import { classOf, retryKindOf } from '../../push-services/reasons.js';
import type { LatencyHistogram } from '../latency-histogram.js';

/** A batch of the notification that is not settled yet. */
interface UnsettledBatch {
  /** Recipients accepted so far. */
  readonly accepted: number;
}

/** The differences from a plain notification over HTTP/2. */
export interface NotificationTraits {
  /** The protocol of its gateway. Default `'http2'`. */
  readonly protocol?: Protocol;
  /** The first status of a binary gateway cancels the rest. Default false. */
  readonly stopsAtFailure?: boolean;
  /**
   * Whether the route sends with a provider token, which the dispatcher renews when APNs calls it expired. Default
   * false.
   */
  readonly hasProviderToken?: boolean;
  /** The ids of accepted notifications are kept. Default false. */
  readonly keepsIds?: boolean;
  /** Each outcome is told as it comes, and each recipient has a notification of its own. Default false. */
  readonly tells?: boolean;
  /** Where it is counted how long answers took. Default null: nowhere. */
  readonly latencies?: LatencyHistogram | null;
  /** How long APNs may answer TooManyProviderTokenUpdates and accept nothing. Default retryTimeMs. */
  readonly tokenUpdatesTimeMs?: number | undefined;
}

export class NotificationState {
  readonly protocol: Protocol;
  readonly stopsAtFailure: boolean;
  readonly keepsIds: boolean;
  readonly tells: boolean;
  readonly latencies: LatencyHistogram | null;
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
    this.tells = traits.tells ?? false;
    this.latencies = traits.latencies ?? null;
    this.tokenUpdatesTimeMs = traits.tokenUpdatesTimeMs ?? retryTimeMs;
    this.#hasProviderToken = traits.hasProviderToken ?? false;
  }

  /**
   * Notes the answer TooManyProviderTokenUpdates. `onOver` runs if APNs accepts nothing for tokenUpdatesTimeMs from now
   * on: the pool pauses for minutes, and recipients that wait behind the pause have no answer from which a budget
   * would run.
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

  /** Clears the timer: nothing of it is sent any more. */
  end(): void {
    if (this.#updatesTimer !== null) this.#updatesClock?.clearTimer(this.#updatesTimer);
    this.#updatesTimer = null;
  }

  /** Notes a batch that has come. */
  begin(batch: UnsettledBatch): void {
    this.#batches.add(batch);
  }

  /** Called as a batch is settled, before its slot is emptied. */
  settled(batch: UnsettledBatch): void {
    assert(this.#batches.delete(batch), 'a batch of a notification is settled once');
    this.#acceptedInSettled += batch.accepted;
  }

  /**
   * Counts a rejection. Returns true if it is the last of `stopAfterRefusals` rejections with the same reason in a row,
   * with nothing accepted between, and the reason is about the request or the credential, so that every other
   * recipient would get it as well: never where each recipient has a notification of its own. The number of accepted
   * recipients is derived here instead of counted, so that accepting costs nothing.
   */
  isRefusedForGood(status: number, reason: string, nowMs: number): boolean {
    if (this.tells) return false;
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
   * Requests in flight when a provider token expires are all refused alike, and may pass with a new token; the
   * dispatcher stops the send if there is none. Nor does TooManyProviderTokenUpdates count, which the pool waits out:
   * a burst counts once.
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
