/**
 * Compares two books of the same run from two processes: the sender's, by the outcomes that it reports, and the
 * simulator's ledger, by the requests that it received. Main thread.
 */
import { integer } from '../../base/text.js';
import type { CampaignSummary } from '../../campaign/report/summary.js';
import type { Rows } from '../../session/recipients/rows.js';
import { LedgerDigest } from '../../simulator/books/digest.js';
import type { LedgerSummary } from '../../simulator/books/ledger.js';
import type { DemoFiles } from './demo-files.js';

/** The digest over every (token, answer) that the sender reports. It equals the simulator's if the books agree. */
export class SenderDigest {
  readonly #digest = new LedgerDigest();

  accepted({ tokens }: Rows, row: number): void {
    this.#digest.add(tokenAt(tokens, row));
  }

  rejected({ tokens }: Rows, row: number, reason: string): void {
    this.#digest.add(tokenAt(tokens, row), reason);
  }

  toString(): string {
    return this.#digest.toString();
  }
}

function tokenAt({ bytes, tokenBytes }: Rows['tokens'], index: number): Uint8Array {
  return bytes.subarray(index * tokenBytes, (index + 1) * tokenBytes);
}

type DemoCounts = Pick<
  CampaignSummary,
  'recipients' | 'accepted' | 'rejected' | 'unsent' | 'unknown' | 'invalid' | 'reasons'
>;

interface Comparison {
  readonly isEqual: boolean;
  /** Several lines, the last one without its end. */
  readonly text: string;
}

/** Compares the books with each other, and both with the list. */
export function compareBooks(
  sender: DemoCounts,
  digest: SenderDigest,
  ledger: LedgerSummary,
  files: Pick<DemoFiles, 'recipients' | 'scripted'>,
): Comparison {
  const expected = Object.values(files.scripted).reduce((sum, count) => sum + count, 0);
  const sentReasons = Object.fromEntries(sender.reasons.map(({ reason, count }) => [reason, count]));
  const rows: (readonly [what: string, sender: string, simulator: string, list: string])[] = [
    ['notifications', integer(sender.recipients), integer(ledger.requests), integer(files.recipients)],
    ['accepted', integer(sender.accepted), integer(ledger.accepted), integer(files.recipients - expected)],
    ['rejected', integer(sender.rejected), integer(ledger.rejected), integer(expected)],
    ...Object.entries(files.scripted).map(
      ([reason, count]) =>
        [
          `  ${reason}`,
          integer(sentReasons[reason] ?? 0),
          integer(ledger.reasons[reason] ?? 0),
          integer(count),
        ] as const,
    ),
    ['sent twice', '0', integer(ledger.duplicates ?? 0), '0'],
    ['unanswered', integer(sender.unsent + sender.unknown), integer(ledger.unanswered), '0'],
    ['invalid', integer(sender.invalid), integer(ledger.withoutToken), '0'],
    ['digest', digest.toString(), ledger.digest, ''],
  ];
  const isEqual = rows.every(([, ours, theirs, list]) => ours === theirs && (list === '' || ours === list));
  return { isEqual, text: table(rows, isEqual) };
}

function table(rows: readonly (readonly [string, string, string, string])[], isEqual: boolean): string {
  const head = ['', "sender's books", "simulator's ledger", 'the list'] as const;
  const width = (column: number): number => Math.max(...[head, ...rows].map((row) => row[column]!.length));
  const [first, second, third, fourth] = [width(0), width(1), width(2), width(3)];
  const lines = [head, ...rows].map(([what, ours, theirs, list]) =>
    `  ${what.padEnd(first)}  ${ours.padStart(second)}  ${theirs.padStart(third)}  ${list.padStart(fourth)}`.trimEnd(),
  );
  const verdict = isEqual
    ? '  Both books are equal: every token, its outcome and its reason.'
    : '  THE BOOKS DIFFER: please report this with the lines above.';
  return [...lines, '', verdict].join('\n');
}
