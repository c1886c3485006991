/**
 * Plants each bug of the table in turn, in processes of their own, and lets the simulation look for it. Prints which
 * seed found which bug, and by what. Exit code 1 if one is not found.
 *
 *     node dist/test/simulation/planted.js [--seeds 400] [--from SEED] [--processes 2] [--only TEXT]
 *
 * Without --from, the search begins where the table says (`firstSeed`), else at seed 1.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type PlantedBug, plantedBugs } from './planted-bugs.js';
import type { PlantedVerdict } from './planted-child.js';

/** A seed that is not over after so long has found its bug as well: something spins, or waits forever. */
const seedTimeoutMs = 20_000;

const hook = new URL('./planted-hook.js', import.meta.url);
const child = fileURLToPath(new URL('./planted-child.js', import.meta.url));

interface Finding extends PlantedVerdict {
  readonly bug: PlantedBug;
  readonly isFound: boolean;
  readonly ms: number;
}

function look(bug: PlantedBug, from: number, seeds: number): Promise<Finding> {
  const beganMs = performance.now();
  return new Promise((resolve) => {
    const which = bug.worlds === undefined ? [] : [bug.worlds];
    const args = ['--import', hook.href, child, String(from), String(seeds), ...which];
    const process_ = spawn(process.execPath, args, {
      env: { ...process.env, PEAL_PLANTED_BUG: bug.name },
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
      timer.refresh();
    });
    process_.stderr.on('data', (text) => {
      err += text;
    });
    process_.on('close', () => {
      clearTimeout(timer);
      const ms = performance.now() - beganMs;
      if (hasTimedOut) {
        const seed = lastSeed(out);
        const violation = `not over after ${seedTimeoutMs / 1000} s of real time`;
        resolve({ bug, isFound: seed !== null, ms, seed, seeds: 0, violation });
        return;
      }
      const verdict = parse(out) ?? {
        seed: null,
        seeds: 0,
        violation: `the process failed: ${/\w*Error.*/.exec(err)?.[0] ?? err}`,
      };
      resolve({ bug, isFound: verdict.seed !== null, ms, ...verdict });
    });
  });
}

/** The seed that began last; null where none did. */
function lastSeed(out: string): number | null {
  const line = out.trim().split('\n').at(-1) ?? '';
  return line.startsWith('seed ') ? Number(line.slice(5)) : null;
}

function parse(out: string): PlantedVerdict | null {
  const line = out.trim().split('\n').at(-1) ?? '';
  return line.startsWith('{') ? (JSON.parse(line) as PlantedVerdict) : null;
}

function print({ bug, isFound, seed, seeds, violation, ms }: Finding): void {
  const where = seed === null ? `none of ${seeds}` : `seed ${seed}`;
  const what = violation.split('\n')[0]!.slice(0, 110);
  console.log(
    `${isFound ? 'found  ' : 'MISSED '} ${bug.name.padEnd(58)} ${where.padEnd(12)} ${(ms / 1000).toFixed(1).padStart(5)} s  ${what}`,
  );
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '400' },
      from: { type: 'string' },
      processes: { type: 'string', default: '2' },
      only: { type: 'string', default: '' },
    },
  });
  const beganMs = performance.now();
  const waiting = plantedBugs.filter(({ name }) => name.includes(values.only));
  const findings: Finding[] = [];
  const work = async (): Promise<void> => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const finding = await look(bug, Number(values.from ?? bug.firstSeed ?? 1), Number(values.seeds));
      findings.push(finding);
      print(finding);
    }
  };
  await Promise.all(Array.from({ length: Number(values.processes) }, work));
  const missed = findings.filter(({ isFound }) => !isFound).length;
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
  console.log(`${findings.length - missed} of ${findings.length} planted bugs found in ${seconds} s`);
  return missed === 0 ? 0 : 1;
}

process.exitCode = await main();
