/**
 * One campaign's rate in one process of a cluster: a small stock of leave to send, taken from the store for all slices
 * of the process together. The store knows what all machines may send together, and gives each what it asks for. Kept
 * by worker/campaign-at-work; main thread.
 *
 * The store is asked at most once in about a tenth of a second, whatever the rate: for as much as was used since the
 * last time and more, so that a process with little to send leaves the rest to others. When exactly it asks is left to
 * chance. So no machine always comes just behind another one, which would leave it nothing.
 */
import type { Clock } from '../../base/clock.js';
import { maxRateWaitMs, ratePieceMs, rateStockMs } from '../../base/limits.js';
import { Timer } from '../../base/timers.js';

interface SharedRateOptions {
  /** Takes up to so many for this process; resolves with how many, and in how many milliseconds more are there. */
  readonly takeFromStore: (wanted: number) => Promise<{ readonly granted: number; readonly waitMs: number }>;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly chance: () => number;
  /** Called when the stock has something again. */
  readonly onStock: () => void;
}

export class SharedRate {
  readonly #options: SharedRateOptions;
  readonly #timer: Timer;
  #perSecond: number | null = null;
  #stock = 0;
  #stockedMs = 0;
  /** Handed out since the store was asked. */
  #used = 0;
  /** What somebody waits for. */
  #wanted = 0;
  #mayAskAtMs = 0;
  #isAsking = false;
  #isClosed = false;

  constructor(options: SharedRateOptions) {
    this.#options = options;
    this.#timer = new Timer(options.clock, () => this.#askWhenDue());
  }

  /** Notifications a second for the whole cluster; null: no limit. Holds from now on. */
  set perSecond(perSecond: number | null) {
    if (perSecond === this.#perSecond) return;
    this.#perSecond = perSecond;
    // What was taken at another rate is little, and not owed to anyone.
    this.#stock = 0;
    if (perSecond === null) this.#options.onStock();
  }

  /** Returns how many may be sent now, up to `wanted`. For 0, `onStock` is called when it is worth to ask again. */
  take(wanted: number): number {
    if (this.#perSecond === null) return wanted;
    if (this.#options.clock.now() - this.#stockedMs > rateStockMs) this.#stock = 0;
    const taken = Math.min(wanted, this.#stock);
    this.#stock -= taken;
    this.#used += taken;
    if (this.#stock === 0) {
      this.#wanted = Math.max(this.#wanted, wanted);
      this.#askWhenDue();
    }
    return taken;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.clear();
  }

  #askWhenDue(): void {
    if (this.#isAsking || this.#isClosed || this.#wanted === 0 || this.#perSecond === null) return;
    const waitMs = this.#mayAskAtMs - this.#options.clock.now();
    if (waitMs > 0) this.#timer.set(waitMs);
    else void this.#ask(this.#perSecond);
  }

  async #ask(perSecond: number): Promise<void> {
    const { clock, chance, takeFromStore, onStock } = this.#options;
    this.#isAsking = true;
    const worth = (ms: number): number => Math.max(1, Math.floor((perSecond * ms) / 1000));
    // Large batches ask for no more than small ones, or they would get more of the rate.
    const ask = Math.min(worth(rateStockMs), Math.max(Math.min(this.#wanted, worth(ratePieceMs)), 2 * this.#used));
    this.#used = 0;
    this.#wanted = 0;
    let granted = 0;
    let waitMs = ratePieceMs;
    const fromMs = clock.now();
    try {
      ({ granted, waitMs } = await takeFromStore(ask));
    } catch {
      // The store is away, and nothing can be noted without it either: another attempt comes as long as somebody waits.
    }
    this.#isAsking = false;
    const pauseMs = ratePieceMs * (0.75 + 0.5 * chance());
    this.#mayAskAtMs =
      granted > 0 ? fromMs + pauseMs : clock.now() + Math.min(maxRateWaitMs, Math.max(pauseMs, waitMs));
    if (this.#isClosed) return;
    if (granted > 0 && perSecond === this.#perSecond) {
      this.#stock += granted;
      this.#stockedMs = clock.now();
      onStock();
    } else {
      this.#wanted = Math.max(this.#wanted, 1);
      this.#askWhenDue();
    }
  }
}
