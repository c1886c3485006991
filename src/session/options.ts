/**
 * Options of a session, checked. Called when a session is made, on the main thread; the only place that knows the
 * defaults.
 */
import { availableParallelism } from 'node:os';
import type { FileReference, KeyMaterial } from '../apns/key-material.js';
import { checkPins } from '../apns/pins.js';
import { readCertificates } from '../apns/trusted-certificates.js';
import { type Clock, systemClock } from '../base/clock.js';
import {
  connectTimeoutMs,
  maxConnectionsOption,
  maxConnectionsPerPool,
  maxOutputBufferBytes,
  maxThreads,
  minReadBufferBytes,
  minWriteBufferBytes,
  outputBufferBytes,
  poolSize,
  readBufferBytes,
  readTailTimeoutMs,
  readTimeoutMs,
  writeTimeoutMs,
} from '../base/limits.js';
import { type Logger, silentLogger } from '../base/log.js';
import {
  anyOf,
  checkOptions,
  choice,
  flag,
  type OptionRules,
  optionError,
  test,
  unchecked,
  whole,
} from '../base/options.js';
import { theOption } from '../base/wording.js';
import { type BackendChoice, type BackendInput, checkBackend } from './backend-option.js';

export type { FileReference, KeyMaterial };

export interface SessionOptions {
  /**
   * Worker threads that send. 0 (the default): this thread sends, which is best up to some ten thousand notifications
   * a second. `'auto'`: one for each core but one, at least one.
   */
  readonly threads?: number | 'auto';
  /** Most connections to one gateway under one credential, in each thread. Default 8. */
  readonly maxConnections?: number;
  /** Idle connections that are kept to one gateway under one credential, in each thread (0 to 1,000). Default 5. */
  readonly poolSize?: number;
  /** Longest time for DNS, TCP and TLS together, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /**
   * How long a binary gateway may take to read what is written, before the connection is given up, in milliseconds.
   * Default 20,000. Binary gateways only.
   */
  readonly writeTimeoutMs?: number;
  /** What one write to a binary gateway holds at most, in bytes. Default 65,536. Binary gateways only. */
  readonly writeBufferSize?: number;
  /** What one read from a gateway brings at most, in bytes; one such buffer for each connection. Default 65,536. */
  readonly readBufferSize?: number;
  /**
   * How long a feedback gateway may be silent before its list counts as ended, and how long a binary one may take to
   * answer a flush, in milliseconds. Default 20,000. Binary and feedback gateways only.
   */
  readonly readTimeoutMs?: number;
  /**
   * How long after the last write a binary gateway must be silent before everything counts as accepted, in milliseconds;
   * used where `flush` is off. Default 3,000. Binary gateways only.
   */
  readonly readTailTimeoutMs?: number;
  /**
   * Whether a notification that is known to be bad asks a binary gateway for proof that everything before it was
   * accepted; it costs the connection. Default true. Binary gateways only.
   */
  readonly flush?: boolean;
  /** PEM certificates to trust instead of the system's, for private gateways: text, bytes or `{ file }`. */
  readonly ca?: KeyMaterial;
  /**
   * Public keys of which the gateway's certificate chain (its own certificate, an intermediate, or the root) has to hold
   * one, besides being trusted: `sha256/` and the SHA-256 of the SubjectPublicKeyInfo in base64. Pin several, one of them
   * of a key not yet in use: who pins one is cut off when the gateway changes it. Default: any key.
   */
  readonly pins?: readonly string[];
  /**
   * Whether the provider token may enter the gateway's header table: 146 bytes less for each notification. Default
   * true; Apple's own advice is a literal.
   */
  readonly indexAuthorization?: boolean;
  /** Where peal says what it does; a pino instance fits. Default: nowhere. */
  readonly logger?: Logger;
  /**
   * Opens the byte streams: `'tls'` (the default), `'proxy'`, `'memory'`, or the package name, path or URL of a module
   * whose default export is a back-end; with `threads: 0` also a class or an object. See docs/backends.md.
   */
  readonly backend?: BackendInput;
  /** What the back-end is made with; plain data where there are threads. For `'proxy'`: `{ url, ca? }`. */
  readonly backendOptions?: object;
  /**
   * An HTTP proxy to tunnel through: its URL, as the back-end `proxy` takes it, or `'environment'` for what HTTPS_PROXY,
   * ALL_PROXY and NO_PROXY say, as curl reads them. Not with `backend`. Default: none, whatever the environment says.
   */
  readonly proxy?: string;
  /** Time, for simulated worlds. Only with `threads: 0`. Default: the process's. */
  readonly clock?: Clock;
}

