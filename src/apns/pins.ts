/**
 * The text of public-key pins: `sha256/` and the SHA-256 of a public key (SubjectPublicKeyInfo, DER) in base64. Pure;
 * called with the options of a session and of commands. transport/chain-pins holds a gateway against them.
 */

import { maxPins } from '../base/limits.js';
import { optionError } from '../base/options.js';

const form = 'sha256/ and the SHA-256 of a public key in base64, 44 characters';

/**
 * The pins, if they are some. `name` is what the caller calls them.
 *
 * @throws PealError ERR_PEAL_OPTION that names the pin by its place, and does not repeat it: it might be anything
 */
export function checkPins(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw optionError(`${name} must be a list of one or more pins: ${form}.`);
  }
  if (value.length > maxPins) throw optionError(`${name} holds ${value.length} pins: there may be ${maxPins}.`);
  const wrong = value.findIndex((pin) => !isPin(pin));
  if (wrong >= 0) throw optionError(`${name}: pin ${wrong + 1} of ${value.length} is none; it must be ${form}.`);
  return Object.freeze([...value]);
}

/** Also refuses base64 that no digest is written as: such a pin would never match. */
function isPin(value: unknown): value is string {
  if (typeof value !== 'string' || !/^sha256\/[A-Za-z0-9+/]{43}=$/.test(value)) return false;
  const digest = value.slice('sha256/'.length);
  return Buffer.from(digest, 'base64').toString('base64') === digest;
}
