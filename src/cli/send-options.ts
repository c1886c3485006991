/**
 * The options of `peal send`: the table that commander reads, and the rules between options. The contract is
 * docs/cli.md. Main thread.
 */
import { Option } from 'commander';
import {
  maxConnectionsOption,
  maxRequestsPerRecipient,
  maxRetryTimeMs,
  maxThreads,
  minTokenBytes,
  usualTokenBytes,
} from '../base/limits.js';
import {
  type CredentialFlags,
  certificateOptions,
  checkCertificateFlags,
  credentialFiles,
  namedFiles,
  providerKeyOptions,
} from './credential-options.js';
import {
  duration,
  list,
  type OptionGroup,
  percentOrOff,
  priority,
  progressInterval,
  threadCount,
  time,
  wholeNumber,
} from './option-values.js';
import { pinOption } from './pin-option.js';
import { proxyOption } from './proxy-option.js';
import { checkProtocol, isApples } from './send-gateway.js';
import { usageError } from './terminal.js';

/** Apple calls it development, and its host and the library's names the sandbox. */
const environments = ['production', 'sandbox', 'development'] as const;

/** What commander makes of the command line. */
export interface SendOptions extends CredentialFlags {
  /** Paths, or `-`; at least one. */
  readonly tokens: readonly string[];
  readonly keepDuplicates?: boolean;
  readonly minTokenBytes?: number;
  readonly alert?: string;
  readonly payload?: string;
  readonly title?: string;
  readonly badge?: number;
  readonly sound?: string;
  readonly topic?: string;
  readonly pushType?: string;
  readonly priority?: 1 | 5 | 10;
  /** As parseTime reads it. */
  readonly expiration?: string;
  readonly collapseId?: string;
  readonly environment?: (typeof environments)[number];
  readonly gateway?: string;
  readonly ca?: string;
  readonly pin?: readonly string[];
  readonly proxy?: string;
  readonly threads: number | 'auto';
  readonly maxConnections?: number;
  /** Requests for one recipient beyond the first. */
  readonly retries?: number;
  /** Milliseconds. */
  readonly retryTime?: number;
  readonly onUnknown?: 'report' | 'resend';
  /** A share, 0 to 1. */
  readonly stopAtBadTokens?: number | false;
  readonly out?: string;
  readonly force?: boolean;
  readonly accepted?: boolean;
  readonly json?: boolean;
  /** Milliseconds between two lines of progress; 0: none. */
  readonly progress?: number;
  readonly quiet?: boolean;
}

export function sendOptionGroups(): readonly OptionGroup[] {
  return [
    {
      heading: 'Recipients:',
      options: [
        new Option(
          '--tokens <file>',
          'device tokens, one a line; also gzip; - for standard input; may be repeated',
        ).argParser(list),
        new Option('--keep-duplicates', 'send as often as a token stands in the lists; default: once'),
        new Option('--min-token-bytes <n>', `bytes of the shortest device token; default ${minTokenBytes}`).argParser(
          wholeNumber(1, usualTokenBytes),
        ),
      ],
    },
    { heading: 'Message:', options: messageOptions() },
    { heading: 'Credential (one of key, cert and pfx):', options: [...providerKeyOptions(), ...certificateOptions()] },
    {
      heading: 'Gateway:',
      options: [
        new Option('--environment <name>', "which of Apple's gateways").choices(environments),
        new Option(
          '--gateway <address>',
          'another gateway: https://HOST:PORT, binary://HOST:PORT, or a name',
        ).conflicts('environment'),
        new Option('--ca <file>', "PEM certificates to trust instead of the system's; or env:NAME"),
        pinOption(),
        proxyOption(),
        new Option('--threads <n|auto>', 'worker threads; 0: none').argParser(threadCount(maxThreads)).default('auto'),
        new Option('--max-connections <n>', 'most connections of each thread').argParser(
          wholeNumber(1, maxConnectionsOption),
        ),
      ],
    },
    { heading: 'When something fails:', options: retryOptions() },
    {
      heading: 'Output:',
      options: [
        new Option(
          '--out <dir>',
          'where rejected.csv, unsent.txt, unknown.txt and invalid.csv go, and accepted.csv with --accepted',
        ),
        new Option('--accepted', 'keep also the accepted tokens, with their apns-id: accepted.csv of --out'),
        new Option('--force', 'replace the files of an earlier run, also where it left unsent or unknown tokens'),
        new Option('--json', 'JSON lines on standard output, the last one the summary'),
        new Option(
          '--progress <duration>',
          'a line of progress this often; 0: none (default: a live display on terminals, otherwise 10s, with --json 1s)',
        )
          .argParser(progressInterval)
          .conflicts('quiet'),
        new Option('--quiet', 'no progress and no summary, only errors'),
      ],
    },
  ];
}

