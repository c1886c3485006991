/**
 * Renders the marks in the library's sentences (base/wording) in the words of the command line: an option is `--flag`,
 * or the place where the command line has it. Pure; called wherever an error is printed.
 */
import { optionOfKey } from '../../apns/aps-fields.js';
import { PealError } from '../../base/errors.js';
import type { Words } from '../../base/wording.js';

/** Words of the command line, by the option's path. */
export type FlagNames = Readonly<Record<string, string>>;

/** Flags that differ from the option's name with hyphens. */
const flags: FlagNames = {
  address: '--gateway',
  folder: '--out',
  variants: '--variant',
  startAnew: '--force',
  maxDurationMs: '--max-duration',
  dedupeMemoryBytes: '--dedupe-memory',
  'localWindow.hours': '--local-window',
  'localWindow.timezoneColumn': '--timezone-column',
  'localWindow.outside': '--outside-window',
  'canary.recipients': '--canary',
  'canary.minAccepted': '--canary-share',
  recipients: '--tokens',
  files: '--tokens',
  passphrase: '--passphrase-file or PEAL_PASSPHRASE',
  providerToken: '--provider-token-file',
  expiry: '--expiration',
  pins: '--pin',
  serviceAccount: '--service-account or PEAL_SERVICE_ACCOUNT',
  'platforms.column': '--platform-column',
  message: '--message-file',
  sealKeys: '--seal-key-file or PEAL_SEAL_KEY',
  store: '--store or PEAL_CREDENTIALS',
  retry: '--retries',
  'retry.attempts': '--retries',
  'retry.timeMs': '--retry-time',
  'alert.title': '--title',
  'alert.body': '--alert',
};

/** Options of the library that the command line has only within the payload. */
const contentFlags: ReadonlySet<string> = new Set(['alert', 'badge', 'sound']);
const contentKeys: FlagNames = Object.fromEntries(
  Object.entries(optionOfKey).flatMap(([key, name]) =>
    contentFlags.has(name) ? [] : [[name, `aps.${key} in --payload`]],
  ),
);

/**
 * `names` have precedence over the usual ones: what `key` means depends on the other options. A name that is not a flag
 * keeps its article: "The environment variable KEY (--key)".
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

/** The message of `error` in the words of the command line. */
export function commandMessage(error: PealError): string {
  return error.inWords(flagWords());
}

/** The same error with its sentence in the words of the command line, for a command with `names` of its own. */
export function inFlagWords(error: PealError, names: FlagNames): PealError {
  const { code, origin, retryable } = error;
  return new PealError(code, error.inWords(flagWords(names)), { origin, retryable, cause: error.cause });
}

/**
 * `payload.aps.badge` is `--payload: aps.badge`: a flag, and the place within its value. `topics[1]` is the second
 * value of a flag that was given several times.
 */
function flagOf(path: string, known: FlagNames): string {
  if (Object.hasOwn(known, path)) return known[path]!;
  const [, nested = ''] = /^([^.[]+\.[^.[]+)/.exec(path) ?? [];
  const form = Object.hasOwn(known, nested) ? /^([^.[]*\.[^.[]*)\.?(.*)$/s : /^([^.[]*)\.?(.*)$/s;
  const [, first = '', rest = ''] = form.exec(path) ?? [];
  const flag = Object.hasOwn(known, first) ? known[first]! : `--${hyphenated(first)}`;
  const item = /^\[(\d+)\]\.?(.*)$/s.exec(rest);
  if (item === null) return rest === '' ? flag : `${flag}: ${rest}`;
  const inItem = item[2] === '' ? '' : `: ${item[2]}`;
  return `${flag} (value ${Number(item[1]) + 1})${inItem}`;
}

function hyphenated(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
