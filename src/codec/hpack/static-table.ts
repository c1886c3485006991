/**
 * The static table (RFC 7541 Appendix A): what both sides know without having been told. Indices run from 1 to 61.
 * Pure data; read by encoder, decoder and field-names.
 */
import { Buffer } from 'node:buffer';

/** The entries, at their index; entry 0 is no entry. Equal names stand next to each other. */
// biome-ignore format: as many to a row as fit
const entries: readonly (readonly [name: string, value: string])[] = [
  ['', ''],
  [':authority', ''], [':method', 'GET'], [':method', 'POST'], [':path', '/'], [':path', '/index.html'],
  [':scheme', 'http'], [':scheme', 'https'], [':status', '200'], [':status', '204'], [':status', '206'],
  [':status', '304'], [':status', '400'], [':status', '404'], [':status', '500'], ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'], ['accept-language', ''], ['accept-ranges', ''], ['accept', ''],
  ['access-control-allow-origin', ''], ['age', ''], ['allow', ''], ['authorization', ''], ['cache-control', ''],
  ['content-disposition', ''], ['content-encoding', ''], ['content-language', ''], ['content-length', ''],
  ['content-location', ''], ['content-range', ''], ['content-type', ''], ['cookie', ''], ['date', ''], ['etag', ''],
  ['expect', ''], ['expires', ''], ['from', ''], ['host', ''], ['if-match', ''], ['if-modified-since', ''],
  ['if-none-match', ''], ['if-range', ''], ['if-unmodified-since', ''], ['last-modified', ''], ['link', ''],
  ['location', ''], ['max-forwards', ''], ['proxy-authenticate', ''], ['proxy-authorization', ''], ['range', ''],
  ['referer', ''], ['refresh', ''], ['retry-after', ''], ['server', ''], ['set-cookie', ''],
  ['strict-transport-security', ''], ['transfer-encoding', ''], ['user-agent', ''], ['vary', ''], ['via', ''],
  ['www-authenticate', ''],
];

/** The last index of the static table. */
export const staticEntries = 61;

/** The name at an index, 1 to 61. */
export function staticName(index: number): string {
  return entries[index]![0];
}

/** The value at an index, 1 to 61; empty where the entry has a name only. */
export function staticValue(index: number): string {
  return entries[index]![1];
}

/** All values end to end, and where the value of each index starts; the one of index i ends where i + 1 starts. */
export const staticValueBytes: Uint8Array = Buffer.from(entries.map(([, value]) => value).join(''), 'latin1');
export const staticValueStarts: Uint16Array = makeValueStarts();

/** At each index: the first index that has the same name. */
export const staticNameIds: Uint8Array = Uint8Array.from(entries, ([name]) => entries.findIndex(([n]) => n === name));

const firstIndexOfName: ReadonlyMap<string, number> = makeNameIndex();

/** The first index with that name; 0 when there is none. */
export function staticNameIndex(name: string): number {
  return firstIndexOfName.get(name) ?? 0;
}

/** The index with that name and value; 0 when there is none. */
export function staticFieldIndex(name: string, value: string): number {
  const first = staticNameIndex(name);
  if (first === 0) return 0;
  for (let index = first; index <= staticEntries && entries[index]![0] === name; index++) {
    if (entries[index]![1] === value) return index;
  }
  return 0;
}

function makeValueStarts(): Uint16Array {
  const starts = new Uint16Array(entries.length + 1);
  entries.forEach(([, value], index) => {
    starts[index + 1] = starts[index]! + value.length;
  });
  return starts;
}

function makeNameIndex(): Map<string, number> {
  const index = new Map<string, number>();
  for (let i = staticEntries; i >= 1; i--) index.set(entries[i]![0], i);
  return index;
}
