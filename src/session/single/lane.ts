/**
 * The pushes through one gateway that share their topic, push type and further headers: they are gathered for a turn of
 * the loop, dispatched as batches of one standing job of the engine, and get their outcomes one by one as answers come.
 * Made by Lanes; main thread.
 *
 *   add ──▶ open batch ──flush, at the end of the turn──▶ under way ──told, settled──▶ outcome
 *              ▲                                              │
 *              └──────────── after a wait ◀── a fault that passes
 */
import { assert, rethrowAssertion } from '../../base/assert.js';
import type { TimerHandle } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { withdrawalTimeMs } from '../../base/limits.js';
import type { Batch, OutcomeDetail, SettledBatch, TellingSink } from '../../engine/batch.js';
import type { SendJob } from '../../engine/dispatcher/job.js';
import { ACCEPTED, REJECTED, UNSENT, WRITTEN } from '../../engine/ledger.js';
import type { Protocol } from '../../push/address.js';
import type { CompiledMessage } from '../../push/compiled-message.js';
import type { HeaderField } from '../../push/notification.js';
import { type TokenEncoding, tokenText } from '../../push/token-block.js';
import { classOf } from '../../push-services/reasons.js';
import type { GoneTokens } from '../send/gone-tokens.js';
import type { Engine, SendTarget } from '../send/send.js';
import type { LaneBatch, Push } from './lane-batch.js';
import { pushRetryMs } from './push-retry.js';

/** What lanes of one gateway share. Implemented by Lanes. */
export interface LaneOwner {
  now(): number;
  readonly random: () => number;
  setTimer(callback: () => void, delayMs: number): TimerHandle;
  clearTimer(timer: TimerHandle): void;
  /** Where batches go now; null while the engine is being started. */
  readonly target: SendTarget | null;
  readonly protocol: Protocol;
  /** Told which tokens are gone. */
  readonly gone: GoneTokens | null;
  takeBatch(tokenBytes: number, mask: number, encoding: TokenEncoding): LaneBatch;
  giveBack(batch: LaneBatch): void;
  /** The lane is to be flushed at the end of the turn. */
  flushLater(lane: Lane): void;
  /** A push has to have its outcome at this time. */
  watch(deadlineMs: number): void;
  /** A push of this lane has its outcome. */
  resolved(lane: Lane): void;
}

export class Lane implements TellingSink {
  /** Pushes without an outcome. */
  unresolved = 0;
  /** When it had its last one. */
  idleSinceMs = 0;
  isFlushDue = false;
  readonly headers: readonly HeaderField[];
  readonly encoding: TokenEncoding;
  readonly #bodyStart: Uint8Array | null;
  readonly #isNamedByService: boolean;
  readonly #owner: LaneOwner;
  /** Those that are being filled; of one shape each, but for full ones. */
  #open: LaneBatch[] = [];
  readonly #underWay = new Set<LaneBatch>();
  /** Pushes between two requests. */
  readonly #waiting = new Map<Push, TimerHandle>();
  /** The batch for the next of them, and of no job; null until there is one. */
  #parked: LaneBatch | null = null;
  #job: SendJob | null = null;
  #engine: Engine | null = null;
  /** Batches that no shard has taken yet. Meanwhile pushes gather in the open ones. */
  #dispatching = 0;

  /** `parts`: of any message of the lane. */
  constructor({ sharedHeaders, encoding, bodyStart, isNamedByService }: CompiledMessage, owner: LaneOwner) {
    this.#isNamedByService = isNamedByService;
    this.headers = sharedHeaders;
    this.encoding = encoding;
    this.#bodyStart = bodyStart;
    this.#owner = owner;
  }

  /** The batch into which the next push of that shape goes. */
  batchFor(tokenBytes: number, mask: number): LaneBatch {
    const open = this.#open;
    for (let at = open.length - 1; at >= 0; at--) {
      const batch = open[at]!;
      if (batch.tokenBytes === tokenBytes && batch.mask === mask && !batch.isFull) return batch;
    }
    const batch = this.#owner.takeBatch(tokenBytes, mask, this.encoding);
    open.push(batch);
    return batch;
  }

  /** A push is in the batch that `batchFor` gave. */
  added(push: Push): void {
    this.unresolved += 1;
    this.#owner.watch(push.deadlineMs);
    if (!this.isFlushDue) this.#owner.flushLater(this);
  }

