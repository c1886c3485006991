/**
 * Sends a campaign through workers on other machines: packs what the campaign hands out into slices, stores each one and adds its
 * job, and gives outcomes that come back to the sink of the campaign. Held by a campaign as its sender; main thread.
 *
 *   feed ─▶ batches ─▶ slice: stored, known, queued ─▶ workers ─▶ outcomes ─▶ sink ─▶ durable ─▶ slice and outcomes are removed
 *
 * Each step may end with the process. The journal of the campaign knows who was handed out, and the store which slice has
 * whom: a run that resumes adopts the slices that are out. A recipient that was noted and is in no slice never left, because a
 * slice is known before its job is.
 *
 * When a campaign stops, workers that live end their slices. Jobs that nobody has, and slices whose worker says nothing, are
 * claimed by the dispatcher, so that no worker can send any more of them; what their records say is the outcome then.
 */
import { createHash, randomUUID } from 'node:crypto';
import { onAbort } from '../../base/abort-listeners.js';
import { rethrowAssertion } from '../../base/assert.js';
import { type Clock, systemClock, type TimerHandle } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import {
  clusterLookMs,
  leaseMs,
  leaseRenewMs,
  maxBatchRecipients,
  maxPublishing,
  minOpenSlices,
  outcomePollMs,
  outcomesPerRead,
  sliceLingerMs,
  sliceRecipients,
  stopGraceMs,
  stopHeedMs,
  stopPatienceMs,
} from '../../base/limits.js';
import type {
  Adoption,
  CampaignSender,
  RemoteCampaign,
  RemoteSender,
  SenderOptions,
} from '../../campaign/run/campaign-sender.js';
import { type EngineStats, engineStats } from '../../engine/dispatcher/engine-stats.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import { UNKNOWN } from '../../engine/ledger.js';
import type { Message, MessageData } from '../../session/message/message.js';
import type { RowBatch } from '../../session/recipients/row-batch.js';
import type { Rows } from '../../session/recipients/rows.js';
import type { SliceJobs } from '../queue/slice-jobs.js';
import { decodeManifest, encodeManifest } from '../slices/manifest-codec.js';
import { decodeOutcome } from '../slices/outcome-codec.js';
import type { SliceOutcome } from '../slices/slice.js';
import { encodeSlice } from '../slices/slice-codec.js';
import type {
  CampaignDefinition,
  ClusterStore,
  SliceBlobs,
  SliceClaim,
  Steering,
  WorkerBeat,
} from '../store/cluster-store.js';
import { AwaitedBatch, OpenSlice, statesByBatch } from './open-slice.js';
import { OpenSlices } from './open-slices.js';
import { Patience } from './patience.js';

export interface ClusterSenderOptions {
  readonly store: ClusterStore;
  readonly blobs: SliceBlobs;
  readonly jobs: SliceJobs;
  /** The gateway, as workers name it. */
  readonly gateway: string;
  /** By which workers find the credential; null: they use the one that they were started with. */
  readonly app?: string | null;
  /** Recipients of a slice. Default 10,000. */
  readonly sliceRecipients?: number;
  /** Requests under way at a time for the whole cluster. Default: no limit. */
  readonly maxInFlight?: number | null;
  readonly clock?: Clock;
}

/** An outcome that was read and waits: its block was not read again yet. */
interface ReadOutcome {
  readonly outcome: SliceOutcome;
  isTaken: boolean;
}

export class ClusterSender implements CampaignSender, RemoteSender {
  readonly remote: RemoteSender = this;
  readonly #options: ClusterSenderOptions;
  readonly #clock: Clock;
  readonly #holder: string = randomUUID();
  readonly #slices = new OpenSlices();
  readonly #patience: Patience;
  /** Outcomes that were read and are in the store still, in their order. */
  #read: ReadOutcome[] = [];
  /** Slices that no worker has any more; null: the store has nothing of them. */
  readonly #claimed = new Map<number, SliceClaim | null>();
  #campaign: RemoteCampaign | null = null;
  #id = '';
  /** Whether the store knew the campaign when this run began: then it knows all slices of earlier runs. */
  #isKnown = false;
  #send: SenderOptions | null = null;
  #steering: Pick<Steering, 'ratePerSecond' | 'isPaused'> = { ratePerSecond: null, isPaused: false };
  #told = '';
  #isSteering = false;
  #workers: readonly WorkerBeat[] = [];
  #stopped: PealError | null = null;
  #stopAtMs = Number.POSITIVE_INFINITY;
  #isFed = false;
  #isOver = false;
  #packing: RowBatch[] = [];
  #packed = 0;
  readonly #publishing = new Set<Promise<void>>();
  readonly #timers = new Set<TimerHandle>();

