/** What a pool is given and what it tells. Used by shards and tests; the pool itself is in pool. */
import type { Address } from '../apns/address.js';
import type { CredentialData } from '../apns/credential.js';
import type { Clock } from '../base/clock.js';
import type { PealError, PealErrorCode } from '../base/errors.js';
import { outputBufferBytes, readTailTimeoutMs, readTimeoutMs, writeTimeoutMs } from '../base/limits.js';
import type { Logger } from '../base/log.js';
import type { Backend } from '../transport/index.js';
import type { BinarySettings } from './connection-options.js';
import type { GatewayConnection } from './gateway-connection.js';
import type { RequestSource } from './request-source.js';

/** The parts of BinarySettings that are missing have the defaults of base/limits; flushing is on. */
export interface PoolOptions extends Partial<BinarySettings> {
  readonly address: Address;
  readonly credential: CredentialData;
  /** PEM certificates trusted instead of the system's, or null. */
  readonly ca: string | null;
  /** Keys of which the gateway's chain must hold one. Default: it need not. */
  readonly pins?: readonly string[] | null | undefined;
  readonly backend: Backend;
  readonly source: RequestSource;
  readonly clock: Clock;
  readonly log: Logger;
  /** 1 to maxConnectionsPerPool. */
  readonly maxConnections: number;
  /** For TCP, TLS and, over HTTP/2, the first SETTINGS of one connection together. */
  readonly connectTimeoutMs: number;
  /** Connections that are kept though they have been idle for `idleBeforeTrimMs`. Default: all. */
  readonly poolSize?: number;
  /** What one read brings at most, in bytes. Default: the back-end's. */
  readonly readBufferBytes?: number | undefined;
  /** Whether the provider token may enter the peer's header table. */
  readonly indexAuthorization: boolean;
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
  readonly answers: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The settings of binary connections, with the defaults of base/limits. */
export function binarySettingsOf(options: PoolOptions): BinarySettings {
  return {
    flush: options.flush ?? true,
    readTailTimeoutMs: options.readTailTimeoutMs ?? readTailTimeoutMs,
    readTimeoutMs: options.readTimeoutMs ?? readTimeoutMs,
    writeTimeoutMs: options.writeTimeoutMs ?? writeTimeoutMs,
    writeBufferBytes: options.writeBufferBytes ?? outputBufferBytes,
  };
}

/** What the connections that a pool has now, and `gone`, those that it had, come to. */
export function statsOf(connections: readonly GatewayConnection[], opened: number, gone: GoneStats): PoolStats {
  const sum = (figure: (connection: GatewayConnection) => number): number =>
    connections.reduce((total, connection) => total + figure(connection), 0);
  const inState = (...states: string[]): number => sum(({ state }) => (states.includes(state) ? 1 : 0));
  return {
    opening: inState('opening'),
    ready: inState('ready'),
    draining: inState('draining', 'closing'),
    opened,
    inFlight: sum((connection) => connection.inFlight),
    answers: gone.answers + sum((connection) => connection.counts.answers),
    bytesSent: gone.bytesSent + sum((connection) => connection.counts.bytesSent),
    bytesReceived: gone.bytesReceived + sum((connection) => connection.counts.bytesReceived),
  };
}

/** Totals over connections that are closed. */
export class GoneStats {
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
