/** Sources of recipients that count what was pulled out of them, and call back at one point of the pulling. */
import { TokenBlock } from '../../src/push/token-block.js';
import type { Recipient } from '../../src/session/recipients/recipient.js';

/** How recipients are handed out. */
export const sourceKinds = ['async generator', 'generator', 'bare iterator', 'blocks'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/**
 * What a source does at its point, besides calling back: goes on at once, after some turns of the loop, throws, or
 * never gives anything again.
 */
export const afterPoint = ['at once', 'late', 'throw', 'never'] as const;
export type AfterPoint = (typeof afterPoint)[number];

export interface SourcePlan {
  readonly kind: SourceKind;
  /** Recipients (or blocks) that are given before the point. */
  readonly before: number;
  /** How many more may be pulled after it. */
  readonly after: number;
  readonly conduct: AfterPoint;
}

const tokensPerBlock = 700;

export class CountedSource {
  /** Recipients that were handed out: the consumer had asked for each of them. */
  pulled = 0;
  isClosed = false;
  readonly #plan: SourcePlan;
  readonly #onPoint: () => void;
  readonly #token: (number: number) => string;

  constructor(plan: SourcePlan, onPoint: () => void, token: (number: number) => string) {
    this.#plan = plan;
    this.#onPoint = onPoint;
    this.#token = token;
  }

  recipients(): Iterable<Recipient> | AsyncIterable<Recipient> {
    const { kind } = this.#plan;
    if (kind === 'generator') return this.#steps();
    if (kind !== 'bare iterator') return this.#asyncSteps();
    const steps = this.#asyncSteps();
    // An iterator that cannot be closed, as programs write them.
    return { [Symbol.asyncIterator]: () => ({ next: () => steps.next() }) };
  }

  *#steps(): Generator<Recipient> {
    const { before, after, conduct } = this.#plan;
    try {
      for (let step = 0; step < before + after; step++) {
        if (step === before) {
          this.#onPoint();
          if (conduct === 'throw') throw new Error('the database went away');
        }
        yield this.#take();
      }
    } finally {
      this.isClosed = true;
    }
  }

  async *#asyncSteps(): AsyncGenerator<Recipient> {
    const { before, after, conduct } = this.#plan;
    try {
      for (let step = 0; step < before + after; step++) {
        if (step === before) {
          this.#onPoint();
          if (conduct === 'throw') throw new Error('the database went away');
          if (conduct === 'never') await new Promise(() => {});
          for (let turn = 0; conduct === 'late' && turn < 3; turn++)
            await new Promise((resolve) => setImmediate(resolve));
        }
        yield this.#take();
      }
    } finally {
      this.isClosed = true;
    }
  }

  #take(): Recipient {
    const { kind } = this.#plan;
    if (kind !== 'blocks') return this.#token(this.pulled++);
    const tokens = Array.from({ length: tokensPerBlock }, () => this.#token(this.pulled++));
    return new TokenBlock(Buffer.from(tokens.join(''), 'hex'), tokens[0]!.length / 2, tokensPerBlock);
  }
}
