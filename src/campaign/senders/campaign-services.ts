/**
 * The push services of a campaign: one, or two where its list has a column that says which platform a recipient is on.
 * Each has a gateway and a message, and the tokens of its recipients are written in a way of their own, by which blocks
 * are told apart. Made from checked options; main thread.
 */
import { PealError } from '../../base/errors.js';
import { isOverHttp2, type Protocol } from '../../push/address.js';
import type { TokenEncoding } from '../../push/token-block.js';
import type { Gateway } from '../../session/gateway.js';
import type { FcmMessage } from '../../session/message/fcm-message.js';
import type { Message } from '../../session/message/message.js';
import type { PushMessage } from '../../session/message/push-message.js';
import type { Template } from '../../session/personal/template.js';
import type { FieldContext } from '../../session/recipients/own-fields.js';
import type { Part } from '../journal/block-record.js';
import { hexForm, mixedForm, type TokenForm, textForm } from '../recipients/token-form.js';
import type { CampaignSender } from './campaign-sender.js';

/** The other service of a campaign whose recipients are on two platforms. */
export interface PlatformOptions {
  /** The column with `ios` (or `apns`, `apple`) or `android` (or `fcm`, `google`, `web`). */
  readonly column: string;
  /** Of the other service: of FCM where the campaign's own is one of APNs, and the other way round. */
  readonly gateway: Gateway;
  /** What its recipients get; a message without tokens. */
  readonly message: Message | FcmMessage;
  /** What is said to each of them. Default: the message to all. */
  readonly personal?: Template;
  /** Who sends to them, where the campaign has a `sender`: another `ClusterSender`. */
  readonly sender?: CampaignSender;
}

export interface CampaignService {
  readonly gateway: Gateway;
  readonly message: PushMessage;
  readonly personal: Template | null;
  /** For header fields of recipients. */
  readonly context: FieldContext;
}

interface ServiceOptions {
  readonly gateway: Gateway;
  readonly message: PushMessage;
  readonly personal?: Template;
  readonly minTokenBytes?: number;
  readonly platforms?: PlatformOptions;
}

export class CampaignServices {
  /** That of the campaign first. */
  readonly all: readonly CampaignService[];
  /** How the tokens of its recipients are written. */
  readonly tokens: TokenForm;
  /** The column that says which service is meant; null where there is one service. */
  readonly column: string | null;
  readonly #byEncoding: ReadonlyMap<TokenEncoding, CampaignService>;

  /** @throws PealError ERR_PEAL_ADDRESS, ERR_PEAL_OPTION or ERR_PEAL_PAYLOAD for what does not go together */
  constructor(options: ServiceOptions) {
    const { platforms, minTokenBytes, message } = options;
    this.all = [options, ...(platforms === undefined ? [] : [platforms])].map(serviceOf);
    this.#byEncoding = new Map(this.all.map((service) => [encodingOf(service), service]));
    this.column = platforms?.column ?? null;
    if (this.#byEncoding.size < this.all.length) {
      throw usageError('Both messages of the campaign go to the same service: one is for APNs, and the other for FCM.');
    }
    if (platforms !== undefined) this.tokens = mixedForm(platforms.column, minTokenBytes);
    else this.tokens = message.parts.encoding === 'hex' ? hexForm(minTokenBytes) : textForm(targetOf(message));
  }

  /** The service of a block of recipients. */
  of({ encoding }: { readonly encoding: TokenEncoding }): CampaignService {
    return this.#byEncoding.get(encoding) ?? this.all[0]!;
  }

  /** What two services are called, by part; empty where there is one. */
  get names(): readonly ('apns' | 'fcm')[] {
    return this.all.length > 1 ? ['apns', 'fcm'] : [];
  }

  /**
   * Which part of the books has recipients whose tokens are written so: the second is that of FCM, where there are two.
   */
  partOf(encoding: TokenEncoding): Part {
    return this.all.length > 1 && encoding === 'text' ? 1 : 0;
  }

  /** The protocols of their gateways. */
  get protocols(): readonly Protocol[] {
    return this.all.map(({ gateway }) => gateway.address.protocol);
  }

  /** Whether all of them answer each notification. */
  get areOverHttp2(): boolean {
    return this.protocols.every(isOverHttp2);
  }

  /** The columns that recipients need, each once. */
  get columns(): readonly string[] {
    const own = this.all.flatMap(({ personal }) => personal?.columns ?? []);
    return [...new Set([...own, ...(this.column === null ? [] : [this.column])])];
  }

  /** Whether an answer may say what it finds fault with. */
  get hasDetails(): boolean {
    return this.protocols.includes('fcm');
  }
}

/** What a service is called in counts. */
function nameOfService(protocol: Protocol): 'apns' | 'fcm' {
  return protocol === 'fcm' ? 'fcm' : 'apns';
}

function serviceOf({ gateway, message, personal = undefined }: Omit<ServiceOptions, 'platforms'>): CampaignService {
  const { protocol } = gateway.address;
  // All else that may be wrong with a message is found as it is sent: its recipients are unsent then, and kept.
  if (message.parts.service !== nameOfService(protocol)) message.checkFor(gateway.address, gateway.credential);
  personal?.checkFor(message.parts);
  return {
    gateway,
    message,
    personal: personal ?? null,
    context: { pushType: message.pushType, protocol, clock: gateway.clock },
  };
}

function encodingOf({ message }: CampaignService): TokenEncoding {
  return message.parts.encoding;
}

/** What the recipients are. One message to a condition reaches all of its devices. */
function targetOf(message: PushMessage): 'token' | 'topic' | 'fid' {
  const { target } = message as FcmMessage;
  if (target !== 'condition') return target;
  throw usageError('A condition is no list of recipients: send its message by FCM.send or FCM.push.');
}

function usageError(message: string): PealError {
  return new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' });
}
