/**
 * The part of a message that a read ended in, kept until the rest comes. Owned by one decoder; not for whole messages,
 * which are decoded where they lie.
 */
export class Carry {
  bytes: Uint8Array;
  length = 0;

  constructor(capacityBytes: number) {
    this.bytes = new Uint8Array(capacityBytes);
  }

  /** Appends `count` bytes of `source` from `at` on. */
  append(source: Uint8Array, at: number, count: number): void {
    const needed = this.length + count;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(source.subarray(at, at + count), this.length);
    this.length = needed;
  }
}
