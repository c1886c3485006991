/**
 * What the sender of a run was doing when it was last asked, and whether there is a connection, which answers since
 * then may say sooner. Owned by CampaignRun, which asks; main thread.
 */
import type { EngineStats } from '../../engine/dispatcher/engine-stats.js';
import type { CampaignSender } from '../senders/campaign-sender.js';
import type { CampaignBooks } from './campaign-books.js';

export class LatestStats {
  readonly #sender: CampaignSender;
  readonly #books: CampaignBooks;
  #stats: EngineStats | null = null;
  /** What the gateway had answered in this run at that time. */
  #answeredThen = 0;

  constructor(sender: CampaignSender, books: CampaignBooks) {
    this.#sender = sender;
    this.#books = books;
  }

  /** Asks. A sender that does not answer is taken to do what it did. */
  async read(): Promise<void> {
    this.#stats = (await this.#sender.stats().catch(() => null)) ?? this.#stats;
    this.#answeredThen = this.#books.answered;
  }

  get connections(): number {
    return this.#stats?.connections ?? 0;
  }

  get inFlight(): number {
    return this.#stats?.inFlight ?? 0;
  }

  /** Null also where the gateway names none. */
  get streamLimit(): number | null {
    const limit = this.#stats?.streamLimit ?? null;
    return limit !== null && Number.isFinite(limit) ? limit : null;
  }

  /** Whether a connection stands. An answer since the latest look came over one that the look has not seen yet. */
  get isConnected(): boolean {
    return this.connections > 0 || this.#books.answered > this.#answeredThen;
  }

  /** Whether a connection stands, or has stood. */
  get hasConnected(): boolean {
    const { accepted, rejected, unknown } = this.#books.run;
    return this.connections > 0 || accepted + rejected + unknown > 0;
  }
}
