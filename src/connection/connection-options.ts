/** What a connection is given, and whom it tells of its life. Made by ConnectionPool for each of its connections. */
import type { Clock } from '../base/clock.js';
import type { PealError } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import type { Address } from '../push/address.js';
import type { CertificateCredential } from '../push/credentials/credential.js';
import type { Backend, OpenOptions, StreamTerms } from '../transport/backend.js';
import type { GatewayConnection } from './gateway-connection.js';
import type { LinkOptions } from './link-options.js';
import type { RequestSource } from './request-source.js';
import type { SendGate } from './send-gate.js';
import type { StartLimit } from './start-limit.js';
import type { StreamLimits } from './stream-limits.js';

/** Implemented by the pool, and reached over ConnectionLife: not while the connection receives or pumps. */
export interface ConnectionOwner {
  /** Connected, and ready for work. */
  onConnectionReady(connection: GatewayConnection): void;
  /** The connection takes no more work; answers to what is in flight still come. `error` as in onConnectionClosed. */
  onConnectionDraining(connection: GatewayConnection, error: PealError | null): void;
  /** The first answer of this connection that settles a recipient for good. */
  onConnectionAnswered(connection: GatewayConnection): void;
  /** The connection has served: the next one need not wait when it ends. Binary gateways only. */
  onConnectionServed(connection: GatewayConnection): void;
  /** The gateway called this provider token expired; the connection goes. May be told more than once. */
  onTokenExpired(connection: GatewayConnection, token: string): void;
  /** Over, and every request reported. `error`: why; null where the pool asked for it, or the protocol does. */
  onConnectionClosed(connection: GatewayConnection, error: PealError | null): void;
}

/** Where a connection leads to, and on what terms. Over HTTP/2 `connectTimeoutMs` is for the first SETTINGS as well. */
export interface ConnectionTarget {
  readonly address: Address;
  /** The client certificate, or null. */
  readonly certificate: CertificateCredential | null;
  readonly link: LinkOptions;
}

/** What connections of both protocols are given. */
export interface ConnectionOptions extends ConnectionTarget {
  /** Names the connection in logs. */
  readonly id: number;
  readonly backend: Backend;
  readonly source: RequestSource;
  readonly owner: ConnectionOwner;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a back-end gets: of `link` the StreamTerms and no more. */
export function openOptions(
  { address, certificate, link }: ConnectionTarget,
  alpnProtocol: string | null,
): OpenOptions {
  const { ca, pins, connectTimeoutMs, readBufferSize } = link;
  const terms: Required<StreamTerms> = { ca, pins, connectTimeoutMs, readBufferSize };
  return { ...terms, address, certificate, alpnProtocol };
}

export interface Http2ConnectionOptions extends ConnectionOptions {
  /** Send one request first and wait for its answer: token authentication, and after failures. */
  readonly probeFirst: boolean;
  readonly providerToken: string | null;
  /** Whether the pool sends at present. */
  readonly gate: SendGate;
  /** What the pool's connections have seen of the gateway's stream limits. */
  readonly streamLimits: StreamLimits;
  /** What may be in flight to begin with. */
  readonly startLimit: StartLimit;
}
