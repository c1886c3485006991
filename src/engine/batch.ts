/**
 * The unit of dispatch: at most 1,024 recipients of one notification, their tokens all of one length, packed into
 * ArrayBuffers that are transferred between threads.
 */
import type { Answer } from '../apns/answer.js';
import type { PersonalParts } from '../apns/notification.js';
import type { TokenBlock } from '../apns/token-block.js';

export interface Batch {
  readonly tokens: TokenBlock;
  readonly personal: PersonalParts | null;
}

/** The ids of accepted notifications, by the recipient's index in its batch; null where the answer named none. */
export interface AcceptedIds {
  readonly apnsIds: readonly (string | null)[];
  /** APNs sends them in the development environment only: keys of its delivery log. */
  readonly apnsUniqueIds: readonly (string | null)[];
}

/** What is known of one rejected recipient besides its ledger byte. */
export interface OutcomeDetail extends Answer {
  /** Index of the recipient in its batch. */
  readonly index: number;
}
