/**
 * Sends what one campaign hands out through two gateways at once, by the engine of this process or by machines: each
 * batch goes to the service whose tokens it has. Both pull from the one feed; what is pulled for the service that did
 * not ask waits, up to a bound, so that neither is held up for long by the other. A service that is stopped stops both,
 * and the campaign can be resumed. Main thread.
 *
 *   feed ─▶ pull ┬▶ waiting for APNs (bounded) ─▶ send through APNs ─┐
 *                └▶ waiting for FCM  (bounded) ─▶ send through FCM  ─┴▶ sink
 */
import { onAbort } from '../../base/abort-listeners.js';
import { PealError } from '../../base/errors.js';
import { maxWaitingOfPlatform } from '../../base/limits.js';
import type { OutcomeSink } from '../../engine/batch.js';
import type { EngineStats } from '../../engine/dispatcher/engine-stats.js';
import { UNSENT } from '../../engine/ledger.js';
import type { PushMessage } from '../../session/message/push-message.js';
import type { RowBatch } from '../../session/recipients/row-batch.js';
import type { Progress } from '../../session/send/progress.js';
import { type CampaignSender, ownSender, type RemoteSender, type SenderOptions } from './campaign-sender.js';
import type { CampaignService, CampaignServices } from './campaign-services.js';
import { type MachinesOfService, PlatformMachines } from './platform-machines.js';

/** A service, and what was pulled for it. */
interface Lane {
  readonly service: CampaignService;
  readonly sender: CampaignSender;
  readonly waiting: RowBatch[];
  recipients: number;
  /** Whether its send takes more. */
  isOpen: boolean;
  hasEnded: boolean;
  progress: Progress | null;
}

export class PlatformSender implements CampaignSender {
  readonly remote: RemoteSender | null;
  readonly #services: CampaignServices;
  readonly #lanes: ReadonlyMap<CampaignService, Lane>;

  /** @param senders of each service, all of machines or none. Default: the engine of this process */
  constructor(services: CampaignServices, senders: readonly CampaignSender[] = services.all.map(senderOf)) {
    this.#services = services;
    const lanes = services.all.map((service, at): Lane => {
      return {
        service,
        sender: senders[at]!,
        waiting: [],
        recipients: 0,
        isOpen: true,
        hasEnded: false,
        progress: null,
      };
    });
    this.#lanes = new Map(lanes.map((lane) => [lane.service, lane]));
    const machines = new Map(lanes.flatMap((lane) => machinesOf(lane)));
    const [first, second] = [...machines.values()];
    this.remote =
      first === undefined || second === undefined
        ? null
        : new PlatformMachines([first, second], ({ tokens }) => machines.get(services.of(tokens))!);
  }

