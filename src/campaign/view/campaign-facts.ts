/**
 * What the journal of a campaign keeps beside the outcomes, written with each of its transactions: so it is small,
 * plain JSON. Made by a campaign; read by the next run of it and by what shows a campaign. Main thread.
 */
import { PealError } from '../../base/errors.js';
import {
  among,
  anyFlag,
  anyNumber,
  anyText,
  anyValue,
  fieldsOf,
  listOf,
  namesTo,
  optional,
  orNull,
} from '../../base/shape.js';
import type { Protocol } from '../../push/address.js';
import type { Facts } from '../journal/records.js';
import type { ReportSetting } from '../report/report-data.js';
import type {
  CampaignState,
  CampaignSummary,
  CountedCause,
  CountedReason,
  RunSummary,
  ServiceSummary,
} from '../report/summary.js';

/** What the facts keep of one of two services, as they keep it of all. */
type ServiceFacts = Pick<CampaignFacts, 'invalid' | 'neverNoted' | 'reasons'> & Pick<ServiceSummary, 'service'>;

export interface CampaignFacts {
  readonly version: 1;
  readonly title: string;
  readonly protocol: Protocol;
  /** As the program gave them, without secrets. */
  readonly settings: readonly ReportSetting[];
  /** What the program wants to find again (option `kept`), such as its command line. */
  readonly kept: Readonly<Record<string, unknown>>;
  /** `running` also for a campaign whose process was killed: then nobody holds the journal. */
  readonly state: CampaignState;
  /** Why it is paused or has stopped, or what it waits for, as one sentence; else null. */
  readonly why: string | null;
  /** The code of the error that stopped it; else null. */
  readonly stopped: string | null;
  readonly exitCode: number | null;
  /** Recipients that were read, and never noted: as of the latest reading of the input. They count as unsent. */
  readonly neverNoted: number;
  readonly invalid: number;
  readonly duplicate: number;
  /** How many recipients there will be; null where that is not known. */
  readonly expected: number | null;
  /**
   * Of each service, where there are two, APNs first; missing for one. Their outcomes are in the totals of the journal.
   */
  readonly services?: readonly ServiceFacts[];
  /** Rejections of all runs. */
  readonly reasons: readonly CountedReason[];
  /** Why recipients are unsent or unknown, as of the latest run. */
  readonly causes: readonly CountedCause[];
  readonly invalidLines: CampaignSummary['invalidLines'];
  readonly unread: CampaignSummary['unread'];
  readonly resent: number;
  /** The first run is first; at most 100: the first and the latest. */
  readonly runs: readonly RunSummary[];
  /** Whether other machines send it: what was under way when its process ended is in their books. */
  readonly isSentElsewhere: boolean;
  /** Most connections that were open at a time. */
  readonly connections: number;
  readonly threads: number;
  /** Whether the canary was answered well. */
  readonly isCanaryPassed: boolean;
  /** The rate that holds, as it was written; null: none. */
  readonly rate: string | null;
}

const reasons = listOf(fieldsOf<CountedReason>({ reason: anyText, status: orNull(anyNumber), count: anyNumber }));

const run = fieldsOf<RunSummary>({
  startMs: anyNumber,
  endMs: orNull(anyNumber),
  seconds: anyNumber,
  answered: anyNumber,
  answeredByService: optional(listOf(anyNumber)),
  end: orNull(anyText),
});

const isFacts = fieldsOf<CampaignFacts>({
  version: among(1),
  title: anyText,
  protocol: among('http2', 'binary', 'feedback', 'fcm'),
  settings: listOf(fieldsOf<ReportSetting>({ name: anyText, value: anyText })),
  kept: namesTo(anyValue),
  state: among('running', 'paused', 'stopped', 'finished'),
  why: orNull(anyText),
  stopped: orNull(anyText),
  exitCode: orNull(anyNumber),
  neverNoted: anyNumber,
  invalid: anyNumber,
  duplicate: anyNumber,
  expected: orNull(anyNumber),
  services: optional(
    listOf(
      fieldsOf<ServiceFacts>({ service: among('apns', 'fcm'), invalid: anyNumber, neverNoted: anyNumber, reasons }),
    ),
  ),
  reasons,
  causes: listOf(fieldsOf<CountedCause>({ code: anyText, message: anyText, unsent: anyNumber, unknown: anyNumber })),
  invalidLines: orNull(
    fieldsOf<NonNullable<CampaignFacts['invalidLines']>>({
      list: anyText,
      line: anyNumber,
      why: anyText,
      shape: orNull(anyText),
    }),
  ),
  unread: listOf(fieldsOf<CampaignFacts['unread'][number]>({ list: anyText, line: orNull(anyNumber) })),
  resent: anyNumber,
  runs: listOf(run),
  isSentElsewhere: anyFlag,
  connections: anyNumber,
  threads: anyNumber,
  isCanaryPassed: anyFlag,
  rate: orNull(anyText),
});

/**
 * The facts that a journal has kept; null where none are there yet.
 *
 * @throws PealError ERR_PEAL_INPUT for those of another version
 */
export function readFacts(facts: Facts, folder: string): CampaignFacts | null {
  if (facts.version === undefined) return null;
  if (isFacts(facts)) return facts;
  const message =
    `The campaign in ${folder} was written by another version of peal: use that one to look at it or to go on ` +
    'with it.';
  throw new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}
