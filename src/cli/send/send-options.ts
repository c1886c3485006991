/**
 * The options of `peal send`, as commander reads them; the rules between them are in send-rules.ts. The contract is
 * docs/cli.md. Main thread.
 */
import { Option } from 'commander';
import { maxConnectionsOption, maxThreads, minTokenBytes, usualTokenBytes } from '../../base/limits.js';
import { parseLocalWindow } from '../../campaign/control/local-window.js';
import { parseRate } from '../../campaign/control/rate.js';
import { type CredentialFlags, certificateOptions, providerKeyOptions } from '../shared/credential-options.js';
import { type GatewayFlags, gatewayOptions } from '../shared/gateway-flags.js';
import { type LinkFlags, linkOptions } from '../shared/link-flags.js';
import { type LogFlags, logOptions } from '../shared/log-flags.js';
import { type MetricsFlags, metricsOptions } from '../shared/metrics-flags.js';
import {
  byteSize,
  commaSeparated,
  durationBetween,
  inForm,
  jsonText,
  type OptionGroup,
  orTemplate,
  orWord,
  percent,
  percentOrOff,
  priority,
  progressInterval,
  readBy,
  repeated,
  threadCount,
  timeText,
  wholeNumber,
} from '../shared/option-values.js';
import { type RetryFlags, retryOptions } from '../shared/retry-flags.js';

const formats = ['auto', 'list', 'csv', 'tsv', 'ndjson', 'json', 'parquet'] as const;
/** The smallest memory for finding duplicates. */
const leastDedupeBytes = 1024 * 1024;

/** Those for FCM, parsed. */
export interface FcmFlags {
  readonly provider?: 'apns' | 'fcm';
  readonly platformColumn?: string;
  /** A file, or `env:NAME`. */
  readonly serviceAccount?: string;
  readonly project?: string;
  /** Where `--gateway` is one of APNs. */
  readonly fcmGateway?: string;
  readonly fcmQuota?: number | false;
  readonly target?: 'token' | 'topic' | 'fid';
  readonly image?: string;
  readonly tag?: string;
  /** JSON text. */
  readonly data?: string;
  readonly messageFile?: string;
  readonly validateOnly?: boolean;
}

