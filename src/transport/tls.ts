/**
 * The default back-end: TLS over TCP, or over whatever way to the gateway a `dial` function opens (a proxy, SOCKS,
 * SSH …). Called by connections, on whichever thread they live. The stream itself is tls-stream.
 */
import { isIP, type LookupFunction } from 'node:net';
import { type Clock, systemClock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import { addressAttemptTimeoutMs } from '../base/limits.js';
import { callback, checkOptions, type OptionRules, unchecked } from '../base/options.js';
import type { Backend, BackendStream, ByteStreamListener, OpenOptions } from './backend.js';
import { GatewayAddresses } from './gateway-addresses.js';
import { createRotatingLookup } from './lookup.js';
import { SecureContexts } from './secure-contexts.js';
import type { CredentialFor } from './tls-credential.js';
import { type Dial, type SocketOptions, TlsStream } from './tls-stream.js';

export interface TlsBackendOptions {
  /** Default: the process's own. */
  readonly clock?: Clock;
  /**
   * How host names become addresses, all of them: asked once for each connection, which tries them in that order.
   * Default: a fresh `dns.lookup`, spread over its answers.
   */
  readonly lookup?: LookupFunction;
  /** How the gateway is reached. Default: TCP to its addresses. */
  readonly dial?: Dial;
  /** How client certificates are held. Default: in memory, as they were loaded. */
  readonly credentialFor?: CredentialFor;
}

const rules: OptionRules = { clock: unchecked, lookup: callback, dial: callback, credentialFor: callback };

/**
 * The back-end `tls`: TLS 1.2 or later, the gateway's certificate and host name always verified.
 * Errors reach the listener as PealError: ERR_PEAL_RESOLVE, _CONNECT, _CONNECT_TIMEOUT, _TLS, _ALPN, _CREDENTIAL,
 * _OPTION before the stream is open; _CLOSED and _TLS (a late alert) after.
 */
export function createTlsBackend(options: TlsBackendOptions = {}): Backend {
  checkOptions({ name: 'The back-end tls' }, options, rules);
  const { dial = null, clock = systemClock, lookup = createRotatingLookup() } = options;
  const contexts = new SecureContexts(options.credentialFor);
  return {
    checksPins: true,
    open(openOptions: OpenOptions, listener: ByteStreamListener): BackendStream {
      try {
        const secureContext = contexts.contextFor(openOptions.certificate, openOptions.ca);
        const socketOptions = { ...socketOptionsFor(openOptions), secureContext };
        const way = dial ?? new GatewayAddresses(lookup, openOptions.connectTimeoutMs, clock);
        return new TlsStream(socketOptions, openOptions, listener, clock, way);
      } catch (error) {
        return refusedStream(error, listener, clock);
      }
    },
  };
}

function socketOptionsFor(options: OpenOptions): SocketOptions {
  const { host, port } = options.address;
  const result: SocketOptions = {
    host,
    port,
    // Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
    rejectUnauthorized: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: addressAttemptTimeoutMs,
  };
  if (isIP(host) === 0) result.servername = host; // SNI holds names only (RFC 6066 §3)
  if (options.alpnProtocol !== null) result.ALPNProtocols = [options.alpnProtocol];
  return result;
}

/** A stream that never was: tells its listener why in a later turn. */
function refusedStream(error: unknown, listener: ByteStreamListener, clock: Clock): BackendStream {
  const ignore = (): void => {};
  const reason =
    error instanceof PealError
      ? error
      : new PealError('ERR_PEAL_CONNECT', `The connection cannot be opened: ${String(error)}.`, { origin: 'connect' });
  clock.defer(() => listener.onClosed(reason));
  return {
    ...{ write: ignore, pauseReading: ignore, resumeReading: ignore, end: ignore, destroy: ignore },
    ...{ isClosed: true, hasUnread: false, reset: () => false, details: () => ({}) },
  };
}
