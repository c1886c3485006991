/**
 * The options of `peal send`, as commander reads them; the rules between them are in send-rules.ts. The contract is
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
} from '../../base/limits.js';
import { type CredentialFlags, certificateOptions, providerKeyOptions } from '../shared/credential-options.js';
import { type LinkFlags, linkOptions } from '../shared/link-flags.js';
import {
  durationBetween,
  type OptionGroup,
  percentOrOff,
  priority,
  progressInterval,
  repeated,
  threadCount,
  timeText,
  wholeNumber,
} from '../shared/option-values.js';

/** Apple calls it development; its host and the library's names say sandbox. */
const environments = ['production', 'sandbox', 'development'] as const;

/** The parsed command line. */
export interface SendFlags extends CredentialFlags, LinkFlags {
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
  /** In the forms of parseTime. */
  readonly expiration?: string;
  readonly collapseId?: string;
  readonly environment?: (typeof environments)[number];
  readonly gateway?: string;
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
  /** Milliseconds between two lines of progress; 0 for no progress. */
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
          'device tokens, one per line, plain or gzip; - is standard input; may be repeated',
        ).argParser(repeated),
        new Option('--keep-duplicates', 'send to a token as often as it is listed (default: once)'),
        new Option(
          '--min-token-bytes <n>',
          `length of the shortest device token in bytes (default: ${minTokenBytes})`,
        ).argParser(wholeNumber(1, usualTokenBytes)),
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
        ...linkOptions(),
        new Option('--threads <n|auto>', 'number of worker threads; 0 sends from the main thread')
          .argParser(threadCount(maxThreads))
          .default('auto'),
        new Option('--max-connections <n>', 'maximum number of connections of each thread').argParser(
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
          'directory for rejected.csv, unsent.txt, unknown.txt and invalid.csv (and accepted.csv with --accepted)',
        ),
        new Option('--accepted', 'also write the accepted tokens, with their apns-id, to accepted.csv in --out'),
        new Option('--force', 'replace the files of an earlier run even if it left unsent or unknown tokens'),
        new Option('--json', 'print JSON lines on standard output; the last one is the summary'),
        new Option(
          '--progress <duration>',
          'interval of progress lines; 0 prints none (default: a live display on a terminal, else 10s, with --json 1s)',
        )
          .argParser(progressInterval)
          .conflicts('quiet'),
        new Option('--quiet', 'print only errors, no progress and no summary'),
      ],
    },
  ];
}

function messageOptions(): Option[] {
  return [
    new Option('--alert <text>', 'text of the notification'),
    new Option('--payload <file>', 'the whole payload as JSON').conflicts(['alert', 'title', 'badge', 'sound']),
    new Option('--title <text>', 'title above the alert'),
    new Option('--badge <n>', 'number on the icon; 0 removes it').argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
    new Option('--sound <name>', 'name of a sound, or "default"'),
    new Option('--topic <topic>', 'bundle id of the app, with the suffix of the push type'),
    new Option('--push-type <type>', 'apns-push-type (default: follows from the payload)'),
    new Option('--priority <n>', 'apns-priority: 10 (at once), 5 or 1').argParser(priority),
    new Option('--expiration <time>', '90s, 5m, 1h, 2d from now, ISO 8601, epoch seconds; 0: one attempt').argParser(
      timeText,
    ),
    new Option('--collapse-id <id>', 'later notifications with the same id replace earlier ones'),
  ];
}

function retryOptions(): Option[] {
  return [
    new Option(
      '--retries <n>',
      'how often to send again to a recipient after a temporary fault; 0 never does (default: 2)',
    ).argParser(wholeNumber(0, maxRequestsPerRecipient - 1)),
    new Option(
      '--retry-time <duration>',
      'how long after its first answer a recipient may be sent to again (default: 60s)',
    ).argParser(durationBetween(0, maxRetryTimeMs)),
    new Option('--on-unknown <what>', 'what to do with recipients that were written and never answered').choices([
      'report',
      'resend',
    ]),
    new Option(
      '--stop-at-bad-tokens <percent|off>',
      'stop when this share of the latest answers says that the token is bad (default: 90)',
    ).argParser(percentOrOff),
  ];
}
