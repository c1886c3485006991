/**
 * Judges a simulated campaign over all its processes: what the gateway processed, beside what the journal had durably
 * and what the files of outcomes say in the end. Nobody is lost, nobody who was answered is sent to again, nobody is
 * handed to a connection before the journal has him durably, and everybody is in one file.
 */
import { Buffer } from 'node:buffer';
import { maxBatchRecipients } from '../../src/base/limits.js';
import { BlockRecord, isFinal, NEW, NOTED, NOTED_AGAIN } from '../../src/campaign/journal/block-record.js';
import { blockKey, numberOf } from '../../src/campaign/journal/records.js';
import type { Change } from '../../src/campaign/journal/store.js';
import type { CampaignSummary } from '../../src/campaign/report/summary.js';
import { ACCEPTED, REJECTED, UNKNOWN } from '../../src/engine/ledger.js';
import { ACCEPTED_ANSWER, answerName, isRejection } from '../../src/simulator/settings/answers.js';
import type { MemoryDisk } from '../campaign/journal/memory-store.js';
import type { GatewayBooks } from './gateway-side.js';
import type { Plan } from './plan.js';
import type { CampaignPlan } from './plan-campaign.js';
import { kinds, numberIn } from './recipients.js';

const fileNames = ['accepted', 'rejected', 'gone', 'unsent', 'unknown', 'invalid'] as const;
export type FileOutcome = (typeof fileNames)[number];

/** Answers after which a recipient may be sent to again in the same run. */
const repeatable: ReadonlySet<string> = new Set([
  'TooManyRequests',
  'InternalServerError',
  'ServiceUnavailable',
  'Shutdown',
  'ExpiredProviderToken',
  'IdleTimeout',
]);
const maxViolationsKept = 5;
const blockLetter = blockKey(0)[0]!;

/** Where a recipient stands in the journal. */
interface Place {
  readonly block: number;
  readonly index: number;
}

export class CampaignReferee implements GatewayBooks {
  readonly violations: string[] = [];
  /** Requests that the gateway has had complete. */
  processed = 0;
  duplicated = 0;
  unexpected = 0;
  lost = 0;
  /** By recipient: the file that names it at the end. */
  outcomes: ReadonlyMap<number, FileOutcome> = new Map();
  onProcessing: () => void = () => {};
  /** The most that the window of a run has allowed so far. */
  widestWindow = 0;
  /** How many recipients are handed out before the canary is judged; null: it was, or there is none. */
  canary: number | null = null;
  readonly #plan: Plan;
  readonly #campaign: CampaignPlan;
  readonly #answers: number[][];
  readonly #lacking = new Set<number>();
  readonly #places: Place[] = [];
  readonly #blockCounts: number[] = [];
  /** By block: what a process that begins now finds. */
  readonly #durable = new Map<number, BlockRecord>();
  /** Recipients that were under way when a process ended. */
  readonly #wereUnderWay = new Set<number>();
  /** Those that this run has handed to a connection. */
  readonly #taken = new Set<number>();

  constructor(plan: Plan, campaign: CampaignPlan) {
    this.#plan = plan;
    this.#campaign = campaign;
    this.#answers = plan.recipients.map(() => []);
    this.#layOut();
  }

  violate(what: string): void {
    if (this.violations.length < maxViolationsKept) this.violations.push(what);
  }

  // --- what a run does ---

  beginRun(): void {
    this.#taken.clear();
    this.widestWindow = 0;
  }

  /** A connection takes a recipient, and may write it from now on. */
  onTaken(number: number): void {
    const state = this.#stateOf(number);
    if (state !== NOTED && state !== NOTED_AGAIN) {
      this.violate(
        `recipient ${number} is handed to a connection while the journal has it as ${state ?? 'not in the list'}`,
      );
    }
    this.#taken.add(number);
    if (this.canary !== null && this.#taken.size > this.canary) {
      this.violate(`${this.#taken.size} recipients are sent to before the canary of ${this.canary} is judged`);
    }
  }

