/**
 * A campaign without the sending: reads all recipients as a run would, makes the payload of each, and tells how many
 * there are, who cannot be sent to, how large the payloads are, what an earlier run has done, and how long it takes.
 * Opens no connection and writes nothing into the folder. Called by programs and by `peal send --dry-run`; main thread.
 *
 * Memory does not grow with the recipients, apart from the digests of tokens: sizes are counted, not kept.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onAbort } from '../base/abort-listeners.js';
import { PealError } from '../base/errors.js';
import { maxBatchRecipients, maxOwnFcmMessageBytes, maxVoipPayloadBytes } from '../base/limits.js';
import { durationOf } from '../push/request-rate.js';
import { maxPayloadBytesOf } from '../session/personal/template.js';
import type { RenderedRows, RowBatch } from '../session/recipients/row-batch.js';
import { cellText, type Rows } from '../session/recipients/rows.js';
import { secondsAtRate } from './control/rate-time.js';
import type { InputBlock } from './input/campaign-input.js';
import { blockDigest } from './journal/block-digest.js';
import type { JournalReader } from './journal/journal-reader.js';
import type { KnownBlock } from './journal/known-block.js';
import { campaignIdentity } from './run/campaign-identity.js';
import { type CampaignOptions, type CheckedCampaign, checkCampaignOptions } from './run/campaign-options.js';
import { LocalHoursOfRows } from './run/local-hours.js';
import { checkColumns, neededColumns } from './run/needed-columns.js';
import { type InvalidRow, type ReadList, RecipientBlocks } from './run/recipient-blocks.js';
import type { CampaignService } from './senders/campaign-services.js';
import { TableRows } from './tables/table-rows.js';

/** Rows that are invalid for one reason. */
export interface InvalidKind {
  /** Of the first of them, as the rest of a sentence: `has no name, and the template has no default for it`. */
  readonly why: string;
  readonly count: number;
  /** Where the first of them stands: a path, `-`, or `the program`. */
  readonly list: string;
  /** From 1; null where it is not known. */
  readonly line: number | null;
}

/** Bytes of the payloads of all recipients that are valid. */
export interface PayloadSizes {
  readonly least: number;
  readonly median: number;
  readonly most: number;
  /** What the push type and the protocol allow. */
  readonly limit: number;
}

export interface DryRunReport {
  /** All of them, the invalid ones too, without the duplicates. */
  readonly recipients: number;
  readonly invalid: number;
  /** Recipients that are dropped because their token stood before. */
  readonly duplicate: number;
  /** The most frequent first, at most 20. */
  readonly invalidKinds: readonly InvalidKind[];
  /** Null where nobody is valid. */
  readonly payload: PayloadSizes | null;
  /** The payload of the first recipient that is valid, as it would be sent. */
  readonly example: string | null;
  /**
   * How many valid recipients get which variant; `variant` is null for the default. Empty for a message without
   * variants.
   */
  readonly variants: readonly { readonly variant: string | null; readonly recipients: number }[];
  /**
   * How many valid recipients have nothing in a column that has a default (`{{name|friend}}`), so that they get the
   * default: for each such column of the message, 0 too.
   */
  readonly defaults: readonly { readonly column: string; readonly recipients: number }[];
  /** Whether the folder holds this campaign, begun by an earlier run. */
  readonly isResumed: boolean;
  /** Whether a process is at work on it now. */
  readonly isRunning: boolean;
  /** Recipients that earlier runs have sent to, so that this one leaves them out: accepted or rejected. */
  readonly alreadyDone: number;
  /** Those that were sent to without an answer, and are not sent to again: `onUnknown` is `report`. */
  readonly unknown: number;
  /** Those that the process that is at work has under way. */
  readonly underWay: number;
  /** Those that are to be sent to and whose local hours are closed now. */
  readonly outsideHours: number;
  /** Whom a run would send to now; with `localWindow.outside: 'hold'` also those whose hours come later. */
  readonly toSend: number;
  /**
   * How long that takes at the rate of the campaign, or at that of a gateway (with FCM the quota of the project) where
   * this is slower; null where no rate limits it: then the gateway and the network decide.
   */
  readonly seconds: number | null;
  /** Which of the two decides; messages a minute of a gateway. Null where none limits it. */
  readonly limitedBy: 'rate' | { readonly messagesPerMinute: number } | null;
  /** The bound of time that would stop the run before that; null where none does, or it cannot be told. */
  readonly stoppedBy: 'notAfter' | 'maxDurationMs' | null;
  /** How each list is written, as it was understood. `recipients`: as above. */
  readonly sources: readonly (ReadList & { readonly recipients: number })[];
}

