/** Values of settings as they may be shown: without passwords, keys and passphrases. Pure; main thread. */
import { printable } from '../shared/terminal.js';
import { isKeyInBase64 } from './setting-values.js';

const mask = '****';

/** Variables that hold nothing but a secret. */
const secrets: ReadonlySet<string> = new Set(['PEAL_BEARER', 'PEAL_PASSPHRASE', 'PEAL_SEAL_KEY']);

/** Variables that hold a URL with a password. */
const urls: ReadonlySet<string> = new Set(['PEAL_CREDENTIALS', 'PEAL_PROXY', 'PEAL_REDIS']);

/** The value of a variable that a command reads itself. */
export function maskedVariable(name: string, value: string): string {
  if (secrets.has(name) || value.trim() === '') return value.trim() === '' ? '' : mask;
  if (name === 'PEAL_SERVICE_ACCOUNT') return isText(value) ? mask : maskedText(value);
  const shown = maskedText(value.trim().replace(/\s+/g, ' '));
  // Without a scheme it is no URL, and its password stands there all the same.
  return urls.has(name) && !/^[a-z][a-z0-9+.-]*:\/\//i.test(shown) ? shown.replace(/^.*@/s, `${mask}@`) : shown;
}

/**
 * The text of an option. A secret in it is there by mistake. A password may hold characters that a URL should not have,
 * so everything up to the last @ is taken for it.
 */
export function maskedText(text: string): string {
  if (/-----BEGIN/.test(text) || isKeyInBase64(text)) return mask;
  const [, scheme, rest] = /^\s*([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) return printable(text);
  const named = /([?&][^=&]*(?:pass|pwd|secret|token|key)[^=&]*=)[^&#]*/gi;
  return printable(`${scheme}${rest.replace(/^.*@/s, `${mask}@`).replace(named, `$1${mask}`)}`);
}

function isText(value: string): boolean {
  return /^\s*[{["']|[\r\n]/.test(value) || value.length > 200;
}
