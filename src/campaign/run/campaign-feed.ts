/**
 * What a campaign hands to its send, in which order and when: reads blocks of recipients, leaves out those that have
 * their outcome, makes their batches, notes these in the journal ahead of time, and hands them out as pace, pause,
 * canary and hours allow. Owned by the campaign; the send pulls from it; main thread.
 *
 *   recipients ─▶ pump: known? hours? render; wait for leave; note ─▶ queue ─▶ (note is durable) ─▶ the send pulls
 *
 * Once it is stopped, nothing more is handed out: the pump goes on to the end of the recipients and counts them as
 * unsent.
 */
import type { Clock, TimerHandle } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { maxBatchRecipients, maxQueuedRecipients } from '../../base/limits.js';
import { option } from '../../base/wording.js';
import { UNKNOWN, UNSENT } from '../../engine/ledger.js';
import { apnsIdBytes } from '../../push/notification.js';
import { RowBatch } from '../../session/recipients/row-batch.js';
import type { Rows } from '../../session/recipients/rows.js';
import type { Pacer } from '../control/rate.js';
import type { InputBlock } from '../input/campaign-input.js';
import { blockDigest } from '../journal/block-digest.js';
import { DispatchWindow } from '../journal/dispatch-window.js';
import type { Journal } from '../journal/journal.js';
import type { KnownBlock } from '../journal/known-block.js';
import { notificationIds } from '../journal/notification-ids.js';
import type { OutcomeFiles } from '../outputs/outcome-files.js';
import type { Adoption, RemoteSender } from '../senders/campaign-sender.js';
import type { CampaignServices } from '../senders/campaign-services.js';
import { TableRows } from '../tables/table-rows.js';
import type { CampaignBooks } from './campaign-books.js';
import type { BlockInHand, CampaignSink } from './campaign-sink.js';
import type { LocalHoursOfRows } from './local-hours.js';
import type { InvalidRow, RecipientBlocks } from './recipient-blocks.js';

interface FeedOptions {
  readonly clock: Clock;
  readonly journal: Journal | null;
  readonly files: OutcomeFiles | null;
  readonly books: CampaignBooks;
  readonly sink: CampaignSink;
  readonly pacer: Pacer;
  readonly services: CampaignServices;
  readonly hours: LocalHoursOfRows | null;
  /** Whether recipients outside of their hours are waited for; else they are left for a later run. */
  readonly holds: boolean;
  /** Whether unknown recipients are sent to again; then all have an apns-id of their own. */
  readonly resendsUnknown: boolean;
  /** Recipients after which `canary` is asked, and handing out goes on once it resolves; null: none. */
  readonly canary: { readonly recipients: number; readonly decide: (sent: number) => Promise<void> } | null;
  readonly onInvalid: (row: InvalidRow) => void;
  /** The machines that send, which decide how much may be under way; null: the engine of this process. */
  readonly remote: RemoteSender | null;
  /** The recipients, for another reading. */
  readonly reopen: () => Promise<RecipientBlocks>;
  /** Recipients that the engine has, and has not written yet. */
  readonly queuedInEngine: () => number;
  /** Whether a connection to the gateway is known to stand, or to have stood. */
  readonly hasConnected: () => boolean;
  /** Told of a wait for the hours of recipients, and, with null, of its end. */
  readonly onHeld: (untilMs: number | null) => void;
}

/** Recipients that are handed out together. */
interface Unit {
  readonly batch: RowBatch;
  /** Resolves when their note is durable; null without a journal. */
  readonly noted: Promise<void> | null;
}

export class CampaignFeed implements AsyncIterable<RowBatch> {
  readonly #options: FeedOptions;
  readonly #window = new DispatchWindow();
  readonly #queue: Unit[] = [];
  #queued = 0;
  /** Recipients that were noted in this run. */
  #noted = 0;
  /** Recipients that were handed out in this run. */
  handed = 0;
  #blocks: RecipientBlocks;
  #isPaused = false;
  #isStopped = false;
  #drains = true;
  #isOver = false;
  #failure: unknown = null;
  #canaryLeft: number;
  #opensAtMs = Number.POSITIVE_INFINITY;
  readonly #waiting = new Set<() => void>();
  #pumping: Promise<void> | null = null;
  #hasRows = false;
  /**
   * By block: recipients that wait for their hours, by index, in this reading; null in the first one, which is of all.
   */
  #held: ReadonlyMap<number, Uint16Array> | null = null;
  /** The same, for the next reading. */
  #heldNext = new Map<number, Uint16Array>();

  constructor(blocks: RecipientBlocks, options: FeedOptions) {
    this.#blocks = blocks;
    this.#options = options;
    this.#canaryLeft = options.canary?.recipients ?? Number.POSITIVE_INFINITY;
  }

