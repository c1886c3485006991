/**
 * Draws from a seed, the same on every machine, which decide the faults of a scenario. Each connection has its own
 * draws, so that events on one do not change the draws of another. Not for secrets.
 */
export class Chance {
  #state: number;

  /** @param salt Separates draws with the same seed: the number of a connection. */
  constructor(seed: number, salt: number) {
    this.#state = mixed((seed >>> 0) ^ mixed(Math.imul(salt + 1, 0x9e3779b1) >>> 0));
  }

  /** A number from 0 up to, but not including, 1 (splitmix32). */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mixed(this.#state) / 2 ** 32;
  }

  /** Returns true with that probability. Draws nothing if the result is certain. */
  is(probability: number): boolean {
    if (probability >= 1) return true;
    return probability > 0 && this.next() < probability;
  }
}

function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}
