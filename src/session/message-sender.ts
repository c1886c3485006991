/**
 * Sends messages of one push service through a gateway: what the services have in common. Each has a class of its own
 * for programs (session/apns, session/fcm/fcm). Holds nothing but the gateway; main thread.
 */
import { optionError } from '../base/options.js';
import { isOverHttp2 } from '../push/address.js';
import type { CompiledMessage } from '../push/compiled-message.js';
import type { Gateway } from './gateway.js';
import { isLone, sendLone } from './many/lone-send.js';
import { type Messages, SendMany } from './many/send-many.js';
import type { Message, MessageOptions } from './message/message.js';
import type { PushMessage } from './message/push-message.js';
import { Result } from './message/result.js';
import { countRecipients, type Token } from './recipients/recipient.js';
import { Send } from './send/send.js';
import {
  checkManyOptions,
  checkPersonal,
  checkProtocolOptions,
  checkSendOptions,
  type SendOptions,
} from './send/send-options.js';
import {
  checkPushOptions,
  checkPushProtocol,
  isOfKind,
  type MessageClass,
  type PushOptions,
  partsToPush,
} from './single/push-options.js';
import type { PushOutcome } from './single/push-outcome.js';
import { type ItemOutcome, SendEach } from './single/send-each.js';
import { checkSendEachOptions, checkSource, type PushItem, type SendEachOptions } from './single/send-each-options.js';

export class MessageSender<M extends PushMessage = Message, Options extends object = MessageOptions> {
  readonly #gateway: Gateway;
  readonly #kind: MessageClass<M, Options>;

  constructor(gateway: Gateway, kind: MessageClass<M, Options>) {
    this.#gateway = gateway;
    this.#kind = kind;
  }

  send(message: M | Messages<M>, options?: SendOptions): Promise<Result<M>> {
    const isUsual = options === undefined && isOverHttp2(this.#gateway.address.protocol);
    if (isUsual && isOfKind(message, this.#kind) && isLone(message))
      return ofKind(sendLone(this.#gateway.lanes, message));
    return ofKind(this.#send(message, options));
  }

  push(message: M | Options, token: Token, options?: PushOptions): Promise<PushOutcome> {
    return new Promise((resolve) => {
      checkPushProtocol(this.#gateway.address);
      this.#gateway.lanes.start(partsToPush(message, this.#kind), token, checkPushOptions(options), resolve);
    });
  }

  sendEach<Item extends PushItem<M, Options>>(
    source: Iterable<Item> | AsyncIterable<Item>,
    options?: SendEachOptions,
  ): AsyncGenerator<ItemOutcome<Item>, void, void> {
    checkPushProtocol(this.#gateway.address);
    checkSource(source);
    const partsOf = (message: PushMessage | object): CompiledMessage => partsToPush(message as M | Options, this.#kind);
    return new SendEach(source, checkSendEachOptions(options), this.#gateway, partsOf);
  }

  async #send(message: M | Messages<M>, options: SendOptions | undefined): Promise<Result<PushMessage>> {
    checkProtocolOptions(this.#gateway.address.protocol, options);
    if (!isOfKind(message, this.#kind) && isIterable(message)) return this.#sendMany(message, options);
    this.#check(message);
    const checked = checkSendOptions(message, options, this.#gateway.address.protocol);
    if (options?.recipients === undefined && message.tokens.length === 0) return new Result<PushMessage>();
    return this.#gateway.run((target) => new Send(target, message, checked).run());
  }

  async #sendMany(messages: Messages<M>, options: SendOptions | undefined): Promise<Result<PushMessage>> {
    const checked = checkManyOptions(options, this.#gateway.address.protocol);
    const check = (message: unknown): void => {
      this.#check(message);
      checkPersonal(message, checked.personal);
    };
    const { lanes } = this.#gateway;
    if (!Array.isArray(messages)) {
      return this.#gateway.run((target) => new SendMany({ ...target, lanes }, messages, checked, check).run());
    }
    // An array is checked before the first message is sent, and counted to its end after a stop.
    const all = [...(messages as readonly M[])];
    all.forEach(check);
    if (all.every(({ tokens }) => tokens.length === 0)) return new Result<PushMessage>();
    const { onProgress } = checked;
    const total =
      checked.total ?? (onProgress === null ? null : all.reduce((sum, { tokens }) => sum + countRecipients(tokens), 0));
    const ofArray = { ...checked, total, takesRest: true };
    return this.#gateway.run((target) => new SendMany({ ...target, lanes }, all, ofArray, () => {}).run());
  }

  #check(message: unknown): asserts message is M {
    const { name } = this.#kind;
    if (!isOfKind(message, this.#kind))
      throw optionError(`send takes messages, one or an iterable of them: make one with new ${name}(tokens, …).`);
    const { address, credential } = this.#gateway;
    message.checkFor(address, credential);
  }
}

/** What was sent were messages of that kind. */
function ofKind<M extends PushMessage>(result: Promise<Result<PushMessage>>): Promise<Result<M>> {
  return result as unknown as Promise<Result<M>>;
}

/** A list of recipients is iterable, too, and no list of messages: what it yields is refused. */
function isIterable(value: unknown): value is Messages {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}
