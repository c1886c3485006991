/**
 * The options of a campaign, checked. Called by campaign.ts, on the main thread.
 */
import { maxRequestsPerRecipient, maxRetryTimeMs, usualTokenBytes } from '../../base/limits.js';
import {
  anyOf,
  callback,
  checkOptions,
  choice,
  decimal,
  filledText,
  flag,
  list,
  type OptionRule,
  type OptionRules,
  objectOf,
  objectWith,
  optionError,
  test,
  text,
  unchecked,
  whole,
} from '../../base/options.js';
import { option, theOption } from '../../base/wording.js';
import { Gateway } from '../../session/gateway.js';
import { FcmMessage } from '../../session/message/fcm-message.js';
import { Message } from '../../session/message/message.js';
import { Template } from '../../session/personal/template.js';
import type { RetryOptions } from '../../session/send/send-options.js';
import { reasonsProblem } from '../control/bounds.js';
import { type LocalWindow, parseLocalWindow } from '../control/local-window.js';
import { parseRate, type Rate } from '../control/rate.js';
import type { InputFormat } from '../input/campaign-input.js';
import type { CampaignRecipient } from '../input/record-rows.js';
import type { ReportSetting } from '../report/report-data.js';
import { type CampaignSender, ownSender } from '../senders/campaign-sender.js';
import { CampaignServices, type PlatformOptions } from '../senders/campaign-services.js';
import { PlatformSender } from '../senders/platform-sender.js';

/** Files of recipients, and how they are read (see `InputOptions`). */
export interface RecipientFiles {
  /** Paths, patterns (`exports/*.csv.gz`) and `-` for standard input, in the order in which they are read. */
  readonly files: string | readonly string[];
  readonly format?: InputFormat;
  readonly tokenColumn?: string | number;
  readonly delimiter?: string;
  readonly header?: boolean;
}

/** Recipients of a program. A text alone is none: it would be read letter by letter. */
export type RecipientSource = AsyncIterable<CampaignRecipient> | (Iterable<CampaignRecipient> & object);

/** What the first recipients have shown. */
export interface CanaryReport {
  readonly recipients: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Unsent or unknown. */
  readonly others: number;
  /** Rejections by reason, the most frequent first. */
  readonly reasons: readonly (readonly [reason: string, count: number])[];
}

export interface CanaryOptions {
  /** How many recipients are sent to first; the first ones that are valid. */
  readonly recipients: number;
  /** The share of them that has to be accepted, 0 to 1. Default 0.9. Otherwise the campaign stops. */
  readonly minAccepted?: number;
  /** Asked whether to go on where enough were accepted. Default: it goes on by itself. */
  readonly confirm?: (report: CanaryReport) => boolean | Promise<boolean>;
}

export interface LocalHours {
  /** In the recipient's own time zone: `09:00-21:00`. */
  readonly hours: string;
  /** The column with the name of the zone, as IANA has it (`Europe/Berlin`). */
  readonly timezoneColumn: string;
  /**
   * What happens to recipients for whom it is another time: `later` (default) leaves them unsent for a later run;
   * `hold` waits for their hours. `hold` needs `folder`, and recipients that can be read again.
   */
  readonly outside?: 'later' | 'hold';
}

