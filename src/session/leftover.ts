/**
 * What a send of one message left over, and the message that goes on with it. Pure; a result has one for each message.
 */
import type { PealError } from '../base/errors.js';
import { maxFruitlessSends } from '../base/limits.js';
import type { Message } from './message.js';
import { RecipientList } from './recipient-list.js';

export interface Leftover {
  /** The message that was sent; of several sends of one notification the one with the most attempts behind it. */
  readonly message: Message;
  readonly unsent: RecipientList;
  readonly unknown: RecipientList;
  /** Rejected recipients whose fault passes. */
  readonly transient: RecipientList;
  /** Rejected recipients who may be accepted once the sender has mended what was refused (isSendersFault). */
  readonly refused: RecipientList;
  /** Why the send ended before its input did. */
  readonly stopped: PealError | null;
  /** Whether anybody was brought on: accepted, or rejected for good. */
  readonly isFruitful: boolean;
}

/**
 * Whether sending again may bring somebody on. Not after a stop that the same message would meet again; and not after
 * `maxFruitlessSends` that were answered and brought nobody on: a gateway that refuses one token for a passing fault for
 * ever would otherwise be asked for ever.
 */
export function canGoOn({ message, unsent, transient, stopped, isFruitful }: Leftover): boolean {
  if (stopped !== null && !stopped.retryable) return false;
  const isHopeless = !isFruitful && transient.length > 0 && message.fruitlessSends + 1 >= maxFruitlessSends;
  return !isHopeless && unsent.length + transient.length > 0;
}

/** Whom a retry takes in besides those of `canGoOn`. */
export interface RetryChoice {
  /** Those that were written and never answered. Default false. */
  readonly unknown?: boolean;
  /** The cause of the stop, or of the refusals, is mended: all that it kept back, and all that it refused. Default false. */
  readonly mended?: boolean;
}

/**
 * The message for those recipients; null for nobody. Who was not tried yet goes first, so that one token with a passing
 * fault cannot stand in everybody's way.
 */
export function nextMessage(leftover: Leftover, { unknown: withUnknown, mended }: RetryChoice): Message | null {
  const { message, unsent, transient, refused, unknown, isFruitful } = leftover;
  const lists = mended === true || canGoOn(leftover) ? [unsent, transient] : [];
  if (mended === true) lists.push(refused);
  if (withUnknown === true) lists.push(unknown);
  const recipients = RecipientList.concat(...lists);
  return recipients.length === 0 ? null : message.nextAttempt(recipients, isFruitful);
}

/** One for each notification, in the order of their first coming. Associative. */
export function mergeLeftovers(a: readonly Leftover[], b: readonly Leftover[]): Leftover[] {
  const merged = new Map(a.map((leftover) => [leftover.message.notification, leftover]));
  for (const leftover of b) {
    const { notification } = leftover.message;
    const known = merged.get(notification);
    merged.set(notification, known === undefined ? leftover : joined(known, leftover));
  }
  return [...merged.values()];
}

function joined(a: Leftover, b: Leftover): Leftover {
  return {
    message: b.message.attempt > a.message.attempt ? b.message : a.message,
    unsent: RecipientList.concat(a.unsent, b.unsent),
    unknown: RecipientList.concat(a.unknown, b.unknown),
    transient: RecipientList.concat(a.transient, b.transient),
    refused: RecipientList.concat(a.refused, b.refused),
    stopped: a.stopped ?? b.stopped,
    isFruitful: a.isFruitful || b.isFruitful,
  };
}
