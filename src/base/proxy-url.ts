/**
 * The URL of an HTTP proxy, checked. Pure; any thread. The URL may hold a password, so nothing here quotes it.
 */
import { PealError } from './errors.js';

export interface ProxyAddress {
  /** Whether the connection to the proxy itself uses TLS (`https:`). */
  readonly isSecure: boolean;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** The value of Proxy-Authorization (RFC 7617 §2), or null where the URL names no user. A secret. */
  readonly authorization: string | null;
}

/** @throws PealError ERR_PEAL_OPTION that says what is wrong, and never what was given */
export function parseProxyUrl(text: unknown): ProxyAddress {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw urlError('must be http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ before the host if it asks');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw urlError('must end after the port: a proxy has no path');
  }
  const isSecure = url.protocol === 'https:';
  return {
    isSecure,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
    authorization: authorizationOf(url),
  };
}

function authorizationOf({ username, password }: URL): string | null {
  if (username === '' && password === '') return null;
  const [user, secret] = [decoded(username), decoded(password)];
  if (user.includes(':')) throw urlError('names a user with a colon, which Basic authentication cannot express');
  return `Basic ${Buffer.from(`${user}:${secret}`, 'utf8').toString('base64')}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw urlError('has a % in user or password that begins no escape: write %25');
  }
}

function urlError(what: string): PealError {
  return new PealError('ERR_PEAL_OPTION', `The URL of the proxy ${what}.`, { origin: 'usage' });
}
