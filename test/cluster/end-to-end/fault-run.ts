/**
 * One campaign on a cluster of processes to which faults happen while it is sent, and the judgement of what it leaves:
 * nobody is lost, nobody who was accepted is sent to again, and those who are unknown were under way at a fault.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { mixedTokens } from '../../campaign/campaign-fixture.js';
import { judge } from '../../campaign/campaign-judge.js';
import { until } from '../../faults/accounts.js';
import { CutProxy } from '../../support/cut-proxy.js';
import { Prng } from '../../support/prng.js';
import { ClusterFixture, type PealProcess } from './cluster-fixture.js';
import { busyWorkers, isOfProcess, notedBy } from './cluster-judge.js';

const faultsInBrief = 5;
/**
 * Faults of each kind: `PEAL_CLUSTER_FAULTS` of them, or as many as continuous integration and the README's command
 * have.
 */
export const faultsOfKind = Number(process.env.PEAL_CLUSTER_FAULTS ?? faultsInBrief);
/** A person asks for many: campaigns are longer then, and workers stand still for longer. */
export const isThorough = faultsOfKind > faultsInBrief;
/** After so many faults a campaign goes on to its end, and another one begins. */
const faultsOfCampaign = 6;
export const recipients = isThorough ? 200_000 : 60_000;
/** Slices are small, so that each worker has some at any time. */
const sliceOfFew = 2_000;
/** Requests under way in the whole cluster: a bound for what one fault can leave unknown. */
export const maxInFlight = 6_000;
/** So long that workers have requests under way whenever they are struck. */
const roundTripMs = 250;
/** Answered at the time of a fault, at most. */
const latestShare = 0.7;

export type Fault = (run: FaultRun) => Promise<void>;

export interface FaultKind {
  readonly faults: (random: Prng) => readonly Fault[];
  /** Whether a fault comes while others last. */
  readonly isParallel?: boolean;
  readonly options?: readonly string[];
  /** Whether each worker has a network of its own, which can be cut. */
  readonly hasProxies?: boolean;
}

interface Sums {
  faults: number;
  campaigns: number;
  unknown: number;
  neverArrived: number;
  most: number;
}

/** Repeats campaigns until so many faults have happened; prints one line for all. */
export async function runFaults(what: string, times: number, kind: FaultKind): Promise<void> {
  const seed = Date.now();
  const random = new Prng(seed);
  console.log(`      seed ${seed}`);
  const sums: Sums = { faults: 0, campaigns: 0, unknown: 0, neverArrived: 0, most: 0 };
  while (sums.faults < times) {
    const faults = kind.faults(random).slice(0, Math.min(faultsOfCampaign, times - sums.faults));
    await using run = await FaultRun.begin(random, kind, sums.campaigns);
    await run.endure(faults, kind.isParallel === true);
    const { unknown, neverArrived, most } = run.judge();
    sums.faults += faults.length;
    sums.campaigns += 1;
    sums.unknown += unknown;
    sums.neverArrived += neverArrived;
    sums.most = Math.max(sums.most, most);
  }
  console.log(
    `      ${sums.faults} ${what} in ${sums.campaigns} campaigns of ${recipients}: lost 0, sent again after accepted 0, ` +
      `unknown ${sums.unknown} (at most ${sums.most} under way at a fault; ${sums.neverArrived} had not arrived), all named`,
  );
}

export class FaultRun implements AsyncDisposable {
  readonly random: Prng;
  readonly cluster: ClusterFixture;
  readonly #tokens: readonly string[];
  readonly #args: readonly string[];
  readonly #proxies = new Map<PealProcess, CutProxy>();
  readonly #hasProxies: boolean;
  readonly #underWay = new Set<string>();
  readonly #workers = new Set<PealProcess>();
  #dispatcher: PealProcess;
  #isDispatcherAway = false;
  #usesRedis: Promise<void> = Promise.resolve();
  #most = 0;

  private constructor(
    random: Prng,
    cluster: ClusterFixture,
    tokens: readonly string[],
    args: readonly string[],
    hasProxies: boolean,
  ) {
    this.random = random;
    this.cluster = cluster;
    this.#tokens = tokens;
    this.#args = args;
    this.#hasProxies = hasProxies;
    this.#dispatcher = cluster.run(args);
  }

  static async begin(random: Prng, { options = [], hasProxies = false }: FaultKind, set: number): Promise<FaultRun> {
    const cluster = await ClusterFixture.open({ simulator: { roundTripMs } });
    const tokens = mixedTokens(recipients, set);
    const list = await cluster.base.write('list.txt', tokens.join('\n'));
    const slice = isThorough ? [] : ['--slice', String(sliceOfFew)];
    const limit = ['--max-in-flight', String(maxInFlight), ...slice, '--accepted', '--quiet'];
    const args = cluster.dispatchArgs(list, [...limit, ...options]);
    const run = new FaultRun(random, cluster, tokens, args, hasProxies);
    await Promise.all([run.addWorker(), run.addWorker(), run.addWorker()]);
    return run;
  }

  async addWorker(): Promise<void> {
    const { redis } = this.cluster;
    if (!this.#hasProxies) {
      this.#workers.add(await this.cluster.worker());
      return;
    }
    const proxy = await CutProxy.start(redis.port);
    const worker = await this.cluster.worker({ redisUrl: redis.urlAt(proxy.port) });
    this.#proxies.set(worker, proxy);
    this.#workers.add(worker);
  }

