/**
 * What a slice hands to its send, and when: pieces of its batches, each noted in the journal ahead of time, as the
 * window and the in-flight share of this process, the rate of the campaign, and its steering allow. Owned by slice-run;
 * the send pulls from it; main thread.
 *
 *   batches ─▶ pump: whom to send to? room? rate? note ─▶ queue ─▶ (the note is durable, nothing forbids it) ─▶ the send pulls
 */
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import type { Journal } from '../../campaign/journal/journal.js';
import type { RowBatch } from '../../session/recipients/row-batch.js';
import type { SliceBatch } from '../slices/slice.js';
import type { CampaignAtWork } from './campaign-at-work.js';
import { pickBatch, sliceRows } from './slice-batches.js';
import type { SliceSink } from './slice-sink.js';
import type { Standstill } from './standstill.js';
import type { RoomMember, WorkerRoom } from './worker-room.js';

interface SliceFeedOptions {
  readonly clock: Clock;
  readonly campaign: CampaignAtWork;
  readonly batches: readonly SliceBatch[];
  readonly journal: Journal;
  /** Of the blocks in the journal. */
  readonly digest: Uint8Array;
  readonly sink: SliceSink;
  readonly room: WorkerRoom;
  /** Recipients of the campaign that may be under way in this process. */
  readonly share: () => number;
  readonly standstill: Standstill;
  readonly resendsUnknown: boolean;
  /** Recipients that the engine has, and has not written yet. */
  readonly queuedInEngine: () => number;
}

interface Unit {
  readonly batch: RowBatch;
  /** Resolves when their note is durable. */
  readonly noted: Promise<void>;
}

export class SliceFeed implements AsyncIterable<RowBatch>, RoomMember {
  readonly #options: SliceFeedOptions;
  readonly #queue: Unit[] = [];
  readonly #waiting = new Set<() => void>();
  #isStopped = false;
  #isOver = false;
  #failure: PealError | null = null;
  #pumping: Promise<void> | null = null;
  /** When recipients were last handed out. */
  #movedMs: number;

  constructor(options: SliceFeedOptions) {
    this.#options = options;
    this.#movedMs = options.clock.now();
  }

  get campaign(): string {
    return this.#options.campaign.definition.id;
  }

  get underWay(): number {
    return this.#options.journal.counts.underWay;
  }

  /** Why it stopped by itself. */
  get failure(): PealError | null {
    return this.#failure;
  }

  /** How long nothing could be handed out because of how the campaign is steered; 0 while something may be. */
  get heldMs(): number {
    const { campaign, share, clock } = this.#options;
    if (this.#isOver && this.#queue.length === 0) return 0;
    return campaign.mayHandOut && share() > 0 ? 0 : clock.now() - this.#movedMs;
  }

  wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Hands out nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.wake();
  }

  /** Resolves when nothing is noted any more, and what was noted and not handed out is taken back. */
  async finish(): Promise<void> {
    this.stop();
    await this.#pumping;
    for (const { batch, noted } of this.#queue.splice(0)) {
      if (await isDone(noted)) this.#options.sink.takeBack(batch);
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<RowBatch, void, void> {
    this.#pumping ??= this.#pump();
    return { next: () => this.#next(), return: () => this.#return() };
  }

  async #next(): Promise<IteratorResult<RowBatch, void>> {
    const { campaign, room, standstill, clock, queuedInEngine } = this.#options;
    for (;;) {
      await this.#until(() => this.#isStopped || this.#isEmpty || (campaign.mayHandOut && this.#queue.length > 0));
      const unit = this.#queue[0];
      if (this.#isStopped || unit === undefined) return { value: undefined, done: true };
      // A note that could not be made ends the run: the store of the slice tells it why.
      if (!(await isDone(unit.noted))) this.#isStopped = true;
      standstill.check();
      if (this.#isStopped || !campaign.mayHandOut) continue;
      this.#queue.shift();
      this.#movedMs = clock.now();
      room.sample(queuedInEngine());
      this.wake();
      return { value: unit.batch, done: false };
    }
  }

  async #return(): Promise<IteratorResult<RowBatch, void>> {
    this.stop();
    return { value: undefined, done: true };
  }

  get #isEmpty(): boolean {
    return this.#isOver && this.#queue.length === 0;
  }

  /** Never rejects, but for faults of this library. */
  async #pump(): Promise<void> {
    const { batches, journal, digest, sink, room, resendsUnknown } = this.#options;
    room.join(this);
    try {
      for (const [number, batch] of batches.entries()) {
        const known = journal.block(number, digest, batch.tokens.count);
        const due = known.isNew ? null : known.toSend(resendsUnknown);
        if (due?.length === 0) continue;
        const rows = sliceRows(batch);
        sink.expect(rows, number);
        await this.#handOut(pickBatch(rows, batch, due), number, batch.tokens.count);
        if (this.#isStopped) return;
      }
    } catch (error) {
      if (!(error instanceof PealError)) throw error;
      this.#failure = error;
      this.#isStopped = true;
    } finally {
      this.#isOver = true;
      this.wake();
    }
  }

  /** Notes a batch, in as many pieces as room and rate want. */
  async #handOut(batch: RowBatch, number: number, blockCount: number): Promise<void> {
    const { journal, digest, room } = this.#options;
    const { count } = batch.tokens;
    for (let at = 0; at < count; ) {
      const taken = await this.#leave(count - at);
      if (this.#isStopped) return;
      const piece = batch.slice(at, at + taken);
      at += taken;
      const noted = journal.note(number, digest, blockCount, piece.indexes);
      room.release(this);
      noted.catch(() => {});
      this.#queue.push({ batch: piece, noted });
      this.wake();
    }
  }

  /** Waits until recipients may be noted; resolves with how many, up to `wanted`. Anything once it is stopped. */
  async #leave(wanted: number): Promise<number> {
    const { campaign, room, share } = this.#options;
    let leave = 0;
    await this.#until(() => {
      if (this.#isStopped) return true;
      if (!campaign.mayHandOut) return false;
      const reserved = room.reserve(this, wanted, share());
      if (reserved > 0) leave = campaign.rate.take(reserved);
      // It is woken when the rate lets something go.
      if (leave === 0) room.release(this);
      return leave > 0;
    });
    return leave;
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }
}

async function isDone(promise: Promise<void>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}
