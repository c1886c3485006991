/**
 * What is sent: one notification and, where they are not streamed, its recipients. Made by programs, and by results
 * for a retry; immutable. Main thread.
 */
import { Buffer } from 'node:buffer';
import { inspect } from 'node:util';
import {
  binaryNotification,
  type CompiledNotification,
  checkBinaryPayloadSize,
  checkEnvironment,
  compileNotification,
  type NotificationOptions,
} from '../../apns/compile-notification.js';
import {
  type CompiledPayload,
  checkPayloadContent,
  checkPayloadSize,
  compileWhole,
  contentOptions,
  emptyError,
  type RawPayload,
  restorePayload,
} from '../../apns/payload.js';
import { isPushType, type PushType } from '../../apns/push-type.js';
import { systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { binaryLifetimeMs } from '../../base/limits.js';
import { checkOptions, type OptionRules, optionError, test, unchecked, whole } from '../../base/options.js';
import { theOption } from '../../base/wording.js';
import { type Address, addressUrl, isOverHttp2, type Protocol } from '../../push/address.js';
import type { Authentication } from '../../push/compiled-message.js';
import type { Notification } from '../../push/notification.js';
import { bringsPayload, countRecipients, type Recipient } from '../recipients/recipient.js';
import { type RecipientData, recipientData } from '../recipients/recipient-data.js';
import type { RecipientList } from '../recipients/recipient-list.js';
import { nobody, PushMessage } from './push-message.js';

/** Everything about a message but its recipients: fields of the payload and of the header. */
export interface MessageOptions extends NotificationOptions {}

/** A message as plain JSON data. Holds device tokens whole: it is meant to be stored, not logged. */
export interface MessageData {
  readonly tokens: readonly RecipientData[];
  /** The JSON payload as text; empty where each recipient has its own. */
  readonly payload: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly attempt: number;
  /** Sends in a row, up to now, that were answered and gave no recipient a final answer. */
  readonly fruitlessSends?: number;
  /** Until when binary gateways keep it, in epoch seconds, where the message itself does not say. */
  readonly binaryExpiration?: number;
}

/** What messages share that say the same: made once, so that both protocols' forms are the same in every retry. */
class Shared {
  #forBinary: Notification | null = null;
  #binaryExpiration: number | null;

  constructor(
    readonly parts: CompiledNotification,
    binaryExpiration: number | null,
  ) {
    this.#binaryExpiration = binaryExpiration;
  }

  /** Epoch seconds; used where the notification has none. A lifetime from when it is asked for first. */
  get binaryExpiration(): number {
    this.#binaryExpiration ??= Math.floor((systemClock.wallMs() + binaryLifetimeMs) / 1000);
    return this.#binaryExpiration;
  }

  get forBinary(): Notification {
    this.#forBinary ??= binaryNotification(this.parts.notification, this.binaryExpiration);
    return this.#forBinary;
  }
}

/** A notification that was compiled before, for messages that share it. */
class Compiled {
  constructor(
    readonly shared: Shared,
    readonly attempt: number,
    readonly fruitlessSends: number,
    /** Its one recipient is no part of the message. */
    readonly isForPush = false,
  ) {}
}

const known = [
  ...['topic', 'pushType', 'priority', 'expiration', 'expiry', 'collapseId', 'apnsId', 'headers'],
  ...contentOptions,
];
/** The names of all options of a message. */
export const messageOptionNames: ReadonlySet<string> = new Set(known);
/** Names only: values are checked where they are compiled. */
const rules: OptionRules = Object.fromEntries(known.map((name) => [name, unchecked]));
/** What other libraries and services call the content of a message. */
export const contentHints = {
  title: 'write alert: { title }.',
  subtitle: 'write alert: { subtitle }.',
  body: 'write alert: { body }, or alert as text.',
  text: 'write alert.',
  message: 'write alert.',
  data: 'the keys of the app belong into extra.',
  custom: 'the keys of the app belong into extra.',
};
const hints = {
  ...contentHints,
  tokens: 'recipients are the first argument.',
  token: 'recipients are the first argument.',
};

/** Which option a stored header field came from, and how its text becomes the option's value. */
const optionOfField: Readonly<Record<string, readonly [option: string, read: (text: string) => unknown]>> = {
  'apns-topic': ['topic', String],
  'apns-push-type': ['pushType', String],
  'apns-priority': ['priority', Number],
  'apns-expiration': ['expiration', Number],
  'apns-collapse-id': ['collapseId', String],
  'apns-id': ['apnsId', String],
};

export class Message extends PushMessage {
  /** @internal for sends */
  override readonly parts: CompiledNotification;
  readonly #shared: Shared;

  /**
   * @param tokens one recipient or an array of them; `[]` where recipients are streamed (`send(…, { recipients })`)
   * @param options what the notification says and how it is delivered; a field is sent exactly when it is given. Where
   * every recipient has a payload of its own (or recipients are streamed that have), nothing needs to be said here
   * @throws PealError ERR_PEAL_OPTION (unknown option), ERR_PEAL_HEADER, ERR_PEAL_PAYLOAD or ERR_PEAL_TOKEN (a
   * `TokenBlock` that does not fit its bytes), each naming what was wrong
   */
  constructor(tokens: Recipient | readonly Recipient[], options: MessageOptions);
  /** @internal */
  constructor(tokens: Recipient | readonly Recipient[], compiled: Compiled);
  constructor(tokens: Recipient | readonly Recipient[], options: MessageOptions | Compiled) {
    const compiled = options instanceof Compiled ? options : compile(options);
    super(tokens, compiled.attempt, compiled.fruitlessSends);
    this.#shared = compiled.shared;
    this.parts = compiled.shared.parts;
    if (!this.hasPayload && !this.tokens.every(bringsPayload)) throw emptyError();
    if (this.parts.apnsId !== null && !compiled.isForPush) this.#checkApnsId();
    Object.freeze(this);
  }

  /**
   * The message that `JSON.stringify` wrote, parsed, or a structured clone of `toJSON()`. Throws like the constructor.
   */
  static fromJSON(data: MessageData): Message {
    checkMessageData(data);
    const options: Record<string, unknown> = {};
    const others: Record<string, string> = {};
    for (const [name, text] of Object.entries(data.headers)) {
      const field = Object.hasOwn(optionOfField, name) ? optionOfField[name] : undefined;
      const isOtherType = name === 'apns-push-type' && !isPushType(text);
      if (field === undefined || isOtherType) others[name] = text;
      else options[field[0]] = field[1](text);
    }
    const payload = data.payload === '' ? null : restorePayload(data.payload);
    const { shared } = compile({ ...options, headers: others } as MessageOptions, payload);
    const restored = new Shared(shared.parts, data.binaryExpiration ?? null);
    return new Message(data.tokens, new Compiled(restored, data.attempt, data.fruitlessSends ?? 0));
  }

  get topic(): string | null {
    return this.parts.topic;
  }

  override get pushType(): PushType | null {
    return this.parts.pushType;
  }

  /** Epoch seconds; 0: one attempt; null: left to APNs. */
  get expiration(): number | null {
    return this.parts.expiration;
  }

  get priority(): number | null {
    return this.parts.priority;
  }

  get collapseId(): string | null {
    return this.parts.collapseId;
  }

  /** The JSON payload; empty where each recipient has its own. */
  get payload(): string {
    return this.parts.payloadText;
  }

  /**
   * The notification of one push, whose token is given beside it. Throws like the constructor.
   *
   * @internal for pushes
   */
  static forPush(options: MessageOptions): Message {
    return new Message(nobody, compile(options, null, true));
  }

  /**
   * The parts of that message alone.
   *
   * @internal for pushes
   */
  static partsForPush(options: MessageOptions): CompiledNotification {
    checkNames(options);
    return compileNotification(options);
  }

  /**
   * The notification of a broadcast, which goes to the subscribers of channels and may be larger. Throws like the
   * constructor.
   *
   * @internal for broadcasts
   */
  static forBroadcast(options: MessageOptions): Message {
    return new Message(nobody, compile(options, null, true, true));
  }

  /** The same notification for others, such as `result.unsent` once the cause is mended. */
  withTokens(tokens: Recipient | readonly Recipient[]): Message {
    return new Message(tokens, new Compiled(this.#shared, 1, 0));
  }

  /** @internal for senders */
  override checkFor(address: Address, credential: Authentication): void {
    if (isOverHttp2(address.protocol)) {
      this.parts.checkFor(credential, address);
    } else if (address.protocol === 'binary') {
      checkEnvironment(credential, address);
      this.notificationFor('binary');
    } else {
      const text = `The gateway ${addressUrl(address)} takes no notifications: read it with feedback().`;
      throw new PealError('ERR_PEAL_ADDRESS', text, { origin: 'usage' });
    }
  }

  /**
   * The message that sends the same notification once more. `isFruitful`: in the last send a recipient got a final
   * answer.
   *
   * @internal for results
   */
  override nextAttempt(recipients: RecipientList, isFruitful: boolean): Message {
    const fruitless = isFruitful ? 0 : this.fruitlessSends + 1;
    return new Message(recipients, new Compiled(this.#shared, this.attempt + 1, fruitless));
  }

  /**
   * The notification as a gateway of `protocol` gets it.
   *
   * @internal for APNs and sends
   * @throws PealError ERR_PEAL_PAYLOAD or ERR_PEAL_HEADER for what the binary protocol cannot carry
   */
  override notificationFor(protocol: Protocol): Notification {
    return protocol === 'binary' ? this.#shared.forBinary : this.notification;
  }

  /**
   * A recipient's own payload as it is sent in place of the message's.
   *
   * @internal for sends
   * @throws PealError ERR_PEAL_PAYLOAD
   */
  override encodePersonalPayload(payload: RawPayload, protocol: Protocol = 'http2'): Uint8Array {
    const { text, content } = compileWhole(payload);
    const bytes = Buffer.from(text);
    const { pushType } = this;
    if (pushType !== null) checkPayloadContent(content, pushType);
    if (protocol === 'binary') checkBinaryPayloadSize(bytes);
    else checkPayloadSize(bytes.length, pushType);
    return bytes;
  }

  /** Plain JSON data that `Message.fromJSON` restores. Holds device tokens whole: store it, do not log it. */
  toJSON(): MessageData {
    const { tokens, notification, payload, attempt, fruitlessSends } = this;
    return {
      tokens: recipientData(tokens),
      payload,
      headers: Object.fromEntries(notification.headers),
      attempt,
      ...(fruitlessSends > 0 && { fruitlessSends }),
      ...(notification.expiration === null && { binaryExpiration: this.#shared.binaryExpiration }),
    };
  }

  /** Shows how it is delivered, and neither tokens nor payload. */
  [inspect.custom](): string {
    const { topic, pushType, notification, attempt } = this;
    const recipients = countRecipients(this.tokens);
    return `Message ${inspect({ recipients, topic, pushType, payloadBytes: notification.payload.length, attempt })}`;
  }

  /** An apns-id names one notification: two recipients must not share it. */
  #checkApnsId(): void {
    const isPersonal = this.tokens.some((recipient) => typeof recipient === 'object' && 'token' in recipient);
    if (countRecipients(this.tokens) === 1 && !isPersonal) return;
    const instead = 'give it with a single token, or give each recipient its own as { token, apnsId }';
    const message = `${theOption('apnsId')} names one notification: ${instead}.`;
    throw new PealError('ERR_PEAL_HEADER', message, { origin: 'usage' });
  }
}

function compile(
  options: MessageOptions,
  restored: CompiledPayload | null = null,
  isForPush = false,
  isBroadcast = false,
): Compiled {
  checkNames(options);
  const parts = compileNotification(options, systemClock, restored, isBroadcast);
  return new Compiled(new Shared(parts, null), 1, 0, isForPush);
}

/** Comes to what `checkOptions` says, which has the sentence for what is wrong. */
function checkNames(options: unknown): void {
  if (isObject(options)) {
    let isKnown = true;
    for (const name in options) if (!messageOptionNames.has(name)) isKnown = false;
    if (isKnown) return;
  }
  checkOptions({ name: 'Message', hints }, options, rules);
}

const dataRules: OptionRules = {
  tokens: test('an array of recipients', Array.isArray),
  payload: test('JSON text', (value) => typeof value === 'string'),
  headers: test('an object of texts', (value) => isObject(value) && Object.values(value).every(isText)),
  attempt: whole(1, Number.MAX_SAFE_INTEGER),
  fruitlessSends: whole(0, Number.MAX_SAFE_INTEGER),
  binaryExpiration: whole(0, 0xffffffff),
};
const requiredData = ['tokens', 'payload', 'headers', 'attempt'];

/** Throws PealError ERR_PEAL_OPTION that names the field: what a program stored may have been cut off or edited. */
function checkMessageData(data: unknown): asserts data is MessageData {
  if (!isObject(data)) throw optionError('Message.fromJSON takes what toJSON gave: an object; parse JSON text first.');
  const missing = requiredData.find((field) => data[field] === undefined);
  if (missing !== undefined) throw optionError(`Message.fromJSON: the field ${missing} is missing.`);
  checkOptions({ name: 'Message.fromJSON' }, data, dataRules);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
