/**
 * The simulator's own books: every complete request (over HTTP/2) and notification (over the binary protocol), and its
 * answer. Independent of the sender's books. Written by the connections, read by programs, the feedback service and
 * the control port, all on the simulator's thread.
 */
import { Buffer } from 'node:buffer';
import { PealError } from '../../base/errors.js';
import {
  ACCEPTED_ANSWER,
  answerLimit,
  answerName,
  answerStatus,
  isGone,
  isRejection,
  REFUSED,
} from '../settings/answers.js';
import type { LedgerMode, ReceivedRequest } from '../settings/options.js';
import { LedgerDigest, reasonHash, TokenHash } from './digest.js';
import type { RequestLog } from './request-log.js';
import { TokenTable, type TokenText } from './token-table.js';

export interface LedgerSummary {
  readonly mode: LedgerMode;
  /** Complete requests: accepted, rejected and unanswered ones. */
  readonly requests: number;
  readonly accepted: number;
  readonly rejected: number;
  /**
   * Complete requests without an answer: RST_STREAM INTERNAL_ERROR, a connection closed without a status, or nothing.
   */
  readonly unanswered: number;
  /** Streams that got RST_STREAM REFUSED_STREAM. They are not among the requests. */
  readonly refused: number;
  /**
   * Streams dropped because they were above the last one of a GOAWAY, or lost with their connection. Not among the
   * requests.
   */
  readonly unprocessed: number;
  /** Rejections by the service's reason. Reasons with a count of 0 are left out. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Different tokens in the requests; null in mode `counts`. */
  readonly distinctTokens: number | null;
  /** Requests for a token that had a request before; null in mode `counts`. */
  readonly duplicates: number | null;
  /** Requests without a token that could be stored. */
  readonly withoutToken: number;
  /** Notifications to an empty token, by which binary senders prove the earlier ones; not among the requests. */
  readonly flushes: number;
  /** Bytes of the payloads of all requests. */
  readonly payloadBytes: number;
  /** Connections that were opened. */
  readonly connections: number;
  /** Faults of the scenario and actions of the conduct, by kind. Kinds with a count of 0 are left out. */
  readonly faults: Readonly<Record<string, number>>;
  /** Mode `full`: requests that are no longer kept whole, to make room for newer ones. 0 in other modes. */
  readonly dropped: number;
  /** Digest over all (token, answer), independent of order (digest.ts). */
  readonly digest: string;
}

/** The ledger's entry of one token. */
export interface TokenRecord {
  /** Lower-case hex; in the ledger of FCM the registration token, topic or condition itself. */
  readonly token: string;
  /** Number of requests for it. */
  readonly requests: number;
  /** `accepted`, Apple's reason, or what was done instead of an answer to the last request. */
  readonly answer: string;
  /** Status of the last answer: 200, HTTP's, or that of the binary protocol (1 to 255); 0 without an answer. */
  readonly status: number;
}

/** A request without a token that can be stored. */
export const NO_ENTRY = -1;

/** By answer: its hash in the digest; 0 if it is not an answer. */
const reasonHashes = new Int32Array(answerLimit);
/** By answer: 1 if it means that the token is gone. */
const goneAnswers = new Uint8Array(answerLimit);
for (let answer = 0; answer < answerLimit; answer++) {
  const name = answer === ACCEPTED_ANSWER ? '' : answerName(answer);
  if (answer === ACCEPTED_ANSWER || isRejection(answer)) reasonHashes[answer] = reasonHash(name);
  if (isGone(answer)) goneAnswers[answer] = 1;
}

export class SimulatorLedger {
  readonly #table: TokenTable | null;
  readonly #log: RequestLog | null;
  readonly #encoding: TokenText;
  readonly #digest = new LedgerDigest();
  readonly #answers = new Float64Array(answerLimit);
  /** Entries of tokens that are gone, since the last `takeGone`; null if that will never be called. */
  readonly #gone: Set<number> | null;
  readonly #hash = new TokenHash();
  #distinct = 0;
  #withoutToken = 0;
  #flushes = 0;
  #payloadBytes = 0;
  #connections = 0;
  #unprocessed = 0;
  readonly #faults = new Map<string, number>();

  /**
   * @internal
   * @param keepsGone Whether `takeGone` is going to be called.
   * @param log Whole requests, in mode `full`.
   * @param encoding How tokens are written as text.
   */
  constructor(
    readonly mode: LedgerMode,
    keepsGone = false,
    log: RequestLog | null = null,
    encoding: TokenText = 'hex',
  ) {
    this.#log = log;
    this.#encoding = encoding;
    this.#table = mode === 'counts' ? null : new TokenTable(encoding);
    this.#gone = keepsGone ? new Set() : null;
  }

  /** @internal The entry of a token, to be passed to `record`. Called when its headers have come. */
  locate(token: Uint8Array, length: number, hash: number): number {
    return this.#table === null ? NO_ENTRY : this.#table.locate(token, length, hash);
  }

  /** @internal Books a complete request with its `answer`. `a` and `b` are its TokenHash. */
  record(entry: number, a: number, b: number, answer: number, payloadBytes: number): void {
    this.#answers[answer]!++;
    this.#payloadBytes += payloadBytes;
    if (answer === ACCEPTED_ANSWER || isRejection(answer)) this.#digest.addHash(a, b, reasonHashes[answer]!);
    const table = this.#table;
    if (table === null) return;
    if (table.requests[entry]!++ === 0) this.#distinct++;
    table.answers[entry] = answer;
    if (this.#gone !== null && goneAnswers[answer] === 1) this.#gone.add(entry);
  }

