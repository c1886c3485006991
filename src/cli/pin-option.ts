/**
 * From `--pin` and PEAL_PIN to the option `pins` of a session. Pure; main thread.
 */
import { Option } from 'commander';
import { checkPins } from '../apns/credentials/trust.js';
import type { SessionOptions } from '../session/options.js';
import { list } from './option-values.js';
import { ownVariable } from './own-variables.js';
import type { Terminal } from './terminal.js';

export function pinOption(): Option {
  return new Option(
    '--pin <pin>',
    'key that the gateway has to have in its chain, sha256/BASE64; may be repeated (or PEAL_PIN)',
  ).argParser(list);
}

/**
 * What a session is given; nothing without a pin. `--pin` goes before the variable.
 *
 * @throws PealError ERR_PEAL_OPTION that names the option or the variable
 */
export function pinSession(
  { pin }: { readonly pin?: readonly string[] },
  env: Terminal['env'],
): Pick<SessionOptions, 'pins'> {
  if (pin !== undefined) return { pins: checkPins('--pin', pin) };
  const pins = ownVariable('PEAL_PIN', env)?.trim().split(/\s+/);
  return pins === undefined ? {} : { pins: checkPins('PEAL_PIN', pins) };
}
