/**
 * The tokens that the feedback service names: those scripted by the options, and those that an answer of this run
 * called gone. Each is told once, as at Apple. Read by the feedback service and the control port, on the simulator's
 * thread.
 */
import { Buffer } from 'node:buffer';
import type { ScriptedGoneToken } from '../settings/simulator-settings.js';
import type { SimulatorLedger } from './ledger.js';

/** One token as programs read it. */
export interface FeedbackRecord {
  /** Lower-case hex. */
  readonly token: string;
  /** Since when the token is gone, in epoch seconds. */
  readonly timestamp: number;
}

export class FeedbackList {
  readonly #ledger: SimulatorLedger;
  readonly #goneSince: number;
  #scripted: FeedbackRecord[];

  /** @internal @param goneSince Since when tokens that an answer calls gone are gone, in epoch seconds. */
  constructor(ledger: SimulatorLedger, scripted: readonly ScriptedGoneToken[], goneSince: number) {
    this.#ledger = ledger;
    this.#goneSince = goneSince;
    this.#scripted = scripted.map(({ token, timestamp }) => ({ token: Buffer.from(token).toString('hex'), timestamp }));
  }

  /** Returns what the next reader will be told. */
  pending(): FeedbackRecord[] {
    return [...this.#scripted, ...this.#stamped(this.#ledger.goneTokens())];
  }

  /** @internal Like `pending`, and clears the list. */
  take(): FeedbackRecord[] {
    const taken = [...this.#scripted, ...this.#stamped(this.#ledger.takeGone())];
    this.#scripted = [];
    return taken;
  }

  #stamped(tokens: readonly string[]): FeedbackRecord[] {
    return tokens.map((token) => ({ token, timestamp: this.#goneSince }));
  }
}
