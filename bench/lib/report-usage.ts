/**
 * Loaded with `node --import` into a process that is measured without its knowledge. At its end, writes its usage to
 * the file that BENCH_USAGE_FILE names.
 */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import type { Usage } from './usage.js';

const file = process.env.BENCH_USAGE_FILE;
const started = performance.now();

if (file !== undefined && isMainThread) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const seconds = (performance.now() - started) / 1000;
    const usage: Usage = { cpuUs: userCPUTime + systemCPUTime, seconds, peakRssBytes: maxRSS * 1024 };
    writeFileSync(file, JSON.stringify(usage));
  });
}
