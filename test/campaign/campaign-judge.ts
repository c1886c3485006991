/**
 * What became of each recipient of a campaign that was killed and resumed: its files and its journal beside the ledger
 * of the simulator, which no kill reaches.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { NOTED, NOTED_AGAIN } from '../../src/campaign/journal/block-record.js';
import type { JournalReader } from '../../src/campaign/journal/journal-reader.js';
import type { SimulatorLedger } from '../../src/simulator/books/ledger.js';

const names = ['accepted', 'rejected', 'gone', 'unsent', 'unknown', 'invalid'] as const;
type Outcome = (typeof names)[number];

/** By token: the file that names it. Each is named once. */
export function outcomesIn(folder: string): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const name of readdirSync(folder)) {
    const outcome = names.find((each) => name === `${each}.csv` || name === `${each}.txt`);
    assert.ok(!/\.(?:partial|cut)$/.test(name), `${name} is left`);
    if (outcome === undefined) continue;
    const text = readFileSync(path.join(folder, name), 'utf8');
    assert.ok(text === '' || text.endsWith('\n'), `${name} ends within a row`);
    const lines = text.split('\n').slice(name.endsWith('.csv') ? 1 : 0, -1);
    for (const line of lines) {
      const token = /\b[0-9a-f]{64}\b/.exec(line)![0];
      assert.ok(!outcomes.has(token), `${name} names a recipient that ${outcomes.get(token)} has, too`);
      outcomes.set(token, outcome);
    }
  }
  return outcomes;
}

/** Recipients that were noted and have no outcome: those that a run which resumes has to call unknown. */
export function underWayIn(journal: JournalReader, tokens: readonly string[]): string[] {
  const found: string[] = [];
  let first = 0;
  let next = 0;
  for (const [number, block] of journal.blocks()) {
    assert.equal(number, next++, 'blocks are noted in their order');
    const { new: fresh, underWay, accepted, rejected, unsent, unknown } = block.counts;
    const count = fresh + underWay + accepted + rejected + unsent + unknown;
    for (let index = 0; index < count; index++) {
      const state = block.stateAt(index);
      if (state === NOTED || state === NOTED_AGAIN) found.push(tokens[first + index]!);
    }
    first += count;
  }
  return found;
}

export interface Verdict {
  /** Recipients without an outcome, or with a wrong one. */
  lost: number;
  /** Requests for recipients that had been accepted. */
  sentAgain: number;
  unknown: number;
  /** Unknown ones that the gateway has never got. */
  neverArrived: number;
  /** What is wrong with the first one that is lost. */
  first: string | null;
}

interface Judged {
  readonly folder: string;
  readonly tokens: readonly string[];
  readonly ledger: SimulatorLedger;
  /** Those that were under way at a kill. */
  readonly underWay: ReadonlySet<string>;
  readonly resendsUnknown: boolean;
  /** Whether some that were under way may have an outcome all the same, because their sender lived on. */
  readonly mayBeFewer?: boolean;
}

/**
 * Throws where the books do not agree; for a campaign that went through, and in which each recipient was accepted or
 * refused.
 */
export function judge({ folder, tokens, ledger, underWay, resendsUnknown, mayBeFewer = false }: Judged): Verdict {
  const outcomes = outcomesIn(folder);
  const verdict: Verdict = { lost: 0, sentAgain: 0, unknown: 0, neverArrived: 0, first: null };
  for (const token of tokens) {
    const outcome = outcomes.get(token);
    const { requests, answer } = ledger.recordOf(token) ?? { requests: 0, answer: 'none' };
    const maySendAgain = resendsUnknown && underWay.has(token);
    if (requests > 1 && !maySendAgain) verdict.sentAgain += 1;
    if (outcome === 'unknown') {
      verdict.unknown += 1;
      if (requests === 0) verdict.neverArrived += 1;
      assert.ok(underWay.has(token), 'a recipient is unknown that was not under way at a kill');
    } else if (outcome !== expectedOf(answer, requests)) {
      verdict.lost += 1;
      verdict.first ??= `${outcome} after ${requests} requests, the last one ${answer}`;
    }
  }
  assert.deepEqual([verdict.lost, verdict.sentAgain], [0, 0], `lost, and sent again: ${verdict.first}`);
  assert.equal(outcomes.size, tokens.length, 'recipients in the files');
  if (!mayBeFewer) {
    assert.equal(verdict.unknown, resendsUnknown ? 0 : underWay.size, 'those under way at a kill are unknown');
  }
  return verdict;
}

function expectedOf(answer: string, requests: number): Outcome {
  if (requests === 0) return 'invalid';
  if (answer === 'accepted') return 'accepted';
  return answer === 'Unregistered' ? 'gone' : 'rejected';
}
