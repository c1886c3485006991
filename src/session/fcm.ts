/**
 * The service that sends messages through FCM. Holds nothing but the gateway; make as many as you like. Main thread.
 */
import { optionError } from '../base/options.js';
import type { FcmMessageOptions } from '../fcm/message-options.js';
import { otherServiceError } from '../push/compiled-message.js';
import { Gateway } from './gateway.js';
import type { Messages } from './many/send-many.js';
import { FcmMessage } from './message/fcm-message.js';
import type { Result } from './message/result.js';
import { MessageSender } from './message-sender.js';
import type { Token } from './recipients/recipient.js';
import type { SendOptions } from './send/send-options.js';
import type { PushOptions } from './single/push-options.js';
import type { PushOutcome } from './single/push-outcome.js';
import type { ItemOutcome } from './single/send-each.js';
import type { PushItem, SendEachOptions } from './single/send-each-options.js';

/** One message to one recipient; see `PushItem`. */
export type FcmItem = PushItem<FcmMessage, FcmMessageOptions>;

export class FCM {
  readonly #gateway: Gateway;
  readonly #sender: MessageSender<FcmMessage, FcmMessageOptions>;

  /**
   * @throws PealError ERR_PEAL_OPTION for a value that is not a gateway of a session, ERR_PEAL_ADDRESS for a gateway of
   *   another service
   */
  constructor(gateway: Gateway) {
    if (!(gateway instanceof Gateway)) {
      throw optionError("FCM sends through a gateway: give what session.getConnection('fcm', …) returns.");
    }
    if (gateway.address.protocol !== 'fcm') throw otherServiceError(gateway.address, 'FCM', 'APNs');
    this.#gateway = gateway;
    this.#sender = new MessageSender(gateway, FcmMessage);
  }

  get gateway(): Gateway {
    return this.#gateway;
  }

  /**
   * Sends `message` to its recipients, or to `options.recipients`, and resolves once every recipient that was taken in
   * has its one outcome. Any number of sends may run at once on one session. Of many messages (an array, an iterable or
   * an async iterable) each goes to its own recipients, and the result is of all together.
   *
   * What FCM answers, a gateway that cannot be reached, an abort and recipients that cannot be read on are no
   * exceptions: they stand in the result (see `Result.stopped`).
   *
   * @throws PealError (as a rejection, and before anything is sent) ERR_PEAL_OPTION for a message or an option that is
   *   not valid; ERR_PEAL_CREDENTIAL or ERR_PEAL_SHARD when the engine cannot be started.
   */
  send(message: FcmMessage | Messages<FcmMessage>, options?: SendOptions): Promise<Result<FcmMessage>> {
    return this.#sender.send(message, options);
  }

  /**
   * Sends one message to one recipient, and resolves with its one outcome: of an accepted one `apnsId` is the name that
   * FCM gave the message. Messages that are under way at once share batches and connections.
   *
   * @param message without recipients: `new FcmMessage([], …)`, or the options of one
   * @param token a registration token, or what `target` of the message says
   * @throws PealError (as a rejection, and before anything is sent) ERR_PEAL_OPTION or ERR_PEAL_PAYLOAD
   */
  push(message: FcmMessage | FcmMessageOptions, token: Token, options?: PushOptions): Promise<PushOutcome> {
    return this.#sender.push(message, token, options);
  }

  /**
   * Sends each item of a stream, and yields what became of it, as `APNs.sendEach` does.
   *
   * @throws PealError (at once) ERR_PEAL_OPTION for a source or an option that is not valid; (while iterating)
   *   ERR_PEAL_INPUT with what the source threw as its cause.
   */
  sendEach<Item extends FcmItem>(
    source: Iterable<Item> | AsyncIterable<Item>,
    options?: SendEachOptions,
  ): AsyncGenerator<ItemOutcome<Item>, void, void> {
    return this.#sender.sendEach(source, options);
  }
}
