/**
 * Measures the CPU time of the sending process for one notification, and the notifications per second, beside others
 * against the same gateway in the same run: node:http2, and for the binary protocol apn. The simulator runs in a
 * process of its own, and each contender in a fresh one; every run is checked by what was accepted.
 */
import { InvalidArgumentError, Option } from 'commander';
import { benchCommand, benchOptions, wholeNumber, wholeNumbers } from '../lib/bench-options.js';
import { runContender } from '../lib/contender-process.js';
import type { Values } from '../lib/report.js';
import { type Case, runBenchmark } from '../lib/runner.js';
import { SimulatorProcess } from '../lib/simulator-process.js';
import type { Protocol } from '../lib/target.js';
import type { Outcome, Task } from './contenders/contender.js';
import { type Contender, contestOf, type Plan } from './contests.js';
import { measureCommand } from './memory.js';

function protocolsOf(text: string): Protocol[] {
  return text.split(',').map((name) => {
    if (name === 'http2' || name === 'binary') return name;
    throw new InvalidArgumentError('Expected http2 or binary.');
  });
}

const command = benchCommand('throughput', 'Measures bulk sends: CPU time and rate beside node:http2 and apn.')
  .option('--count <n>', 'notifications of a peal run (default: 200000)', wholeNumber)
  .option('--node-count <n>', 'notifications of a node:http2 run (default: 20000)', wholeNumber)
  .option('--apn-count <n>', 'notifications of an apn run (default: 20000)', wholeNumber)
  .option('--protocol <names>', 'http2, binary, or both with a comma (default: both)', protocolsOf)
  .option('--payloads <n,n>', 'bytes of payload (default: 120,2000; 120 with --quick)', wholeNumbers)
  .option('--threads <n|auto>', 'worker threads of "peal, threads"', 'auto')
  .addOption(
    new Option('--window <kind>', "the gateway's connection window; apple: 65,535 bytes")
      .choices(['large', 'apple'])
      .default('large'),
  )
  .option('--rss-tokens <n>', 'recipients of the run of peal send (default: 1000000)', wholeNumber)
  .option('--no-rss', 'without the run of peal send')
  .parse();
const options = benchOptions(command, 'throughput');
const own = command.opts<
  Partial<Pick<Plan, 'count' | 'nodeCount' | 'apnCount'>> & {
    readonly protocol?: Protocol[];
    readonly payloads?: number[];
    readonly threads: string;
    readonly window: Plan['window'];
    readonly rssTokens?: number;
    readonly rss: boolean;
  }
>();
const count = (full: number): number => (options.quick ? 1_000 : full);
const plan: Plan = {
  count: own.count ?? count(200_000),
  nodeCount: own.nodeCount ?? count(20_000),
  apnCount: own.apnCount ?? count(20_000),
  threads: own.threads === 'auto' ? 'auto' : wholeNumber(own.threads),
  window: own.window,
  warmUp: count(20_000),
};
const payloads = own.payloads ?? (options.quick ? [120] : [120, 2_000]);
const rssTokens = own.rssTokens ?? count(1_000_000);

const protocolNames: Readonly<Record<Protocol, string>> = { http2: 'HTTP/2', binary: 'binary' };

async function runOnce(
  { name, module, task }: Contender,
  simulator: SimulatorProcess,
  payloadBytes: number,
): Promise<Values> {
  const whole: Task = { ...task, target: simulator.target, payloadBytes };
  const outcome = await runContender<Outcome>(new URL(`./contenders/${module}`, import.meta.url), whole);
  const { accepted, cpuUs, seconds, peakRssBytes } = outcome;
  if (accepted !== outcome.count) throw new Error(`${name}: only ${accepted} of ${outcome.count} accepted`);
  return { cpuUs: cpuUs / accepted, perSecond: accepted / seconds, peakRssMb: peakRssBytes / 1e6 };
}

function casesOf(simulator: SimulatorProcess, contenders: readonly Contender[]): Case[] {
  const { protocol } = simulator.target;
  return payloads.flatMap((payloadBytes) =>
    contenders.map((contender): Case => {
      const parameters = { protocol: protocolNames[protocol], payloadBytes, count: contender.task.count };
      return { contender: contender.name, parameters, measure: () => runOnce(contender, simulator, payloadBytes) };
    }),
  );
}

/** An alert whose payload has so many bytes. */
const alertOf = (bytes: number): string => 'x'.repeat(bytes - JSON.stringify({ aps: { alert: '' } }).length);

/** The whole command, with its start and the reading of the file. */
function commandCase(simulator: SimulatorProcess, payloadBytes: number): Case {
  return {
    contender: 'peal send, tokens from a file',
    parameters: { protocol: protocolNames.http2, payloadBytes, count: rssTokens },
    measure: async () => {
      const { usage, perSecond } = await measureCommand(simulator, rssTokens, alertOf(payloadBytes));
      return { cpuUs: usage.cpuUs / rssTokens, perSecond, peakRssMb: usage.peakRssBytes / 1e6 };
    },
  };
}

const contests = (own.protocol ?? (['http2', 'binary'] as const)).map((protocol) => contestOf(protocol, plan));
const simulators: SimulatorProcess[] = [];
try {
  const cases: Case[] = [];
  for (const { protocol, contenders, simulator: how } of contests) {
    const simulator = await SimulatorProcess.start(protocol, ['--ledger', 'counts', ...how]);
    simulators.push(simulator);
    cases.push(...casesOf(simulator, contenders));
    if (own.rss && protocol === 'http2') cases.push(commandCase(simulator, payloads[0]!));
  }
  const sort = [...new Set(cases.map(({ contender }) => contender))];
  await runBenchmark(
    {
      name: 'throughput',
      title: 'Bulk sends, the gateway a simulator in a process of its own',
      parameters: { ...plan, payloads, rssTokens },
      metrics: {
        cpuUs: { title: 'CPU µs each', digits: 2, hasSpread: true },
        perSecond: { title: 'per second', digits: 0 },
        peakRssMb: { title: 'peak RSS MB', digits: 0 },
      },
      comparison: {
        title: 'cheaper by',
        contenders: ['node:http2', 'apn 1.7.8'],
        by: ['protocol', 'payloadBytes'],
        metric: 'cpuUs',
      },
      cases,
      skipped: contests.flatMap((contest) => contest.skipped),
      plot: {
        facet: {
          column: { field: 'payloadBytes', type: 'ordinal', title: 'bytes of payload' },
          row: { field: 'protocol', type: 'nominal', title: null },
        },
        spec: {
          ...{ width: 280, height: { step: 18 } },
          encoding: {
            y: { field: 'contender', type: 'nominal', sort, title: null, axis: { labelLimit: 0 } },
            x: { field: 'cpuUs', type: 'quantitative', title: 'CPU µs each', scale: { type: 'log' } },
          },
          layer: [
            { mark: { type: 'point', filled: true, size: 60 } },
            { mark: 'rule', encoding: { x: { field: 'cpuUsLowest' }, x2: { field: 'cpuUsHighest' } } },
            {
              mark: { type: 'text', align: 'left', dx: 8 },
              encoding: { text: { field: 'cpuUs', type: 'quantitative', format: '.3~r' } },
            },
          ],
        },
        resolve: { scale: { y: 'independent' } },
      },
      notes: [
        'CPU: user and system time of the sending process, all threads, after a warm-up (peal send: with start and file).',
        'Cheaper: than node:http2, and over the binary protocol than apn 1.7.8, round by round.',
      ],
    },
    options,
  );
} finally {
  for (const simulator of simulators) await simulator[Symbol.asyncDispose]();
}
