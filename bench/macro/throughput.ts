/**
 * What one notification costs, in CPU time of the sending process, beside node:http2 against the same gateway in the
 * same run. The simulator runs in a process of its own; each contender in a fresh process of its own, one after the
 * other, round after round, so that the noise of a machine hits all alike. Medians over the rounds; compare the ratios.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { SimulatorProcess, type Target } from '../lib/simulator-process.js';
import { median, range } from '../lib/statistics.js';
import { table } from '../lib/table.js';
import { type Plan, readPlan } from './arguments.js';
import type { Outcome, Task } from './contenders/contender.js';
import { measureMemory } from './memory.js';

interface Contender {
  readonly name: string;
  readonly module: string;
  readonly task: Omit<Task, 'target' | 'payloadBytes'>;
}

interface Result {
  readonly contender: string;
  readonly payloadBytes: number;
  readonly outcomes: Outcome[];
}

function contendersOf({ count, nodeCount, threads }: Plan): Contender[] {
  const warmUp = 20_000;
  return [
    { name: 'peal, in-process', module: 'peal.js', task: { count, warmUp, threads: 0 } },
    { name: `peal, threads: ${threads}`, module: 'peal.js', task: { count, warmUp, threads } },
    { name: 'node:http2', module: 'node-http2.js', task: { count: nodeCount, warmUp: 2_000, threads: 0 } },
  ];
}

function runOnce({ name, module, task }: Contender, target: Target, payloadBytes: number): Outcome {
  const file = fileURLToPath(new URL(`./contenders/${module}`, import.meta.url));
  const argument = JSON.stringify({ ...task, target, payloadBytes } satisfies Task);
  const child = spawnSync(process.execPath, [file, argument], { encoding: 'utf8', timeout: 300_000 });
  if (child.status !== 0) throw new Error(`${name} ended with ${child.status ?? child.signal}:\n${child.stderr}`);
  const outcome = JSON.parse(child.stdout) as Outcome;
  if (outcome.accepted !== outcome.count)
    throw new Error(`${name}: only ${outcome.accepted} of ${outcome.count} accepted`);
  return outcome;
}

function measureThroughput(plan: Plan, target: Target): Result[] {
  const contenders = contendersOf(plan);
  return plan.payloads.flatMap((payloadBytes) => {
    const results = contenders.map(({ name }): Result => ({ contender: name, payloadBytes, outcomes: [] }));
    for (let round = 1; round <= plan.rounds; round++) {
      process.stderr.write(`${payloadBytes} bytes, round ${round} of ${plan.rounds}\n`);
      contenders.forEach((contender, index) => {
        results[index]!.outcomes.push(runOnce(contender, target, payloadBytes));
      });
    }
    return results;
  });
}

const cpuOf = ({ cpuUs, count }: Outcome): number => cpuUs / count;
const number = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

function rowsOf(results: readonly Result[]): string[][] {
  return results.map(({ contender, payloadBytes, outcomes }) => {
    const cpu = median(outcomes.map(cpuOf));
    const [lowest, highest] = range(outcomes.map(cpuOf));
    const reference = results.find((other) => other.contender === 'node:http2' && other.payloadBytes === payloadBytes);
    const ratio = median(reference!.outcomes.map(cpuOf)) / cpu;
    return [
      contender,
      number(payloadBytes),
      number(outcomes[0]!.count),
      number(cpu, 2),
      `${number(lowest, 2)}–${number(highest, 2)}`,
      `${number(ratio, ratio < 10 ? 1 : 0)} x`,
      number(median(outcomes.map(({ count, seconds }) => count / seconds))),
      number(median(outcomes.map(({ peakRssBytes }) => peakRssBytes)) / 1e6),
    ];
  });
}

const plan = readPlan();
const window = plan.window === 'large' ? ['--connection-window', 'large'] : [];
await using simulator = await SimulatorProcess.start(['--ledger', 'counts', ...window]);
const results = plan.only === 'rss' ? [] : measureThroughput(plan, simulator.target);
const memory = plan.only === 'throughput' ? null : await measureMemory(simulator, plan.rssTokens);

const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
console.log(`\n${machine}; gateway: the simulator in a process of its own, connection window ${plan.window}\n`);
if (results.length > 0) {
  const head = ['contender', 'payload B', 'count', 'CPU µs each', 'range', 'cheaper by', 'per second', 'peak RSS MB'];
  console.log(table(head, rowsOf(results)));
  console.log(`\nCPU: user and system time of the sending process, all threads, medians of ${plan.rounds} rounds,`);
  console.log('after a warm-up over the same connection. "cheaper by": than node:http2 at the same payload.');
}
if (memory !== null) {
  const { tokens, usage, perSecond } = memory;
  console.log(
    `\npeal send, ${number(tokens)} tokens from a file: peak RSS ${number(usage.peakRssBytes / 1e6)} MB, ` +
      `${number(usage.cpuUs / tokens, 2)} µs CPU each with start-up and file, ${number(perSecond)} a second`,
  );
}
if (plan.jsonFile !== null) writeFileSync(plan.jsonFile, JSON.stringify({ machine, plan, results, memory }, null, 2));
