/**
 * One route of a shard: the recipients that wait for one gateway with one credential, and the pool of connections that
 * pulls them. Marks the ledger before anything is written and as answers come, and gives a batch back once its last
 * recipient has an outcome. Owned by the shard; called by its pool, on the shard's thread.
 */
import { assert } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { maxRefusedStreams } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { option } from '../../base/wording.js';
import { ConnectionPool } from '../../connection/pool/pool.js';
import type { PoolStats } from '../../connection/pool/pool-options.js';
import type { RequestRun, RequestSource } from '../../connection/request-source.js';
import type { Answer } from '../../push/answer.js';
import { retryRules } from '../../push/retry-policy.js';
import { reasonCode, retryKindOf } from '../../push-services/reasons.js';
import type { Backend } from '../../transport/backend.js';
import type { Allowance } from '../allowance.js';
import { ACCEPTED, QUEUED, REJECTED, tagIndexMask, tagShift, UNKNOWN, UNSENT, WRITTEN } from '../ledger.js';
import type { FromShard, RouteConfig, ToldRecipients } from '../messages.js';
import type { BatchSlot } from './batch-slot.js';
import { EchoedIds } from './echoed-ids.js';
import type { NotificationState } from './notification-state.js';
import { RequestPace } from './request-pace.js';
import { SlotQueue } from './slot-queue.js';

/** Connections by state, their number since the start, and requests without an outcome. */
export type RoutePoolStats = Pick<PoolStats, 'opening' | 'ready' | 'draining' | 'opened' | 'inFlight' | 'streamLimit'>;

/** The part of ConnectionPool that a shard uses. */
export interface RoutePool {
  workAvailable(): void;
  setProviderToken(token: string): void;
  outdate(idleMs: number): void;
  ping(): Promise<boolean[]>;
  close(): Promise<void>;
  stats(): RoutePoolStats;
}

export interface RoutePoolOptions {
  readonly config: RouteConfig;
  readonly backend: Backend;
  readonly source: RequestSource;
  readonly clock: Clock;
  readonly log: Logger;
  /** Random numbers for jitter. Default: the pool's, Math.random. */
  readonly random?: () => number;
}

export type RoutePoolFactory = (options: RoutePoolOptions) => RoutePool;

export const openConnectionPool: RoutePoolFactory = ({ config, ...rest }) => new ConnectionPool({ ...config, ...rest });

/** What all routes of a shard share. */
export interface RouteContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** The shard's slots. Slots that were never used are undefined. */
  readonly slots: readonly (BatchSlot | undefined)[];
  send(message: FromShard, transfer: readonly ArrayBuffer[]): void;
}

export class ShardRoute implements RequestSource {
  readonly #context: RouteContext;
  readonly #slots: readonly (BatchSlot | undefined)[];
  /** The slots with outcomes that are to be told. */
  #telling: BatchSlot[] = [];
  /** The slots with waiting recipients. */
  readonly #queue = new SlotQueue();
  readonly #pool: RoutePool;
  readonly #echoedIds: EchoedIds;
  /** Null without a rate. */
  readonly #pace: RequestPace | null;
  #isWakeDue = false;
  #isStopped = false;

  /** `openPool` is called once, with this route as the source of requests. */
  constructor(
    readonly id: number,
    context: RouteContext,
    openPool: (source: RequestSource) => RoutePool,
    allowance: Allowance | null = null,
  ) {
    this.#context = context;
    this.#slots = context.slots;
    this.#echoedIds = new EchoedIds(context.log, { routeId: id });
    this.#pace = allowance === null ? null : new RequestPace(allowance, context.clock, () => this.#onAllowed());
    this.#pool = openPool(this);
  }

  get pool(): RoutePool {
    return this.#pool;
  }

