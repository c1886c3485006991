/**
 * Opens what a run of a campaign needs: recipients, journal, files. Refuses what cannot be used before anything is
 * sent. Called by campaign.ts; main thread.
 */
import type { ControlWatch } from '../control/control-file.js';
import type { Journal } from '../journal/journal.js';
import type { OutcomeFiles } from '../outputs/outcome-files.js';
import { RunRecord } from '../report/run-record.js';
import type { SeriesSample } from '../report/run-series.js';
import type { CampaignFacts } from '../view/campaign-facts.js';
import { CampaignBooks } from './campaign-books.js';
import type { CheckedCampaign } from './campaign-options.js';
import { checkColumns, neededColumns } from './needed-columns.js';
import type { KeptCampaign } from './open-folder.js';
import { type InvalidRow, type Reading, RecipientBlocks } from './recipient-blocks.js';
import type { CampaignHooks, CampaignReport } from './run-report.js';

/** What a run works with. */
export interface OpenedRun {
  /** Null: nothing is kept. */
  readonly journal: Journal | null;
  readonly files: OutcomeFiles | null;
  /** Takes the commands of other processes once it is started; null without a folder, where they have no place. */
  readonly control: ControlWatch | null;
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
    const { folder, gateway, services } = options;
    if (folder !== undefined) {
      const { openFolder } = await import('./open-folder.js');
      const opened = await openFolder(options, hooks, folder, blocks);
      if ('summary' in opened) {
        await blocks.dispose();
        return opened;
      }
      kept = opened;
    }
    const { journal = null, files = null, control = null, earlier = null } = kept ?? {};
    const looker = { look: (): SeriesSample => nothingYet };
    const isResumed = journal?.isResumed === true;
    const look = (): SeriesSample => looker.look();
    const record = await RunRecord.open(folder ?? null, gateway.clock, look, isResumed, services.all.length);
    const books = new CampaignBooks(services, journal, earlier);
    const expected = await blocks.expected();
    return { journal, files, control, blocks, books, record, looker, early, earlier, expected, reading };
  } catch (error) {
    await blocks.dispose();
    kept?.files.abandon();
    await kept?.journal.close().catch(() => {});
    throw error;
  }
}