  /** @internal Like `record`, for a path without a device token, which the digest cannot include. */
  recordWithoutToken(answer: number, payloadBytes: number): void {
    this.#answers[answer]!++;
    this.#payloadBytes += payloadBytes;
    this.#withoutToken++;
  }

  /** @internal A stream got REFUSED_STREAM. */
  recordRefused(): void {
    this.#answers[REFUSED]!++;
  }

  /** @internal A stream was dropped without being processed. */
  recordUnprocessed(): void {
    this.#unprocessed++;
  }

  /** @internal @param kind The action of a scenario or of the conduct. */
  recordFault(kind: string): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1);
  }

  /** @internal A notification to an empty token came. */
  recordFlush(): void {
    this.#flushes++;
  }

  /** @internal A connection was opened. */
  recordConnection(): void {
    this.#connections++;
  }

  summary(): LedgerSummary {
    const counts = this.#answers;
    const rejectedBy: Record<string, number> = {};
    let rejected = 0;
    for (let answer = 0; answer < answerLimit; answer++) {
      const count = counts[answer]!;
      if (count === 0 || !isRejection(answer)) continue;
      rejectedBy[answerName(answer)] = count;
      rejected += count;
    }
    const total = counts.reduce((sum, count) => sum + count, 0);
    const requests = total - counts[REFUSED]!;
    return {
      mode: this.mode,
      requests,
      accepted: counts[ACCEPTED_ANSWER]!,
      rejected,
      unanswered: requests - counts[ACCEPTED_ANSWER]! - rejected,
      refused: counts[REFUSED]!,
      unprocessed: this.#unprocessed,
      reasons: rejectedBy,
      distinctTokens: this.#table === null ? null : this.#distinct,
      duplicates: this.#table === null ? null : requests - this.#withoutToken - this.#distinct,
      withoutToken: this.#withoutToken,
      flushes: this.#flushes,
      payloadBytes: this.#payloadBytes,
      connections: this.#connections,
      faults: Object.fromEntries(this.#faults),
      dropped: this.#log?.dropped ?? 0,
      digest: this.#digest.toString(),
    };
  }

  /**
   * Returns the ledger's entry of a token, or null if no request for it came.
   * @param token Hex, of either case; in the ledger of FCM the registration token or topic itself.
   * @throws PealError `ERR_PEAL_OPTION` in mode `counts`
   */
  recordOf(token: string): TokenRecord | null {
    const table = this.#tokens();
    const bytes = Buffer.from(token, this.#encoding);
    this.#hash.take(bytes, 0, bytes.length);
    const entry = table.find(bytes, bytes.length, this.#hash.a);
    return entry < 0 || table.requests[entry] === 0 ? null : recordAt(table, entry);
  }

  /**
   * Returns `accepted`, Apple's reason, or what was done instead of an answer to the last request; null if no request
   * came.
   */
  answerOf(token: string): string | null {
    return this.recordOf(token)?.answer ?? null;
  }

  /**
   * Returns the requests as they came, with headers and payload, in the order in which they were booked: the newest
   * 100,000, or as many as fit into about 128 MiB (`summary().dropped` counts the older ones).
   *
   * @param token Only requests for this token, as in `recordOf`.
   * @throws PealError `ERR_PEAL_OPTION` in other modes than `full`
   */
  received(token?: string): ReceivedRequest[] {
    const asKept = this.#encoding === 'hex' ? token?.toLowerCase() : token;
    if (this.#log !== null) return this.#log.list(asKept ?? null);
    throw new PealError(
      'ERR_PEAL_OPTION',
      'This ledger keeps no whole requests: start the simulator with ledger "full".',
      {
        origin: 'usage',
      },
    );
  }

  /** Every token that had a request, in the order of the first requests. Not in mode `counts`. */
  *records(): IterableIterator<TokenRecord> {
    const table = this.#tokens();
    for (let entry = 0; entry < table.count; entry++) {
      if (table.requests[entry]! > 0) yield recordAt(table, entry);
    }
  }

  /**
   * Tokens that an answer called gone and that the feedback service has not named yet: hex, each once. Not in mode
   * `counts`.
   */
  goneTokens(): string[] {
    const table = this.#table;
    return table === null ? [] : Array.from(this.#gone ?? [], (entry) => table.textOf(entry));
  }

  /** @internal Like `goneTokens`, and clears the list. */
  takeGone(): string[] {
    const tokens = this.goneTokens();
    this.#gone?.clear();
    return tokens;
  }

  /**
   * Forgets all requests and answers. Requests under way are booked when they are complete, as if they were new. For
   * their sake the tokens keep their entries, and so their memory.
   */
  reset(): void {
    this.#table?.forgetRequests();
    this.#gone?.clear();
    this.#digest.reset();
    this.#answers.fill(0);
    this.#distinct = 0;
    this.#withoutToken = 0;
    this.#flushes = 0;
    this.#payloadBytes = 0;
    this.#connections = 0;
    this.#unprocessed = 0;
    this.#faults.clear();
    this.#log?.clear();
  }

  #tokens(): TokenTable {
    if (this.#table !== null) return this.#table;
    throw new PealError('ERR_PEAL_OPTION', 'This ledger keeps no tokens: start the simulator with ledger "tokens"', {
      origin: 'usage',
    });
  }
}

function recordAt(table: TokenTable, entry: number): TokenRecord {
  const answer = table.answers[entry]!;
  return {
    token: table.textOf(entry),
    requests: table.requests[entry]!,
    answer: answerName(answer),
    status: answerStatus(answer),
  };
}
