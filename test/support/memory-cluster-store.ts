/**
 * A ClusterStore in memory, for tests of dispatchers and workers: everything that other stores do, at once, on a clock
 * that the test moves. It can be away, refuse the next commit, or lose the answer of one that it has applied.
 */
import { PealError } from '../../src/base/errors.js';
import type {
  CampaignDefinition,
  CampaignStatus,
  ClusterStore,
  SliceBlobs,
  SliceClaim,
  SliceCommit,
  Steering,
  SteeringNow,
  StoredSlice,
  WorkerBeat,
} from '../../src/cluster/store/cluster-store.js';
import {
  CommitNumbers,
  fencedError,
  lateClaimError,
  OutcomeHeads,
  outcomesTakenError,
} from '../../src/cluster/store/once.js';

interface MemorySlice {
  readonly manifest: Uint8Array;
  readonly records: Map<string, Uint8Array>;
  epoch: number;
  worker: string | null;
  commit: number;
  hasEnded: boolean;
}

interface MemoryCampaign {
  definition: CampaignDefinition;
  readonly slices: Map<number, MemorySlice>;
  steering: Steering;
  holder: string | null;
  heldUntilMs: number;
  outcomes: Uint8Array[];
  /** Outcomes that were removed. */
  removed: number;
  tokens: number;
  tokensAtMs: number;
}

/** What all machines share: several stores on one of these are several machines. */
export class MemoryClusterState {
  readonly campaigns = new Map<string, MemoryCampaign>();
  readonly beats = new Map<string, { beat: WorkerBeat; untilMs: number }>();
  /** The clock of the store; a test moves it. */
  nowMs = 1_000_000;
}

export class MemoryClusterStore implements ClusterStore {
  readonly #numbers = new CommitNumbers();
  readonly #heads = new OutcomeHeads();
  /** Every method rejects while it is true. */
  isAway = false;
  /** The next commit is rejected, and does not hold. */
  failsNextCommit = false;
  /** The next commit holds, and is rejected all the same. */
  losesNextAnswer = false;
  /** The next removal of outcomes happens, and is rejected all the same. */
  losesNextRemoval = false;
  /** Called at the beginning of every method, by its name. */
  onCall: (method: string) => void | Promise<void> = () => {};

  constructor(readonly state = new MemoryClusterState()) {}

  async begin(definition: CampaignDefinition, steering: Steering): Promise<boolean> {
    await this.#call('begin');
    const known = this.state.campaigns.get(definition.id);
    if (known === undefined) {
      this.state.campaigns.set(definition.id, {
        ...{
          definition: JSON.parse(JSON.stringify(definition)),
          steering: structuredClone(steering),
          slices: new Map(),
        },
        ...{ holder: null, heldUntilMs: 0, outcomes: [], removed: 0, tokens: Infinity, tokensAtMs: this.state.nowMs },
      });
      return true;
    }
    known.definition = JSON.parse(JSON.stringify(definition));
    return false;
  }

  async definition(campaign: string): Promise<CampaignDefinition | null> {
    await this.#call('definition');
    return structuredClone(this.state.campaigns.get(campaign)?.definition ?? null);
  }