function messageOptions(): Option[] {
  return [
    new Option('--alert <text>', 'what the notification says'),
    new Option('--payload <file>', 'the whole payload as JSON').conflicts(['alert', 'title', 'badge', 'sound']),
    new Option('--title <text>', 'title above the alert'),
    new Option('--badge <n>', 'number on the icon; 0 removes it').argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
    new Option('--sound <name>', 'name of a sound, or "default"'),
    new Option('--topic <topic>', 'bundle id of the app, with the suffix of the push type'),
    new Option('--push-type <type>', 'apns-push-type (default: follows from the payload)'),
    new Option('--priority <n>', 'apns-priority: 10 (at once), 5 or 1').argParser(priority),
    new Option('--expiration <time>', '90s, 5m, 1h, 2d from now, ISO 8601, epoch seconds; 0: one attempt').argParser(
      time,
    ),
    new Option('--collapse-id <id>', 'later notifications with the same id replace earlier ones'),
  ];
}

function retryOptions(): Option[] {
  return [
    new Option('--retries <n>', 'requests more for one recipient whose fault passes; 0: none (default: 2)').argParser(
      wholeNumber(0, maxRequestsPerRecipient - 1),
    ),
    new Option('--retry-time <duration>', 'how long after its first answer (default: 60s)').argParser(
      duration(0, maxRetryTimeMs),
    ),
    new Option('--on-unknown <what>', 'what becomes of recipients that were written and never answered').choices([
      'report',
      'resend',
    ]),
    new Option(
      '--stop-at-bad-tokens <percent|off>',
      'stop when so many of the latest answers call the token bad (default: 90)',
    ).argParser(percentOrOff),
  ];
}

/**
 * Lists may stand without `--tokens`; beside it, a stray word is more likely a text whose quotes are missing.
 *
 * @throws PealError ERR_PEAL_OPTION
 */
export function withLists(options: SendOptions, lists: readonly string[]): SendOptions {
  const tokens: readonly string[] | undefined = options.tokens;
  if (lists.length === 0) {
    if (tokens === undefined) throw usageError('to whom? Give --tokens FILE, or - for standard input.');
    return options;
  }
  if (lists.some((list) => list.trim() === '')) {
    throw usageError('the name of a list is empty: check that the shell variable is set.');
  }
  if (tokens === undefined) return { ...options, tokens: lists };
  throw usageError(
    `"${lists[0]}" belongs to no option: put text with blanks in quotes, or give each list with --tokens.`,
  );
}

/** The rules between options that commander does not know. Throws PealError ERR_PEAL_OPTION. */
export function checkSendOptions(options: SendOptions): void {
  const { key, keyId, teamId, cert, pfx, alert, title, badge, sound, payload, environment, gateway } = options;
  if ([alert, title, badge, sound, payload].every((given) => given === undefined)) {
    throw usageError('there is nothing to say: give --alert TEXT or --payload FILE.json.');
  }
  if (options.tokens.filter((source) => source === '-').length > 1) {
    throw usageError('--tokens: standard input (-) can be read only once.');
  }
  if (environment === undefined && gateway === undefined) {
    throw usageError('where to? Give --environment production, --environment sandbox or --gateway ADDRESS.');
  }
  if (key !== undefined && (keyId === undefined || teamId === undefined)) {
    throw usageError('--key needs --key-id and --team-id.');
  }
  if (key === undefined && (keyId !== undefined || teamId !== undefined)) {
    throw usageError('--key-id and --team-id go with --key FILE.p8, which is missing.');
  }
  if (options.retries === 0 && options.onUnknown === 'resend') {
    throw usageError('--on-unknown resend goes by the limits of --retries, which is 0.');
  }
  if (options.accepted === true && options.out === undefined) {
    throw usageError('--accepted keeps the accepted tokens in a file: say where with --out DIR.');
  }
  checkCertificateFlags(options);
  checkProtocol(options);
  if (!isApples(options)) return;
  const hasToken = key !== undefined || options.providerTokenFile !== undefined;
  if (!hasToken && cert === undefined && pfx === undefined) {
    throw usageError('Apple asks who sends: give --key, --cert or --pfx (or --provider-token-file).');
  }
  if (hasToken && options.topic === undefined) {
    throw usageError(
      key === undefined
        ? '--provider-token-file needs --topic, the bundle id of the app.'
        : '--key needs --topic, the bundle id of the app.',
    );
  }
}

/** Every file that the command reads: none may be overwritten by its outputs. */
export function inputFiles(options: SendOptions): string[] {
  const { tokens, payload, ca } = options;
  const others = [...tokens.filter((source) => source !== '-'), payload].filter((file) => file !== undefined);
  return [...others, ...namedFiles([ca]), ...credentialFiles(options)];
}
