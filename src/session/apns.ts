/**
 * The service that sends messages through a gateway, and asks it which tokens are no longer valid. Holds nothing but
 * the gateway; make as many as you like. Main thread.
 */
import { addressUrl } from '../apns/address.js';
import { checkAuthentication, checkEnvironment } from '../apns/compile-notification.js';
import { PealError } from '../base/errors.js';
import { optionError } from '../base/options.js';
import type { BroadcastResult } from './channels/broadcast.js';
import { type BroadcastOptions, checkBroadcast } from './channels/broadcast-options.js';
import { Gateway } from './gateway.js';
import { isLone, sendLone } from './many/lone-send.js';
import { type Messages, SendMany } from './many/send-many.js';
import { Message, type MessageOptions } from './message/message.js';
import { Result } from './message/result.js';
import { countRecipients, type Token } from './recipients/recipient.js';
import type { FeedbackEntry } from './send/gone-tokens.js';
import { Send } from './send/send.js';
import {
  checkManyOptions,
  checkPersonal,
  checkProtocolOptions,
  checkSendOptions,
  type SendOptions,
} from './send/send-options.js';
import { checkPushOptions, checkPushProtocol, messageToPush, type PushOptions } from './single/push-options.js';
import type { PushOutcome } from './single/push-outcome.js';
import { type ItemOutcome, SendEach } from './single/send-each.js';
import { checkSendEachOptions, checkSource, type PushItem, type SendEachOptions } from './single/send-each-options.js';

export class APNs {
  readonly #gateway: Gateway;

  /** @throws PealError ERR_PEAL_OPTION for a value that is not a gateway of a session. */
  constructor(gateway: Gateway) {
    if (!(gateway instanceof Gateway)) {
      throw optionError('APNs sends through a gateway: give what session.getConnection(…) returns.');
    }
    this.#gateway = gateway;
  }

  get gateway(): Gateway {
    return this.#gateway;
  }

  /**
   * Sends `message` to its tokens, or to `options.recipients`, and resolves once every recipient that was taken in has
   * its one outcome. Any number of sends may run at once on one session.
   *
   * Of many messages (an array, an iterable or an async iterable) each goes to its own tokens, and the result is of all
   * together. They are pulled no faster than they can be sent, so that a generator may yield any number of them. An array is
   * checked before the first message is sent; the others as they are pulled, and one that cannot be sent ends the pulling.
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
    const isUsual = options === undefined && this.#gateway.address.protocol === 'http2';
    if (isUsual && message instanceof Message && isLone(message)) return sendLone(this.#gateway.lanes, message);
    return this.#send(message, options);
  }

  async #send(message: Message | Messages, options: SendOptions | undefined): Promise<Result> {
    checkProtocolOptions(this.#gateway.address.protocol, options);
    if (!(message instanceof Message) && isIterable(message)) return this.#sendMany(message, options);
    this.#check(message);
    const checked = checkSendOptions(message, options);
    if (options?.recipients === undefined && message.tokens.length === 0) return new Result();
    return this.#gateway.run((target) => new Send(target, message, checked).run());
  }

  /**
   * Sends one notification to one device token, and resolves with its one outcome. Pushes that are under way at once share
   * batches and connections, however many there are and whatever they say; nothing waits for others on purpose.
   *
   * A rejection, a gateway that cannot be reached, a time-out and an invalid token are no exceptions: they are outcomes.
   * HTTP/2 only: a binary gateway does not answer each notification.
   *
   * @param message without tokens: `new Message([], …)`, or the options of one. A message that is sent to many tokens is best
   *   made once
   * @param token hex, `<…>` with blanks, base64, or bytes, as in a Message
   * @throws PealError (as a rejection, and before anything is sent) ERR_PEAL_OPTION, ERR_PEAL_HEADER or ERR_PEAL_PAYLOAD for a
   *   message or an option that is not valid; ERR_PEAL_ADDRESS for a gateway that is not one of HTTP/2.
   */
  push(message: Message | MessageOptions, token: Token, options?: PushOptions): Promise<PushOutcome> {
    return new Promise((resolve) => {
      checkPushProtocol(this.#gateway.address);
      this.#gateway.lanes.start(messageToPush(message).parts, token, checkPushOptions(options), resolve);
    });
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
    checkPushProtocol(this.#gateway.address);
    checkSource(source);
    return new SendEach(source, checkSendEachOptions(options), this.#gateway);
  }

  /**
   * Sends one Live Activity update to all subscribers of each channel, and resolves once every channel has its one
   * outcome. A channel id that is given twice is sent to once. As many requests are under way as the gateway takes.
   *
   * What APNs answers, a gateway that cannot be reached, a time-out and an id that is not one are no exceptions: they are
   * outcomes. Nothing is sent a second time on a guess.
   *
   * @param message without tokens; a Live Activity (`event`, `timestamp`, `contentState`). Given as options it may have
   *   5,120 bytes, as a Message 4,096. Without an `expiration` it is sent with 0, as channels that store nothing demand
   * @throws PealError (as a rejection, and before anything is sent) ERR_PEAL_OPTION, ERR_PEAL_HEADER or ERR_PEAL_PAYLOAD for a
   *   message or an option that is not valid; ERR_PEAL_ADDRESS for a gateway that is not one of HTTP/2.
   */
  async broadcast(
    message: Message | MessageOptions,
    channelIds: string | Iterable<string>,
    options?: BroadcastOptions,
  ): Promise<BroadcastResult> {
    const checked = checkBroadcast(this.#gateway.address, message, channelIds, options);
    const { Broadcast } = await import('./channels/broadcast.js');
    return this.#gateway.callService(checked.address, (client) => new Broadcast(client, checked).run());
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

  async #sendMany(messages: Messages, options: SendOptions | undefined): Promise<Result> {
    const checked = checkManyOptions(options);
    const check = (message: unknown): void => {
      this.#check(message);
      checkPersonal(message, checked.personal);
    };
    const { lanes } = this.#gateway;
    if (!Array.isArray(messages)) {
      return this.#gateway.run((target) => new SendMany({ ...target, lanes }, messages, checked, check).run());
    }
    // An array is checked before the first message is sent, and counted to its end after a stop.
    const all = [...(messages as readonly Message[])];
    all.forEach(check);
    if (all.every(({ tokens }) => tokens.length === 0)) return new Result();
    const { onProgress } = checked;
    const total =
      checked.total ?? (onProgress === null ? null : all.reduce((sum, { tokens }) => sum + countRecipients(tokens), 0));
    const ofArray = { ...checked, total, takesRest: true };
    return this.#gateway.run((target) => new SendMany({ ...target, lanes }, all, ofArray, () => {}).run());
  }

  #check(message: unknown): asserts message is Message {
    if (!(message instanceof Message))
      throw optionError('send takes a Message, or an iterable of them: make one with new Message(tokens, …).');
    const { address, credential } = this.#gateway;
    if (address.protocol === 'http2') {
      checkAuthentication(message.parts, credential, address);
    } else if (address.protocol === 'binary') {
      checkEnvironment(credential, address);
      message.notificationFor('binary');
    } else {
      const text = `The gateway ${addressUrl(address)} takes no notifications: read it with feedback().`;
      throw new PealError('ERR_PEAL_ADDRESS', text, { origin: 'usage' });
    }
  }
}

/** A list of recipients is iterable, too, and no list of messages: what it yields is refused. */
function isIterable(value: unknown): value is Messages {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}
