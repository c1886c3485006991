/**
 * The journal of a campaign: for each block of recipients whether it may have been sent, and what became of each
 * recipient, kept so that a process may be killed at any instant and the next one goes on. Owned by a campaign, on the
 * main thread.
 *
 *   NEW ──▶ NOTED ──────────▶ ACCEPTED, REJECTED (final)
 *            │ ▲ └──────────▶ UNSENT ──▶ NOTED, by the run that resumes
 *            │ └ the recipient is handed to the engine only when this is durable
 *            └──────────────▶ UNKNOWN ──▶ NOTED_AGAIN, if it is to be sent again; that never becomes UNSENT
 *
 * A recipient that is noted when the process ends is unknown for the next one. All that is told within
 * `journalCommitMs` is written by one transaction, with the totals and the lengths of the output files that belong to
 * it.
 *
 * Output files and outcomes meet in `cut`: the campaign appends the rows of an outcome and calls `settle` without a
 * pause between, and a transaction begins with a cut through both. It is written once the rows before the cut are, so a
 * run that resumes shortens the files to the lengths in the journal, and has each row once. Files whose rows may change
 * (unsent, unknown, invalid) are written anew by a run that resumes, because it reads the whole input.
 *
 * Nothing is decided by the wall clock, which is written beside events only.
 */
import { randomBytes } from 'node:crypto';
import { assert } from '../../base/assert.js';
import { type Clock, systemClock, type TimerHandle } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { journalCommitMs, maxBatchRecipients, maxWaitingBlocks } from '../../base/limits.js';
import { heldUntil } from '../../base/process-hold.js';
import { ACCEPTED, UNKNOWN, UNSENT } from '../../engine/ledger.js';
import {
  areAllAccepted,
  BlockRecord,
  countsByKind,
  isFinal,
  type KindCounts,
  kindOf,
  kinds,
  maxDigestBytes,
  NEW,
  NOTED,
  NOTED_AGAIN,
  type Part,
} from './block-record.js';
import { type CampaignIdentity, identityError } from './identity.js';
import { KnownBlock } from './known-block.js';
import {
  allEvents,
  blockKey,
  blocksFrom,
  changedError,
  damagedError,
  eventKey,
  type Facts,
  type IdentityRecord,
  identityKey,
  type JournalCounts,
  type JournalEvent,
  type JournalProgress,
  numberOf,
  progressKey,
  readIdentity,
  readProgress,
  sealJson,
} from './records.js';
import type { Change, Store } from './store.js';

/** What belongs to the outcomes that the journal was told by now. */
export interface Cut {
  /** By the name of an output file: how long it is with all rows that were appended by now. */
  readonly files: Readonly<Record<string, number>>;
  /** Kept beside the totals. */
  readonly facts?: Facts;
  /** Resolves once all of that is durable; null when it is. Rejects when it cannot be written. */
  readonly written: Promise<void> | null;
}

export interface JournalOptions {
  /** How sentences name it: its path. */
  readonly name: string;
  readonly clock?: Clock;
  /**
   * Whether another campaign may take the place of one that has noted no recipient, by the facts that it kept. Default:
   * it may.
   */
  readonly mayBeginAnew?: (facts: Facts) => boolean;
  /**
   * Whether recipients that an earlier run has noted stay so, because others go on with them when a run ends: whoever
   * opens the journal finds out what became of each. Default: they are unknown.
   */
  readonly keepsNoted?: boolean;
  /** Called once the store is closed: what held it for this process is let go. */
  readonly onClosed?: () => Promise<void>;
}

/** Where recipients stand in their block; null: those of the whole block, in their order. */
type Indexes = ArrayLike<number> | null;

/** A block that something is told of, from then until all of it is durable and none of it is under way. */
interface OpenBlock {
  readonly number: number;
  readonly record: BlockRecord;
  isDirty: boolean;
  /** Nothing of it was noted yet. */
  isNew: boolean;
}

