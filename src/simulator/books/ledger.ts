/**
 * The simulator's own book: every request (over HTTP/2) and notification (over the binary protocol) that came complete,
 * and what was answered. Independent of anything that a sender believes. Written by the connections, read by programs,
 * the feedback service and the control port, all on the simulator's thread.
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
import { TokenTable } from './token-table.js';

export interface LedgerSummary {
  readonly mode: LedgerMode;
  /** Requests that came complete: accepted, rejected and unanswered ones. */
  readonly requests: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Complete requests that got no answer: RST_STREAM INTERNAL_ERROR, a connection closed without a status, nothing. */
  readonly unanswered: number;
  /** Streams that got RST_STREAM REFUSED_STREAM; not among the requests. */
  readonly refused: number;
  /** Streams that were thrown away: above the last one of a GOAWAY, or lost with their connection. Not among them either. */
  readonly unprocessed: number;
  /** Rejections by Apple's reason. Reasons without any are left out. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Tokens that were asked for; null in mode `counts`. */
  readonly distinctTokens: number | null;
  /** Requests for a token that had been asked for before; null in mode `counts`. */
  readonly duplicates: number | null;
  /** Requests without a token that could be kept. */
  readonly withoutToken: number;
  /** Notifications to an empty token, with which binary senders prove what came before; not among the requests. */
  readonly flushes: number;
  /** Bytes of the payloads of all requests. */
  readonly payloadBytes: number;
  /** Connections that were opened. */
  readonly connections: number;
  /** What scenario and conduct did, by kind. Kinds without any are left out. */
  readonly faults: Readonly<Record<string, number>>;
  /** Mode `full`: requests that are not kept whole any more, to make room for newer ones. 0 in other modes. */
  readonly dropped: number;
  /** Digest over all (token, answer), independent of order (digest.ts). */
  readonly digest: string;
}

/** What the ledger has of one token. */
export interface TokenRecord {
  /** Lower-case hex. */
  readonly token: string;
  /** How often it was asked for. */
  readonly requests: number;
  /** `accepted`, Apple's reason, or what was done instead of the last answer. */
  readonly answer: string;
  /** Status of the last answer: 200, HTTP's, or that of the binary protocol (1 to 255); 0 where there was none. */
  readonly status: number;
}

/** A request without a token that can be kept. */
export const NO_ENTRY = -1;

/** By answer: what the digest takes in of it; 0 for what is no answer. */
const reasonHashes = new Int32Array(answerLimit);
/** By answer: 1 where it says that the token is gone. */
const goneAnswers = new Uint8Array(answerLimit);
for (let answer = 0; answer < answerLimit; answer++) {
  const name = answer === ACCEPTED_ANSWER ? '' : answerName(answer);
  if (answer === ACCEPTED_ANSWER || isRejection(answer)) reasonHashes[answer] = reasonHash(name);
  if (isGone(answer)) goneAnswers[answer] = 1;
}

export class SimulatorLedger {
  readonly #table: TokenTable | null;
  readonly #log: RequestLog | null;
  readonly #digest = new LedgerDigest();
  readonly #answers = new Float64Array(answerLimit);
  /** Entries of tokens that are gone, since the last `takeGone`; null where they will not be asked for. */
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
   */
  constructor(
    readonly mode: LedgerMode,
    keepsGone = false,
    log: RequestLog | null = null,
  ) {
    this.#log = log;
    this.#table = mode === 'counts' ? null : new TokenTable();
    this.#gone = keepsGone ? new Set() : null;
  }

  /** @internal The place of a token, to be handed to `record`. Called when its headers have come. */
  locate(token: Uint8Array, length: number, hash: number): number {
    return this.#table === null ? NO_ENTRY : this.#table.locate(token, length, hash);
  }

  /** @internal A request came complete, and `answer` is what is done with it. `a` and `b` are its TokenHash. */
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

  /** @internal As `record`, where the path held no device token: the digest cannot have it. */
  recordWithoutToken(answer: number, payloadBytes: number): void {
    this.#answers[answer]!++;
    this.#payloadBytes += payloadBytes;
    this.#withoutToken++;
  }

  /** @internal A stream got REFUSED_STREAM. */
  recordRefused(): void {
    this.#answers[REFUSED]!++;
  }

  /** @internal A stream was thrown away without being processed. */
  recordUnprocessed(): void {
    this.#unprocessed++;
  }

  /** @internal @param kind The action of a scenario, or what the conduct did. */
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
   * What the ledger has of a token; null when no request for it came.
   * @param token Hex, of either case.
   * @throws PealError `ERR_PEAL_OPTION` in mode `counts`
   */
  recordOf(token: string): TokenRecord | null {
    const table = this.#tokens();
    const bytes = Buffer.from(token, 'hex');
    this.#hash.take(bytes, 0, bytes.length);
    const entry = table.find(bytes, bytes.length, this.#hash.a);
    return entry < 0 || table.requests[entry] === 0 ? null : recordAt(table, entry);
  }

  /** `accepted`, Apple's reason, or what was done instead of the last answer; null when no request came. */
  answerOf(token: string): string | null {
    return this.recordOf(token)?.answer ?? null;
  }

  /**
   * The requests as they came, with headers and payload, in the order in which they were booked: the newest 100,000, or as
   * many as fit into about 128 MiB (`summary().dropped` says how many are gone).
   *
   * @param token Those for this token only: hex, of either case.
   * @throws PealError `ERR_PEAL_OPTION` in other modes than `full`
   */
  received(token?: string): ReceivedRequest[] {
    if (this.#log !== null) return this.#log.list(token === undefined ? null : token.toLowerCase());
    throw new PealError(
      'ERR_PEAL_OPTION',
      'This ledger keeps no whole requests: start the simulator with ledger "full".',
      {
        origin: 'usage',
      },
    );
  }

  /** Every token that was asked for, in the order in which they came first. Not in mode `counts`. */
  *records(): IterableIterator<TokenRecord> {
    const table = this.#tokens();
    for (let entry = 0; entry < table.count; entry++) {
      if (table.requests[entry]! > 0) yield recordAt(table, entry);
    }
  }

  /** Tokens that an answer called gone and the feedback service has not told yet: hex, each once. Not in mode `counts`. */
  goneTokens(): string[] {
    const table = this.#table;
    return table === null ? [] : Array.from(this.#gone ?? [], (entry) => table.hexOf(entry));
  }

  /** @internal As `goneTokens`, and forgets that they are gone. */
  takeGone(): string[] {
    const tokens = this.goneTokens();
    this.#gone?.clear();
    return tokens;
  }

  /**
   * Forgets all requests and answers. Requests under way are booked when they come complete, as if they were new;
   * for their sake the tokens keep their places, and so their memory.
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
    token: table.hexOf(entry),
    requests: table.requests[entry]!,
    answer: answerName(answer),
    status: answerStatus(answer),
  };
}
