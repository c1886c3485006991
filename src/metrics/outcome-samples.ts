/**
 * Outcomes as samples: each with a label for what became of the recipients. Only reasons of Apple's tables become
 * labels, because a gateway may make up any number of others. Called by sources; main thread.
 */
import { binaryReasons, reasons } from '../apns/reason.js';
import type { Samples } from './samples.js';

/** What became of recipients since the process began, or since a part of it did. */
interface OutcomeFigures {
  readonly accepted: number;
  readonly unsent: number;
  readonly unknown: number;
  /** Default 0. */
  readonly invalid?: number;
  /** Default 0. */
  readonly duplicate?: number;
  /** Rejections by reason, in the words of `Tally`. */
  readonly reasons: Iterable<readonly [reason: string, count: number]>;
}

/** The status of each reason that Apple documents, as text. */
const statuses: ReadonlyMap<string, string> = new Map(
  [...binaryReasons, ...reasons].map(({ reason, status }) => [reason, String(status)]),
);

/** Adds them to peal_notifications_total. */
export function addOutcomes(samples: Samples, figures: OutcomeFigures): void {
  const { accepted, unsent, unknown, invalid = 0, duplicate = 0 } = figures;
  for (const [outcome, count] of Object.entries({ accepted, unsent, unknown, invalid, duplicate })) {
    samples.add('peal_notifications_total', count, { outcome, reason: '', status: '' });
  }
  for (const [reason, count] of figures.reasons) {
    samples.add('peal_notifications_total', count, { outcome: 'rejected', ...labelsOf(reason) });
  }
}

function labelsOf(reason: string): { readonly reason: string; readonly status: string } {
  const status = statuses.get(reason);
  if (status !== undefined) return { reason, status };
  const [, first] = /^HTTP ([1-5])\d\d$/.exec(reason) ?? [];
  return { reason: 'other', status: first === undefined ? '' : `${first}xx` };
}
