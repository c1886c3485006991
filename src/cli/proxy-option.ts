/**
 * From `--proxy` and PEAL_PROXY to a session's back-end. Pure; main thread. A password comes from the environment only:
 * every user of the machine can read a command line.
 */
import { Option } from 'commander';
import type { PealError } from '../base/errors.js';
import type { SessionOptions } from '../session/options.js';
import { parseProxyUrl } from '../transport/proxy-url.js';
import { type Terminal, usageError } from './terminal.js';

/** The environment variable that holds the URL of the proxy, with user and password if it asks for them. */
export const proxyVariable = 'PEAL_PROXY';

export function proxyOption(): Option {
  return new Option(
    '--proxy <url>',
    `HTTP proxy: http://HOST:PORT; with user and password, set ${proxyVariable} instead`,
  );
}

/**
 * What a session is given; nothing without a proxy. `--proxy` goes before the variable.
 *
 * @throws PealError ERR_PEAL_OPTION that names the option or the variable, and never what was given
 */
export function proxySession(
  options: { readonly proxy?: string },
  env: Terminal['env'],
): Pick<SessionOptions, 'backend' | 'backendOptions'> {
  const { proxy } = options;
  const url = proxy ?? env[proxyVariable];
  if (url === undefined || url === '') return {};
  const name = proxy === undefined ? proxyVariable : '--proxy';
  if (authorizationOf(url, name) !== null && proxy !== undefined) {
    throw usageError(`--proxy: no user and password on the command line; give the URL as ${proxyVariable} instead.`);
  }
  return { backend: 'proxy', backendOptions: { url } };
}

function authorizationOf(url: string, name: string): string | null {
  try {
    return parseProxyUrl(url).authorization;
  } catch (error) {
    throw usageError(`${name}: ${(error as PealError).message}`);
  }
}
