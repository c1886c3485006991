/**
 * The client behind a provider: a session and its gateways, with the calls that programs of @parse/node-apn make on
 * `provider.client`. Made by provider; main thread.
 */
import { parseAddress } from '../../apns/address.js';
import type { CompiledNotification } from '../../apns/compile-notification.js';
import { PealError } from '../../base/errors.js';
import { compatRetryTimeMs } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { holdProcess, releaseProcess } from '../../base/process-hold.js';
import { escapeUnprintable } from '../../base/text.js';
import type { Gateway } from '../../session/gateway.js';
import { Session } from '../../session/session.js';
import type { CheckedPushOptions } from '../../session/single/push-options.js';
import { type BuiltNotification, Refused, requestOfBuilt } from './built-notification.js';
import { type Delivery, type DeliveryOwner, DeliveryPush, deliverTo } from './delivery.js';
import { type ProviderConfig, type ProviderOptions, readProviderOptions } from './provider-options.js';
import { destroyedError, type ResponseFailure, type ResponseSent, type Responses } from './responses.js';
import { checkRequest, requestService, type ServiceType } from './service-request.js';

/** A line of the log: called if its property `enabled` is true. */
export type LineLogger = ((line: string) => void) & { enabled?: boolean };

/** What Provider asks of its client. */
export interface ProviderClient {
  deliver(
    notification: BuiltNotification,
    recipients: readonly string[],
  ): Promise<Responses<ResponseSent, ResponseFailure>>;
  write(notification: BuiltNotification, subDirectory: string, type: string, method?: string): Promise<object> | object;
  setLogger(logger: LineLogger, errorLogger?: LineLogger | null): void;
  shutdown(callback?: () => void): Promise<void>;
}

/** Bytes of the shortest device token: its length is for the gateway to judge. */
const leastTokenBytes = 1;

const noLogger: LineLogger = Object.assign(() => {}, { enabled: false });

export class Client implements ProviderClient, DeliveryOwner {
  readonly config: ProviderConfig;
  isDestroyed = false;
  logger: LineLogger = noLogger;
  errorLogger: LineLogger = noLogger;
  readonly #gateway: Gateway;
  readonly #channels: Gateway;
  readonly #sessions: readonly Session[];
  readonly #pushOptions: CheckedPushOptions;
  #underWay = 0;
  #closing: Promise<void> | null = null;
  readonly #onIdle: (() => void)[] = [];