  async hold(campaign: string, holder: string, forMs: number): Promise<boolean> {
    await this.#call('hold');
    const found = this.state.campaigns.get(campaign);
    if (found === undefined || (this.#isHeld(found) && found.holder !== holder)) return false;
    found.holder = holder;
    found.heldUntilMs = this.state.nowMs + forMs;
    return true;
  }

  async letGo(campaign: string, holder: string): Promise<void> {
    await this.#call('letGo');
    const found = this.state.campaigns.get(campaign);
    if (found?.holder === holder) found.holder = null;
  }

  async steer(campaign: string, change: Partial<Steering>): Promise<void> {
    await this.#call('steer');
    const found = this.state.campaigns.get(campaign);
    if (found === undefined) return;
    const { stopped } = found.steering;
    found.steering = { ...found.steering, ...structuredClone(change), ...(stopped !== null && { stopped }) };
  }

  async unstop(campaign: string): Promise<void> {
    await this.#call('unstop');
    const found = this.state.campaigns.get(campaign);
    if (found !== undefined) found.steering = { ...found.steering, stopped: null };
  }

  async steering(campaign: string): Promise<SteeringNow | null> {
    await this.#call('steering');
    const found = this.state.campaigns.get(campaign);
    return found === undefined ? null : this.#steeringOf(found);
  }

  async end(campaign: string): Promise<void> {
    await this.#call('end');
    this.state.campaigns.delete(campaign);
    this.#heads.forget(campaign);
  }

  async addSlice(campaign: string, slice: number, manifest: Uint8Array): Promise<void> {
    await this.#call('addSlice');
    const slices = this.state.campaigns.get(campaign)?.slices;
    if (slices === undefined || slices.has(slice)) return;
    const empty = { records: new Map(), epoch: 0, worker: null, commit: 0, hasEnded: false };
    slices.set(slice, { manifest: Uint8Array.from(manifest), ...empty });
  }

  async slices(campaign: string): Promise<readonly StoredSlice[]> {
    await this.#call('slices');
    const slices = [...(this.state.campaigns.get(campaign)?.slices ?? [])].sort(([a], [b]) => a - b);
    return slices.map(([slice, { manifest, epoch, worker, hasEnded }]) => {
      return { slice, manifest: Uint8Array.from(manifest), epoch, worker, hasEnded };
    });
  }

  async removeSlices(campaign: string, slices: readonly number[]): Promise<void> {
    await this.#call('removeSlices');
    for (const slice of slices) this.state.campaigns.get(campaign)?.slices.delete(slice);
  }

  async epoch(campaign: string, slice: number): Promise<number | null> {
    await this.#call('epoch');
    const found = this.state.campaigns.get(campaign)?.slices.get(slice);
    return found === undefined || found.hasEnded ? null : found.epoch;
  }

  async claim(campaign: string, slice: number, worker: string, after?: number): Promise<SliceClaim | null> {
    await this.#call('claim');
    const found = this.state.campaigns.get(campaign);
    const claimed = found?.slices.get(slice);
    if (found === undefined || claimed === undefined || claimed.hasEnded) return null;
    if (after !== undefined && claimed.epoch !== after) throw lateClaimError(campaign, slice);
    claimed.epoch += 1;
    claimed.commit = 0;
    claimed.worker = worker;
    const records = [...claimed.records].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      ...{ campaign, slice, epoch: claimed.epoch, steering: this.#steeringOf(found) },
      records: records.map(([key, value]) => [Uint8Array.from(Buffer.from(key, 'hex')), Uint8Array.from(value)]),
    };
  }

  async commit(claim: SliceClaim, commit: SliceCommit): Promise<SteeringNow> {
    const number = this.#numbers.of(claim, commit);
    await this.#call('commit');
    if (this.failsNextCommit) {
      this.failsNextCommit = false;
      throw awayError();
    }
    const found = this.state.campaigns.get(claim.campaign);
    const slice = found?.slices.get(claim.slice);
    if (found === undefined || slice === undefined || slice.epoch !== claim.epoch) throw fencedError(claim);
    if (slice.commit === number - 1) apply(found, slice, commit, number);
    if (this.losesNextAnswer) {
      this.losesNextAnswer = false;
      throw awayError();
    }
    this.#numbers.done(claim, commit);
    return this.#steeringOf(found);
  }

  async outcomes(campaign: string, from: number, limit: number): Promise<readonly Uint8Array[]> {
    const expected = this.#heads.expected(campaign, from);
    await this.#call('outcomes');
    const found = this.state.campaigns.get(campaign);
    if (found === undefined) return [];
    const { removed, outcomes } = found;
    if (expected !== null && (removed < expected.low || removed > expected.high)) throw outcomesTakenError(campaign);
    if (expected === null) this.#heads.read(campaign, removed);
    const start = expected === null ? 0 : expected.low + from - removed;
    return outcomes.slice(start, start + limit);
  }

  async removeOutcomes(campaign: string, count: number): Promise<void> {
    const { low, high } = this.#heads.removing(campaign, count);
    await this.#call('removeOutcomes');
    const found = this.state.campaigns.get(campaign);
    if (found !== undefined) {
      if (found.removed < low || found.removed > high) {
        this.#heads.forget(campaign);
        throw outcomesTakenError(campaign);
      }
      found.outcomes = found.outcomes.slice(Math.max(0, low + count - found.removed));
      found.removed = Math.max(found.removed, low + count);
    }
    if (this.losesNextRemoval) {
      this.losesNextRemoval = false;
      throw awayError();
    }
    this.#heads.removed(campaign, count);
  }

  async beat(worker: WorkerBeat, forMs: number): Promise<void> {
    await this.#call('beat');
    this.state.beats.set(worker.id, { beat: structuredClone(worker), untilMs: this.state.nowMs + forMs });
  }

  async workers(): Promise<readonly WorkerBeat[]> {
    await this.#call('workers');
    const beats = [...this.state.beats.values()].filter(({ untilMs }) => untilMs > this.state.nowMs);
    return beats.map(({ beat }) => structuredClone(beat)).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async campaigns(): Promise<readonly CampaignStatus[]> {
    await this.#call('campaigns');
    const all = [...this.state.campaigns.values()].sort((a, b) => (a.definition.id < b.definition.id ? -1 : 1));
    return all.map((found) => {
      const { message: _, ...definition } = structuredClone(found.definition);
      const slices = { waiting: 0, claimed: 0, ended: 0 };
      for (const { epoch, hasEnded } of found.slices.values()) {
        slices[hasEnded ? 'ended' : epoch > 0 ? 'claimed' : 'waiting'] += 1;
      }
      return { definition, steering: this.#steeringOf(found), slices, outcomes: found.outcomes.length };
    });
  }

  async take(campaign: string, wanted: number): Promise<{ granted: number; waitMs: number }> {
    await this.#call('take');
    const found = this.state.campaigns.get(campaign);
    if (found === undefined) return { granted: 0, waitMs: 1000 };
    const { ratePerSecond } = found.steering;
    if (ratePerSecond === null) return { granted: wanted, waitMs: 0 };
    const most = Math.max(1, ratePerSecond / 4);
    const since = ((this.state.nowMs - found.tokensAtMs) / 1000) * ratePerSecond;
    const tokens = Math.min(most, found.tokens + since);
    const granted = Math.min(wanted, Math.floor(tokens));
    found.tokens = tokens - granted;
    found.tokensAtMs = this.state.nowMs;
    if (granted === wanted) return { granted, waitMs: 0 };
    const next = Math.min(wanted - granted, Math.max(1, most / 2));
    return { granted, waitMs: Math.max(1, Math.ceil(((next - found.tokens) / ratePerSecond) * 1000)) };
  }

  async close(): Promise<void> {}

  #isHeld({ holder, heldUntilMs }: MemoryCampaign): boolean {
    return holder !== null && heldUntilMs > this.state.nowMs;
  }

  #steeringOf(found: MemoryCampaign): SteeringNow {
    return { ...structuredClone(found.steering), isHeld: this.#isHeld(found) };
  }

  async #call(method: string): Promise<void> {
    await this.onCall(method);
    if (this.isAway) throw awayError();
  }
}

export class MemorySliceBlobs implements SliceBlobs {
  readonly all = new Map<string, Uint8Array>();
  isAway = false;

  async put(name: string, bytes: Uint8Array): Promise<void> {
    if (this.isAway) throw awayError();
    this.all.set(name, Uint8Array.from(bytes));
  }

  async get(name: string): Promise<Uint8Array | null> {
    if (this.isAway) throw awayError();
    return this.all.get(name) ?? null;
  }

  async remove(names: readonly string[]): Promise<void> {
    if (this.isAway) throw awayError();
    for (const name of names) this.all.delete(name);
  }
}

function apply(campaign: MemoryCampaign, slice: MemorySlice, commit: SliceCommit, number: number): void {
  slice.commit = number;
  for (const { key, value } of commit.changes) {
    slice.records.set(Buffer.from(key).toString('hex'), Uint8Array.from(value));
  }
  for (const outcome of commit.outcomes) campaign.outcomes.push(Uint8Array.from(outcome));
  if (!commit.hasEnded) return;
  slice.hasEnded = true;
  slice.records.clear();
}

function awayError(): PealError {
  return new PealError('ERR_PEAL_STORE', 'The store is away.', { origin: 'store', retryable: true });
}
