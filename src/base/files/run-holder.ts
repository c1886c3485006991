/**
 * The process that holds a folder of results, and whether it still runs. A process id alone does not tell: after a
 * crash or a restart another process may have it. So a holder also has the time of its start, the boot of the
 * machine, and the machine (with the container, where process ids are counted separately). Read from /proc if there
 * is one. Main thread.
 */
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

export interface Holder {
  readonly pid: number;
  /** When the process began, in clock ticks since the boot; `-` if unknown. */
  readonly start: string;
  /** Identifies the boot of the machine; `-` if unknown. */
  readonly boot: string;
  /** Identifies the namespace of process ids; `-` if unknown. */
  readonly namespace: string;
  readonly host: string;
}

/** The system's facts about a process id. */
export interface ProcessFacts {
  /** As in `Holder`. */
  readonly start: string;
  /** Ended, and not yet collected by its parent. */
  readonly isZombie: boolean;
}

/** Resolves with null if no process has this id. */
export type LookUp = (pid: number) => Promise<ProcessFacts | null>;

const unknown = '-';

/** This process. */
export async function thisHolder(): Promise<Holder> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => unknown);
  const namespace = await readlink('/proc/self/ns/pid').catch(() => unknown);
  return {
    pid: process.pid,
    start: (await lookUpProcess(process.pid))?.start ?? unknown,
    boot: boot.replace(/[^0-9a-f]/g, '').slice(0, 12) || unknown,
    namespace: namespace.replace(/\D/g, '') || unknown,
    host:
      hostname()
        .replace(/[^\w.-]/g, '_')
        .slice(0, 64) || unknown,
  };
}

/** A part of a file's name that `holderOf` reads. */
export function holderText({ pid, start, boot, namespace, host }: Holder): string {
  return [pid, start, boot, namespace, host].join('.');
}

/** Returns null for a text that `holderText` has not written. */
export function holderOf(text: string): Holder | null {
  const [, pid, start, boot, namespace, host] =
    /^(\d{1,10})\.(\d+|-)\.([0-9a-f]+|-)\.(\d+|-)\.([\w.-]+)$/.exec(text) ?? [];
  if (host === undefined) return null;
  return { pid: Number(pid), start: start!, boot: boot!, namespace: namespace!, host };
}

/** `elsewhere`: on another machine or in another container, so that its state is unknown. */
export type HolderState = 'running' | 'dead' | 'elsewhere';

export async function stateOf(holder: Holder, here: Holder, lookUp: LookUp = lookUpProcess): Promise<HolderState> {
  if (holder.host !== here.host) return 'elsewhere';
  if (differs(holder.boot, here.boot)) return 'dead';
  if (differs(holder.namespace, here.namespace)) return 'elsewhere';
  const facts = await lookUp(holder.pid);
  if (facts === null || facts.isZombie || differs(holder.start, facts.start)) return 'dead';
  return 'running';
}

function differs(one: string, other: string): boolean {
  return one !== unknown && other !== unknown && one !== other;
}

async function lookUpProcess(pid: number): Promise<ProcessFacts | null> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return null;
  }
  // proc(5): the state is the third field, the start the 22nd; the second, the name, may hold anything.
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { start: fields[19] ?? unknown, isZombie: fields[0] === 'Z' || fields[0] === 'X' };
}
