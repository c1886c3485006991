/**
 * The books of one simulated campaign: what the sender said of each recipient and when, what the bytes on the wire say,
 * and what the gateway's own ledger says. Every entry is checked when it is made, and all of them against each other at
 * the end. What does not fit is a violation; the first few are kept.
 */
import { Buffer } from 'node:buffer';
import {
  busyDeviceDelayMs,
  fcmRetryTimeMs,
  maxResends,
  quotaDelayMs,
  tokenUpdatesDelayMs,
  unavailableDelayMs,
} from '../../src/base/limits.js';
import type { ReceivedNotification } from '../../src/codec/binary/notification-decoder.js';
import type { Protocol } from '../../src/push/address.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { reasonCode } from '../../src/push-services/reasons.js';
import type { PushOutcome } from '../../src/session/single/push-outcome.js';
import { ACCEPTED_ANSWER, answerName, HTTP_STATUS, isRejection } from '../../src/simulator/settings/answers.js';
import { binaryExpiry, binaryPriority } from './plan-binary.js';
import { binaryKinds, fcmBodyStart, fcmKinds, kinds, numberOf, type RecipientPlan } from './recipients.js';
import type { RefereeRoom, SentRequest } from './referee.js';
import type { BinaryRefereeRoom, SentNotification } from './referee-binary.js';
import { Trouble } from './stops.js';
import type { Outcome, WireRequest } from './wire-request.js';

/** Octets of a literal named apns-collapse-id, its name Huffman coded, before the length of its value. */
const collapseNameBytes = 13;

export type { Outcome } from './wire-request.js';
/** `waiting`: no connection has taken it yet. `taken`: a connection has, and owes an outcome. */
export type Standing = 'waiting' | 'taken' | Outcome;

export interface RecipientBook {
  readonly plan: RecipientPlan;
  standing: Standing;
  /** What was said last besides that it came back; with its reason, that is what it ends as. */
  said: Outcome;
  reason: string;
  /** Its device token, once the program has made it, and the body that it should have. */
  token: Uint8Array | null;
  body: Uint8Array | null;
  /** Connections that took it, in all. */
  takes: number;
  /** Requests of it that were answered, or whose answer was lost. */
  ends: number;
  /** How often it came back unsent since then, but for what a binary gateway discarded. */
  returns: number;
  /** The gateway asked not to send to it before. */
  notBeforeMs: number;
  /** A connection said so at least once, or its shard crashed. */
  wasUnknown: boolean;
  /** A shard that had sent it crashed: of a reason in no table there may be nothing left. */
  hasLostText: boolean;
  /** The request of the latest taking, once it was written. */
  request: WireRequest | null;
  /** It counts as accepted because of a silence. */
  isAssumed: boolean;
  /** What came out in the end. */
  outcome: Outcome | null;
  outcomeReason: string;
  /**
   * Of a push: its time was over when it came out; what the program says of it holds at once; its signal was aborted.
   */
  isLate: boolean;
  isExact: boolean;
  isAborted: boolean;
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
  ...[fcmKinds.device, fcmKinds.topic, fcmKinds.quota],
  ...[fcmKinds.internal, fcmKinds.unavailable, fcmKinds.odd],
  'ACCESS_TOKEN_EXPIRED',
]);

/** Answers after which a connection is of no use for further requests. */
const wedging: ReadonlySet<string> = new Set([
  'ACCESS_TOKEN_EXPIRED',
  'ExpiredProviderToken',
  'IdleTimeout',
  'Shutdown',
  'TooManyProviderTokenUpdates',
]);

/** Rejections that hold for every request of a recipient. */
const holdsForAll: ReadonlySet<string> = new Set([
  ...[kinds.gone, kinds.bad, kinds.wrongTopic],
  ...[binaryKinds.invalid, binaryKinds.size, binaryKinds.payload],
  ...[fcmKinds.gone, fcmKinds.badToken, fcmKinds.badMessage, fcmKinds.otherSender, fcmKinds.noKey],
]);

