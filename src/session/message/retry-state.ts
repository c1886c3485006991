/**
 * What a send of one message has left to send again, the message for that, and when it is due. Pure, by the policy of
 * sends. A result has one for each message.
 */
import type { PealError } from '../../base/errors.js';
import { maxFruitlessSends } from '../../base/limits.js';
import { backoffMs } from '../../push/retry-policy.js';
import { retryKindOf } from '../../push-services/reasons.js';
import { RecipientList } from '../recipients/recipient-list.js';
import type { Failure } from './failure.js';
import type { PushMessage } from './push-message.js';

export interface RetryState {
  /** The message that was sent; of several sends of one notification the one with the most attempts behind it. */
  readonly message: PushMessage;
  readonly unsent: RecipientList;
  readonly unknown: RecipientList;
  /** Rejected recipients whose fault passes. */
  readonly transient: RecipientList;
  /** Rejected recipients that may be accepted once the sender has mended what was refused (isSendersFault). */
  readonly refused: RecipientList;
  /** Why the send ended before its input did. */
  readonly stopped: PealError | null;
  /** Whether any recipient got a final answer: accepted, or rejected for good. */
  readonly isFruitful: boolean;
}

/**
 * Returns whether sending again may give a recipient a final answer. False after a stop that the same message would
 * meet again. False after `maxFruitlessSends` sends that were answered and gave no recipient a final answer: otherwise
 * a gateway that always refuses one token for a passing fault would be asked without end.
 */
export function canRetry({ message, unsent, transient, stopped, isFruitful }: RetryState): boolean {
  if (stopped !== null && !stopped.retryable) return false;
  const isHopeless = !isFruitful && transient.length > 0 && message.fruitlessSends + 1 >= maxFruitlessSends;
  return !isHopeless && unsent.length + transient.length > 0;
}

/** Which recipients a retry takes in besides those of `canRetry`. */
export interface RetryChoice {
  /** Those that were written and never answered. Default false. */
  readonly unknown?: boolean;
  /**
   * The cause of the stop, or of the refusals, is mended: all that it kept back, and all that it refused. Default
   * false.
   */
  readonly mended?: boolean;
}

/**
 * Returns the message for those recipients, or null when there are none. Recipients that were not tried yet go first,
 * so that one token with a passing fault does not hold up the others.
 */
export function nextMessage(state: RetryState, { unknown: withUnknown, mended }: RetryChoice): PushMessage | null {
  const { message, unsent, transient, refused, unknown, isFruitful } = state;
  const lists = mended === true || canRetry(state) ? [unsent, transient] : [];
  if (mended === true) lists.push(refused);
  if (withUnknown === true) lists.push(unknown);
  const recipients = RecipientList.join(lists);
  return recipients.length === 0 ? null : message.nextAttempt(recipients, isFruitful);
}

/** Returns one state for each notification, in the order of first appearance. */
export function mergeRetryStates(states: readonly RetryState[]): RetryState[] {
  const byNotification = new Map<PushMessage['parts'], RetryState[]>();
  for (const state of states) {
    const same = byNotification.get(state.message.parts);
    if (same === undefined) byNotification.set(state.message.parts, [state]);
    else same.push(state);
  }
  return Array.from(byNotification.values(), joined);
}

function joined(states: readonly RetryState[]): RetryState {
  const [first] = states;
  if (states.length === 1) return first!;
  const all = (name: 'unsent' | 'unknown' | 'transient' | 'refused'): RecipientList =>
    RecipientList.join(states.map((state) => state[name]));
  return {
    message: states.reduce((most, { message }) => (message.attempt > most.attempt ? message : most), first!.message),
    unsent: all('unsent'),
    unknown: all('unknown'),
    transient: all('transient'),
    refused: all('refused'),
    stopped: states.find(({ stopped }) => stopped !== null)?.stopped ?? null,
    isFruitful: states.some(({ isFruitful }) => isFruitful),
  };
}

/**
 * Milliseconds to wait after attempt number `attempt` (from 1): a random part of what doubles with each attempt (full
 * jitter), and never less than any of the failures that pass asks for. The first retry of recipients that were never
 * processed waits only where `hasToWait` says that the cause is likely to stand.
 */
export function retryDelay(
  attempt: number,
  hasToWait: boolean,
  failures: Iterable<Failure>,
  random: () => number,
): number {
  if (attempt === 1 && !hasToWait) return 0;
  const drawn = random();
  let waitMs = backoffMs('transient', attempt, null, () => drawn);
  for (const { status, reason, protocol, retryAfterSeconds, isTransient } of failures) {
    if (!isTransient) continue;
    const kind = retryKindOf(status, reason, protocol) ?? 'transient';
    waitMs = Math.max(
      waitMs,
      backoffMs(kind, attempt, retryAfterSeconds, () => drawn),
    );
  }
  return waitMs;
}