export class Journal {
  /** From which apns-ids are derived (notification-ids). */
  readonly key: Uint8Array;
  /** Whether an earlier run began this campaign. */
  readonly isResumed: boolean;
  readonly #store: Store;
  readonly #options: JournalOptions;
  readonly #clock: Clock;
  /** By part. */
  readonly #parts: readonly [KindCounts, KindCounts];
  readonly #open = new Map<number, OpenBlock>();
  /** Those of `#open` that have changed since the last transaction began. */
  #dirty: OpenBlock[] = [];
  /** Records of no block that are to be written. */
  #events: Change[] = [];
  #nextEvent: number;
  #files: Readonly<Record<string, number>>;
  #facts: Facts;
  #cut: (() => Cut) | null = null;
  #inputBlocks: number | null;
  /** One more than the highest block in the journal. */
  #blocks: number;
  /** Who waits for the next transaction. */
  #waiting: Waiting | null = null;
  #timer: TimerHandle | null = null;
  #isScheduled = false;
  /** Something was told that no transaction has. */
  #hasNews = false;
  #lastBeganMs = Number.NEGATIVE_INFINITY;
  /** The transaction that is being written; it never rejects. */
  #committing: Promise<void> | null = null;
  #failure: PealError | null = null;
  /** Why the output files are not whole: from then on outcomes are kept as having no row. */
  #outputFailure: PealError | null = null;
  #isClosed = false;

  private constructor(store: Store, options: JournalOptions, found: Found, isResumed: boolean) {
    this.#store = store;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.key = Buffer.from(found.identity.key, 'hex');
    this.isResumed = isResumed;
    this.#parts = found.parts;
    this.#nextEvent = found.nextEvent;
    this.#files = found.progress?.files ?? {};
    this.#facts = found.progress?.facts ?? {};
    this.#inputBlocks = found.progress?.inputBlocks ?? null;
    this.#blocks = found.blocks;
  }