  /** Dispatches what was gathered. */
  flush(): void {
    this.isFlushDue = false;
    const { target } = this.#owner;
    if (target === null || this.#dispatching > 0) return;
    const open = this.#open;
    this.#open = [];
    for (const batch of open) this.#dispatch(target, batch);
  }

  /** The engine could not be started: all that was gathered is unsent. */
  fail(error: PealError): void {
    const open = this.#open;
    this.#open = [];
    for (const batch of open) {
      for (const push of batch.pushes) {
        if (push === null) continue;
        push.notStarted(this.#end(push), error);
        this.#owner.resolved(this);
      }
      this.#owner.giveBack(batch);
    }
  }

  /** Ends its job. No push may be without an outcome. */
  close(): void {
    assert(this.unresolved === 0, 'a lane is closed when all of its pushes have their outcomes');
    this.#endJob();
  }

  /** Settles pushes whose time is over. Returns when the next one's will be; Infinity without one. */
  expire(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const batch of [...this.#open, ...this.#underWay]) {
      if (batch.earliestMs <= nowMs) this.#expireIn(batch, nowMs);
      next = Math.min(next, batch.earliestMs);
    }
    // A push that waits is sent again before its time is over.
    return next;
  }

  /**
   * Ends the wait of one push, for its signal: it is unsent if it is not written. Otherwise it still gets its answer.
   */
  abort(push: Push): void {
    const { batch } = push;
    if (batch === null) return;
    push.isAborted = true;
    if (this.#waiting.has(push)) this.#endWait(push, abortedError());
    else if (batch.job === null || batch.job.withdraw(batch, push.index) === UNSENT)
      this.#resolveUnsent(push, abortedError());
  }

  /** Does the same with all pushes that are meant. */
  abortAll(isMeant: (push: Push) => boolean): void {
    for (const push of [...this.#waiting.keys()]) if (isMeant(push)) this.abort(push);
    for (const batch of [...this.#open, ...this.#underWay]) {
      for (const push of batch.pushes) if (push !== null && isMeant(push)) this.abort(push);
    }
  }

  /** Pushes that wait for a connection: about so many. */
  get queued(): number {
    let queued = this.#job?.interim().queued ?? 0;
    for (const batch of this.#open) queued += batch.unresolved;
    return queued;
  }

  // --- what the engine tells ---

  told(
    batch: Batch,
    index: number,
    outcome: number,
    detail: OutcomeDetail | null,
    cause: PealError | null,
    id: string | null = null,
  ): void {
    const push = (batch as LaneBatch).pushes[index];
    if (push != null) this.#conclude(push, outcome, detail, cause, id);
    // Its caller does not wait any more.
    else if (detail !== null) this.#noteGone(batch as LaneBatch, index, detail);
  }

  settled({ batch: settled, ledger, details, cause, ids = null }: SettledBatch): void {
    const batch = settled as LaneBatch;
    this.#underWay.delete(batch);
    for (const detail of details) this.told(batch, detail.index, ledger[detail.index]!, detail, cause);
    if (batch.unresolved > 0) {
      for (let index = 0; index < ledger.length; index++) {
        const push = batch.pushes[index];
        if (push != null) this.#conclude(push, ledger[index]!, null, cause, ids?.apnsIds[index] ?? null);
      }
    }
    this.#owner.giveBack(batch);
  }

  // --- the way of a batch ---

  #dispatch(target: SendTarget, filled: LaneBatch): void {
    const batch = filled.unresolved === filled.count ? filled : this.#compact(filled);
    if (batch.count === 0) {
      this.#owner.giveBack(batch);
      return;
    }
    const job = this.#runningJob(target);
    batch.close(job);
    this.#underWay.add(batch);
    this.#dispatching += 1;
    job.dispatch(batch).then(this.#onTaken, rethrowAssertion);
  }

  readonly #onTaken = (): void => {
    this.#dispatching -= 1;
    if (this.#open.length > 0 && !this.isFlushDue) this.#owner.flushLater(this);
  };

  /** The same batch without pushes that have their outcome already. */
  #compact(filled: LaneBatch): LaneBatch {
    const batch = this.#owner.takeBatch(filled.tokenBytes, filled.mask, this.encoding);
    for (const push of filled.pushes) if (push !== null) batch.takeOver(push);
    this.#owner.giveBack(filled);
    return batch;
  }

  #runningJob({ engine, route }: SendTarget): SendJob {
    if (this.#job !== null && this.#engine === engine) return this.#job;
    this.#endJob();
    const bodyStart = this.#bodyStart;
    const nothing = { payload: new Uint8Array(0), expiration: null, priority: null };
    const notification = { headers: this.headers, ...nothing, ...(bodyStart !== null && { bodyStart }) };
    // An engine that is being closed stops a job before it returns it.
    let begun: SendJob | null = null;
    const job = engine.send(route, notification, this, {
      isStanding: true,
      keepIds: this.#isNamedByService,
      onStopped: () => {
        if (begun !== null && this.#job === begun) this.#endJob();
      },
    });
    begun = job;
    if (job.stopped === null) {
      this.#engine = engine;
      this.#job = job;
    } else {
      // Behind the batch for which it was made, which comes back unsent.
      finishLater(job);
    }
    return job;
  }

  /** The next batch begins another job. What waits to be sent again keeps the answer that it had. */
  #endJob(): void {
    for (const push of this.#waiting.keys()) this.#endWait(push, stoppedError());
    const job = this.#job;
    this.#job = null;
    this.#engine = null;
    // Its batches come back all the same, and the job is over with the last of them.
    if (job !== null) finishLater(job);
  }

  // --- the end of a push ---

  #conclude(
    push: Push,
    outcome: number,
    detail: OutcomeDetail | null,
    cause: PealError | null,
    id: string | null,
  ): void {
    if (outcome === ACCEPTED) {
      push.accepted(this.#end(push), requestsOf(push) + 1, id);
      this.#owner.resolved(this);
    } else if (outcome >= REJECTED) {
      this.#rejected(push, detail!);
    } else if (outcome === UNSENT) {
      if (push.isAborted) this.#resolveUnsent(push, abortedError());
      else if (push.isWithdrawn) this.#resolveUnsent(push, this.#lateError(push, false));
      else this.#resolveUnsent(push, cause ?? push.batch!.job!.stopped ?? stoppedError());
    } else if (outcome === WRITTEN) {
      // It could not be withdrawn: if its time is over, nobody waits for the answer.
      if (push.isWithdrawn && push.isPatient) push.isWithdrawn = false;
      else if (push.isWithdrawn) this.#resolveUnknown(push, this.#lateError(push, true));
    } else {
      this.#resolveUnknown(push, cause ?? push.batch!.job!.stopped ?? stoppedError());
    }
  }

  #rejected(push: Push, detail: OutcomeDetail): void {
    const batch = push.batch!;
    const owner = this.#owner;
    const isOver = push.isWithdrawn || push.isAborted || !push.maySendAgain;
    const waitMs = isOver ? null : pushRetryMs(push, detail, owner.protocol, owner.now(), owner.random);
    if (waitMs === null) {
      this.#noteGone(batch, push.index, detail);
      push.rejected(this.#end(push), detail, requestsOf(push) + 1);
      owner.resolved(this);
      return;
    }
    this.#parkedFor(batch).takeOver(push);
    this.#waiting.set(
      push,
      owner.setTimer(() => this.#sendAgain(push), waitMs),
    );
  }

  #sendAgain(push: Push): void {
    const { batch } = push;
    this.#waiting.delete(push);
    this.batchFor(batch!.tokenBytes, batch!.mask).takeOver(push);
    this.#unparked(batch!);
    this.#owner.watch(push.deadlineMs);
    if (!this.isFlushDue) this.#owner.flushLater(this);
  }

  #endWait(push: Push, error: PealError): void {
    const { batch } = push;
    this.#owner.clearTimer(this.#waiting.get(push));
    this.#waiting.delete(push);
    this.#resolveUnsent(push, error);
    this.#unparked(batch!);
  }

  /** Where a push of the shape of `batch` waits. */
  #parkedFor({ tokenBytes, mask }: LaneBatch): LaneBatch {
    const parked = this.#parked;
    if (parked !== null && parked.tokenBytes === tokenBytes && parked.mask === mask && !parked.isFull) return parked;
    this.#parked = this.#owner.takeBatch(tokenBytes, mask, this.encoding);
    return this.#parked;
  }

  /** A push does not wait in this batch any more. */
  #unparked(batch: LaneBatch): void {
    if (batch.unresolved > 0) return;
    if (this.#parked === batch) this.#parked = null;
    this.#owner.giveBack(batch);
  }

  #expireIn(batch: LaneBatch, nowMs: number): void {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const push of batch.pushes) {
      if (push === null) continue;
      if (push.deadlineMs <= nowMs) this.#expire(push, batch, nowMs);
      if (push.batch === batch) earliestMs = Math.min(earliestMs, push.deadlineMs);
    }
    batch.earliestMs = earliestMs;
  }

  #expire(push: Push, batch: LaneBatch, nowMs: number): void {
    if (push.isAnswerTimed) {
      // Also one that was written and refused waits for its turn again.
      if (batch.job === null || batch.job.isQueued(batch, push.index)) {
        push.awaitWrite(nowMs);
        return;
      }
      if (!push.isAnswerDue) {
        push.isAnswerDue = true;
        push.deadlineMs = nowMs + push.options.answerTimeoutMs!;
        return;
      }
    }
    if (batch.job === null) {
      this.#resolveUnsent(push, this.#lateError(push, false));
      return;
    }
    const state = batch.job.withdraw(batch, push.index);
    if (state === UNSENT) this.#resolveUnsent(push, this.#lateError(push, false));
    else if (push.isPatient && (state === WRITTEN || push.isWithdrawn)) push.deadlineMs = Number.POSITIVE_INFINITY;
    else if (state === WRITTEN || push.isWithdrawn) this.#resolveUnknown(push, this.#lateError(push, true));
    else {
      // A thread has yet to say whether it could take the push back, or its answer is on its way.
      push.isWithdrawn = true;
      push.deadlineMs = nowMs + withdrawalTimeMs;
    }
  }

  #lateError(push: Push, isWritten: boolean): PealError {
    const within = `within ${push.options.answerTimeoutMs ?? push.options.timeoutMs} ms`;
    const trouble = this.#owner.target?.route.trouble ?? null;
    const why = ': every connection was busy or being opened, or the gateway refused the stream';
    const message = isWritten
      ? `The push was written and not answered ${within}: sending it again may show the notification twice.`
      : `The push was not written ${within}${trouble === null ? why : ''}.`;
    const error = new PealError('ERR_PEAL_TIMEOUT', message, { origin: 'gateway', retryable: true });
    return isWritten || trouble === null ? error : error.withSentence(trouble.message);
  }

