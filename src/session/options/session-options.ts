/**
 * Options of a session, checked. Called when a session is made, on the main thread; the only place that knows the
 * defaults.
 */
import { availableParallelism } from 'node:os';
import { checkPins, readCertificates } from '../../apns/credentials/trust.js';
import { type Clock, systemClock } from '../../base/clock.js';
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
  readBufferSize,
  readTailTimeoutMs,
  readTimeoutMs,
  writeTimeoutMs,
} from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import {
  anyOf,
  checkOptions,
  choice,
  flag,
  type OptionRule,
  type OptionRules,
  optionError,
  test,
  unchecked,
  whole,
} from '../../base/options.js';
import { theOption } from '../../base/wording.js';
import type { LinkOptions } from '../../connection/link-options.js';
import type { KeyMaterial } from '../../push/credentials/key-material.js';
import type { BackendInput } from '../../transport/resolve-backend.js';
import { type BackendChoice, checkBackend } from './backend-option.js';

/** Those about connections have their documentation in LinkOptions and StreamTerms. */
export interface SessionOptions extends Partial<Omit<LinkOptions, 'ca' | 'pins'>> {
  /**
   * Worker threads that send. 0 (the default): this thread sends, which is best up to some ten thousand notifications
   * a second. `'auto'`: one for each core but one, at least one.
   */
  readonly threads?: number | 'auto';
  /** PEM certificates to trust instead of the system's, for private gateways: text, bytes or `{ file }`. */
  readonly ca?: KeyMaterial;
  /**
   * Public keys of which the gateway's certificate chain (its own certificate, an intermediate, or the root) has to
   * hold one, besides being trusted: `sha256/` and the SHA-256 of the SubjectPublicKeyInfo in base64. Pin several, one
   * of them of a key not yet in use: with one pin you are cut off when the gateway changes its key. Default: any key.
   */
  readonly pins?: readonly string[];
  /** Gets what peal logs; a pino instance fits. Default: nothing is logged. */
  readonly logger?: Logger;
  /**
   * Opens the byte streams: `'tls'` (the default), `'proxy'`, `'memory'`, or the package name, path or URL of a module
   * whose default export is a back-end; with `threads: 0` also a class or an object. See docs/backends.md.
   */
  readonly backend?: BackendInput;
  /** What the back-end is made with; plain data where there are threads. For `'proxy'`: `{ url, ca? }`. */
  readonly backendOptions?: object;
  /**
   * An HTTP proxy to tunnel through: its URL, as the back-end `proxy` takes it, or `'environment'` for what
   * HTTPS_PROXY, ALL_PROXY and NO_PROXY say, as curl reads them. Not with `backend`. Default: none, whatever the
   * environment says.
   */
  readonly proxy?: string;
  /** Time, for simulated worlds. Only with `threads: 0`. Default: the process's. */
  readonly clock?: Clock;
}

/** The same with every default filled in. */
export interface CheckedOptions {
  readonly threads: number;
  /** Frozen: one object for all gateways of the session. */
  readonly link: LinkOptions;
  readonly logger: Logger;
  readonly backend: BackendChoice | null;
  readonly clock: Clock;
}

/** Up to ten minutes. */
const durationMs = whole(1, 600_000);

/** What an option may be, and what it is where it is not given. */
interface Entry<Value> {
  readonly rule: OptionRule;
  readonly byDefault: Value;
  /** What becomes of a value that was given. Default: it stays as it is. */
  readonly read?: (value: never, logger: Logger) => Value;
}

/** Every option about connections. */
const linkTable: { readonly [Name in keyof LinkOptions]: Entry<LinkOptions[Name]> } = {
  maxConnections: { rule: whole(1, maxConnectionsOption), byDefault: maxConnectionsPerPool },
  poolSize: { rule: whole(0, maxConnectionsOption), byDefault: poolSize },
  connectTimeoutMs: { rule: durationMs, byDefault: connectTimeoutMs },
  writeTimeoutMs: { rule: durationMs, byDefault: writeTimeoutMs },
  writeBufferSize: { rule: whole(minWriteBufferBytes, maxOutputBufferBytes), byDefault: outputBufferBytes },
  readBufferSize: { rule: whole(minReadBufferBytes, maxOutputBufferBytes), byDefault: readBufferSize },
  readTimeoutMs: { rule: durationMs, byDefault: readTimeoutMs },
  readTailTimeoutMs: { rule: durationMs, byDefault: readTailTimeoutMs },
  flush: { rule: flag, byDefault: true },
  indexAuthorization: { rule: flag, byDefault: true },
  ca: {
    rule: unchecked,
    byDefault: null,
    read: (value: KeyMaterial, logger) => readCertificates(theOption('ca'), value, logger),
  },
  pins: { rule: unchecked, byDefault: null, read: (value: readonly string[]) => checkPins(theOption('pins'), value) },
};
const linkEntries = Object.entries(linkTable) as readonly (readonly [name: keyof LinkOptions, Entry<unknown>])[];

const rules: OptionRules = {
  threads: anyOf(choice('auto'), whole(0, maxThreads)),
  ...Object.fromEntries(linkEntries.map(([name, { rule }]) => [name, rule])),
  logger: test('an object with the methods trace, debug, info, warn and error', has(Object.keys(silentLogger))),
  backend: unchecked,
  backendOptions: unchecked,
  proxy: unchecked,
  clock: test('an object with the methods now, wallMs, setTimer, clearTimer and defer', has(Object.keys(systemClock))),
};

/** Throws PealError ERR_PEAL_OPTION that names the option. */
export function checkSessionOptions(options: SessionOptions): CheckedOptions {
  checkOptions({ name: 'Session' }, options, rules);
  const threads = threadCount(options.threads);
  const logger = options.logger ?? silentLogger;
  if (options.clock !== undefined && threads > 0) {
    throw optionError(`${theOption('clock')} is an object of this thread: give threads: 0 with it.`);
  }
  const link = linkOptions(options, logger);
  return { threads, link, logger, backend: checkBackend(options, threads), clock: options.clock ?? systemClock };
}

function linkOptions(options: SessionOptions, logger: Logger): LinkOptions {
  const values = linkEntries.map(([name, { byDefault, read }]) => {
    const given = options[name];
    if (given === undefined) return [name, byDefault];
    return [name, read === undefined ? given : read(given as never, logger)];
  });
  return Object.freeze(Object.fromEntries(values) as LinkOptions);
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
