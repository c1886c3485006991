/**
 * The quotas of messages a minute: of a project, and of each of its targets.
 *
 * A project's: messages in a minute that begins with the first one, not with the clock's. At its end the quota is
 * full again. Errors of the client count; answers 429 and 5xx do not. One for a simulator, on its thread.
 *
 * Source: Firebase documentation, "Throttling and quotas" and "Best practices when sending FCM messages at scale".
 */
import { maxWatchedTokens } from '../../base/limits.js';

const minuteMs = 60_000;

export class SendQuota {
  readonly #messages: number;
  #beganMs = Number.NEGATIVE_INFINITY;
  #used = 0;

  /** @param messages Of a minute; Infinity: any number. */
  constructor(messages: number) {
    this.#messages = messages;
  }

  /** Returns whether one more message may be processed now. */
  hasRoom(nowMs: number): boolean {
    if (nowMs - this.#beganMs >= minuteMs) {
      this.#beganMs = nowMs;
      this.#used = 0;
    }
    return this.#used < this.#messages;
  }

  /** A message was answered with that status. */
  count(status: number): void {
    if (status < 500 && status !== 429) this.#used++;
  }
}

/** The messages to each target in the minute that runs for all of them. */
export class TargetQuotas {
  readonly #messages: number;
  #beganMs = Number.NEGATIVE_INFINITY;
  /** By the target's hash. */
  readonly #used = new Map<number, number>();

  /** @param messages Of a minute, to one target. */
  constructor(messages: number) {
    this.#messages = messages;
  }

  /** Returns whether one more message to a target may pass, and if so counts it. @param a Lanes of its TokenHash. */
  allows(a: number, b: number, nowMs: number): boolean {
    const used = this.#used;
    if (nowMs - this.#beganMs >= minuteMs || used.size >= maxWatchedTokens) {
      this.#beganMs = nowMs;
      used.clear();
    }
    const key = (a >>> 0) * 2 ** 21 + (b >>> 11);
    const count = used.get(key) ?? 0;
    if (count >= this.#messages) return false;
    used.set(key, count + 1);
    return true;
  }
}
