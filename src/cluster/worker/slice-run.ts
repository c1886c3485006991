/**
 * One slice on this machine, from its claim to its end: decides whom to send to by what earlier claims have left, sends
 * through the ordinary engine, and tells the dispatcher what became of each recipient. Made by cluster-worker for each
 * job; main thread.
 *
 *   claim ─▶ what an earlier claim left ─▶ send ─┬▶ all have an outcome: the slice has ended
 *                                                ├▶ the campaign is stopped: the rest is unsent, the slice has ended
 *                                                ├▶ the gateway cannot be reached from here: another attempt, perhaps elsewhere
 *                                                └▶ fenced, lost, drained: whoever claims it next goes on
 *
 * Fencing: recipients are handed to the engine only after a commit under this claim's epoch has noted them. Once
 * another worker has claimed the slice, every commit is refused, so nothing more can be handed out; what was noted is
 * unknown for the other one, which does not send to it (unless unknown recipients are to be sent to again).
 */
import { createHash } from 'node:crypto';
import { rethrowAssertion } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { parkAfterMs, parkedMs, queueLockMs } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { option } from '../../base/wording.js';
import { NEW } from '../../campaign/journal/block-record.js';
import { identityPart } from '../../campaign/journal/identity.js';
import { Journal } from '../../campaign/journal/journal.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import { UNKNOWN, UNSENT } from '../../engine/ledger.js';
import type { Tally } from '../../engine/tally.js';
import { isOverHttp2 } from '../../push/address.js';
import type { Gateway } from '../../session/gateway.js';
import { PushMessage } from '../../session/message/push-message.js';
import { MessageSender } from '../../session/message-sender.js';
import type { SliceBatch, SliceJob } from '../slices/slice.js';
import { decodeSlice } from '../slices/slice-codec.js';
import type { CampaignDefinition, ClusterStore, SliceBlobs, SliceClaim } from '../store/cluster-store.js';
import { fencedError } from '../store/once.js';
import type { CampaignAtWork } from './campaign-at-work.js';
import { SliceFeed } from './slice-feed.js';
import { SliceSink } from './slice-sink.js';
import { SliceStore } from './slice-store.js';
import type { Standstill } from './standstill.js';
import type { WorkerRoom } from './worker-room.js';

/** What a slice uses of its process. */
interface SliceRunParts {
  readonly worker: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: ClusterStore;
  readonly blobs: SliceBlobs;
  readonly room: WorkerRoom;
  readonly standstill: Standstill;
  /** What is told to dispatchers, over all slices. */
  readonly tally: Tally;
  /** Over all slices. */
  readonly latencies: LatencyHistogram;
  readonly gatewayOf: (definition: CampaignDefinition) => Promise<Gateway>;
  /** Recipients of a campaign that may be under way in this process. */
  readonly shareOf: (campaign: CampaignAtWork) => number;
  /** Failed attempts of a slice to reach the gateway, with which its campaign is stopped. */
  readonly maxFailures: number;
}

interface SliceAttempt {
  /** Attempts that have failed before. */
  readonly failures: number;
  /** When the lock of its job was asked for, by the wall clock. */
  readonly takenMs: number;
}

/** How it ended here. */
export type SliceRunEnd =
  | { readonly kind: 'ended' }
  /** Others go on with it, or this worker does, later. */
  | { readonly kind: 'left'; readonly why: PealError; readonly delayMs: number }
  /** The gateway cannot be reached from here, or the slice cannot be read. */
  | { readonly kind: 'failed'; readonly why: PealError };

/** The wait before a slice that was left is taken again. */
const leftMs = 1000;
const digestBytes = 12;

export class SliceRun {
  readonly #parts: SliceRunParts;
  readonly #campaign: CampaignAtWork;
  readonly #job: SliceJob;
  readonly #attempt: SliceAttempt;
  readonly #abort = new AbortController();
  readonly #latencies = new LatencyHistogram();
  #feed: SliceFeed | null = null;
  /** Why the slice is left to others; null while it is not. */
  #left: PealError | null = null;
  #leftMs = leftMs;
  #gateway: Gateway | null = null;

