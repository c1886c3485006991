/**
 * The service that sends messages through a gateway. Holds nothing but the gateway; make as many as you like. Main
 * thread.
 */
import { checkAuthentication } from '../apns/compile-notification.js';
import { Gateway } from './gateway.js';
import { Message } from './message.js';
import { optionError } from './options.js';
import { Result } from './result.js';
import { Send } from './send.js';
import { checkSendOptions, type SendOptions } from './send-options.js';

export class APNs {
  readonly #gateway: Gateway;

  /** @throws PealError ERR_PEAL_OPTION for what is no gateway of a session. */
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
   * What APNs answers, a gateway that cannot be reached, an abort and recipients that cannot be read on are no
   * exceptions: they stand in the result (see `Result.stopped`).
   *
   * @throws PealError ERR_PEAL_OPTION (as a rejection) for a message or an option that is none;
   * ERR_PEAL_HEADER for a message that the credential cannot send (no topic with a provider-token key); ERR_PEAL_CREDENTIAL
   * or ERR_PEAL_SHARD when the engine cannot be started.
   */
  async send(message: Message, options?: SendOptions): Promise<Result> {
    if (!(message instanceof Message)) throw optionError('send takes a Message: make one with new Message(tokens, …).');
    checkAuthentication(message.notification, this.#gateway.credential.kind);
    const checked = checkSendOptions(message, options);
    if (options?.recipients === undefined && message.tokens.length === 0) return new Result();
    return new Send(await this.#gateway.open(), message, checked).run();
  }
}
