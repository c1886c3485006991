/**
 * The known name that was meant by a misspelt one. Pure; called where an unknown name is refused.
 */

/** Beyond this a name is not read for its likeness to others. */
const maxCharacters = 64;

/**
 * The known name nearest to `name`, or null where none is near. Other case, `-` and `_` count as no difference, nor does
 * the `apns-` that Apple's header fields begin with.
 *
 * @param most letters that may differ. Default: a third of them
 */
export function nearestName(
  name: string,
  known: readonly string[],
  most: number = Number.POSITIVE_INFINITY,
): string | null {
  const plain = plainName(name);
  if (plain === '' || plain.length > maxCharacters) return null;
  let nearest: string | null = null;
  let least = most + 1;
  for (const candidate of known) {
    const distance = distanceTo(plain, plainName(candidate));
    if (distance >= least) continue;
    nearest = candidate;
    least = distance;
  }
  return nearest;
}

/** Whether both spell one name: `thread-id`, `thread_id`, `threadID`; `apns-collapse-id`, `collapseId`. */
export function isSameName(a: string, b: string): boolean {
  return distanceTo(plainName(a), plainName(b)) === 0;
}

/** A name without what spellings of it differ in. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_\s]/g, '');
}

/** Infinity where they are too far apart for one to be meant by the other. */
function distanceTo(plain: string, other: string): number {
  if (plain === `apns${other}`) return 0;
  const distance = editDistance(plain, other);
  // A third of the letters may differ; of short names one.
  const isNear = distance <= Math.max(1, Math.floor(Math.max(plain.length, other.length) / 3));
  return isNear && distance < plain.length ? distance : Number.POSITIVE_INFINITY;
}

/** Letters to put in, leave out, exchange or swap with their neighbour (Damerau, optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, rows[i - 2]![j - 2]! + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
