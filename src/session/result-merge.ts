/**
 * Merging the parts of two results. Pure; every function is associative. Called by session/result only.
 */
import type { OutcomeCounts, SendFault } from './result.js';

export function mergeCounts(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return {
    recipients: a.recipients + b.recipients,
    accepted: a.accepted + b.accepted,
    rejected: a.rejected + b.rejected,
    unsent: a.unsent + b.unsent,
    unknown: a.unknown + b.unknown,
    invalid: a.invalid + b.invalid,
  };
}

export function mergeReasons(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Map<string, number> {
  const merged = new Map(a);
  for (const [reason, count] of b) merged.set(reason, (merged.get(reason) ?? 0) + count);
  return merged;
}

/** Each fault once, in the order of its first coming and with its first explanation. */
export function mergeErrors(a: readonly SendFault[], b: readonly SendFault[]): SendFault[] {
  const merged = new Map(a.map((fault) => [fault.reason, fault]));
  for (const fault of b) {
    const known = merged.get(fault.reason);
    merged.set(fault.reason, known === undefined ? fault : { ...known, count: known.count + fault.count });
  }
  return [...merged.values()];
}
