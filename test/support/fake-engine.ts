/** An engine without shards: takes batches within a credit and settles them as a test says. */

import { PealError } from '../../src/base/errors.js';
import type { Batch, OutcomeDetail, OutcomeSink } from '../../src/engine/batch.js';
import type { InterimCounts } from '../../src/engine/dispatcher/interim.js';
import type { JobOptions, SendJob } from '../../src/engine/dispatcher/job.js';
import { Route } from '../../src/engine/dispatcher/route.js';
import { ACCEPTED, QUEUED, REJECTED, UNKNOWN, UNSENT, WRITTEN } from '../../src/engine/ledger.js';
import type { RouteConfig } from '../../src/engine/messages.js';
import type { Notification } from '../../src/push/notification.js';
import type { Engine } from '../../src/session/send/send.js';

/** What becomes of one recipient. */
export type Outcome =
  | 'accepted'
  | 'unsent'
  | 'unknown'
  | {
      readonly status: number;
      readonly reason: string;
      readonly timestampMs?: number;
      readonly retryAfterSeconds?: number;
    };
/** Decides by the token as hex and by the recipient's number in the send. */
export type Judge = (token: string, number: number) => Outcome;

export const gatewayLost = new PealError('ERR_PEAL_CLOSED', 'The connection ended.', {
  origin: 'gateway',
  retryable: true,
});

export class FakeJob implements SendJob {
  readonly batches: Batch[] = [];
  readonly #waiting: (() => void)[] = [];
  #held: Batch[] = [];
  #judged = 0;
  #outstanding = 0;
  #onIdle: (() => void) | null = null;
  isFinished = false;
  stopped: PealError | null = null;

  constructor(
    readonly notification: Notification,
    readonly sink: OutcomeSink,
    readonly engine: FakeEngine,
    readonly options: JobOptions = {},
  ) {}

  async dispatch(batch: Batch): Promise<void> {
    this.batches.push(batch);
    this.#outstanding += 1;
    if (this.stopped !== null) return queueMicrotask(() => void this.#settle(batch));
    while (this.#held.length >= this.engine.credit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.stopped !== null) return queueMicrotask(() => void this.#settle(batch));
    this.#held.push(batch);
    if (this.engine.isAutomatic) setImmediate(() => this.settleOne());
  }

  interim(): InterimCounts {
    return { ...this.engine.interim };
  }

  /** Everything is under way. */
  isQueued(): boolean {
    return false;
  }

  withdraw(): number {
    return WRITTEN;
  }

  /** Settles the batch that was taken first. */
  settleOne(): void {
    const batch = this.#held.shift();
    if (batch !== undefined) void this.#settle(batch);
  }

  async finish(): Promise<void> {
    if (this.#outstanding > 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    this.isFinished = true;
  }

  /** Nothing that a fake took counts as written. */
  cancel(cause: PealError): void {
    if (this.stopped !== null) return;
    this.stopped = cause;
    for (const batch of this.#held.splice(0)) queueMicrotask(() => void this.#settle(batch));
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.options.onStopped?.();
  }

  /** As the engine itself does for a refusal or a shutdown. */
  stop(cause: PealError): void {
    this.cancel(cause);
  }

  async #settle(batch: Batch): Promise<void> {
    const ledger = new Uint8Array(batch.tokens.count).fill(QUEUED);
    const details: OutcomeDetail[] = [];
    let cause: PealError | null = null;
    for (let index = 0; index < ledger.length; index++) {
      const outcome = this.stopped === null ? this.engine.judge(batch.tokens.textAt(index), this.#judged++) : 'unsent';
      if (typeof outcome === 'object') {
        ledger[index] = REJECTED;
        details.push({ index, apnsId: null, timestampMs: null, retryAfterSeconds: null, ...outcome });
      } else {
        ledger[index] = outcome === 'accepted' ? ACCEPTED : outcome === 'unsent' ? UNSENT : UNKNOWN;
        if (outcome !== 'accepted') cause = this.stopped ?? gatewayLost;
      }
    }
    await this.sink.settled({
      batch,
      tokens: batch.tokens,
      personal: batch.personal,
      ledger,
      details,
      cause,
      resent: this.engine.resent,
    });
    this.#outstanding -= 1;
    this.#waiting.shift()?.();
    if (this.#outstanding === 0) this.#onIdle?.();
  }
}

export class FakeEngine implements Engine {
  readonly jobs: FakeJob[] = [];
  readonly routes: Route[] = [];
  judge: Judge = () => 'accepted';
  credit = 4;
  /** What each batch says of requests that were sent again. */
  resent = 0;
  /** Whether batches are settled by themselves, a turn of the loop after they were taken. */
  isAutomatic = true;
  isClosed = false;
  /** What its jobs say of batches that are not settled. */
  interim: InterimCounts = { accepted: 0, rejected: 0, queued: 0 };

  openRoute(config: RouteConfig): Route {
    const route = new Route(this.routes.length + 1, config, null);
    this.routes.push(route);
    return route;
  }

  send(_route: Route, notification: Notification, sink: OutcomeSink, options: JobOptions = {}): FakeJob {
    const job = new FakeJob(notification, sink, this, options);
    this.jobs.push(job);
    return job;
  }

  stats(): never {
    throw new Error('not asked by sends');
  }

  outdate(): void {}

  async ping(): Promise<boolean[]> {
    return [];
  }
  readonly queued = 0;

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
