/**
 * The service that sends messages through a gateway, and asks it which tokens are no longer valid. Holds nothing but
 * the gateway; make as many as you like. Main thread.
 */
import { PealError } from '../base/errors.js';
import { optionError } from '../base/options.js';
import { addressUrl } from '../push/address.js';
import { otherServiceError } from '../push/compiled-message.js';
import type { BroadcastResult } from './channels/broadcast.js';
import { type BroadcastOptions, checkBroadcast } from './channels/broadcast-options.js';
import { Gateway } from './gateway.js';
import { Message, type MessageOptions } from './message/message.js';
import type { Result } from './message/result.js';
import { MessageSender } from './message-sender.js';
import type { Token } from './recipients/recipient.js';
import type { FeedbackEntry } from './send/gone-tokens.js';
import type { SendOptions } from './send/send-options.js';
import type { PushOptions } from './single/push-options.js';
import type { PushOutcome } from './single/push-outcome.js';
import type { ItemOutcome } from './single/send-each.js';
import type { PushItem, SendEachOptions } from './single/send-each-options.js';

export class APNs {
  readonly #gateway: Gateway;
  readonly #sender: MessageSender;

  /**
   * @throws PealError ERR_PEAL_OPTION for a value that is not a gateway of a session, ERR_PEAL_ADDRESS for a gateway of
   *   another service
   */
  constructor(gateway: Gateway) {
    if (!(gateway instanceof Gateway)) {
      throw optionError('APNs sends through a gateway: give what session.getConnection(…) returns.');
    }
    if (gateway.address.protocol === 'fcm') throw otherServiceError(gateway.address, 'APNs', 'FCM');
    this.#gateway = gateway;
    this.#sender = new MessageSender(gateway, Message);
  }

  get gateway(): Gateway {
    return this.#gateway;
  }

  /**
   * Sends `message` to its tokens, or to `options.recipients`, and resolves once every recipient that was taken in has
   * its one outcome. Any number of sends may run at once on one session.
   *
   * Of many messages (an array, an iterable or an async iterable) each goes to its own tokens, and the result is of all
   * together. They are pulled no faster than they can be sent, so that a generator may yield any number of them. An
   * array is checked before the first message is sent; the others as they are pulled, and one that cannot be sent ends
   * the pulling.
   *
   * What APNs answers, a gateway that cannot be reached, an abort and recipients that cannot be read on are no
   * exceptions: they stand in the result (see `Result.stopped`).
   *
   * Through a binary gateway and with `threads: 0`, a message's own tokens are sent up to the first that the gateway
   * refuses: the others are unsent, and `result.retry()` is the message for them.
   *
   * @throws PealError (as a rejection, and before anything is sent) ERR_PEAL_OPTION for a message or an option that is
   * not valid; ERR_PEAL_HEADER for a message that the credential cannot send (no topic with a provider-token key);
   * ERR_PEAL_PAYLOAD for one that is too large for a binary gateway; ERR_PEAL_ADDRESS for a feedback gateway;
   * ERR_PEAL_CREDENTIAL or ERR_PEAL_SHARD when the engine cannot be started.
   */
  send(message: Message | Iterable<Message> | AsyncIterable<Message>, options?: SendOptions): Promise<Result> {
    return this.#sender.send(message, options);
  }

  /**
   * Sends one notification to one device token, and resolves with its one outcome. Pushes that are under way at once
   * share batches and connections, however many there are and whatever they say; nothing waits for others on purpose.
   *
   * A rejection, a gateway that cannot be reached, a time-out and an invalid token are no exceptions: they are
   * outcomes. HTTP/2 only: a binary gateway does not answer each notification.
   *
   * @param message without tokens: `new Message([], …)`, or the options of one. A message that is sent to many tokens
   *   is best made once
   * @param token hex, `<…>` with blanks, base64, or bytes, as in a Message
   * @throws PealError (as a rejection, and before anything is sent) ERR_PEAL_OPTION, ERR_PEAL_HEADER or
   *   ERR_PEAL_PAYLOAD for a message or an option that is not valid; ERR_PEAL_ADDRESS for a gateway that is not one of
   *   HTTP/2.
   */
  push(message: Message | MessageOptions, token: Token, options?: PushOptions): Promise<PushOutcome> {
    return this.#sender.push(message, token, options);
  }

