/**
 * Watches a run of `peal send`: keeps its display up to date, and notes the highest number of connections for the
 * summary. Owned by the run, on the main thread.
 */
import { assert } from '../../base/assert.js';
import type { SeenTokens } from '../../campaign/recipients/seen-tokens.js';
import type { Session } from '../../session/session.js';
import { doneOf, type RunningCounts } from './counts.js';
import { noProgress, type ProgressDisplay } from './progress.js';
import type { SendBooks } from './send-books.js';
import type { TokenInput } from './token-input.js';

const progressIntervalMs = 100;
/** How often the number of connections is read. */
const statsIntervalMs = 500;

export class SendWatch {
  readonly #input: TokenInput;
  readonly #books: SendBooks;
  readonly #seen: SeenTokens | null;
  #display = noProgress;
  #session: Session | null = null;
  /** Estimated number of recipients, from the size of the lists; null if unknown. */
  #estimated: number | null = null;
  #timers: readonly NodeJS.Timeout[] = [];
  /** The latest report of the send, which includes batches under way. */
  #reported: { readonly accepted: number; readonly rejected: number } = { accepted: 0, rejected: 0 };
  #mostConnections = 0;

  /** @param seen counts the duplicates; null if duplicates are kept */
  constructor(input: TokenInput, books: SendBooks, seen: SeenTokens | null) {
    this.#input = input;
    this.#books = books;
    this.#seen = seen;
  }

  /** Duplicates that were dropped so far. */
  get duplicates(): number {
    return this.#seen?.duplicates ?? 0;
  }

  /** The highest number of connections that were open at a time. */
  get mostConnections(): number {
    return this.#mostConnections;
  }

  /** Called once, when the session exists and before the first notification is sent. */
  start(display: ProgressDisplay, session: Session, estimated: number | null): void {
    assert(this.#session === null, 'a run is watched once');
    this.#display = display;
    this.#session = session;
    this.#estimated = estimated;
    this.#show();
    this.#timers = [
      setInterval(() => this.#show(), progressIntervalMs),
      setInterval(() => void this.#countConnections(), statsIntervalMs),
    ];
  }

  /** Notes the send's report of its progress. */
  note(counts: { readonly accepted: number; readonly rejected: number }): void {
    this.#reported = counts;
  }

  /** The run was told to stop: see ProgressDisplay. */
  interrupted(print: () => void): void {
    this.#display.interrupted(print);
  }

  /** Shows the last state and ends the display. Called before the session is shut down. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#countConnections();
    this.#display.update(this.#counts(), this.#input.isWhole ? this.#passed() : null);
    this.#display.stop();
  }

  /** Ends the display in a process that ends at once. */
  leave(): void {
    this.#display.stop();
  }

  #show(): void {
    const read = this.#input.tokens + this.#books.counts.invalid + this.duplicates;
    const total = this.#input.isWhole ? read : this.#estimated;
    this.#display.update(this.#counts(), total === null ? null : Math.max(total, this.#passed()));
  }

  #counts(): RunningCounts {
    const { counts } = this.#books;
    // The books contain whole batches only.
    const { accepted, rejected } = this.#reported;
    return {
      ...counts,
      accepted: Math.max(accepted, counts.accepted),
      rejected: Math.max(rejected, counts.rejected),
      duplicate: this.duplicates,
    };
  }

  /** Lines of the lists that need nothing more: recipients with an outcome, and duplicates. */
  #passed(): number {
    return doneOf(this.#books.counts) + this.duplicates;
  }

  async #countConnections(): Promise<void> {
    const stats = await this.#session?.stats().catch(() => null);
    this.#mostConnections = Math.max(this.#mostConnections, stats?.connections ?? 0);
  }
}
