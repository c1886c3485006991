/** What a connection is given, and whom it tells of its life. Made by ConnectionPool for each Http2Connection. */
import type { Address } from '../apns/address.js';
import type { CertificateCredential } from '../apns/credential.js';
import type { Clock } from '../base/clock.js';
import type { PealError } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import type { Backend } from '../transport/index.js';
import type { Http2Connection } from './http2-connection.js';
import type { RequestSource } from './request-source.js';

/** Implemented by the pool. Never called while the connection receives or pumps. */
export interface ConnectionOwner {
  /** The connection takes no more work; answers to what is in flight still come. `error` as in onConnectionClosed. */
  onConnectionDraining(connection: Http2Connection, error: PealError | null): void;
  /** The first answer of this connection. */
  onConnectionAnswered(connection: Http2Connection): void;
  /** Over, and every request reported. `error`: why; null where the pool asked for it. */
  onConnectionClosed(connection: Http2Connection, error: PealError | null): void;
}

export interface Http2ConnectionOptions {
  /** Names the connection in logs. */
  readonly id: number;
  readonly address: Address;
  readonly certificate: CertificateCredential | null;
  readonly ca: string | null;
  readonly backend: Backend;
  readonly source: RequestSource;
  readonly owner: ConnectionOwner;
  readonly clock: Clock;
  readonly log: Logger;
  /** For TCP, TLS and the first SETTINGS together. */
  readonly connectTimeoutMs: number;
  readonly indexAuthorization: boolean;
  /** Send one request first and wait for its answer (token authentication). */
  readonly probeFirst: boolean;
  readonly providerToken: string | null;
}
