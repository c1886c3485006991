/**
 * From `--proxy`, PEAL_PROXY and HTTPS_PROXY to a session's back-end. Pure; main thread. A password comes from the environment only:
 * every user of the machine can read a command line.
 */
import { Option } from 'commander';
import type { PealError } from '../base/errors.js';
import { proxyOf, proxyVariables } from '../base/proxy-environment.js';
import { parseProxyUrl } from '../base/proxy-url.js';
import type { SessionOptions } from '../session/options.js';
import { ownVariable } from './own-variables.js';
import { type Terminal, usageError } from './terminal.js';

export function proxyOption(): Option {
  return new Option(
    '--proxy <url|none>',
    'HTTP proxy: http://HOST:PORT; with user and password, set PEAL_PROXY (default: what HTTPS_PROXY and NO_PROXY say)',
  );
}

/**
 * What a session is given; nothing without a proxy. `--proxy` goes before PEAL_PROXY, and that before what the environment
 * says to all programs; `none` is none, whatever stands behind it.
 *
 * @throws PealError ERR_PEAL_OPTION that names the option or the variable, and never what was given
 */
export function proxySession(
  options: { readonly proxy?: string },
  env: Terminal['env'],
): Pick<SessionOptions, 'backend' | 'backendOptions'> {
  const { proxy } = options;
  const url = proxy ?? ownVariable('PEAL_PROXY', env);
  if (url === null) return fromEnvironment(env);
  if (url === 'none') return {};
  const name = proxy === undefined ? 'PEAL_PROXY' : '--proxy';
  if (authorizationOf(url, name) !== null && proxy !== undefined) {
    throw usageError('--proxy: no user and password on the command line; give the URL as PEAL_PROXY instead.');
  }
  return { backend: 'proxy', backendOptions: { url } };
}

function fromEnvironment(env: Terminal['env']): Pick<SessionOptions, 'backend' | 'backendOptions'> {
  const environment = proxyVariables(env);
  return proxyOf(environment) === null ? {} : { backend: 'proxy', backendOptions: { environment } };
}

/** Whether `name` is a variable by which other programs, too, are told which proxy to use. */
export function isProxyVariable(name: string): boolean {
  return Object.hasOwn(proxyVariables({ [name]: 'x' }), name);
}

function authorizationOf(url: string, name: string): string | null {
  try {
    return parseProxyUrl(url).authorization;
  } catch (error) {
    throw usageError(`${name}: ${(error as PealError).message}`);
  }
}
