/**
 * The options of `peal broadcast`, as commander reads them, and the rules between them. The contract is docs/cli.md.
 * Pure; main thread.
 */
import { Option } from 'commander';
import { decimalNumber, type OptionGroup, priority, repeated, timeText } from '../shared/option-values.js';
import { type RetryFlags, retryOptions } from '../shared/retry-flags.js';
import { usageError } from '../shared/terminal.js';
import { bundleIdOption, checkServiceFlags, type ServiceFlags, serviceGroups } from './service-flags.js';

/** The parsed command line. */
export interface BroadcastFlags extends ServiceFlags, RetryFlags {
  readonly channel?: readonly string[];
  /** Files with ids, or `-`. */
  readonly channels?: readonly string[];
  readonly event?: 'update' | 'end';
  /** A file, or JSON. */
  readonly contentState?: string;
  readonly alert?: string;
  readonly title?: string;
  readonly sound?: string;
  /** Times are in the forms of parseTime. */
  readonly timestamp?: string;
  readonly staleDate?: string;
  readonly dismissalDate?: string;
  readonly relevanceScore?: number;
  readonly payload?: string;
  readonly priority?: 1 | 5 | 10;
  readonly expiration?: string;
  readonly dryRun?: boolean;
}

/** The highest relevance score that is taken; Apple names none. */
const mostRelevant = 1_000_000;

export function broadcastOptionGroups(): readonly OptionGroup[] {
  return [
    {
      heading: 'Channels:',
      options: [
        bundleIdOption(),
        new Option('--channel <id>', 'a channel, as peal channels list prints it; may be repeated').argParser(repeated),
        new Option('--channels <file>', 'channels, one id on a line; - is standard input; may be repeated').argParser(
          repeated,
        ),
      ],
    },
    { heading: 'Message:', options: messageOptions() },
    ...serviceGroups('Gateway:', 'another gateway, such as a simulator: https://HOST:PORT'),
    { heading: 'When something fails:', options: retryOptions('channel', 'as --timeout') },
    {
      heading: 'Output:',
      options: [
        new Option('--dry-run', 'do everything but send: count, check, and show the payload'),
        new Option('--json', 'print JSON lines on standard output: one for each channel; the last one is the summary'),
        new Option('--quiet', 'print only errors, no outcomes and no summary'),
      ],
    },
  ];
}

function messageOptions(): Option[] {
  return [
    new Option('--event <event>', 'what happens to the Live Activity (default: update)').choices(['update', 'end']),
    new Option('--content-state <file>', 'what it shows now: a JSON file, or the JSON object itself'),
    new Option('--alert <text>', 'text of an alert with the update'),
    new Option('--title <text>', 'title above the alert'),
    new Option('--sound <name>', 'name of a sound for the alert, or "default"'),
    new Option('--timestamp <time>', 'when the content is from; devices drop older ones (default: now)').argParser(
      timeText,
    ),
    new Option('--stale-date <time>', 'when the content is out of date').argParser(timeText),
    new Option('--dismissal-date <time>', 'with --event end: when it disappears').argParser(timeText),
    new Option('--relevance-score <n>', 'the higher, the further up among Live Activities of the app').argParser(
      decimalNumber(0, mostRelevant),
    ),
    new Option('--payload <file>', 'the whole payload as JSON, instead of all these').conflicts([
      ...['event', 'contentState', 'alert', 'title', 'sound', 'timestamp', 'staleDate', 'dismissalDate'],
      'relevanceScore',
    ]),
    new Option('--priority <n>', 'apns-priority: 10 (at once), 5 or 1').argParser(priority),
    new Option(
      '--expiration <time>',
      'until when APNs keeps it: 90s, 5m, 1h, 2d from now, ISO 8601, epoch seconds (default: 0, one attempt)',
    ).argParser(timeText),
  ];
}

/** Throws PealError ERR_PEAL_OPTION. */
export function checkBroadcastFlags(flags: BroadcastFlags): void {
  const { channel, channels, event, contentState, payload, dismissalDate } = flags;
  if (channel === undefined && channels === undefined) {
    throw usageError('no channels are given. Give --channel ID, or --channels FILE (- for standard input).');
  }
  if (payload === undefined && contentState === undefined && event !== 'end') {
    throw usageError('the message is empty: give --content-state FILE.json, --payload FILE.json or --event end.');
  }
  if (dismissalDate !== undefined && event !== 'end') {
    throw usageError('--dismissal-date goes with --event end, which is missing.');
  }
  checkServiceFlags(flags);
}