/** Kinds of invalid rows that are told apart. */
const maxKinds = 20;

/**
 * Does everything that a campaign with these options does, but send.
 *
 * @throws PealError (as a rejection) what a run would throw before it sends: for options, files, columns, and a folder
 *   that
 * holds another campaign; ERR_PEAL_ABORTED after an abort
 */
export async function dryRun(options: CampaignOptions): Promise<DryRunReport> {
  const checked = checkCampaignOptions(options);
  const reader = await readerOf(checked);
  const scratch = new ScratchFolder();
  try {
    return await new DryRun(checked, reader).run(() => scratch.make());
  } finally {
    await reader?.close();
    await scratch.remove();
  }
}

/** The journal of an earlier run; null where there is none, or it would be removed. */
async function readerOf(options: CheckedCampaign): Promise<JournalReader | null> {
  const { folder, startAnew } = options;
  if (folder === undefined || startAnew === true) return null;
  const { hasJournal, readJournal } = await import('./journal/journal-folder.js');
  if (!(await hasJournal(folder))) return null;
  const identity = await campaignIdentity(options);
  const reader = await readJournal(folder);
  try {
    reader.check(identity);
    return reader;
  } catch (error) {
    await reader.close();
    throw error;
  }
}

class DryRun {
  readonly #options: CheckedCampaign;
  readonly #reader: JournalReader | null;
  readonly #hours: LocalHoursOfRows | null;
  /** By size: how many payloads have it. */
  readonly #sizes = new Float64Array(maxSizes);
  readonly #variants: VariantCounts | null;
  readonly #defaults = new Map<string, number>();
  readonly #kinds = new InvalidKinds();
  readonly #bySource = new Map<string, number>();
  /** By row of the block at hand: open, closed or invalid. */
  readonly #marks = new Uint8Array(maxBatchRecipients);
  #wallMs: number;
  #recipients = 0;
  #example: string | null = null;
  #alreadyDone = 0;
  #unknown = 0;
  #underWay = 0;
  #outsideHours = 0;
  readonly #toSendBy = new Map<CampaignService, number>();
  #toSend = 0;

  constructor(options: CheckedCampaign, reader: JournalReader | null) {
    const { gateway, localWindow } = options;
    this.#options = options;
    this.#reader = reader;
    this.#hours = localWindow === null ? null : new LocalHoursOfRows(localWindow);
    this.#variants = VariantCounts.of(options);
    this.#wallMs = gateway.clock.wallMs();
  }

  async run(scratch: () => Promise<string>): Promise<DryRunReport> {
    const { signal, gateway } = this.#options;
    const blocks = await RecipientBlocks.open(this.#options, {
      columns: neededColumns(this.#options),
      onInvalid: (row) => this.#addInvalid(row),
      pressure: () => null,
      scratch,
    });
    const stopListening = signal === undefined ? null : onAbort(signal, () => blocks.close());
    if (signal?.aborted === true) blocks.close();
    try {
      checkColumns(this.#options, await blocks.columns());
      let number = 0;
      for await (const block of blocks) {
        this.#add(block, number);
        number += 1;
      }
      if (signal?.aborted === true) throw abortError();
      if (blocks.isWhole) this.#reader?.checkEnd(number);
      // A rate counts from the end of the reading, which a run does while it sends.
      this.#wallMs = gateway.clock.wallMs();
      return this.#report(await blocks.lists(), blocks.duplicates);
    } finally {
      stopListening?.();
      await blocks.dispose();
    }
  }

  #add({ rows, source }: InputBlock, number: number): void {
    const { count } = rows;
    this.#count(source, count);
    const known = this.#reader?.block(number, blockDigest(rows), count) ?? null;
    this.#marks.fill(OPEN, 0, count);
    const rendered = this.#render(rows, this.#lookAtHours(rows, source));
    for (const { index, why } of rendered.invalid) this.#markInvalid(rows, index, why, source);
    for (const batch of rendered.batches) this.#measure(batch);
    this.#countDue(this.#options.services.of(rows.tokens), count, known);
  }

  /** Marks those whose hours are closed. Returns the rows that may be rendered; null: all. */
  #lookAtHours(rows: Rows, source: string): Uint16Array | null {
    if (this.#hours === null) return null;
    const { open, closed, invalid } = this.#hours.look(rows, null, this.#wallMs);
    for (const index of closed) this.#marks[index] = CLOSED;
    for (const { index, why } of invalid) this.#markInvalid(rows, index, why, source);
    return invalid.length === 0 ? null : Uint16Array.from([...open, ...closed]).sort();
  }

