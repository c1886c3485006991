/**
 * Field names as small numbers, so that the reader of a header block compares numbers and makes no strings. One
 * FieldNames belongs to one decoder.
 *
 *   0        no name
 *   1 … 61   the static table's index of the name's first appearance
 *   62 … 66  further names of HTTP that are known beforehand (the constants below)
 *   67 …     names that the decoder's owner knows beforehand (KnownNames)
 *   above    names that the peer brought, in a fixed number of slots
 *
 * A peer cannot make this grow: when all slots are taken, or its names have maxRememberedNameBytes together, the next
 * new name takes the place of those that no entry of the dynamic table has; there are more slots than the table can
 * have entries. So the number of a name above the known ones is good while the table has it and until the next field
 * is reported: compare it, do not keep it.
 */
import { assert } from '../../base/assert.js';
import { maxRememberedNameBytes } from '../../base/limits.js';
import { staticEntries, staticName } from './static-table.js';

export const NAME_AUTHORITY = 1;
export const NAME_METHOD = 2;
export const NAME_PATH = 4;
export const NAME_SCHEME = 6;
export const NAME_STATUS = 8;
export const NAME_AUTHORIZATION = 23;
export const NAME_CONTENT_LENGTH = 28;
export const NAME_CONTENT_TYPE = 31;
export const NAME_RETRY_AFTER = 53;
export const NAME_TE = 66;

/** From 62 on. */
const httpNames: readonly string[] = ['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'te'];

/** The number of the first name of KnownNames. */
export const FIRST_OWN_NAME = 67;

/** The name starts with a colon. */
export const FLAG_PSEUDO = 1;
/** Lower-case token characters and at least one of them, behind a colon or not (RFC 9113 §8.2.1). */
export const FLAG_WELL_FORMED = 2;
/** Has no place in HTTP/2 (RFC 9113 §8.2.2). `te` is not marked: requests may have it, with the value `trailers`. */
export const FLAG_CONNECTION_SPECIFIC = 4;

const connectionSpecific = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);
const wellFormedName = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** Names of the peer's that are kept besides those that the dynamic table has. */
const spareSlots = 64;
/** Coded names that are remembered as they came, by a hash of their octets; a power of two. */
const spellings = 64;
const maxSpellingBytes = 32;

/** Names that are known beforehand, with what is known of them; made once and shared by many FieldNames. */
export class KnownNames {
  readonly names: string[] = [''];
  readonly ids = new Map<string, number>();
  readonly flags: Uint8Array;
  readonly byteLengths: Uint32Array;

  /** @param own Get the numbers from FIRST_OWN_NAME on, in this order. */
  constructor(own: readonly string[]) {
    for (let index = 1; index <= staticEntries; index++) this.names.push(staticName(index));
    this.names.push(...httpNames);
    assert(this.names.length === FIRST_OWN_NAME, 'names of the owner follow those of HTTP');
    this.names.push(...own);
    this.flags = new Uint8Array(this.names.length);
    this.byteLengths = new Uint32Array(this.names.length);
    for (let id = 1; id < this.names.length; id++) {
      const name = this.names[id]!;
      if (this.ids.has(name)) continue;
      this.ids.set(name, id);
      this.flags[id] = flagsOf(name);
      this.byteLengths[id] = name.length;
    }
  }
}

export class FieldNames {
  readonly #known: KnownNames;
  /** The number of the first name that the peer brings. */
  readonly #firstPeerName: number;
  /** From #firstPeerName on. */
  readonly #names: string[];
  readonly #flags: Uint8Array;
  readonly #byteLengths: Uint32Array;
  /** How many entries of the dynamic table have each name. */
  readonly #uses: Uint32Array;
  /** Of the names that the peer brought. */
  readonly #ids = new Map<string, number>();
  /** Length of those names together. */
  #peerBytes = 0;
  readonly #slots: number;
  #nextSlot = 0;
  // A direct-mapped memory of spellings: most peers spell a name in the same way in every block.
  readonly #spelledIds = new Uint32Array(spellings);
  readonly #spelledKeys = new Uint32Array(spellings);
  readonly #spelledBytes = new Uint8Array(spellings * maxSpellingBytes);

  /** @param tableEntries The most entries that the dynamic table may come to have. */
  constructor(tableEntries: number, known: KnownNames = namesOfHttp) {
    this.#known = known;
    this.#firstPeerName = known.names.length;
    this.#slots = tableEntries + spareSlots;
    const size = this.#firstPeerName + this.#slots;
    this.#names = new Array<string>(this.#slots).fill('');
    this.#flags = new Uint8Array(size);
    this.#byteLengths = new Uint32Array(size);
    this.#uses = new Uint32Array(size);
    this.#flags.set(known.flags);
    this.#byteLengths.set(known.byteLengths);
  }

