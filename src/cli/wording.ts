/**
 * The words of the command line for what the library's sentences mark (base/wording): an option is `--flag`, or the
 * place where the command line keeps it. Pure; called wherever an error is printed.
 */
import { PealError } from '../base/errors.js';
import type { Words } from '../base/wording.js';
import { inCommandWords } from './command-words.js';

/** By the option's path: what stands in its place on the command line. */
export type FlagNames = Readonly<Record<string, string>>;

/** Where the flag is not the option's name with hyphens. */
const flags: FlagNames = {
  address: '--gateway',
  expiry: '--expiration',
  pins: '--pin',
  retry: '--retries',
  'retry.attempts': '--retries',
  'retry.timeMs': '--retry-time',
  'alert.title': '--title',
  'alert.body': '--alert',
};

/** `names` go before the usual ones: what `key` is depends on what else is given. */
export function flagWords(names: FlagNames = {}): Words {
  const known: FlagNames = { ...flags, ...names };
  return {
    option: (path) => flagOf(path, known),
    either: (_library, commandLine) => commandLine,
  };
}

/** `error` as the command line says it. */
export function commandMessage(error: PealError): string {
  return inCommandWords(error.inWords(flagWords()));
}

/** The same error with its sentence in the command line's words, where a command knows `names` of its own. */
export function inFlagWords(error: PealError, names: FlagNames): PealError {
  const { code, origin, retryable } = error;
  return new PealError(code, error.inWords(flagWords(names)), { origin, retryable, cause: error.cause });
}

/**
 * `payload.aps.badge` is `--payload: aps.badge`: a flag, and where within what it names. `topics[1]` is the second value of
 * a flag that was given several times.
 */
function flagOf(path: string, known: FlagNames): string {
  if (Object.hasOwn(known, path)) return known[path]!;
  const [, first = '', rest = ''] = /^([^.[]*)\.?(.*)$/s.exec(path) ?? [];
  const flag = Object.hasOwn(known, first) ? known[first]! : `--${hyphenated(first)}`;
  const item = /^\[(\d+)\]\.?(.*)$/s.exec(rest);
  if (item === null) return rest === '' ? flag : `${flag}: ${rest}`;
  const inItem = item[2] === '' ? '' : `: ${item[2]}`;
  return `${flag} (value ${Number(item[1]) + 1})${inItem}`;
}

function hyphenated(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