  /** Runs steps that need Redis, or take it away, one after the other. */
  withRedis(step: () => Promise<void>): Promise<void> {
    const done = this.#usesRedis.then(step);
    this.#usesRedis = done.catch(() => {});
    return done;
  }

  /** One of the workers that live and have slices, once there is one; it is not taken again until `giveBack`. */
  async takeWorker(): Promise<PealProcess> {
    let worker: PealProcess | null = null;
    await until(async () => {
      this.#assertRuns();
      await this.withRedis(async () => {
        const busy = await this.#busyWorkers();
        if (busy.length > 0) worker = this.random.pick(busy);
      });
      return worker !== null;
    }, 'a worker that lives had slices');
    this.#workers.delete(worker!);
    return worker!;
  }

  giveBack(worker: PealProcess): void {
    assert.ok(!worker.hasEnded, `a worker has ended by itself:\n${worker.stderr}`);
    this.#workers.add(worker);
  }

  wayOf(worker: PealProcess): CutProxy {
    return this.#proxies.get(worker)!;
  }

  /** Those that a worker may have sent to when it was struck: once it can write nothing more to Redis. */
  async noteUnderWay({ pid }: PealProcess): Promise<void> {
    const noted = await notedBy(this.cluster, pid);
    assert.ok(noted.length <= maxInFlight, `${noted.length} were under way at a time in one worker`);
    this.#most = Math.max(this.#most, noted.length);
    for (const token of noted) this.#underWay.add(token);
  }

  async killDispatcher(): Promise<void> {
    this.#isDispatcherAway = true;
    this.#dispatcher.kill('SIGKILL');
    await this.#dispatcher.ended;
  }

  /** By the same command, or by `peal resume`. Resolves once it holds the campaign. */
  async startDispatcher(): Promise<void> {
    const before = await this.#holder();
    const args = this.random.chance(0.5) ? this.#args : ['resume', this.cluster.base.path('out'), '--quiet'];
    const dispatcher = this.cluster.run(args);
    this.#dispatcher = dispatcher;
    this.#isDispatcherAway = false;
    await until(async () => dispatcher.hasEnded || (await this.#holder()) !== before, 'the dispatcher was at work');
  }

  /** Lets faults happen at random instants, and waits for the end of the campaign. */
  async endure(faults: readonly Fault[], isParallel: boolean): Promise<void> {
    const instants = faults.map(() => 1 + this.random.int(recipients * latestShare)).sort((a, b) => a - b);
    const lasting: Promise<void>[] = [];
    for (const [index, fault] of faults.entries()) {
      await this.#untilRequests(instants[index]!);
      const happening = fault(this);
      // A rejection is for the wait below.
      happening.catch(() => {});
      lasting.push(happening);
      if (!isParallel) await happening;
    }
    await Promise.all([...lasting, this.#untilEnd()]);
    // What a worker that was struck would still send.
    await sleep(2_000);
  }

  judge(): { readonly unknown: number; readonly neverArrived: number; readonly most: number } {
    const { base } = this.cluster;
    const { ledger } = base.simulator;
    const folder = base.path('out');
    for (const worker of this.#workers) assert.ok(!worker.hasEnded, `a worker has ended by itself:\n${worker.stderr}`);
    const verdict = judge({
      ...{ folder, tokens: this.#tokens, ledger, underWay: this.#underWay },
      ...{ resendsUnknown: false, mayBeFewer: true },
    });
    const summary = JSON.parse(readFileSync(`${folder}/summary.json`, 'utf8')) as Record<string, number>;
    const { accepted, rejected, unsent, unknown, recipients: all } = summary;
    assert.equal(accepted! + rejected! + unsent! + unknown!, all);
    assert.deepEqual([all, unsent, unknown], [this.#tokens.length, 0, verdict.unknown]);
    assert.equal(ledger.summary().duplicates, 0);
    return { unknown: verdict.unknown, neverArrived: verdict.neverArrived, most: this.#most };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    for (const proxy of this.#proxies.values()) await proxy[Symbol.asyncDispose]();
  }

  async #busyWorkers(): Promise<PealProcess[]> {
    const busy = await busyWorkers(this.cluster);
    return [...this.#workers].filter(({ pid }) => busy.some((name) => isOfProcess(name, pid)));
  }

  /** Who has the lease of the campaign, or had it last. */
  async #holder(): Promise<string> {
    const [campaign] = await this.cluster.cluster.store.campaigns();
    if (campaign === undefined) return '';
    return this.cluster.redis.cli('HGET', `peal:{${campaign.definition.id}}:campaign`, 'holder');
  }

  async #untilRequests(count: number): Promise<void> {
    await until(() => this.cluster.requests >= count || this.#hasFailed, `${count} requests came`);
    this.#assertRuns();
  }

  async #untilEnd(): Promise<void> {
    await until(() => !this.#isDispatcherAway && this.#dispatcher.hasEnded, 'the campaign ended');
    const { code, signal } = await this.#dispatcher.ended;
    const { stderr } = this.#dispatcher;
    assert.equal(signal, null, stderr);
    const { state, exitCode } = JSON.parse(readFileSync(this.cluster.base.path('out/summary.json'), 'utf8'));
    assert.deepEqual([state, code], ['finished', exitCode], stderr);
  }

  get #hasFailed(): boolean {
    return !this.#isDispatcherAway && this.#dispatcher.hasEnded;
  }

  #assertRuns(): void {
    assert.ok(!this.#hasFailed, `the dispatcher has ended early:\n${this.#dispatcher.stderr}`);
  }
}
