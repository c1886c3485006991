/**
 * Sends a campaign through workers on other machines: packs what the campaign hands out into slices, stores each one
 * and adds its job, and gives outcomes that come back to the sink of the campaign. Held by a campaign as its sender;
 * main thread.
 *
 *   feed ─▶ batches ─▶ slice: stored, known, queued ─▶ workers ─▶ outcomes ─▶ sink ─▶ durable ─▶ slice and outcomes are removed
 *
 * Each step may end with the process. The journal of the campaign knows who was handed out, and the store which slice
 * has whom: a run that resumes adopts the slices that are out. A recipient that was noted and is in no slice never
 * left, because a slice is known before its job is.
 *
 * When a campaign stops, workers that live end their slices. Jobs that nobody has, and slices whose worker says
 * nothing, are claimed by the dispatcher, so that no worker can send any more of them; what their records say is the
 * outcome then.
 */
import { randomUUID } from 'node:crypto';
import { onAbort } from '../../base/abort-listeners.js';
import { rethrowAssertion } from '../../base/assert.js';
import { type Clock, systemClock, type TimerHandle } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import {
  clusterLookMs,
  leaseMs,
  leaseRenewMs,
  maxSliceRecipients,
  maxToldTroubles,
  minOpenSlices,
  outcomePollMs,
  sliceRecipients,
  stopGraceMs,
  stopHeedMs,
  stopPatienceMs,
} from '../../base/limits.js';
import {
  anyOf,
  checkOptions,
  choice,
  filledText,
  type OptionRule,
  type OptionRules,
  optionError,
  test,
  unchecked,
  whole,
} from '../../base/options.js';
import type {
  Adoption,
  CampaignSender,
  RemoteCampaign,
  RemoteSender,
  SenderOptions,
} from '../../campaign/senders/campaign-sender.js';
import { type EngineStats, engineStats } from '../../engine/dispatcher/engine-stats.js';
import { isFcmAddress } from '../../fcm/address.js';
import { FcmMessage } from '../../session/message/fcm-message.js';
import { Message } from '../../session/message/message.js';
import type { AnyMessageData } from '../../session/message/message-from-json.js';
import type { PushMessage } from '../../session/message/push-message.js';
import { rateOf, rateRules } from '../../session/options/gateway-options.js';
import type { Rows } from '../../session/recipients/rows.js';
import { QuotaRate } from '../limits/quota-rate.js';
import type { SliceJobs } from '../queue/slice-jobs.js';
import { decodeManifest } from '../slices/manifest-codec.js';
import type { CampaignDefinition, ClusterStore, SliceBlobs, Steering, WorkerBeat } from '../store/cluster-store.js';
import type { OpenSlice } from './open-slice.js';
import { OpenSlices } from './open-slices.js';
import { OutcomeCollector } from './outcome-collector.js';
import { Patience } from './patience.js';
import { nameOfSlice, SlicePublisher } from './slice-publisher.js';

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
  /**
   * Messages a minute that all machines send together at most; `false`: as many as the gateway takes. A lower rate of
   * the campaign holds instead. Default: what the service allows each project: 600,000 with FCM, no bound with APNs.
   */
  readonly messagesPerMinute?: number | false;
  /** How long it takes from a tenth of that to the whole, in milliseconds, 0 to 3,600,000. Default: 60,000. */
  readonly rampMs?: number;
  readonly clock?: Clock;
}

const rules: OptionRules = {
  store: objectOfMethods('a ClusterStore', 'begin', 'addSlice', 'outcomes'),
  blobs: objectOfMethods('SliceBlobs', 'put', 'get', 'remove'),
  jobs: objectOfMethods('a SliceQueue: what cluster.jobs() resolves with', 'add', 'takeBack'),
  gateway: test('a URL', (value) => typeof value === 'string' && URL.canParse(value)),
  app: anyOf(filledText(1000), choice(null)),
  sliceRecipients: whole(1, maxSliceRecipients),
  maxInFlight: anyOf(whole(1, Number.MAX_SAFE_INTEGER), choice(null)),
  ...rateRules,
  clock: unchecked,
};

