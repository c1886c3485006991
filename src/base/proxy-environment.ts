/**
 * The proxy that the environment names for a gateway, by the variables that curl reads. Pure; the variables are handed
 * in, so that a thread uses those of its session. Values may hold passwords and are never quoted.
 *
 *   https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY   the first that is not empty; without a scheme it is http://
 *   no_proxy, NO_PROXY                               the first that is not empty: hosts reached directly
 *
 * One difference: this machine itself (localhost, 127.0.0.0/8, ::1) is always reached directly, as in Go, because a
 * proxy elsewhere would reach itself.
 */
import { BlockList, isIP } from 'node:net';
import { PealError } from './errors.js';
import { type ProxyAddress, parseProxyUrl } from './proxy-url.js';

/** Environment variables by name; plain data. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>;

const proxyNames = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'] as const;
const exceptionNames = ['no_proxy', 'NO_PROXY'] as const;

export interface EnvironmentProxy {
  /** The variable that names the proxy. */
  readonly variable: string;
  readonly address: ProxyAddress;
  /** Returns whether a gateway is reached without the proxy. */
  isDirect(host: string, port: number): boolean;
}

/** Returns the variables of `env` that are about proxies. */
export function proxyVariables(env: ProxyVariables): ProxyVariables {
  const names = [...proxyNames, ...exceptionNames].filter((name) => (env[name] ?? '') !== '');
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

/**
 * Returns the proxy, or null where no variable names a proxy.
 *
 * @throws PealError ERR_PEAL_OPTION that names the variable
 */
export function proxyOf(env: ProxyVariables): EnvironmentProxy | null {
  const variable = proxyNames.find((name) => (env[name] ?? '') !== '');
  if (variable === undefined) return null;
  const exceptions = exceptionNames.map((name) => env[name] ?? '').find((value) => value !== '') ?? '';
  const isException = exceptionsOf(exceptions);
  return { variable, address: addressOf(variable, env[variable]!), isDirect: isException };
}

function addressOf(variable: string, value: string): ProxyAddress {
  const text = value.trim();
  if (/^socks/i.test(text)) {
    throw variableError(variable, 'names a SOCKS proxy, which peal does not speak: set HTTPS_PROXY to an HTTP proxy');
  }
  try {
    return parseProxyUrl(text.includes('://') ? text : `http://${text}`);
  } catch (error) {
    const why = (error as PealError).message.replace(/^The URL of the proxy /, 'must name an HTTP proxy: its URL ');
    throw variableError(variable, why.replace(/\.$/, ''));
  }
}

function variableError(variable: string, what: string): PealError {
  const advice = 'or have the gateway reached directly by NO_PROXY';
  return new PealError('ERR_PEAL_OPTION', `The environment variable ${variable} ${what}, ${advice}.`, {
    origin: 'usage',
  });
}

/**
 * The rule of `no_proxy`: `*`, names with all below them, addresses, networks in CIDR notation; each also with a port.
 */
function exceptionsOf(list: string): (host: string, port: number) => boolean {
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== '');
  const rules = entries.map(ruleOf);
  return (givenHost, port) => {
    const host = plain(givenHost);
    return isThisMachine(host) || rules.some((rule) => rule(host, port));
  };
}

type Rule = (host: string, port: number) => boolean;

function ruleOf(entry: string): Rule {
  if (entry === '*') return () => true;
  const network = /^([0-9a-f.:[\]]+)\/(\d{1,3})$/i.exec(entry);
  if (network !== null) return networkRule(plain(network[1]!), Number(network[2]));
  const [, name = entry, digits] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [];
  const wanted = plain(name.replace(/^\*?\./, ''));
  const isHost: Rule =
    isIP(wanted) === 0 ? (host) => host === wanted || host.endsWith(`.${wanted}`) : addressRule(wanted);
  return digits === undefined ? isHost : (host, port) => port === Number(digits) && isHost(host, port);
}

function addressRule(address: string): Rule {
  return networkRule(address, isIP(address) === 6 ? 128 : 32);
}

/** A network that cannot be read matches no host. */
function networkRule(address: string, prefix: number): Rule {
  const family = familyOf(address);
  if (family === null || prefix > (family === 'ipv6' ? 128 : 32)) return () => false;
  const network = new BlockList();
  network.addSubnet(address, prefix, family);
  return (host) => familyOf(host) === family && network.check(host, family);
}

function familyOf(host: string): 'ipv4' | 'ipv6' | null {
  const version = isIP(host);
  return version === 0 ? null : version === 6 ? 'ipv6' : 'ipv4';
}

const thisMachine = new BlockList();
thisMachine.addSubnet('127.0.0.0', 8, 'ipv4');
thisMachine.addAddress('::1', 'ipv6');

function isThisMachine(host: string): boolean {
  const family = familyOf(host);
  return family === null ? /(?:^|\.)localhost$/.test(host) : thisMachine.check(host, family);
}

/** In lower case, without brackets and without the dot at the end of a fully qualified name. */
function plain(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
