/**
 * The outcomes of pushes as a client gets them. Pure; main thread.
 */
import { adviceOf, classOf } from '../../push-services/reasons.js';
import type { PushOutcome } from '../../session/single/push-outcome.js';
import { sentenceOf } from '../http/answer.js';
import type { AskedPushes } from './push-request.js';

/** One outcome as JSON. `class` and `explanation` of a rejection are as in the library's `Failure`. */
function resultOf(outcome: PushOutcome): Readonly<Record<string, unknown>> {
  const { status, reason, apnsId, timestampMs, retryAfterSeconds, attempts, error } = outcome;
  const common = { outcome: outcome.outcome, status, reason, apnsId, timestampMs, retryAfterSeconds, attempts };
  if (outcome.outcome === 'rejected') {
    const { status, reason } = outcome;
    return { ...common, class: classOf(status, reason), explanation: adviceOf(status, reason), error: null };
  }
  return { ...common, error: error === null ? null : { code: error.code, message: sentenceOf(error) } };
}

/** The text of most outcomes, written without an object for it. An apns-id is a UUID, which needs no escapes. */
function resultText(outcome: PushOutcome): string {
  if (outcome.outcome !== 'accepted') return JSON.stringify(resultOf(outcome));
  return (
    `{"outcome":"accepted","status":200,"reason":null,"apnsId":"${outcome.apnsId}","timestampMs":null,` +
    `"retryAfterSeconds":null,"attempts":${outcome.attempts},"error":null}`
  );
}

/**
 * The JSON for a request: one outcome, or all in the order of the request, with the places of push and token in it and
 * how many there are of each outcome.
 *
 * @param isList whether all are asked for. Default: where the request is not a single push
 */
export function resultsText(
  { pushes, isSingle }: AskedPushes,
  outcomes: readonly PushOutcome[],
  isList = !isSingle,
): string {
  if (!isList) return resultText(outcomes[0]!);
  const counts = { accepted: 0, rejected: 0, unsent: 0, unknown: 0, invalid: 0 };
  let results = '';
  let at = 0;
  for (const [push, { tokens }] of pushes.entries()) {
    for (let token = 0; token < tokens.length; token++) {
      const outcome = outcomes[at++]!;
      counts[outcome.outcome] += 1;
      results += `${results === '' ? '' : ','}{"push":${push},"token":${token},${resultText(outcome).slice(1)}`;
    }
  }
  return `{"counts":${JSON.stringify(counts)},"results":[${results}]}`;
}
