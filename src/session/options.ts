/**
 * Options of a session, checked. Called when a session is made, on the main thread; the only place that knows the
 * defaults.
 */
import { availableParallelism } from 'node:os';
import { type FileReference, type KeyMaterial, readMaterial } from '../apns/key-material.js';
import { pemBlocks } from '../apns/pem.js';
import { type Clock, systemClock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import { connectTimeoutMs, maxConnectionsOption, maxConnectionsPerPool, maxThreads } from '../base/limits.js';
import { type Logger, silentLogger } from '../base/log.js';
import type { Backend } from '../transport/backend.js';

export type { FileReference, KeyMaterial };

export interface SessionOptions {
  /**
   * Worker threads that send. 0 (the default): this thread sends, which is best up to some ten thousand notifications
   * a second. `'auto'`: one for each core but one, at least one.
   */
  readonly threads?: number | 'auto';
  /** Most connections to one gateway under one credential, in each thread. Default 8. */
  readonly maxConnections?: number;
  /** Longest time for DNS, TCP and TLS together, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** PEM certificates to trust instead of the system's, for private gateways: text, bytes or `{ file }`. */
  readonly ca?: KeyMaterial;
  /**
   * Whether the provider token may enter the gateway's header table: 146 bytes less for each notification. Default
   * true; Apple's own advice is a literal.
   */
  readonly indexAuthorization?: boolean;
  /** Where peal says what it does; a pino instance fits. Default: nowhere. */
  readonly logger?: Logger;
  /** Opens the byte streams. Only with `threads: 0`, because an object stays in its thread. Default: TLS. */
  readonly backend?: Backend;
  /** Time, for simulated worlds. Only with `threads: 0`. Default: the process's. */
  readonly clock?: Clock;
}

/** The same with every default filled in. */
export interface CheckedOptions {
  readonly threads: number;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  readonly ca: string | null;
  readonly indexAuthorization: boolean;
  readonly logger: Logger;
  readonly backend: Backend | null;
  readonly clock: Clock;
}

const known = [
  ...['threads', 'maxConnections', 'connectTimeoutMs', 'ca', 'indexAuthorization', 'logger', 'backend', 'clock'],
];

/** Throws PealError ERR_PEAL_OPTION that names the option. */
export function checkSessionOptions(options: SessionOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw optionError('A session takes its options as an object.');
  refuseUnknown('Session', options, known);
  const threads = threadCount(options.threads);
  const logger = options.logger ?? silentLogger;
  for (const name of ['backend', 'clock'] as const) {
    if (options[name] !== undefined && threads > 0) {
      throw optionError(`The option ${name} is an object of this thread: give threads: 0 with it.`);
    }
  }
  return {
    threads,
    maxConnections: wholeNumber(
      'maxConnections',
      options.maxConnections,
      1,
      maxConnectionsOption,
      maxConnectionsPerPool,
    ),
    connectTimeoutMs: wholeNumber('connectTimeoutMs', options.connectTimeoutMs, 1, 600_000, connectTimeoutMs),
    ca: options.ca === undefined ? null : readCa(options.ca, logger),
    indexAuthorization: trueOrFalse('indexAuthorization', options.indexAuthorization, true),
    logger,
    backend: options.backend ?? null,
    clock: options.clock ?? systemClock,
  };
}

export function optionError(message: string): PealError {
  return new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' });
}

/** A misspelt option would otherwise be silently without effect. */
export function refuseUnknown(subject: string, options: object, allowed: readonly string[]): void {
  const stranger = Object.keys(options).find((name) => !allowed.includes(name));
  if (stranger === undefined) return;
  throw optionError(`${subject} has no option ${JSON.stringify(stranger)}: it knows ${allowed.join(', ')}.`);
}

/** Throws ERR_PEAL_OPTION unless `value` is a whole number in the range; `fallback` stands in for undefined. */
export function wholeNumber(name: string, value: unknown, min: number, max: number, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw optionError(`The option ${name} must be a whole number from ${min} to ${max}, not ${shown(value)}.`);
}

function threadCount(value: number | 'auto' | undefined): number {
  if (value === 'auto') return Math.min(maxThreads, Math.max(1, availableParallelism() - 1));
  if (typeof value !== 'string') return wholeNumber('threads', value, 0, maxThreads, 0);
  throw optionError(
    `The option threads must be 'auto' or a whole number from 0 to ${maxThreads}, not ${shown(value)}.`,
  );
}

function trueOrFalse(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw optionError(`The option ${name} must be true or false, not ${shown(value)}.`);
}

function readCa(value: KeyMaterial, logger: Logger): string {
  try {
    const certificates = pemBlocks(readMaterial('ca', value, logger, false)).filter(isCertificate);
    if (certificates.length > 0) return certificates.map(({ text }) => text).join('\n');
  } catch (error) {
    throw error instanceof PealError ? optionError(error.message) : error;
  }
  throw optionError('The option ca holds no certificate: give the PEM of the authority that signed the gateway.');
}

function isCertificate({ label }: { readonly label: string }): boolean {
  return label === 'CERTIFICATE';
}

function shown(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : `a value of type ${typeof value}`;
}
