/**
 * The client of apns2 over a session: what programs hold. Main thread.
 */
import type { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import { parseAddress } from '../../apns/address.js';
import { PealError } from '../../base/errors.js';
import { escapeUnprintable } from '../../base/text.js';
import type { KeyMaterial } from '../../push/credentials/key-material.js';
import type { Gateway } from '../../session/gateway.js';
import { Session } from '../../session/session.js';
import type { ApnsError } from './errors.js';
import type { DeviceNotification } from './notification.js';
import { Sender } from './sender.js';

export const Host = {
  production: 'api.push.apple.com',
  development: 'api.sandbox.push.apple.com',
} as const;

export type Host = (typeof Host)[keyof typeof Host];

/** A provider token, by the name of apns2. */
export interface SigningToken {
  value: string;
  timestamp: number;
}

/** A key that was encrypted after it was downloaded. */
export interface PrivateKey {
  key: string | Buffer;
  passphrase: string | undefined;
}

export interface ApnsOptions {
  /** The team's id, 10 characters. */
  team: string;
  /** The .p8 key: its text or bytes, or both with its passphrase. */
  signingKey: string | Buffer | PrivateKey;
  /** The key's id, 10 characters. */
  keyId: string;
  /** The topic of notifications that name none. */
  defaultTopic?: string;
  /** Default `api.push.apple.com`. */
  host?: Host | string;
  /**
   * How long the answer to a request may take, in milliseconds, from when it is written. Default 0: no limit of its
   * own.
   */
  requestTimeout?: number;
  /** Default true. `false`: one connection, which is closed when nothing is pending. */
  keepAlive?: boolean;
  /** Instead of `host`: the name of a gateway of one's own, or `https://host:port`. */
  address?: string;
  /** The gateway's port. Default 443. */
  port?: number;
  /** PEM certificates to trust instead of the system's, for gateways of one's own: text, bytes or `{ file }`. */
  ca?: KeyMaterial;
}

/** Connections to the gateway, at most: as many as apns2 opens. */
const clientConnections = 32;

/**
 * Sends notifications with a provider-token key. Emits each rejection twice, by its reason and as `Error`, before the
 * promise of its send rejects.
 */
export class ApnsClient extends EventEmitter {
  readonly team: string;
  readonly keyId: string;
  readonly host: Host | string;
  readonly defaultTopic?: string;
  readonly keepAlive: boolean;
  readonly #signingKey: string | Buffer | PrivateKey;
  readonly #sender: Sender;

  /**
   * Opens and reads nothing yet.
   *
   * @throws PealError ERR_PEAL_ADDRESS for a host, address or port that is not valid; ERR_PEAL_CREDENTIAL for a `ca`
   *   that cannot be read
   */
  constructor(options: ApnsOptions) {
    super();
    const { ca } = options;
    const keepAlive = options.keepAlive ?? true;
    const address = gatewayAddress(options);
    this.team = options.team;
    this.keyId = options.keyId;
    this.host = options.host ?? Host.production;
    this.keepAlive = keepAlive;
    this.#signingKey = options.signingKey;
    if (options.defaultTopic !== undefined) this.defaultTopic = options.defaultTopic;
    const session = new Session({ maxConnections: keepAlive ? clientConnections : 1, ...(ca !== undefined && { ca }) });
    this.#sender = new Sender({
      session,
      openGateway: () => this.#openGateway(session, address),
      defaultTopic: options.defaultTopic,
      requestTimeoutMs: Number(options.requestTimeout ?? 0),
      events: this,
    });
  }

  /** As it was given. Neither `console.log` nor `JSON.stringify` shows it. */
  get signingKey(): string | Buffer | PrivateKey {
    return this.#signingKey;
  }

  /**
   * Sends one notification, and resolves with it when APNs has accepted it.
   *
   * @throws ApnsError (as a rejection) for any other answer; UnansweredError where there is none
   */
  send(notification: DeviceNotification): Promise<DeviceNotification> {
    return this.#sender.send(notification);
  }

  /** Sends all of them at once. Never rejects: where `send` would, the list has `{ error }`. */
  sendMany(notifications: DeviceNotification[]): Promise<(DeviceNotification | { error: ApnsError })[]> {
    return Promise.all(notifications.map((notification) => this.send(notification).catch(asRejected)));
  }

  /**
   * Asks each open connection for a sign of life. peal does so by itself: on a silent connection, and before it uses an
   * idle one.
   */
  ping(): Promise<PromiseSettledResult<void>[]> {
    return this.#sender.ping();
  }

  /** Takes no more sends, and resolves when all that are pending have their outcomes and the connections are closed. */
  close(): Promise<void> {
    return this.#sender.close();
  }

  /**
   * Ends now: what is not written rejects with `error`, or an UnansweredError. What is written has five seconds for its
   * answer.
   */
  destroy(error?: Error | null): Promise<void> {
    return this.#sender.destroy(error ?? null);
  }

  #openGateway(session: Session, address: string): Gateway {
    const credential = { ...keyOf(this.#signingKey), keyId: this.keyId, teamId: this.team };
    // A gateway of its own closes its connections when no send uses them.
    if (this.keepAlive) return session.getConnection(address, credential);
    return session.newConnection(address, credential);
  }
}

function asRejected(error: ApnsError): { error: ApnsError } {
  return { error };
}

function gatewayAddress({ address, host, port = 443 }: ApnsOptions): string {
  if (host?.includes('/') === true) {
    const message = `The option host is "${escapeUnprintable(host, 80)}": give a host name, or an address with https://.`;
    throw new PealError('ERR_PEAL_ADDRESS', message, { origin: 'usage' });
  }
  const url = address?.includes('://') === true ? address : `https://${address ?? host ?? Host.production}:${port}`;
  parseAddress(url);
  return url;
}

function keyOf(signingKey: string | Buffer | PrivateKey): { key: string | Buffer; passphrase?: string } {
  if (typeof signingKey === 'string' || !('passphrase' in signingKey)) return { key: signingKey as string | Buffer };
  const { key, passphrase } = signingKey;
  return passphrase === undefined ? { key } : { key, passphrase };
}