  #render(rows: Rows, indexes: Uint16Array | null): Rendered {
    const { personal, context } = this.#options.services.of(rows.tokens);
    if (personal === null) return { batches: [{ indexes, rows, personal: null }], invalid: [] };
    return personal.render(rows, context, indexes ?? undefined);
  }

  #measure({ rows, indexes, personal }: Rendered['batches'][number]): void {
    const count = indexes?.length ?? rows.count;
    this.#variants?.add(rows, indexes);
    const { personal: template, message, context } = this.#options.services.of(rows.tokens);
    template?.countDefaults(rows, indexes, this.#defaults);
    const { payloads = null, payloadOffsets = null } = personal ?? {};
    const { payload, bodyStart } = message.notificationFor(context.protocol);
    // Where the token stands in the body, a payload is what follows it.
    const start = bodyStart === undefined ? '' : `${textOf(bodyStart)}…`;
    if (payloads === null || payloadOffsets === null) {
      if (count > 0) this.#example ??= `${start}${textOf(payload)}`;
      this.#sizes[Math.min(payload.length, maxSizes - 1)]! += count;
      return;
    }
    this.#example ??= `${start}${textOf(payloads.subarray(0, payloadOffsets[1]))}`;
    for (let index = 0; index < count; index++) {
      this.#sizes[payloadOffsets[index + 1]! - payloadOffsets[index]!]! += 1;
    }
  }

  /** Counts whom a run would send to, of the block whose rows are marked. */
  #countDue(service: CampaignService, count: number, known: KnownBlock | null): void {
    const before = this.#toSend;
    const resends = this.#options.onUnknown === 'resend';
    const due = known === null || known.isNew ? null : known.toSend(resends);
    if (known !== null) {
      const { accepted, rejected, unknown, underWay } = known.counts;
      this.#alreadyDone += accepted + rejected;
      this.#underWay += underWay;
      if (!resends) this.#unknown += unknown;
    }
    const holds = this.#options.localWindow?.outside === 'hold';
    const total = due?.length ?? count;
    for (let place = 0; place < total; place++) {
      const mark = this.#marks[due === null ? place : due[place]!]!;
      if (mark === CLOSED) this.#outsideHours += 1;
      if (mark === OPEN || (mark === CLOSED && holds)) this.#toSend += 1;
    }
    this.#toSendBy.set(service, (this.#toSendBy.get(service) ?? 0) + this.#toSend - before);
  }

  #markInvalid(rows: Rows, index: number, why: string, list: string): void {
    this.#marks[index] = INVALID;
    this.#kinds.add({ why, list, line: rows instanceof TableRows ? rows.lines[index]! : null });
  }

  /** A row that is in no block. */
  #addInvalid(row: InvalidRow): void {
    this.#count(row.list, 1);
    this.#kinds.add(row);
  }

  #count(list: string, count: number): void {
    this.#recipients += count;
    this.#bySource.set(list, (this.#bySource.get(list) ?? 0) + count);
  }

  #report(lists: readonly ReadList[], duplicate: number): DryRunReport {
    const { seconds, limitedBy } = this.#time();
    return {
      recipients: this.#recipients,
      invalid: this.#kinds.total,
      duplicate,
      invalidKinds: this.#kinds.all,
      payload: this.#payloadSizes(),
      example: this.#example,
      variants: this.#variants?.all ?? [],
      defaults: [...this.#defaults].map(([column, recipients]) => ({ column, recipients })),
      isResumed: this.#reader !== null,
      isRunning: this.#reader !== null && this.#reader.holder !== null,
      alreadyDone: this.#alreadyDone,
      unknown: this.#unknown,
      underWay: this.#underWay,
      outsideHours: this.#outsideHours,
      toSend: this.#toSend,
      seconds,
      limitedBy,
      stoppedBy: this.#stoppedBy(seconds),
      sources: lists.map((list) => ({ ...list, recipients: this.#bySource.get(list.list) ?? 0 })),
    };
  }

  get #startMs(): number {
    return Math.max(this.#wallMs, this.#options.notBefore?.valueOf() ?? 0);
  }

  #time(): Pick<DryRunReport, 'seconds' | 'limitedBy'> {
    const { rate } = this.#options;
    let seconds = rate === null ? null : secondsAtRate(rate, this.#toSend, this.#startMs);
    let limitedBy: DryRunReport['limitedBy'] = seconds === null ? null : 'rate';
    for (const [{ gateway }, count] of this.#toSendBy) {
      if (gateway.rate === null || count === 0) continue;
      const own = durationOf(count, gateway.rate) / 1000;
      if (seconds !== null && own <= seconds) continue;
      seconds = own;
      limitedBy = { messagesPerMinute: gateway.rate.perMinute };
    }
    return { seconds, limitedBy };
  }

  #stoppedBy(seconds: number | null): DryRunReport['stoppedBy'] {
    const { notAfter, maxDurationMs } = this.#options;
    if (this.#toSend === 0) return null;
    const takenMs = (seconds ?? 0) * 1000;
    const afterMs = notAfter === undefined ? Number.POSITIVE_INFINITY : notAfter.valueOf() - this.#startMs;
    const firstMs = Math.min(afterMs, maxDurationMs ?? Number.POSITIVE_INFINITY);
    if (takenMs <= firstMs) return null;
    return firstMs === afterMs ? 'notAfter' : 'maxDurationMs';
  }

  #payloadSizes(): PayloadSizes | null {
    const sizes = this.#sizes;
    const total = sizes.reduce((sum, count) => sum + count, 0);
    if (total === 0) return null;
    const { pushType, protocol } = this.#options.services.all[0]!.context;
    let below = 0;
    const median = sizes.findIndex((count) => {
      below += count;
      return below * 2 >= total;
    });
    const least = sizes.findIndex((count) => count > 0);
    const most = sizes.findLastIndex((count) => count > 0);
    return { least, median, most, limit: maxPayloadBytesOf(pushType, protocol) };
  }
}

/** Sizes of payloads that are counted. */
const maxSizes = Math.max(maxVoipPayloadBytes, maxOwnFcmMessageBytes) + 1;

const [OPEN, CLOSED, INVALID] = [0, 1, 2];

/** What is wanted of rows that were rendered; also of those that get the message as it is. */
interface Rendered {
  readonly batches: readonly Pick<RowBatch, 'rows' | 'indexes' | 'personal'>[];
  readonly invalid: RenderedRows['invalid'];
}

/** Why rows are invalid: reasons that differ only in numbers and in what is quoted are one. */
class InvalidKinds {
  readonly #kinds = new Map<string, InvalidKind>();
  total = 0;

  add({ why, list, line }: Omit<InvalidKind, 'count'>): void {
    this.total += 1;
    const key = why.replaceAll(/"[^"]*"/g, '""').replaceAll(/\d+/g, '0');
    const known = this.#kinds.get(key);
    if (known !== undefined) this.#kinds.set(key, { ...known, count: known.count + 1 });
    else if (this.#kinds.size < maxKinds) this.#kinds.set(key, { why, count: 1, list, line });
  }

  get all(): readonly InvalidKind[] {
    return [...this.#kinds.values()].sort((a, b) => b.count - a.count);
  }
}

/** How many recipients get which variant. */
class VariantCounts {
  readonly #column: string;
  readonly #counts: Map<string | null, number>;

  private constructor(column: string, names: readonly string[]) {
    this.#column = column;
    this.#counts = new Map<string | null, number>([...names, null].map((name) => [name, 0]));
  }

  static of({ personal }: CheckedCampaign): VariantCounts | null {
    const { variants, variantColumn } = personal?.source ?? {};
    if (variants === undefined || variantColumn === undefined) return null;
    return new VariantCounts(variantColumn, Object.keys(variants));
  }

  add(rows: Rows, indexes: Uint16Array | null): void {
    const column = rows.columns.get(this.#column);
    const total = indexes?.length ?? rows.count;
    for (let place = 0; place < total; place++) {
      const name = column === undefined ? null : cellText(column, indexes === null ? place : indexes[place]!);
      const variant = name !== null && this.#counts.has(name) ? name : null;
      this.#counts.set(variant, this.#counts.get(variant)! + 1);
    }
  }

  get all(): DryRunReport['variants'] {
    const all = [...this.#counts].map(([variant, recipients]) => ({ variant, recipients }));
    return all.filter(({ variant, recipients }) => variant !== null || recipients > 0);
  }
}

/** A directory for digests that memory has no room for: that of the campaign is not written to. */
class ScratchFolder {
  #path: string | null = null;

  async make(): Promise<string> {
    this.#path ??= await mkdtemp(path.join(tmpdir(), 'peal-dry-run-'));
    return this.#path;
  }

  async remove(): Promise<void> {
    if (this.#path !== null) await rm(this.#path, { recursive: true, force: true });
  }
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload).toString('utf8');
}

function abortError(): PealError {
  return new PealError('ERR_PEAL_ABORTED', 'The dry run was aborted by its signal.', {
    origin: 'usage',
    retryable: true,
  });
}