  /**
   * Pushes each item of a stream, and yields what became of it: one outcome for each item, in the order in which
   * outcomes come. For consumers of a queue that acknowledge each message by itself.
   *
   * Pulls ahead of the consumer, but only while fewer than `maxInFlight` items are pulled and their outcomes not taken.
   * So memory is bounded, and a slow consumer slows the source. An item that is not valid is an outcome, and ends
   * nothing.
   *
   * If the source throws, the outcomes of what was pulled come first, then the error is thrown. If the consumer leaves
   * (`break`, `return`), nothing more is pulled and the source is closed; what is under way is finished in the
   * background, untold, and holds the process till then. After an abort, or when the session is closed, nothing more is
   * pulled, what is not written becomes unsent, and the stream ends behind the last outcome: an item that the source
   * still owes has five seconds to come, and is unsent.
   *
   * HTTP/2 only: a binary gateway does not answer each notification.
   *
   * @param source an iterable or async iterable; pulled from the first `next()` on
   * @throws PealError (at once) ERR_PEAL_OPTION for a source or an option that is not valid; ERR_PEAL_ADDRESS for a
   *   gateway that is not one of HTTP/2; (while iterating) ERR_PEAL_INPUT with what the source threw as its cause.
   */
  sendEach<Item extends PushItem>(
    source: Iterable<Item> | AsyncIterable<Item>,
    options?: SendEachOptions,
  ): AsyncGenerator<ItemOutcome<Item>, void, void> {
    return this.#sender.sendEach(source, options);
  }

  /**
   * Sends one Live Activity update to all subscribers of each channel, and resolves once every channel has its one
   * outcome. A channel id that is given twice is sent to once. As many requests are under way as the gateway takes.
   *
   * What APNs answers, a gateway that cannot be reached, a time-out and an id that is not one are no exceptions: they
   * are outcomes. Nothing is sent a second time on a guess.
   *
   * @param message without tokens; a Live Activity (`event`, `timestamp`, `contentState`). Given as options it may have
   *   5,120 bytes, as a Message 4,096. Without an `expiration` it is sent with 0, as channels that store nothing demand
   * @throws PealError (as a rejection, and before anything is sent) ERR_PEAL_OPTION, ERR_PEAL_HEADER or
   *   ERR_PEAL_PAYLOAD for a message or an option that is not valid; ERR_PEAL_ADDRESS for a gateway that is not one of
   *   HTTP/2.
   */
  async broadcast(
    message: Message | MessageOptions,
    channelIds: string | Iterable<string>,
    options?: BroadcastOptions,
  ): Promise<BroadcastResult> {
    const checked = checkBroadcast(this.#gateway.address, message, channelIds, options);
    // Counted before anything is loaded, so that a session that is closed in the same turn waits for it.
    return this.#gateway.callService(checked.address, async (client, closing) => {
      const { Broadcast } = await import('./channels/broadcast.js');
      return new Broadcast(client, checked, closing).run();
    });
  }

  /**
   * Which tokens are no longer valid, and since when: drop those that were not registered again since.
   *
   * Of a feedback gateway it is the list that the gateway keeps, and clears once it is read; with HTTP/2 it is what the
   * answers 410 to this session's sends through this gateway have told since the last call. Ends by itself.
   *
   * @throws PealError when there is no way to the feedback gateway (an error after that ends the list without one), and
   * ERR_PEAL_ADDRESS for a binary gateway, which has none.
   */
  feedback(): AsyncGenerator<FeedbackEntry, void, undefined> {
    const { address } = this.#gateway;
    if (address.protocol === 'binary') {
      const instead = 'use feedback_production, feedback_sandbox or feedback://host:port';
      const message = `The gateway ${addressUrl(address)} has no feedback: ${instead}.`;
      throw new PealError('ERR_PEAL_ADDRESS', message, { origin: 'usage' });
    }
    return this.#gateway.feedback();
  }
}
