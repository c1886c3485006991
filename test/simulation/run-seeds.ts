/** Runs seeds one after the other in this thread. What escapes from the code under test is a violation like others. */
import type { SeedReport } from './report.js';
import { World } from './world.js';

export interface SeedRange {
  readonly from: number;
  readonly count: number;
}

/** @param print Gets a line for each event. */
export async function runSeed(seed: number, print: ((line: string) => void) | null = null): Promise<SeedReport> {
  const world = new World(seed, print);
  const onStray = (error: unknown): void => {
    world.books.violate(`an uncaught error: ${error instanceof Error ? error.stack : String(error)}`);
  };
  process.on('unhandledRejection', onStray);
  try {
    return await world.run();
  } finally {
    process.off('unhandledRejection', onStray);
  }
}

export async function runSeeds({ from, count }: SeedRange, onReport: (report: SeedReport) => void): Promise<void> {
  for (let seed = from; seed < from + count; seed++) onReport(await runSeed(seed));
}
