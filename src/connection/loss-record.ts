/**
 * Whether the gateway loses what it is sent: requests that were written and never answered, because their streams were
 * reset or their connections died. Owned by SendGate; pure.
 *
 * Each lost request is an unknown recipient, so a gateway that loses requests gets fewer, and in the end none. Losses
 * add up, and good answers take them back. One token whose stream is always reset among good ones is no trouble, nor is
 * one connection that dies with all that was in flight on it.
 */
import { answersPerLoss, lossesBeforePause, lossesOfOneEvent } from '../base/limits.js';

export class LossRecord {
  #losses = 0;

  /** Whether so much was lost of late that only single requests should be risked. */
  get isTroubled(): boolean {
    return this.#losses >= lossesBeforePause;
  }

  /** Forgets losses that are long past. */
  forget(): void {
    this.#losses = 0;
  }

  /** Good answers came. */
  answered(count: number): void {
    if (this.#losses > 0) this.#losses = Math.max(0, this.#losses - count / answersPerLoss);
  }

  /** A read brought `count` resets; `hasServed`: the connection has brought good answers before. */
  reset(count: number, hasServed: boolean): void {
    this.#add(Math.min(count, hasServed ? lossesOfOneEvent : lossesBeforePause));
  }

  /** A connection died with `count` requests under way: worse than as many resets, because the next may die as well. */
  died(count: number): void {
    this.#add(Math.min(count + 1, lossesOfOneEvent));
  }

  #add(losses: number): void {
    this.#losses = Math.min(this.#losses + losses, 2 * lossesBeforePause);
  }
}
