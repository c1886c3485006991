/**
 * The URL of a store, checked and taken apart. Pure; any thread. The URL may hold a password, so nothing here quotes
 * it, and sentences name the store by its host and port.
 */
import { isIP } from 'node:net';
import { PealError } from '../base/errors.js';

/** Where a store is, and as whom it is opened. `password` is a secret. */
export interface StoreUrl {
  readonly scheme: string;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string | null;
  readonly password: string | null;
  /** The path, without its first slash. */
  readonly name: string;
  /** What follows the question mark. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** How the URL of one kind of store is written. */
export interface StoreUrlForm {
  /** The subject of sentences: `Redis`. */
  readonly store: string;
  /** Such as `redis`. */
  readonly schemes: readonly string[];
  readonly port: number;
  readonly parameters: readonly string[];
  /** The rest of a sentence that shows how the URL is written. */
  readonly example: string;
}

/** @throws PealError ERR_PEAL_OPTION that says what is wrong, and never what was given */
export function parseStoreUrl(text: unknown, form: StoreUrlForm): StoreUrl {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
  const scheme = url?.protocol.slice(0, -1) ?? '';
  if (url === null || !form.schemes.includes(scheme) || url.hostname === '') {
    throw urlError(form, `must be ${form.example}`);
  }
  if (url.hash !== '') throw urlError(form, 'has a # in it: in user or password write %23');
  const parameters = new Map(url.searchParams);
  if ([...parameters.keys()].some((name) => !form.parameters.includes(name))) {
    const known = form.parameters.length === 0 ? 'nothing' : `only ${form.parameters.join(', ')}`;
    throw urlError(form, `may have ${known} behind a question mark`);
  }
  return {
    scheme,
    host: decoded(url.hostname.replace(/^\[|\]$/g, ''), form),
    port: url.port === '' ? form.port : Number(url.port),
    user: url.username === '' ? null : decoded(url.username, form),
    password: url.password === '' ? null : decoded(url.password, form),
    name: decoded(url.pathname.slice(1), form),
    parameters,
  };
}

/** Returns the beginning of sentences about the store: `Redis at 10.0.0.7:6379`. */
export function storePlace(store: string, host: string, port: number): string {
  return `${store} at ${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Returns whether `host` is this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

export function urlError({ store }: StoreUrlForm, what: string): PealError {
  return new PealError('ERR_PEAL_OPTION', `The URL of ${store} ${what}.`, { origin: 'usage' });
}

function decoded(part: string, form: StoreUrlForm): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw urlError(form, 'has a % that begins no escape: write %25');
  }
}
