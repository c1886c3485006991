/**
 * One run of the benchmark of single sends, in a process of its own: a sender, a number of sends in flight or a fixed
 * rate, and for how long. Every payload is another.
 */
import { readTask, writeResult } from '../lib/contender-process.js';
import { percentile } from '../lib/statistics.js';
import { reachableBytes } from '../lib/usage.js';
import { openSender, type SenderOptions } from '../senders/sender.js';
import { driveInFlight, driveList, driveRate, type Sent } from './drive.js';
import { alertAt, tokenAt } from './texts.js';

export type Load =
  /** As soon as one send is over, the next begins. */
  | { readonly kind: 'in flight'; readonly inFlight: number }
  /** So many sends are due each second, whatever becomes of those before. */
  | { readonly kind: 'rate'; readonly perSecond: number }
  /** One call with so many messages. */
  | { readonly kind: 'list'; readonly messages: number };

export interface SingleTask extends SenderOptions {
  readonly sender: string;
  readonly load: Load;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface SingleResult {
  /** Sends in all, those to warm up included: what the gateway must have counted. */
  readonly sentInAll: number;
  readonly count: number;
  /** Those, with those to warm up, that the sender did not call accepted. */
  readonly failedInAll: number;
  readonly cpuUs: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Most memory of the process during the run, above what it had before its first send, in bytes. */
  readonly grownBytes: number;
  /** What is reachable while as many sends as were in flight have just begun, above an idle process, in bytes. */
  readonly heldBytes: number;
}

const task = readTask<SingleTask>();
const { load } = task;
const sender = await openSender(task.sender, task);

/** @param isWarmUp a list is a tenth as long then */
async function drive(durationMs: number, first: number, isWarmUp: boolean): Promise<Sent> {
  if (load.kind === 'list') return driveList(sender, isWarmUp ? Math.ceil(load.messages / 10) : load.messages, first);
  const send = (index: number): Promise<boolean> => sender.sendOne!(tokenAt(index), alertAt(index));
  if (load.kind === 'rate') return driveRate(send, load.perSecond, durationMs, first);
  return driveInFlight(send, load.inFlight, durationMs, first);
}

/** Begins `count` sends at once, and looks at what they hold before any of them has its answer. */
async function heldBy(count: number, first: number): Promise<{ bytes: number; count: number; failed: number }> {
  const idle = reachableBytes();
  const sends = Array.from({ length: count }, (_, index) =>
    sender.sendOne!(tokenAt(first + index), alertAt(first + index)),
  );
  await new Promise((resolve) => process.nextTick(resolve));
  const bytes = reachableBytes() - idle;
  const outcomes = await Promise.all(sends);
  return { bytes, count, failed: outcomes.filter((isAccepted) => !isAccepted).length };
}

/** Opens the connection. */
if (sender.sendOne !== undefined && !(await sender.sendOne(tokenAt(0), alertAt(0)))) throw new Error('not accepted');
const opening = sender.sendOne === undefined ? 0 : 1;
const idleBytes = process.memoryUsage.rss();
const warmUp = await drive(task.warmUpMs, opening, true);
const startedCpu = process.cpuUsage();
const sent = await drive(task.measureMs, opening + warmUp.count, false);
const { user, system } = process.cpuUsage(startedCpu);
const peakBytes = process.resourceUsage().maxRSS * 1024;
const held = await heldBy(load.kind === 'in flight' ? load.inFlight : 0, opening + warmUp.count + sent.count);
await sender.close();
const latencies = sent.latenciesMs.sort();
const result: SingleResult = {
  sentInAll: opening + warmUp.count + sent.count + held.count,
  failedInAll: warmUp.failed + sent.failed + held.failed,
  heldBytes: held.bytes,
  ...{ count: sent.count, cpuUs: user + system, seconds: sent.seconds, grownBytes: peakBytes - idleBytes },
  ...{ p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) },
};
writeResult(result);
process.exit(0);
