/**
 * The program that sends: makes its batches, hands them to the dispatcher no faster than it takes them, enters what
 * comes out into the books, and ends in good order. All waiting is on the world's time.
 */
import { binaryNotification } from '../../src/apns/compile-notification.js';
import type { Clock } from '../../src/base/clock.js';
import { PealError } from '../../src/base/errors.js';
import type { Batch, OutcomeSink, SettledBatch } from '../../src/engine/batch.js';
import type { Dispatcher } from '../../src/engine/dispatcher/dispatcher.js';
import type { JobOptions, SendJob } from '../../src/engine/dispatcher/job.js';
import type { Route } from '../../src/engine/dispatcher/route.js';
import { ACCEPTED, QUEUED, REJECTED, UNKNOWN, UNSENT } from '../../src/engine/ledger.js';
import type { Notification } from '../../src/push/notification.js';
import type { SendTarget } from '../../src/session/send/send.js';
import { Prng } from '../support/prng.js';
import type { VirtualClock } from '../support/virtual-clock.js';
import type { Books, Outcome } from './books.js';
import { topic } from './gateway-side.js';
import type { JobPlan, Plan } from './plan.js';
import { binaryExpiry } from './plan-binary.js';
import type { PushesPlan } from './plan-pushes.js';
import type { StreamPlan } from './plan-stream.js';
import { Pushes } from './pushes.js';
import { fcmBodyStart, makeBatch, numberOf } from './recipients.js';
import { runStreamedJob } from './streamed-job.js';
import type { Trace } from './trace.js';

export interface SenderRoom {
  readonly world: VirtualClock;
  /** The clock of the program's thread. */
  readonly thread: Clock;
  readonly plan: Plan;
  readonly books: Books;
  readonly trace: Trace;
  /** Time that the program's thread was awake. */
  readonly awakeMs: () => number;
  /** Shards crashed so often that batches may have been given up. */
  readonly mayGiveUp: () => boolean;
}

export class Sender {
  /** Jobs that were stopped, and why, by code. */
  readonly stops: { readonly job: number; readonly code: string }[] = [];
  /** Requests beyond the first for a recipient, as the engine counts them. */
  resent = 0;
  readonly #room: SenderRoom;
  readonly #dispatcher: Dispatcher;
  readonly #route: Route;
  readonly #random: Prng;
  readonly #jobs: SendJob[] = [];
  readonly #settled = new Set<object>();
  /** What was certain of batches under way when it was told last. */
  readonly #glimpsed = new Map<Batch, Uint8Array>();
  #closing: Promise<void> | null = null;

  constructor(room: SenderRoom, dispatcher: Dispatcher, route: Route) {
    this.#room = room;
    this.#dispatcher = dispatcher;
    this.#route = route;
    this.#random = new Prng(room.plan.seed ^ 0x5e4de5);
  }

  /** Sends everything and closes the engine. */
  async run(): Promise<void> {
    const { plan, trace } = this.#room;
    const pushes = plan.pushes === null ? null : this.#pushes(plan.pushes);
    const done = plan.jobs.map((job, index) => this.#send(job, index));
    await Promise.all([...done, pushes?.run()]);
    trace.event('all jobs are finished');
    await this.#close();
    trace.event('closed');
    await pushes?.end();
  }

  /** So many recipients were taken by now: jobs may be cancelled, the session shut down. */
  onTaken(taken: number): void {
    const { plan, world } = this.#room;
    plan.jobs.forEach((job, index) => {
      if (job.cancelAtTaken !== null && taken >= job.cancelAtTaken) world.defer(() => this.#cancel(index));
    });
    if (plan.closeAtTaken !== null && taken >= plan.closeAtTaken) world.defer(() => void this.#close());
  }

  #cancel(index: number): void {
    const job = this.#jobs[index];
    if (job === undefined || job.stopped !== null) return;
    this.#room.trace.event('cancel', index);
    job.cancel(new PealError('ERR_PEAL_ABORTED', 'The program cancelled.', { origin: 'usage' }));
  }

  #close(): Promise<void> {
    this.#closing ??= this.#dispatcher.close();
    return this.#closing;
  }

  async #send(plan: JobPlan, index: number): Promise<void> {
    const { recipients } = this.#room.plan;
    const random = this.#random.fork();
    if (plan.stream !== null) {
      await this.#sendStream(plan, plan.stream, index, random);
      return;
    }
    const job = this.#dispatcher.send(
      this.#route,
      this.#notification(plan),
      this.#sink(plan, random),
      this.#options(plan),
    );
    this.#jobs[index] = job;
    const { sourceEnd } = plan;
    const batches = plan.batches.slice(0, sourceEnd?.batches);
    for (const [place, batchPlan] of batches.entries()) {
      if (plan.paceMs > 0) await this.#wait(random.next() * plan.paceMs);
      const batch = makeBatch(random, batchPlan, recipients);
      this.#room.books.onMade(batch.tokens);
      const taken = job.dispatch(batch);
      // A source that is over does not wait for its last batch.
      if (sourceEnd === null || place + 1 < batches.length) await taken;
      this.#room.trace.event('dispatched', batchPlan.first, batchPlan.count);
    }
    if (sourceEnd?.isAborted === true) this.#cancel(index);
    await job.finish();
    if (job.stopped === null) {
      const { books } = this.#room;
      if (!this.#room.mayGiveUp()) for (const { first, count } of batches) books.checkUnstopped(first, count);
      return;
    }
    this.stops.push({ job: index, code: job.stopped.code });
    this.#room.trace.event('job was stopped', index, 0, job.stopped.message);
  }

