/** The cost of the work of this process: CPU of all its threads, time, memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Usage {
  /** User and system time of all threads, in microseconds. */
  readonly cpuUs: number;
  readonly seconds: number;
  /** Most memory that the process has held so far, in bytes. */
  readonly peakRssBytes: number;
}

/** Runs `work` and measures it. */
export async function measured(work: () => Promise<void>): Promise<Usage> {
  const startedCpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(startedCpu);
  return { cpuUs: user + system, seconds, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
}

let collectGarbage: (() => void) | null = null;

/** Bytes of objects and buffers that are left after a collection of garbage. */
export function reachableBytes(): number {
  if (collectGarbage === null) {
    setFlagsFromString('--expose-gc');
    collectGarbage = runInNewContext('gc') as () => void;
  }
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
