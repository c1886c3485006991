/**
 * What the answers of one connection say about the connection itself. Owned by AnswerMonitor, which tells it of each
 * answer other than 200 and asks after each read. Holds no timer and reads no clock.
 *
 * APNs ties more to a connection than HTTP/2 does, and some connections never recover: observed are runs of 500s that
 * end with the connection, and connections that refuse every provider token after an expired one. Such a *wedged*
 * connection takes no more work, gets the answers that still come, and has a successor.
 *
 * For a gateway of APNs; those of other services fall into the same kinds (push/retry-policy):
 *
 *   answer                              the connection        its pool (send-gate)
 *   500 InternalServerError, k in a row wedged                pauses where all answers are such
 *   503, other 5xx, 429 without reason  slower (error-pace)   pauses where all answers are such
 *   a 500 to a retry                    counts as below       – (it may be the recipient, and is bounded by its budget)
 *   a 503 to a retry                    slower (error-pace)   – (likewise)
 *   503 Shutdown                        wedged                –
 *   ExpiredProviderToken                wedged                waits for another token
 *   TooManyProviderTokenUpdates         wedged                pauses
 *   class `connection` (IdleTimeout …)  wedged                –
 *   TooManyRequests, 410                –                     –
 *   any other 4xx                       slower (error-pace)   –
 *
 * Recipients that always get a 500 are retried together, so their 500s come in a row. If retries alone counted, each
 * new connection would be replaced in turn. So a run of 500s counts only as far as first requests are in it.
 */
import { maxServerErrorsInRow } from '../base/limits.js';
import type { Answer } from '../push/answer.js';
import type { Http2PushProtocol } from '../push/push-protocol.js';
import type { RetryKind } from '../push/retry-policy.js';
import { classOf, retryKindOf } from '../push-services/reasons.js';

/** Why a connection is of no further use. */
export type Wedge = 'server-errors' | 'shutdown' | 'token-expired' | 'token-updates' | 'unsuitable';

/** The answers of one read that were not 200, by what they are a sign of. One answer may count in several. */
export interface AnswerReview {
  /** Answers other than 410 and TooManyRequests: a reason to send less. */
  readonly bad: number;
  /** The gateway has a fault of its own that passes. */
  readonly transient: number;
  /** The same, to recipients that were sent to before: says nothing new about the gateway. */
  readonly repeated: number;
  readonly tokenUpdates: number;
  /** Answers that settle no recipient: the recipient has to be sent to again, or no request will ever succeed. */
  readonly inconclusive: number;
  /** The longest Retry-After among the transient ones; 0 without one. */
  readonly retryAfterMs: number;
}

export class ConnectionHealth implements AnswerReview {
  bad = 0;
  transient = 0;
  repeated = 0;
  tokenUpdates = 0;
  inconclusive = 0;
  retryAfterMs = 0;
  /** An answer of this read said that the provider token has expired. */
  isTokenExpired = false;
  /** The first reason to replace the connection; stays. */
  wedge: Wedge | null = null;
  /** 500s in a row: to first requests, and to retries. */
  #firstErrors = 0;
  #repeatedErrors = 0;
  #lastServerErrorAt = 0;
  readonly #service: Http2PushProtocol;

  constructor(service: Http2PushProtocol) {
    this.#service = service;
  }

  /**
   * An answer other than 200 came; `answers`: all answers of the connection so far, this one included. `isRetry`: the
   * recipient was sent to before.
   */
  rejected(answers: number, answer: Answer, isRetry: boolean): void {
    const { status, reason, retryAfterSeconds } = answer;
    const { protocol, shutdownReason } = this.#service;
    const reasonClass = classOf(status, reason, protocol);
    const kind = retryKindOf(status, reason, protocol);
    if (reasonClass === 'gone' || kind === 'busy' || kind === 'topic-quota') return;
    this.bad++;
    const wedge = this.#wedgeOf(answers, answer, kind, isRetry);
    if (wedge !== null) this.wedge ??= wedge;
    if (wedge === 'token-expired') this.isTokenExpired = true;
    if (wedge === 'token-updates') this.tokenUpdates++;
    const isTransient = reason !== shutdownReason && reasonClass === 'transient';
    if (isTransient && isRetry) {
      this.repeated++;
    } else if (isTransient) {
      this.transient++;
      this.retryAfterMs = Math.max(this.retryAfterMs, (retryAfterSeconds ?? 0) * 1000);
    }
    if (wedge !== null || isTransient) this.inconclusive++;
  }

  /** Everything that concerned the read that is over has been looked at. */
  forgetRead(): void {
    if (this.bad === 0) return;
    this.bad = 0;
    this.transient = 0;
    this.repeated = 0;
    this.tokenUpdates = 0;
    this.inconclusive = 0;
    this.retryAfterMs = 0;
    this.isTokenExpired = false;
  }

  #wedgeOf(answers: number, { status, reason }: Answer, kind: RetryKind | null, isRetry: boolean): Wedge | null {
    if (kind === 'expired') return 'token-expired';
    if (kind === 'token-updates') return 'token-updates';
    if (reason !== '' && reason === this.#service.shutdownReason) return 'shutdown';
    if (status === 500) return this.#isServerErrorTooMany(answers, isRetry) ? 'server-errors' : null;
    return kind === 'connection' ? 'unsuitable' : null;
  }

  /** Accepted ones are not counted here: whether one lay between is seen from the running total of answers. */
  #isServerErrorTooMany(answers: number, isRetry: boolean): boolean {
    if (answers !== this.#lastServerErrorAt + 1) {
      this.#firstErrors = 0;
      this.#repeatedErrors = 0;
    }
    this.#lastServerErrorAt = answers;
    if (isRetry) this.#repeatedErrors++;
    else this.#firstErrors++;
    // Retries count for no more than first requests do.
    return this.#firstErrors + Math.min(this.#firstErrors, this.#repeatedErrors) >= maxServerErrorsInRow;
  }
}
