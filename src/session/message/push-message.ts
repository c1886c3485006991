/**
 * What is sent, of any push service: one notification and, where they are not streamed, its recipients. Each service
 * has a message of its own (session/message/message, session/fcm/fcm-message); sends, books and results know this part.
 * Main thread.
 */
import type { PushType } from '../../apns/push-type.js';
import type { Address, Protocol } from '../../push/address.js';
import type { Authentication, CompiledMessage } from '../../push/compiled-message.js';
import type { Notification } from '../../push/notification.js';
import { TokenBlock } from '../../push/token-block.js';
import { checkBlock, type OwnPayload, type Recipient } from '../recipients/recipient.js';
import type { RecipientList } from '../recipients/recipient-list.js';

export abstract class PushMessage {
  /** The recipients, as they were given. Device tokens are checked when they are sent: an invalid one is an outcome. */
  readonly tokens: readonly Recipient[];
  /** 1 for a new message, one more for each `result.retry()`. */
  readonly attempt: number;
  /**
   * How many sends in a row were answered, and gave no recipient a final answer: after ten, retries end.
   *
   * @internal
   */
  readonly fruitlessSends: number;
  /**
   * The notification in parts: the header fields that it shares with other messages, its own, and the payload as text.
   *
   * @internal for sends
   */
  abstract readonly parts: CompiledMessage;

  /** @internal */
  constructor(tokens: Recipient | readonly Recipient[], attempt: number, fruitlessSends: number) {
    this.tokens = listOf(tokens);
    this.attempt = attempt;
    this.fruitlessSends = fruitlessSends;
    for (const recipient of this.tokens) if (recipient instanceof TokenBlock) checkBlock(recipient, 1);
  }

  /** The notification as it is sent: header fields and payload. Frozen, but for the payload's bytes: leave them. */
  get notification(): Notification {
    return this.parts.notification;
  }

  /**
   * Whether the program named the notification of its one recipient.
   *
   * @internal for sends
   */
  get hasApnsId(): boolean {
    return this.parts.apnsId !== null;
  }

  /** APNs only: by which its gateway handles the notification. */
  get pushType(): PushType | null {
    return null;
  }

  /** Whether it has a payload, for recipients without one of their own. */
  get hasPayload(): boolean {
    return this.parts.payloadText !== '';
  }

  /**
   * Throws PealError for a message that cannot be sent to that gateway with that credential.
   *
   * @internal for senders
   */
  abstract checkFor(address: Address, credential: Authentication): void;

  /**
   * The message that sends the same notification once more. `isFruitful`: in the last send a recipient got a final
   * answer.
   *
   * @internal for results
   */
  abstract nextAttempt(recipients: RecipientList, isFruitful: boolean): PushMessage;

  /**
   * The notification as a gateway of `protocol` gets it.
   *
   * @internal for senders
   * @throws PealError ERR_PEAL_PAYLOAD or ERR_PEAL_HEADER for what the protocol cannot carry
   */
  abstract notificationFor(protocol: Protocol): Notification;

  /**
   * A recipient's own payload as it is sent in place of the message's.
   *
   * @internal for sends
   * @throws PealError ERR_PEAL_PAYLOAD
   */
  abstract encodePersonalPayload(payload: OwnPayload, protocol?: Protocol): Uint8Array;
}

/** Of a message for streamed recipients, and for pushes. */
export const nobody: readonly Recipient[] = Object.freeze([]);

function listOf(tokens: Recipient | readonly Recipient[]): readonly Recipient[] {
  if (!Array.isArray(tokens)) return Object.freeze([tokens as Recipient]);
  return tokens.length === 0 ? nobody : Object.freeze([...(tokens as readonly Recipient[])]);
}
