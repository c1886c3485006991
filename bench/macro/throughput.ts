/**
 * Measures the CPU time of the sending process for one notification, and the notifications per second, beside others
 * against the same gateway in the same run: node:http2, and for the binary protocol apn. The simulator runs in a
 * process of its own. The contenders run one after the other, each in a fresh process, round after round, so that the
 * noise of a machine hits all alike. Prints medians over the rounds; compare the ratios.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { SimulatorProcess, type SimulatorTarget } from '../lib/simulator-process.js';
import { median, range } from '../lib/statistics.js';
import { table } from '../lib/table.js';
import { type Plan, readPlan } from './arguments.js';
import type { Outcome, Task } from './contenders/contender.js';
import { type Contender, type Contest, contestOf } from './contests.js';
import { type MemoryResult, measureMemory } from './memory.js';

interface Result {
  readonly contender: string;
  readonly payloadBytes: number;
  readonly outcomes: Outcome[];
}

function runOnce({ name, module, task }: Contender, target: SimulatorTarget, payloadBytes: number): Outcome {
  const file = fileURLToPath(new URL(`./contenders/${module}`, import.meta.url));
  const argument = JSON.stringify({ ...task, target, payloadBytes } satisfies Task);
  // Old packages use deprecated functions of Node, whose warnings would fill the output.
  const args = ['--no-deprecation', file, argument];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 300_000 });
  if (child.status !== 0) throw new Error(`${name} ended with ${child.status ?? child.signal}:\n${child.stderr}`);
  const outcome = JSON.parse(child.stdout) as Outcome;
  if (outcome.accepted !== outcome.count)
    throw new Error(`${name}: only ${outcome.accepted} of ${outcome.count} accepted`);
  return outcome;
}

function measureThroughput({ protocol, contenders }: Contest, plan: Plan, target: SimulatorTarget): Result[] {
  return plan.payloads.flatMap((payloadBytes) => {
    const results = contenders.map(({ name }): Result => ({ contender: name, payloadBytes, outcomes: [] }));
    for (let round = 1; round <= plan.rounds; round++) {
      process.stderr.write(`${protocol}, ${payloadBytes} bytes, round ${round} of ${plan.rounds}\n`);
      contenders.forEach((contender, index) => {
        results[index]!.outcomes.push(runOnce(contender, target, payloadBytes));
      });
    }
    return results;
  });
}

const cpuOf = ({ cpuUs, count }: Outcome): number => cpuUs / count;
const rateOf = ({ count, seconds }: Outcome): number => count / seconds;
const number = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const times = (ratio: number): string => (Number.isNaN(ratio) ? '–' : `${number(ratio, ratio < 10 ? 1 : 0)} x`);

function rowsOf({ reference }: Contest, results: readonly Result[]): string[][] {
  return results.map(({ contender, payloadBytes, outcomes }) => {
    const other =
      results.find((one) => one.contender === reference && one.payloadBytes === payloadBytes)?.outcomes ?? [];
    const [cpu, rate] = [median(outcomes.map(cpuOf)), median(outcomes.map(rateOf))];
    const [lowest, highest] = range(outcomes.map(cpuOf));
    return [
      contender,
      number(payloadBytes),
      number(outcomes[0]!.count),
      number(cpu, 2),
      `${number(lowest, 2)}–${number(highest, 2)}`,
      times(median(other.map(cpuOf)) / cpu),
      number(rate),
      times(rate / median(other.map(rateOf))),
      number(median(outcomes.map(({ peakRssBytes }) => peakRssBytes)) / 1e6),
    ];
  });
}

function printContest(contest: Contest, results: readonly Result[], rounds: number): void {
  const ratios = ['cheaper by', 'per second', 'faster by'];
  const head = ['contender', 'payload B', 'count', 'CPU µs each', 'range', ...ratios, 'peak RSS MB'];
  console.log(`\n${contest.title}\n`);
  console.log(table(head, rowsOf(contest, results)));
  console.log(`\nCPU: user and system time of the sending process, all threads, medians of ${rounds} rounds,`);
  console.log(
    `after a warm-up.${contest.reference === null ? '' : ` "cheaper", "faster": than ${contest.reference}.`}`,
  );
}

function printMemory({ tokens, usage, perSecond }: MemoryResult): void {
  console.log(
    `\npeal send, ${number(tokens)} tokens from a file: peak RSS ${number(usage.peakRssBytes / 1e6)} MB, ` +
      `${number(usage.cpuUs / tokens, 2)} µs CPU each with start-up and file, ${number(perSecond)} a second`,
  );
}

async function runContest(contest: Contest, plan: Plan): Promise<Result[]> {
  await using simulator = await SimulatorProcess.start(contest.protocol, ['--ledger', 'counts', ...contest.simulator]);
  const results = measureThroughput(contest, plan, simulator.target);
  printContest(contest, results, plan.rounds);
  return results;
}

async function runMemory(plan: Plan): Promise<MemoryResult> {
  const { simulator: options } = contestOf('http2', plan);
  await using simulator = await SimulatorProcess.start('http2', ['--ledger', 'counts', ...options]);
  const memory = await measureMemory(simulator, plan.rssTokens);
  printMemory(memory);
  return memory;
}

const plan = readPlan();
const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
console.log(`\n${machine}; gateway: the simulator in a process of its own`);
const results: Record<string, Result[]> = {};
for (const protocol of plan.only === 'rss' ? [] : plan.protocols) {
  results[protocol] = await runContest(contestOf(protocol, plan), plan);
}
const memory = plan.only === 'throughput' ? null : await runMemory(plan);
if (plan.jsonFile !== null) writeFileSync(plan.jsonFile, JSON.stringify({ machine, plan, results, memory }, null, 2));