  #pushes(pushes: PushesPlan): Pushes {
    const { plan, books, trace, thread, awakeMs } = this.#room;
    const random = this.#random.fork();
    return new Pushes(pushes, {
      ...{ target: this.#target, plan, books, trace, random, clock: thread, awakeMs },
      wait: (ms) => this.#wait(ms),
    });
  }

  get #target(): SendTarget {
    return {
      ...{ engine: this.#dispatcher, route: this.#route, clock: this.#room.thread, protocol: 'http2' },
      ...{ stopsAtFailure: false, gone: null },
    };
  }

  async #sendStream(job: JobPlan, stream: StreamPlan, index: number, random: Prng): Promise<void> {
    const { plan, books } = this.#room;
    const code = await runStreamedJob(job, stream, {
      ...{ target: this.#target, plan, books, random, sink: this.#sink(job, random) },
      wait: (ms) => this.#wait(ms),
      close: () => void this.#close(),
    });
    if (code === null) return;
    this.stops.push({ job: index, code });
    this.#room.trace.event('job was stopped', index, 0, code);
  }

  #options({ isResent }: JobPlan): JobOptions {
    const { attempts, retryTimeMs: timeMs, binary } = this.#room.plan;
    const retry = attempts > 1 ? { attempts, timeMs } : null;
    const stopsAtFailure = binary?.stopsAtFailure === true;
    return { retry, onUnknown: isResent && attempts > 1 ? 'resend' : 'report', stopsAtFailure };
  }

  #notification(plan: JobPlan): Notification {
    const { fcm } = this.#room.plan;
    const notification = fcm === null ? notificationOf(plan) : fcmNotificationOf(plan);
    return this.#room.plan.binary === null ? notification : binaryNotification(notification, binaryExpiry);
  }

  #sink({ sinkMs }: JobPlan, random: Prng): OutcomeSink {
    return {
      settled: (batch) => {
        this.#enter(batch);
        return sinkMs === 0 ? undefined : this.#wait(random.next() * sinkMs);
      },
      glimpse: (batch, states) => this.#enterGlimpse(batch, states),
    };
  }

  #enterGlimpse(batch: Batch, states: Uint8Array): void {
    const { books } = this.#room;
    const first = numberOf(batch.tokens, 0);
    if (this.#settled.has(batch)) books.violate(`the batch of recipient ${first} was glimpsed after it was settled`);
    if (states.length !== batch.tokens.count) books.violate(`a glimpse of ${states.length} bytes`);
    if (states.every((state) => state === QUEUED)) books.violate(`a glimpse of recipient ${first} told nothing`);
    this.#checkGlimpsed(batch, states);
    this.#glimpsed.set(batch, states.slice());
  }

  /** What was certain once stays as it is. */
  #checkGlimpsed(batch: Batch, now: Uint8Array): void {
    this.#glimpsed.get(batch)?.forEach((state, index) => {
      if (state === QUEUED || state === now[index]) return;
      const number = numberOf(batch.tokens, index);
      this.#room.books.violate(`recipient ${number} was glimpsed with ledger byte ${state} and has ${now[index]}`);
    });
  }

  #enter({ batch, tokens, ledger, details, resent }: SettledBatch): void {
    const { books, trace } = this.#room;
    if (this.#settled.has(batch)) books.violate(`the batch of recipient ${numberOf(tokens, 0)} was settled twice`);
    this.#settled.add(batch);
    this.#checkGlimpsed(batch, ledger);
    this.#glimpsed.delete(batch);
    this.resent += resent;
    trace.event('settled', numberOf(tokens, 0), tokens.count);
    const reasons = new Map<number, string>();
    for (const { index, reason } of details) {
      if (reasons.has(index)) books.violate(`recipient ${numberOf(tokens, index)} has two details`);
      if (ledger[index]! < REJECTED)
        books.violate(`recipient ${numberOf(tokens, index)} has a detail but no rejection`);
      reasons.set(index, reason);
    }
    if (ledger.length !== tokens.count) books.violate(`a ledger of ${ledger.length} bytes for ${tokens.count} tokens`);
    for (let index = 0; index < tokens.count; index++) {
      const number = numberOf(tokens, index);
      const outcome = outcomeOf(ledger[index]!);
      if (outcome === null) books.violate(`recipient ${number} came out with ledger byte ${ledger[index]}`);
      else books.settle(number, outcome, reasons.get(index) ?? '');
      if (outcome === 'rejected' && !reasons.has(index))
        books.violate(`recipient ${number} is rejected without details`);
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#room.world.setTimer(resolve, ms);
    });
  }
}

function notificationOf({ payload }: JobPlan): Notification {
  const headers = [
    ['apns-topic', topic],
    ['apns-push-type', 'alert'],
  ] as const;
  return { headers, payload, expiration: null, priority: null };
}

function fcmNotificationOf({ payload }: JobPlan): Notification {
  const headers = [['content-type', 'application/json']] as const;
  return { headers, bodyStart: fcmBodyStart, payload, expiration: null, priority: null };
}

function outcomeOf(byte: number): Outcome | null {
  if (byte === ACCEPTED) return 'accepted';
  if (byte === UNSENT) return 'unsent';
  if (byte === UNKNOWN) return 'unknown';
  return byte >= REJECTED ? 'rejected' : null;
}