  /** Length of the names that the peer brought and that are still known, in bytes. */
  get peerBytes(): number {
    return this.#peerBytes;
  }

  /** The name with that number; empty for a number that none has. */
  nameOf(id: number): string {
    return (id < this.#firstPeerName ? this.#known.names[id] : this.#names[id - this.#firstPeerName]) ?? '';
  }

  /** The number of a name, or 0 when it is not known (any more). */
  idOf(name: string): number {
    return this.#known.ids.get(name) ?? this.#ids.get(name) ?? 0;
  }

  /** The FLAG_ bits of a name. */
  flags(id: number): number {
    return this.#flags[id]!;
  }

  /** Length of a name in bytes. */
  byteLength(id: number): number {
    return this.#byteLengths[id]!;
  }

  /** The number of a name, which gets one when it has none; an unused name of the peer's may lose its own by that. */
  intern(name: string): number {
    const found = this.idOf(name);
    if (found !== 0) return found;
    let id = this.#freeSlot();
    // At most once round: what the table has stays, and is bounded by the table.
    for (let i = 0; i < this.#slots && this.#peerBytes + name.length > maxRememberedNameBytes; i++) {
      id = this.#freeSlot();
    }
    this.#names[id - this.#firstPeerName] = name;
    this.#flags[id] = flagsOf(name);
    this.#byteLengths[id] = name.length;
    this.#ids.set(name, id);
    this.#peerBytes += name.length;
    return id;
  }

  /** The next slot whose name the table does not have; the name is forgotten. */
  #freeSlot(): number {
    let id = this.#firstPeerName + this.#nextSlot;
    while (this.#uses[id] !== 0) {
      this.#nextSlot = (this.#nextSlot + 1) % this.#slots;
      id = this.#firstPeerName + this.#nextSlot;
    }
    this.#nextSlot = (this.#nextSlot + 1) % this.#slots;
    this.#forget(id);
    return id;
  }

  /** An entry of the dynamic table has the name: it keeps its number. */
  retain(id: number): void {
    this.#uses[id]!++;
  }

  /** An entry that had the name is gone. */
  release(id: number): void {
    this.#uses[id]!--;
  }

  /** The number of a name by the octets that spell it in a block; 0 when this spelling is not remembered. */
  idOfSpelling(bytes: Uint8Array, start: number, length: number, isHuffman: boolean): number {
    if (length > maxSpellingBytes) return 0;
    const place = spellingPlace(bytes, start, length);
    if (this.#spelledKeys[place] !== spellingKey(length, isHuffman)) return 0;
    const from = place * maxSpellingBytes;
    for (let i = 0; i < length; i++) {
      if (this.#spelledBytes[from + i] !== bytes[start + i]) return 0;
    }
    return this.#spelledIds[place]!;
  }

  /** Remembers that these octets, which were checked, spell the name `id`. */
  rememberSpelling(bytes: Uint8Array, start: number, length: number, isHuffman: boolean, id: number): void {
    if (length > maxSpellingBytes) return;
    const place = spellingPlace(bytes, start, length);
    this.#spelledKeys[place] = spellingKey(length, isHuffman);
    this.#spelledIds[place] = id;
    const from = place * maxSpellingBytes;
    for (let i = 0; i < length; i++) this.#spelledBytes[from + i] = bytes[start + i]!;
  }

  #forget(id: number): void {
    const name = this.#names[id - this.#firstPeerName]!;
    if (this.#ids.get(name) !== id) return;
    this.#ids.delete(name);
    this.#names[id - this.#firstPeerName] = '';
    this.#peerBytes -= name.length;
    for (let place = 0; place < spellings; place++) {
      if (this.#spelledIds[place] === id) this.#spelledKeys[place] = 0;
    }
  }
}

const namesOfHttp = new KnownNames([]);

function flagsOf(name: string): number {
  let flags = 0;
  if (name.startsWith(':')) flags |= FLAG_PSEUDO;
  if (wellFormedName.test(name)) flags |= FLAG_WELL_FORMED;
  if (connectionSpecific.has(name)) flags |= FLAG_CONNECTION_SPECIFIC;
  return flags;
}

/** Never 0, which marks a place without a spelling. */
function spellingKey(length: number, isHuffman: boolean): number {
  return ((length + 1) << 1) | (isHuffman ? 1 : 0);
}

function spellingPlace(bytes: Uint8Array, start: number, length: number): number {
  let hash = length;
  for (let i = start; i < start + length; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  return (hash ^ (hash >>> 6) ^ (hash >>> 12)) & (spellings - 1);
}
