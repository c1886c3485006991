/**
 * Pseudo-random numbers from a seed, the same on every machine: what simulations and fuzz tests draw from, so that a
 * failure is repeated by its seed. Mulberry32: small, fast, good enough for choosing test cases and for nothing else.
 */
export class Prng {
  #state: number;

  /** @param seed Any integer; seeds that follow each other give unrelated sequences. */
  constructor(seed: number) {
    this.#state = mix(seed >>> 0) ^ mix(Math.floor(seed / 0x1_0000_0000) >>> 0);
  }

  /** A number from 0 up to, but not including, 1. */
  next(): number {
    return this.#uint32() / 0x1_0000_0000;
  }

  /** An integer from 0 up to, but not including, `below`. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** One element of a list that is not empty. */
  pick<T>(list: ArrayLike<T>): T {
    return list[this.int(list.length)] as T;
  }

  /** True with probability `p`, a number from 0 to 1. */
  chance(p: number): boolean {
    return this.next() < p;
  }

  /** An independent generator: what is drawn from it does not shift what this one gives afterwards. */
  fork(): Prng {
    return new Prng(this.#uint32());
  }

  #uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
}

/** Spreads neighbouring seeds over all 32 bits. */
function mix(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
