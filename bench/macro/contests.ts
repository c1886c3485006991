/** The contenders of each protocol. */
import { hasPeer, installPeers } from '../lib/peers.js';
import type { Protocol } from '../lib/target.js';
import type { Plan } from './arguments.js';
import type { Task } from './contenders/contender.js';

export interface Contender {
  readonly name: string;
  readonly module: string;
  readonly task: Omit<Task, 'target' | 'payloadBytes'>;
}

export interface Contest {
  readonly protocol: Protocol;
  readonly title: string;
  readonly contenders: readonly Contender[];
  /** Name of the contender that all are compared with; null if it is not installed. */
  readonly reference: string | null;
  /** Options of the simulator. */
  readonly simulator: readonly string[];
}

const warmUp = 20_000;

export function contestOf(protocol: Protocol, plan: Plan): Contest {
  return protocol === 'http2' ? http2Contest(plan) : binaryContest(plan);
}

function http2Contest({ count, nodeCount, threads, window }: Plan): Contest {
  return {
    protocol: 'http2',
    title: `HTTP/2, the gateway's connection window ${window}`,
    contenders: [
      ...peal(count, threads),
      { name: 'peal, in-process, journal', module: 'peal-journal.js', task: { count, warmUp, threads: 0 } },
      { name: 'peal, in-process, two fields', module: 'peal-personal.js', task: { count, warmUp, threads: 0 } },
      { name: 'node:http2', module: 'node-http2.js', task: { count: nodeCount, warmUp: 2_000, threads: 0 } },
    ],
    reference: 'node:http2',
    simulator: window === 'large' ? ['--connection-window', 'large'] : [],
  };
}

function binaryContest({ count, apnCount, threads }: Plan): Contest {
  const task = { count: apnCount, warmUp: 2_000, threads: 0 };
  const apn = [
    { name: 'apn 1.7.8, fast mode', module: 'apn.js', task: { ...task, fastMode: true } },
    { name: 'apn 1.7.8', module: 'apn.js', task },
  ];
  const isInstalled = hasPeer('apn');
  if (!isInstalled) process.stderr.write(`apn is not installed, and left out: ${installPeers}\n`);
  return {
    protocol: 'binary',
    title: 'binary protocol',
    contenders: [...peal(count, threads), ...(isInstalled ? apn : [])],
    reference: isInstalled ? 'apn 1.7.8' : null,
    simulator: [],
  };
}

function peal(count: number, threads: number | 'auto'): Contender[] {
  return [
    { name: 'peal, in-process', module: 'peal.js', task: { count, warmUp, threads: 0 } },
    { name: `peal, threads: ${threads}`, module: 'peal.js', task: { count, warmUp, threads } },
  ];
}
