/**
 * What the machines of a cluster share about campaigns and slices: the contract that each kind of store keeps (Redis,
 * PostgreSQL), and that dispatchers and workers rely on. Every method is one step: it happens as a whole or not at all,
 * and it is durable when it resolves. Main threads of all processes.
 *
 *   campaign   definition (as of the latest run), steering (changes at any time), the lease of its dispatcher, outcomes on their way
 *   slice      some 10,000 recipients of a campaign: its epoch, and the records of a journal (campaign/journal) of its batches
 *
 * A slice belongs to whoever claimed it last. The claim counts its epoch up, and a commit under an older epoch is
 * refused: a worker that was stopped, or cut off, can tell nothing more of a slice that another one has.
 *
 * While the store is away, methods wait and try again up to a bound, then reject with ERR_PEAL_STORE, which is
 * retryable.
 */
import type { ErrorRecord } from '../../base/errors.js';
import type { Change, Entry } from '../../campaign/journal/store.js';
import type { AnyMessageData } from '../../session/message/message-from-json.js';
import type { RetryOptions } from '../../session/send/send-options.js';

/** What a campaign is, as plain JSON: workers read it with each slice. Without recipients and secrets. */
export interface CampaignDefinition {
  readonly version: 1;
  /** 32 hex digits, from the key of its journal. */
  readonly id: string;
  readonly title: string;
  /** The gateway, as a URL. */
  readonly gateway: string;
  /** By which a worker finds the credential in its store; null: the worker uses the one that it was started with. */
  readonly app: string | null;
  readonly message: AnyMessageData;
  readonly send: SliceSending;
}

/** As the options of a send. */
export interface SliceSending {
  readonly retry?: false | RetryOptions;
  readonly onUnknown?: 'report' | 'resend';
  readonly stopAtBadTokens?: false | number;
  readonly minTokenBytes?: number;
  readonly keepIds?: boolean;
}

/** What holds for all workers of a campaign from now on. */
export interface Steering {
  /** Notifications a second for the whole cluster; null: no limit. */
  readonly ratePerSecond: number | null;
  /** Requests under way at a time for the whole cluster; null: no limit. */
  readonly maxInFlight: number | null;
  readonly isPaused: boolean;
  /** Nothing more is written, for this reason; null: it goes on. The first one stays. */
  readonly stopped: ErrorRecord | null;
}

/** The steering as a worker sees it. */
export interface SteeringNow extends Steering {
  /** Whether a dispatcher holds the campaign. Without one nothing more is handed out. */
  readonly isHeld: boolean;
}

/** The right to tell what becomes of a slice. */
export interface SliceClaim {
  readonly campaign: string;
  readonly slice: number;
  /** 1 for the first claim of the slice. */
  readonly epoch: number;
  /** The journal of the slice as earlier claims have left it, in the order of the keys. */
  readonly records: readonly Entry[];
  readonly steering: SteeringNow;
}

/** What a worker knows of a slice that is new, as one step. */
export interface SliceCommit {
  readonly changes: readonly Change[];
  /**
   * Outcomes for the dispatcher (slices/outcome-codec), in their order; the last one of a slice says that it has ended.
   */
  readonly outcomes: readonly Uint8Array[];
  /** Whether the slice has ended: it is not claimed again. */
  readonly hasEnded: boolean;
}

/** A worker as others see it. */
export interface WorkerBeat {
  /** Of one process. */
  readonly id: string;
  /** What its program calls it; null: nothing. */
  readonly name: string | null;
  readonly host: string;
  readonly pid: number;
  /** Slices that it takes at a time. */
  readonly slots: number;
  /** Slices that it has now, as `<campaign>-s<number>`. */
  readonly slices: readonly string[];
  readonly connections: number;
  readonly inFlight: number;
  /** Since it was started. */
  readonly accepted: number;
  readonly rejected: number;
  readonly startedMs: number;
  /** Why it sends nothing at the moment, as a sentence; null: nothing is in its way. */
  readonly whyNot: string | null;
}

export interface CampaignStatus {
  readonly definition: Omit<CampaignDefinition, 'message'>;
  readonly steering: SteeringNow;
  /** Slices by what is known of them. */
  readonly slices: { readonly waiting: number; readonly claimed: number; readonly ended: number };
  /** Outcomes that wait for the dispatcher. */
  readonly outcomes: number;
}

