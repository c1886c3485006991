/**
 * A campaign in a store in memory, slices of it, workers on stores of their own over the same state, and a simulator;
 * and the check that each recipient was told once, as the simulator's ledger has it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '../../../src/base/clock.js';
import type { SliceTask, SliceTaskEnd } from '../../../src/cluster/queue/slice-worker-queue.js';
import { decodeOutcome } from '../../../src/cluster/slices/outcome-codec.js';
import type { BatchOutcomes, SliceEnd, SliceJob } from '../../../src/cluster/slices/slice.js';
import { encodeSlice } from '../../../src/cluster/slices/slice-codec.js';
import type { CampaignDefinition, Steering } from '../../../src/cluster/store/cluster-store.js';
import { SliceWorker } from '../../../src/cluster/worker/slice-worker.js';
import { Message, Session, type Simulator, startSimulator } from '../../../src/index.js';
import { apnsIdBytes } from '../../../src/push/notification.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import type { SimulatorOptions } from '../../../src/simulator/index.js';
import { mixedTokens } from '../../campaign/campaign-fixture.js';
import { MemoryClusterState, MemoryClusterStore, MemorySliceBlobs } from '../../support/memory-cluster-store.js';

export const campaignId = 'c0ffee00'.repeat(4);

export const steady: Steering = { ratePerSecond: null, maxInFlight: null, isPaused: false, stopped: null };

/** What the dispatcher was told of one recipient. */
export type Said = 'accepted' | 'unsent' | 'unknown' | string;

export interface TestWorker {
  readonly worker: SliceWorker;
  readonly store: MemoryClusterStore;
  readonly session: Session;
}

export class WorkerFixture {
  readonly simulator: Simulator;
  readonly state = new MemoryClusterState();
  readonly blobs = new MemorySliceBlobs();
  /** The store of the test itself, as a dispatcher's. */
  readonly store = new MemoryClusterStore(this.state);
  /** By slice. */
  readonly tokens = new Map<number, readonly string[]>();
  readonly jobs = new Map<number, SliceJob>();
  readonly #workers: TestWorker[] = [];
  readonly #batchTokens = new Map<string, readonly string[]>();

  private constructor(simulator: Simulator) {
    this.simulator = simulator;
  }

  static async open(options: SimulatorOptions = {}): Promise<WorkerFixture> {
    return new WorkerFixture(await startSimulator({ auth: 'any', controlPort: null, ...options }));
  }

  async close(): Promise<void> {
    for (const { worker, session } of this.#workers) {
      await worker.close();
      await session.close();
    }
    await this.simulator.close();
  }

  /** Begins the campaign. */
  async begin(changes: Partial<CampaignDefinition> = {}, steering: Partial<Steering> = {}): Promise<void> {
    const message = new Message([], { alert: 'Hello', topic: 'com.example.app' }).toJSON();
    const gateway = this.simulator.url;
    const definition = {
      version: 1,
      id: campaignId,
      title: 't',
      gateway,
      app: null,
      message,
      send: {},
      ...changes,
    } as const;
    await this.store.begin(definition, { ...steady, ...steering });
    await this.store.hold(campaignId, 'test', 1e9);
  }

  async addSlice(count: number, slice = 0, options: { named?: boolean; batch?: number } = {}): Promise<SliceJob> {
    const { named = false, batch: size = 1000 } = options;
    const tokens = mixedTokens(count, slice);
    const batches = [];
    for (let at = 0; at < count; at += size) {
      const texts = tokens.slice(at, at + size);
      this.#batchTokens.set(`${slice} ${batches.length}`, texts);
      const bytes = Buffer.from(texts.join(''), 'hex');
      const apnsIds = new Uint8Array(texts.length * apnsIdBytes);
      texts.forEach((text, index) => {
        apnsIds.set(createHash('sha256').update(text).digest().subarray(0, apnsIdBytes), index * apnsIdBytes);
      });
      const personal = named ? { apnsIds, payloads: null, payloadOffsets: null, fields: null } : null;
      batches.push({ tokens: new TokenBlock(bytes, 32, texts.length), personal });
    }
    const bytes = encodeSlice(batches);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const job = { campaign: campaignId, slice, recipients: count, blob: `b-${slice}`, sha256 };
    await this.blobs.put(job.blob, bytes);
    await this.store.addSlice(campaignId, slice, new Uint8Array(1));
    this.tokens.set(slice, tokens);
    this.jobs.set(slice, job);
    return job;
  }

  async worker(
    changes: Partial<ConstructorParameters<typeof SliceWorker>[0]> = {},
    clock: Clock = systemClock,
  ): Promise<TestWorker> {
    const store = new MemoryClusterStore(this.state);
    const session = new Session({ ca: this.simulator.caCertificate!, clock });
    const worker = new SliceWorker({
      id: `w${this.#workers.length}`,
      store,
      blobs: this.blobs,
      session,
      gatewayOf: async ({ gateway }) => session.getConnection(gateway, null),
      slots: 4,
      clock,
      ...changes,
    });
    await worker.begin();
    const test = { worker, store, session };
    this.#workers.push(test);
    return test;
  }

  async outcomes(): Promise<(BatchOutcomes | SliceEnd)[]> {
    return (await this.store.outcomes(campaignId, 0, 1e6)).map(decodeOutcome);
  }

  /**
   * By token: what the dispatcher was told. Each is told once, and the ends of slices are behind what belongs to them.
   */
  async said(): Promise<Map<string, Said>> {
    const said = new Map<string, Said>();
    const ended = new Set<number>();
    for (const outcome of await this.outcomes()) {
      assert.ok(!ended.has(outcome.slice), 'nothing is told of a slice that has ended');
      if (outcome.kind === 'end') {
        ended.add(outcome.slice);
        continue;
      }
      const texts = this.#batchTokens.get(`${outcome.slice} ${outcome.batch}`)!;
      const details = new Map(outcome.details.map((detail) => [detail.index, detail.reason]));
      outcome.ledger.forEach((state, place) => {
        const token = texts[outcome.indexes?.[place] ?? place]!;
        assert.ok(!said.has(token), 'a recipient is told once');
        const name = state === 2 ? 'accepted' : state === 3 ? 'unsent' : state === 4 ? 'unknown' : details.get(place);
        assert.ok(name !== undefined, 'a rejected recipient has a reason');
        said.set(token, name);
      });
    }
    return said;
  }

  /**
   * That all was told, and that it agrees with the ledger of the simulator, token by token. Returns how many were
   * unknown.
   */
  async check(): Promise<Record<'accepted' | 'rejected' | 'unsent' | 'unknown', number>> {
    const said = await this.said();
    const counts = { accepted: 0, rejected: 0, unsent: 0, unknown: 0 };
    for (const token of [...this.tokens.values()].flat()) {
      const what = said.get(token);
      const record = this.simulator.ledger.recordOf(token);
      if (what === 'unknown') counts.unknown += 1;
      else if (what === 'unsent') {
        counts.unsent += 1;
        assert.equal(record, null, 'an unsent recipient was not sent to');
      } else {
        assert.equal(record?.answer, what);
        counts[what === 'accepted' ? 'accepted' : 'rejected'] += 1;
      }
    }
    return counts;
  }

  task(slice = 0, failures = 0, lost: AbortSignal = new AbortController().signal): SliceTask {
    return { job: this.jobs.get(slice)!, failures, takenMs: Date.now(), lost };
  }
}

export function isKind(end: SliceTaskEnd, kind: SliceTaskEnd['kind']): void {
  assert.equal(end.kind, kind, JSON.stringify(end));
}
