/**
 * What happened in a simulated world, in order: as a digest always, so that two runs of one seed can be compared, and
 * as lines where they are wanted.
 */

export class Trace {
  #digest = 0x811c9dc5 | 0;
  #events = 0;
  readonly #now: () => number;
  readonly #print: ((line: string) => void) | null;

  constructor(now: () => number, print: ((line: string) => void) | null) {
    this.#now = now;
    this.#print = print;
  }

  /** Whether it is read: texts that only `detail` needs are not worth making otherwise. */
  get isRead(): boolean {
    return this.#print !== null;
  }

  get events(): number {
    return this.#events;
  }

  event(what: string, a = 0, b = 0, detail = ''): void {
    this.#events += 1;
    for (let i = 0; i < what.length; i++) this.#mix(what.charCodeAt(i));
    this.#mix(a);
    this.#mix(b);
    this.#mix(Math.round(this.#now() * 1000));
    if (this.#print === null) return;
    const time = (this.#now() / 1000).toFixed(4).padStart(10);
    this.#print(`${time} s  ${what} ${a} ${b}${detail === '' ? '' : `  ${detail}`}`);
  }

  /** Sixteen hex digits: of what happened, and how much. */
  toString(): string {
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return hex(this.#digest) + hex(this.#events);
  }

  #mix(value: number): void {
    this.#digest = Math.imul(this.#digest ^ (value & 0xffff), 0x01000193);
    this.#digest = Math.imul(this.#digest ^ (value >>> 16), 0x01000193);
  }
}
