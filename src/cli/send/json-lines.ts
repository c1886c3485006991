/**
 * The output of `--json`: one JSON object a line on standard output, with its kind in `messageType`; the last line is
 * the summary. Pure but for the stream. The shapes are a contract (docs/cli.md).
 */
import type { Writable } from 'node:stream';
import { PealError } from '../../base/errors.js';
import { type CampaignSummary, servicesJson } from '../../campaign/report/summary.js';
import type { ExitCode } from '../shared/exit-codes.js';
import { errorMessage, writeJsonLine } from '../shared/terminal.js';
import type { RejectionNote } from './rejection-notes.js';

/**
 * Recipients that were rejected for a reason that is not about their tokens. Not an error of the library, which has
 * `reasons`.
 */
export function rejectionMessage({ message, retryable, count }: RejectionNote): object {
  return { messageType: 'error', code: 'ERR_PEAL_REJECTED', message, retryable, count };
}

/** The lines of a run that was interrupted before its command was loaded. */
export function writeInterruption(output: Writable, message: string, exitCode: ExitCode): void {
  writeRefusal(output, new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true }), exitCode);
}

/** The lines of a run that ended before anything was read. */
export function writeRefusal(output: Writable, error: PealError, exitCode: ExitCode): void {
  writeJsonLine(output, errorMessage(error, 0));
  writeJsonLine(output, summaryMessage({ ...nothing, stopped: error.code }, exitCode));
}

/** The summary of a run in which nothing was read. */
export const nothing: CampaignSummary = {
  ...{ recipients: 0, accepted: 0, rejected: 0, unsent: 0, unknown: 0, invalid: 0, duplicate: 0, resent: 0 },
  ...{ state: 'stopped', why: null, stopped: null, next: [], expected: null, services: [], reasons: [], causes: [] },
  ...{ invalidLines: null, unread: [], runs: [], files: [], latency: null, exitCode: null },
  ...{ seconds: 0, perSecond: 0, connections: 0, threads: 0 },
};

export function summaryMessage(summary: CampaignSummary, exitCode: ExitCode): object {
  return {
    messageType: 'summary',
    recipients: summary.recipients,
    accepted: summary.accepted,
    rejected: summary.rejected,
    unsent: summary.unsent,
    unknown: summary.unknown,
    invalid: summary.invalid,
    duplicate: summary.duplicate,
    invalidLines: summary.invalidLines,
    unread: summary.unread,
    reasons: Object.fromEntries(summary.reasons.map(({ reason, count }) => [reason, count])),
    causes: Object.fromEntries(summary.causes.map(({ code, unsent, unknown }) => [code, unsent + unknown])),
    resent: summary.resent,
    seconds: Math.round(summary.seconds * 1000) / 1000,
    perSecond: Math.round(summary.perSecond),
    connections: summary.connections,
    threads: summary.threads,
    stopped: summary.stopped,
    exitCode,
    state: summary.state,
    runs: summary.runs.length,
    latencyMs: summary.latency,
    ...servicesJson(summary.services),
  };
}
