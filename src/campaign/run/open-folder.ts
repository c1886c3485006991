/**
 * Opens the folder of a campaign: its journal and its files. Loaded by open-run for campaigns that have a folder, and
 * with it all that such a campaign needs to its end: a send that keeps nothing does without. Main thread.
 */
import { mkdir, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { writeProblem } from '../../base/file-errors.js';
import { option, theOption } from '../../base/wording.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import { ControlWatch } from '../control/control-file.js';
import { isOutcomeFile } from '../input/campaign-files.js';
import type { Journal } from '../journal/journal.js';
import { OutcomeFiles, removeOutcomeFiles } from '../outputs/outcome-files.js';
import { readRunRecord } from '../report/run-record.js';
import { latencyFigures } from '../report/summary.js';
import { lacksReport } from '../report/write-report.js';
import { type CampaignFacts, readFacts } from '../view/campaign-facts.js';
import { figuresOfServices, summaryOf, writeReportOf } from '../view/campaign-view.js';
import { campaignIdentity } from './campaign-identity.js';
import { type CheckedCampaign, isFiles } from './campaign-options.js';
import type { RecipientBlocks } from './recipient-blocks.js';
import type { CampaignHooks, CampaignReport } from './run-report.js';

/** What is kept of a campaign. */
export interface KeptCampaign {
  readonly journal: Journal;
  readonly files: OutcomeFiles;
  /** Not started. */
  readonly control: ControlWatch;
  readonly earlier: CampaignFacts | null;
}

/**
 * Makes the folder, and opens its journal and its files. For a campaign that an earlier run has finished, its report is
 * all there is.
 *
 * @throws PealError for a folder, files and a journal that cannot be used
 */
export async function openFolder(
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
    const earlier = readFacts(journal.facts, folder);
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
      hasDetails: options.services.hasDetails,
      lengths: journal.files,
    });
    return { journal, files, control: new ControlWatch(folder, options.gateway.clock), earlier };
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

/**
 * Refuses a directory with outcomes and without a journal: a campaign begun there would replace them, and send twice.
 */
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
  return openJournal(folder, identity, {
    clock,
    startsAnew: options.startAnew === true,
    mayBeginAnew,
    keepsNoted: options.sender.remote !== null,
  });
}

/** No: its recipients may be nowhere else than in its file of unsent ones, such as those that a program gave once. */
function mayBeginAnew(facts: Journal['facts']): boolean {
  return ((facts as Partial<CampaignFacts>).neverNoted ?? 0) === 0;
}

/**
 * Whether sizes and edges of files alone say that the recipients are those of before. Others are read, and compared.
 */
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
  { counts, parts }: Journal,
  folder: string,
  clock: Clock,
): Promise<CampaignReport> {
  const saved = await readRunRecord(folder);
  const latency = saved === null ? null : latencyFigures(LatencyHistogram.fromData(saved.latency));
  const serviceLatencies = figuresOfServices(saved);
  const summary = summaryOf({
    ...{ facts, counts, parts, latency, serviceLatencies, folder },
    isHeld: false,
    willReport: true,
  });
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
