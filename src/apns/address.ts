/**
 * Gateway addresses: the names that the library knows, and URLs. Pure; any thread.
 *
 * Source: "Sending notification requests to APNs" (establish a connection).
 */
import { PealError } from '../base/errors.js';
import { escapeUnprintable } from '../base/text.js';

export type Protocol = 'http2' | 'binary' | 'feedback';

export interface Address {
  readonly protocol: Protocol;
  /** Host name or IP address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A name that the library knows. */
export type AddressName = 'api_production' | 'api_sandbox';

/** What a program may give as an address: a known name, `https://host:port`, or host and port. */
export type AddressInput = AddressName | (string & {}) | readonly [host: string, port: number];

const httpsPort = 443;

const named: Readonly<Record<AddressName, Address>> = {
  api_production: { protocol: 'http2', host: 'api.push.apple.com', port: httpsPort },
  api_sandbox: { protocol: 'http2', host: 'api.sandbox.push.apple.com', port: httpsPort },
};

/** Names of the binary protocol's gateways, and the name that serves the same devices over HTTP/2. */
const binaryNames: Readonly<Record<string, AddressName>> = {
  push_production: 'api_production',
  push_sandbox: 'api_sandbox',
  feedback_production: 'api_production',
  feedback_sandbox: 'api_sandbox',
};

const allowed = 'give api_production, api_sandbox, https://host:port or [host, port]';

/**
 * The address that `text` means: `api_production`, `api_sandbox`, `https://host` or `https://host:port` (default 443),
 * also with an IPv6 address in brackets; or a pair of host and port.
 *
 * @throws PealError ERR_PEAL_ADDRESS
 */
export function parseAddress(text: AddressInput): Address {
  if (Array.isArray(text)) return parsePair(text);
  if (typeof text !== 'string') throw addressError(`An address cannot be ${text === null ? 'null' : typeof text}`);
  if (Object.hasOwn(named, text)) return named[text as AddressName];
  if (Object.hasOwn(binaryNames, text)) {
    throw new PealError(
      'ERR_PEAL_ADDRESS',
      `The address ${text} is for the binary protocol, which this version does not speak: use ${binaryNames[text]}.`,
      { origin: 'usage' },
    );
  }
  return parseUrl(text);
}

/** Host and port as they stand in a URL and in `:authority`; without the port where it is 443 (RFC 9113 §8.3.1). */
export function authority(address: Address): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return address.port === httpsPort ? host : `${host}:${address.port}`;
}

function parsePair(pair: readonly unknown[]): Address {
  const [host, port] = pair;
  if (pair.length !== 2 || typeof host !== 'string') throw addressError('An address as a pair is [host, port]');
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65535) {
    throw addressError('The port of an address must be a whole number from 1 to 65535');
  }
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const url = tryUrl(`https://${bare.includes(':') ? `[${bare}]` : bare}`);
  if (url === null || url.pathname !== '/' || hasExtras(url) || url.port !== '') {
    throw addressError(`The host ${quote(host)} is neither a host name nor an IP address`);
  }
  return { protocol: 'http2', host: hostOf(url), port: port as number };
}

function parseUrl(text: string): Address {
  const url = tryUrl(text);
  if (url === null || !/^[a-z]+:\/\//i.test(text)) throw addressError(`The address ${quote(text)} is not known`);
  if (url.protocol === 'http:') throw addressError('APNs is spoken over TLS only, so the address cannot be http://');
  if (url.protocol !== 'https:') throw addressError(`The address ${quote(text)} is not https://`);
  if (hasExtras(url) || url.pathname !== '/') {
    throw addressError('An address has neither path, query, fragment nor user name');
  }
  const port = url.port === '' ? httpsPort : Number(url.port);
  if (port === 0) throw addressError('The port of an address must be a whole number from 1 to 65535');
  return { protocol: 'http2', host: hostOf(url), port };
}

/** Null also for text with blanks or controls, which `URL` would remove. */
function tryUrl(text: string): URL | null {
  if (/[\s\p{C}]/u.test(text)) return null;
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function hasExtras(url: URL): boolean {
  return url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '';
}

/** The host without the brackets of an IPv6 address. */
function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

/** At most 80 characters; a URL may hold a password, so nothing before an @ is quoted. */
function quote(text: string): string {
  return `"${escapeUnprintable(text.replace(/^.*@/s, '…@'), 80)}"`;
}

function addressError(problem: string): PealError {
  return new PealError('ERR_PEAL_ADDRESS', `${problem}: ${allowed}.`, { origin: 'usage' });
}
