/**
 * The environment variables that the command line reads for itself, in one table. Each stands in for an option; the
 * option has precedence. A variable that is set but empty is refused: its value probably comes from another variable
 * that is not set, and a run without its pins or proxy would not be what was meant. Pure; main thread. Values are
 * secrets: messages never quote them.
 */
import { PealError } from '../../base/errors.js';
import type { Terminal } from './terminal.js';

/** For each variable: its option, and the error if it is empty. */
const rules = {
  /** The one bearer token of a service. */
  PEAL_BEARER: { option: '--bearer-file', code: 'ERR_PEAL_OPTION', origin: 'usage' },
  /** The URL of the store of credentials, with user and password if it asks for them. */
  PEAL_CREDENTIALS: { option: '--store', code: 'ERR_PEAL_OPTION', origin: 'usage' },
  /** The passphrase of key, certificate or PKCS#12 file. */
  PEAL_PASSPHRASE: { option: '--passphrase-file', code: 'ERR_PEAL_CREDENTIAL', origin: 'credential' },
  /** Pins, blanks between them. */
  PEAL_PIN: { option: '--pin', code: 'ERR_PEAL_OPTION', origin: 'usage' },
  /** The URL of the proxy, with user and password if it asks for them. */
  PEAL_PROXY: { option: '--proxy', code: 'ERR_PEAL_OPTION', origin: 'usage' },
  /** The URL of the Redis that machines share, with its password. */
  PEAL_REDIS: { option: '--redis', code: 'ERR_PEAL_OPTION', origin: 'usage' },
  /** The keys that secrets are sealed with. */
  PEAL_SEAL_KEY: { option: '--seal-key-file', code: 'ERR_PEAL_CREDENTIAL', origin: 'credential' },
  /** The service account of FCM: its JSON file, or the text of it. */
  PEAL_SERVICE_ACCOUNT: { option: '--service-account', code: 'ERR_PEAL_CREDENTIAL', origin: 'credential' },
} as const;

type PealVariable = keyof typeof rules;

/** Their names. */
export const pealVariables: readonly PealVariable[] = Object.freeze(Object.keys(rules) as PealVariable[]);

/**
 * Returns the value of the variable, or null if it is not set. Called only if the option with precedence is not given.
 *
 * @throws PealError if it is set, but empty or blank
 */
export function pealVariable(name: PealVariable, env: Terminal['env']): string | null {
  const value = env[name];
  if (value === undefined) return null;
  if (value.trim() !== '') return value;
  const { option, code, origin } = rules[name];
  throw new PealError(
    code,
    `The environment variable ${name} is empty: ${emptyVariableAdvice}, unset it, or give ${option}.`,
    {
      origin,
    },
  );
}

/** Advice about a variable that is set, but empty. */
export const emptyVariableAdvice = 'check that it is set where its value comes from';
