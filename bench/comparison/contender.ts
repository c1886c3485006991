/** One run of the benchmark of bulk sends, in a process of its own: the same alert to so many tokens in one call. */
import { randomBytes } from 'node:crypto';
import { readTask, writeResult } from '../lib/contender-process.js';
import { openSender, type SenderOptions } from '../senders/sender.js';
import { alertAt } from '../single/texts.js';

export interface BulkTask extends SenderOptions {
  readonly sender: string;
  readonly warmUp: number;
  readonly count: number;
}

export interface BulkResult {
  readonly sentInAll: number;
  /** Those that the sender did not call accepted. */
  readonly failedInAll: number;
  readonly cpuUs: number;
  readonly seconds: number;
  readonly peakRssBytes: number;
}

const task = readTask<BulkTask>();
const { warmUp, count } = task;
const tokensOf = (length: number): string[] => Array.from({ length }, () => randomBytes(32).toString('hex'));
const [first, tokens] = [tokensOf(warmUp), tokensOf(count)];
const sender = await openSender(task.sender, task);
let accepted = await sender.sendAll!(first, alertAt(0));
const startedCpu = process.cpuUsage();
const startedMs = performance.now();
accepted += await sender.sendAll!(tokens, alertAt(1));
const seconds = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage(startedCpu);
await sender.close();
const result: BulkResult = {
  ...{ sentInAll: warmUp + count, failedInAll: warmUp + count - accepted },
  ...{ cpuUs: user + system, seconds, peakRssBytes: process.resourceUsage().maxRSS * 1024 },
};
writeResult(result);
process.exit(0);