  /** What reading the recipients has thrown; else null. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Whether all recipients were read. */
  get isInputRead(): boolean {
    return this.#isOver && this.#failure === null && this.#blocks.isWhole;
  }

  /** Recipients that may be noted and have no outcome. */
  get window(): number {
    return this.#window.recipients;
  }

  get blocks(): RecipientBlocks {
    return this.#blocks;
  }

  /** Whether recipients wait to be handed out, as far as that is known. */
  get hasWork(): boolean {
    return !this.#isOver || this.#queue.length > 0;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.wake();
  }

  /** Something has changed that it may wait for. */
  wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /**
   * Hands out nothing more.
   *
   * @param drains whether the recipients are read to their end, as unsent ones
   */
  stop(drains: boolean): void {
    this.#isStopped = true;
    this.#drains &&= drains;
    if (!drains) this.#blocks.close();
    this.wake();
  }

  /** Resolves when nothing is read any more, and what was noted and not handed out is taken back. */
  async finish(): Promise<void> {
    await this.#pumping;
    for (const { batch, noted } of this.#queue.splice(0)) {
      const isNoted = noted !== null && (await isDone(noted));
      if (noted === null || isNoted) this.#options.sink.takeBack(batch);
      else this.#leave(batch, null);
    }
    this.#failure ??= await this.#blocks.dispose();
  }

