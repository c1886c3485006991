/**
 * The books of one `peal send`: counts every settled outcome, and writes recipients that were not accepted to the files
 * of --out. Fed by the engine and by the reader of the list, on the main thread.
 */
import type { TokenBlock } from '../../apns/token-block.js';
import type { PealError, PealErrorCode } from '../../base/errors.js';
import { listShape } from '../../campaign/recipients/list-shape.js';
import type { InvalidLine } from '../../campaign/recipients/token-lines.js';
import type { OutcomeSink, SettledBatch } from '../../engine/batch.js';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT } from '../../engine/ledger.js';
import { Tally } from '../../engine/tally.js';
import { printable } from '../shared/terminal.js';
import type { CauseCount, Counts, InvalidLines, ReasonCount } from './counts.js';
import type { Outputs } from './outputs.js';

/** Gets the last answer of every answered recipient. The demo compares these with the simulator's. */
export interface AnswerObserver {
  accepted(block: TokenBlock, index: number): void;
  rejected(block: TokenBlock, index: number, reason: string): void;
}

/** Invalid lines that are read to recognise what the list is. */
const linesOfShape = 3;

export class SendBooks implements OutcomeSink {
  readonly #outputs: Outputs | null;
  readonly #observer: AnswerObserver | null;
  readonly #tally = new Tally();
  readonly #statuses = new Map<string, number>();
  readonly #causes = new Map<PealErrorCode, { error: PealError; unsent: number; unknown: number }>();
  #invalid = 0;
  /** The first list with invalid lines, and the first of them. */
  #invalidList: string | null = null;
  readonly #firstInvalid: InvalidLine[] = [];
  #neverDispatched = 0;
  #resent = 0;

  constructor(outputs: Outputs | null, observer: AnswerObserver | null = null) {
    this.#outputs = outputs;
    this.#observer = observer;
  }

  get counts(): Counts {
    const { accepted, rejected, unsent, unknown } = this.#tally;
    return { accepted, rejected, unsent: unsent + this.#neverDispatched, unknown, invalid: this.#invalid };
  }

  /** Requests that were repeated after an answer, or without one. */
  get resent(): number {
    return this.#resent;
  }

  /** Rejections by reason, the most frequent first. */
  get reasons(): ReasonCount[] {
    return this.#tally.reasons().map(([reason, count]) => ({ reason, count, status: this.#statuses.get(reason) ?? 0 }));
  }

  /**
   * Why recipients are unsent or unknown, the most frequent cause first.
   *
   * @param stopped the error that ended the run, which is the cause of recipients that were never handed out; null if
   *   none did
   */
  causes(stopped: PealError | null): CauseCount[] {
    const causes = new Map(this.#causes);
    if (stopped !== null && this.#neverDispatched > 0) {
      const { unsent, unknown } = causes.get(stopped.code) ?? { unsent: 0, unknown: 0 };
      causes.set(stopped.code, { error: stopped, unsent: unsent + this.#neverDispatched, unknown });
    }
    return [...causes.values()].sort((a, b) => b.unsent + b.unknown - a.unsent - a.unknown);
  }

  /** Where and why the first line is invalid, and what its list looks like; null if no line is invalid. */
  get invalidLines(): InvalidLines | null {
    const first = this.#firstInvalid[0];
    if (first === undefined || this.#invalidList === null) return null;
    const list = this.#invalidList === '-' ? 'standard input' : printable(this.#invalidList);
    return { list, line: first.line, why: first.why, shape: listShape(this.#firstInvalid) };
  }

  /** Returns a promise while the files cannot keep up; it slows the engine down. */
  settled(batch: SettledBatch): void | Promise<void> {
    const { tokens, ledger, details, cause } = batch;
    this.#tally.add(batch);
    this.#resent += batch.resent;
    for (const { index, status, reason, timestampMs } of details) {
      if (ledger[index]! < REJECTED) continue;
      const name = reason === '' ? `HTTP ${status}` : reason;
      if (!this.#statuses.has(name)) this.#statuses.set(name, status);
      this.#outputs?.rejected(tokens.hexAt(index), status, name, timestampMs);
      this.#observer?.rejected(tokens, index, reason);
    }
    if (this.#outputs?.keepsAccepted === true) this.#keepAccepted(batch, this.#outputs);
    if (this.#observer !== null) this.#showAccepted(batch, this.#observer);
    const outputs = this.#outputs;
    if (cause !== null) {
      const count = this.#countOf(cause);
      forEachRun(ledger, UNSENT, (start, end) => {
        count.unsent += end - start;
        outputs?.unsent(tokens, start, end);
      });
      forEachRun(ledger, UNKNOWN, (start, end) => {
        count.unknown += end - start;
        outputs?.unknown(tokens, start, end);
      });
    }
    return outputs?.pressure()?.then(() => {});
  }

  /** Notes a line of the list `source` that holds no token. */
  addInvalid(invalid: InvalidLine, source: string): void {
    this.#invalid += 1;
    this.#invalidList ??= source;
    if (source === this.#invalidList && this.#firstInvalid.length < linesOfShape) this.#firstInvalid.push(invalid);
    const { line, text, why } = invalid;
    this.#outputs?.invalid(line, text, why, source);
  }

  /** Notes recipients that were read and never handed to the engine. */
  addUnsent(block: TokenBlock): Promise<unknown> | null {
    this.#neverDispatched += block.count;
    this.#outputs?.unsent(block, 0, block.count);
    return this.#outputs?.pressure() ?? null;
  }

  #countOf(error: PealError): { unsent: number; unknown: number } {
    let count = this.#causes.get(error.code);
    if (count === undefined) {
      count = { error, unsent: 0, unknown: 0 };
      this.#causes.set(error.code, count);
    }
    return count;
  }

  #keepAccepted({ tokens, ledger, ids = null }: SettledBatch, outputs: Outputs): void {
    forEachRun(ledger, ACCEPTED, (start, end) => {
      for (let index = start; index < end; index++) {
        outputs.accepted(tokens.hexAt(index), ids?.apnsIds[index] ?? null, ids?.apnsUniqueIds[index] ?? null);
      }
    });
  }

  #showAccepted({ tokens, ledger }: SettledBatch, observer: AnswerObserver): void {
    forEachRun(ledger, ACCEPTED, (start, end) => {
      for (let index = start; index < end; index++) observer.accepted(tokens, index);
    });
  }
}

/** Calls `take` for each longest run of recipients with this outcome. */
function forEachRun(ledger: Uint8Array, outcome: number, take: (start: number, end: number) => void): void {
  for (let start = ledger.indexOf(outcome); start !== -1; ) {
    let end = start + 1;
    while (end < ledger.length && ledger[end] === outcome) end++;
    take(start, end);
    start = ledger.indexOf(outcome, end);
  }
}
