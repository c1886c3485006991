/**
 * One run of load on a service, in a process of its own: single pushes at a fixed rate, or as many requests at a time
 * as there are connections. Latencies count from the moment at which a request was due.
 */
import { readFileSync } from 'node:fs';
import { readTask, writeResult } from '../lib/contender-process.js';
import { percentile } from '../lib/statistics.js';
import { driveInFlight, driveRate, type Sent } from '../single/drive.js';
import { alertAt, tokenAt } from '../single/texts.js';
import { HttpLoad, postRequest } from './http-load.js';

export interface ServeTask {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly bearer: string | null;
  readonly connections: number;
  /** Requests a second; null: the next as soon as one is answered. */
  readonly perSecond: number | null;
  /** Pushes in one request. */
  readonly batch: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** The process of the service, for its CPU time. */
  readonly pid: number;
}

export interface ServeResult {
  /** Requests in all, those to warm up included, and those of them that were not answered with 200 or 202. */
  readonly requestsInAll: number;
  readonly failedInAll: number;
  readonly count: number;
  readonly seconds: number;
  /** CPU time of the service while it was measured, in microseconds. */
  readonly serviceCpuUs: number;
  /** CPU time of this process in that time. */
  readonly loadCpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly highestMs: number;
}

const task = readTask<ServeTask>();
const load = new HttpLoad(task.host, task.port, task.connections);

/** By the system's clock of 100 ticks a second. */
function serviceCpuUs(): number {
  const stat = readFileSync(`/proc/${task.pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function bodyAt(index: number): string {
  const push = (at: number): object => ({
    token: tokenAt(at),
    topic: 'com.example.app',
    pushType: 'alert',
    priority: 10,
    alert: alertAt(at),
  });
  if (task.batch === 1) return JSON.stringify(push(index));
  return JSON.stringify({ pushes: Array.from({ length: task.batch }, (_, at) => push(index * task.batch + at)) });
}

const send = (index: number): Promise<boolean> =>
  new Promise((resolve) => {
    const request = postRequest(task.path, bodyAt(index), task.bearer);
    load.send(request, (status) => resolve(status === 200 || status === 202));
  });

function drive(durationMs: number, first: number): Promise<Sent> {
  if (task.perSecond === null) return driveInFlight(send, task.connections, durationMs, first);
  return driveRate(send, task.perSecond, durationMs, first);
}

const warmUp = await drive(task.warmUpMs, 0);
const [startedService, startedLoad] = [serviceCpuUs(), process.cpuUsage()];
const sent = await drive(task.measureMs, warmUp.count);
const spent = serviceCpuUs() - startedService;
const { user, system } = process.cpuUsage(startedLoad);
load.close();
const latencies = sent.latenciesMs.sort();
const result: ServeResult = {
  requestsInAll: warmUp.count + sent.count,
  failedInAll: warmUp.failed + sent.failed,
  count: sent.count,
  seconds: sent.seconds,
  serviceCpuUs: spent,
  loadCpuUs: user + system,
  p50Ms: percentile(latencies, 0.5),
  p99Ms: percentile(latencies, 0.99),
  p999Ms: percentile(latencies, 0.999),
  highestMs: latencies.at(-1) ?? 0,
};
writeResult(result);
process.exit(0);
