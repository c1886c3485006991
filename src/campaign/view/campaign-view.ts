/**
 * A campaign as it is shown: its summary, made from what its journal keeps, and all that `peal status` and `peal
 * report` say of a folder, also while a process is at work in it. Called by the campaign at its end and by those
 * commands; main thread.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { PealError } from '../../base/errors.js';
import type { LockHolder } from '../../base/files/folder-lock.js';
import { version } from '../../base/version.js';
import { either } from '../../base/wording.js';
import { type LatencyData, LatencyHistogram } from '../../engine/latency-histogram.js';
import { classOf, protocolOfReason } from '../../push-services/reasons.js';
import type { OutcomeCounts } from '../../session/message/result.js';
import { reportFileName, summaryFileName } from '../input/campaign-files.js';
import type { Facts, JournalCounts, JournalEvent, JournalProgress } from '../journal/records.js';
import type { ReportData } from '../report/report-data.js';
import { type RunRecordData, readRunRecord } from '../report/run-record.js';
import type { SeriesData } from '../report/run-series.js';
import {
  type CampaignFile,
  type CampaignState,
  type CampaignSummary,
  type LatencyFigures,
  latencyFigures,
  type RunSummary,
} from '../report/summary.js';
import { type CampaignFacts, readFacts } from './campaign-facts.js';
import { nextSteps } from './next-steps.js';

/** A campaign in its folder, as of now. */
export interface CampaignView {
  readonly folder: string;
  readonly facts: CampaignFacts;
  readonly summary: CampaignSummary;
  /** The process that is at work on it; null: none. */
  readonly holder: LockHolder | null;
  /** Recipients that are being sent to; 0 where no process is at work. */
  readonly underWay: number;
  /** When the journal was written last; null where that is not known. */
  readonly updatedMs: number | null;
  readonly events: readonly JournalEvent[];
  /** Null where nothing was kept, or it cannot be read. */
  readonly series: SeriesData | null;
  readonly latency: LatencyData | null;
}

interface SummaryParts {
  readonly facts: CampaignFacts;
  /** Of all runs. */
  readonly counts: JournalCounts;
  /** The same for each of two services, as far as they have recipients. */
  readonly parts?: readonly JournalCounts[];
  readonly latency: LatencyFigures | null;
  /** The same for each of two services. */
  readonly serviceLatencies?: readonly (LatencyFigures | null)[];
  /** Whether a process is at work on it. */
  readonly isHeld: boolean;
  /** Whether the caller writes summary.json and report.html next: they are named although they may not be there yet. */
  readonly willReport: boolean;
  /** The directory of the campaign; null: nothing is kept. Its files have their names by now. */
  readonly folder: string | null;
}

/** The one place that makes a summary: called by the campaign at its end, and for each look at it. */
export function summaryOf(given: SummaryParts): CampaignSummary {
  const { facts, counts, latency, isHeld, willReport, folder } = given;
  const state = stateOf(facts, isHeld);
  const isAtWork = state === 'running' || state === 'paused';
  const wasKilled = state !== facts.state;
  const { duplicate, expected, causes, invalidLines, unread, resent, connections, threads } = facts;
  const outcomes = outcomesOf(facts, counts, isAtWork);
  const { accepted, rejected, unsent, unknown, invalid } = outcomes;
  const reasons = sortedReasons(facts.reasons);
  const gone = goneOf(facts);
  const runs = facts.runs.map((run, index) => endedRun(run, isAtWork && index === facts.runs.length - 1));
  const seconds = sumOf(runs, (run) => run.seconds);
  const services = (facts.services ?? []).map((service, part) => ({
    service: service.service,
    ...outcomesOf(service, partOf(given, part), isAtWork),
    reasons: sortedReasons(service.reasons),
    perSecond: seconds > 0 ? sumOf(runs, ({ answeredByService }) => answeredByService?.[part] ?? 0) / seconds : 0,
    latency: given.serviceLatencies?.[part] ?? null,
  }));
  const rows = { gone, rejected: Math.max(0, rejected - gone), accepted, unsent, unknown, invalid };
  const summary = {
    state,
    why: wasKilled ? killedWhy : facts.why,
    stopped: isAtWork || wasKilled ? null : facts.stopped,
    expected,
    ...outcomes,
    duplicate,
    ...{ services, reasons, causes, invalidLines, unread, resent, runs, seconds },
    perSecond: seconds > 0 ? sumOf(runs, (run) => run.answered) / seconds : 0,
    ...{ connections, threads, latency },
    files: folder === null ? [] : filesOf(folder, rows, willReport),
    exitCode: isAtWork || wasKilled ? null : facts.exitCode,
  };
  const { args } = facts.kept;
  const isPipe = Array.isArray(args) && args.some((arg) => arg === '-' || arg === '--tokens=-');
  const begunBy = isPipe ? 'pipe' : Array.isArray(args) ? 'command' : 'program';
  const atWorkers = facts.isSentElsewhere && !isAtWork ? counts.underWay : 0;
  return { ...summary, next: nextSteps(summary, { folder, protocol: facts.protocol, begunBy, gone, atWorkers }) };
}

