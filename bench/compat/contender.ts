/**
 * One run of the benchmark of libraries with one interface, in a process of its own: single sends, or one call with
 * many tokens.
 */
import { randomBytes } from 'node:crypto';
import { readTask, writeResult } from '../lib/contender-process.js';
import { percentile } from '../lib/statistics.js';
import { openSender, type Sender, type SenderOptions } from '../senders/sender.js';
import { driveInFlight, type Sent } from '../single/drive.js';
import { alertAt, tokenAt } from '../single/texts.js';

export interface CompatTask extends SenderOptions {
  readonly sender: string;
  /** Sends, each with one token and a notification of its own; or one call with as many tokens. */
  readonly way: 'single sends' | 'one call';
  readonly count: number;
  /** Single sends under way at a time. */
  readonly inFlight: number;
  /** Notifications before those that are measured, which open the connections. */
  readonly warmUp: number;
}

export interface CompatResult {
  /** Notifications in all, those to warm up included. */
  readonly sentInAll: number;
  /** Of them, those that the library called accepted. */
  readonly acceptedInAll: number;
  /** Of those that are measured. */
  readonly accepted: number;
  readonly cpuUs: number;
  readonly seconds: number;
  /** Of single sends; otherwise null. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly peakRssBytes: number;
  /** Peak above what the process had before it sent anything. */
  readonly grownBytes: number;
}

interface Run extends Sent {
  readonly cpuUs: number;
}

const task = readTask<CompatTask>();
const { way, count, inFlight, warmUp } = task;
const sender = await openSender(task.sender, task);

async function run(notifications: number, first: number): Promise<Run> {
  const tokens = way === 'one call' ? Array.from({ length: notifications }, () => randomBytes(32).toString('hex')) : [];
  const startedCpu = process.cpuUsage();
  const sent = way === 'one call' ? await callOnce(sender, tokens) : await sendSingly(notifications, first);
  const { user, system } = process.cpuUsage(startedCpu);
  return { ...sent, cpuUs: user + system };
}

function sendSingly(sends: number, first: number): Promise<Sent> {
  const send = (index: number): Promise<boolean> => sender.sendOne!(tokenAt(index), alertAt(index));
  return driveInFlight(send, Math.min(inFlight, sends), Number.POSITIVE_INFINITY, first, sends);
}

async function callOnce({ sendAll }: Sender, tokens: readonly string[]): Promise<Sent> {
  const startedMs = performance.now();
  const accepted = await sendAll!(tokens, alertAt(0));
  const seconds = (performance.now() - startedMs) / 1000;
  return { count: tokens.length, failed: tokens.length - accepted, seconds, latenciesMs: new Float64Array(0) };
}

const idleBytes = process.memoryUsage.rss();
const first = await run(warmUp, 0);
const measured = await run(count, warmUp);
const peakRssBytes = process.resourceUsage().maxRSS * 1024;
await sender.close();
const latencies = measured.latenciesMs.sort();
const isSingle = way === 'single sends';
const accepted = measured.count - measured.failed;
const result: CompatResult = {
  ...{ sentInAll: first.count + measured.count, acceptedInAll: first.count - first.failed + accepted, accepted },
  ...{ cpuUs: measured.cpuUs, seconds: measured.seconds, peakRssBytes, grownBytes: peakRssBytes - idleBytes },
  p50Ms: isSingle ? percentile(latencies, 0.5) : null,
  p99Ms: isSingle ? percentile(latencies, 0.99) : null,
};
writeResult(result);
process.exit(0);