  /** @param _message that of the campaign; each service has its own */
  async send(_message: PushMessage, options: SenderOptions): Promise<{ readonly stopped: PealError | null }> {
    const stop = new AbortController();
    const stopListening = onAbort(options.signal, () => stop.abort());
    if (options.signal.aborted) stop.abort();
    const split = new Split(options.recipients, this.#services, this.#lanes);
    let stopped: PealError | null = null;
    const lanes = [...this.#lanes.values()];
    const ends = lanes.map(async (lane) => {
      const { message } = lane.service;
      const latencies = options.serviceLatencies?.[this.#services.partOf(message.parts.encoding)];
      const sending = lane.sender.send(message, {
        ...options,
        ...(options.latencies !== undefined && latencies !== undefined && { latencies }),
        recipients: split.of(lane),
        signal: stop.signal,
        onProgress: (progress) => {
          lane.progress = progress;
          options.onProgress?.(sumOf(lanes, progress));
        },
      });
      const sent = await sending.catch((error: unknown) => {
        // It takes nothing any more, so that the other service would wait for ever behind what is pulled for it.
        stopped ??= error instanceof PealError ? error : null;
        stop.abort();
        split.stop();
        throw error;
      });
      if (sent.stopped !== null) {
        stopped ??= sent.stopped;
        stop.abort();
      }
      lane.isOpen = false;
      lane.hasEnded = true;
      split.wake();
    });
    try {
      await Promise.all(ends);
    } finally {
      stopListening?.();
      await Promise.allSettled(ends);
      await split.end();
      for (const lane of lanes) await giveBack(lane, options.outcomes, stopped);
    }
    return { stopped };
  }

  get queued(): number {
    let [engine, machines, waiting] = [0, 0, 0];
    for (const { sender, recipients } of this.#lanes.values()) {
      // Gateways of one session share its engine.
      if (sender.remote === null) engine = Math.max(engine, sender.queued);
      else machines += sender.queued;
      waiting += recipients;
    }
    return engine + machines + waiting;
  }

  async stats(): Promise<EngineStats | null> {
    const all = await Promise.all([...this.#lanes.values()].map(({ sender }) => sender.stats()));
    // Gateways of one session share its engine, and both campaigns of a cluster its workers.
    return all.reduce((most, one) => ((one?.connections ?? -1) > (most?.connections ?? -1) ? one : most), null);
  }
}

/** The one feed, as each service pulls from it. */
class Split {
  readonly #source: AsyncIterator<RowBatch, void, void>;
  readonly #services: CampaignServices;
  readonly #lanes: ReadonlyMap<CampaignService, Lane>;
  /** The pull that is under way, for whichever service. */
  #pulling: Promise<void> | null = null;
  #isOver = false;
  #failure: unknown = null;
  readonly #waiting = new Set<() => void>();

  constructor(source: AsyncIterable<RowBatch>, services: CampaignServices, lanes: ReadonlyMap<CampaignService, Lane>) {
    this.#source = source[Symbol.asyncIterator]() as AsyncIterator<RowBatch, void, void>;
    this.#services = services;
    this.#lanes = lanes;
  }

  of(lane: Lane): AsyncIterable<RowBatch> {
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => this.#next(lane),
        return: async () => {
          lane.isOpen = false;
          this.wake();
          return { value: undefined, done: true };
        },
      }),
    };
  }

  /** Something has changed that a service may wait for. */
  wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Nothing more is pulled. What was pulled still goes to its service. */
  stop(): void {
    this.#isOver = true;
    this.wake();
  }

  /** Ends the feed, once a pull that is under way has been answered. */
  async end(): Promise<void> {
    await this.#source.return?.();
    await this.#pulling;
  }

  async #next(lane: Lane): Promise<IteratorResult<RowBatch, void>> {
    for (;;) {
      if (!lane.isOpen) return { value: undefined, done: true };
      const batch = lane.waiting.shift();
      if (batch !== undefined) {
        lane.recipients -= batch.tokens.count;
        this.wake();
        return { value: batch, done: false };
      }
      if (this.#isOver) {
        if (this.#failure !== null) throw this.#failure;
        return { value: undefined, done: true };
      }
      if (this.#isFull) {
        await this.#change();
        continue;
      }
      this.#pulling ??= this.#pull();
      // Its end; or that of this lane, which is not to wait for recipients of the other.
      await this.#change();
    }
  }

  /** Whether so many wait for one service that nothing more is pulled. One that ended takes nothing more. */
  get #isFull(): boolean {
    for (const { recipients } of this.#lanes.values()) if (recipients >= maxWaitingOfPlatform) return true;
    return false;
  }

  async #pull(): Promise<void> {
    try {
      const step = await this.#source.next();
      if (step.done === true) this.#isOver = true;
      else this.#place(step.value);
    } catch (error) {
      this.#failure = error;
      this.#isOver = true;
    } finally {
      this.#pulling = null;
      this.wake();
    }
  }

  #place(batch: RowBatch): void {
    const lane = this.#lanes.get(this.#services.of(batch.tokens))!;
    lane.waiting.push(batch);
    lane.recipients += batch.tokens.count;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }
}

function senderOf({ gateway }: CampaignService): CampaignSender {
  return ownSender(gateway);
}

function machinesOf(lane: Lane): [CampaignService, MachinesOfService][] {
  const { service, sender } = lane;
  if (sender.remote === null) return [];
  const waiting = (): number => lane.recipients + sender.queued;
  return [[service, { service, remote: sender.remote, waiting, hasEnded: () => lane.hasEnded }]];
}

/** What was pulled for a service and did not come to its send is unsent. */
async function giveBack(lane: Lane, sink: OutcomeSink, cause: PealError | null): Promise<void> {
  for (const batch of lane.waiting.splice(0)) {
    const { tokens, personal } = batch;
    lane.recipients -= tokens.count;
    const ledger = new Uint8Array(tokens.count).fill(UNSENT);
    await sink.settled({ batch, tokens, personal, ledger, details: [], cause: cause ?? abortError(), resent: 0 });
  }
}

function abortError(): PealError {
  const message = 'The send was aborted by its signal: what is unsent can be sent again.';
  return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
}

function sumOf(lanes: readonly Lane[], latest: Progress): Progress {
  const all = lanes.flatMap(({ progress }) => progress ?? []);
  const sum = (name: Exclude<keyof Progress, 'total'>): number => all.reduce((total, one) => total + one[name], 0);
  return { ...latest, accepted: sum('accepted'), rejected: sum('rejected') };
}
