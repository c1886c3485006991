/**
 * The books of one simulated campaign: what the sender said of each recipient and when, what the bytes on the wire say,
 * and what the gateway's own ledger says. Every entry is checked when it is made, and all of them against each other at
 * the end. What does not fit is a violation; the first few are kept.
 */
import { Buffer } from 'node:buffer';
import { maxResends } from '../../src/base/limits.js';
import { ACCEPTED, answerName, isRejection } from '../../src/simulator/answers.js';
import type { RecipientPlan } from './recipients.js';
import type { RefereeRoom, SentRequest } from './referee.js';

export type Outcome = 'accepted' | 'rejected' | 'unsent' | 'unknown';
/** `waiting`: nobody has taken it yet. `taken`: a connection has, and owes an outcome. */
export type Standing = 'waiting' | 'taken' | Outcome;

export interface RecipientBook {
  readonly plan: RecipientPlan;
  standing: Standing;
  /** What was said last besides that it came back; with its reason, that is what it ends as. */
  said: Outcome;
  reason: string;
  /** Connections that took it, in all. */
  takes: number;
  /** The gateway asked not to send to it before. */
  notBeforeMs: number;
  /** A connection said so at least once, or its shard crashed. */
  wasUnknown: boolean;
  /** The request of the latest taking, once it was written. */
  request: SentRequest | null;
  /** What came out in the end. */
  outcome: Outcome | null;
  outcomeReason: string;
  /** What the gateway did with it, request by request (answers.ts). */
  readonly processed: number[];
}

/** Reasons after which a recipient may be sent again without having been asked for. */
const repeatable: ReadonlySet<string> = new Set([
  'TooManyRequests',
  'TooManyProviderTokenUpdates',
  'InternalServerError',
  'ServiceUnavailable',
  'Shutdown',
  'ExpiredProviderToken',
  'IdleTimeout',
  'UnrelatedKeyIdInToken',
]);

/** Answers after which a connection is of no use for further requests. */
const wedging: ReadonlySet<string> = new Set([
  'ExpiredProviderToken',
  'IdleTimeout',
  'Shutdown',
  'TooManyProviderTokenUpdates',
]);

/** Rejections that hold for every request of a recipient. */
const holdsForAll: ReadonlySet<string> = new Set(['Unregistered', 'BadDeviceToken', 'DeviceTokenNotForTopic']);

const maxViolationsKept = 5;

export class Books implements RefereeRoom {
  readonly violations: string[] = [];
  readonly recipients: readonly RecipientBook[];
  /** Recipients that were taken and have no outcome. */
  inFlight = 0;
  taken = 0;
  /** Requests that the gateway has had complete. */
  processed = 0;
  /** Requests for a recipient beyond those that were asked for; entries for recipients that nobody asked for. */
  duplicated = 0;
  unexpected = 0;
  /** Recipients without an outcome at the end. */
  lost = 0;
  /** The gateway has broken the protocol: what the bytes say is no longer what a client has to make of them. */
  isGatewayBroken = false;
  /** Told of each recipient that is taken: faults wait for a number of them. */
  onTaken: (taken: number) => void = () => {};
  readonly #mayRepeat: boolean;
  readonly #now: () => number;

  /** @param mayRepeat Whether recipients may be sent to again after an answer that passes. */
  constructor(plans: readonly RecipientPlan[], mayRepeat: boolean, now: () => number) {
    this.#mayRepeat = mayRepeat;
    this.#now = now;
    this.recipients = plans.map((plan) => ({
      plan,
      standing: 'waiting',
      said: 'unsent',
      reason: '',
      takes: 0,
      notBeforeMs: 0,
      wasUnknown: false,
      request: null,
      outcome: null,
      outcomeReason: '',
      processed: [],
    }));
  }

  violate(what: string): void {
    if (this.violations.length < maxViolationsKept) this.violations.push(what);
  }

  // --- what the sender says ---