/** The parsed command line. */
export interface SendFlags
  extends CredentialFlags,
    FcmFlags,
    GatewayFlags,
    LinkFlags,
    LogFlags,
    MetricsFlags,
    RetryFlags {
  /** Paths, patterns, or `-`; at least one. */
  readonly tokens: readonly string[];
  readonly format?: (typeof formats)[number];
  /** The name of a column, or its number, from 1. */
  readonly tokenColumn?: string | number;
  readonly delimiter?: string;
  readonly header?: boolean;
  readonly keepDuplicates?: boolean;
  /** Bytes. */
  readonly dedupeMemory?: number;
  readonly minTokenBytes?: number;
  /** Texts of the message may hold `{{fields}}`, unless `literal`. */
  readonly alert?: string;
  readonly aps?: string;
  readonly payload?: string;
  readonly title?: string;
  readonly badge?: number | string;
  readonly sound?: string;
  /** Each `NAME=FILE`. */
  readonly variant?: readonly string[];
  readonly variantColumn?: string;
  readonly literal?: boolean;
  readonly topic?: string;
  readonly pushType?: string;
  readonly priority?: 1 | 5 | 10 | string;
  /** In the forms of parseTime. */
  readonly expiration?: string;
  readonly collapseId?: string;
  readonly apnsId?: string;
  readonly threads: number | 'auto';
  readonly maxConnections?: number;
  readonly onUnknown?: 'report' | 'resend';
  /** A share, 0 to 1. */
  readonly stopAtBadTokens?: number | false;
  /** As parseRate reads it. */
  readonly rate?: string;
  readonly maxFailures?: number;
  /** A share, 0 to 1. */
  readonly maxErrorRate?: number;
  /** Milliseconds. */
  readonly maxDuration?: number;
  readonly stopOn?: readonly string[];
  readonly canary?: number;
  /** A share, 0 to 1. */
  readonly canaryShare?: number;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  /** In the forms of parseTime. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** As parseLocalWindow reads it. */
  readonly localWindow?: string;
  readonly timezoneColumn?: string;
  readonly outsideWindow?: 'later' | 'hold';
  readonly out?: string;
  readonly outputFormat?: 'csv' | 'ndjson';
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
          'device tokens: a list, CSV, NDJSON, JSON or Parquet, also packed (gzip, zstd); a pattern such as ' +
            "'exports/*.csv.gz'; - is standard input; may be repeated",
        ).argParser(repeated),
        new Option('--format <name>', 'how the files are written (default: each is looked at)').choices(formats),
        new Option('--token-column <name|n>', 'column with the device token (default: it is found)').argParser(
          columnOf,
        ),
        new Option(
          '--delimiter <character>',
          'what divides the cells of CSV; tab for a tab (default: it is found)',
        ).argParser(delimiterOf),
        new Option('--header', 'CSV begins with the names of its columns (default: it is looked at)'),
        new Option('--no-header', 'CSV begins with a recipient; its columns are called 1, 2, …').default(undefined),
        new Option('--keep-duplicates', 'send to a token as often as it is listed (default: once)'),
        new Option(
          '--dedupe-memory <size>',
          'memory for finding duplicates, such as 64MiB or 1GiB; with --out the rest is on disk (default: 256MiB)',
        ).argParser(byteSize(leastDedupeBytes)),
        new Option(
          '--min-token-bytes <n>',
          `length of the shortest device token in bytes (default: ${minTokenBytes})`,
        ).argParser(wholeNumber(1, usualTokenBytes)),
      ],
    },
    { heading: 'Message:', options: messageOptions() },
    { heading: 'FCM, and lists for both services:', options: fcmOptions() },
    { heading: 'Credential (one of key, cert and pfx):', options: [...providerKeyOptions(), ...certificateOptions()] },
    {
      heading: 'Gateway:',
      options: [
        ...gatewayOptions('another gateway: https://HOST:PORT, binary://HOST:PORT, or a name'),
        ...linkOptions(),
        new Option('--threads <n|auto>', 'number of worker threads; 0 sends from the main thread')
          .argParser(threadCount(maxThreads))
          .default('auto'),
        new Option('--max-connections <n>', 'maximum number of connections of each thread').argParser(
          wholeNumber(1, maxConnectionsOption),
        ),
      ],
    },
    { heading: 'When something fails:', options: faultOptions() },
    { heading: 'Pace, bounds and hours:', options: controlOptions() },
    {
      heading: 'Output:',
      options: [
        new Option(
          '--out <dir>',
          'directory of the campaign: its journal, rejected.csv, gone.csv, unsent.txt, unknown.txt, invalid.csv ' +
            '(and accepted.csv with --accepted), summary.json and report.html; the same command again goes on with it',
        ),
        new Option('--accepted', 'also write the accepted tokens, with their apns-id, to accepted.csv in --out'),
        new Option('--output-format <name>', 'how the files of --out are written (default: csv)').choices([
          'csv',
          'ndjson',
        ]),
        new Option('--force', 'remove the campaign that is in --out, and begin anew'),
        new Option('--dry-run', 'do everything but send: count, check, and say how long it would take'),
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
    { heading: 'Being watched:', options: [...metricsOptions({ ends: true }), ...logOptions()] },
  ];
}