/** Least time before a recipient is sent to again after an answer, whether the gateway asks for it or not. */
const leastWaits: Readonly<Record<string, number>> = {
  TooManyRequests: busyDeviceDelayMs,
  TooManyProviderTokenUpdates: tokenUpdatesDelayMs,
  [fcmKinds.device]: busyDeviceDelayMs,
  [fcmKinds.topic]: quotaDelayMs,
  [fcmKinds.quota]: quotaDelayMs,
  [fcmKinds.internal]: unavailableDelayMs,
  [fcmKinds.unavailable]: unavailableDelayMs,
  [fcmKinds.odd]: unavailableDelayMs,
};

const maxViolationsKept = 5;

export class Books implements RefereeRoom, BinaryRefereeRoom {
  readonly violations: string[] = [];
  readonly recipients: readonly RecipientBook[];
  /** Recipients that were taken and have no outcome. */
  inFlight = 0;
  taken = 0;
  /** Requests that the gateway has had complete. */
  processed = 0;
  /** Requests for a recipient beyond those that were asked for; entries for recipients that no send has. */
  duplicated = 0;
  unexpected = 0;
  /** Recipients without an outcome at the end. */
  lost = 0;
  /** Told of each recipient that is taken: faults wait for a number of them. */
  onTaken: (taken: number) => void = () => {};
  readonly trouble: Trouble;
  readonly #attempts: number;
  readonly #protocol: Protocol;
  readonly #retryTimeMs: number;
  /** Requests on the wire that did not say for whom they are. */
  #nameless = 0;
  /** When recipients were taken, in order. */
  readonly takenMs: number[] = [];
  readonly #hasPushes: boolean;
  readonly #now: () => number;

  /**
   * @param attempts Requests for one recipient at most.
   * @param hasPushes Each recipient is sent to by a push of its own.
   */
  constructor(
    plans: readonly RecipientPlan[],
    attempts: number,
    now: () => number,
    hasPushes = false,
    protocol: Protocol = 'http2',
    /** For how long a recipient is surely sent to again. */
    retryTimeMs = 0,
  ) {
    this.#retryTimeMs = retryTimeMs;
    this.trouble = new Trouble(now, protocol);
    this.#protocol = protocol;
    this.#attempts = attempts;
    this.#hasPushes = hasPushes;
    this.#now = now;
    this.recipients = plans.map((plan) => ({
      plan,
      standing: 'waiting',
      said: 'unsent',
      reason: '',
      token: null,
      body: null,
      takes: 0,
      ends: 0,
      returns: 0,
      notBeforeMs: 0,
      wasUnknown: false,
      hasLostText: false,
      request: null,
      isAssumed: false,
      outcome: null,
      outcomeReason: '',
      isLate: false,
      isExact: true,
      isAborted: false,
      processed: [],
    }));
  }

  violate(what: string): void {
    if (this.violations.length < maxViolationsKept) this.violations.push(what);
  }

  // --- what the sender says ---

