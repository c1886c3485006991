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
