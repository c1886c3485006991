/**
 * What became of a request that has no other result than success, as an error: what the service answered, or that it
 * did not answer. Thrown by channels.
 */
import { type ErrorRecord, PealError } from '../base/errors.js';
import { adviceOf } from '../push-services/reasons.js';

/** A request that the gateway answered, and did not carry out. */
export class AnswerError extends PealError {
  /** The HTTP status. */
  readonly status: number;
  /** Apple's reason; empty if the answer named none. */
  readonly reason: string;

  /** @internal */
  constructor(message: string, status: number, reason: string, isRetryable: boolean) {
    super('ERR_PEAL_ANSWER', message, { origin: 'gateway', retryable: isRetryable });
    this.status = status;
    this.reason = reason;
  }

  override toJSON(): ErrorRecord & { readonly status: number; readonly reason: string } {
    return { ...super.toJSON(), status: this.status, reason: this.reason };
  }
}

/** A request without an answer. Code and message say why. */
export class NoAnswerError extends PealError {
  /** `unsent`: certainly not carried out. `unknown`: written, so that it may have been. */
  readonly outcome: 'unsent' | 'unknown';

  /** @internal */
  constructor(why: PealError, outcome: 'unsent' | 'unknown') {
    const { code, marked, origin, retryable, cause } = why;
    super(code, marked, { origin, retryable, cause });
    this.outcome = outcome;
  }

  override toJSON(): ErrorRecord & { readonly outcome: 'unsent' | 'unknown' } {
    return { ...super.toJSON(), outcome: this.outcome };
  }
}

/**
 * @param subject who answered what: `gateway.example:2195 answered the request to create a channel`
 * @param isRetryable whether the same call may succeed later
 * @param after a sentence for the end; empty: none
 */
export function answerError(
  subject: string,
  status: number,
  reason: string,
  isRetryable: boolean,
  after: string,
): AnswerError {
  const answer = reason === '' ? `HTTP ${status}` : `${status} ${reason}`;
  const message = `${subject} with "${answer}". ${adviceOf(status, reason)} ${after}`.trimEnd();
  return new AnswerError(message, status, reason, isRetryable);
}
