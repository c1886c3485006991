/**
 * What is sent through FCM: one message and, where they are not streamed, its recipients. Made by programs, and by
 * results for a retry; immutable. Main thread.
 */
import { Buffer } from 'node:buffer';
import { inspect } from 'node:util';
import { PealError } from '../../base/errors.js';
import { checkOptions, type OptionRules, optionError, test, whole } from '../../base/options.js';
import { compileFcm } from '../../fcm/compile-fcm.js';
import type { FcmNotification } from '../../fcm/fcm-notification.js';
import type { FcmMessageOptions } from '../../fcm/message-options.js';
import type { TargetKind } from '../../fcm/registration-token.js';
import type { Address } from '../../push/address.js';
import type { Authentication } from '../../push/compiled-message.js';
import type { Notification } from '../../push/notification.js';
import { bringsPayload, countRecipients, type OwnPayload, type Recipient } from '../recipients/recipient.js';
import { type RecipientData, recipientData } from '../recipients/recipient-data.js';
import type { RecipientList } from '../recipients/recipient-list.js';
import { PushMessage } from './push-message.js';

/** A message to FCM as plain JSON data. Holds registration tokens whole: it is meant to be stored, not logged. */
export interface FcmMessageData {
  readonly service: 'fcm';
  readonly tokens: readonly RecipientData[];
  readonly target: TargetKind;
  /** The message without a recipient, as JSON text of the HTTP v1 API; empty where each recipient has its own. */
  readonly message: string;
  readonly dryRun: boolean;
  readonly attempt: number;
  /** Sends in a row, up to now, that were answered and gave no recipient a final answer. */
  readonly fruitlessSends?: number;
}

/** A message that was compiled before. */
class Compiled {
  constructor(
    readonly parts: FcmNotification,
    readonly attempt: number,
    readonly fruitlessSends: number,
  ) {}
}

export class FcmMessage extends PushMessage {
  /** @internal for sends */
  override readonly parts: FcmNotification;

  /**
   * @param tokens one recipient or an array of them; `[]` where recipients are streamed (`send(…, { recipients })`)
   * @param options what the message says and how it is delivered; a field is sent exactly when it is given
   * @throws PealError ERR_PEAL_OPTION (unknown option), ERR_PEAL_PAYLOAD or ERR_PEAL_TOKEN (a `TokenBlock` that does
   *   not fit its bytes), each naming what was wrong
   */
  constructor(tokens: Recipient | readonly Recipient[], options: FcmMessageOptions);
  /** @internal */
  constructor(tokens: Recipient | readonly Recipient[], compiled: Compiled);
  constructor(tokens: Recipient | readonly Recipient[], options: FcmMessageOptions | Compiled) {
    const compiled = options instanceof Compiled ? options : new Compiled(compileFcm(options), 1, 0);
    super(tokens, compiled.attempt, compiled.fruitlessSends);
    this.parts = compiled.parts;
    if (!this.hasPayload && !this.tokens.every(bringsPayload)) throw emptyMessageError();
    Object.freeze(this);
  }

  /** The message that `JSON.stringify` wrote, parsed. Throws like the constructor. */
  static fromJSON(data: FcmMessageData): FcmMessage {
    checkData(data);
    const { tokens, target, message, dryRun, attempt, fruitlessSends = 0 } = data;
    return new FcmMessage(tokens, new Compiled(compileFcm({ target, message, dryRun }), attempt, fruitlessSends));
  }

  /**
   * The parts of one push, whose token is given beside it. Throws like the constructor.
   *
   * @internal for pushes
   */
  static partsForPush(options: FcmMessageOptions): FcmNotification {
    return compileFcm(options);
  }

  /** What its recipients are. */
  get target(): TargetKind {
    return this.parts.target;
  }

  /** Whether FCM only checks it. */
  get dryRun(): boolean {
    return this.parts.dryRun;
  }

  /** The body of its requests without a recipient: JSON text. */
  get payload(): string {
    return this.parts.json;
  }

  /** The same message for others, such as `result.unsent` once the cause is mended. */
  withTokens(tokens: Recipient | readonly Recipient[]): FcmMessage {
    return new FcmMessage(tokens, new Compiled(this.parts, 1, 0));
  }

  /** @internal for senders */
  override checkFor(address: Address, credential: Authentication): void {
    this.parts.checkFor(credential, address);
  }

  /** @internal for results */
  override nextAttempt(recipients: RecipientList, isFruitful: boolean): FcmMessage {
    const fruitless = isFruitful ? 0 : this.fruitlessSends + 1;
    return new FcmMessage(recipients, new Compiled(this.parts, this.attempt + 1, fruitless));
  }

  /** @internal for senders */
  override notificationFor(): Notification {
    return this.parts.notification;
  }

  /**
   * A recipient's own message as it is sent in place of this one: options, or a whole message as `{ message }`.
   *
   * @internal for sends
   * @throws PealError ERR_PEAL_PAYLOAD or ERR_PEAL_OPTION
   */
  override encodePersonalPayload(payload: OwnPayload): Uint8Array {
    if (payload instanceof Uint8Array && payload[0] === closingQuote) return payload;
    const isText = typeof payload === 'string' || payload instanceof Uint8Array;
    const { target, dryRun } = this;
    const own = isText ? { message: payload } : payload;
    return Buffer.from(compileFcm({ ...own, target, dryRun }).payloadText);
  }

  /** Plain JSON data that `FcmMessage.fromJSON` restores. Holds tokens whole: store it, do not log it. */
  toJSON(): FcmMessageData {
    const { tokens, target, dryRun, attempt, fruitlessSends } = this;
    return {
      service: 'fcm',
      tokens: recipientData(tokens),
      target,
      message: this.parts.messageText,
      dryRun,
      attempt,
      ...(fruitlessSends > 0 && { fruitlessSends }),
    };
  }

  /** Shows how it is delivered, and neither tokens nor what it says. */
  [inspect.custom](): string {
    const { target, dryRun, attempt } = this;
    const payloadBytes = this.parts.payload.length;
    return `FcmMessage ${inspect({ recipients: countRecipients(this.tokens), target, dryRun, payloadBytes, attempt })}`;
  }
}

/** What follows a recipient begins with it, so that a kept payload is known by it. */
const closingQuote = 0x22;

function emptyMessageError(): PealError {
  const message = 'The message is empty: give alert, title, body, data, android, webpush, apns or message.';
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}

const dataRules: OptionRules = {
  service: test("'fcm'", (value) => value === 'fcm'),
  tokens: test('an array of recipients', Array.isArray),
  target: test('a kind of recipients', (value) => typeof value === 'string'),
  message: test('JSON text', (value) => typeof value === 'string'),
  dryRun: test('true or false', (value) => typeof value === 'boolean'),
  attempt: whole(1, Number.MAX_SAFE_INTEGER),
  fruitlessSends: whole(0, Number.MAX_SAFE_INTEGER),
};

/** Throws PealError ERR_PEAL_OPTION that names the field: what a program stored may have been cut off or edited. */
function checkData(data: unknown): asserts data is FcmMessageData {
  if (typeof data !== 'object' || data === null) {
    throw optionError('FcmMessage.fromJSON takes what toJSON gave: an object; parse JSON text first.');
  }
  const missing = Object.keys(dataRules).find((field) => field !== 'fruitlessSends' && !(field in data));
  if (missing !== undefined) throw optionError(`FcmMessage.fromJSON: the field ${missing} is missing.`);
  checkOptions({ name: 'FcmMessage.fromJSON' }, data, dataRules);
}
