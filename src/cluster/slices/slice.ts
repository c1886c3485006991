/**
 * What a slice and its outcomes are, between their bytes (slice-codec, outcome-codec) and those who make and read them:
 * dispatch/ and worker/. Types only.
 */
import type { ErrorRecord } from '../../base/errors.js';
import type { AcceptedIds, OutcomeDetail } from '../../engine/batch.js';
import type { LatencyData } from '../../engine/latency-histogram.js';
import type { PersonalParts } from '../../push/notification.js';
import type { TokenBlock } from '../../push/token-block.js';

/** A batch of recipients as it travels: at most 1,024, without the cells of their rows. */
export interface SliceBatch {
  readonly tokens: TokenBlock;
  readonly personal: PersonalParts | null;
}

/** Which recipients of the campaign a batch of a slice has: what the dispatcher keeps to find them again. */
export interface BatchPlace {
  /** Number of the block in the campaign's input. */
  readonly block: number;
  /** Recipients of that block. */
  readonly count: number;
  /** By recipient of the batch: its index in the block; null where all are here, in their order. */
  readonly indexes: Uint16Array | null;
}

/** What a job of the queue says: a claim check, no recipients. Plain JSON. */
export interface SliceJob {
  readonly campaign: string;
  readonly slice: number;
  readonly recipients: number;
  /** The name of its bytes in the SliceBlobs. */
  readonly blob: string;
  /** Of the bytes, as hex. */
  readonly sha256: string;
}

/** Outcomes of recipients of one batch of a slice, in the order in which they became certain. */
export interface BatchOutcomes {
  readonly kind: 'batch';
  readonly slice: number;
  readonly epoch: number;
  /** Index of the batch in its slice. */
  readonly batch: number;
  /** By place in `ledger`: the recipient's index in the batch; null: all, in their order. */
  readonly indexes: Uint16Array | null;
  /** As in a SettledBatch: all final. */
  readonly ledger: Uint8Array;
  /** `index` is a place in `ledger`. */
  readonly details: readonly OutcomeDetail[];
  readonly ids: AcceptedIds | null;
  readonly cause: ErrorRecord | null;
  readonly resent: number;
}

/** A slice has ended: every recipient of it has come in a `BatchOutcomes`. */
export interface SliceEnd {
  readonly kind: 'end';
  readonly slice: number;
  readonly epoch: number;
  /** Which worker ended it. */
  readonly worker: string;
  readonly latencies: LatencyData | null;
}

export type SliceOutcome = BatchOutcomes | SliceEnd;