  #noteGone(batch: LaneBatch, index: number, { status, reason, timestampMs }: OutcomeDetail): void {
    if (classOf(status, reason, this.#owner.protocol) !== 'gone' || !batch.noteGone(index)) return;
    this.#owner.gone?.add(tokenText(batch.tokenAt(index), this.encoding), timestampMs);
  }

  /** A push that was answered before, and then not sent again, keeps that answer. */
  #resolveUnsent(push: Push, error: PealError): void {
    const { retries } = push;
    const stopped = push.batch!.job?.stopped ?? null;
    const from = this.#end(push);
    if (retries === null) push.unanswered(from, 'unsent', error, 0, stopped);
    else push.rejected(from, retries.answer, retries.requests);
    this.#owner.resolved(this);
  }

  #resolveUnknown(push: Push, error: PealError): void {
    const stopped = push.batch!.job?.stopped ?? null;
    push.unanswered(this.#end(push), 'unknown', error, requestsOf(push) + 1, stopped);
    this.#owner.resolved(this);
  }

  /** Returns the batch that it was in. */
  #end(push: Push): LaneBatch {
    const batch = push.batch!;
    batch.leave(push);
    this.unresolved -= 1;
    push.stopListening?.();
    return batch;
  }
}

/** Requests that were answered before. */
function requestsOf({ retries }: Push): number {
  return retries === null ? 0 : retries.requests;
}

function finishLater(job: SendJob): void {
  queueMicrotask(() => void job.finish().catch(rethrowAssertion));
}

function abortedError(): PealError {
  return new PealError('ERR_PEAL_ABORTED', 'The push was aborted by its signal before it was sent.', {
    origin: 'usage',
    retryable: true,
  });
}

function stoppedError(): PealError {
  return new PealError('ERR_PEAL_CLOSED', 'The connection ended before the push was answered.', {
    origin: 'gateway',
    retryable: true,
  });
}