  /** Reads the first block. Resolves with whether there is one. Throws what reading throws. */
  async probe(): Promise<boolean> {
    this.#pumping ??= this.#pump();
    await this.until(() => this.#hasRows || this.#isOver);
    if (!this.#hasRows && this.#failure !== null) throw this.#failure;
    return this.#hasRows;
  }

  [Symbol.asyncIterator](): AsyncIterator<RowBatch, void, void> {
    this.#pumping ??= this.#pump();
    return { next: () => this.#next(), return: () => this.#return() };
  }

  async #next(): Promise<IteratorResult<RowBatch, void>> {
    for (;;) {
      await this.until(() => this.#isStopped || (!this.#isPaused && (this.#queue.length > 0 || this.#isOver)));
      if (this.#isStopped) return { value: undefined, done: true };
      const unit = this.#queue[0];
      if (unit === undefined) {
        if (this.#failure !== null) throw this.#failure;
        return { value: undefined, done: true };
      }
      await unit.noted;
      if (this.#isStopped || this.#isPaused) continue;
      this.#queue.shift();
      const { count } = unit.batch.tokens;
      this.#queued -= count;
      this.handed += count;
      const { journal, clock, queuedInEngine } = this.#options;
      if (journal !== null) this.#window.sample(queuedInEngine(), clock.now());
      this.wake();
      return { value: unit.batch, done: false };
    }
  }

  async #return(): Promise<IteratorResult<RowBatch, void>> {
    this.stop(this.#drains);
    return { value: undefined, done: true };
  }

  /** Never rejects. */
  async #pump(): Promise<void> {
    try {
      await this.#readAll();
      while (this.#heldNext.size > 0 && (!this.#isStopped || this.#drains)) await this.#readAgain();
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#isOver = true;
      this.wake();
    }
  }

  /** Waits until the first hours open, and reads the recipients once more. A feed that is stopped only counts them. */
  async #readAgain(): Promise<void> {
    const { clock, onHeld, reopen, books } = this.#options;
    if (!this.#isStopped) onHeld(this.#opensAtMs);
    while (!this.#isStopped && clock.wallMs() < this.#opensAtMs) await this.#pass(this.#opensAtMs - clock.wallMs());
    if (!this.#isStopped) onHeld(null);
    await this.#blocks.dispose();
    this.#blocks = await reopen();
    if (this.#isStopped && !this.#drains) this.#blocks.close();
    this.#held = this.#heldNext;
    this.#heldNext = new Map();
    books.held = 0;
    await this.#readAll();
  }

  async #readAll(): Promise<void> {
    this.#opensAtMs = Number.POSITIVE_INFINITY;
    let number = 0;
    for await (const block of this.#blocks) {
      await this.#take(block, number);
      number += 1;
      // What a program has given by then is counted, and its stream, which is closed, ends behind that.
      if (this.#isStopped && !this.#drains && !this.#blocks.areOfProgram) return;
    }
    if (this.#blocks.isWhole) this.#options.journal?.inputEnded(number);
  }

  async #take({ rows, source }: InputBlock, number: number): Promise<void> {
    const { journal, sink, books, services, onInvalid, remote } = this.#options;
    const held = this.#held?.get(number) ?? null;
    if (this.#held !== null && held === null) return;
    if (held === null) books.read += rows.count;
    this.#hasRows = true;
    this.wake();
    const digest = journal === null ? noDigest : blockDigest(rows);
    const block: BlockInHand = { number, digest, count: rows.count };
    const known = journal?.block(number, digest, rows.count) ?? null;
    const { personal, context } = services.of(rows.tokens);
    if (known?.isAllAccepted === true) {
      books.resumed += rows.count;
      remote?.adopt(rows, number, noRows);
      return;
    }
    sink.expect(rows, block);
    const isNew = known === null || known.isNew;
    const wanted = held ?? (isNew ? null : this.#takeKnown(rows, known, number));
    const due = this.#withinHours(rows, wanted, known, { source, number });
    if (due?.length === 0) return;
    const { batches, invalid } = personal?.render(rows, context, due ?? undefined) ?? shared(rows, due);
    for (const { index, why } of invalid) onInvalid(invalidRow(rows, index, why, source));
    for (const batch of batches) await this.#handOut(batch, block, known);
    await sink.pressure();
  }

  /** What an earlier run knows of a block: writes what is to be written, and says whom to send to. */
  #takeKnown(rows: Rows, known: KnownBlock, number: number): Uint16Array {
    const { sink, files, books, resendsUnknown } = this.#options;
    const { accepted, rejected } = known.counts;
    books.resumed += accepted + rejected;
    const missing = known.unwritten();
    if (missing.length > 0) sink.writeMissing(rows, missing, (index) => known.stateAt(index));
    const { neverLeft, lost } = this.#adopt(rows, known, number);
    const unknown = resendsUnknown ? noRows : merged(known.unknown(), lost);
    if (unknown.length > 0) files?.unknown(rows, unknown);
    return merged(known.toSend(resendsUnknown), resendsUnknown ? merged(neverLeft, lost) : neverLeft);
  }

  /** Those that an earlier run has handed to other machines, and whose outcomes it does not know. */
  #adopt(rows: Rows, known: KnownBlock, number: number): Pick<Adoption, 'neverLeft' | 'lost'> {
    const { journal, remote } = this.#options;
    if (journal === null || remote === null) return { neverLeft: noRows, lost: noRows };
    const adoption = remote.adopt(rows, number, known.noted());
    const { underWay, neverLeft, lost } = adoption;
    this.handed += underWay;
    if (neverLeft.length > 0) journal.settle(number, new Uint8Array(neverLeft.length).fill(UNSENT), neverLeft);
    if (lost.length > 0) journal.settle(number, new Uint8Array(lost.length).fill(UNKNOWN), lost);
    return adoption;
  }

  /** Those of `due` whose hours are open. */
  #withinHours(
    rows: Rows,
    due: Uint16Array | null,
    known: KnownBlock | null,
    { source, number }: { readonly source: string; readonly number: number },
  ): Uint16Array | null {
    const { hours, holds, clock, onInvalid, books } = this.#options;
    if (hours === null || due?.length === 0) return due;
    const wallMs = clock.wallMs();
    const { open, closed, invalid, opensInMs } = hours.look(rows, due, wallMs);
    for (const { index, why } of invalid) onInvalid(invalidRow(rows, index, why, source));
    if (closed.length === 0) return open;
    if (holds && !this.#isStopped) {
      books.held += closed.length;
      this.#heldNext.set(number, closed);
      this.#opensAtMs = Math.min(this.#opensAtMs, wallMs + opensInMs);
      return open;
    }
    books.addCause(hoursError(), closed.length, 0);
    this.#leave({ rows, indexes: closed }, known);
    return open;
  }

  /** Hands out a batch, in as many pieces as the pace wants. */
  async #handOut(batch: RowBatch, block: BlockInHand, known: KnownBlock | null): Promise<void> {
    const { journal, pacer, services } = this.#options;
    const { count } = batch.tokens;
    for (let at = 0; at < count; ) {
      await this.#leaveToSend();
      if (this.#isStopped) {
        this.#leave(batch.slice(at, count), known);
        return;
      }
      const taken = pacer.take(Math.min(count - at, this.#canaryLeft, this.#room()));
      if (taken === 0) {
        await this.#pass(pacer.delayMs(count - at));
        continue;
      }
      const piece = this.#named(batch.slice(at, at + taken), block);
      at += taken;
      this.#canaryLeft -= taken;
      this.#noted += taken;
      const part = services.partOf(piece.tokens.encoding);
      const noted = journal?.note(block.number, block.digest, block.count, piece.indexes, part) ?? null;
      noted?.catch(() => {});
      this.#queue.push({ batch: piece, noted });
      this.#queued += taken;
      this.wake();
    }
  }

  /** Waits until the next recipients may be handed out, or the feed is stopped. */
  async #leaveToSend(): Promise<void> {
    const { canary } = this.#options;
    await this.until(() => this.#isStopped || (!this.#isPaused && this.#room() > 0));
    if (this.#canaryLeft > 0 || this.#isStopped) return;
    await canary!.decide(canary!.recipients);
    this.#canaryLeft = Number.POSITIVE_INFINITY;
    await this.until(() => this.#isStopped || (!this.#isPaused && this.#room() > 0));
  }

  /** Recipients that may be handed out next; 0 where others have to come back first. */
  #room(): number {
    const { journal, hasConnected, remote } = this.#options;
    if (journal === null) return this.#queued < maxQueuedRecipients ? maxBatchRecipients : 0;
    if (journal.failure !== null) return maxBatchRecipients;
    if (remote !== null) return remote.room(journal.counts.underWay, this.#noted);
    if (hasConnected()) this.#window.open();
    return this.#window.room(journal.counts.underWay);
  }

  /** Recipients that nothing is sent to in this run, and that were not noted in it. */
  #leave({ rows, indexes }: Pick<RowBatch, 'rows' | 'indexes'>, known: KnownBlock | null): void {
    const { files, books } = this.#options;
    const all = indexes ?? Uint16Array.from({ length: rows.count }, (_, index) => index);
    const unknown = known === null ? noRows : all.filter((index) => known.stateAt(index) === UNKNOWN);
    if (unknown.length === 0) files?.unsent(rows, indexes);
    else {
      files?.unknown(rows, unknown);
      files?.unsent(
        rows,
        all.filter((index) => known!.stateAt(index) !== UNKNOWN),
      );
    }
    books.left += all.length - unknown.length;
    books.addNeverNoted(countNew(all, known), rows.tokens.encoding);
  }

  /** With apns-ids that every run finds again, where unknown recipients are sent to again. */
  #named(batch: RowBatch, { number, count }: BlockInHand): RowBatch {
    const { journal, resendsUnknown } = this.#options;
    const isNamedByUs = batch.tokens.encoding === 'hex';
    if (journal === null || !resendsUnknown || !isNamedByUs || batch.personal?.apnsIds != null) return batch;
    const all = notificationIds(journal.key, number, count);
    const ids = new Uint8Array(batch.tokens.count * apnsIdBytes);
    for (let place = 0; place < batch.tokens.count; place++) {
      const from = batch.rowOf(place) * apnsIdBytes;
      ids.set(all.subarray(from, from + apnsIdBytes), place * apnsIdBytes);
    }
    const { payloads = null, payloadOffsets = null, fields = null } = batch.personal ?? {};
    return new RowBatch(batch.rows, batch.indexes, { apnsIds: ids, payloads, payloadOffsets, fields });
  }

  /** Resolves once `isSo`; looked at whenever something changes. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  /** Waits so long, or until something changes. */
  async #pass(delayMs: number): Promise<void> {
    const { clock } = this.#options;
    let timer: TimerHandle | null = null;
    await new Promise<void>((resolve) => {
      timer = clock.setTimer(resolve, Math.min(delayMs, maxWaitMs));
      this.#waiting.add(resolve);
    });
    clock.clearTimer(timer);
  }
}

/** Longer waits look at the clock in between: a machine may sleep. */
const maxWaitMs = 1000;
const noDigest = new Uint8Array(0);
const noRows = new Uint16Array(0);

function shared(rows: Rows, due: Uint16Array | null): { readonly batches: readonly RowBatch[]; readonly invalid: [] } {
  return { batches: [new RowBatch(rows, due, null)], invalid: [] };
}

/** Both, in rising order. */
function merged(some: Uint16Array, others: Uint16Array): Uint16Array {
  if (others.length === 0) return some;
  const all = new Uint16Array(some.length + others.length);
  all.set(some);
  all.set(others, some.length);
  return all.sort();
}

/** How many of these no run has noted. */
function countNew(indexes: Uint16Array, known: KnownBlock | null): number {
  if (known === null || known.isNew) return indexes.length;
  let count = 0;
  for (const index of indexes) if (known.stateAt(index) === 0) count += 1;
  return count;
}

function invalidRow(rows: Rows, index: number, why: string, list: string): InvalidRow {
  const line = rows instanceof TableRows ? rows.lines[index]! : null;
  return { line, text: rows.tokens.textAt(index), why, list, encoding: rows.tokens.encoding };
}

function hoursError(): PealError {
  const message =
    `Recipients are outside of their local hours (${option('localWindow.hours')}): ` +
    'a later run of the same campaign sends to them.';
  return new PealError('ERR_PEAL_HOURS', message, { origin: 'usage', retryable: true });
}

async function isDone(promise: Promise<void>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}
