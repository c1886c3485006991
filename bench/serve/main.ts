/**
 * Measures `peal serve`: single pushes by programs over HTTP, at a fixed rate and as fast as connections allow, against
 * the simulator with a round trip of 20 ms. The service has a core of its own where the system lets one say so; load
 * and simulator share another. Every run is checked by the simulator's count.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { benchCommand, benchOptions, wholeNumber } from '../lib/bench-options.js';
import { runContender } from '../lib/contender-process.js';
import type { Values } from '../lib/report.js';
import { number } from '../lib/report-table.js';
import { type Case, runBenchmark } from '../lib/runner.js';
import { SimulatorProcess } from '../lib/simulator-process.js';
import { topic } from '../lib/target.js';
import type { ServeResult, ServeTask } from './contender.js';

const command = benchCommand('serve', 'Measures peal serve: CPU time of a push over HTTP, rate and latency.')
  .option('--rate <n>', 'pushes a second of the runs with a fixed rate (default: 5000; 500 with --quick)', wholeNumber)
  .option('--connections <n>', 'connections of clients (default: 256)', wholeNumber)
  .option(
    '--measure-ms <ms>',
    'time of each run, after half of it to warm up (default: 4000; 200 with --quick)',
    wholeNumber,
  )
  .parse();
const options = benchOptions(command, 'serve');
const own = command.opts<{ readonly rate?: number; readonly connections?: number; readonly measureMs?: number }>();
const perSecond = own.rate ?? (options.quick ? 500 : 5_000);
const connections = own.connections ?? (options.quick ? 32 : 256);
const measureMs = own.measureMs ?? (options.quick ? 200 : 4_000);

/** Keeps a process on one core. Where there is no taskset, the system chooses. */
function pin(pid: number, core: number): void {
  spawn('taskset', ['-a', '-pc', String(core), String(pid)], { stdio: 'ignore' }).on('error', () => {});
}

class ServiceProcess implements AsyncDisposable {
  private constructor(
    readonly process: ChildProcess,
    readonly url: URL,
  ) {}

  static async start(simulator: SimulatorProcess): Promise<ServiceProcess> {
    const { url, caFile, keyFile, keyId, teamId } = simulator.target;
    const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
    const credential = ['--key', keyFile, '--key-id', keyId, '--team-id', teamId];
    const args = [
      main,
      'serve',
      '--json',
      '--port',
      '0',
      '--gateway',
      url,
      '--ca',
      caFile,
      '--topic',
      topic,
      ...credential,
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    return new ServiceProcess(child, new URL((JSON.parse(line) as { url: string }).url));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGTERM');
    if (this.process.exitCode === null) await once(this.process, 'exit');
  }
}

await using simulator = await SimulatorProcess.start('http2', ['--round-trip', '20', '--ledger', 'counts']);
await using service = await ServiceProcess.start(simulator);
pin(service.process.pid!, 0);
pin(simulator.process.pid!, 1);

interface Load {
  readonly path: string;
  readonly rate: number | null;
  readonly batch: number;
}

async function measure({ path, rate, batch }: Load): Promise<Values> {
  const { hostname: host, port } = service.url;
  const task: ServeTask = {
    ...{ host, port: Number(port), path, bearer: null, connections, perSecond: rate, batch },
    ...{ warmUpMs: measureMs / 2, measureMs, pid: service.process.pid! },
  };
  await simulator.reset();
  const result = await runContender<ServeResult>(new URL('./contender.js', import.meta.url), task);
  // Those that nobody waits for are on their way.
  for (let wait = 0; wait < 100 && (await simulator.ledger()).accepted < result.requestsInAll * batch; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { accepted } = await simulator.ledger();
  if (result.failedInAll > 0 || accepted !== result.requestsInAll * batch) {
    throw new Error(`${result.requestsInAll} requests, ${result.failedInAll} failed, ${accepted} pushes arrived`);
  }
  const { count, seconds, serviceCpuUs, loadCpuUs, p50Ms, p99Ms, highestMs } = result;
  const pushes = count * batch;
  return {
    ...{ cpuUs: serviceCpuUs / pushes, cores: serviceCpuUs / 1e6 / seconds, perSecond: pushes / seconds },
    ...{ p50Ms, p99Ms, highestMs, loadCpuUs: loadCpuUs / pushes },
  };
}

const loads: readonly (readonly [string, Load])[] = [
  [`single, ${number(perSecond)} a second`, { path: '/v1/push', rate: perSecond, batch: 1 }],
  [`single, ${number(connections)} at a time`, { path: '/v1/push', rate: null, batch: 1 }],
  [`single with wait=no, ${number(perSecond)} a second`, { path: '/v1/push?wait=no', rate: perSecond, batch: 1 }],
  [
    `50 in each request, ${number(perSecond / 50)} requests a second`,
    { path: '/v1/push', rate: perSecond / 50, batch: 50 },
  ],
];
const cases: Case[] = loads.map(([load, what]) => ({
  contender: 'peal serve',
  parameters: { load },
  measure: () => measure(what),
}));

await runBenchmark(
  {
    name: 'serve',
    title: 'peal serve: pushes over HTTP, the simulator answers after 20 ms',
    parameters: { perSecond, connections, measureMs, roundTripMs: 20 },
    metrics: {
      cpuUs: { title: 'CPU µs each', digits: 1, hasSpread: true },
      cores: { title: 'cores', digits: 2 },
      perSecond: { title: 'per second', digits: 0 },
      p50Ms: { title: 'p50 ms', digits: 1 },
      p99Ms: { title: 'p99 ms', digits: 1, hasSpread: true },
      highestMs: { title: 'highest ms', digits: 0 },
      loadCpuUs: { title: 'load µs', digits: 1 },
    },
    cases,
    plot: null,
    notes: [
      'CPU: user and system time of the process of the service, all threads, for each push. Latencies count from the moment at',
      'which a request was due. The service is kept on one core (taskset), the simulator on the other; the load runs where it can.',
    ],
  },
  options,
);
