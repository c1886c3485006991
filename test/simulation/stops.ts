/**
 * Whether a send that ended early had a reason to: a sender that gives up at the first fault would lose no one, and be
 * of no use. Follows what is said of recipients, and judges by the rules of docs/library.md.
 */
import type { PealErrorCode } from '../../src/base/errors.js';
import {
  answersPerLoss,
  lossesOfOneEvent,
  maxConnectAttempts,
  maxTokenUpdatesPauseMs,
  maxTransientPauseMs,
  maxUnavailableMs,
  requestTimeoutMs,
  transientAnswersBeforePause,
} from '../../src/base/limits.js';
import type { Protocol } from '../../src/push/address.js';
import { classOf } from '../../src/push-services/reasons.js';
import type { Plan } from './plan.js';
import { fcmKinds } from './recipients.js';
import { isStreamStop } from './streamed-job.js';
import type { Outcome } from './wire-request.js';

/** Answers after which the recipient, or its connection, has to be tried again. */
const wedges: ReadonlySet<string> = new Set([
  'Shutdown',
  'ExpiredProviderToken',
  'TooManyProviderTokenUpdates',
  'ACCESS_TOKEN_EXPIRED',
]);
/** Answers of a passing kind that are no fault of the gateway. */
const ownFaults: ReadonlySet<string> = new Set(['TooManyRequests', 'Shutdown', fcmKinds.device, fcmKinds.topic]);

/** A sender may count from the refusals that came with the last answer of use. */
const slackMs = 1_000;

/** What happened in the world. */
export interface StopFacts {
  readonly plan: Plan;
  /** Faults that struck, of network and gateway, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** Connections that are over, or were never reached, without one answer. */
  readonly inconclusiveConnections: number;
}

/** Answers to first requests that are a fault of the gateway, as long as there are no others. */
export class Trouble {
  readonly #now: () => number;
  #sinceMs: number | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;
  #inRow = 0;
  #refusedSinceMs: number | null = null;
  /** When requests were lost, and when answers of use came. */
  readonly #lostAtMs: number[] = [];
  readonly #goodAtMs: number[] = [];
  /** It has lasted for so long, with so many answers, that a sender may give up. */
  wasLong = false;

  readonly #protocol: Protocol;

  constructor(now: () => number, protocol: Protocol) {
    this.#now = now;
    this.#protocol = protocol;
  }

  /** A connection says how a request ended. */
  onReport(outcome: Outcome, status: number, reason: string, isFirst: boolean): void {
    if (outcome === 'unknown') this.#noteLoss();
    if (outcome === 'unsent') this.#noteRefusal();
    if (outcome !== 'accepted' && outcome !== 'rejected') return;
    const reasonClass = outcome === 'accepted' ? null : classOf(status, reason, this.#protocol);
    const isTransient = reasonClass === 'transient' && !ownFaults.has(reason);
    const isWedge = reasonClass === 'connection' || wedges.has(reason);
    if (!isTransient && !isWedge) this.#end();
    else if (isFirst || isWedge) this.#note(isTransient);
  }

  /** Lost requests in the time after which a sender may give up, and no more good answers than make up for them. */
  #noteLoss(): void {
    const now = this.#now();
    this.#lostAtMs.push(now);
    while (now - this.#lostAtMs[0]! > maxUnavailableMs + maxTransientPauseMs) this.#lostAtMs.shift();
    const isLong = now - this.#lostAtMs[0]! >= maxUnavailableMs - maxTransientPauseMs;
    const good = this.#goodAtMs.filter((atMs) => atMs >= this.#lostAtMs[0]!).length;
    const mayMakeUpFor = this.#lostAtMs.length * lossesOfOneEvent * answersPerLoss;
    if (isLong && this.#lostAtMs.length >= 2 && good < mayMakeUpFor) this.wasLong = true;
  }

  /** Nothing but refusals for as long. */
  #noteRefusal(): void {
    const now = this.#now();
    this.#refusedSinceMs ??= now;
    if (now - this.#refusedSinceMs >= maxUnavailableMs - slackMs) this.wasLong = true;
  }

  /** What came together with an answer of use comes after it. */
  #end(): void {
    this.#refusedSinceMs = null;
    this.#goodAtMs.push(this.#now());
    if (this.#goodAtMs.length > 2_000) this.#goodAtMs.splice(0, 1_000);
    this.#sinceMs = this.#lastMs === this.#now() ? this.#lastMs : null;
    this.#inRow = 0;
  }

  #note(isTransient: boolean): void {
    const now = this.#now();
    if (now - this.#lastMs > maxTokenUpdatesPauseMs + requestTimeoutMs) this.#end();
    this.#lastMs = now;
    this.#sinceMs ??= now;
    if (isTransient) this.#inRow += 1;
    const isMuch = this.#inRow >= transientAnswersBeforePause || !isTransient;
    if (now - this.#sinceMs >= maxUnavailableMs && isMuch) this.wasLong = true;
  }
}

/** Why a job must not have been stopped with this code; null where it may. */
export function unjustified(
  code: string,
  job: number,
  { plan, faults, inconclusiveConnections }: StopFacts,
  trouble: Trouble,
): string | null {
  const has = (...kinds: string[]): boolean => kinds.some((kind) => (faults[kind] ?? 0) > 0);
  const because: Partial<Record<PealErrorCode, boolean>> = {
    ERR_PEAL_ABORTED: mayBeAborted(plan, job),
    ERR_PEAL_UNAVAILABLE: trouble.wasLong || plan.threads > 0,
    ERR_PEAL_CREDENTIAL:
      has('wall') ||
      // FCM's endpoint always has another access token.
      (has('gateway expireProviderTokens') && plan.fcm === null) ||
      plan.gateway.conduct?.providerTokenUpdates === 1,
    ERR_PEAL_SHARD: has('crash'),
    // With a clock that was set, provider tokens are from the future, and so invalid.
    ERR_PEAL_STOPPED: plan.binary !== null || has('wall'),
    ERR_PEAL_DISCARDED: plan.binary?.stopsAtFailure === true,
  };
  const { stream } = plan.jobs[job]!;
  if (stream !== null && isStreamStop(code, stream)) return null;
  const isFine = because[code as PealErrorCode] ?? inconclusiveConnections >= maxConnectAttempts;
  return isFine ? null : `job ${job} was stopped with ${code} for no reason`;
}

function mayBeAborted({ jobs, closeAtTaken }: Plan, job: number): boolean {
  const { cancelAtTaken, sourceEnd } = jobs[job]!;
  // A session that one job's stream shuts down is that of the others as well.
  const isShutDown = jobs.some(({ stream }) => stream?.end === 'shutdown');
  return cancelAtTaken !== null || closeAtTaken !== null || sourceEnd?.isAborted === true || isShutDown;
}
