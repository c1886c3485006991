/**
 * Fresh apns-ids: random UUIDs (version 4) of a small seeded generator, written as text straight into an answer. One
 * for all connections of a simulator, on its thread. Not for secrets.
 */

/** Characters of a UUID. */
export const apnsIdCharacters = 36;

/** Two hex digits for each octet, as `setUint16` writes them. */
const hexPairs = new Uint16Array(256);
for (let value = 0; value < 256; value++) {
  const text = value.toString(16).padStart(2, '0');
  hexPairs[value] = (text.charCodeAt(0) << 8) | text.charCodeAt(1);
}
const dash = 0x2d;

/** xoshiro128** by its published recurrence; the seed is spread by splitmix32. */
export class ApnsIds {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next();
  }

  /** Writes the next id, 36 lower-case characters, at `at`. */
  write(view: DataView, at: number): void {
    writeWord(view, at, this.#word());
    view.setUint8(at + 8, dash);
    const second = (this.#word() & 0xffff0fff) | 0x4000; // version 4
    writeHalf(view, at + 9, second >>> 16);
    view.setUint8(at + 13, dash);
    writeHalf(view, at + 14, second);
    view.setUint8(at + 18, dash);
    const third = (this.#word() & 0x3fffffff) | 0x80000000; // variant 1
    writeHalf(view, at + 19, third >>> 16);
    view.setUint8(at + 23, dash);
    writeHalf(view, at + 24, third);
    writeWord(view, at + 28, this.#word());
  }

  #word(): number {
    const times5 = Math.imul(this.#b, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }
}

/** Eight hex digits. */
function writeWord(view: DataView, at: number, value: number): void {
  writeHalf(view, at, value >>> 16);
  writeHalf(view, at + 4, value);
}

/** The low sixteen bits as four hex digits. */
function writeHalf(view: DataView, at: number, value: number): void {
  view.setUint16(at, hexPairs[(value >>> 8) & 0xff]!);
  view.setUint16(at + 2, hexPairs[value & 0xff]!);
}