  take(number: number): void {
    const book = this.#book(number, 'was taken');
    if (book === null) return;
    if (!this.#mayTake(book)) this.violate(`${name(book)} was taken again though it is ${describe(book)}`);
    if (this.#now() < book.notBeforeMs) this.violate(`${name(book)} was taken sooner than its Retry-After allows`);
    book.standing = 'taken';
    book.takes += 1;
    book.request = null;
    this.inFlight += 1;
    this.onTaken(++this.taken);
  }

  /** A connection says how a request ended. */
  report(number: number, outcome: Outcome, reason: string, retryAfterSeconds: number | null = null): void {
    const book = this.#book(number, `was reported ${outcome}`);
    if (book === null) return;
    const state = book.request?.state ?? null;
    if (book.standing !== 'taken') this.violate(`${name(book)} was reported ${outcome} though it is ${describe(book)}`);
    else if (!fits(outcome, book.request) && !this.#mayGuess(outcome, book.request)) {
      this.violate(`${name(book)} was reported ${outcome}, but its request is ${state ?? 'not written'}`);
    }
    book.standing = outcome;
    if (wedging.has(reason) && book.request !== null) book.request.referee.wedged ??= reason;
    if (outcome !== 'unsent') {
      book.said = outcome;
      book.reason = reason;
    }
    if (retryAfterSeconds !== null) book.notBeforeMs = this.#now() + retryAfterSeconds * 1_000;
    if (outcome === 'unknown') book.wasUnknown = true;
    this.inFlight -= 1;
  }

  /** Shards were lost: what their connections had taken nobody will report. */
  lose(numbers: Iterable<number>): void {
    for (const number of numbers) {
      const book = this.recipients[number]!;
      if (book.standing !== 'taken') continue;
      book.standing = 'unknown';
      book.said = 'unknown';
      book.wasUnknown = true;
      this.inFlight -= 1;
    }
  }

  /** A recipient comes out of the engine. */
  settle(number: number, outcome: Outcome, reason: string): void {
    const book = this.#book(number, `came out ${outcome}`);
    if (book === null) return;
    if (book.outcome !== null) this.violate(`${name(book)} came out ${outcome} after it had come out ${book.outcome}`);
    book.outcome = outcome;
    book.outcomeReason = reason;
  }

  /** A job is over that nobody stopped: only who was refused again and again may be unsent. */
  checkUnstopped(first: number, count: number): void {
    for (let number = first; number < first + count; number++) {
      const book = this.recipients[number]!;
      if (book.outcome !== 'unsent' || book.takes > maxResends) continue;
      this.violate(`${name(book)} is unsent after ${book.takes} attempts though nobody stopped the job`);
    }
  }

  // --- what the wire says ---

  onRequest(request: SentRequest, block: Uint8Array): void {
    const book = this.#book(request.recipient, 'was written');
    if (book === null) return;
    if (book.standing !== 'taken') this.violate(`${name(book)} was written though it is ${describe(book)}`);
    if (book.request !== null) this.violate(`${name(book)} was written twice`);
    const { wedged } = request.referee;
    if (wedged !== null) this.violate(`${name(book)} was written to a connection that had answered ${wedged}`);
    book.request = request;
    const { apnsId } = book.plan;
    if (apnsId === null) return;
    const found = Buffer.from(block.buffer, block.byteOffset + block.length - 36, 36).toString('latin1');
    if (found !== apnsId) this.violate(`${name(book)} has the apns-id of another`);
  }

  onBody(request: SentRequest, bytes: Uint8Array): void {
    const book = this.recipients[request.recipient];
    if (book === undefined) return;
    const end = request.bodyBytes;
    const expected = book.plan.payload.subarray(end - bytes.length, end);
    if (Buffer.compare(expected, bytes) !== 0) this.violate(`${name(book)} has the payload of another`);
  }

  onRequestEnd(request: SentRequest): void {
    const book = this.recipients[request.recipient];
    if (book !== undefined && request.bodyBytes !== book.plan.payload.length) {
      this.violate(`${name(book)} has ${request.bodyBytes} of ${book.plan.payload.length} bytes of payload`);
    }
  }

  onFault(link: number, what: string): void {
    this.violate(`connection ${link}: ${what}`);
  }

  // --- what the gateway says ---

  onProcessed(number: number, answer: number): void {
    this.processed += 1;
    const book = this.#book(number, 'was processed');
    if (book === null) return;
    if (book.processed.length > 0 && !this.#mayBeProcessedAgain(book)) {
      this.duplicated += 1;
      this.violate(`${name(book)} was processed a second time (${describe(book)})`);
    }
    book.processed.push(answer);
  }

  // --- the end ---

  /** Nothing moves any more. `isWhole`: nothing went wrong and nobody stopped, so every recipient was answered. */
  close(isWhole: boolean): void {
    if (this.inFlight !== 0) this.violate(`${this.inFlight} recipients are still in flight`);
    for (const book of this.recipients) {
      if (book.outcome === null) this.lost += 1;
      if (book.outcome === null) this.violate(`${name(book)} has no outcome`);
      else this.#compare(book, book.outcome);
      if (isWhole && (book.outcome === 'unknown' || book.outcome === 'unsent') && book.plan.isAnswered) {
        this.violate(`${name(book)} is ${book.outcome} though nothing went wrong`);
      }
    }
  }

  #compare(book: RecipientBook, outcome: Outcome): void {
    const { processed, said, reason, outcomeReason, wasUnknown } = book;
    const names = processed.map(answerName).join(', ');
    const wire = `the gateway did: ${names === '' ? 'nothing' : names}`;
    if (outcome === 'accepted' && !processed.includes(ACCEPTED)) this.violate(`${name(book)} is accepted; ${wire}`);
    if (outcome === 'rejected' && !processed.some((each) => isRejection(each) && answerName(each) === outcomeReason)) {
      this.violate(`${name(book)} is rejected with ${outcomeReason}; ${wire}`);
    }
    if (outcome === 'unsent' && processed.length > 0) this.violate(`${name(book)} is unsent; ${wire}`);
    if (outcome === 'unsent' && wasUnknown) this.violate(`${name(book)} is unsent though it was unknown once`);
    if (outcome === 'unknown' && !wasUnknown) this.violate(`${name(book)} is unknown though every request had its end`);
    // One request may have been processed: only an answer that holds for that one as well says more.
    const isOpen = wasUnknown && said === 'rejected' && !holdsForAll.has(reason);
    const expected = isOpen ? 'unknown' : said;
    if (outcome !== expected || (outcome === 'rejected' && reason !== outcomeReason)) {
      this.violate(`${name(book)} came out ${outcome} ${outcomeReason}, but its connections said ${said} ${reason}`);
    }
  }

  #mayTake(book: RecipientBook): boolean {
    const { standing, plan, reason, wasUnknown } = book;
    if (wasUnknown && !plan.isResent) return false;
    if (standing === 'waiting' || standing === 'unsent') return book.outcome === null;
    if (standing === 'unknown') return plan.isResent;
    return standing === 'rejected' && this.#mayRepeat && repeatable.has(reason);
  }

