/**
 * One request until its outcome is final: how long it may take, and whether and when it is sent again, by the policy of
 * all retries (apns/retry-policy). Called by channels and broadcasts; main thread.
 *
 * A request that was once unknown never becomes unsent, and what was answered keeps its answer where the next attempt
 * is not written.
 */
import { onAbort } from '../base/abort-listeners.js';
import { PealError } from '../base/errors.js';
import { maxRefusalPauseMs, maxResends, refusalPauseMs } from '../base/limits.js';
import { Timer } from '../base/timers.js';
import { type RetryBudget, type RetryKind, retryAfterMs } from '../push/retry-policy.js';
import { retryKindOf } from '../push-services/reasons.js';
import type { ServiceCall, ServiceClient } from './service-client.js';
import { type ServiceAnswer, type ServiceOutcome, type ServiceRequest, unanswered } from './service-connection.js';

/** What one request may cost. */
export interface AttemptTerms {
  /** How long it may take from its turn on, all attempts together. While others are answered, it waits for its turn. */
  readonly timeoutMs: number;
  /** Null: the first answer is final, but for an expired provider token. */
  readonly budget: RetryBudget | null;
  /** Whether an answer of this kind may be followed by another request. */
  readonly mayRepeat: (kind: RetryKind, status: number) => boolean;
  /**
   * Any of them ends it early: what is not written becomes unsent, what is written still gets its answer. A reason that
   * is a PealError is told as why.
   */
  readonly signals: readonly AbortSignal[];
  /** What it does, for sentences: `The broadcast`. */
  readonly subject: string;
}

/** How it ended. */
export interface FinalOutcome {
  readonly kind: ServiceOutcome['kind'];
  /** Null exactly where `kind` is not `answered`. */
  readonly answer: ServiceAnswer | null;
  /** Why there is no answer, or why an answer was not followed by another attempt. */
  readonly error: PealError | null;
  /** Requests that were answered, or may have been processed. */
  readonly attempts: number;
  /** Whether a request before the last one was written and never answered. */
  readonly wasUnknown: boolean;
  /**
   * Why other requests would end without an answer, too: there is no way to the service or no provider token, or
   * nothing at all was answered for `timeoutMs`. Otherwise null.
   */
  readonly serviceError: PealError | null;
}

/** An expired provider token is the sender's own fault, so that it is replaced even where nothing is sent again. */
const expiredBudget: RetryBudget = { attempts: 2, timeMs: Number.POSITIVE_INFINITY };

/** Resolves with the outcome, and never rejects. */
export function attempt(client: ServiceClient, request: ServiceRequest, terms: AttemptTerms): Promise<FinalOutcome> {
  return new Promise((resolve) => new Attempts(client, request, terms, resolve).next());
}

class Attempts {
  readonly #client: ServiceClient;
  readonly #request: ServiceRequest;
  readonly #terms: AttemptTerms;
  readonly #resolve: (outcome: FinalOutcome) => void;
  readonly #timer: Timer;
  readonly #pauseTimer: Timer;
  readonly #listeners: readonly (() => void)[];
  #call: ServiceCall | null = null;
  /** When it has to be over; until its turn has come, when it was handed in. */
  #deadlineMs: number;
  #hadTurn = false;
  /** When the policy was first asked. */
  #firstMs: number | null = null;
  #attempts = 0;
  #refusals = 0;
  readonly #repeats = new Map<RetryKind, number>();
  #last: ServiceAnswer | null = null;
  #unknown: PealError | null = null;
  #isAborted = false;
  #isOver = false;
  #serviceError: PealError | null = null;

  constructor(
    client: ServiceClient,
    request: ServiceRequest,
    terms: AttemptTerms,
    resolve: (outcome: FinalOutcome) => void,
  ) {
    const { clock } = client;
    this.#client = client;
    this.#request = request;
    this.#terms = terms;
    this.#resolve = resolve;
    this.#timer = new Timer(clock, () => clock.defer(() => this.#onDeadline()));
    this.#pauseTimer = new Timer(clock, () => this.next());
    this.#deadlineMs = clock.now() + terms.timeoutMs;
    this.#timer.set(terms.timeoutMs);
    this.#listeners = terms.signals.map((signal) => onAbort(signal, () => this.#onAbort(signal)));
  }

  next(): void {
    const aborted = this.#terms.signals.find((signal) => signal.aborted);
    if (aborted !== undefined) {
      this.#onAbort(aborted);
      return;
    }
    this.#call = this.#client.request(
      this.#request,
      { onTurn: () => this.#onTurn(), mayReturn: () => !this.#isAborted && !this.#isOver },
      (outcome) => this.#onOutcome(outcome),
    );
  }

