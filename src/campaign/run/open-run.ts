/**
 * Opens what a run of a campaign needs: recipients, journal, files. Refuses what cannot be used before anything is sent. Called
 * by campaign.ts; main thread.
 */
import { mkdir, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { writeProblem } from '../../base/file-errors.js';
import { option, theOption } from '../../base/wording.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import type { Journal } from '../journal/journal.js';
import { isOutcomeFile, OutcomeFiles, removeOutcomeFiles } from '../outputs/outcome-files.js';
import { RunRecord, readRunRecord } from '../report/run-record.js';
import type { SeriesSample } from '../report/run-series.js';
import { latencyFigures } from '../report/summary.js';
import { lacksReport } from '../report/write-report.js';
import type { CampaignFacts } from '../view/campaign-facts.js';
import { summaryOf, writeReportOf } from '../view/campaign-view.js';
import { CampaignBooks } from './campaign-books.js';
import { campaignIdentity } from './campaign-identity.js';
import { type CheckedCampaign, isFiles } from './campaign-options.js';
import { checkColumns, neededColumns } from './needed-columns.js';
import { type InvalidRow, type Reading, RecipientBlocks } from './recipient-blocks.js';
import type { CampaignHooks, CampaignReport } from './run-report.js';

/** What a run works with. */
export interface OpenedRun {
  /** Null: nothing is kept. */
  readonly journal: Journal | null;
  readonly files: OutcomeFiles | null;
  readonly blocks: RecipientBlocks;
  readonly books: CampaignBooks;
  readonly record: RunRecord;
  /** What the record asks; the run sets it. */
  readonly looker: { look: () => SeriesSample };
  readonly early: EarlyRows;
  /** What earlier runs have kept; null for a new campaign. */
  readonly earlier: CampaignFacts | null;
  readonly expected: number | null;
  /** How the recipients are read, for another reading. */
  readonly reading: Reading;
}

/** Invalid rows that are found while the run is opened. */
class EarlyRows {
  #rows: InvalidRow[] = [];
  #to: ((row: InvalidRow) => void) | null = null;

  take(row: InvalidRow): void {
    if (this.#to === null) this.#rows.push(row);
    else this.#to(row);
  }

  /** From now on they go to `to`, those that were found by now first. */
  redirect(to: (row: InvalidRow) => void): void {
    this.#to = to;
    for (const row of this.#rows) to(row);
    this.#rows = [];
  }
}

const nothingYet: SeriesSample = {
  accepted: 0,
  rejected: 0,
  unknown: 0,
  connections: 0,
  streamLimit: null,
  inFlight: 0,
  hasWork: false,
  pace: 0,
};

/**
 * Opens everything, and sends nothing yet. For a campaign that an earlier run has finished, its report is all there is.
 *
 * @param signal ends the wait for recipients that do not come
 * @throws PealError for options, files, recipients and journals that cannot be used
 */
export async function openRun(
  options: CheckedCampaign,
  hooks: CampaignHooks,
  signal: AbortSignal,
): Promise<OpenedRun | CampaignReport> {
  const early = new EarlyRows();
  const reading: Reading = {
    columns: neededColumns(options),
    onInvalid: (row) => early.take(row),
    pressure: () => kept?.files.pressure() ?? null,
    isEndCertain: hooks.isEndCertain,
    wasCut: hooks.wasCut,
    signal,
  };
  let kept: KeptCampaign | null = null;
  const blocks = await RecipientBlocks.open(options, reading);
  try {
    const columns = await blocks.columns();
    if (!signal.aborted) checkColumns(options, columns);
    const { folder, gateway } = options;
    if (folder !== undefined) {
      const opened = await openFolder(options, hooks, folder, blocks);
      if ('summary' in opened) {
        await blocks.dispose();
        return opened;
      }
      kept = opened;
    }
    const { journal = null, files = null, earlier = null } = kept ?? {};
    const looker = { look: (): SeriesSample => nothingYet };
    const isResumed = journal?.isResumed === true;
    const record = await RunRecord.open(folder ?? null, gateway.clock, () => looker.look(), isResumed);
    const books = new CampaignBooks(journal, earlier?.reasons ?? [], earlier?.resent ?? 0);
    const expected = await blocks.expected();
    return { journal, files, blocks, books, record, looker, early, earlier, expected, reading };
  } catch (error) {
    await blocks.dispose();
    kept?.files.abandon();
    await kept?.journal.close().catch(() => {});
    throw error;
  }
}

interface KeptCampaign {
  readonly journal: Journal;
  readonly files: OutcomeFiles;
  readonly earlier: CampaignFacts | null;
}

async function openFolder(
  options: CheckedCampaign,
  hooks: CampaignHooks,
  folder: string,
  blocks: RecipientBlocks,
): Promise<KeptCampaign | CampaignReport> {
  await makeFolder(folder);
  await refuseInputs(folder, blocks);
  if (options.startAnew !== true && hooks.openJournal === undefined) await refuseOthers(folder);
  const journal = await openJournalOf(options, hooks, folder);
  try {
    const earlier = factsOf(journal);
    if (earlier !== null && isNothingLeft(earlier, journal, options)) {
      const report = await reportOfFinished(earlier, journal, folder, options.gateway.clock);
      await journal.close();
      return report;
    }
    if (!journal.isResumed && options.startAnew === true) await removeOutcomeFiles(folder);
    const files = await OutcomeFiles.open({
      folder,
      format: options.outputFormat ?? 'csv',
      columns: await blocks.outputColumns(),
      tokenColumns: blocks.tokenColumns,
      keepsAccepted: options.accepted === true,
      lengths: journal.files,
    });
    return { journal, files, earlier };
  } catch (error) {
    await journal.close().catch(() => {});
    throw error;
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw folderError(`${folder} ${writeProblem(error)}.`, error);
  }
}

/** A list that is read must not be written or removed. */
async function refuseInputs(folder: string, blocks: RecipientBlocks): Promise<void> {
  const real = await realpath(folder);
  for (const list of blocks.sources) {
    const file = list === '-' ? '-' : await realpath(list).catch(() => path.resolve(list));
    if (path.dirname(file) !== real || !isOutcomeFile(path.basename(file))) continue;
    throw folderError(`${list} is read by this command and would be overwritten; choose another directory.`);
  }
}

/** Files that a sentence names. */
const maxNamed = 5;

/** Refuses a directory with outcomes and without a journal: a campaign begun there would replace them, and send twice. */
async function refuseOthers(folder: string): Promise<void> {
  const { hasJournal } = await import('../journal/journal-folder.js');
  if (await hasJournal(folder)) return;
  const names = (await readdir(folder)).filter(isOutcomeFile).sort();
  if (names.length === 0) return;
  const listed = `${names.slice(0, maxNamed).join(', ')}${names.length > maxNamed ? ' …' : ''}`;
  throw folderError(
    `${folder} holds files of a campaign whose journal is not there (${listed}): nothing says who was sent to. Choose ` +
      `another directory, or remove these files with ${option('startAnew', 'the option ')}.`,
  );
}

async function openJournalOf(options: CheckedCampaign, hooks: CampaignHooks, folder: string): Promise<Journal> {
  const identity = await campaignIdentity(options);
  const { clock } = options.gateway;
  if (hooks.openJournal !== undefined) return hooks.openJournal(identity, clock);
  const { openJournal } = await import('../journal/journal-folder.js');
  return openJournal(folder, identity, { clock, startsAnew: options.startAnew === true, mayBeginAnew });
}

/** No: its recipients may be nowhere else than in its file of unsent ones, such as those that a program gave once. */
function mayBeginAnew(facts: Journal['facts']): boolean {
  return ((facts as Partial<CampaignFacts>).neverNoted ?? 0) === 0;
}

/** What earlier runs have kept; null for a new campaign. */
function factsOf({ facts }: Journal): CampaignFacts | null {
  return (facts as Partial<CampaignFacts>).version === 1 ? (facts as unknown as CampaignFacts) : null;
}

/** Whether sizes and edges of files alone say that the recipients are those of before. Others are read, and compared. */
function isKnownUnread(recipients: CheckedCampaign['recipients']): boolean {
  return isFiles(recipients) && ![recipients.files].flat().includes('-');
}

/** Whether every recipient of the campaign has an outcome that stays. */
function isNothingLeft(facts: CampaignFacts, journal: Journal, { onUnknown, recipients }: CheckedCampaign): boolean {
  const { unsent, unknown, underWay } = journal.counts;
  const isWhole = facts.state === 'finished' && journal.inputBlocks !== null && facts.unread.length === 0;
  if (!isKnownUnread(recipients)) return false;
  return isWhole && unsent + underWay + facts.neverNoted === 0 && (unknown === 0 || onUnknown !== 'resend');
}

/** Also writes the report where the process that finished the campaign has ended before it could. */
async function reportOfFinished(
  facts: CampaignFacts,
  { counts }: Journal,
  folder: string,
  clock: Clock,
): Promise<CampaignReport> {
  const saved = await readRunRecord(folder);
  const latency = saved === null ? null : latencyFigures(LatencyHistogram.fromData(saved.latency));
  const summary = summaryOf({ facts, counts, latency, isHeld: false, willReport: true, folder });
  const report = { summary, stopped: null, problems: [], causes: [], wasFinished: true };
  try {
    if (!(await lacksReport(folder))) return report;
    const view = {
      ...{ folder, facts, summary, holder: null, underWay: 0, updatedMs: null, events: [] },
      ...{ series: saved?.series ?? null, latency: saved?.latency ?? null },
    };
    await writeReportOf(view, clock.wallMs());
    return report;
  } catch (error) {
    if (error instanceof PealError) return { ...report, problems: [error] };
    throw error;
  }
}

function folderError(problem: string, cause?: unknown): PealError {
  return new PealError('ERR_PEAL_OPTION', `${theOption('folder')}: ${problem}`, { origin: 'usage', cause });
}