  /** Whose the token at `index` is. A shard does not know how its tokens are written. */
  numberOf({ bytes, tokenBytes, count }: TokenBlock, index: number): number {
    return numberOf(new TokenBlock(bytes, tokenBytes, count, this.#protocol === 'fcm' ? 'text' : 'hex'), index);
  }

  /** The program has made a batch. */
  onMade(tokens: TokenBlock): void {
    const { bytes, tokenBytes, count } = tokens;
    for (let index = 0; index < count; index++) {
      const book = this.#book(numberOf(tokens, index), 'was made');
      if (book !== null) book.token = bytes.slice(index * tokenBytes, (index + 1) * tokenBytes);
    }
  }

  take(number: number): void {
    const book = this.#book(number, 'was taken');
    if (book === null) return;
    if (!this.#mayTake(book)) this.violate(`${name(book)} was taken again though it is ${describe(book)}`);
    if (this.#now() < book.notBeforeMs) this.violate(`${name(book)} was taken sooner than its Retry-After allows`);
    if (book.ends >= this.#attempts) {
      this.violate(`${name(book)} was taken for request ${book.ends + 1} of at most ${this.#attempts}`);
    }
    book.standing = 'taken';
    book.takes += 1;
    book.request = null;
    this.inFlight += 1;
    this.takenMs.push(this.#now());
    this.onTaken(++this.taken);
  }

  /** A connection says how a request ended; `reason` as the gateway spells it, or the code of what happened. */
  report(number: number, outcome: Outcome, reason: string, status = 0, retryAfterSeconds: number | null = null): void {
    const book = this.#book(number, `was reported ${outcome}`);
    if (book === null) return;
    const { request } = book;
    const state = request?.state ?? 'not written';
    const isFitting = request === null ? this.#mayBeUnwritten(outcome) : request.judge(outcome);
    if (book.standing !== 'taken') this.violate(`${name(book)} was reported ${outcome} though it is ${describe(book)}`);
    else if (!isFitting) this.violate(`${name(book)} was reported ${outcome}, but its request is ${state}`);
    const unread = request?.connection.unreadAtEnd ?? 0;
    if (reason === 'ERR_PEAL_TIMEOUT' && unread > 0) {
      this.violate(`${name(book)} was reported ${outcome} for want of an answer, with ${unread} octets to be read`);
    }
    this.trouble.onReport(outcome, status, reason, book.ends === 0);
    book.standing = outcome;
    book.isAssumed = request?.isAssumed === true;
    if (wedging.has(reason) && request !== null) request.connection.wedged ??= reason;
    if (outcome === 'unsent') {
      if (reason !== 'ERR_PEAL_DISCARDED') book.returns += 1;
    } else {
      book.said = outcome;
      book.reason = reason;
      book.ends += 1;
      book.returns = 0;
    }
    const waitMs = Math.max((retryAfterSeconds ?? 0) * 1_000, leastWaits[reason] ?? 0);
    if (waitMs > 0) book.notBeforeMs = this.#now() + waitMs;
    if (outcome === 'unknown') book.wasUnknown = true;
    this.inFlight -= 1;
  }

  /** A request of which too little was written to say for whom it is may have been lost as well. */
  #mayBeUnwritten(outcome: Outcome): boolean {
    return outcome === 'unsent' || (outcome === 'unknown' && this.#nameless > 0);
  }

  /** Shards were lost: what their connections had taken is reported by no one. */
  lose(numbers: Iterable<number>): void {
    for (const number of numbers) {
      const book = this.recipients[number]!;
      if (book.standing !== 'taken') continue;
      book.standing = 'unknown';
      book.said = 'unknown';
      book.wasUnknown = true;
      book.ends += 1;
      book.returns = 0;
      this.inFlight -= 1;
    }
  }

  /** Of what a shard had not posted of its rejections, the text of a reason that is in no table is gone with it. */
  forgetTexts(numbers: Iterable<number>): void {
    for (const number of numbers) this.recipients[number]!.hasLostText = true;
  }

  /** A recipient comes out of the engine. */
  settle(number: number, outcome: Outcome, reason: string): void {
    const book = this.#book(number, `came out ${outcome}`);
    if (book === null) return;
    if (book.outcome !== null) this.violate(`${name(book)} came out ${outcome} after it had come out ${book.outcome}`);
    book.outcome = outcome;
    book.outcomeReason = reason;
  }

  /**
   * A push has its outcome. `isLate`: because its time is over. `isRetried`: a passing answer may be sent again.
   * `isExact`: no message is on its way between threads.
   */
  settlePush(
    number: number,
    { outcome, reason, attempts }: PushOutcome,
    { isLate, isRetried, isExact }: { isLate: boolean; isRetried: boolean; isExact: boolean },
  ): void {
    const book = this.recipients[number]!;
    this.settle(number, outcome as Outcome, reason ?? '');
    book.isLate = isLate;
    book.isExact = isExact;
    const told = `${name(book)} is ${outcome} after ${attempts} requests`;
    if (outcome === 'unknown' && isLate) {
      if (isExact && book.standing !== 'taken') this.violate(`${told} though it is ${describe(book)}`);
    } else if (attempts !== book.ends) {
      this.violate(`${told}; its connections say ${book.ends}`);
    }
    const isFree = book.processed.slice(0, -1).every((answer) => answerName(answer) === 'ExpiredProviderToken');
    if (!isRetried && !isFree) this.violate(`${told} though nothing was to be sent again`);
  }

  /** The signal of a push is aborted now. */
  onAborted(number: number): void {
    const book = this.recipients[number]!;
    if (book.outcome === null) book.isAborted = true;
  }

  /** A job is over that was not stopped: only recipients that were refused again and again may be unsent. */
  checkUnstopped(first: number, count: number): void {
    for (let number = first; number < first + count; number++) {
      const book = this.recipients[number]!;
      if (this.#isTooSoon(book))
        this.violate(
          `${name(book)} is rejected with ${book.outcomeReason} after one request though it may be sent again`,
        );
      if (book.outcome !== 'unsent' || book.returns > maxResends) continue;
      this.violate(`${name(book)} is unsent after it came back ${book.returns} times though the job was not stopped`);
    }
  }

  /** Within the time for retries that is usual with FCM, there is one for each answer that may be sent again. */
  #isTooSoon({ outcome, outcomeReason, ends }: RecipientBook): boolean {
    const isRetried = this.#protocol === 'fcm' && this.#attempts > 1 && this.#retryTimeMs >= fcmRetryTimeMs;
    return isRetried && outcome === 'rejected' && ends === 1 && repeatable.has(outcomeReason);
  }

  // --- what the wire says ---

  onRequest(request: SentRequest, block: Uint8Array): void {
    const book = this.#written(request);
    if (book === null) return;
    const { apnsId, collapseId } = book.plan;
    const text = Buffer.from(block.buffer, block.byteOffset, block.length).toString('latin1');
    // What is a recipient's own stands at the end: its id, and behind that its collapse id as a literal of its own.
    const idEnd = collapseId === null ? text.length : text.length - collapseNameBytes - 1 - collapseId.length;
    if (apnsId !== null && text.slice(idEnd - 36, idEnd) !== apnsId)
      this.violate(`${name(book)} has the apns-id of another`);
    if (collapseId !== null && text.slice(idEnd + collapseNameBytes + 1) !== collapseId)
      this.violate(`${name(book)} has the collapse id of another`);
  }

  onNotification(sent: SentNotification, notification: ReceivedNotification): void {
    const book = this.#written(sent);
    if (book === null) return;
    const { expiry, priority } = notification;
    if (Buffer.compare(book.plan.payload, notification.payload()) !== 0)
      this.violate(`${name(book)} has the payload of another`);
    if (expiry !== binaryExpiry || priority !== binaryPriority)
      this.violate(`${name(book)} has expiry ${expiry} and priority ${priority}`);
  }

  onNameless(more: number): void {
    this.#nameless += more;
  }

  onBody(request: SentRequest, bytes: Uint8Array): void {
    const book = this.recipients[request.recipient];
    if (book === undefined) return;
    const end = request.bodyBytes;
    const expected = this.#bodyOf(book).subarray(end - bytes.length, end);
    if (Buffer.compare(expected, bytes) !== 0) this.violate(`${name(book)} has the payload of another`);
  }

  onRequestEnd(request: SentRequest): void {
    const book = this.recipients[request.recipient];
    if (book === undefined) return;
    const { length } = this.#bodyOf(book);
    if (request.bodyBytes !== length) {
      this.violate(`${name(book)} has ${request.bodyBytes} of ${length} bytes of payload`);
    }
  }

  #bodyOf(book: RecipientBook): Uint8Array {
    if (this.#protocol !== 'fcm') return book.plan.payload;
    book.body ??= Buffer.concat([fcmBodyStart, book.token!, book.plan.payload]);
    return book.body;
  }

  onFault(link: number, what: string): void {
    this.violate(`connection ${link}: ${what}`);
  }

  #written(request: WireRequest): RecipientBook | null {
    const book = this.#book(request.recipient, 'was written');
    if (book === null) return null;
    if (book.standing !== 'taken') this.violate(`${name(book)} was written though it is ${describe(book)}`);
    if (book.request !== null) this.violate(`${name(book)} was written twice`);
    const { wedged } = request.connection;
    if (wedged !== null) this.violate(`${name(book)} was written to a connection that had answered ${wedged}`);
    book.request = request;
    return book;
  }

  // --- what the gateway says ---

  /** A device token came to the gateway. */
  onToken(number: number, token: Uint8Array): void {
    const book = this.#book(number, 'came to the gateway');
    if (book === null || book.token === null || Buffer.compare(book.token, token) === 0) return;
    this.violate(`${name(book)} has a part of the device token of another`);
  }

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

  /** Nothing moves any more. `isWhole`: nothing went wrong and nothing was stopped, so every recipient was answered. */
  close(isWhole: boolean): void {
    if (this.inFlight !== 0) this.violate(`${this.inFlight} recipients are still in flight`);
    for (const book of this.recipients) {
      // The source ended before it: it is in no book, or something is wrong with what came out.
      if (book.token === null && book.outcome === null && book.takes === 0) continue;
      if (book.outcome === null) this.lost += 1;
      if (book.outcome === null) this.violate(`${name(book)} has no outcome`);
      else this.#compare(book, book.outcome);
      const isLeft = book.outcome === 'unknown' || book.outcome === 'unsent';
      const isWrong = book.outcome === 'accepted' && !book.processed.includes(ACCEPTED_ANSWER);
      if (isWhole && ((isLeft && book.plan.isAnswered) || isWrong)) {
        this.violate(`${name(book)} is ${book.outcome} though nothing went wrong`);
      }
    }
  }

  #compare(book: RecipientBook, outcome: Outcome): void {
    const { processed, said, wasUnknown, hasLostText } = book;
    const isLost = hasLostText && book.outcomeReason === '' && reasonCode(book.reason, this.#protocol) === 0;
    const reason = isLost ? '' : book.reason;
    const outcomeReason = book.outcomeReason;
    const names = processed.map(answerName).join(', ');
    const wire = `the gateway did: ${names === '' ? 'nothing' : names}`;
    const isKnown = !book.isAssumed;
    if (outcome === 'accepted' && isKnown && !processed.includes(ACCEPTED_ANSWER))
      this.violate(`${name(book)} is accepted; ${wire}`);
    const isSaid = (answer: number): boolean =>
      isRejection(answer) && (isLost || maySay(answer, outcomeReason, this.#protocol));
    if (outcome === 'rejected' && !processed.some(isSaid)) {
      this.violate(`${name(book)} is rejected with ${outcomeReason}; ${wire}`);
    }
    if (outcome === 'unsent' && processed.length > 0) this.violate(`${name(book)} is unsent; ${wire}`);
    if (outcome === 'unsent' && wasUnknown) this.violate(`${name(book)} is unsent though it was unknown once`);
    // The program did not wait for the answer.
    if (outcome === 'unknown' && book.isLate) return;
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
    if (this.#hasPushes && isOver(book)) return false;
    if (wasUnknown && !plan.isResent) return false;
    if (standing === 'waiting' || standing === 'unsent') return book.outcome === null;
    if (standing === 'unknown') return plan.isResent;
    return standing === 'rejected' && repeatable.has(reason);
  }

  /** After an answer that may be repeated, or by a resend of what was unknown. */
  #mayBeProcessedAgain({ plan, processed, takes }: RecipientBook): boolean {
    if (takes < 2) return false;
    if (plan.isResent) return true;
    return processed.every((answer) => repeatable.has(answerName(answer)));
  }

  #book(number: number, what: string): RecipientBook | null {
    const book = this.recipients[number];
    if (book !== undefined) return book;
    this.unexpected += 1;
    this.violate(`a recipient that no send has (${number}) ${what}`);
    return null;
  }
}

/**
 * Whether nothing may be sent for a push any more. A thread may not know yet that its time is over, or its signal
 * aborted.
 */
function isOver({ outcome, isLate, isExact, isAborted }: RecipientBook): boolean {
  if (outcome !== null) return isExact || !isLate || outcome !== 'unknown';
  return isAborted && isExact;
}

/** A bare status holds no reason; what stands in its body is taken for one. */
function maySay(answer: number, reason: string, protocol: Protocol): boolean {
  return answer > HTTP_STATUS ? reasonCode(reason, protocol) === 0 : answerName(answer) === reason;
}

function name({ plan }: RecipientBook): string {
  return `recipient ${plan.number} (${plan.kind})`;
}

function describe({ standing, reason, wasUnknown }: RecipientBook): string {
  const why = standing === 'rejected' ? ` with ${reason}` : '';
  return `${standing}${why}${wasUnknown && standing !== 'unknown' ? ', and was unknown once' : ''}`;
}
