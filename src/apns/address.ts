/**
 * Gateway addresses: the names that the library knows, and URLs. Pure; any thread.
 *
 * Source: "Sending notification requests to APNs" (establish a connection), "Binary Provider API".
 */
import { PealError } from '../base/errors.js';
import { nearestName } from '../base/nearest-name.js';
import { escapeUnprintable } from '../base/text.js';
import { either } from '../base/wording.js';
import type { Address, Environment, Protocol } from '../push/address.js';

/** A name that the library knows. */
type AddressName =
  | 'api_production'
  | 'api_sandbox'
  | 'api_development'
  | 'production'
  | 'sandbox'
  | 'development'
  | 'push_production'
  | 'push_sandbox'
  | 'feedback_production'
  | 'feedback_sandbox';

/** An address as a program may give it: a known name, a URL, or host and port of a binary gateway. */
export type AddressInput = AddressName | (string & {}) | readonly [host: string, port: number];

/** The scheme of each protocol's URLs, and the port of a URL without one. */
const schemes: Readonly<Record<string, readonly [protocol: Protocol, port: number]>> = {
  https: ['http2', 443],
  binary: ['binary', 2195],
  feedback: ['feedback', 2196],
};

const production: Address = { protocol: 'http2', host: 'api.push.apple.com', port: 443 };
/** Apple calls this the development environment, and its host the sandbox. The other hosts below say sandbox, too. */
const sandbox: Address = { protocol: 'http2', host: 'api.sandbox.push.apple.com', port: 443 };

const named: Readonly<Record<AddressName, Address>> = {
  api_production: production,
  api_sandbox: sandbox,
  api_development: sandbox,
  production,
  sandbox,
  development: sandbox,
  push_production: { protocol: 'binary', host: 'gateway.push.apple.com', port: 2195 },
  push_sandbox: { protocol: 'binary', host: 'gateway.sandbox.push.apple.com', port: 2195 },
  feedback_production: { protocol: 'feedback', host: 'feedback.push.apple.com', port: 2196 },
  feedback_sandbox: { protocol: 'feedback', host: 'feedback.sandbox.push.apple.com', port: 2196 },
};

const allowed =
  `give ${either('api_production, api_sandbox', 'production, sandbox')}, https://host:port, or for ` +
  'the binary protocol push_production, push_sandbox, feedback_production, feedback_sandbox, binary://host:port' +
  either(', feedback://host:port or [host, port]', ' or feedback://host:port');

/**
 * Returns the address that `text` names: a known name; `https://host` (HTTP/2, port 443), `binary://host` (2195) or
 * `feedback://host` (2196), each also with a port and with an IPv6 address in brackets; or a pair of host and port,
 * which is a binary gateway.
 *
 * @throws PealError ERR_PEAL_ADDRESS
 */
export function parseAddress(text: AddressInput): Address {
  if (Array.isArray(text)) return parsePair(text);
  if (typeof text !== 'string') throw addressError(`An address cannot be ${text === null ? 'null' : typeof text}`);
  if (Object.hasOwn(named, text)) return named[text as AddressName];
  return parseUrl(text);
}

const environmentOfHost: ReadonlyMap<string, Environment> = new Map<string, Environment>([
  ...Object.entries(named).map(([name, { host }]): [string, Environment] => {
    return [host, name.endsWith('production') ? 'production' : 'sandbox'];
  }),
  ['api.development.push.apple.com', 'sandbox'],
]);

/** Returns the environment of one of Apple's hosts; null for another host, whose environment is not known. */
export function gatewayEnvironment({ host }: Address): Environment | null {
  return environmentOfHost.get(host) ?? null;
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
  return { protocol: 'binary', host: hostOf(url), port: port as number };
}

function parseUrl(text: string): Address {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  // Read as https, because URL does not parse the hosts of schemes that it does not know.
  const url = tryUrl(`https://${rest}`);
  if (scheme === '' || url === null) {
    const meant = scheme === '' ? nearestName(text, Object.keys(named), 2) : null;
    const guess = meant === null ? '' : `; did you mean ${meant}`;
    throw addressError(`The address ${quote(text)} is not known${guess}`);
  }
  const name = scheme.toLowerCase();
  if (name === 'http') throw addressError('APNs is spoken over TLS only, so the address cannot be http://');
  const known = Object.hasOwn(schemes, name) ? schemes[name] : undefined;
  if (known === undefined) throw addressError(`The address ${quote(text)} is not https://, binary:// or feedback://`);
  if (hasExtras(url) || url.pathname !== '/') {
    throw addressError('An address has neither path, query, fragment nor user name');
  }
  const port = portOf(url, rest, known[1]);
  if (port === 0) throw addressError('The port of an address must be a whole number from 1 to 65535');
  return { protocol: known[0], host: hostOf(url), port };
}

/** The port as it was written: URL drops a port of 443, which is not the default of the other schemes. */
function portOf(url: URL, rest: string, usual: number): number {
  if (url.port !== '') return Number(url.port);
  return /:\d+\/?$/.test(rest) ? 443 : usual;
}

/** Returns null also for text with blanks or controls, which `URL` would remove. */
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

/** At most 80 characters. A URL may hold a password, so nothing before an @ is quoted. */
function quote(text: string): string {
  return `"${escapeUnprintable(text.replace(/^.*@/s, '…@'), 80)}"`;
}

function addressError(problem: string): PealError {
  return new PealError('ERR_PEAL_ADDRESS', `${problem}: ${allowed}.`, { origin: 'usage' });
}
