/**
 * How long clients of a service may take. The limits are the usual ones; a test sets shorter ones.
 */
import { answerTimeoutMs, clientSweepMs, requestBodyTimeoutMs, requestHeaderTimeoutMs } from '../../base/limits.js';

export interface ClientPatience {
  /** For the header of a request. */
  readonly headerMs: number;
  /** For a JSON body. */
  readonly bodyMs: number;
  /** To read something of an answer. */
  readonly answerMs: number;
  /** How often it is looked for those that are too slow. */
  readonly sweepMs: number;
}

export const usualPatience: ClientPatience = {
  headerMs: requestHeaderTimeoutMs,
  bodyMs: requestBodyTimeoutMs,
  answerMs: answerTimeoutMs,
  sweepMs: clientSweepMs,
};