  /** Frames that break the protocol are none: what looks like an answer among them settles nothing. */
  #mayGuess(outcome: Outcome, request: SentRequest | null): boolean {
    if (!this.isGatewayBroken) return false;
    return outcome === 'unknown' || (outcome === 'unsent' && request?.hasLeft === false);
  }

  /** After an answer that may be repeated, or by a resend of what was unknown. */
  #mayBeProcessedAgain({ plan, processed, takes }: RecipientBook): boolean {
    if (takes < 2) return false;
    if (plan.isResent) return true;
    return this.#mayRepeat && processed.every((answer) => repeatable.has(answerName(answer)));
  }

  #book(number: number, what: string): RecipientBook | null {
    const book = this.recipients[number];
    if (book !== undefined) return book;
    this.unexpected += 1;
    this.violate(`a recipient that nobody asked for (${number}) ${what}`);
    return null;
  }
}

/** Whether what a connection says is what the bytes allow it to say. */
function fits(outcome: Outcome, request: SentRequest | null): boolean {
  if (request === null) return outcome === 'unsent';
  if (outcome === 'accepted' || outcome === 'rejected') return request.state === 'answered';
  const isCertain = request.state === 'unprocessed' || (request.state === 'opened' && !request.hasLeft);
  return outcome === 'unsent' ? isCertain : !isCertain && request.state !== 'answered';
}

function name({ plan }: RecipientBook): string {
  return `recipient ${plan.number} (${plan.kind})`;
}

function describe({ standing, reason, wasUnknown }: RecipientBook): string {
  const why = standing === 'rejected' ? ` with ${reason}` : '';
  return `${standing}${why}${wasUnknown && standing !== 'unknown' ? ', and was unknown once' : ''}`;
}
