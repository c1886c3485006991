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
  for (const [place, other] of plainNamesOf(known).entries()) {
    // Names differ by as many letters as their lengths do, or more.
    if (Math.abs(plain.length - other.length) >= least && plain !== `apns${other}`) continue;
    const distance = distanceTo(plain, other, least);
    if (distance >= least) continue;
    nearest = known[place]!;
    least = distance;
  }
  return nearest;
}

/** Of lists that are asked again and again. */
const plainNames = new WeakMap<readonly string[], readonly string[]>();

function plainNamesOf(known: readonly string[]): readonly string[] {
  let names = plainNames.get(known);
  if (names === undefined) {
    names = known.map(plainName);
    plainNames.set(known, names);
  }
  return names;
}

/** Returns whether both spell the same name: `thread-id`, `thread_id`, `threadID`; `apns-collapse-id`, `collapseId`. */
export function isSameName(a: string, b: string): boolean {
  return distanceTo(plainName(a), plainName(b)) === 0;
}

/** The name in lower case, without `-` and `_`. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_\s]/g, '');
}

/**
 * The number of letters that differ. Infinity where the names are too far apart for a misspelling, or `limit` is
 * reached.
 */
function distanceTo(plain: string, other: string, limit: number = Number.POSITIVE_INFINITY): number {
  if (plain === `apns${other}`) return 0;
  const distance = editDistance(plain, other, limit);
  // A third of the letters may differ, and one letter of a short name.
  const isNear = distance <= Math.max(1, Math.floor(Math.max(plain.length, other.length) / 3));
  return isNear && distance < plain.length ? distance : Number.POSITIVE_INFINITY;
}

/**
 * Letters to insert, delete, replace or swap with their neighbour (Damerau, optimal string alignment). Infinity once
 * two rows show that they are `limit` or more.
 */
function editDistance(a: string, b: string, limit: number): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  let isFar = false;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, rows[i - 2]![j - 2]! + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (isFar && least >= limit) return Number.POSITIVE_INFINITY;
    isFar = least >= limit;
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