  constructor(parts: SliceRunParts, campaign: CampaignAtWork, job: SliceJob, attempt: SliceAttempt) {
    this.#parts = parts;
    this.#campaign = campaign;
    this.#job = job;
    this.#attempt = attempt;
  }

  get campaign(): CampaignAtWork {
    return this.#campaign;
  }

  /** As it is called in the beats of workers and in logs. */
  get name(): string {
    return `${this.#job.campaign}-s${this.#job.slice}`;
  }

  /** The gateway that it sends through, once that is known. */
  get gateway(): Gateway | null {
    return this.#gateway;
  }

  /** Hands out nothing more, lets the engine send what it has, and leaves the rest to others. */
  drain(why: PealError): void {
    this.#left ??= why;
    this.#feed?.stop();
  }

  /** Sends nothing more: what is queued in the engine is cancelled. What is known is told, if the claim still holds. */
  leave(why: PealError): void {
    this.drain(why);
    this.#abort.abort();
  }

  /** Called when the steering of the campaign was heard. */
  steered(): void {
    const { steering, isGone } = this.#campaign;
    if (isGone) this.leave(goneError());
    else if (steering.stopped !== null) {
      this.#feed?.stop();
      this.#abort.abort();
    } else if ((this.#feed?.heldMs ?? 0) > parkAfterMs) {
      this.#leftMs = parkedMs;
      this.drain(parkedError());
    }
  }

  /** Rejects only for faults of this library. */
  async run(): Promise<SliceRunEnd> {
    try {
      return await this.#run();
    } catch (error) {
      rethrowAssertion(error);
      if (!(error instanceof PealError)) throw error;
      return isOfStore(error) ? this.#leftBy(error) : { kind: 'failed', why: error };
    }
  }

  async #run(): Promise<SliceRunEnd> {
    const { store, standstill, worker } = this.#parts;
    const { campaign, slice } = this.#job;
    const epoch = await store.epoch(campaign, slice);
    if (epoch === null) return { kind: 'ended' };
    standstill.check();
    if (this.#isLate) this.leave(lostLockError());
    if (this.#left !== null) return this.#leftBy(this.#left);
    const claim = await store.claim(campaign, slice, worker, epoch);
    if (claim === null) return { kind: 'ended' };
    this.#campaign.hear(claim.steering);
    const batches = await this.#read(claim);
    const sliceStore = new SliceStore({
      store,
      claim,
      onSteering: (steering) => this.#campaign.hear(steering),
      onFailure: (error) => this.leave(error),
    });
    const identity = { parts: [identityPart('the slice', this.#job.sha256)], inputs: [] };
    const { clock } = this.#parts;
    const journal = await Journal.open(sliceStore, identity, { name: `of slice ${slice}`, clock, keepsNoted: true });
    try {
      return await this.#send(claim, batches, sliceStore, journal);
    } finally {
      await journal.close().catch(rethrowAssertion);
    }
  }

  /** The job took so long to come here, or the store to answer, that another worker may have it. */
  get #isLate(): boolean {
    return this.#parts.clock.wallMs() - this.#attempt.takenMs > queueLockMs;
  }

  /**
   * @throws PealError (as a rejection) ERR_PEAL_FENCED where another worker has the slice now, or has ended it;
   *   ERR_PEAL_STORE where the bytes are gone or are not those of the job, and then the campaign is stopped
   */
  async #read(claim: SliceClaim): Promise<readonly SliceBatch[]> {
    const { blob, sha256 } = this.#job;
    const bytes = await this.#parts.blobs.get(blob);
    try {
      if (bytes === null) throw blobError('are gone');
      if (createHash('sha256').update(bytes).digest('hex') !== sha256)
        throw blobError('are not those that it was made of');
      return decodeSlice(bytes);
    } catch (error) {
      rethrowAssertion(error);
      // The answer to the claim may have been under way for so long that another worker has ended the slice since.
      if (!(await this.#holds(claim))) throw fencedError(claim);
      if (error instanceof PealError) await this.#campaign.stop(error);
      throw error;
    }
  }

  async #holds({ campaign, slice, epoch }: SliceClaim): Promise<boolean> {
    const found = (await this.#parts.store.slices(campaign)).find((each) => each.slice === slice);
    return found !== undefined && found.epoch === epoch && !found.hasEnded;
  }

  async #send(
    { epoch }: SliceClaim,
    batches: readonly SliceBatch[],
    sliceStore: SliceStore,
    journal: Journal,
  ): Promise<SliceRunEnd> {
    const { clock, room, standstill, tally, shareOf } = this.#parts;
    const { slice, sha256 } = this.#job;
    const digest = Buffer.from(sha256, 'hex').subarray(0, digestBytes);
    const resendsUnknown = this.#campaign.definition.send.onUnknown === 'resend';
    const sink = new SliceSink({
      slice,
      epoch,
      store: sliceStore,
      journal,
      tally,
      resendsUnknown,
      onNews: () => {
        room.noteConnected();
        room.wake();
      },
      causeOf: (error) => (error.code === 'ERR_PEAL_ABORTED' ? (this.#cause ?? error) : error),
    });
    adopt(batches, journal, digest, sink);
    const feed = new SliceFeed({
      clock,
      campaign: this.#campaign,
      batches,
      journal,
      digest,
      sink,
      room,
      share: () => shareOf(this.#campaign),
      standstill,
      resendsUnknown,
      queuedInEngine: () => this.#gateway?.queued ?? 0,
    });
    this.#feed = feed;
    this.steered();
    const trouble = await this.#sendThrough(feed, sink);
    await feed.finish();
    room.leave(feed);
    const failure = sliceStore.failure ?? feed.failure;
    if (failure !== null) return this.#leftBy(failure);
    const rest = restOf(batches, journal, digest, resendsUnknown);
    const isStopped = this.#campaign.steering.stopped !== null;
    const left = this.#left ?? (trouble !== null && isOfStore(trouble) ? trouble : null);
    if (!isStopped && left !== null && rest.length > 0) {
      await journal.flush();
      return this.#leftBy(left);
    }
    if (!isStopped && trouble !== null && (rest.length > 0 || !isLocal(trouble))) {
      if (isLocal(trouble) && this.#attempt.failures + 1 < this.#parts.maxFailures) {
        await journal.flush();
        return { kind: 'failed', why: trouble };
      }
      await this.#campaign.stop(trouble);
    }
    for (const { batch, indexes, ledger } of rest) sink.tellRest(batch, indexes, ledger, this.#cause ?? unsentError());
    sink.end(this.#parts.worker, this.#latencies.count > 0 ? this.#latencies.toData() : null);
    journal.event('ended');
    await journal.flush();
    return { kind: 'ended' };
  }

  /**
   * Resolves with why not all could be sent; null where nothing stood in the way, or where it was aborted from here.
   */
  async #sendThrough(feed: SliceFeed, sink: SliceSink): Promise<PealError | null> {
    const { definition, message } = this.#campaign;
    const { retry, onUnknown, stopAtBadTokens, minTokenBytes, keepIds } = definition.send;
    if (this.#abort.signal.aborted || this.#left !== null) return null;
    try {
      const gateway = await this.#parts.gatewayOf(definition);
      this.#gateway = gateway;
      const isHttp2 = isOverHttp2(gateway.address.protocol);
      const result = await new MessageSender<PushMessage>(gateway, PushMessage).send(message, {
        recipients: feed,
        outcomes: sink,
        signal: this.#abort.signal,
        ...(isHttp2 && { latencies: this.#latencies }),
        ...(isHttp2 && keepIds === true && { keepIds }),
        ...(minTokenBytes !== undefined && { minTokenBytes }),
        ...(retry !== undefined && { retry }),
        ...(onUnknown !== undefined && { onUnknown }),
        ...(stopAtBadTokens !== undefined && { stopAtBadTokens }),
      });
      const { stopped } = result;
      return stopped?.code === 'ERR_PEAL_ABORTED' && this.#abort.signal.aborted ? null : stopped;
    } catch (error) {
      rethrowAssertion(error);
      if (!(error instanceof PealError)) throw error;
      return error;
    } finally {
      this.#parts.latencies.merge(this.#latencies);
    }
  }

  /** Why it was aborted from here. */
  get #cause(): PealError | null {
    const { stopped } = this.#campaign.steering;
    return stopped === null ? this.#left : PealError.fromRecord(stopped);
  }

  #leftBy(why: PealError): SliceRunEnd {
    this.#parts.log.debug({ slice: this.name, code: why.code }, `the slice is left to others: ${why.message}`);
    return { kind: 'left', why, delayMs: this.#leftMs };
  }
}

/** Recipients of a batch that have no outcome that stays. */
interface Rest {
  readonly batch: number;
  readonly indexes: Uint16Array;
  /** Unsent, or unknown where they were so before. */
  readonly ledger: Uint8Array;
}

/** Once nothing is under way. */
function restOf(
  batches: readonly SliceBatch[],
  journal: Journal,
  digest: Uint8Array,
  resendsUnknown: boolean,
): readonly Rest[] {
  return batches.flatMap(({ tokens: { count } }, batch) => {
    const known = journal.block(batch, digest, count);
    const places: number[] = [];
    for (let index = 0; index < count; index++) {
      const state = known.stateAt(index);
      if (state === NEW || state === UNSENT || (state === UNKNOWN && resendsUnknown)) places.push(index);
    }
    if (places.length === 0) return [];
    const ledger = Uint8Array.from(places, (index) => (known.stateAt(index) === UNKNOWN ? UNKNOWN : UNSENT));
    return [{ batch, indexes: Uint16Array.from(places), ledger }];
  });
}

/** Whether the store is away, or another worker has the slice. */
function isOfStore({ code, retryable }: PealError): boolean {
  return code === 'ERR_PEAL_FENCED' || (code === 'ERR_PEAL_STORE' && retryable);
}

/** Tells what earlier claims have left untold, before anything is sent. */
function adopt(batches: readonly SliceBatch[], journal: Journal, digest: Uint8Array, sink: SliceSink): void {
  batches.forEach(({ tokens: { count } }, number) => {
    const known = journal.block(number, digest, count);
    if (known.isNew) return;
    const missing = known.unwritten();
    if (missing.length > 0) {
      const ledger = Uint8Array.from(missing, (index) => known.stateAt(index));
      sink.tellMissing(number, digest, count, missing, ledger);
    }
    const noted = known.noted();
    if (noted.length > 0) sink.lose(number, noted, lostError());
  });
}

/**
 * Whether another machine, or this one later, may succeed: the way to the gateway is at fault, and not what is sent.
 */
function isLocal({ retryable, origin }: PealError): boolean {
  return retryable || origin === 'connect';
}

function blobError(what: string): PealError {
  const message =
    `The bytes of a slice ${what}, so it is not sent. The dispatcher and all workers need the same place for them ` +
    `(${option('blobs')}), and whatever removes or changes what lies there has to be stopped.`;
  return new PealError('ERR_PEAL_STORE', message, { origin: 'store' });
}

function lostError(): PealError {
  const message =
    'The worker that had this slice ended, or was cut off, before it told what became of these recipients: they may have got the ' +
    'notification.';
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'engine', retryable: true });
}

function unsentError(): PealError {
  const message = 'The gateway did not take these recipients, and gave no reason: they can be sent to again.';
  return new PealError('ERR_PEAL_REFUSED', message, { origin: 'gateway', retryable: true });
}

/** Of a worker that was stopped, or cut off, between a job and its claim. */
export function lostLockError(): PealError {
  const message = 'This worker gave no sign in time, so another one may have the slice.';
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'engine', retryable: true });
}

function goneError(): PealError {
  const message = 'The campaign of this slice is not known to the store of the cluster any more.';
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'store', retryable: true });
}

function parkedError(): PealError {
  const message =
    'The campaign of this slice is paused, or has no dispatcher: the slice is handed back until it goes on.';
  return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
}
