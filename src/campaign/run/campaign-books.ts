/**
 * The books of a campaign: what became of its recipients, in this run and in all. With a journal the journal counts;
 * without one the run does. What goes through two services is kept for each of them, too. Fed by the sink and the feed,
 * read for progress, facts and bounds; main thread.
 */

import type { PealError, PealErrorCode } from '../../base/errors.js';
import { maxCampaignReasons } from '../../base/limits.js';
import type { SettledBatch } from '../../engine/batch.js';
import { REJECTED } from '../../engine/ledger.js';
import { Tally } from '../../engine/tally.js';
import type { TokenEncoding } from '../../push/token-block.js';
import type { Journal } from '../journal/journal.js';
import { listShape } from '../recipients/list-shape.js';
import type { CountedReason } from '../report/summary.js';
import type { CampaignServices } from '../senders/campaign-services.js';
import type { CampaignFacts } from '../view/campaign-facts.js';
import { type InvalidRow, listName } from './recipient-blocks.js';

/** Recipients by outcome, of all runs; those that are read and sent later are in none. */
interface OutcomesSoFar {
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  /** Noted, and without an outcome. */
  readonly underWay: number;
}

interface Cause {
  readonly error: PealError;
  unsent: number;
  unknown: number;
}

/** What is wrong with the first invalid row, and what its list looks like. */
interface FirstInvalid {
  readonly list: string;
  readonly line: number;
  readonly why: string;
  readonly shape: string | null;
}

const others = 'other reasons';
/** Invalid lines by which a list is recognised. */
const linesOfShape = 3;

/** Rejections by reason, of all runs. */
class ReasonCounts {
  readonly #reasons = new Map<string, { readonly status: number | null; count: number }>();

  constructor(earlier: readonly CountedReason[]) {
    for (const { reason, status, count } of earlier) this.#reasons.set(reason, { status, count });
  }

  add(name: string, status: number | null): void {
    const known =
      this.#reasons.get(name) ?? (this.#reasons.size < maxCampaignReasons ? undefined : this.#reasons.get(others));
    if (known === undefined)
      this.#reasons.set(this.#reasons.size < maxCampaignReasons ? name : others, { status, count: 1 });
    else known.count += 1;
  }

  /** The most frequent first. */
  list(): readonly CountedReason[] {
    return [...this.#reasons]
      .map(([reason, { status, count }]) => ({ reason, status, count }))
      .sort((a, b) => b.count - a.count);
  }
}

/** What is kept of one of two services, beside what the journal counts. */
class ServiceBooks {
  /** Outcomes of this run. */
  readonly run = new Tally();
  readonly reasons: ReasonCounts;
  invalid = 0;
  neverNoted = 0;

  constructor(earlier: readonly CountedReason[]) {
    this.reasons = new ReasonCounts(earlier);
  }
}

/** What earlier runs have left to the books. */
type EarlierBooks = Pick<CampaignFacts, 'reasons' | 'resent' | 'services'>;

export class CampaignBooks {
  readonly #journal: Journal | null;
  readonly #services: CampaignServices;
  /** By part (`CampaignServices.partOf`); empty where there is one service. */
  readonly #parts: readonly ServiceBooks[];
  /** Outcomes of this run. */
  readonly run = new Tally();
  readonly #reasons: ReasonCounts;
  readonly #causes = new Map<PealErrorCode, Cause>();
  readonly #firstInvalid: InvalidRow[] = [];
  /** Recipients and invalid rows that were read in this run. */
  read = 0;
  invalid = 0;
  /** Recipients that were read and never noted. */
  neverNoted = 0;
  /** Recipients that were read in this run, and that it did not send to: unsent ones beside those of `run`. */
  left = 0;
  /** Recipients that wait for their hours. */
  held = 0;
  /** Recipients that an earlier run had answered, as this one has read them. */
  resumed = 0;
  resent = 0;
  /** Of `resent`, those of earlier runs. */
  readonly resentBefore: number;

  constructor(services: CampaignServices, journal: Journal | null, earlier: EarlierBooks | null) {
    this.#journal = journal;
    this.#services = services;
    this.#reasons = new ReasonCounts(earlier?.reasons ?? []);
    this.#parts = services.names.map((_, part) => new ServiceBooks(earlier?.services?.[part]?.reasons ?? []));
    this.resentBefore = earlier?.resent ?? 0;
    this.resent = this.resentBefore;
  }

  get counts(): OutcomesSoFar {
    return this.#journal === null ? outcomesOf(this.run) : this.#journal.counts;
  }

