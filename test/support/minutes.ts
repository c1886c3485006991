/** Judges a rate by what came: the most in any minute, wherever it begins. */

/**
 * The most of `taken`, which is in the order of time, in any 60 s: what comes exactly 60 s later is in the next ones.
 */
export function mostInAnyMinute(taken: readonly { readonly atMs: number; readonly count: number }[]): number {
  let most = 0;
  let within = 0;
  let first = 0;
  for (const { atMs, count } of taken) {
    within += count;
    while (taken[first]!.atMs <= atMs - 60_000) within -= taken[first++]!.count;
    most = Math.max(most, within);
  }
  return most;
}