/** The same with every default filled in. */
export interface CheckedOptions {
  readonly threads: number;
  readonly maxConnections: number;
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  readonly writeBufferSize: number;
  readonly readBufferSize: number;
  readonly writeTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly readTailTimeoutMs: number;
  readonly flush: boolean;
  readonly ca: string | null;
  readonly pins: readonly string[] | null;
  readonly indexAuthorization: boolean;
  readonly logger: Logger;
  readonly backend: BackendChoice | null;
  readonly clock: Clock;
}

/** Up to ten minutes. */
const durationMs = whole(1, 600_000);

const rules: OptionRules = {
  threads: anyOf(choice('auto'), whole(0, maxThreads)),
  maxConnections: whole(1, maxConnectionsOption),
  connectTimeoutMs: durationMs,
  ca: unchecked,
  indexAuthorization: flag,
  logger: test('an object with the methods trace, debug, info, warn and error', has(Object.keys(silentLogger))),
  backend: unchecked,
  clock: test('an object with the methods now, wallMs, setTimer, clearTimer and defer', has(Object.keys(systemClock))),
  backendOptions: unchecked,
  proxy: unchecked,
  pins: unchecked,
  poolSize: whole(0, maxConnectionsOption),
  writeBufferSize: whole(minWriteBufferBytes, maxOutputBufferBytes),
  readBufferSize: whole(minReadBufferBytes, maxOutputBufferBytes),
  writeTimeoutMs: durationMs,
  readTimeoutMs: durationMs,
  readTailTimeoutMs: durationMs,
  flush: flag,
};

/** Throws PealError ERR_PEAL_OPTION that names the option. */
export function checkSessionOptions(options: SessionOptions): CheckedOptions {
  checkOptions({ name: 'Session' }, options, rules);
  const threads = threadCount(options.threads);
  const logger = options.logger ?? silentLogger;
  if (options.clock !== undefined && threads > 0) {
    throw optionError(`${theOption('clock')} is an object of this thread: give threads: 0 with it.`);
  }
  return {
    threads,
    maxConnections: options.maxConnections ?? maxConnectionsPerPool,
    poolSize: options.poolSize ?? poolSize,
    connectTimeoutMs: options.connectTimeoutMs ?? connectTimeoutMs,
    writeBufferSize: options.writeBufferSize ?? outputBufferBytes,
    readBufferSize: options.readBufferSize ?? readBufferBytes,
    writeTimeoutMs: options.writeTimeoutMs ?? writeTimeoutMs,
    readTimeoutMs: options.readTimeoutMs ?? readTimeoutMs,
    readTailTimeoutMs: options.readTailTimeoutMs ?? readTailTimeoutMs,
    flush: options.flush ?? true,
    ca: options.ca === undefined ? null : readCertificates(theOption('ca'), options.ca, logger),
    pins: options.pins === undefined ? null : checkPins(theOption('pins'), options.pins),
    indexAuthorization: options.indexAuthorization ?? true,
    logger,
    backend: checkBackend(options, threads),
    clock: options.clock ?? systemClock,
  };
}

/** Whether a value has all of these methods. */
function has(methods: readonly string[]): (value: unknown) => boolean {
  return (value) => {
    const object = (value ?? {}) as Readonly<Record<string, unknown>>;
    return methods.every((name) => typeof object[name] === 'function');
  };
}

function threadCount(threads: number | 'auto' = 0): number {
  if (threads !== 'auto') return threads;
  return Math.min(maxThreads, Math.max(1, availableParallelism() - 1));
}
