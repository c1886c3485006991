/** What work costs, for tests that compare one size with another. */

/** The least CPU time of five runs of `work`, in milliseconds: a busy machine adds to some of them, never to all. */
export function leastCpuMs(work: () => void): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run++) {
    const started = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(started);
    leastMs = Math.min(leastMs, (user + system) / 1000);
  }
  return leastMs;
}

/**
 * Measures how many times as much the larger work costs, again until that is below `bound`, five times at most; returns
 * the least. Where the cost grows faster than that it does so each time, and a busy machine does not.
 */
export async function leastRatio(bound: number, measure: () => number | Promise<number>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5 && least >= bound; round++) least = Math.min(least, await measure());
  return least;
}
