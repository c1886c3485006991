/** What a pool is given and what it tells. Used by shards and tests; the pool itself is in pool. */
import type { Clock } from '../../base/clock.js';
import type { PealError, PealErrorCode } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import type { Address } from '../../push/address.js';
import type { CredentialData } from '../../push/credentials/credential.js';
import type { Backend } from '../../transport/backend.js';
import type { GatewayConnection } from '../gateway-connection.js';
import type { LinkOptions } from '../link-options.js';
import type { RequestSource } from '../request-source.js';

export interface PoolOptions {
  readonly address: Address;
  readonly credential: CredentialData;
  readonly link: LinkOptions;
  readonly backend: Backend;
  readonly source: RequestSource;
  readonly clock: Clock;
  readonly log: Logger;
  /** For jitter; as Math.random, which is the default. */
  readonly random?: () => number;
  /** Busy share (0 to 1) of the event loop since the last call. Default: this thread's. */
  readonly loadProbe?: () => number;
}

/** Connections by state, and totals over all connections the pool ever had. */
export interface PoolStats {
  readonly opening: number;
  readonly ready: number;
  readonly draining: number;
  /** Attempts to connect. */
  readonly opened: number;
  /** Requests without an outcome. */
  readonly inFlight: number;
  /** The lowest that a gateway allows on an open connection; null where none is known. */
  readonly streamLimit: number | null;
  readonly answers: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** What the connections that a pool has now, and `gone`, those that it had, come to. */
export function statsOf(
  connections: readonly GatewayConnection[],
  opened: number,
  gone: ClosedConnectionTotals,
): PoolStats {
  const sum = (figure: (connection: GatewayConnection) => number): number =>
    connections.reduce((total, connection) => total + figure(connection), 0);
  const inState = (...states: string[]): number => sum(({ state }) => (states.includes(state) ? 1 : 0));
  return {
    opening: inState('opening'),
    ready: inState('ready'),
    draining: inState('draining', 'closing'),
    opened,
    inFlight: sum((connection) => connection.inFlight),
    streamLimit: lowestOf(connections.map(({ state, streamLimit }) => (state === 'ready' ? streamLimit : null))),
    answers: gone.answers + sum((connection) => connection.counts.answers),
    bytesSent: gone.bytesSent + sum((connection) => connection.counts.bytesSent),
    bytesReceived: gone.bytesReceived + sum((connection) => connection.counts.bytesReceived),
  };
}

/** The lowest of those that are known; null where none is. */
export function lowestOf(limits: readonly (number | null)[]): number | null {
  const known = limits.filter((limit) => limit !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** Totals over connections that are closed. */
export class ClosedConnectionTotals {
  answers = 0;
  bytesSent = 0;
  bytesReceived = 0;

  add(connection: GatewayConnection): void {
    this.answers += connection.counts.answers;
    this.bytesSent += connection.counts.bytesSent;
    this.bytesReceived += connection.counts.bytesReceived;
  }
}

/** Errors before a connection is open that only a change of configuration mends. */
const hopelessCodes: ReadonlySet<PealErrorCode> = new Set<PealErrorCode>([
  'ERR_PEAL_ALPN',
  'ERR_PEAL_TLS',
  'ERR_PEAL_CREDENTIAL',
  'ERR_PEAL_OPTION',
  'ERR_PEAL_PROXY',
]);

/** Whether no repetition mends what ended a connection. */
export function isHopeless(error: PealError): boolean {
  return !error.retryable && (error.origin === 'credential' || hopelessCodes.has(error.code));
}
