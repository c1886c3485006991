/**
 * The answer that a device token gets although its request is valid: because its first digits ask for it, or because it
 * is among the fraction that is rejected. The same token gets the same answer in every run with the same seed. One
 * for all connections of a simulator.
 */
import { ACCEPTED_ANSWER, INVALID_TOKEN, isTokenAnswer } from '../settings/answers.js';
import type { SimulatorSettings } from '../settings/simulator-settings.js';
import { binaryScriptAnswer } from './binary-script.js';
import { scriptedAnswer } from './token-script.js';

export class TokenAnswers {
  readonly #isScripted: boolean;
  /** Tokens are rejected if their draw, an unsigned 32-bit number, is below this. */
  readonly #rejectBelow: number;
  readonly #rejectAnswers: readonly number[];
  readonly #seed: number;

  constructor(settings: SimulatorSettings) {
    this.#isScripted = settings.scripted;
    this.#rejectBelow = settings.rejectFraction * 2 ** 32;
    this.#rejectAnswers = settings.rejectAnswers;
    this.#seed = settings.seed;
  }

  /** @param a Lanes of the token's TokenHash. */
  answerFor(token: Uint8Array, length: number, a: number, b: number): number {
    if (this.#isScripted) {
      const scripted = scriptedAnswer(token, length);
      if (scripted >= 0) return scripted;
    }
    return this.drawn(a, b);
  }

  /**
   * Like `answerFor`, over the binary protocol. A token that HTTP/2 would reject because of the token (also one of the
   * fraction) is an invalid one here. Other scripts of HTTP/2 mean nothing here.
   */
  binaryAnswerFor(token: Uint8Array, length: number, a: number, b: number): number {
    if (this.#isScripted && token[0] === 0xfe) {
      const scripted = binaryScriptAnswer(token, length);
      if (scripted >= 0) return scripted;
      const meant = scriptedAnswer(token, length);
      if (meant >= 0) return isTokenAnswer(meant) ? INVALID_TOKEN : ACCEPTED_ANSWER;
    }
    return this.drawn(a, b) === ACCEPTED_ANSWER ? ACCEPTED_ANSWER : INVALID_TOKEN;
  }

  /** The answer by draw alone. */
  drawn(a: number, b: number): number {
    if (this.#rejectBelow === 0 || draw(a, this.#seed) >= this.#rejectBelow) return ACCEPTED_ANSWER;
    return this.#rejectAnswers[draw(b, this.#seed) % this.#rejectAnswers.length]!;
  }
}

/** A uniform draw from a hash and the seed, 0 to 2^32 - 1. */
function draw(hash: number, seed: number): number {
  let mixed = Math.imul(hash ^ Math.imul(seed, 0x9e3779b9 | 0), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
