/**
 * Every device token that the simulator has seen, packed: an open-addressing hash table over typed arrays, without an
 * object or a string for a token. About 70 bytes for a token of 32. Owned by the ledger, on its thread.
 *
 *   slots    [hash, entry + 1][hash, entry + 1][0, 0] …      two words each, a power of two of them, at most 70 % taken
 *                        │
 *   entries   offsets[e] lengths[e] requests[e] answers[e]   in the order of arrival
 *                 │
 *   pages     [token bytes, end to end, none across the end of a page]
 */
import { Buffer } from 'node:buffer';

const pageBits = 20;
const pageBytes = 1 << pageBits;
const firstSlots = 1 << 12;
/** Share of the slots that may be taken, in percent. */
const fullPercent = 70;

/** Lower-case hex for APNs' tokens; FCM's are text themselves. */
export type TokenText = 'hex' | 'latin1';

export class TokenTable {
  #slots = new Uint32Array(2 * firstSlots);
  #mask = firstSlots - 1;
  #pages: Uint8Array[] = [];
  #pageFill = pageBytes;
  #offsets = new Uint32Array(firstSlots);
  #lengths = new Uint16Array(firstSlots);
  #count = 0;
  /** How often each token was asked for. */
  requests = new Uint32Array(firstSlots);
  /** The last answer to each token (answers.ts). */
  answers = new Uint16Array(firstSlots);

  readonly #encoding: TokenText;

  /** @param encoding How tokens are written as text. */
  constructor(encoding: TokenText = 'hex') {
    this.#encoding = encoding;
  }

  /** Tokens in the table. */
  get count(): number {
    return this.#count;
  }

  /** Returns the entry of a token, and makes one if the token is new. `hash` is lane a of its TokenHash. */
  locate(token: Uint8Array, length: number, hash: number): number {
    const unsigned = hash >>> 0;
    let slot = unsigned & this.#mask;
    for (;;) {
      const taken = this.#slots[2 * slot + 1]!;
      if (taken === 0) break;
      if (this.#slots[2 * slot]! === unsigned && this.#isAt(taken - 1, token, length)) return taken - 1;
      slot = (slot + 1) & this.#mask;
    }
    const entry = this.#append(token, length);
    this.#slots[2 * slot] = unsigned;
    this.#slots[2 * slot + 1] = entry + 1;
    if (this.#count * 100 > (this.#mask + 1) * fullPercent) this.#spread();
    return entry;
  }

  /** Returns the entry of a token, or -1. */
  find(token: Uint8Array, length: number, hash: number): number {
    const unsigned = hash >>> 0;
    for (let slot = unsigned & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const taken = this.#slots[2 * slot + 1]!;
      if (taken === 0) return -1;
      if (this.#slots[2 * slot]! === unsigned && this.#isAt(taken - 1, token, length)) return taken - 1;
    }
  }

  /** The token of an entry as text. */
  textOf(entry: number): string {
    const offset = this.#offsets[entry]!;
    const page = this.#pages[offset >>> pageBits]!;
    return Buffer.from(page.buffer, offset & (pageBytes - 1), this.#lengths[entry]).toString(this.#encoding);
  }

  /** Sets all counts and answers back. The tokens keep their entries. */
  forgetRequests(): void {
    this.requests.fill(0);
    this.answers.fill(0);
  }

  #isAt(entry: number, token: Uint8Array, length: number): boolean {
    if (this.#lengths[entry] !== length) return false;
    const offset = this.#offsets[entry]!;
    const page = this.#pages[offset >>> pageBits]!;
    const start = offset & (pageBytes - 1);
    for (let i = 0; i < length; i++) if (page[start + i] !== token[i]) return false;
    return true;
  }

  #append(token: Uint8Array, length: number): number {
    if (this.#pageFill + length > pageBytes) {
      this.#pages.push(new Uint8Array(pageBytes));
      this.#pageFill = 0;
    }
    const page = this.#pages[this.#pages.length - 1]!;
    for (let i = 0; i < length; i++) page[this.#pageFill + i] = token[i]!;
    const entry = this.#count++;
    if (entry === this.#offsets.length) this.#growEntries();
    this.#offsets[entry] = (((this.#pages.length - 1) << pageBits) | this.#pageFill) >>> 0;
    this.#lengths[entry] = length;
    this.#pageFill += length;
    return entry;
  }

  #growEntries(): void {
    const size = this.#offsets.length * 2;
    const offsets = new Uint32Array(size);
    const lengths = new Uint16Array(size);
    const requests = new Uint32Array(size);
    const answers = new Uint16Array(size);
    offsets.set(this.#offsets);
    lengths.set(this.#lengths);
    requests.set(this.requests);
    answers.set(this.answers);
    this.#offsets = offsets;
    this.#lengths = lengths;
    this.requests = requests;
    this.answers = answers;
  }

  /** Doubles the slots. The hashes are in them, so the tokens are not read. */
  #spread(): void {
    const old = this.#slots;
    const mask = this.#mask * 2 + 1;
    const slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue;
      let slot = old[at]! & mask;
      while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
      slots[2 * slot] = old[at]!;
      slots[2 * slot + 1] = old[at + 1]!;
    }
    this.#slots = slots;
    this.#mask = mask;
  }
}