  constructor(options: ClusterSenderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#patience = new Patience(this.#clock, (said) => this.#campaign?.onNote(said));
  }

  get queued(): number {
    let queued = 0;
    for (const { left } of this.#slices) queued += left;
    return queued;
  }

  /** Workers that live, as of a moment ago. */
  get workers(): readonly WorkerBeat[] {
    return this.#workers;
  }

  async stats(): Promise<EngineStats | null> {
    const sum = (of: (worker: WorkerBeat) => number): number =>
      this.#workers.reduce((total, worker) => total + of(worker), 0);
    const connections = sum((worker) => worker.connections);
    return {
      ...engineStats(0, 1, this.#slices.size, [], []),
      connections,
      connectionsOpened: connections,
      inFlight: sum((worker) => worker.inFlight),
    };
  }

  async open(campaign: RemoteCampaign): Promise<void> {
    const { store, jobs, gateway, app = null, maxInFlight = null } = this.#options;
    this.#campaign = campaign;
    this.#id = Buffer.from(campaign.key).toString('hex');
    const definition: CampaignDefinition = {
      version: 1,
      id: this.#id,
      title: campaign.title,
      gateway,
      app,
      message: messageOf(campaign.message),
      send: campaign.options,
    };
    const steering = { ...this.#steering, maxInFlight, stopped: null };
    const isNew = await store.begin(definition, steering);
    this.#isKnown = !isNew;
    await this.#takeLease();
    if (this.#isKnown) {
      for (const { slice, manifest } of await store.slices(this.#id))
        this.#slices.find(slice, decodeManifest(manifest));
      await store.unstop(this.#id);
    }
    await store.steer(this.#id, { ...this.#steering, maxInFlight });
    await jobs.begin(this.#id, campaign.title);
    for (const slice of this.#slices) await this.#queue(slice);
    this.#every(leaseRenewMs, () => this.#renew());
    this.#every(clusterLookMs, () => this.#look());
    await this.#look();
  }

  /** As many slices are out as keep the workers busy, and no more. */
  room(underWay: number): number {
    const { sliceRecipients: size = sliceRecipients } = this.#options;
    const slots = this.#workers.reduce((sum, worker) => sum + worker.slots, 0);
    const room = Math.max(minOpenSlices, 2 * slots) * size - underWay;
    return room >= Math.min(size, maxBatchRecipients) ? room : 0;
  }

  steer(ratePerSecond: number | null, isPaused: boolean): void {
    this.#steering = { ratePerSecond, isPaused };
    if (this.#campaign !== null && !this.#isOver) void this.#tellSteering();
  }

  adopt(rows: Rows, block: number, indexes: Uint16Array): Adoption {
    const left = this.#slices.adopt(rows, block, indexes);
    const nobody = new Uint16Array(0);
    const underWay = indexes.length - left.length;
    return this.#isKnown ? { underWay, neverLeft: left, lost: nobody } : { underWay, neverLeft: nobody, lost: left };
  }

  async send(_message: Message, options: SenderOptions): Promise<{ readonly stopped: PealError | null }> {
    this.#send = options;
    const stopListening = onAbort(options.signal, () => this.#stop(abortedError()));
    if (options.signal.aborted) this.#stop(abortedError());
    try {
      const collecting = this.#collectAll();
      try {
        await this.#feedAll(options.recipients);
      } catch (error) {
        rethrowAssertion(error);
        this.#stop(error instanceof PealError ? error : storeError('The campaign cannot go on.', error));
      } finally {
        this.#isFed = true;
      }
      await collecting;
    } finally {
      this.#isOver = true;
      stopListening();
      for (const timer of this.#timers) this.#clock.clearTimer(timer);
      await this.#close();
    }
    return { stopped: this.#stopped };
  }

  /** Forgets a campaign that is finished, and gives back one that is not. */
  async #close(): Promise<void> {
    const { store, jobs } = this.#options;
    const isFinished = this.#stopped === null && this.#slices.size === 0;
    try {
      if (isFinished) {
        await jobs.finish(this.#id, { finished: true });
        await store.end(this.#id);
      } else await store.letGo(this.#id, this.#holder);
    } catch (error) {
      // What is left there has a time to live.
      rethrowAssertion(error);
      this.#campaign?.onNote(
        `What is left of the campaign in the store could not be removed: ${(error as Error).message}`,
      );
    }
  }

  async #takeLease(): Promise<void> {
    const { store } = this.#options;
    const untilMs = this.#clock.now() + 2 * leaseMs;
    for (let isTold = false; ; isTold = true) {
      if (await store.hold(this.#id, this.#holder, leaseMs)) return;
      if (this.#clock.now() >= untilMs) throw heldError();
      if (!isTold) this.#campaign!.onNote('Another dispatcher has the campaign, or has just ended: it waits for that.');
      await this.#patience.pause(leaseRenewMs / 4);
    }
  }

  async #renew(): Promise<void> {
    if (!(await this.#options.store.hold(this.#id, this.#holder, leaseMs))) this.#stop(heldError());
  }

  /** Who lives, and whether anybody has stopped the campaign. */
  async #look(): Promise<void> {
    const { store } = this.#options;
    this.#workers = await store.workers();
    const steering = await store.steering(this.#id);
    if (steering?.stopped != null) this.#stop(PealError.fromRecord(steering.stopped));
  }

  /** Until all machines have the latest. */
  async #tellSteering(): Promise<void> {
    if (this.#isSteering) return;
    this.#isSteering = true;
    try {
      while (!this.#isOver && this.#told !== JSON.stringify(this.#steering)) {
        const now = this.#steering;
        await this.#patience.until(
          () => this.#options.store.steer(this.#id, now),
          () => this.#isOver,
        );
        this.#told = JSON.stringify(now);
      }
    } catch (error) {
      rethrowAssertion(error);
    } finally {
      this.#isSteering = false;
    }
  }

  /** Calls again and again. A store that is away is asked the next time. */
  #every(delayMs: number, step: () => Promise<void>): void {
    const timer = this.#clock.setTimer(() => {
      this.#timers.delete(timer);
      if (this.#isOver) return;
      step()
        .catch(rethrowAssertion)
        .finally(() => {
          if (!this.#isOver) this.#every(delayMs, step);
        });
    }, delayMs);
    this.#timers.add(timer);
  }

  /** Nothing more is written anywhere. The first cause stays. */
  #stop(cause: PealError): void {
    if (this.#stopped !== null) return;
    this.#stopped = cause;
    this.#stopAtMs = this.#clock.now();
    void this.#endEarly(cause).catch(rethrowAssertion);
  }

  get #isPatienceOver(): boolean {
    return this.#clock.now() - this.#stopAtMs > stopPatienceMs;
  }

  async #endEarly(cause: PealError): Promise<void> {
    const { store, jobs } = this.#options;
    await this.#persist(() => store.steer(this.#id, { stopped: cause.toRecord() }));
    while (!this.#isFed) await this.#patience.pause(outcomePollMs);
    const open = this.#left().map(({ number }) => number);
    for (const slice of await this.#persist(() => jobs.takeBack(this.#id, open))) await this.#claim(slice);
    // Workers that live end their slices; the others' are claimed once it is certain that nobody has them.
    while (!this.#isOver && this.#clock.now() - this.#stopAtMs < stopGraceMs) {
      await this.#patience.pause(clusterLookMs);
      if (this.#clock.now() - this.#stopAtMs < stopHeedMs) continue;
      const held = new Set(this.#workers.flatMap(({ slices }) => slices));
      for (const { number } of this.#left()) if (!held.has(this.#nameOf(number))) await this.#claim(number);
    }
    for (const { number } of this.#left()) await this.#claim(number);
  }

  /** Slices of which more may come. */
  #left(): OpenSlice[] {
    return [...this.#slices].filter(({ number, hasEnded }) => !hasEnded && !this.#claimed.has(number));
  }

  /** Takes a slice for good. Its worker, if it has one, tells nothing more of it. */
  async #claim(slice: number): Promise<void> {
    const claim = await this.#persist(() => this.#options.store.claim(this.#id, slice, 'dispatcher'));
    this.#claimed.set(slice, claim);
  }

  #persist<Value>(step: () => Promise<Value>): Promise<Value> {
    return this.#patience.until(step, () => this.#isOver || this.#isPatienceOver);
  }

  /** Packs what the campaign hands out, until it hands out nothing more. */
  async #feedAll(recipients: AsyncIterable<RowBatch>): Promise<void> {
    const iterator = recipients[Symbol.asyncIterator]();
    let pulling: Promise<IteratorResult<RowBatch>> | null = null;
    for (;;) {
      pulling ??= iterator.next();
      const step = this.#packed === 0 ? await pulling : await this.#orLinger(pulling);
      if (step === null) {
        await this.#publish();
        continue;
      }
      pulling = null;
      if (step.done === true) break;
      this.#packing.push(step.value);
      this.#packed += step.value.tokens.count;
      const { sliceRecipients: size = sliceRecipients } = this.#options;
      if (this.#packed + maxBatchRecipients > size) await this.#publish();
    }
    await this.#publish();
    await Promise.all(this.#publishing);
  }

  /** Null where nothing came for a while. */
  async #orLinger(pulling: Promise<IteratorResult<RowBatch>>): Promise<IteratorResult<RowBatch> | null> {
    let timer: TimerHandle | null = null;
    const lingered = new Promise<null>((resolve) => {
      timer = this.#clock.setTimer(() => resolve(null), sliceLingerMs);
    });
    try {
      return await Promise.race([pulling, lingered]);
    } finally {
      this.#clock.clearTimer(timer);
    }
  }

  async #publish(): Promise<void> {
    if (this.#packed === 0) return;
    const batches = this.#packing;
    this.#packing = [];
    this.#packed = 0;
    const slice = new OpenSlice(
      this.#slices.takeNumber(),
      batches.map((batch) => new AwaitedBatch(this.#placeOf(batch), batch)),
    );
    this.#slices.add(slice);
    const publishing = this.#publishOne(slice, batches).finally(() => this.#publishing.delete(publishing));
    publishing.catch(() => {});
    this.#publishing.add(publishing);
    if (this.#publishing.size >= maxPublishing) await Promise.race(this.#publishing);
  }

  /** The slice is known before its job is, so that a slice that nobody knows has no job. */
  async #publishOne(slice: OpenSlice, batches: readonly RowBatch[]): Promise<void> {
    const { store, blobs } = this.#options;
    const bytes = encodeSlice(batches);
    const manifest = encodeManifest(slice.batches.map(({ place }) => place));
    await this.#persist(() => blobs.put(this.#nameOf(slice.number), bytes));
    await this.#persist(() => store.addSlice(this.#id, slice.number, manifest));
    await this.#queue(slice, bytes);
  }

  /** @param bytes of the slice; of one of an earlier run they are in the store */
  async #queue(slice: OpenSlice, bytes: Uint8Array | null = null): Promise<void> {
    const { blobs, jobs } = this.#options;
    const blob = this.#nameOf(slice.number);
    const stored = bytes ?? (await this.#persist(() => blobs.get(blob)));
    const sha256 = createHash('sha256')
      .update(stored ?? '')
      .digest('hex');
    const { number, count } = slice;
    slice.isQueued = true;
    const job = { campaign: this.#id, slice: number, recipients: count, blob, sha256 };
    await this.#persist(() => jobs.add(job));
  }

  #nameOf(slice: number): string {
    return `${this.#id}-s${slice}`;
  }

  #placeOf(batch: RowBatch): AwaitedBatch['place'] {
    return { block: this.#campaign!.blockOf(batch.rows), count: batch.rows.count, indexes: batch.indexes };
  }

  /** Reads outcomes until nothing is out, or the store has been away for too long after a stop. */
  async #collectAll(): Promise<void> {
    while (!this.#isGivenUp) {
      try {
        const count = await this.#collect();
        if (this.#isFed && this.#publishing.size === 0 && this.#isNothingOut) return;
        if (count > 0) continue;
      } catch (error) {
        if (!(error instanceof PealError) || !error.retryable) throw error;
      }
      await this.#patience.pause(outcomePollMs);
    }
  }

  get #isGivenUp(): boolean {
    return this.#isFed && this.#clock.now() - this.#stopAtMs > stopGraceMs + stopPatienceMs;
  }

  /** Slices of an earlier run whose recipients were not read again stay for the next run. */
  get #isNothingOut(): boolean {
    for (const slice of this.#slices) if (slice.isAdopted || this.#stopped === null) return false;
    return true;
  }

  /** One look at what came back. Resolves with how many outcomes were read. */
  async #collect(): Promise<number> {
    const { store } = this.#options;
    const fresh = await store.outcomes(this.#id, this.#read.length, outcomesPerRead);
    for (const bytes of fresh) this.#read.push({ outcome: decodeOutcome(bytes), isTaken: false });
    for (const read of this.#read) {
      if (read.isTaken || !this.#isReady(read.outcome)) continue;
      await this.#take(read.outcome);
      read.isTaken = true;
    }
    if (fresh.length === 0) await this.#closeClaimed();
    await this.#forget();
    return fresh.length;
  }

  #isReady(outcome: SliceOutcome): boolean {
    const slice = this.#slices.get(outcome.slice);
    if (slice === null) return true;
    return outcome.kind === 'end' ? slice.isAdopted : (slice.batches[outcome.batch]?.isAdopted ?? true);
  }

  async #take(outcome: SliceOutcome): Promise<void> {
    const slice = this.#slices.get(outcome.slice);
    if (slice === null) return;
    const { outcomes: sink, latencies } = this.#send!;
    if (outcome.kind === 'batch') {
      const settled = slice.batches[outcome.batch]?.take(outcome) ?? null;
      if (settled !== null) await sink.settled(settled);
      return;
    }
    slice.hasEnded = true;
    if (outcome.latencies !== null) latencies?.merge(LatencyHistogram.fromData(outcome.latencies));
    await this.#closeSlice(slice, null);
  }

  /** Nobody tells more of these slices: what has not come back is what the records say. */
  async #closeClaimed(): Promise<void> {
    for (const [number, claim] of [...this.#claimed]) {
      const slice = this.#slices.get(number);
      if (slice !== null && !slice.isAdopted) continue;
      this.#claimed.delete(number);
      if (slice === null || slice.hasEnded) continue;
      const isKnown = claim !== null || !slice.isQueued;
      await this.#closeSlice(slice, isKnown ? statesByBatch(claim?.records ?? []) : null);
      slice.hasEnded = true;
    }
  }

  /** @param states of what was noted, by batch; null: nothing is known */
  async #closeSlice(slice: OpenSlice, states: ReadonlyMap<number, Uint8Array> | null): Promise<void> {
    const unsent = this.#stopped ?? lostError();
    for (const [index, batch] of slice.batches.entries()) {
      const known = states === null ? unknownStates : (states.get(index) ?? null);
      for (const settled of batch.takeRest(known, unsent, lostError())) {
        await this.#send!.outcomes.settled(settled);
      }
    }
  }

  /** Removes what is in the books for good. */
  async #forget(): Promise<void> {
    const { store, blobs, jobs } = this.#options;
    let count = this.#read.findIndex(({ isTaken }) => !isTaken);
    if (count === -1) count = this.#read.length;
    const ended = [...this.#slices].filter(({ hasEnded, left }) => hasEnded && left === 0).map(({ number }) => number);
    if (count === 0 && ended.length === 0) return;
    await this.#campaign!.flush();
    if (count > 0) {
      await store.removeOutcomes(this.#id, count);
      this.#read = this.#read.slice(count);
    }
    if (ended.length === 0) return;
    await jobs.remove(this.#id, ended);
    await store.removeSlices(this.#id, ended);
    await blobs.remove(ended.map((slice) => this.#nameOf(slice)));
    this.#slices.remove(ended);
  }
}

const unknownStates = new Uint8Array(maxBatchRecipients).fill(UNKNOWN);

function abortedError(): PealError {
  const message = 'The send was aborted by its signal: what is unsent can be sent again.';
  return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
}

/** Without the time that a binary gateway would get: it is another one in each run. */
function messageOf(message: Message): MessageData {
  const { binaryExpiration: _, ...data } = message.toJSON();
  return data;
}

function heldError(): PealError {
  const message = 'Another dispatcher sends this campaign: end it first, or wait until it has ended.';
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'store' });
}

function lostError(): PealError {
  const message = 'The worker that had these notifications ended, or was cut off, before it told what became of them.';
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'store', retryable: true });
}

function storeError(message: string, cause: unknown): PealError {
  return new PealError('ERR_PEAL_STORE', message, { origin: 'store', retryable: true, cause });
}
