/** What a service answered to a request that has no other result than success, as an error. Thrown by channels. */
import { adviceOf } from '../apns/reason.js';
import { type ErrorRecord, PealError } from '../base/errors.js';

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

/**
 * @param subject who answered what: `gateway.example:2195 answered the request to create a channel`
 * @param isRetryable whether the same call may succeed later
 */
export function answerError(subject: string, status: number, reason: string, isRetryable: boolean): AnswerError {
  const answer = reason === '' ? `HTTP ${status}` : `${status} ${reason}`;
  const message = `${subject} with "${answer}". ${adviceOf(status, reason)}`;
  return new AnswerError(message, status, reason, isRetryable);
}