  /**
   * Begins the journal of a campaign, or goes on with it. A journal in which no recipient was noted is begun anew for
   * another campaign (see `mayBeginAnew`). What was noted by an earlier run and has no outcome is unknown from now on.
   * Reads all records once. The store is the journal's: it is closed with it, and when this rejects.
   *
   * @throws PealError (as a rejection) ERR_PEAL_OPTION when it holds another campaign; ERR_PEAL_INPUT when it is
   *   damaged or cannot be written
   */
  static async open(store: Store, identity: CampaignIdentity, options: JournalOptions): Promise<Journal> {
    try {
      const kept = readIdentity(store, options.name);
      const fault = kept === null ? null : identityError(options.name, kept.identity, identity);
      const records = findAll(store, options.name, options.keepsNoted === true);
      const earlier = readProgress(store, options.name);
      // Nothing was sent to anybody: a list or a message that was mended since may begin the campaign anew.
      const isReplaced =
        fault !== null && records.blocks === 0 && options.mayBeginAnew?.(earlier?.facts ?? {}) !== false;
      if (fault !== null && !isReplaced) throw fault;
      const isNew = kept === null || isReplaced;
      const used = isNew ? { version: 1 as const, key: randomBytes(16).toString('hex'), identity } : kept;
      const progress = isNew ? null : earlier;
      const journal = new Journal(store, options, { ...records, identity: used, progress }, !isNew);
      if (isNew) journal.#events.push({ key: identityKey, value: sealJson(used) });
      for (const block of records.changed) journal.#touch(block);
      journal.event(isNew ? 'began' : 'resumed');
      await journal.flush();
      return journal;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** As of what was told by now. */
  get counts(): JournalCounts {
    const [first, second] = this.#parts;
    return outcomesIn(first.map((count, kind) => count + second[kind]!));
  }

  /** The same for each part. */
  get parts(): readonly [JournalCounts, JournalCounts] {
    const [first, second] = this.#parts;
    return [outcomesIn(first), outcomesIn(second)];
  }

  /**
   * How long each output file is with the rows of all outcomes in the journal, and no others: longer ones are cut
   * there.
   */
  get files(): Readonly<Record<string, number>> {
    return this.#files;
  }

  /** What the last cut of the earlier run kept. */
  get facts(): Facts {
    return this.#facts;
  }

  /** Blocks that the input has; null until a run has read it to its end. */
  get inputBlocks(): number | null {
    return this.#inputBlocks;
  }

  /**
   * From now on `cut` is asked when a transaction begins, and answers without a pause. Until then the lengths and facts
   * of the earlier run stay: its files are cut to those lengths meanwhile.
   */
  cutWith(cut: () => Cut): void {
    assert(this.#cut === null, 'a journal has the output files of one campaign');
    this.#cut = cut;
  }

  /** Why nothing more is noted: the journal or the output files cannot be written. */
  get failure(): PealError | null {
    return this.#failure ?? this.#outputFailure;
  }

  /**
   * What is known of a block.
   *
   * @param digest of its content, 1 to 32 bytes
   * @throws PealError ERR_PEAL_INPUT when an earlier run knew another content under this number: the input has changed
   */
  block(number: number, digest: Uint8Array, count: number): KnownBlock {
    return new KnownBlock(this.#recordOf(number, digest, count));
  }

  /**
   * Notes that recipients may be sent to from now on. They must not be handed to the engine before this resolves.
   *
   * @param part of the block; the same each time
   * @throws PealError ERR_PEAL_INPUT (as a rejection) when it could not be written: nothing may be sent then
   */
  async note(
    number: number,
    digest: Uint8Array,
    count: number,
    indexes: Indexes = null,
    part: Part = 0,
  ): Promise<void> {
    if (this.failure !== null) throw this.failure;
    const block = this.#openBlock(number, digest, count, part);
    if (indexes === null && block.isNew) block.record.turnAll(NOTED, this.#parts[part]);
    else this.#noteEach(block.record, indexes);
    block.isNew = false;
    this.#blocks = Math.max(this.#blocks, number + 1);
    this.#touch(block);
    await this.flush();
  }

  /**
   * Takes outcomes of recipients that were noted, and whose rows were appended to the output files right before.
   *
   * @param states as in a ledger, by place in `indexes`; a recipient that is queued or written stays as it is
   */
  settle(number: number, states: Uint8Array, indexes: Indexes = null): void {
    this.#take(number, states, indexes, true);
  }

  /**
   * Takes outcomes of a batch that is still under way, which no output file has: those that stay, others are passed
   * over. They are known after a crash; `settle` or `wrote` follows when their rows were appended.
   */
  glimpse(number: number, states: Uint8Array, indexes: Indexes = null): void {
    this.#take(number, states, indexes, false);
  }

  /** The rows of these recipients, which had an outcome without one, were appended to the output files. */
  wrote(number: number, digest: Uint8Array, count: number, indexes: ArrayLike<number>): void {
    if (this.#outputFailure !== null) return;
    const block = this.#openBlock(number, digest, count);
    for (let place = 0; place < indexes.length; place++) block.record.clearUnwritten(indexes[place]!);
    this.#touch(block);
  }

  /**
   * The input was read to its end, and had so many blocks.
   *
   * @throws PealError ERR_PEAL_INPUT when an earlier run has read more of them: the input has changed
   */
  inputEnded(blocks: number): void {
    if (blocks < this.#blocks) throw changedError(this.#options.name, `ends before block ${this.#blocks}`);
    this.#inputBlocks = blocks;
    this.#schedule();
  }

  /** Writes down what happened to the campaign: `stopped`, `finished`, … */
  event(kind: string, why?: string): void {
    const event: JournalEvent = { kind, wallMs: this.#clock.wallMs(), ...(why !== undefined && { why }) };
    this.#events.push({ key: eventKey(this.#nextEvent++), value: sealJson(event) });
    this.#schedule();
  }

  /** Null while there is room; otherwise a promise that resolves once what was told by now is written, or cannot be. */
  pressure(): Promise<void> | null {
    return this.#dirty.length > maxWaitingBlocks ? this.flush().catch(() => {}) : null;
  }

  /** Resolves once all that was told by now is durable. */
  async flush(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    this.#waiting ??= newWaiting();
    const { promise } = this.#waiting;
    this.#schedule();
    await heldUntil(promise);
  }

  /**
   * Writes what is left, and closes the store.
   *
   * @throws PealError ERR_PEAL_INPUT (as a rejection) when outcomes could not be written: those recipients are unknown
   *   for the run that resumes; the store is closed all the same
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      await this.#committing;
      // Space may have been freed since it failed.
      this.#failure = null;
      if (this.#hasNews) await this.flush();
    } finally {
      this.#failure ??= new PealError('ERR_PEAL_INPUT', 'The journal is closed.', { origin: 'usage' });
      this.#stopTimer();
      await this.#store.close();
      await this.#options.onClosed?.();
    }
  }

  #noteEach(record: BlockRecord, indexes: Indexes): void {
    const { states } = record;
    const counts = this.#parts[record.part];
    const total = indexes?.length ?? states.length;
    let isAnswered = false;
    for (let place = 0; place < total; place++) {
      const index = indexes === null ? place : indexes[place]!;
      const state = states[index]!;
      if (state !== NEW && state !== UNSENT && state !== UNKNOWN) isAnswered = true;
      else record.turn(index, state === UNKNOWN ? NOTED_AGAIN : NOTED, counts);
    }
    assert(!isAnswered, 'a recipient that was answered, or is under way, is not noted');
  }

  #take(number: number, states: Uint8Array, indexes: Indexes, isSettled: boolean): void {
    const block = this.#open.get(number);
    assert(block !== undefined, 'outcomes come for blocks that were noted');
    const { record } = block;
    const hasRow = isSettled && this.#outputFailure === null;
    if (indexes === null && hasRow && record.isNotedWhole && areAllAccepted(states)) {
      record.turnAll(ACCEPTED, this.#parts[record.part]);
      this.#touch(block);
      return;
    }
    const counts = this.#parts[record.part];
    const known = record.states;
    let accepted = 0;
    let isStrange = false;
    for (let place = 0; place < states.length; place++) {
      const state = states[place]!;
      if (hasRow && state === ACCEPTED) {
        const index = indexes === null ? place : indexes[place]!;
        if (known[index] === NOTED) {
          known[index] = ACCEPTED;
          accepted += 1;
          continue;
        }
      }
      const stays = isFinal[state] === 1;
      if (!stays && !(isSettled && (state === UNSENT || state === UNKNOWN))) continue;
      const index = indexes === null ? place : indexes[place]!;
      const before = known[index]!;
      if (before === NOTED || before === NOTED_AGAIN) {
        record.turn(index, before === NOTED_AGAIN && state === UNSENT ? UNKNOWN : state, counts);
        if (stays && !hasRow) record.setUnwritten(index);
      } else if (before !== state) isStrange = true;
      else if (hasRow) record.clearUnwritten(index);
    }
    record.countAccepted(accepted, counts);
    assert(!isStrange, 'a recipient has one outcome');
    this.#touch(block);
  }

  /** What is known of a block; null when nothing is. */
  #recordOf(number: number, digest: Uint8Array, count: number): BlockRecord | null {
    assert(digest.length >= 1 && digest.length <= maxDigestBytes, 'the digest of a block has 1 to 32 bytes');
    assert(count >= 1 && count <= maxBatchRecipients, 'a block has 1 to 1,024 recipients');
    const record = this.#open.get(number)?.record ?? (number < this.#blocks ? this.#storedRecord(number) : null);
    if (record === null) {
      const isBeyond = this.#inputBlocks !== null && number >= this.#inputBlocks;
      if (isBeyond) throw changedError(this.#options.name, `goes on after block ${this.#inputBlocks}`);
      return null;
    }
    const isSame = record.count === count && Buffer.compare(record.digest, digest) === 0;
    if (!isSame) throw changedError(this.#options.name, `differs in block ${number + 1}`);
    return record;
  }

  #storedRecord(number: number): BlockRecord | null {
    const bytes = this.#store.get(blockKey(number));
    if (bytes === null) return null;
    const record = BlockRecord.decode(bytes, number);
    if (record === null) throw damagedError(this.#options.name);
    return record;
  }

  #openBlock(number: number, digest: Uint8Array, count: number, part: Part = 0): OpenBlock {
    const known = this.#recordOf(number, digest, count);
    let block = this.#open.get(number);
    if (block === undefined) {
      const record = known ?? BlockRecord.fresh(new Uint8Array(digest), count, part);
      block = { number, record, isDirty: false, isNew: known === null };
      this.#open.set(number, block);
    }
    return block;
  }

  #touch(block: OpenBlock): void {
    this.#open.set(block.number, block);
    if (!block.isDirty) this.#dirty.push(block);
    block.isDirty = true;
    this.#schedule();
  }

  #takeDirty(): OpenBlock[] {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const block of dirty) block.isDirty = false;
    return dirty;
  }

  #schedule(): void {
    this.#hasNews = true;
    if (this.#isScheduled || this.#committing !== null || this.#failure !== null) return;
    this.#isScheduled = true;
    const waitMs = this.#lastBeganMs + journalCommitMs - this.#clock.now();
    if (waitMs > 0) this.#timer = this.#clock.setTimer(this.#begin, waitMs);
    else this.#clock.defer(this.#begin);
  }

  readonly #begin = (): void => {
    this.#timer = null;
    this.#isScheduled = false;
    this.#lastBeganMs = this.#clock.now();
    this.#committing = this.#commit().finally(() => {
      this.#committing = null;
      if (this.#hasNews) this.#schedule();
    });
  };

  /** Everything that belongs together is taken before the first pause. Never rejects. */
  async #commit(): Promise<void> {
    const waiting = this.#waiting;
    const events = this.#events;
    const dirty = this.#takeDirty();
    this.#waiting = null;
    this.#events = [];
    this.#hasNews = false;
    try {
      const cut = this.#outputFailure === null ? (this.#cut?.() ?? null) : null;
      const earlierFacts = this.#facts;
      if (cut?.facts !== undefined) this.#facts = cut.facts;
      let files = cut?.files ?? this.#files;
      let changes = this.#changesOf(dirty, files);
      if (cut !== null && !(await this.#areWritten(cut))) {
        dirty.push(...this.#takeDirty());
        // The next run writes these rows and counts them again, so that facts stay as of the rows that are written.
        files = this.#files;
        this.#facts = earlierFacts;
        changes = this.#changesOf(dirty, files);
      }
      await this.#store.commit([...events, ...changes]);
      this.#files = files;
      for (const block of dirty) if (!block.isDirty && block.record.isAtRest) this.#open.delete(block.number);
      waiting?.resolve();
    } catch (error) {
      this.#failure = error as PealError;
      this.#events = [...events, ...this.#events];
      for (const block of dirty) this.#touch(block);
      waiting?.reject(error);
      this.#rejectWaiting(error);
    }
  }

  /** Those who came while the transaction was written: no other one follows. */
  #rejectWaiting(error: unknown): void {
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  #changesOf(dirty: readonly OpenBlock[], files: Readonly<Record<string, number>>): Change[] {
    const progress: JournalProgress = {
      counts: this.counts,
      ...(this.#parts[1].some((count) => count !== 0) && { parts: this.parts }),
      inputBlocks: this.#inputBlocks,
      files,
      facts: this.#facts,
      wallMs: this.#clock.wallMs(),
    };
    const changes: Change[] = dirty.map(({ number, record }) => ({
      key: blockKey(number),
      value: record.encode(number),
    }));
    changes.push({ key: progressKey, value: sealJson(progress) });
    return changes;
  }

  /** Whether the output files hold what belongs to a transaction, once they do or cannot. */
  async #areWritten({ written }: Cut): Promise<boolean> {
    try {
      if (written !== null) await written;
      return true;
    } catch (error) {
      this.#outputFailure =
        error instanceof PealError
          ? error
          : new PealError('ERR_PEAL_INPUT', 'The output files cannot be written.', { origin: 'input', cause: error });
      for (const block of this.#open.values()) this.#markUnwritten(block);
      return false;
    }
  }

  /** What became known since the last transaction is in no output file. */
  #markUnwritten({ number, record }: OpenBlock): void {
    const stored = this.#storedRecord(number);
    record.states.forEach((state, index) => {
      if (isFinal[state] === 0) return;
      const wasWritten = stored !== null && isFinal[stored.states[index]!] === 1 && stored.unwritten?.[index] !== 1;
      if (!wasWritten) record.setUnwritten(index);
    });
  }

  #stopTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

/** What a store holds, and what opening it changes. */
interface Found {
  readonly identity: IdentityRecord;
  readonly progress: JournalProgress | null;
  readonly parts: readonly [KindCounts, KindCounts];
  /** Blocks that had recipients under way. */
  readonly changed: readonly OpenBlock[];
  readonly blocks: number;
  readonly nextEvent: number;
}

function findAll(store: Store, name: string, keepsNoted: boolean): Omit<Found, 'identity' | 'progress'> {
  const parts = [new Float64Array(kinds.length), new Float64Array(kinds.length)] as const;
  const changed: OpenBlock[] = [];
  let blocks = 0;
  for (const [key, bytes] of store.range(...blocksFrom(0))) {
    const number = numberOf(key);
    const record = BlockRecord.decode(bytes, number);
    if (record === null) throw damagedError(name);
    const counts = parts[record.part];
    for (const state of record.states) counts[kindOf[state]!]! += 1;
    if (record.underWay > 0) {
      if (!keepsNoted) {
        record.states.forEach((state, index) => {
          if (state === NOTED || state === NOTED_AGAIN) record.turn(index, UNKNOWN, counts);
        });
      }
      changed.push({ number, record, isDirty: false, isNew: false });
    }
    blocks = number + 1;
  }
  const lastEvent = [...store.range(...allEvents)].at(-1)?.[0];
  const nextEvent = lastEvent === undefined ? 0 : numberOf(lastEvent) + 1;
  return { parts, changed, blocks, nextEvent };
}

function outcomesIn(counts: KindCounts): JournalCounts {
  const { underWay, accepted, rejected, unsent, unknown } = countsByKind(counts);
  return { underWay, accepted, rejected, unsent, unknown };
}

/** A promise, and what settles it. */
interface Waiting {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function newWaiting(): Waiting {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onResolved, onRejected) => {
    resolve = onResolved;
    reject = onRejected;
  });
  return { promise, resolve, reject };
}
