/**
 * Holds the sender's book against the gateway's ledger, for the tests of faults outside the connection: every token has
 * one outcome, none came twice, and what the sender says of each is possible by what the gateway has.
 */
import assert from 'node:assert/strict';
import type { TokenRecord } from '../../src/index.js';
import { getFrom } from '../support/control-server.js';
import type { BookSink, Outcome } from '../support/engine-fixtures.js';

/** What the ledger has of a token; null when no request for it came. */
export type RecordOf = (token: string) => TokenRecord | null;

/** How many tokens have which outcome. */
export type Counts = Readonly<Record<Outcome, number>>;

/** Compares token by token. Returns the counts for what else is to be said. */
export function assertAccounted(book: BookSink, tokens: Iterable<string>, recordOf: RecordOf): Counts {
  const counts = { accepted: 0, rejected: 0, unsent: 0, unknown: 0 };
  let total = 0;
  for (const token of tokens) {
    total += 1;
    const outcome = book.outcomes.get(token);
    const name = token.slice(0, 8);
    assert.ok(outcome !== undefined, `${name} was lost`);
    counts[outcome] += 1;
    const record = recordOf(token);
    assert.ok((record?.requests ?? 0) <= 1, `${name} came ${record?.requests} times`);
    if (outcome === 'accepted')
      assert.equal(record?.answer, 'accepted', `${name} is accepted, and is not in the ledger`);
    if (outcome === 'unsent') assert.equal(record, null, `${name} is unsent, and came`);
    if (outcome === 'rejected') assert.ok(record !== null && record.status >= 400, `${name} is rejected`);
  }
  assert.equal(book.outcomes.size, total, 'the book has tokens that nobody sent');
  return counts;
}

/** The ledger of a simulator in another process or thread, as its control port tells it. */
export async function ledgerAt(controlUrl: string): Promise<Map<string, TokenRecord>> {
  const lines = (await getFrom(`${controlUrl}/peal/ledger/tokens`)).split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => JSON.parse(line) as TokenRecord).map((record) => [record.token, record]));
}

/** Resolves once `isTrue`, looking again and again; rejects after minutes, with a name for what was waited for. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 240_000,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** As long as this takes, nothing else runs on this thread. */
export function block(durationMs: number): void {
  const end = performance.now() + durationMs;
  while (performance.now() < end);
}

/** A small generator of pseudo-random numbers (xorshift32), so that a failure can be run again. */
export function seeded(seed: number): (limit: number) => number {
  let state = seed | 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}