  /** @throws Error, and PealError ERR_PEAL_CREDENTIAL or ERR_PEAL_ADDRESS */
  constructor(options?: ProviderOptions) {
    const { config, credential, session, channelsSession } = readProviderOptions(options);
    this.config = config;
    const logger = this.#sessionLogger();
    const [sends, channels] = [new Session({ ...session, logger }), new Session({ ...channelsSession, logger })];
    this.#sessions = [sends, channels];
    this.#gateway = sends.getConnection(`https://${hostOf(config.address)}:${config.port}`, credential);
    this.#channels = channels.getConnection(
      `https://${hostOf(config.manageChannelsAddress)}:${config.manageChannelsPort}`,
      credential,
    );
    const { requestTimeout, connectionRetryLimit } = config;
    this.#pushOptions = {
      timeoutMs: Number.POSITIVE_INFINITY,
      ...(requestTimeout > 0 && { answerTimeoutMs: requestTimeout }),
      budget: connectionRetryLimit > 0 ? { attempts: connectionRetryLimit + 1, timeMs: compatRetryTimeMs } : null,
      signal: null,
      isStreamed: false,
    };
  }

  deliver(
    notification: BuiltNotification,
    recipients: readonly string[],
  ): Promise<Responses<ResponseSent, ResponseFailure>> {
    const request = requestOfBuilt(notification);
    return deliverTo(recipients, (delivery, place, device) => this.begin(delivery, place, device, request));
  }

  /** Sends to one recipient of a delivery. */
  begin(delivery: Delivery, place: number, device: string, request: CompiledNotification | Refused): void {
    if (this.isDestroyed) {
      delivery.settle(place, { device, error: destroyedError() });
      return;
    }
    if (request instanceof Refused) {
      delivery.settle(place, { device, ...request.failure });
      return;
    }
    const { lanes } = this.#gateway;
    const push = new DeliveryPush(this.#pushOptions, this, delivery, place, device);
    if (push.isAnswerTimed) push.awaitWrite(lanes.now());
    const problem = lanes.begin(push, request, device, !request.isForeignId, leastTokenBytes);
    if (problem === null) this.#underWay += 1;
    else {
      const reason = device === '' ? 'MissingDeviceToken' : 'BadDeviceToken';
      delivery.settle(place, { device, status: 400, response: { reason } });
    }
  }

  over(): void {
    this.#underWay -= 1;
    if (this.#underWay > 0) return;
    for (const idle of this.#onIdle.splice(0)) idle();
  }

  /** One request. Rejects with what `failed` lists. */
  async write(notification: BuiltNotification, subDirectory: string, type: string, method = 'post'): Promise<object> {
    checkRequest(subDirectory, type, method);
    if (type === 'device') {
      const { sent, failed } = await this.deliver(notification, [subDirectory]);
      if (sent.length > 0) return sent[0]!;
      throw failed[0];
    }
    if (this.isDestroyed) throw { bundleId: subDirectory, error: destroyedError() };
    const gateway = type === 'broadcasts' ? this.#gateway : this.#channels;
    const { requestTimeout, connectionRetryLimit } = this.config;
    const terms = { timeoutMs: requestTimeout, attempts: connectionRetryLimit + 1 };
    this.#underWay += 1;
    try {
      return await requestService(gateway, notification, subDirectory, type as ServiceType, method, terms);
    } finally {
      this.over();
    }
  }

  /** @throws Error for what is no function */
  setLogger(logger: LineLogger, errorLogger: LineLogger | null = null): void {
    checkLoggers(logger, errorLogger);
    this.logger = logger;
    this.errorLogger = errorLogger || logger;
  }

  /** Takes no more sends, waits for those under way, and closes the connections. */
  async shutdown(callback?: () => void): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
    callback?.();
  }

  async #close(): Promise<void> {
    this.isDestroyed = true;
    if (this.#underWay > 0) await this.#idle();
    await Promise.all(this.#sessions.map((session) => session.close()));
  }

  #idle(): Promise<void> {
    holdProcess();
    return new Promise<void>((resolve) => this.#onIdle.push(resolve)).finally(releaseProcess);
  }

  #sessionLogger(): Logger {
    const line = (_fields: object, message: string): void => tell(this.logger, message);
    const problem = (_fields: object, message: string): void => tell(this.errorLogger, message);
    return { trace: () => {}, debug: line, info: line, warn: problem, error: problem };
  }
}

/** What a logger throws is the program's own, and must not end what a connection does. */
function tell(logger: LineLogger, line: string): void {
  if (logger.enabled !== true) return;
  try {
    logger(line);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** A host as it stands in a URL. */
function hostOf(address: string): string {
  if (address.includes('/')) {
    const message = `The option address is "${escapeUnprintable(address, 80)}": give a host name, without https://, and the port as port.`;
    throw new PealError('ERR_PEAL_ADDRESS', message, { origin: 'usage' });
  }
  parseAddress(`https://${address.includes(':') && !address.startsWith('[') ? `[${address}]` : address}`);
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}

/** @throws Error for what is no function */
export function checkLoggers(logger: unknown, errorLogger: unknown): void {
  if (typeof logger !== 'function') throw new Error(`Expected newLogger to be a function, got ${typeof logger}`);
  if (errorLogger && typeof errorLogger !== 'function') {
    throw new Error(`Expected newErrorLogger to be a function or null, got ${typeof errorLogger}`);
  }
}
