/**
 * The slices that one process has at work: makes a run for each job that the queue hands out, keeps what they share
 * (window, steering of campaigns, shares of limits, the watch of the process' own clock), and says that this worker
 * lives. Made by cluster-worker; main thread.
 */
import { hostname } from 'node:os';
import { onAbort } from '../../base/abort-listeners.js';
import { rethrowAssertion } from '../../base/assert.js';
import { type Clock, systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import {
  firstGatewayRestMs,
  maxGatewayFailures,
  maxGatewayRestMs,
  workerAbortMs,
  workerBeatMs,
  workerDrainMs,
  workerLifeMs,
} from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { Timer } from '../../base/timers.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import { Tally } from '../../engine/tally.js';
import type { Gateway } from '../../session/gateway.js';
import type { Session } from '../../session/session.js';
import { inFlightShare } from '../limits/in-flight-share.js';
import type { SliceTask, SliceTaskEnd } from '../queue/slice-worker-queue.js';
import type { CampaignDefinition, ClusterStore, SliceBlobs } from '../store/cluster-store.js';
import { CampaignAtWork } from './campaign-at-work.js';
import { lostLockError, SliceRun, type SliceRunEnd } from './slice-run.js';
import { Standstill } from './standstill.js';
import { WorkerRoom } from './worker-room.js';

interface SliceWorkerOptions {
  /** Of this process alone. */
  readonly id: string;
  /** What its program calls it. */
  readonly name?: string;
  readonly store: ClusterStore;
  readonly blobs: SliceBlobs;
  readonly session: Pick<Session, 'stats'>;
  readonly gatewayOf: (definition: CampaignDefinition) => Promise<Gateway>;
  readonly slots: number;
  readonly log?: Logger;
  readonly clock?: Clock;
}

/** A worker as it is now. Counts are of recipients since it began. */
export interface ClusterWorkerSnapshot {
  readonly id: string;
  readonly slots: number;
  /** Slices at work, as `<campaign>-s<number>`. */
  readonly slices: readonly string[];
  /** Slices that have ended here. */
  readonly ended: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  /** Rejections by reason, the most frequent first. */
  readonly reasons: readonly (readonly [reason: string, count: number])[];
  readonly latencies: LatencyHistogram;
  /** Recipients that are noted and have no outcome. */
  readonly underWay: number;
  /** Recipients that may be so. */
  readonly window: number;
  /** Workers that live, this one included, as it last heard. */
  readonly workers: number;
  /** Why nothing can be sent at present, as one sentence; null while sending is possible. */
  readonly whyNot: string | null;
}

/** A gateway that could not be reached. */
interface Rest {
  readonly pauseMs: number;
  readonly untilMs: number;
  /** A sentence. */
  readonly why: string;
}

/** The wait before a job is taken again that could not be looked at. */
const laterMs = 1000;

export class SliceWorker {
  readonly #options: SliceWorkerOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #room: WorkerRoom;
  readonly #standstill: Standstill;
  readonly #tally = new Tally();
  readonly #latencies = new LatencyHistogram();
  readonly #campaigns = new Map<string, Promise<CampaignAtWork | null>>();
  readonly #runs = new Set<SliceRun>();
  readonly #rests = new Map<string, Rest>();
  readonly #beatTimer: Timer;
  readonly #startedMs: number;
  #ended = 0;
  /** Workers that live, and the place of this one among them. */
  #workers = 1;
  #rank = 0;
  /** Takes no more slices. It lives as long as it has some. */
  #isClosing = false;
  #isGone = false;
  #storeFailure: PealError | null = null;
  #idle: (() => void) | null = null;

  constructor(options: SliceWorkerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLogger;
    this.#startedMs = this.#clock.wallMs();
    this.#room = new WorkerRoom(this.#clock);
    this.#standstill = new Standstill(this.#clock, () => this.#stoodStill());
    this.#beatTimer = new Timer(this.#clock, () => void this.#beatOn());
  }

  /** @throws PealError ERR_PEAL_STORE (as a rejection) when the store cannot be told that this worker lives */
  async begin(): Promise<void> {
    await this.#beat();
    this.#beatTimer.set(workerBeatMs);
  }

  get snapshot(): ClusterWorkerSnapshot {
    const { id, slots } = this.#options;
    const { accepted, rejected, unsent, unknown } = this.#tally;
    return {
      ...{ id, slots, slices: [...this.#runs].map(({ name }) => name), ended: this.#ended },
      ...{ accepted, rejected, unsent, unknown, reasons: this.#tally.reasons(), latencies: this.#latencies },
      ...{ underWay: this.#room.underWay, window: this.#room.window, workers: this.#workers },
      whyNot: this.#whyNot,
    };
  }

  get #whyNot(): string | null {
    const now = this.#clock.now();
    const rest = [...this.#rests.values()].find(({ untilMs }) => untilMs > now);
    return this.#storeFailure?.message ?? rest?.why ?? null;
  }

  /** Takes a slice. Rejects only for faults of this library. */
  async work({ job, failures, takenMs, lost }: SliceTask): Promise<SliceTaskEnd> {
    if (this.#isClosing) return { kind: 'later', delayMs: laterMs };
    let campaign: CampaignAtWork | null;
    try {
      campaign = await this.#acquire(job.campaign);
    } catch (error) {
      return this.#endOf(leftBy(error));
    }
    if (campaign === null) return { kind: 'done' };
    const { gateway } = campaign.definition;
    const restMs = (this.#rests.get(gateway)?.untilMs ?? 0) - this.#clock.now();
    if (restMs > 0 && campaign.steering.stopped === null) {
      this.#release(campaign);
      return { kind: 'later', delayMs: Math.min(laterMs, restMs) };
    }
    const run = new SliceRun(this.#partsOf(), campaign, job, { failures, takenMs });
    this.#runs.add(run);
    const stopListening = onAbort(lost, () => run.leave(lostLockError()));
    if (lost.aborted) run.leave(lostLockError());
    if (this.#isClosing) run.leave(closingError());
    try {
      this.#log.debug({ slice: run.name, failures }, 'a slice is taken');
      const end = await run.run();
      this.#noteEnd(gateway, run, end);
      return this.#endOf(end);
    } finally {
      stopListening();
      this.#runs.delete(run);
      this.#release(campaign);
      if (this.#runs.size === 0) this.#idle?.();
    }
  }

  /** Finishes its slices or hands them back, within a bound. Takes no more of them. */
  async drain(): Promise<void> {
    this.#isClosing = true;
    for (const run of [...this.#runs]) run.drain(closingError());
    await this.#untilIdle(workerDrainMs);
    for (const run of [...this.#runs]) run.leave(closingError());
    await this.#untilIdle(workerAbortMs);
  }

  /** What is still at work is left as it is: the store knows what was noted. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#isGone = true;
    this.#beatTimer.clear();
    this.#standstill.close();
    for (const campaign of this.#campaigns.values()) void campaign.then((found) => found?.close()).catch(() => {});
    // A store that is away misses it soon by itself.
    const farewell = this.#options.store.beat(this.#beatOf(0, 0), 1).catch(rethrowAssertion);
    await Promise.race([farewell, new Promise<void>((resolve) => this.#clock.setTimer(resolve, workerBeatMs))]);
  }

  #partsOf(): ConstructorParameters<typeof SliceRun>[0] {
    const { id, store, blobs, gatewayOf } = this.#options;
    return {
      ...{ worker: id, clock: this.#clock, log: this.#log, store, blobs, room: this.#room, gatewayOf },
      ...{ standstill: this.#standstill, tally: this.#tally, latencies: this.#latencies },
      ...{ shareOf: (campaign: CampaignAtWork) => this.#shareOf(campaign), maxFailures: maxGatewayFailures },
    };
  }

  /** The parts of all workers that live make up the limit. */
  #shareOf({ steering: { maxInFlight } }: CampaignAtWork): number {
    return inFlightShare(maxInFlight, this.#workers, this.#rank, this.#clock.wallMs());
  }

  #noteEnd(gateway: string, run: SliceRun, end: SliceRunEnd): void {
    if (end.kind === 'ended') {
      this.#ended += 1;
      this.#rests.delete(gateway);
      this.#log.debug({ slice: run.name }, 'a slice has ended');
    } else if (end.kind === 'failed' && run.gateway !== null) {
      const before = this.#rests.get(gateway)?.pauseMs ?? firstGatewayRestMs / 2;
      const pauseMs = Math.min(maxGatewayRestMs, before * 2);
      this.#rests.set(gateway, { pauseMs, untilMs: this.#clock.now() + pauseMs, why: end.why.message });
      this.#log.warn({ slice: run.name, code: end.why.code }, `a slice could not be sent: ${end.why.message}`);
    }
  }

  #endOf(end: SliceRunEnd): SliceTaskEnd {
    if (end.kind === 'ended') return { kind: 'done' };
    if (end.kind === 'left') return { kind: 'later', delayMs: end.delayMs };
    return { kind: 'failed', why: `${end.why.code}: ${end.why.message}` };
  }

  /** Resolves with null where the store does not know the campaign. */
  async #acquire(id: string): Promise<CampaignAtWork | null> {
    let opening = this.#campaigns.get(id);
    if (opening === undefined) {
      opening = this.#open(id);
      this.#campaigns.set(id, opening);
    }
    try {
      const campaign = await opening;
      if (campaign === null) this.#campaigns.delete(id);
      else campaign.users += 1;
      return campaign;
    } catch (error) {
      this.#campaigns.delete(id);
      throw error;
    }
  }

  async #open(id: string): Promise<CampaignAtWork | null> {
    const { store } = this.#options;
    const definition = await store.definition(id);
    const steering = definition === null ? null : await store.steering(id);
    if (definition === null || steering === null) return null;
    try {
      return new CampaignAtWork(definition, steering, {
        store,
        clock: this.#clock,
        onSteering: () => this.#steered(id),
      });
    } catch (error) {
      rethrowAssertion(error);
      // No worker can send it, as it is written.
      if (error instanceof PealError) await store.steer(id, { stopped: error.toRecord() });
      throw error;
    }
  }

  #release(campaign: CampaignAtWork): void {
    campaign.users -= 1;
    if (campaign.users > 0) return;
    campaign.close();
    this.#campaigns.delete(campaign.definition.id);
  }

  #steered(id: string): void {
    for (const run of [...this.#runs]) if (run.campaign.definition.id === id) run.steered();
    this.#room.wake();
  }

  #stoodStill(): void {
    this.#log.warn({ slices: this.#runs.size }, 'this process stood still: its slices may be with others now');
    for (const run of [...this.#runs]) run.leave(standstillError());
  }

  async #beatOn(): Promise<void> {
    try {
      await this.#beat();
      this.#storeFailure = null;
    } catch (error) {
      rethrowAssertion(error);
      if (error instanceof PealError) this.#storeFailure = error;
    }
    if (!this.#isGone) this.#beatTimer.set(workerBeatMs);
  }

  async #beat(): Promise<void> {
    const { store, session, id } = this.#options;
    const { connections, inFlight } = await session.stats();
    // Behind its farewell it would live again.
    if (this.#isGone) return;
    if (connections > 0) this.#room.noteConnected();
    await store.beat(this.#beatOf(connections, inFlight), workerLifeMs);
    const ids = (await store.workers()).map((worker) => worker.id).sort();
    this.#rank = Math.max(0, ids.indexOf(id));
    this.#workers = Math.max(1, ids.length);
    this.#room.wake();
  }

  #beatOf(connections: number, inFlight: number): Parameters<ClusterStore['beat']>[0] {
    const { id, name = null, slots } = this.#options;
    const { accepted, rejected } = this.#tally;
    const slices = [...this.#runs].map(({ name }) => name);
    const { pid } = process;
    return {
      ...{ id, name, host: hostname(), pid, slots, slices, connections, inFlight },
      ...{ accepted, rejected, startedMs: this.#startedMs, whyNot: this.#whyNot },
    };
  }

  async #untilIdle(withinMs: number): Promise<void> {
    if (this.#runs.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(resolve, withinMs);
      this.#idle = () => {
        this.#clock.clearTimer(timer);
        resolve();
      };
    });
    this.#idle = null;
  }
}

/** What stands in the way before a slice is begun. */
function leftBy(error: unknown): SliceRunEnd {
  rethrowAssertion(error);
  if (!(error instanceof PealError)) throw error;
  if (error.code === 'ERR_PEAL_STORE') return { kind: 'left', why: error, delayMs: laterMs };
  return { kind: 'failed', why: error };
}

function standstillError(): PealError {
  const message = 'This worker stood still for so long that another one may have the slice.';
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'engine', retryable: true });
}

function closingError(): PealError {
  const message = 'The worker ends: others go on with its slices.';
  return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
}
