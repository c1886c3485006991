/** The known name that a misspelt name stands for. Pure; called where an unknown name is refused. */

/** A longer name is not compared with others. */
const maxCharacters = 64;

/**
 * Returns the known name nearest to `name`, or null where none is near. Case, `-` and `_` make no difference, nor does
 * the prefix `apns-` of Apple's header fields.
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

/** Returns whether both spell the same name: `thread-id`, `thread_id`, `threadID`; `apns-collapse-id`, `collapseId`. */
export function isSameName(a: string, b: string): boolean {
  return distanceTo(plainName(a), plainName(b)) === 0;
}

/** The name in lower case, without `-` and `_`. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_\s]/g, '');
}

/** The number of letters that differ. Infinity where the names are too far apart for a misspelling. */
function distanceTo(plain: string, other: string): number {
  if (plain === `apns${other}`) return 0;
  const distance = editDistance(plain, other);
  // A third of the letters may differ, and one letter of a short name.
  const isNear = distance <= Math.max(1, Math.floor(Math.max(plain.length, other.length) / 3));
  return isNear && distance < plain.length ? distance : Number.POSITIVE_INFINITY;
}

/** Letters to insert, delete, replace or swap with their neighbour (Damerau, optimal string alignment). */
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
