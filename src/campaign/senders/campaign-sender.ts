/**
 * Who sends what a campaign hands out: the engine of this process, or other machines (`peal/cluster`). A campaign
 * pulls, renders, notes and keeps the books in both cases. Main thread.
 */
import type { PealError } from '../../base/errors.js';
import type { OutcomeSink } from '../../engine/batch.js';
import type { EngineStats } from '../../engine/dispatcher/engine-stats.js';
import type { LatencyHistogram } from '../../engine/latency-histogram.js';
import type { Gateway } from '../../session/gateway.js';
import { PushMessage } from '../../session/message/push-message.js';
import { MessageSender } from '../../session/message-sender.js';
import type { RowBatch } from '../../session/recipients/row-batch.js';
import type { Rows } from '../../session/recipients/rows.js';
import type { SendOptions } from '../../session/send/send-options.js';

export interface SenderOptions extends SendOptions {
  readonly recipients: AsyncIterable<RowBatch>;
  readonly outcomes: OutcomeSink;
  readonly signal: AbortSignal;
  readonly latencies?: LatencyHistogram;
  /** The same for each of two services, by part (`CampaignServices.partOf`); empty or missing where there is one. */
  readonly serviceLatencies?: readonly LatencyHistogram[];
}

export interface CampaignSender {
  /**
   * Sends all that is pulled, and resolves once each batch has come back to the sink; with what has stopped it, if
   * anything has.
   */
  send(message: PushMessage, options: SenderOptions): Promise<{ readonly stopped: PealError | null }>;
  /** Recipients that it has, and has not written yet. */
  readonly queued: number;
  /** What it is doing; null before it does anything. */
  stats(): Promise<EngineStats | null>;
  /** What a campaign asks of senders on other machines; null for the engine of this process. */
  readonly remote: RemoteSender | null;
}

/** A sender whose machines go on when the process of the campaign ends: it keeps what it has, and finds it again. */
export interface RemoteSender {
  /** Called once, before anything is handed out. Rejects where the campaign cannot be sent now. */
  open(campaign: RemoteCampaign): Promise<void>;
  /**
   * How many recipients may be noted now; 0 where others have to come back first.
   *
   * @param noted by now in this run
   */
  room(underWay: number, noted: number): number;
  /** From now on, for all machines: notifications a second (null: no limit), and whether nothing more is written. */
  steer(ratePerSecond: number | null, isPaused: boolean): void;
  /**
   * Finds recipients of a block that an earlier run has handed out, and whose outcomes it does not know (`indexes`;
   * none where it knows all). Outcomes of those that are found come to the sink, in batches of these rows.
   */
  adopt(rows: Rows, block: number, indexes: Uint16Array): Adoption;
  /** Called instead of `send` where the campaign ends before it begins, as with an empty list. */
  leave(): Promise<void>;
}

export interface RemoteCampaign {
  /** Random, the same in each run. */
  readonly key: Uint8Array;
  readonly title: string;
  readonly message: PushMessage;
  readonly options: Pick<SendOptions, 'retry' | 'onUnknown' | 'stopAtBadTokens' | 'minTokenBytes' | 'keepIds'>;
  readonly isResumed: boolean;
  /** Resolves once all that the sink was told by now is durable. */
  readonly flush: () => Promise<void>;
  /** By which number the journal knows the block of these rows. */
  readonly blockOf: (rows: Rows) => number;
  readonly onNote: (said: string) => void;
}

/** What became of recipients that were noted by an earlier run, by index in their block. */
export interface Adoption {
  /** They come back. */
  readonly underWay: number;
  /** They never left: they are handed out anew. */
  readonly neverLeft: Uint16Array;
  /** Nothing is known of them. */
  readonly lost: Uint16Array;
}

/** The engine behind a gateway, which is in this process. */
export function ownSender(gateway: Gateway): CampaignSender {
  return {
    send: (message, { serviceLatencies: _, ...options }) =>
      new MessageSender<PushMessage>(gateway, PushMessage).send(message, options),
    get queued() {
      return gateway.queued;
    },
    stats: () => gateway.stats(),
    remote: null,
  };
}