  #onTurn(): void {
    if (this.#hadTurn) return;
    this.#hadTurn = true;
    this.#deadlineMs = this.#client.clock.now() + this.#terms.timeoutMs;
    this.#timer.set(this.#terms.timeoutMs);
  }

  #onOutcome(outcome: ServiceOutcome): void {
    if (this.#isOver) return;
    this.#call = null;
    if (outcome.kind !== 'unsent') this.#attempts += 1;
    const waitMs = this.#isAborted ? null : this.#waitMs(outcome);
    if (outcome.kind === 'answered') this.#last = outcome.answer;
    if (waitMs !== null && this.#client.clock.now() + waitMs < this.#deadlineMs) {
      if (outcome.kind === 'unknown') this.#unknown = outcome.error;
      this.#pauseTimer.set(waitMs);
      return;
    }
    this.#end(outcome);
  }

  /** Null: the outcome is final. */
  #waitMs(outcome: ServiceOutcome): number | null {
    if (outcome.kind === 'unsent') {
      if (outcome.ground !== 'refused' || !outcome.error.retryable || this.#refusals >= maxResends) return null;
      this.#refusals += 1;
      return Math.min(maxRefusalPauseMs, refusalPauseMs * 2 ** (this.#refusals - 1));
    }
    const { answer } = outcome;
    if (outcome.kind === 'unknown' && !outcome.error.retryable) return null;
    const kind = answer === null ? 'unknown' : answer.status < 300 ? null : retryKindOf(answer.status, answer.reason);
    if (kind === null || !this.#terms.mayRepeat(kind, answer?.status ?? 0)) return null;
    const budget = this.#terms.budget ?? (kind === 'expired' ? expiredBudget : null);
    if (budget === null) return null;
    const nowMs = this.#client.clock.now();
    this.#firstMs ??= nowMs;
    const repeats = this.#repeats.get(kind) ?? 0;
    const it = {
      kind,
      attempt: this.#attempts,
      repeats,
      elapsedMs: nowMs - this.#firstMs,
      retryAfterSeconds: answer?.retryAfterSeconds ?? null,
    };
    const waitMs = retryAfterMs(it, budget, this.#client.random);
    if (waitMs !== null) this.#repeats.set(kind, repeats + 1);
    return waitMs;
  }

  /** The event loop runs timers first: what has arrived by now was read before this. */
  #onDeadline(): void {
    if (this.#isOver) return;
    const { clock, answeredAtMs } = this.#client;
    // It waits in line behind others, and the line moves.
    const leftMs = (this.#hadTurn ? this.#deadlineMs : answeredAtMs + this.#terms.timeoutMs) - clock.now();
    if (leftMs > 0) {
      this.#timer.set(leftMs);
      return;
    }
    if (clock.now() - answeredAtMs >= this.#terms.timeoutMs) this.#serviceError = silentError(this.#terms);
    this.#giveUp(timeoutError(this.#terms));
  }

  #onAbort({ reason }: AbortSignal): void {
    if (this.#isOver) return;
    this.#isAborted = true;
    // What was begun still gets its answer.
    if (this.#call?.isBegun === true) return;
    this.#giveUp(reason instanceof PealError ? reason : abortedError(this.#terms));
  }

  #giveUp(error: PealError): void {
    if (this.#call !== null) this.#call.abandon(error);
    else this.#end(unanswered('unsent', error));
  }

  #end(outcome: ServiceOutcome): void {
    this.#isOver = true;
    this.#timer.clear();
    this.#pauseTimer.clear();
    for (const stopListening of this.#listeners) stopListening();
    const wasUnknown = this.#unknown !== null;
    if (outcome.kind === 'unsent' && outcome.ground === 'service') this.#serviceError ??= outcome.error;
    const told = { error: outcome.error, attempts: this.#attempts, wasUnknown, serviceError: this.#serviceError };
    if (outcome.kind === 'unsent' && this.#last !== null && !wasUnknown) {
      this.#resolve({ kind: 'answered', answer: this.#last, ...told });
      return;
    }
    const kind = outcome.kind === 'unsent' && wasUnknown ? 'unknown' : outcome.kind;
    this.#resolve({ kind, answer: outcome.answer, ...told });
  }
}

function timeoutError({ subject, timeoutMs }: AttemptTerms): PealError {
  const message = `${subject} was not over within ${timeoutMs} ms.`;
  return new PealError('ERR_PEAL_TIMEOUT', message, { origin: 'gateway', retryable: true });
}

function silentError({ timeoutMs }: AttemptTerms): PealError {
  const message = `Nothing was answered for ${timeoutMs} ms, so that no further request was made.`;
  return new PealError('ERR_PEAL_TIMEOUT', message, { origin: 'gateway', retryable: true });
}

function abortedError({ subject }: AttemptTerms): PealError {
  const message = `${subject} was aborted by its signal before it was sent.`;
  return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
}