/** What became of recipients, of all or of one service. */
function outcomesOf(
  { invalid, neverNoted }: Pick<CampaignFacts, 'invalid' | 'neverNoted'>,
  { underWay, accepted, rejected, unsent: noted, unknown: lost }: JournalCounts,
  isAtWork: boolean,
): OutcomeCounts {
  const unsent = noted + neverNoted;
  // What was under way when its process ended is what the next run calls unknown.
  const unknown = isAtWork ? lost : lost + underWay;
  const recipients = accepted + rejected + unsent + unknown + invalid + (isAtWork ? underWay : 0);
  return { recipients, accepted, rejected, unsent, unknown, invalid };
}

/** The journal names no parts as long as all that it knows is of the first. */
function partOf({ counts, parts }: SummaryParts, part: number): JournalCounts {
  return parts?.[part] ?? (part === 0 ? counts : noCounts);
}

function sortedReasons(reasons: CampaignFacts['reasons']): CampaignFacts['reasons'] {
  return reasons.toSorted((a, b) => b.count - a.count);
}

/**
 * A campaign in its folder, as of now, whether or not a process is at work on it.
 *
 * @throws PealError ERR_PEAL_INPUT (as a rejection) when the folder holds none, it has not begun yet, or its journal
 *   cannot be read
 */
export async function viewCampaign(folder: string): Promise<CampaignView> {
  const { holder, progress, events } = await lookAt(folder);
  const facts = factsOf(folder, progress?.facts ?? {}, events, holder);
  const record = await readRunRecord(folder);
  const counts = progress?.counts ?? noCounts;
  const latency = record === null ? null : latencyFigures(LatencyHistogram.fromData(record.latency));
  return {
    folder,
    facts,
    summary: summaryOf({
      ...{ facts, counts, latency, folder },
      parts: progress?.parts ?? [],
      serviceLatencies: figuresOfServices(record),
      isHeld: holder !== null,
      willReport: false,
    }),
    holder,
    underWay: holder === null ? 0 : counts.underWay,
    updatedMs: progress?.wallMs ?? null,
    events,
    series: record?.series ?? null,
    latency: record?.latency ?? null,
  };
}

/** How long the answers of each of two services took, as the runs have left it. */
export function figuresOfServices(record: RunRecordData | null): readonly (LatencyFigures | null)[] {
  return (record?.services ?? []).map((each) => latencyFigures(LatencyHistogram.fromData(each)));
}

/**
 * Writes summary.json and report.html of it into its folder, with times in the zone of this machine.
 *
 * @returns the paths of both files
 * @throws PealError ERR_PEAL_INPUT (as a rejection) if one cannot be written
 */
export async function writeReportOf(view: CampaignView, nowMs: number): Promise<readonly string[]> {
  // A campaign has loaded it with its folder: nothing new is loaded at its end.
  const { writeReport } = await import('../report/write-report.js');
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return writeReport(view.folder, reportDataOf(view, version, timeZone, nowMs));
}

/**
 * What `writeReport` writes of it.
 *
 * @param version of peal
 * @param timeZone the IANA name of the zone in which times are said
 */
export function reportDataOf(view: CampaignView, version: string, timeZone: string, nowMs: number): ReportData {
  const { facts, series, latency } = view;
  // The report says what lies beside it.
  const written = view.summary.files.filter(({ name }) => name !== reportFileName && name !== summaryFileName);
  const files = [...written, { name: summaryFileName, use: uses[summaryFileName], rows: null }];
  return {
    version: 1,
    title: facts.title,
    writtenMs: nowMs,
    timeZone,
    protocol: facts.protocol,
    summary: { ...view.summary, files },
    series,
    latency,
    settings: facts.settings,
    madeBy: version,
  };
}

const killedWhy = 'Its process was killed, the machine went down, or the disk was full.';
const noCounts: JournalCounts = { underWay: 0, accepted: 0, rejected: 0, unsent: 0, unknown: 0 };

