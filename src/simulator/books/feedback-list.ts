/**
 * What the feedback service has to say: the tokens that were scripted to be named, and those that an answer of this run
 * said to be gone. Told once, as Apple did. Read by the feedback service and the control port, on the simulator's thread.
 */
import { Buffer } from 'node:buffer';
import type { ScriptedGoneToken } from '../settings/simulator-settings.js';
import type { SimulatorLedger } from './ledger.js';

/** One token as programs read it. */
export interface FeedbackRecord {
  /** Lower-case hex. */
  readonly token: string;
  /** Since when it is gone, epoch seconds. */
  readonly timestamp: number;
}

export class FeedbackList {
  readonly #ledger: SimulatorLedger;
  readonly #goneSince: number;
  #scripted: FeedbackRecord[];

  /** @internal @param goneSince Epoch seconds: since when tokens are gone that an answer said to be. */
  constructor(ledger: SimulatorLedger, scripted: readonly ScriptedGoneToken[], goneSince: number) {
    this.#ledger = ledger;
    this.#goneSince = goneSince;
    this.#scripted = scripted.map(({ token, timestamp }) => ({ token: Buffer.from(token).toString('hex'), timestamp }));
  }

  /** What the next reader will be told. */
  pending(): FeedbackRecord[] {
    return [...this.#scripted, ...this.#stamped(this.#ledger.goneTokens())];
  }

  /** @internal As `pending`, and clears the list. */
  take(): FeedbackRecord[] {
    const taken = [...this.#scripted, ...this.#stamped(this.#ledger.takeGone())];
    this.#scripted = [];
    return taken;
  }

  #stamped(tokens: readonly string[]): FeedbackRecord[] {
    return tokens.map((token) => ({ token, timestamp: this.#goneSince }));
  }
}
