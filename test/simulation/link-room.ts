/**
 * Everyone who watches a connection: the referee, in some worlds the strict judge of frames, and the stopwatch that
 * says how long a sender waits for a connection through which nothing passes.
 */
import { FrameJudge } from '../support/frame-judge.js';
import type { Books } from './books.js';
import type { Link, LinkWatcher } from './link.js';
import type { BinaryPlan } from './plan-binary.js';
import { Referee } from './referee.js';
import { BinaryReferee } from './referee-binary.js';
import type { Trace } from './trace.js';

export interface LinkRoomOptions {
  readonly books: Books;
  readonly trace: Trace;
  readonly isJudged: boolean;
  /** How the binary protocol is spoken; null: HTTP/2 is. */
  readonly binary: BinaryPlan | null;
  /** What of a body comes before the token; null: the token stands in the path. */
  readonly bodyStart: Uint8Array | null;
  readonly now: () => number;
  /** Monotonic time of the world, without the time for which the sender's thread was stalled. */
  readonly awakeMs: () => number;
  /**
   * Time from the moment in which a request waited on a black hole, or from the last byte that still came out of it,
   * until the connection was given up.
   */
  readonly onHoleFound: (ms: number) => void;
}

export class LinkRoom implements LinkWatcher {
  readonly #link: Link;
  readonly #options: LinkRoomOptions;
  readonly #referee: Referee | BinaryReferee;
  readonly #judge: FrameJudge | null;
  /** Since when a request has been waiting on a black hole; -1: none is. */
  #waitingSinceMs = -1;
  #isOver = false;

  constructor(link: Link, options: LinkRoomOptions) {
    this.#link = link;
    this.#options = options;
    this.#referee = makeReferee(link, options);
    this.#judge = options.isJudged ? new FrameJudge() : null;
  }

  /** The gateway says something that breaks the protocol, on every connection that there is. */
  onBroken(): void {
    this.#referee.mayBeBroken = true;
  }

  /** The connection is over, and the sender heard nothing of use on it. */
  get wasInconclusive(): boolean {
    return this.#isOver && this.#referee.answers === 0;
  }

  /** The gateway has answered on it what ends a connection. */
  get wasAnswered(): boolean {
    return this.#referee.answers > 0 && this.#referee.wedged !== null;
  }

  /** Something happened to the connection: nothing may pass any more. */
  onHole(): void {
    if (this.#waitingSinceMs < 0 && this.#referee.awaited > 0) this.#waitingSinceMs = this.#options.awakeMs();
  }

  onClientBytes(bytes: Uint8Array): void {
    this.#options.trace.event('write', this.#link.id, bytes.length);
    this.#judge?.onClientBytes(bytes);
    this.#referee.onClientBytes(bytes);
    if (this.#link.isBlackHole) this.onHole();
    this.#reportFaults();
  }

  onServerBytes(bytes: Uint8Array, length: number): void {
    this.#options.trace.event('read', this.#link.id, length);
    this.#judge?.onServerBytes(bytes, length);
    this.#referee.onServerBytes(bytes, length);
    if (!this.#link.isBlackHole) return;
    // Something came the other way: only from now on can it be known that nothing arrives there.
    this.#waitingSinceMs = this.#referee.awaited > 0 ? this.#options.awakeMs() : -1;
  }

  onClientClosed(): void {
    const { trace, awakeMs, onHoleFound } = this.#options;
    this.#isOver = true;
    this.#referee.unreadAtEnd = this.#link.unreadAtEnd;
    trace.event('closed', this.#link.id, this.#referee.awaited);
    this.#referee.onClientClosed();
    this.#reportFaults();
    if (this.#waitingSinceMs >= 0) onHoleFound(awakeMs() - this.#waitingSinceMs);
    this.#waitingSinceMs = -1;
  }

  #reportFaults(): void {
    const judge = this.#judge;
    if (judge === null || judge.faults.length === 0) return;
    this.#options.books.violate(`connection ${this.#link.id}: ${judge.faults[0]}`);
  }
}

function makeReferee(link: Link, { books, binary, bodyStart, now }: LinkRoomOptions): Referee | BinaryReferee {
  if (binary === null) return new Referee(link.id, books, bodyStart);
  const { flush, readTailTimeoutMs } = binary.settings;
  const tailMs = flush || readTailTimeoutMs === 0 ? null : readTailTimeoutMs;
  return new BinaryReferee(link.id, books, { tailMs, now, unread: () => link.unread });
}