export interface ClusterStore {
  /**
   * Makes a campaign known. One that is known takes the new definition, and keeps its steering: whether it is the same
   * campaign is for its journal to say.
   *
   * @returns false where it was known
   */
  begin(definition: CampaignDefinition, steering: Steering): Promise<boolean>;
  /** Null where it is not known (any more). */
  definition(campaign: string): Promise<CampaignDefinition | null>;
  /**
   * Takes the lease of a campaign, or keeps it: for `forMs` from now, by the clock of the store.
   *
   * @param holder a random name of this dispatcher
   * @returns false while another one holds it
   */
  hold(campaign: string, holder: string, forMs: number): Promise<boolean>;
  /** Gives the lease back, if it is this one's. */
  letGo(campaign: string, holder: string): Promise<void>;
  /** Changes what is given; a reason to stop stays until `unstop`. */
  steer(campaign: string, change: Partial<Steering>): Promise<void>;
  /** A campaign that was stopped is resumed: its reason is dropped. */
  unstop(campaign: string): Promise<void>;
  steering(campaign: string): Promise<SteeringNow | null>;
  /** Removes all of it, slices and outcomes included. */
  end(campaign: string): Promise<void>;

  /** Makes a slice known, once its bytes are stored. Known already: nothing changes. */
  addSlice(campaign: string, slice: number, manifest: Uint8Array): Promise<void>;
  /** The slices of a campaign that were not removed, with their manifests, in their order. */
  slices(campaign: string): Promise<readonly StoredSlice[]>;
  /** Removes slices whose outcomes are all in the books of the dispatcher. */
  removeSlices(campaign: string, slices: readonly number[]): Promise<void>;

  /** Claims that the slice has had. Null where there is nothing to do: it has ended, or is not known any more. */
  epoch(campaign: string, slice: number): Promise<number | null>;
  /**
   * @param after the epoch before it, so that a claim which arrives late takes the slice from nobody. Default: any
   * @returns null where there is nothing to do: the slice has ended, or is not known any more
   * @throws PealError ERR_PEAL_FENCED (as a rejection) where it was claimed since `after`, or by this claim
   *   itself, given again because its answer was lost: nobody has it twice
   */
  claim(campaign: string, slice: number, worker: string, after?: number): Promise<SliceClaim | null>;
  /**
   * One at a time for a claim. A commit that was rejected with ERR_PEAL_STORE may hold all the same: the same object is
   * given again until it resolves, and holds once; or the claim is given up, and a new one tells what holds.
   *
   * @throws PealError ERR_PEAL_FENCED (as a rejection) where the slice was claimed by another one since, or is gone:
   *   nothing of the commit holds (unless it had ended the slice, its answer was lost, and the dispatcher has removed
   *   the slice)
   */
  commit(claim: SliceClaim, commit: SliceCommit): Promise<SteeringNow>;

  /**
   * Outcomes that wait, at most `limit` of them, without the first `from`.
   *
   * @param from 0 at first; later how many of those that this store object has given were not removed yet
   * @throws PealError ERR_PEAL_FENCED (as a rejection) for a `from` above 0 where another dispatcher has removed some
   *   since
   */
  outcomes(campaign: string, from: number, limit: number): Promise<readonly Uint8Array[]>;
  /**
   * Removes the first `count` of those that `outcomes` of this store object has given. After ERR_PEAL_STORE some may
   * have been removed; the caller goes on as if none had, and counts them again in later calls.
   *
   * @throws PealError ERR_PEAL_FENCED (as a rejection) where another dispatcher has removed some since
   */
  removeOutcomes(campaign: string, count: number): Promise<void>;

  /** Says that a worker lives, for `forMs` from now. */
  beat(worker: WorkerBeat, forMs: number): Promise<void>;
  workers(): Promise<readonly WorkerBeat[]>;
  campaigns(): Promise<readonly CampaignStatus[]>;

  /**
   * Takes up to `wanted` of what the rate of the campaign allows for all machines.
   *
   * @returns how many were granted, and in how many milliseconds it is worth to ask again
   */
  take(campaign: string, wanted: number): Promise<{ readonly granted: number; readonly waitMs: number }>;

  close(): Promise<void>;
}

export interface StoredSlice {
  readonly slice: number;
  readonly manifest: Uint8Array;
  readonly epoch: number;
  /** Who claimed it last; null where nobody has. */
  readonly worker: string | null;
  readonly hasEnded: boolean;
}

/**
 * Where the packed recipients of slices are while they wait: the claim checks. A kind of one's own needs these three.
 */
export interface SliceBlobs {
  /** Stores bytes under a name of letters, digits, `-` and `.`; the same name again replaces them. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Null where there are none (any more). */
  get(name: string): Promise<Uint8Array | null>;
  remove(names: readonly string[]): Promise<void>;
  close?(): Promise<void>;
}
