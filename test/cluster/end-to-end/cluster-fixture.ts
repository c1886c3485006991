/**
 * A cluster of processes for tests: a Redis server, a simulator, `peal dispatch` and as many `peal worker` as a test
 * starts, each a process of its own, all on this machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Cluster, openCluster } from '../../../src/cluster/open-cluster.js';
import type { SimulatorOptions } from '../../../src/simulator/index.js';
import { Fixture, topic } from '../../cli/fixture.js';
import { until } from '../../faults/accounts.js';
import { RedisServer, type RedisServerOptions } from '../../support/redis-server.js';

const main = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

const running = new Set<PealProcess>();
process.once('exit', () => {
  for (const one of running) one.kill('SIGKILL');
});

/** A `peal` command as a process. */
export class PealProcess {
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [main, ...args], {
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    running.add(this);
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      running.delete(this);
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

export interface ClusterFixtureOptions {
  readonly simulator?: SimulatorOptions;
  readonly redis?: RedisServerOptions;
}

export class ClusterFixture implements AsyncDisposable {
  /** Simulator, credential and folder. */
  readonly base: Fixture;
  readonly redis: RedisServer;
  /** The view of this process. */
  readonly cluster: Cluster;
  readonly #processes: PealProcess[] = [];

  private constructor(base: Fixture, redis: RedisServer, cluster: Cluster) {
    this.base = base;
    this.redis = redis;
    this.cluster = cluster;
  }

  static async open({ simulator, redis: redisOptions }: ClusterFixtureOptions = {}): Promise<ClusterFixture> {
    const redis = await RedisServer.start(redisOptions);
    const base = await Fixture.open(simulator);
    return new ClusterFixture(base, redis, await openCluster({ redis: redis.url }));
  }

  /** Requests that the simulator has got. */
  get requests(): number {
    return this.base.simulator.ledger.summary().requests;
  }

  /** Resolves once it takes slices. */
  async worker(options: { readonly redisUrl?: string; readonly with?: readonly string[] } = {}): Promise<PealProcess> {
    const { redisUrl = this.redis.url } = options;
    const { credential, gateway } = this.base;
    const args = ['worker', '--redis', redisUrl, ...credential, ...gateway, '--threads', '0'];
    const worker = this.#keep(new PealProcess([...args, ...(options.with ?? [])]));
    await until(async () => worker.hasEnded || (await this.#knows(worker)), 'the worker was known', 60_000);
    if (worker.hasEnded) throw new Error(`The worker has ended:\n${worker.stdout}${worker.stderr}`);
    return worker;
  }

  workers(count: number): Promise<PealProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.worker()));
  }

  /** `peal dispatch` of a list to `--out` in the fixture's folder. */
  dispatch(list: string, more: readonly string[] = [], out = 'out'): PealProcess {
    return this.#keep(new PealProcess(this.dispatchArgs(list, more, out)));
  }

  dispatchArgs(list: string, more: readonly string[] = [], out = 'out'): string[] {
    const { gateway } = this.base;
    const address = gateway.slice(0, gateway.indexOf('--ca'));
    const message = more.includes('--payload') ? [] : ['--alert', 'Hello'];
    const where = ['--redis', this.redis.url, ...address, '--out', this.base.path(out)];
    return ['dispatch', '--tokens', list, ...message, '--topic', topic, ...where, ...more];
  }

  /** Another `peal` command. */
  run(args: readonly string[]): PealProcess {
    return this.#keep(new PealProcess(args));
  }

  /** Resolves once the simulator has got so many requests, or `process` has ended. */
  async untilRequests(count: number, process: PealProcess): Promise<void> {
    await until(() => this.requests >= count || process.hasEnded, `${count} requests came`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#processes) if (!one.hasEnded) one.kill('SIGKILL');
    await Promise.all(this.#processes.map(({ ended }) => ended));
    await this.cluster.close();
    await this.base[Symbol.asyncDispose]();
    await this.redis.stop();
  }

  #keep(one: PealProcess): PealProcess {
    this.#processes.push(one);
    return one;
  }

  async #knows({ pid }: PealProcess): Promise<boolean> {
    return (await this.cluster.store.workers()).some((worker) => worker.pid === pid);
  }
}