function objectOfMethods(what: string, ...methods: readonly string[]): OptionRule {
  return test(what, (value) => {
    const object = (value ?? {}) as Readonly<Record<string, unknown>>;
    return methods.every((method) => typeof object[method] === 'function');
  });
}

/** A campaign that was opened. */
interface AtWork {
  readonly id: string;
  readonly campaign: RemoteCampaign;
  readonly publisher: SlicePublisher;
  /** Whether the store knew the campaign when this run began: then it knows all slices of earlier runs. */
  readonly wasKnown: boolean;
}

export class ClusterSender implements CampaignSender, RemoteSender {
  readonly remote: RemoteSender = this;
  readonly #options: ClusterSenderOptions;
  readonly #clock: Clock;
  /** This dispatcher, among those that could have the campaign. */
  readonly #holder: string = randomUUID();
  readonly #slices = new OpenSlices();
  readonly #patience: Patience;
  readonly #timers = new Set<TimerHandle>();
  #work: AtWork | null = null;
  #collector: OutcomeCollector | null = null;
  #workers: readonly WorkerBeat[] = [];
  readonly #quota: QuotaRate;
  /** What the user wants. */
  #wantedPerSecond: number | null = null;
  #steering: Pick<Steering, 'ratePerSecond' | 'isPaused'> = { ratePerSecond: null, isPaused: false };
  /** What all machines were told last. */
  #told = '';
  #isSteering = false;
  #stopped: PealError | null = null;
  #stopAtMs = Number.POSITIVE_INFINITY;
  /** Another dispatcher has the campaign, or the store has forgotten it: this one tells it nothing more. */
  #isOusted = false;
  #isForgotten = false;
  /** Takes nothing more of what the campaign hands out. */
  #endFeed: () => void = () => {};
  /** Slices that had no job when the queue was looked at last. */
  #missing: ReadonlySet<number> = new Set();
  /** The campaign hands out nothing more, and all that it has handed out has its job. */
  #isFed = false;
  #isOver = false;
  /** Slices of an earlier run that have ended. Their outcomes may be in its books, and gone from the store. */
  readonly #ended: number[] = [];
  /** Recipients that may be noted in this run. */
  #leaveUntil = 0;
  /** What workers said that is in their way, and that was told. */
  readonly #toldTroubles = new Set<string>();
  #hasToldNobody = false;

