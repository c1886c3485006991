/** The contenders of each protocol. */
import { hasPeer, installPeers } from '../lib/peers.js';
import type { Skipped } from '../lib/report.js';
import type { Protocol } from '../lib/target.js';
import type { Task } from './contenders/contender.js';

/** How much of each contender is measured. */
export interface Plan {
  /** Notifications of a peal run. */
  readonly count: number;
  /** Notifications of a node:http2 run; most of the benchmark's time. */
  readonly nodeCount: number;
  readonly apnCount: number;
  /** Worker threads of "peal, threads". */
  readonly threads: number | 'auto';
  readonly window: 'large' | 'apple';
  /** Notifications of a peal run before those that are measured. Others get a tenth of them. */
  readonly warmUp: number;
}

export interface Contender {
  readonly name: string;
  readonly module: string;
  readonly task: Omit<Task, 'target' | 'payloadBytes'>;
}

export interface Contest {
  readonly protocol: Protocol;
  readonly contenders: readonly Contender[];
  readonly skipped: readonly Skipped[];
  /** Options of the simulator. */
  readonly simulator: readonly string[];
}

export function contestOf(protocol: Protocol, plan: Plan): Contest {
  return protocol === 'http2' ? http2Contest(plan) : binaryContest(plan);
}

function http2Contest({ count, nodeCount, threads, window, warmUp }: Plan): Contest {
  return {
    protocol: 'http2',
    contenders: [
      ...peal(count, warmUp, threads),
      { name: 'peal, in-process, journal', module: 'peal-journal.js', task: { count, warmUp, threads: 0 } },
      { name: 'peal, in-process, two fields', module: 'peal-personal.js', task: { count, warmUp, threads: 0 } },
      { name: 'node:http2', module: 'node-http2.js', task: { count: nodeCount, warmUp: warmUp / 10, threads: 0 } },
    ],
    skipped: [],
    simulator: window === 'large' ? ['--connection-window', 'large'] : [],
  };
}

function binaryContest({ count, apnCount, threads, warmUp }: Plan): Contest {
  const task = { count: apnCount, warmUp: warmUp / 10, threads: 0 };
  const apn = [
    { name: 'apn 1.7.8, fast mode', module: 'apn.js', task: { ...task, fastMode: true } },
    { name: 'apn 1.7.8', module: 'apn.js', task },
  ];
  const isInstalled = hasPeer('apn');
  return {
    protocol: 'binary',
    contenders: [...peal(count, warmUp, threads), ...(isInstalled ? apn : [])],
    skipped: isInstalled ? [] : [{ contender: 'apn 1.7.8', why: `It is not installed: ${installPeers}` }],
    simulator: [],
  };
}

function peal(count: number, warmUp: number, threads: number | 'auto'): Contender[] {
  return [
    { name: 'peal, in-process', module: 'peal.js', task: { count, warmUp, threads: 0 } },
    { name: `peal, threads: ${threads}`, module: 'peal.js', task: { count, warmUp, threads } },
  ];
}