/** A campaign at work that nobody holds has lost its process. */
function stateOf({ state }: CampaignFacts, isHeld: boolean): CampaignState {
  return !isHeld && (state === 'running' || state === 'paused') ? 'stopped' : state;
}

function endedRun(run: RunSummary, goesOn: boolean): RunSummary {
  return run.end !== null || goesOn ? run : { ...run, end: 'It was killed, or the disk was full.' };
}

function goneOf({ reasons, protocol }: CampaignFacts): number {
  return sumOf(
    reasons.filter(({ reason, status }) => classOf(status ?? 0, reason, protocolOfReason(reason, protocol)) === 'gone'),
    ({ count }) => count,
  );
}

function sumOf<Item>(items: readonly Item[], numberOf: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + numberOf(item), 0);
}

type Outcome = 'gone' | 'rejected' | 'unsent' | 'unknown' | 'invalid' | 'accepted';

/** What is in the files, and what to do with it; in the order in which they are listed. */
const uses: Readonly<Record<Outcome | typeof summaryFileName | typeof reportFileName, string>> = {
  gone: 'Tokens that are no longer valid: delete them from your database.',
  rejected: 'Recipients that were refused for other reasons.',
  unsent: 'Recipients that were certainly not sent to: it is safe to send to them.',
  unknown: 'Sent to without an answer: decide before you send to them again.',
  invalid: 'Lines that are not recipients, with what is wrong with them.',
  accepted: 'Recipients that were accepted.',
  [summaryFileName]: 'The numbers of this campaign for programs.',
  [reportFileName]: 'The same with charts, for a browser.',
};

/**
 * By outcome, what the file may be called: it depends on the form of the outputs, and on whether the input has columns.
 */
const endings: Readonly<Record<Outcome, readonly string[]>> = {
  gone: ['csv', 'ndjson'],
  rejected: ['csv', 'ndjson'],
  unsent: ['txt', 'csv', 'ndjson'],
  unknown: ['txt', 'csv', 'ndjson'],
  invalid: ['csv', 'ndjson'],
  accepted: ['csv', 'ndjson'],
};

/**
 * The files that are in the folder.
 *
 * @param willReport whether the summary and the report are written next, if they are not there already
 */
function filesOf(folder: string, rows: Readonly<Record<Outcome, number>>, willReport: boolean): CampaignFile[] {
  const isThere = (name: string): boolean => existsSync(path.join(folder, name));
  const outcomes = (Object.keys(endings) as Outcome[]).flatMap((outcome) =>
    endings[outcome]
      .map((ending) => `${outcome}.${ending}`)
      .filter(isThere)
      .map((name) => ({ name, use: uses[outcome], rows: rows[outcome] })),
  );
  const reports = ([summaryFileName, reportFileName] as const)
    .filter((name) => willReport || isThere(name))
    .map((name) => ({ name, use: uses[name], rows: null }));
  return [...outcomes, ...reports];
}

interface Look {
  readonly holder: LockHolder | null;
  readonly progress: JournalProgress | null;
  readonly events: readonly JournalEvent[];
}

async function lookAt(folder: string): Promise<Look> {
  const { readJournal } = await import('../journal/journal-folder.js');
  const journal = await readJournal(folder);
  try {
    const { holder, progress, events } = journal;
    return { holder, progress, events };
  } finally {
    await journal.close();
  }
}

/** Events that begin or end a run. */
const turns: ReadonlySet<string> = new Set(['began', 'resumed', 'stopped', 'finished']);

function factsOf(
  folder: string,
  kept: Facts,
  events: readonly JournalEvent[],
  holder: LockHolder | null,
): CampaignFacts {
  const facts = readFacts(kept, folder);
  if (facts === null) {
    throw inputError(
      holder === null
        ? `The campaign in ${folder} ended before it sent anything: ${either('run', 'give')} the same ` +
            `${either('program', 'command')} again.`
        : `The campaign in ${folder} has only just begun: look again in a moment.`,
    );
  }
  const turn = events.findLast(({ kind }) => turns.has(kind))?.kind;
  const isBeginning = holder !== null && (turn === 'began' || turn === 'resumed');
  if (!isBeginning || facts.state === 'running' || facts.state === 'paused') return facts;
  // A run that goes on with it has begun, and has written nothing of its own yet.
  return { ...facts, state: 'running', why: null, stopped: null, exitCode: null };
}

function inputError(message: string): PealError {
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}
