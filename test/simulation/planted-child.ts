/**
 * Runs seeds until one fails or all are done: names each as it begins, and prints the one that failed as a line of
 * JSON. Started by planted with a bug in it: `node --import planted-hook.js planted-child.js FROM COUNT [WORLDS]`; with
 * the last word (binary, lasting, stream, pushes, campaign or fcm), only seeds of such worlds count.
 */
import { drawPlan } from './plan.js';
import { isOf, runSeed, type Worlds } from './run-seeds.js';

export interface PlantedVerdict {
  /** Null: none failed. */
  readonly seed: number | null;
  readonly violation: string;
  readonly seeds: number;
}

const [from, count] = process.argv.slice(2, 4).map(Number) as [number, number];
const worlds = process.argv[4] as Worlds | undefined;
let current = from;
let seeds = 0;

function end(verdict: PlantedVerdict): void {
  process.stdout.write(`${JSON.stringify(verdict)}\n`, () => process.exit(0));
}

/** What the product throws out of a timer or a callback fails a seed as much as wrong books do. */
process.once('uncaughtException', (error) => {
  end({ seed: current, violation: `uncaught ${String(error)}`, seeds });
});

let violation: string | undefined;
for (; seeds < count && violation === undefined; current++) {
  if (worlds !== undefined && !isOf(worlds, drawPlan(current))) continue;
  seeds += 1;
  process.stdout.write(`seed ${current}\n`);
  violation = (await runSeed(current)).violations[0];
}

if (violation === undefined) end({ seed: null, violation: '', seeds });
else end({ seed: current - 1, violation, seeds });
