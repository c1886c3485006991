/**
 * Plants each bug of the table in turn, in processes of their own, and lets the simulation look for it. Prints which
 * seed found which bug, and by what. Exit code 1 if one is not found, or cannot be planted.
 *
 *     node dist/test/simulation/planted.js [--seeds 400] [--from SEED] [--processes 2] [--only TEXT]
 *
 * Without --from, the search begins where the table says (`firstSeed`), else at seed 1.
 */
import { parseArgs } from 'node:util';
import { plantedBugs } from './planted-bugs.js';
import { type Finding, look } from './planted-search.js';

/** On a machine with little else to do. */
const seedTimeoutMs = 20_000;

const words: Readonly<Record<Finding['end'], string>> = { found: 'found', missed: 'MISSED', failed: 'FAILED' };

function print({ bug, end, seed, seeds, violation, ms }: Finding): void {
  const where = seed === null ? `none of ${seeds}` : `seed ${seed}`;
  const what = violation.split('\n')[0]!.slice(0, 110);
  console.log(
    `${words[end].padEnd(7)} ${bug.name.padEnd(58)} ${where.padEnd(12)} ${(ms / 1000).toFixed(1).padStart(5)} s  ${what}`,
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
      const finding = await look(bug, {
        from: Number(values.from ?? bug.firstSeed ?? 1),
        seeds: Number(values.seeds),
        seedTimeoutMs,
      });
      findings.push(finding);
      print(finding);
    }
  };
  await Promise.all(Array.from({ length: Number(values.processes) }, work));
  const missed = findings.filter(({ end }) => end !== 'found').length;
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
  console.log(`${findings.length - missed} of ${findings.length} planted bugs found in ${seconds} s`);
  return missed === 0 ? 0 : 1;
}

process.exitCode = await main();