export interface CampaignOptions {
  /** Through which it is sent: `session.getConnection(…)`. */
  readonly gateway: Gateway;
  /** What is sent; a message without tokens, for the service of the gateway. */
  readonly message: Message | FcmMessage;
  /** What is said to each recipient, with the fields of its row. Default: the message to all. */
  readonly personal?: Template;
  /**
   * To whom. Files; or recipients that are pulled no faster than they are sent to; or a function that returns such, or
   * a promise of them, called for each reading. A campaign that is resumed needs the same recipients in the same order.
   */
  readonly recipients: RecipientFiles | RecipientSource | (() => RecipientSource | Promise<RecipientSource>);
  /**
   * Recipients on two platforms: the column that says which, and what the other service sends. Default: one service.
   */
  readonly platforms?: PlatformOptions;
  /** The column with the device token, in records of a program. Default `token`. */
  readonly tokenColumn?: string;
  /** Whether a token that comes again is sent to again. Default false: the first row of a token counts. */
  readonly keepDuplicates?: boolean;
  /**
   * Bytes of memory for finding duplicates, 1 MiB or more. Beyond them digests go to the folder, if there is one.
   * Default 256 MiB.
   */
  readonly dedupeMemoryBytes?: number;
  /** Bytes of the shortest token, 1 to 32. Default 16. */
  readonly minTokenBytes?: number;
  /**
   * The directory of the campaign: its journal, the files of its outcomes, summary.json and report.html. Made if it is
   * missing. A campaign that was begun there is resumed. Default: nothing is kept.
   */
  readonly folder?: string;
  /** Whether a campaign that was begun in `folder` is removed first. Default false. */
  readonly startAnew?: boolean;
  /** How the files of outcomes are written. Default `csv`. */
  readonly outputFormat?: 'csv' | 'ndjson';
  /** Whether accepted recipients have a file, too, with the ids that APNs named. Default false. */
  readonly accepted?: boolean;
  /** What the campaign is called in its report. Default: the folder's name. */
  readonly title?: string;
  /** What the report shows as settings. Without secrets. Default: none. */
  readonly settings?: readonly ReportSetting[];
  /** Plain JSON that the journal keeps for the program. Default: nothing. */
  readonly kept?: Readonly<Record<string, unknown>>;
  /** `500/s`, `30000/min`, or a timetable such as `08:00,500/s 20:00,off` (`off`: no limit). Default: no limit. */
  readonly rate?: string;
  /** Recipients that may fail (rejected or unknown) before the campaign stops. */
  readonly maxFailures?: number;
  /** The share of the latest thousand answers that may be rejections, 0 to 1. */
  readonly maxErrorRate?: number;
  /** Milliseconds that one run may take. */
  readonly maxDurationMs?: number;
  /** Reasons of rejections that stop the campaign at once, such as `TopicDisallowed`. */
  readonly stopOn?: readonly string[];
  readonly canary?: CanaryOptions;
  /** The run waits until then before it sends. */
  readonly notBefore?: Date;
  /** The run stops then. */
  readonly notAfter?: Date;
  readonly localWindow?: LocalHours;
  /** Who sends: a `ClusterSender` of `peal/cluster`, for several machines. Default: the engine of this process. */
  readonly sender?: CampaignSender;
  /** Ends the run early; it can be resumed. */
  readonly signal?: AbortSignal;
  /** As in a send. */
  readonly retry?: false | RetryOptions;
  /** As in a send; also for recipients that an earlier run has left unknown. */
  readonly onUnknown?: 'report' | 'resend';
  /** As in a send. */
  readonly stopAtBadTokens?: false | number;
}

/** The same, with texts read and defaults filled in. */
export interface CheckedCampaign extends Omit<CampaignOptions, 'rate' | 'localWindow' | 'sender'> {
  readonly sender: CampaignSender;
  readonly services: CampaignServices;
  readonly rate: Rate | null;
  readonly localWindow: (LocalHours & { readonly window: LocalWindow }) | null;
}

const share = decimal(0, 1);
const dateRule = test('a Date with a time', (value) => value instanceof Date && !Number.isNaN(value.valueOf()));

/** The values of the choices beside `files` are checked when the files are opened. */
const filesRule = objectOf({
  files: anyOf(filledText(4096), list(filledText(4096))),
  format: unchecked,
  tokenColumn: unchecked,
  delimiter: unchecked,
  header: unchecked,
});
const recipientsRule: OptionRule = {
  kind: 'either',
  of: [filesRule, test('an iterable of recipients, or a function that returns one', isIterable)],
  allowed: 'files ({ files: … }), an iterable of recipients, or a function that returns one',
};

export const rateRule = filledText(4000);

const gatewayRule = test('a gateway of a session: what session.getConnection(…) returns', (value) =>
  value instanceof Gateway);
const messageRule = test('a Message or an FcmMessage', (value) =>
  value instanceof Message || value instanceof FcmMessage);
const senderRule = test('a ClusterSender of peal/cluster', isSender);
const personalRule = test('a Template', (value) => value instanceof Template);

const rules: OptionRules = {
  gateway: gatewayRule,
  message: messageRule,
  personal: personalRule,
  recipients: recipientsRule,
  platforms: objectWith(['column', 'gateway', 'message'], {
    column: filledText(1000),
    gateway: gatewayRule,
    message: messageRule,
    personal: personalRule,
    sender: senderRule,
  }),
  tokenColumn: filledText(1000),
  keepDuplicates: flag,
  dedupeMemoryBytes: whole(1 << 20, Number.MAX_SAFE_INTEGER),
  minTokenBytes: whole(1, usualTokenBytes),
  folder: filledText(4096),
  startAnew: flag,
  outputFormat: choice('csv', 'ndjson'),
  accepted: flag,
  title: text(1000),
  settings: anyOf(
    list(objectWith(['name', 'value'], { name: filledText(1000), value: text(100_000) })),
    test('an empty list', (value) => Array.isArray(value) && value.length === 0),
  ),
  kept: test('an object of plain JSON', isPlainJson),
  rate: rateRule,
  maxFailures: whole(0, Number.MAX_SAFE_INTEGER),
  maxErrorRate: share,
  maxDurationMs: whole(1, Number.MAX_SAFE_INTEGER),
  stopOn: list(filledText(100)),
  canary: objectWith(['recipients'], {
    recipients: whole(1, Number.MAX_SAFE_INTEGER),
    minAccepted: share,
    confirm: callback,
  }),
  notBefore: dateRule,
  notAfter: dateRule,
  localWindow: objectWith(['hours', 'timezoneColumn'], {
    hours: filledText(100),
    timezoneColumn: filledText(1000),
    outside: choice('later', 'hold'),
  }),
  sender: senderRule,
  signal: test('an AbortSignal', (value) => value instanceof AbortSignal),
  retry: anyOf(
    choice(false),
    objectOf({ attempts: whole(1, maxRequestsPerRecipient), timeMs: whole(0, maxRetryTimeMs) }),
  ),
  onUnknown: choice('report', 'resend'),
  stopAtBadTokens: anyOf(choice(false), share),
};

