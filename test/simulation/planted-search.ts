/** Looks for one planted bug, in a process of its own. Called by planted. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PlantedBug } from './planted-bugs.js';
import type { PlantedVerdict } from './planted-child.js';

const hook = new URL('./planted-hook.js', import.meta.url);
const child = fileURLToPath(new URL('./planted-child.js', import.meta.url));

export interface Finding extends PlantedVerdict {
  readonly bug: PlantedBug;
  /** `failed`: the process ended without a verdict, as where the bug cannot be planted. */
  readonly end: 'found' | 'missed' | 'failed';
  readonly ms: number;
}

interface Search {
  /** The first seed. */
  readonly from: number;
  /** How many are run at most. */
  readonly seeds: number;
  /** A seed that is not over after so long has found its bug as well: something spins, or waits forever. */
  readonly seedTimeoutMs: number;
}

/** Runs seeds in a process with the bug in it, until one finds the bug. */
export function look(bug: PlantedBug, { from, seeds, seedTimeoutMs }: Search): Promise<Finding> {
  const beganMs = performance.now();
  return new Promise((resolve) => {
    const which = bug.worlds === undefined ? [] : [bug.worlds];
    const args = ['--import', hook.href, child, String(from), String(seeds), ...which];
    const process_ = spawn(process.execPath, args, {
      env: { ...process.env, PEAL_PLANTED_BUG: JSON.stringify(bug) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    let hasTimedOut = false;
    const timer = setTimeout(() => {
      hasTimedOut = true;
      process_.kill('SIGKILL');
    }, seedTimeoutMs);
    process_.stdout.on('data', (text) => {
      out += text;
      timer.refresh();
    });
    process_.stderr.on('data', (text) => {
      err += text;
    });
    process_.on('close', () => {
      clearTimeout(timer);
      const ms = performance.now() - beganMs;
      resolve({ bug, ms, ...(hasTimedOut ? spinning(out, seedTimeoutMs) : (judged(out) ?? failed(err))) });
    });
  });
}

type Ending = Omit<Finding, 'bug' | 'ms'>;

/** Blames the seed that began last. */
function spinning(out: string, seedTimeoutMs: number): Ending {
  const line = lastLine(out);
  const seed = line.startsWith('seed ') ? Number(line.slice(5)) : null;
  const violation = `not over after ${seedTimeoutMs / 1000} s of real time`;
  return { end: seed === null ? 'failed' : 'found', seed, seeds: 0, violation };
}

function judged(out: string): Ending | null {
  const line = lastLine(out);
  if (!line.startsWith('{')) return null;
  const verdict = JSON.parse(line) as PlantedVerdict;
  return { end: verdict.seed === null ? 'missed' : 'found', ...verdict };
}

function failed(err: string): Ending {
  const why = /^\w*Error.*/m.exec(err)?.[0] ?? err.trim();
  return { end: 'failed', seed: null, seeds: 0, violation: why };
}

function lastLine(out: string): string {
  return out.trim().split('\n').at(-1) ?? '';
}
