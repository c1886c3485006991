/**
 * The metrics of the engine of a session: connections, and what waits in it. Connections are counted as their events
 * come over node:diagnostics_channel, of which there are a few for each connection, over all sessions of the process.
 * Made by the commands that send; main thread.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Clock, systemClock, type TimerHandle } from '../base/clock.js';
import { metricsStatsTimeoutMs } from '../base/limits.js';
import type { ConnectionCloseEvent, ConnectionFailedEvent } from '../engine/dispatcher/diagnostics.js';
import type { SessionStats } from '../session/session.js';
import type { MetricsSource } from './metrics-source.js';
import type { Samples } from './samples.js';

/** The session, or a part of a test that stands for it. */
interface StatsOwner {
  stats(): Promise<SessionStats>;
}

export class EngineSource implements MetricsSource {
  readonly #owner: StatsOwner;
  readonly #clock: Clock;
  /** The latest figures: threads that are busy may not answer in time. */
  #stats: SessionStats | null = null;
  #opened = 0;
  /** An engine that is closed knows no threads any more. */
  #mostCrashes = 0;
  readonly #ended = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #onOpen = (): void => {
    this.#opened += 1;
  };
  readonly #onClose = (event: unknown): void => {
    count(this.#ended, (event as ConnectionCloseEvent).error?.code ?? 'normal');
  };
  readonly #onFailed = (event: unknown): void => count(this.#failures, (event as ConnectionFailedEvent).error.code);

  /** Counts from now on, until `close`. */
  constructor(owner: StatsOwner, clock: Clock = systemClock) {
    this.#owner = owner;
    this.#clock = clock;
    subscribe('peal:connection:open', this.#onOpen);
    subscribe('peal:connection:close', this.#onClose);
    subscribe('peal:connection:failed', this.#onFailed);
  }

  async collect(samples: Samples): Promise<void> {
    samples.add('peal_connections_opened_total', this.#opened);
    for (const [cause, times] of this.#ended) samples.add('peal_connections_ended_total', times, { cause });
    for (const [cause, times] of this.#failures) samples.add('peal_connection_failures_total', times, { cause });
    const stats = await this.#latestStats();
    if (stats === null) return;
    const { threads, jobs, waitingBatches, connections, connecting, inFlight, streamLimit, shards } = stats;
    samples.add('peal_connections', connections, { state: 'open' });
    samples.add('peal_connections', connecting, { state: 'opening' });
    samples.add('peal_requests_in_flight', inFlight);
    // A gateway need not name a limit.
    samples.add('peal_stream_limit', Number.isFinite(streamLimit) ? streamLimit! : Number.NaN);
    samples.add('peal_engine_threads', threads);
    samples.add('peal_engine_sends', jobs);
    samples.add('peal_engine_waiting_batches', waitingBatches);
    samples.add('peal_engine_held_batches', sumOf(shards.map(({ heldBatches }) => heldBatches)));
    this.#mostCrashes = Math.max(this.#mostCrashes, sumOf(shards.map(({ epoch }) => Math.max(0, epoch - 1))));
    samples.add('peal_engine_thread_crashes_total', this.#mostCrashes);
  }

  close(): void {
    unsubscribe('peal:connection:open', this.#onOpen);
    unsubscribe('peal:connection:close', this.#onClose);
    unsubscribe('peal:connection:failed', this.#onFailed);
  }

  async #latestStats(): Promise<SessionStats | null> {
    let timer: TimerHandle | null = null;
    const late = new Promise<null>((resolve) => {
      timer = this.#clock.setTimer(() => resolve(null), metricsStatsTimeoutMs);
    });
    const stats = await Promise.race([this.#owner.stats().catch(() => null), late]);
    this.#clock.clearTimer(timer);
    this.#stats = stats ?? this.#stats;
    return this.#stats;
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
