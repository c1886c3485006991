/**
 * The words of the command line for what the library's sentences mark (base/wording): an option is `--flag`, or the
 * place where the command line keeps it. Pure; called wherever an error is printed.
 */
import { optionOfKey } from '../../apns/aps-fields.js';
import { PealError } from '../../base/errors.js';
import type { Words } from '../../base/wording.js';

/** By the option's path: what stands in its place on the command line. */
export type FlagNames = Readonly<Record<string, string>>;

/** Where the flag is not the option's name with hyphens. */
const flags: FlagNames = {
  address: '--gateway',
  passphrase: '--passphrase-file or PEAL_PASSPHRASE',
  providerToken: '--provider-token-file',
  expiry: '--expiration',
  pins: '--pin',
  retry: '--retries',
  'retry.attempts': '--retries',
  'retry.timeMs': '--retry-time',
  'alert.title': '--title',
  'alert.body': '--alert',
};

/** What a message of the library has an option for, and the command line only the payload. */
const contentFlags: ReadonlySet<string> = new Set(['alert', 'badge', 'sound']);
const contentKeys: FlagNames = Object.fromEntries(
  Object.entries(optionOfKey).flatMap(([key, name]) =>
    contentFlags.has(name) ? [] : [[name, `aps.${key} in --payload`]],
  ),
);

/**
 * `names` go before the usual ones: what `key` is depends on what else is given. A name that is not a flag keeps its
 * article: "The environment variable KEY (--key)".
 */
export function flagWords(names: FlagNames = {}): Words {
  const known: FlagNames = { ...contentKeys, ...flags, ...names };
  return {
    option: (path, before) => {
      const flag = flagOf(path, known);
      return flag.startsWith('--') || flag.endsWith(' in --payload')
        ? flag
        : `${/^[Tt]he /.exec(before)?.[0] ?? ''}${flag}`;
    },
    either: (_library, commandLine) => commandLine,
  };
}

/** `error` as the command line says it. */
export function commandMessage(error: PealError): string {
  return error.inWords(flagWords());
}

/** The same error with its sentence in the command line's words, where a command knows `names` of its own. */
export function inFlagWords(error: PealError, names: FlagNames): PealError {
  const { code, origin, retryable } = error;
  return new PealError(code, error.inWords(flagWords(names)), { origin, retryable, cause: error.cause });
}

/**
 * `payload.aps.badge` is `--payload: aps.badge`: a flag, and where within what it names. `topics[1]` is the second
 * value of a flag that was given several times.
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