  /** A transaction of the journal is durable. */
  onDurable(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (key[0] !== blockLetter) continue;
      const number = numberOf(key);
      const record = BlockRecord.decode(new Uint8Array(value), number);
      if (record === null) this.violate(`the record of block ${number} cannot be read`);
      else this.#note(number, record);
    }
    const open = this.#underWay();
    if (this.widestWindow > 0 && open >= this.widestWindow + maxBatchRecipients) {
      this.violate(`${open} recipients are under way, and the window is ${this.widestWindow}`);
    }
  }

  /** A process has ended: whoever is under way may have been sent to. Returns how many that are. */
  onCrash(disk: MemoryDisk): number {
    for (const [key, value] of disk.entries) {
      const bytes = Buffer.from(key, 'latin1');
      if (bytes[0] === blockLetter) this.onDurable([{ key: bytes, value }]);
    }
    let count = 0;
    this.#places.forEach((_, number) => {
      const state = this.#stateOf(number);
      if (state !== NOTED && state !== NOTED_AGAIN) return;
      this.#wereUnderWay.add(number);
      count += 1;
    });
    return count;
  }

  /** The first recipients of a block that the journal knows; null where it knows none. */
  get knownNumber(): number | null {
    const found = this.#places.findIndex(({ block }) => this.#durable.get(block) !== undefined);
    return found === -1 ? null : found;
  }

  // --- what the gateway says ---

  onToken(number: number): void {
    if (number < this.#answers.length) return;
    this.unexpected += 1;
    this.violate(`recipient ${number} of another list came to the gateway`);
  }

  onProcessed(number: number, answer: number): void {
    this.processed += 1;
    const answers = this.#answers[number];
    if (answers === undefined) return;
    if (answers.length > 0 && !this.#mayBeProcessedAgain(number, answers)) {
      this.duplicated += 1;
      this.violate(`recipient ${number} was processed again after ${answers.map(answerName).join(', ')}`);
    }
    answers.push(answer);
    this.onProcessing();
  }

  #mayBeProcessedAgain(number: number, answers: readonly number[]): boolean {
    if (answers.every((answer) => repeatable.has(answerName(answer)))) return true;
    if (this.#campaign.onUnknown === 'report') return false;
    // What was unknown is sent again: after a crash, or after its connection was lost.
    return !this.#plan.isCalm || this.#wereUnderWay.has(number);
  }

  // --- the end ---

  /** The campaign is finished: all books beside each other. */
  close(files: ReadonlyMap<string, string>, summary: CampaignSummary): void {
    const outcomes = this.#read(files);
    this.outcomes = outcomes;
    const counts: Record<string, number> = {};
    for (let number = 0; number < this.#answers.length; number++) {
      const outcome = outcomes.get(number) ?? (this.#isAcceptedUnkept(number) ? 'accepted' : undefined);
      if (outcome === undefined) {
        this.lost += 1;
        this.violate(`recipient ${number} is in no file; the journal has it as ${this.#stateOf(number)}`);
        continue;
      }
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      this.#compare(number, outcome);
    }
    const { accepted = 0, rejected = 0, gone = 0, unsent = 0, unknown = 0 } = counts;
    const said = [summary.accepted, summary.rejected, summary.unsent, summary.unknown].join(', ');
    const found = [accepted, rejected + gone, unsent, unknown].join(', ');
    if (said !== found) this.violate(`the summary counts ${said}, and the files have ${found}`);
  }

  count(outcome: FileOutcome): number {
    let count = 0;
    for (const each of this.outcomes.values()) if (each === outcome) count += 1;
    return count;
  }

  #isAcceptedUnkept(number: number): boolean {
    return !this.#campaign.keepsAccepted && this.#stateOf(number) === ACCEPTED;
  }

  #read(files: ReadonlyMap<string, string>): ReadonlyMap<number, FileOutcome> {
    const outcomes = new Map<number, FileOutcome>();
    for (const [name, text] of files) {
      if (/\.(?:partial|cut)$/.test(name)) this.violate(`${name} is left`);
      const outcome = fileNames.find((each) => name.startsWith(`${each}.`));
      if (outcome === undefined) continue;
      if (text !== '' && !text.endsWith('\n')) this.violate(`${name} ends within a row`);
      for (const line of text.split('\n').slice(name.endsWith('.csv') ? 1 : 0, -1)) {
        const token = /\b[0-9a-f]{64}\b/.exec(line)?.[0];
        if (token === undefined) {
          if (outcome !== 'invalid') this.violate(`${name} has a row without a device token`);
          continue;
        }
        const number = numberIn(Buffer.from(token, 'hex'), 0);
        const other = outcomes.get(number);
        if (other !== undefined) this.violate(`recipient ${number} is in the files of ${other} and ${outcome}`);
        outcomes.set(number, outcome);
      }
    }
    return outcomes;
  }

  #compare(number: number, outcome: FileOutcome): void {
    const answers = this.#answers[number]!;
    const state = this.#stateOf(number) ?? NEW;
    const wire = `${outcome}, in the journal ${state}; the gateway did: ${answers.map(answerName).join(', ') || 'nothing'}`;
    const isSo = (): boolean => {
      switch (outcome) {
        case 'accepted':
          return state === ACCEPTED && answers.includes(ACCEPTED_ANSWER);
        case 'gone':
          return state >= REJECTED && answers.some((answer) => answerName(answer) === kinds.gone);
        case 'rejected':
          return (
            state >= REJECTED && answers.some((answer) => isRejection(answer) && answerName(answer) !== kinds.gone)
          );
        case 'unknown':
          return state === UNKNOWN && this.#mayBeUnknown(number);
        case 'invalid':
          return state === NEW && answers.length === 0 && this.#lacking.has(number);
        default:
          // A campaign that is finished has none.
          return false;
      }
    };
    if (isSo()) return;
    this.lost += 1;
    this.violate(`recipient ${number} (${this.#plan.recipients[number]!.kind}) is ${wire}`);
  }

  #mayBeUnknown(number: number): boolean {
    if (this.#plan.isCalm) return this.#campaign.onUnknown === 'report' && this.#wereUnderWay.has(number);
    return true;
  }

  // --- the journal ---

  #note(number: number, record: BlockRecord): void {
    const count = this.#blockCounts[number];
    if (record.count !== count) this.violate(`block ${number} has ${record.count} recipients and not ${count}`);
    const before = this.#durable.get(number);
    before?.states.forEach((state, index) => {
      const now = record.states[index]!;
      if (isFinal[state] === 1 && now !== state)
        this.violate(`block ${number}: an outcome went from ${state} to ${now}`);
    });
    this.#durable.set(number, record);
  }

  #underWay(): number {
    let sum = 0;
    for (const { underWay } of this.#durable.values()) sum += underWay;
    return sum;
  }

  /** What the journal has durably of a recipient; null for one that is not in the list. */
  #stateOf(number: number): number | null {
    const place = this.#places[number];
    if (place === undefined) return null;
    return this.#durable.get(place.block)?.states[place.index] ?? NEW;
  }

  /** The blocks as reading makes them: of so many valid entries, those of them that came before left out. */
  #layOut(): void {
    const valid = this.#campaign.entries.filter(({ number }) => number !== null);
    for (const { number, lacksField } of valid) {
      if (lacksField && this.#places[number!] === undefined) this.#lacking.add(number!);
    }
    const seen = new Set<number>();
    for (let at = 0; at < valid.length; at += maxBatchRecipients) {
      const fresh: number[] = [];
      for (const { number } of valid.slice(at, at + maxBatchRecipients)) {
        if (!seen.has(number!)) fresh.push(number!);
        seen.add(number!);
      }
      if (fresh.length === 0) continue;
      const block = this.#blockCounts.length;
      this.#blockCounts.push(fresh.length);
      fresh.forEach((number, index) => {
        this.#places[number] = { block, index };
      });
    }
  }
}
