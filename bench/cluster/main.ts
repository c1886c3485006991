/**
 * Measures what several machines cost beside one: the same list by `peal send`, and by `peal dispatch` with one, two
 * and three workers. Gateway, Redis, dispatcher and workers are processes of their own on this machine. The kinds take
 * turns, round after round. CPU time is that of a long list less that of a short one, so that starts and ends do not
 * count. Prints medians over the rounds; compare the ratios.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SimulatorProcess } from '../lib/simulator-process.js';
import { median, range } from '../lib/statistics.js';
import { table } from '../lib/table.js';
import { runDispatch, runSend } from '../macro/peal-send.js';
import { writePlainList } from '../macro/recipient-lists.js';

const peal = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const fewRecipients = 100;
const mostWorkers = 3;

/** CPU time in microseconds. */
interface Costs {
  /** Of the process that has the list. */
  readonly sender: number;
  readonly workers: number;
  readonly redis: number;
  readonly perSecond: number;
}

/** A child process whose CPU time is read while it runs. */
class Watched {
  constructor(readonly child: ChildProcess) {}

  /** User and system time by now, in microseconds. Linux counts them in hundredths of a second. */
  get cpuUs(): number {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  }

  async end(): Promise<void> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function startRedis(folder: string, port: number): Promise<Watched> {
  const settings = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', ''];
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, ...settings];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await sleep(500);
  if (child.exitCode !== null)
    throw new Error('redis-server cannot be started: install it (apt-get install redis-server)');
  return new Watched(child);
}

async function startWorker(simulator: SimulatorProcess, redis: string): Promise<Watched> {
  const { url, caFile, keyFile, keyId, teamId } = simulator.target;
  const key = ['--key', keyFile, '--key-id', keyId, '--team-id', teamId];
  const args = [peal, 'worker', '--redis', redis, '--gateway', url, '--ca', caFile, ...key, '--threads', '0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(createInterface({ input: child.stderr! }), 'line');
  return new Watched(child);
}

interface Place {
  readonly simulator: SimulatorProcess;
  readonly redis: Watched;
  readonly redisUrl: string;
}

async function sendOnce({ simulator }: Place, list: string, count: number): Promise<Costs> {
  const out = path.join(simulator.folder, 'out');
  const { usage, perSecond } = await runSend(simulator, [...messageArgs(list, out), '--threads', '0'], count);
  rmSync(out, { recursive: true });
  return { sender: usage.cpuUs, workers: 0, redis: 0, perSecond };
}

async function dispatchOnce(place: Place, workers: readonly Watched[], list: string, count: number): Promise<Costs> {
  const { simulator, redis, redisUrl } = place;
  const out = path.join(simulator.folder, 'out');
  const ofWorkers = (): number => workers.reduce((sum, { cpuUs }) => sum + cpuUs, 0);
  const [workersBefore, redisBefore] = [ofWorkers(), redis.cpuUs];
  const { usage, perSecond } = await runDispatch(simulator, [...messageArgs(list, out), '--redis', redisUrl], count);
  rmSync(out, { recursive: true });
  return { sender: usage.cpuUs, workers: ofWorkers() - workersBefore, redis: redis.cpuUs - redisBefore, perSecond };
}

const messageArgs = (list: string, out: string): string[] => [
  ...['--tokens', list, '--out', out],
  ...['--alert', 'Hello Name 1234, 12 of your orders are on their way to you. Open the app to see where they are now.'],
];

/** What one recipient more costs. */
function perRecipient(whole: Costs, few: Costs, count: number): Costs {
  const each = (of: (costs: Costs) => number): number => (of(whole) - of(few)) / (count - fewRecipients);
  return {
    sender: each(({ sender }) => sender),
    workers: each(({ workers }) => workers),
    redis: each(({ redis }) => redis),
    perSecond: whole.perSecond,
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { count: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '5' } },
  });
  const [count, rounds] = [Number(values.count), Number(values.rounds)];
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-bench-cluster-'));
  const port = await freePort();
  await using simulator = await SimulatorProcess.start('http2', []);
  const redis = await startRedis(folder, port);
  const place = { simulator, redis, redisUrl: `redis://127.0.0.1:${port}` };
  const [all, few] = [path.join(folder, 'all.txt'), path.join(folder, 'few.txt')] as const;
  await writePlainList(all, count);
  await writePlainList(few, fewRecipients);
  const results = new Map<string, Costs[]>();
  const note = (kind: string, costs: Costs): void => void results.set(kind, [...(results.get(kind) ?? []), costs]);
  for (let round = 0; round < rounds; round++) {
    await simulator.reset();
    const short = await sendOnce(place, few, fewRecipients);
    note('peal send', perRecipient(await sendOnce(place, all, count), short, count));
    const workers: Watched[] = [];
    for (let number = 1; number <= mostWorkers; number++) {
      workers.push(await startWorker(simulator, place.redisUrl));
      await simulator.reset();
      // The connections of a worker stand from here on.
      const fewCosts = await dispatchOnce(place, workers, few, fewRecipients);
      const kind = `peal dispatch, ${number} ${number === 1 ? 'worker' : 'workers'}`;
      note(kind, perRecipient(await dispatchOnce(place, workers, all, count), fewCosts, count));
    }
    await Promise.all(workers.map((worker) => worker.end()));
  }
  await redis.end();
  rmSync(folder, { recursive: true });
  print(results, count, rounds);
}

function print(results: ReadonlyMap<string, readonly Costs[]>, count: number, rounds: number): void {
  const sumOf = ({ sender, workers }: Costs): number => sender + workers;
  const one = results.get('peal send')!;
  const rows = [...results].map(([kind, costs]) => {
    const ratios = costs.map((each, round) => sumOf(each) / sumOf(one[round]!));
    const [lowest, highest] = range(ratios);
    const of = (pick: (each: Costs) => number): string => median(costs.map(pick)).toFixed(2);
    return [
      kind,
      of(({ sender }) => sender),
      of(({ workers }) => workers),
      of(sumOf),
      `${median(ratios).toFixed(2)} (${lowest.toFixed(2)}–${highest.toFixed(2)})`,
      of(({ redis }) => redis),
      Math.round(median(costs.map(({ perSecond }) => perSecond))).toLocaleString('en-US'),
    ];
  });
  console.log(
    `\n${count.toLocaleString('en-US')} recipients, ${rounds} rounds, ${cpus().length} cores; CPU µs for each recipient\n`,
  );
  console.log(table(['', 'list', 'workers', 'both', 'beside peal send', 'Redis', 'per second'], rows));
}

await main();