  /** The same for each of two services; empty where there is one. */
  get parts(): readonly OutcomesSoFar[] {
    const noted = this.#journal?.parts;
    return this.#parts.map(({ run }, part) => noted?.[part] ?? outcomesOf(run));
  }

  /** What facts keep of each of two services; undefined where there is one. */
  get services(): CampaignFacts['services'] {
    if (this.#parts.length === 0) return undefined;
    return this.#parts.map(({ reasons, invalid, neverNoted }, part) => {
      return { service: this.#services.names[part]!, invalid, neverNoted, reasons: reasons.list() };
    });
  }

  /** Recipients of this run that got an outcome, without the unsent, by service; undefined where there is one. */
  get answeredByService(): readonly number[] | undefined {
    if (this.#parts.length === 0) return undefined;
    return this.#parts.map(({ run }) => run.accepted + run.rejected + run.unknown);
  }

  /** Recipients of all runs that were certainly not sent to. */
  get unsent(): number {
    return this.counts.unsent + this.neverNoted;
  }

  /** Recipients of this run that the gateway has answered. */
  get answered(): number {
    return this.run.accepted + this.run.rejected;
  }

  /** Rejections of all runs, the most frequent reason first. */
  get reasons(): readonly CountedReason[] {
    return this.#reasons.list();
  }

  /** Why recipients of this run are unsent or unknown, the most frequent cause first. */
  get causes(): readonly Cause[] {
    return [...this.#causes.values()].sort((a, b) => b.unsent + b.unknown - a.unsent - a.unknown);
  }

  /** @param isPlain whether the lists have no columns: then the line may tell what the list is */
  firstInvalid(isPlain: boolean): FirstInvalid | null {
    const first = this.#firstInvalid[0];
    if (first === undefined) return null;
    const lines = this.#firstInvalid.map(({ line, text, why }) => ({ line: line ?? 0, text, why }));
    return {
      list: listName(first.list),
      line: first.line ?? 0,
      why: first.why,
      shape: isPlain ? listShape(lines) : null,
    };
  }

  /** Takes a batch. `error` is why its recipients are unsent or unknown, where there are such. */
  settle(settled: SettledBatch, error: PealError | null): void {
    const { unsent, unknown } = this.run;
    const { encoding } = settled.tokens;
    this.run.add(settled);
    this.#partOf(encoding)?.run.add(settled);
    this.resent += settled.resent;
    for (const { index, reason, status } of settled.details) {
      if (settled.ledger[index]! >= REJECTED) this.addReason(reason, status, encoding);
    }
    if (error !== null) this.addCause(error, this.run.unsent - unsent, this.run.unknown - unknown);
  }

  /** @param encoding of the token that was rejected */
  addReason(reason: string, status: number | null, encoding: TokenEncoding): void {
    const name = reason === '' ? `HTTP ${status ?? 'unknown'}` : reason;
    this.#reasons.add(name, status);
    this.#partOf(encoding)?.reasons.add(name, status);
  }

  /** Recipients that were read and not noted. */
  addNeverNoted(count: number, encoding: TokenEncoding): void {
    this.neverNoted += count;
    const part = this.#partOf(encoding);
    if (part !== null) part.neverNoted += count;
  }

  addCause(error: PealError, unsent: number, unknown: number): void {
    if (unsent + unknown === 0) return;
    let cause = this.#causes.get(error.code);
    if (cause === undefined) {
      cause = { error, unsent: 0, unknown: 0 };
      this.#causes.set(error.code, cause);
    }
    cause.unsent += unsent;
    cause.unknown += unknown;
  }

  /** Gives this cause to the unsent recipients without one: those that were never handed out, or were taken back. */
  addCauseOfRest(error: PealError): void {
    const explained = this.causes.reduce((sum, cause) => sum + cause.unsent, 0);
    this.addCause(error, Math.max(0, this.unsent - explained), 0);
  }

  addInvalid(row: InvalidRow): void {
    this.invalid += 1;
    const part = row.encoding === undefined ? null : this.#partOf(row.encoding);
    if (part !== null) part.invalid += 1;
    const first = this.#firstInvalid[0];
    const isOfSameList = first === undefined || first.list === row.list;
    if (isOfSameList && this.#firstInvalid.length < linesOfShape) this.#firstInvalid.push(row);
  }

  /** Null where there is one service. */
  #partOf(encoding: TokenEncoding): ServiceBooks | null {
    return this.#parts[this.#services.partOf(encoding)] ?? null;
  }
}

function outcomesOf({ accepted, rejected, unsent, unknown }: Tally): OutcomesSoFar {
  return { accepted, rejected, unsent, unknown, underWay: 0 };
}