function messageOptions(): Option[] {
  return [
    new Option('--alert <text>', 'text of the notification; {{name|there}} stands for a column of the list'),
    new Option('--payload <file>', 'the whole payload as JSON; its texts may hold {{columns}}').conflicts([
      'alert',
      'title',
      'badge',
      'sound',
      'aps',
    ]),
    new Option('--title <text>', 'title above the alert'),
    new Option('--badge <n>', 'number on the icon; 0 removes it').argParser(
      orTemplate(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
    ),
    new Option('--sound <name>', 'name of a sound, or "default"'),
    new Option(
      '--aps <json>',
      'more keys of aps as JSON, such as \'{"thread-id":"orders"}\'; may hold {{columns}}',
    ).argParser(jsonText),
    new Option(
      '--variant <name=file>',
      'another payload for recipients whose --variant-column says NAME; may be repeated',
    ).argParser(repeated),
    new Option('--variant-column <name>', 'column that chooses among the variants'),
    new Option('--literal', 'send {{ and }} as they are'),
    new Option('--topic <topic>', 'bundle id of the app, with the suffix of the push type'),
    new Option('--push-type <type>', 'apns-push-type (default: follows from the payload)'),
    new Option('--priority <n>', 'apns-priority: 10 (at once), 5 or 1').argParser(orTemplate(priority)),
    new Option('--expiration <time>', '90s, 5m, 1h, 2d from now, ISO 8601, epoch seconds; 0: one attempt').argParser(
      orTemplate(timeText),
    ),
    new Option('--collapse-id <id>', 'later notifications with the same id replace earlier ones'),
    new Option('--apns-id <template>', 'a UUID for each notification from a column, such as {{id}}'),
  ];
}

function fcmOptions(): Option[] {
  return [
    new Option('--provider <name>', 'the push service: apns or fcm (default: apns)').choices(['apns', 'fcm']),
    new Option(
      '--platform-column <name>',
      'column that says ios or android: one list for APNs (--environment or --gateway) and FCM (--service-account)',
    ).conflicts('provider'),
    new Option('--service-account <file>', 'JSON file of a service account; env:NAME; or set PEAL_SERVICE_ACCOUNT'),
    new Option('--project <id>', 'project of Firebase (default: the one of the service account)'),
    new Option('--fcm-gateway <address>', "with --platform-column: fcm://HOST:PORT (default: Google's)"),
    new Option('--fcm-quota <n|off>', 'messages a minute that the project may send (default: 600000)').argParser(
      orWord('off', false, wholeNumber(1, 1_000_000_000)),
    ),
    new Option('--target <kind>', 'what the list holds (default: token)').choices(['token', 'topic', 'fid']),
    new Option('--image <url>', 'picture of the notification'),
    new Option('--tag <text>', 'a notification with the same tag replaces the earlier one in the drawer (Android)'),
    new Option('--data <json>', 'keys of the app as a JSON object; may hold {{columns}}').argParser(jsonText),
    new Option(
      '--message-file <file>',
      'the whole message of the HTTP v1 API as JSON, without a recipient; its texts may hold {{columns}}',
    ).conflicts(['image', 'tag', 'data']),
    new Option('--validate-only', 'let FCM check the messages, and deliver them to nobody'),
  ];
}

function faultOptions(): Option[] {
  return [
    ...retryOptions('recipient', '60s'),
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

function controlOptions(): Option[] {
  return [
    new Option(
      '--rate <rate>',
      'recipients a second: 500/s, 30000/min, or a timetable such as "08:00,500/s 20:00,off" (default: no limit)',
    ).argParser(readBy(parseRate)),
    new Option('--max-failures <n>', 'stop when more recipients than that were rejected or are unknown').argParser(
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    ),
    new Option(
      '--max-error-rate <percent>',
      'stop when a larger share of the latest thousand answers are rejections',
    ).argParser(percent),
    new Option('--max-duration <duration>', 'stop after that time, such as 90m or 2h').argParser(
      durationBetween(1000, longestRunMs),
    ),
    new Option('--stop-on <reasons>', 'stop when one of these reasons is answered: TopicDisallowed,BadTopic').argParser(
      commaSeparated,
    ),
    new Option(
      '--canary <n>',
      'send to so many first; go on if enough were accepted. On a terminal it asks, else give --yes',
    ).argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
    new Option('--canary-share <percent>', 'how many of them have to be accepted (default: 90)').argParser(percent),
    new Option('--yes', 'go on after --canary without a question'),
    new Option('--not-before <time>', 'wait until then: 90m or 2h from now, or ISO 8601 with its zone').argParser(
      timeText,
    ),
    new Option('--not-after <time>', 'stop then; in the same forms').argParser(timeText),
    new Option(
      '--local-window <hours>',
      "send only in these hours of the recipient's own time zone, such as 09:00-21:00",
    ).argParser(readBy(parseLocalWindow)),
    new Option('--timezone-column <name>', 'column with the time zone of the recipient, such as Europe/Berlin'),
    new Option(
      '--outside-window <what>',
      'what happens to the others: later leaves them for a later run, hold waits for their hours (default: later)',
    ).choices(['later', 'hold']),
  ];
}

/** A year. */
const longestRunMs = 366 * 86_400_000;

/** Digits are the number of a column, from 1. */
const columnOf = inForm({ numbers: { min: 1, max: 99_999, isWhole: true } }, (text: string): string | number =>
  /^[1-9]\d{0,4}$/.test(text) ? Number(text) : text,
);

function delimiterOf(text: string): string {
  return /^(?:tab|\\t)$/i.test(text) ? '\t' : text;
}