  /** @throws PealError ERR_PEAL_OPTION that names the option */
  constructor(options: ClusterSenderOptions) {
    checkOptions({ name: 'ClusterSender' }, options, rules);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { gateway, messagesPerMinute, rampMs } = options;
    const bounds = {
      ...(messagesPerMinute !== undefined && { messagesPerMinute }),
      ...(rampMs !== undefined && { rampMs }),
    };
    this.#quota = new QuotaRate(rateOf(bounds, isFcmAddress(gateway) ? 'fcm' : 'http2'), this.#clock);
    this.#patience = new Patience(this.#clock, (said) => this.#work?.campaign.onNote(said));
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
    const { store, blobs, jobs, gateway, app = null, maxInFlight = null } = this.#options;
    const id = Buffer.from(campaign.key).toString('hex');
    const definition: CampaignDefinition = {
      version: 1,
      id,
      title: campaign.title,
      gateway,
      app,
      message: messageOf(campaign.message),
      send: campaign.options,
    };
    this.#pace();
    const steering = { ...this.#steering, maxInFlight };
    const isNew = await store.begin(definition, { ...steering, stopped: null });
    await this.#takeLease(id, campaign);
    const publisher = new SlicePublisher({
      campaign: id,
      ...{ store, blobs, jobs },
      clock: this.#clock,
      slices: this.#slices,
      size: this.#size,
      blockOf: campaign.blockOf,
      persist: (step) => this.#persist(step),
    });
    this.#work = { id, campaign, publisher, wasKnown: !isNew };
    if (!isNew) {
      for (const { slice, manifest, hasEnded } of await store.slices(id)) {
        this.#slices.find(slice, decodeManifest(manifest));
        if (!hasEnded) continue;
        this.#ended.push(slice);
        this.#slices.get(slice)!.isQueued = true;
      }
      await this.#persist(() => store.unstop(id));
    }
    await this.#persist(() => store.steer(id, steering));
    await this.#persist(() => jobs.begin(id, campaign.title));
    const ended = new Set(this.#ended);
    for (const slice of this.#slices) if (!ended.has(slice.number)) await publisher.queueAgain(slice);
    if (!isNew)
      await this.#persist(async () => {
        const givenUp = await jobs.givenUp(id);
        await jobs.retry(
          id,
          givenUp.map(({ slice }) => slice),
        );
      });
    this.#every(leaseRenewMs, () => this.#renew(id));
    this.#every(clusterLookMs, () => this.#look(id));
    await this.#persist(() => this.#look(id));
  }

  /** As many slices are out as keep the workers busy, and no more. */
  room(underWay: number, noted: number): number {
    if (noted < this.#leaveUntil) return this.#leaveUntil - noted;
    const slots = this.#workers.reduce((sum, worker) => sum + worker.slots, 0);
    const free = Math.floor(Math.max(minOpenSlices, 2 * slots) - underWay / this.#size);
    // Whole slices, so that the last recipients that come back do not make small ones.
    if (free > 0) this.#leaveUntil = noted + free * this.#size;
    return this.#leaveUntil - noted;
  }

  steer(ratePerSecond: number | null, isPaused: boolean): void {
    if (this.#steering.isPaused && !isPaused) this.#quota.begin();
    this.#wantedPerSecond = ratePerSecond;
    this.#steering = { ratePerSecond, isPaused };
    this.#pace();
  }

  adopt(rows: Rows, block: number, indexes: Uint16Array): Adoption {
    const left = this.#slices.adopt(rows, block, indexes);
    const nobody = new Uint16Array(0);
    const underWay = indexes.length - left.length;
    return this.#work!.wasKnown
      ? { underWay, neverLeft: left, lost: nobody }
      : { underWay, neverLeft: nobody, lost: left };
  }

  async leave(): Promise<void> {
    const work = this.#work;
    if (work === null) return;
    this.#endTimers();
    await this.#close(work, !work.campaign.isResumed);
  }

  async send(_message: PushMessage, options: SenderOptions): Promise<{ readonly stopped: PealError | null }> {
    const work = this.#work!;
    const { store, blobs, jobs } = this.#options;
    this.#quota.begin();
    this.#collector = new OutcomeCollector({
      campaign: work.id,
      ...{ store, blobs, jobs },
      slices: this.#slices,
      sink: options,
      flush: work.campaign.flush,
      stopped: () => this.#stopped,
    });
    for (const slice of this.#ended) this.#collector.close(slice, null);
    const stopListening = onAbort(options.signal, () => this.#stop(abortedError()));
    if (options.signal.aborted) this.#stop(abortedError());
    const recipients = options.recipients[Symbol.asyncIterator]();
    this.#endFeed = () => void recipients.return?.().catch(rethrowAssertion);
    if (this.#stopped !== null) this.#endFeed();
    try {
      const collecting = this.#collectAll(this.#collector);
      // Without outcomes nothing more is handed out. The rejection is thrown below.
      collecting.catch(() => this.#endFeed());
      try {
        await work.publisher.publishAll(recipients);
      } catch (error) {
        rethrowAssertion(error);
        this.#stop(error instanceof PealError ? error : storeError('The campaign cannot go on.', error));
      } finally {
        this.#isFed = true;
      }
      await collecting;
      // A worker may have stopped the campaign with its last slices.
      if (this.#stopped === null) await this.#look(work.id).catch(rethrowAssertion);
    } finally {
      stopListening();
      this.#endTimers();
      await this.#close(work, this.#stopped === null);
    }
    return { stopped: this.#stopped };
  }

  get #size(): number {
    return this.#options.sliceRecipients ?? sliceRecipients;
  }

  #endTimers(): void {
    this.#isOver = true;
    for (const timer of this.#timers) this.#clock.clearTimer(timer);
  }

  /** Forgets a campaign that is finished, and gives back one that is not. */
  async #close({ id, campaign }: AtWork, isFinished: boolean): Promise<void> {
    const { store, blobs, jobs } = this.#options;
    try {
      if (this.#isForgotten) {
        // Slices that were stored since then. The store knows none of them, so that no later run would find them.
        await blobs.remove([...this.#slices].map(({ number }) => nameOfSlice(id, number)));
      } else if (isFinished && this.#slices.size === 0) {
        await jobs.finish(id, { finished: true });
        await jobs.discard(id);
        await store.end(id);
      } else await store.letGo(id, this.#holder);
    } catch (error) {
      // What is left there has a time to live.
      rethrowAssertion(error);
      campaign.onNote(`What is left of the campaign in the store could not be removed: ${(error as Error).message}`);
    }
  }

  async #takeLease(id: string, { onNote }: RemoteCampaign): Promise<void> {
    const untilMs = this.#clock.now() + 2 * leaseMs;
    for (let isTold = false; ; isTold = true) {
      if (await this.#options.store.hold(id, this.#holder, leaseMs)) return;
      if (this.#clock.now() >= untilMs) throw heldError();
      if (!isTold) onNote('Another dispatcher has the campaign, or has just ended: this one waits for it.');
      await this.#patience.pause(leaseRenewMs / 4);
    }
  }

  /** Keeps the lease, and closes slices that the queue gave up: workers have died with them again and again. */
  async #renew(id: string): Promise<void> {
    const { store, jobs } = this.#options;
    if (!(await store.hold(id, this.#holder, leaseMs))) {
      const isForgotten = (await store.steering(id)) === null;
      this.#isOusted = true;
      this.#isForgotten = isForgotten;
      this.#stop(isForgotten ? forgottenError() : heldError());
      return;
    }
    if (this.#stopped === null) await this.#queueMissing(id);
    const givenUp = await jobs.givenUp(id);
    const lost = new Set(givenUp.map(({ slice }) => slice));
    for (const { number } of this.#left()) if (lost.has(number)) await this.#claim(id, number);
  }

  /** Adds jobs that somebody has removed by hand. Two looks tell them from those whose slices are just ending. */
  async #queueMissing(id: string): Promise<void> {
    const { jobs } = this.#options;
    const { campaign, publisher } = this.#work!;
    const held = new Set(this.#workers.flatMap(({ slices }) => slices));
    const waiting = this.#left().filter(({ number, isQueued }) => isQueued && !held.has(nameOfSlice(id, number)));
    const numbers = waiting.map(({ number }) => number);
    const missing = new Set(await jobs.missing(id, numbers));
    const gone = this.#left().filter(({ number }) => missing.has(number) && this.#missing.has(number));
    this.#missing = missing;
    if (gone.length === 0) return;
    campaign.onNote('Jobs of slices were removed from the queue by somebody else: they are added again.');
    await jobs.begin(id, campaign.title);
    for (const slice of gone) await publisher.queueAgain(slice);
  }

  /** Who lives, and whether anybody has stopped the campaign. */
  async #look(id: string): Promise<void> {
    const { store } = this.#options;
    this.#workers = await store.workers();
    this.#tellTroubles();
    this.#pace();
    const steering = await store.steering(id);
    if (steering?.stopped != null) this.#stop(PealError.fromRecord(steering.stopped));
  }

  /** Each trouble once: a person who waits for the campaign sees why. */
  #tellTroubles(): void {
    const { campaign } = this.#work!;
    const isIdle = this.#slices.size > 0 && this.#workers.length === 0;
    if (isIdle && !this.#hasToldNobody)
      campaign.onNote('No worker of the cluster is there: the campaign waits for one.');
    this.#hasToldNobody = isIdle;
    for (const { id, whyNot } of this.#workers) {
      if (whyNot === null || this.#toldTroubles.has(whyNot) || this.#toldTroubles.size >= maxToldTroubles) continue;
      this.#toldTroubles.add(whyNot);
      campaign.onNote(`The worker ${id} sends nothing at the moment: ${whyNot}`);
    }
  }

  /** Tells all machines the rate of now, where it is another one. */
  #pace(): void {
    this.#steering = { ...this.#steering, ratePerSecond: this.#quota.perSecond(this.#wantedPerSecond) };
    if (this.#work !== null && !this.#isOver) void this.#tellSteering(this.#work.id);
  }

  /** Until all machines have the latest. */
  async #tellSteering(id: string): Promise<void> {
    if (this.#isSteering) return;
    this.#isSteering = true;
    try {
      while (!this.#isOver && this.#told !== JSON.stringify(this.#steering)) {
        const now = this.#steering;
        await this.#persist(() => this.#options.store.steer(id, now));
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

  #persist<Value>(step: () => Promise<Value>): Promise<Value> {
    return this.#patience.until(step, () => this.#isOver || this.#clock.now() - this.#stopAtMs > stopPatienceMs);
  }

  /** Reads outcomes until nothing is out, or the store has been away for too long after a stop. */
  async #collectAll(collector: OutcomeCollector): Promise<void> {
    while (!this.#isGivenUp) {
      try {
        const count = await collector.collect();
        if (this.#isFed && this.#isNothingOut) return;
        if (count > 0) continue;
      } catch (error) {
        if (!(error instanceof PealError) || !error.retryable) throw error;
      }
      await this.#patience.pause(outcomePollMs);
    }
  }

  get #isGivenUp(): boolean {
    return this.#isFed && (this.#isOusted || this.#clock.now() - this.#stopAtMs > stopGraceMs + stopPatienceMs);
  }

  /** Slices of an earlier run whose recipients were not read again stay for the next run. */
  get #isNothingOut(): boolean {
    for (const slice of this.#slices) if (slice.isAdopted || this.#stopped === null) return false;
    return true;
  }

  /** Nothing more is written anywhere. The first cause stays. */
  #stop(cause: PealError): void {
    if (this.#stopped !== null) return;
    this.#stopped = cause;
    this.#stopAtMs = this.#clock.now();
    this.#endFeed();
    if (!this.#isOusted) void this.#endEarly(this.#work!.id, cause).catch(rethrowAssertion);
  }

  /**
   * Workers that live end their slices. Slices that nobody has are claimed, once it is certain that nobody has them.
   */
  async #endEarly(id: string, cause: PealError): Promise<void> {
    const { store, jobs } = this.#options;
    await this.#persist(() => store.steer(id, { stopped: cause.toRecord() }));
    while (!this.#isFed) await this.#patience.pause(outcomePollMs);
    const open = this.#left().map(({ number }) => number);
    for (const slice of await this.#persist(() => jobs.takeBack(id, open))) await this.#claim(id, slice);
    while (!this.#isOver && this.#clock.now() - this.#stopAtMs < stopGraceMs) {
      await this.#patience.pause(clusterLookMs);
      if (this.#clock.now() - this.#stopAtMs < stopHeedMs) continue;
      const held = new Set(this.#workers.flatMap(({ slices }) => slices));
      for (const { number } of this.#left()) if (!held.has(nameOfSlice(id, number))) await this.#claim(id, number);
    }
    for (const { number } of this.#left()) await this.#claim(id, number);
  }

  /** Slices of which more may come. */
  #left(): OpenSlice[] {
    return [...this.#slices].filter(({ number, hasEnded }) => !hasEnded && this.#collector?.isClosed(number) !== true);
  }

  /** Takes a slice for good: its worker, if it has one, tells nothing more of it. */
  async #claim(id: string, slice: number): Promise<void> {
    const claim = await this.#persist(() => this.#options.store.claim(id, slice, 'dispatcher'));
    this.#collector?.close(slice, claim);
  }
}

function abortedError(): PealError {
  const message = 'The send was aborted by its signal: what is unsent can be sent again.';
  return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
}

/** Without the time that a binary gateway would get: it is another one in each run. */
function messageOf(message: PushMessage): AnyMessageData {
  if (message instanceof FcmMessage) return message.toJSON();
  if (!(message instanceof Message)) throw optionError('Workers send a Message or an FcmMessage.');
  const { binaryExpiration: _, ...data } = message.toJSON();
  return data;
}

function heldError(): PealError {
  const message = 'Another dispatcher sends this campaign: end it first, or wait until it has ended.';
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'store' });
}

function forgottenError(): PealError {
  const message = 'The store has forgotten the campaign, as after FLUSHALL or a restart of Redis without its file.';
  return new PealError('ERR_PEAL_STORE', message, { origin: 'store', retryable: true });
}

function storeError(message: string, cause: unknown): PealError {
  return new PealError('ERR_PEAL_STORE', message, { origin: 'store', retryable: true, cause });
}