  /** Takes in a batch that its slot has just begun. */
  add(slot: BatchSlot): void {
    if (slot.remaining === 0) {
      this.#settle(slot);
    } else if (this.#isStopped || slot.state!.isCancelled) {
      this.#giveUp(slot, null);
    } else {
      // Where a rate lets little go, what waits in front of a retry may take longer than a retry may wait.
      if (this.#pace !== null && slot.isRetry) this.#queue.prepend(slot);
      else this.#queue.append(slot);
      this.#limitTime(slot);
      this.#wake();
    }
  }

  /** Makes one recipient unsent if its request is not yet written, and tells in any case. */
  withdraw(slot: BatchSlot, index: number): void {
    const state = slot.ledger[index];
    if (state !== QUEUED && state !== WRITTEN) return;
    const hasWaited = slot.withdraw(index);
    assert(hasWaited === (state === QUEUED), 'exactly the queued recipients of a batch wait');
    if (!hasWaited) {
      this.#tell(slot, index);
      return;
    }
    if (slot.waiting === 0) this.#queue.remove(slot);
    this.#finish(slot, index, UNSENT);
  }

  /** Makes all recipients of a notification that are not yet written unsent. */
  cancel(state: NotificationState): void {
    state.isCancelled = true;
    state.end();
    for (const slot of this.#slots) if (slot?.state === state) this.#giveUp(slot, null);
  }

  /** Makes waiting recipients unsent, ends the connections properly, and settles what is left. */
  async stop(cause: PealError): Promise<void> {
    this.#isStopped = true;
    this.#pace?.stop();
    this.#giveUpAll(cause);
    try {
      await this.#pool.close();
    } finally {
      this.#settleLeft(cause);
    }
  }

  // --- RequestSource: called by the pool ---

  current(): RequestRun | null {
    return this.#pace?.isWaiting === true ? null : this.#queue.first();
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  allow(count: number): number {
    return this.#pace === null ? count : this.#pace.allow(count);
  }

  skip(share: number): void {
    const place = share * this.#queue.length;
    for (let skipped = Math.floor(place); skipped > 0; skipped--) {
      const slot = this.#queue.first()!;
      this.#queue.remove(slot);
      this.#queue.append(slot);
    }
    this.#queue.first()?.skip(place % 1);
  }

  taken(run: RequestRun, count: number): void {
    const slot = run as BatchSlot;
    const { order, ledger } = slot;
    const end = slot.head + count;
    assert(end <= order.length, 'no more recipients are taken than wait');
    for (let at = slot.head; at < end; at++) ledger[order[at]!] = WRITTEN;
    slot.head = end;
    this.#pace?.taken(count);
    if (slot.waiting === 0) this.#queue.remove(slot);
  }

  /** The hot path: nothing here but the ledger and a counter. */
  onAccepted(tag: number): void {
    const slot = this.#outstanding(tag);
    if (slot === null) return;
    slot.ledger[tag & tagIndexMask] = ACCEPTED;
    slot.remaining -= 1;
    if (slot.remaining === 0) this.#settle(slot);
    else if (slot.tells) this.#tell(slot, tag & tagIndexMask);
  }

  onIds(tag: number, apnsId: string | null, uniqueId: string | null): void {
    const slot = this.#slots[tag >>> tagShift];
    const index = tag & tagIndexMask;
    // Other sends may share the connection, and an outcome of a recipient that is not outstanding is an error (see
    // onAccepted).
    if (slot?.state?.keepsIds !== true || slot.ledger[index] !== WRITTEN) return;
    slot.keepIds(index, apnsId, uniqueId);
  }

  onLatency(tag: number, ms: number): void {
    const slot = this.#slots[tag >>> tagShift];
    const latencies = slot?.state?.latencies ?? null;
    // As in onIds.
    if (latencies !== null && slot!.ledger[tag & tagIndexMask] === WRITTEN) latencies.record(ms);
  }

  isRetry(tag: number): boolean {
    return this.#slots[tag >>> tagShift]?.isRetry ?? false;
  }

  onRejected(tag: number, answer: Answer): void {
    const slot = this.#outstanding(tag);
    if (slot === null) return;
    const { status, reason } = answer;
    const state = slot.state!;
    const index = tag & tagIndexMask;
    this.#echoedIds.check(slot, index, answer.apnsId);
    // Another send over the same connection may keep ids.
    const hasForeignId = !state.keepsIds && answer.apnsUniqueId != null;
    const detail = hasForeignId ? { ...answer, index, apnsUniqueId: null } : { ...answer, index };
    slot.details.push(detail);
    if (slot.tells) slot.toldDetails.push(detail);
    slot.notes.write(index, answer);
    if (state.stopsAtFailure) this.#stopAtFailure(state, status, reason);
    this.#finish(slot, index, REJECTED + reasonCode(reason, state.protocol));
    if (retryKindOf(status, reason, state.protocol) === 'token-updates') this.#noteTokenUpdates(state);
    if (!state.isCancelled && state.isRefusedForGood(status, reason, this.#context.clock.now()))
      this.#refuse(state, status, reason);
  }

  onUnsent(tag: number, cause: PealError, isFree = false): void {
    const slot = this.#outstanding(tag);
    if (slot === null) return;
    const index = tag & tagIndexMask;
    const wasDiscarded = cause.code === 'ERR_PEAL_DISCARDED';
    if (wasDiscarded && slot.state!.stopsAtFailure) this.#stop(slot.state!, cause);
    const isRefused = cause.code === 'ERR_PEAL_REFUSED' && slot.countRefusal(index) > maxRefusedStreams;
    if (isRefused || this.#isFinallyUnsent(slot, index, wasDiscarded || isFree)) {
      slot.cause = cause;
      this.#finish(slot, index, UNSENT);
    } else {
      slot.ledger[index] = QUEUED;
      slot.requeue(index);
      this.#queue.prepend(slot);
      this.#wake();
    }
  }

  onUnknown(tag: number, cause: PealError): void {
    const slot = this.#outstanding(tag);
    if (slot === null) return;
    slot.cause = cause;
    this.#finish(slot, tag & tagIndexMask, UNKNOWN);
  }

  onProviderTokenExpired(token: string): void {
    this.#context.send({ kind: 'provider-token-expired', routeId: this.id, token }, []);
  }

  onConnectionOpen(number: number): void {
    this.#context.send({ kind: 'connection', routeId: this.id, number, end: null }, []);
  }

  onConnectionClosed(number: number, answers: number, error: PealError | null): void {
    const end = { answers, cause: error?.toRecord() ?? null };
    this.#context.send({ kind: 'connection', routeId: this.id, number, end }, []);
  }

  onFailed(error: PealError): void {
    this.#context.send({ kind: 'route-failed', routeId: this.id, cause: error.toRecord() }, []);
    this.#giveUpAll(error);
  }

  // --- the rest of a recipient's way ---

  /** Another shard may send to an unsent recipient, so that only a withdrawn one is told of. */
  #finish(slot: BatchSlot, index: number, outcome: number): void {
    slot.ledger[index] = outcome;
    slot.notAccepted += 1;
    slot.remaining -= 1;
    if (slot.remaining === 0) this.#settle(slot);
    else if (slot.tells && (outcome !== UNSENT || slot.isWithdrawn(index))) this.#tell(slot, index);
  }

  /** Notes an outcome that is told with those of the same read, unless its batch is settled before that. */
  #tell(slot: BatchSlot, index: number): void {
    if (slot.told.length === 0) {
      if (this.#telling.length === 0) queueMicrotask(this.#tellAll);
      this.#telling.push(slot);
    }
    slot.told.push(index);
  }

  readonly #tellAll = (): void => {
    const told: ToldRecipients[] = [];
    for (const slot of this.#telling) {
      const { told: indexes, toldDetails: details, cause, ids: kept } = slot;
      if (indexes.length === 0) continue;
      const ids = kept === null ? null : indexes.map((index) => kept.apnsIds[index] ?? null);
      told.push({ slot: slot.slot, indexes, details, ids, cause: cause === null ? null : cause.toRecord() });
      slot.forgetTold();
    }
    this.#telling = [];
    if (told.length > 0) this.#context.send({ kind: 'told', told }, []);
  };

  /**
   * Decides whether a recipient that was not sent may be sent to again. Without limit, if its connection has settled
   * other recipients: a binary gateway discarded it behind a refused notification, or it was above the last stream of
   * a GOAWAY. This ends, because each such connection settles a recipient. A recipient whose stream was refused may
   * come back for almost as long as the pool lets a gateway do nothing else; after that it is unsent, because the
   * gateway may be refusing this very recipient among others that it serves. Everything else has the budget of the
   * policy.
   */
  #isFinallyUnsent(slot: BatchSlot, index: number, isFree: boolean): boolean {
    if (this.#isStopped || slot.state!.isCancelled || slot.isOver || slot.isWithdrawn(index)) return true;
    return !isFree && slot.countAttempt(index) > retryRules.unsent.most;
  }

  #stopAtFailure(state: NotificationState, status: number, reason: string): void {
    const message = `Stopped at the first failure (status ${status} ${reason}): unsent recipients can be retried.`;
    this.#stop(state, new PealError('ERR_PEAL_STOPPED', message, { origin: 'gateway', retryable: true }));
  }

  #noteTokenUpdates(state: NotificationState): void {
    if (state.isCancelled || this.#isStopped) return;
    state.noteTokenUpdates(this.#context.clock, () => this.#stop(state, tokenUpdatesError(state.tokenUpdatesTimeMs)));
  }

  #stop(state: NotificationState, cause: PealError): void {
    if (state.isCancelled) return;
    this.#context.send({ kind: 'stopped', notificationId: state.id, cause: cause.toRecord() }, []);
    this.cancel(state);
  }

  #refuse(state: NotificationState, status: number, reason: string): void {
    this.#context.send({ kind: 'refused', notificationId: state.id, status, reason }, []);
    this.cancel(state);
  }

  /**
   * A pool may hold its requests back for longer than a retry may wait (TooManyProviderTokenUpdates: five minutes).
   * Recipients that have not begun by then become unsent, and the dispatcher restores their former answer.
   */
  #limitTime(slot: BatchSlot): void {
    if (slot.beginWithinMs === null) return;
    slot.endTimer = this.#context.clock.setTimer(() => {
      slot.endTimer = null;
      slot.isOver = true;
      this.#giveUp(slot, null);
    }, slot.beginWithinMs);
  }

  /**
   * Makes the waiting recipients of a slot unsent. Those in flight still get their answers. `null`: cancelled, or the
   * time is over.
   */
  #giveUp(slot: BatchSlot, cause: PealError | null): void {
    const { order, ledger, waiting } = slot;
    for (let at = slot.head; at < order.length; at++) ledger[order[at]!] = UNSENT;
    slot.head = order.length;
    this.#queue.remove(slot);
    slot.notAccepted += waiting;
    slot.remaining -= waiting;
    if (cause !== null && waiting > 0) slot.cause = cause;
    if (slot.remaining === 0 && waiting > 0) this.#settle(slot);
  }

  #giveUpAll(cause: PealError): void {
    for (let slot = this.#queue.first(); slot !== null; slot = this.#queue.first()) this.#giveUp(slot, cause);
  }

  /** After the pool has closed, nothing is in flight. A recipient that the pool forgot must not keep its batch. */
  #settleLeft(cause: PealError): void {
    for (const slot of this.#slots) {
      if (slot?.state?.routeId !== this.id) continue;
      slot.cause = cause;
      this.#queue.remove(slot);
      const { ledger, tokens } = slot;
      for (let index = 0; index < tokens.count; index++) {
        if (ledger[index] === WRITTEN) ledger[index] = UNKNOWN;
        if (ledger[index] === QUEUED) ledger[index] = UNSENT;
      }
      slot.remaining = 0;
      this.#settle(slot);
    }
  }

  #settle(slot: BatchSlot): void {
    const { slot: number, details, ids, cause } = slot;
    if (slot.endTimer !== null) this.#context.clock.clearTimer(slot.endTimer);
    slot.endTimer = null;
    const buffer = slot.end();
    this.#context.send(
      { kind: 'settled', slot: number, buffer, details, ids, cause: cause === null ? null : cause.toRecord() },
      [buffer],
    );
  }

  /** More requests may begin than before. */
  #onAllowed(): void {
    if (!this.isEmpty) this.#pool.workAvailable();
  }

  /** Wakes the pool once a turn, even if several batches came in it, so that they are written together. */
  #wake(): void {
    if (this.#isWakeDue) return;
    this.#isWakeDue = true;
    this.#context.clock.defer(() => {
      this.#isWakeDue = false;
      if (!this.#isStopped) this.#pool.workAvailable();
    });
  }

  /**
   * Returns the slot of a recipient that has a request out. An outcome for any other recipient is a fault of the
   * connection and must not corrupt the ledger.
   */
  #outstanding(tag: number): BatchSlot | null {
    const slot = this.#slots[tag >>> tagShift];
    const state = slot?.ledger[tag & tagIndexMask];
    if (state === WRITTEN) return slot!;
    this.#context.log.error({ routeId: this.id, tag, state: state ?? null }, 'outcome without a request');
    return null;
  }
}

function tokenUpdatesError(timeMs: number): PealError {
  return new PealError(
    'ERR_PEAL_UNAVAILABLE',
    `For ${timeMs / 1000} seconds APNs answered TooManyProviderTokenUpdates and accepted nothing: other processes or ` +
      'machines use provider tokens of their own under this key. Let all of them share one ' +
      `(${option('providerTokenFile', 'option ')}).`,
    { origin: 'credential', retryable: true },
  );
}
