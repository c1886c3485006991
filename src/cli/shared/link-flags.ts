/**
 * The options for reaching and trusting a gateway: `--ca`, `--pin`, `--proxy` and their environment variables, and the
 * session options made from them. Shared by the commands that connect to a gateway. Pure; main thread. A password
 * comes from the environment only, because every user of the machine can read a command line.
 */
import { Option } from 'commander';
import { checkPins } from '../../apns/credentials/trust.js';
import type { PealError } from '../../base/errors.js';
import { proxyOf, proxyVariables } from '../../base/proxy-environment.js';
import { parseProxyUrl } from '../../base/proxy-url.js';
import type { SessionOptions } from '../../session/options/session-options.js';
import { materialOf } from './credential-options.js';
import { repeated } from './option-values.js';
import { pealVariable } from './peal-variables.js';
import { type Terminal, usageError } from './terminal.js';

/** These options, parsed. */
export interface LinkFlags {
  readonly ca?: string;
  readonly pin?: readonly string[];
  readonly proxy?: string;
}

export function linkOptions(): Option[] {
  return [
    new Option('--ca <file>', "PEM certificates to trust instead of the system's; or env:NAME"),
    new Option(
      '--pin <pin>',
      'key that the certificate chain of the gateway must contain, sha256/BASE64; may be repeated (or PEAL_PIN)',
    ).argParser(repeated),
    new Option(
      '--proxy <url|none>',
      'HTTP proxy: http://HOST:PORT; with user and password, set PEAL_PROXY (default: HTTPS_PROXY and NO_PROXY decide)',
    ),
  ];
}

/**
 * Returns the session options. An option has precedence over the environment variable of peal, and that over the
 * variables that tell all programs about a proxy.
 *
 * @throws PealError ERR_PEAL_OPTION that names the option or the variable; never the URL of a proxy
 */
export function linkOf(
  flags: LinkFlags,
  env: Terminal['env'],
): Pick<SessionOptions, 'ca' | 'pins' | 'backend' | 'backendOptions'> {
  const { ca } = flags;
  return {
    ...(ca === undefined ? {} : { ca: materialOf('--ca', ca, env, 'ERR_PEAL_OPTION') }),
    ...pinsOf(flags, env),
    ...proxyBackendOf(flags, env),
  };
}

function pinsOf({ pin }: LinkFlags, env: Terminal['env']): Pick<SessionOptions, 'pins'> {
  if (pin !== undefined) return { pins: checkPins('--pin', pin) };
  const pins = pealVariable('PEAL_PIN', env)?.trim().split(/\s+/);
  return pins === undefined ? {} : { pins: checkPins('PEAL_PIN', pins) };
}

/** `none` means no proxy, also against the environment. */
function proxyBackendOf(
  { proxy }: LinkFlags,
  env: Terminal['env'],
): Pick<SessionOptions, 'backend' | 'backendOptions'> {
  const url = proxy ?? pealVariable('PEAL_PROXY', env);
  if (url === null) return fromEnvironment(env);
  if (url === 'none') return {};
  const name = proxy === undefined ? 'PEAL_PROXY' : '--proxy';
  if (authorizationOf(url, name) !== null && proxy !== undefined) {
    throw usageError(
      '--proxy: a user and password on the command line can be read by others. Give the URL as PEAL_PROXY instead.',
    );
  }
  return { backend: 'proxy', backendOptions: { url } };
}

function fromEnvironment(env: Terminal['env']): Pick<SessionOptions, 'backend' | 'backendOptions'> {
  const environment = proxyVariables(env);
  return proxyOf(environment) === null ? {} : { backend: 'proxy', backendOptions: { environment } };
}

/** Returns whether `name` is a variable that tells other programs, too, which proxy to use. */
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
