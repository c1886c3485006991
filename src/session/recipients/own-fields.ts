/**
 * Reads the header fields that one recipient brings of its own. Called by the packer for recipients that are objects,
 * and for those of a list kept from an earlier send, which may have gone to another kind of gateway; main thread.
 */
import { collapseIdProblem, priorityProblem } from '../../apns/headers.js';
import type { PushType } from '../../apns/push-type.js';
import { type Clock, systemClock } from '../../base/clock.js';
import { inWords, recipientWords, type Words } from '../../base/wording.js';
import type { Protocol } from '../../push/address.js';
import type { PersonalFields } from '../../push/notification.js';
import { collapseIdAt, fieldMask, OWN_COLLAPSE_ID, OWN_EXPIRATION, OWN_PRIORITY } from '../../push/personal-fields.js';
import { secondsOf } from '../../push/time-option.js';
import type { PersonalRecipient } from './recipient.js';

/** Checked fields of one recipient; those that `mask` does not name count for nothing. */
export interface OwnFields {
  readonly mask: number;
  /** Epoch seconds. */
  readonly expiration: number;
  readonly priority: number;
  readonly collapseId: string;
}

/** What the message and the way of it allow. */
export interface FieldContext {
  readonly pushType: PushType | null;
  readonly protocol: Protocol;
  /** For times from now. Default: the system's. */
  readonly clock?: Clock;
}

/**
 * Returns null if there are none; a text, the rest of a sentence about the recipient, if one may not be sent. The
 * sentence quotes nothing of the recipient.
 *
 * @param words for that sentence. Default: those of a program
 */
export function ownFieldsOf(
  recipient: PersonalRecipient,
  context: FieldContext,
  words: Words = recipientWords,
): OwnFields | string | null {
  const { expiration, priority, collapseId } = recipient;
  if (expiration === undefined && priority === undefined && collapseId === undefined) return null;
  if (context.protocol === 'fcm') return 'has header fields of its own, and FCM has none: put them into its payload';
  const seconds = expiration === undefined ? 0 : secondsOf(expiration, context.clock ?? systemClock);
  if (typeof seconds === 'string') return `has an expiration that ${inWords(seconds, words)}`;
  const problem = problemOf(recipient, context, words);
  if (problem !== null) return problem;
  return {
    mask:
      (expiration === undefined ? 0 : OWN_EXPIRATION) |
      (priority === undefined ? 0 : OWN_PRIORITY) |
      (collapseId === undefined ? 0 : OWN_COLLAPSE_ID),
    expiration: seconds,
    priority: priority ?? 0,
    collapseId: collapseId ?? '',
  };
}

/** The header fields of the recipient at `index`. */
export function fieldsAt(fields: PersonalFields, index: number): OwnFields {
  return {
    mask: fieldMask(fields),
    expiration: fields.expirations?.[index] ?? 0,
    priority: fields.priorities?.[index] ?? 0,
    collapseId: collapseIdAt(fields, index) ?? '',
  };
}

/**
 * Why the fields of a recipient that was kept may not be sent this way, as the rest of a sentence; null where they may.
 */
export function keptFieldsProblem(fields: OwnFields, context: FieldContext): string | null {
  const { mask, priority, collapseId } = fields;
  return problemOf(
    {
      ...((mask & OWN_PRIORITY) !== 0 && { priority: priority as 10 | 5 | 1 }),
      ...((mask & OWN_COLLAPSE_ID) !== 0 && { collapseId }),
    },
    context,
    recipientWords,
  );
}

function problemOf(own: Omit<PersonalRecipient, 'token'>, context: FieldContext, words: Words): string | null {
  const { priority, collapseId } = own;
  const { pushType, protocol } = context;
  if (priority !== undefined) {
    const problem = priorityProblem(priority, pushType);
    if (problem !== null) return `has a priority that ${inWords(problem, words)}`;
    if (protocol === 'binary' && priority === 1) return 'has the priority 1, which a binary gateway does not know';
  }
  if (collapseId === undefined) return null;
  if (protocol === 'binary') return 'has a collapseId, which a binary gateway cannot be told';
  const problem = collapseIdProblem(collapseId);
  return problem === null ? null : `has a collapseId that ${inWords(problem, words)}`;
}
