/**
 * Recipients of one notification, as both protocols take them: a run of indices, so that a part of it can be sent, and
 * the rest later, without copying. Made by the owner of the recipients (connection/request-source); only read here.
 */
import type { PersonalParts } from '../push/notification.js';
import type { TokenBlock } from '../push/token-block.js';

/** Those that wait are `order[head] … order[order.length - 1]`, as indices into `tokens` and `personal`. */
export interface Recipients {
  readonly tokens: TokenBlock;
  readonly personal: PersonalParts | null;
  readonly order: Uint16Array;
  /** The owner moves it up once recipients were taken. */
  readonly head: number;
  /** Added to a recipient's index it makes the recipient's tag, an unsigned 32-bit number that answers refer to. */
  readonly tagBase: number;
}

/** Device tokens of today have this many bytes: eight times four, which the fast ways of copying are made for. */
export const commonTokenBytes = 32;