/** Throws PealError ERR_PEAL_OPTION that names the option. */
export function checkCampaignOptions(options: CampaignOptions): CheckedCampaign {
  checkOptions({ name: 'Campaign' }, options, rules);
  for (const name of ['gateway', 'message', 'recipients'] as const) {
    if (options[name] === undefined) {
      throw optionError(`A campaign needs ${option(name, 'the option ')}, which is missing.`);
    }
  }
  const { localWindow, folder, accepted, startAnew, recipients } = options;
  const services = new CampaignServices(options);
  if (services.all.some(({ message, personal }) => !message.hasPayload && personal?.hasPayloads !== true)) {
    throw optionError(
      `A campaign says something: give its message a payload, or payloads in ${option('personal', 'the option ')}.`,
    );
  }
  if (!isIterable(recipients) && (recipients as RecipientFiles).files === undefined) {
    throw optionError(`${theOption('recipients')} names no files: give their paths in ${option('recipients.files')}.`);
  }
  if (services.all.some(({ message }) => message.tokens.length > 0)) {
    throw optionError(
      `The message of a campaign has no tokens: name the recipients in ${option('recipients', 'the option ')}.`,
    );
  }
  const unknownReason = reasonsProblem(options.stopOn ?? [], services.protocols);
  if (unknownReason !== null) throw optionError(unknownReason);
  if (folder === undefined && accepted === true) throw needsFolder('accepted');
  if (folder === undefined && startAnew === true) throw needsFolder('startAnew');
  if (localWindow?.outside === 'hold') {
    if (folder === undefined) throw needsFolder('localWindow.outside');
    if (!canBeReadAgain(recipients)) {
      throw optionError(
        `${theOption('localWindow.outside')}: 'hold' reads the recipients again when their hours come: ` +
          'give files, or a function that returns the recipients.',
      );
    }
  }
  if (folder === undefined && options.sender?.remote != null) throw needsFolder('sender');
  const sender = senderOf(options, services);
  return { ...options, sender, services, rate: rateOf(options.rate), localWindow: windowOf(localWindow) };
}

export function isFiles(recipients: CampaignOptions['recipients']): recipients is RecipientFiles {
  return typeof recipients === 'object' && 'files' in recipients;
}

/** Whether the recipients can be read a second time. */
function canBeReadAgain(recipients: CampaignOptions['recipients']): boolean {
  if (typeof recipients === 'function' || Array.isArray(recipients)) return true;
  return isFiles(recipients) && ![recipients.files].flat().includes('-');
}

function senderOf({ sender, platforms }: CampaignOptions, services: CampaignServices): CampaignSender {
  const other = platforms?.sender;
  if (platforms === undefined) return sender ?? ownSender(services.all[0]!.gateway);
  if (sender === undefined && other === undefined) return new PlatformSender(services);
  if (sender?.remote != null && other?.remote != null && sender !== other) {
    return new PlatformSender(services, [sender, other]);
  }
  if (sender !== undefined && sender.remote === null && other === undefined) return sender;
  throw optionError(
    `${theOption('sender')}: machines that send through two services have a ClusterSender for each, one as ` +
      `${option('sender', 'the option ')}, and another one as ${option('platforms.sender')}.`,
  );
}

function rateOf(text: string | undefined): Rate | null {
  if (text === undefined) return null;
  const rate = parseRate(text);
  if (typeof rate === 'string') throw optionError(`${theOption('rate')} ${rate}.`);
  return rate;
}

function windowOf(hours: LocalHours | undefined): CheckedCampaign['localWindow'] {
  if (hours === undefined) return null;
  const window = parseLocalWindow(hours.hours);
  if (typeof window === 'string') throw optionError(`${theOption('localWindow.hours')} ${window}.`);
  return { ...hours, window };
}

function needsFolder(name: string): Error {
  return optionError(`${theOption(name)} needs ${option('folder', 'the option ')}, the directory of the campaign.`);
}

/** Whether a value comes out of JSON as it went in. A field that is undefined is not there. */
function isPlainJson(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  try {
    return isJson(value);
  } catch {
    // Too deep, as an object that holds itself is; or what a getter throws.
    return false;
  }
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value !== 'object') return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return false;
  return Object.values(value).every((field) => field === undefined || isJson(field));
}

function isSender(value: unknown): boolean {
  const { send, stats } = (value ?? {}) as Partial<CampaignSender>;
  return typeof send === 'function' && typeof stats === 'function';
}

function isIterable(value: unknown): boolean {
  return typeof value === 'function' || isStream(value);
}

/** Whether recipients can be pulled from it. */
export function isStream(value: unknown): value is RecipientSource {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}
