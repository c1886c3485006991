/**
 * A shard's route as its pool sees it, with the books between them: everything that a connection says about a
 * recipient is entered, and the ledger byte is looked at before and after.
 */
import type { PealError } from '../../src/base/errors.js';
import type { RequestRun, RequestSource } from '../../src/connection/request-source.js';
import { ACCEPTED, QUEUED, REJECTED, UNKNOWN, UNSENT, WRITTEN } from '../../src/engine/ledger.js';
import type { Answer } from '../../src/push/answer.js';
import type { Books } from './books.js';
import type { LedgerWatch } from './ledger-watch.js';
import type { Trace } from './trace.js';

export class WatchedSource implements RequestSource {
  /** The recipient behind each tag that was taken. */
  readonly #numbers = new Map<number, number>();
  readonly #inner: RequestSource;
  readonly #books: Books;
  readonly #trace: Trace;
  readonly #ledger: LedgerWatch;
  /** The pool has said that its provider token has expired, and has had no other since. */
  #isWithoutToken = false;

  constructor(inner: RequestSource, ledger: LedgerWatch, books: Books, trace: Trace) {
    this.#inner = inner;
    this.#ledger = ledger;
    this.#books = books;
    this.#trace = trace;
  }

  /** Recipients that this route's connections have taken and not reported. */
  *outstanding(): Generator<number> {
    for (const [tag, number] of this.#numbers) if (this.#ledger.stateAt(tag) === WRITTEN) yield number;
  }

  /** All recipients that this route's connections have ever taken. */
  numbers(): Iterable<number> {
    return this.#numbers.values();
  }

  /** The pool gets a provider token. */
  onProviderToken(): void {
    this.#isWithoutToken = false;
  }

  current(): RequestRun | null {
    return this.#inner.current();
  }

  get isEmpty(): boolean {
    return this.#inner.isEmpty ?? this.#inner.current() === null;
  }

  allow(count: number): number {
    return this.#inner.allow?.(count) ?? count;
  }

  skip(share: number): void {
    this.#inner.skip(share);
  }

  taken(run: RequestRun, count: number): void {
    const { order, head, tagBase, tokens } = run;
    if (this.#isWithoutToken) this.#books.violate('something is sent though the provider token has expired');
    for (let at = head; at < head + count; at++) {
      const index = order[at]!;
      const tag = (tagBase + index) >>> 0;
      this.#expect(tag, QUEUED, 'before it is taken');
      const number = this.#books.numberOf(tokens, index);
      this.#numbers.set(tag, number);
      this.#books.take(number);
    }
    this.#trace.event('taken', this.#books.numberOf(tokens, order[head]!), count);
    const indices = order.slice(head, head + count);
    this.#inner.taken(run, count);
    for (const index of indices) this.#expect((tagBase + index) >>> 0, WRITTEN, 'after it was taken');
  }

  onAccepted(tag: number): void {
    this.#books.report(this.#number(tag), 'accepted', '');
    this.#inner.onAccepted(tag);
    this.#expect(tag, ACCEPTED, 'after an answer');
  }

  isRetry(tag: number): boolean {
    return this.#inner.isRetry(tag);
  }

  onRejected(tag: number, rejection: Answer): void {
    const number = this.#number(tag);
    this.#trace.event('rejected', number, rejection.status, rejection.reason);
    const { status, reason, retryAfterSeconds } = rejection;
    this.#books.report(number, 'rejected', reason, status, retryAfterSeconds);
    this.#inner.onRejected(tag, rejection);
    if (this.#ledger.stateAt(tag)! < REJECTED) this.#expect(tag, REJECTED, 'after a rejection');
  }

  onUnsent(tag: number, cause: PealError, isFree?: boolean): void {
    const number = this.#number(tag);
    this.#trace.event('unsent', number, 0, cause.message);
    this.#books.report(number, 'unsent', cause.code);
    this.#inner.onUnsent(tag, cause, isFree);
    if (this.#ledger.stateAt(tag) !== QUEUED) this.#expect(tag, UNSENT, 'after it came back');
  }

  onUnknown(tag: number, cause: PealError): void {
    const number = this.#number(tag);
    this.#trace.event('unknown', number, 0, cause.message);
    this.#books.report(number, 'unknown', cause.code);
    this.#inner.onUnknown(tag, cause);
    this.#expect(tag, UNKNOWN, 'after its connection was lost');
  }

  onProviderTokenExpired(token: string): void {
    this.#trace.event('provider token expired');
    this.#isWithoutToken = true;
    this.#inner.onProviderTokenExpired(token);
  }

  onFailed(error: PealError): void {
    this.#trace.event('pool gives up', 0, 0, error.message);
    this.#inner.onFailed(error);
  }

  #number(tag: number): number {
    return this.#numbers.get(tag) ?? -1;
  }

  #expect(tag: number, state: number, when: string): void {
    const found = this.#ledger.stateAt(tag);
    if (found !== state) {
      this.#books.violate(`ledger byte of recipient ${this.#number(tag)} is ${found}, not ${state}, ${when}`);
    }
  }
}
