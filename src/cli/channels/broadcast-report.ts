/**
 * The output of `peal broadcast`: the outcome of each channel on standard output, and on standard error the summary and
 * what was wrong. The shapes of the JSON lines are a contract (docs/cli.md). Main thread.
 */
import { createColors } from 'picocolors';
import { PealError } from '../../base/errors.js';
import { counted, integer } from '../../base/text.js';
import { broadcastAdviceOf, classOf } from '../../push-services/reasons.js';
import type { BroadcastOutcome, BroadcastResult } from '../../session/channels/broadcast.js';
import { type ExitCode, exitCodeOf, exitCodes } from '../shared/exit-codes.js';
import {
  errorMessage,
  hasColour,
  printable,
  printError,
  printNote,
  printWarning,
  type Terminal,
  writeJsonLine,
} from '../shared/terminal.js';
import { commandMessage } from '../shared/wording.js';
import type { InvalidChannel } from './channel-list.js';

/** What became of all channels. */
export interface BroadcastReport {
  readonly result: BroadcastResult;
  /** Lines that held no id; the result does not have them. */
  readonly invalid: readonly InvalidChannel[];
  readonly duplicate: number;
  readonly seconds: number;
  /** Why it ended early, and with which code; null where it did not. */
  readonly interruption: { readonly error: PealError; readonly code: ExitCode } | null;
}

interface PrintOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Channels with one reason, or one cause. */
interface Group {
  readonly count: number;
  readonly outcome: BroadcastOutcome;
}

export function printBroadcast(terminal: Terminal, { json, quiet }: PrintOptions, report: BroadcastReport): ExitCode {
  const { result, invalid, interruption } = report;
  const { stdout } = terminal;
  const exitCode = exitCodeOfReport(report);
  const rejected = groupsOf(result, 'rejected', ({ status, reason }) => `${status} ${reason}`);
  const losses = groupsOf(result, 'lost', ({ error }) => `${error?.code} ${error?.message}`);
  const causes = losses.filter(({ outcome }) => !isInterruption(outcome.error, report));
  // The reason that ended the broadcast is told with those that it left unsent.
  const rejections = rejected.filter(({ outcome }) => !causes.some((cause) => says(cause, outcome)));
  if (json === true) {
    for (const [id, outcome] of result.channels) writeJsonLine(stdout, channelMessage(id, outcome));
    for (const line of invalid) writeJsonLine(stdout, invalidMessage(line));
    if (interruption !== null) writeJsonLine(stdout, errorMessage(interruption.error, result.unsent));
    for (const { count, outcome } of causes)
      if (outcome.error !== null) writeJsonLine(stdout, errorMessage(outcome.error, count));
    for (const group of rejections) writeJsonLine(stdout, rejectionMessage(group, result.channels.size));
    writeJsonLine(stdout, summaryMessage(report, rejected, losses, exitCode));
  } else if (quiet !== true) {
    stdout.write(outcomeLines(report, hasColour(terminal, stdout)));
    printNote(terminal, summarySentence(report));
  }
  if (interruption !== null) printError(terminal, interruption.error);
  for (const { count, outcome } of causes) printLoss(terminal, count, outcome);
  for (const group of rejections) printWarning(terminal, rejectionSentence(group, result.channels.size));
  if (invalid.length > 0) printWarning(terminal, invalidSentence(invalid));
  return exitCode;
}

/** A line for each channel: outcome, id, and why. Several words never stand in the first two columns. */
function outcomeLines({ result, invalid }: BroadcastReport, isColoured: boolean): string {
  const { green, red, yellow } = createColors(isColoured);
  const paints = { accepted: green, rejected: red, unsent: yellow, unknown: yellow, invalid: yellow };
  const width = Math.max(0, ...[...result.channels.keys()].map((id) => id.length));
  const lines = [...result.channels].map(([id, outcome]) => {
    const name = paints[outcome.outcome](outcome.outcome.padEnd(outcomeWidth));
    return `${name}  ${id.padEnd(width)}  ${whyOf(outcome)}`.trimEnd();
  });
  const others = invalid.map(
    ({ list, line }) => `${yellow('invalid '.padEnd(outcomeWidth))}  ${printable(list)}:${line}`,
  );
  return [...lines, ...others].map((line) => `${line}\n`).join('');
}

/** The longest outcome: `rejected`. */
const outcomeWidth = 8;

function whyOf({ status, reason, error }: BroadcastOutcome): string {
  if (reason !== null) return answerText(status, reason);
  return error === null ? '' : error.code;
}

function answerText(status: number | null, reason: string): string {
  return reason === '' ? `HTTP ${status}` : `${status} ${printable(reason)}`;
}

function channelMessage(channelId: string, outcome: BroadcastOutcome): object {
  const { error, ...fields } = outcome;
  return { messageType: 'channel', channelId, ...fields, code: error?.code ?? null };
}

function invalidMessage({ list, line }: InvalidChannel): object {
  const none = { status: null, reason: null, requestId: null, uniqueId: null, retryAfterSeconds: null };
  return {
    messageType: 'channel',
    channelId: null,
    outcome: 'invalid',
    ...none,
    attempts: 0,
    code: 'ERR_PEAL_CHANNEL',
    list,
    line,
  };
}

function summaryMessage(
  { result, invalid, duplicate, seconds, interruption }: BroadcastReport,
  rejections: readonly Group[],
  losses: readonly Group[],
  exitCode: ExitCode,
): object {
  const { accepted, rejected, unsent, unknown } = result;
  const causes: Record<string, number> = {};
  for (const { count, outcome } of losses) {
    const code = outcome.error?.code ?? 'ERR_PEAL_ABORTED';
    causes[code] = (causes[code] ?? 0) + count;
  }
  return {
    messageType: 'summary',
    channels: channelsOf({ result, invalid }),
    ...{ accepted, rejected, unsent, unknown, invalid: result.invalid + invalid.length, duplicate },
    reasons: Object.fromEntries(
      rejections.map(({ count, outcome }) => [
        outcome.reason === '' ? `HTTP ${outcome.status}` : outcome.reason,
        count,
      ]),
    ),
    causes,
    seconds: Math.round(seconds * 1000) / 1000,
    stopped:
      interruption?.error.code ??
      losses.find(({ outcome }) => outcome.outcome === 'unsent')?.outcome.error?.code ??
      null,
    exitCode,
  };
}

function channelsOf({ result, invalid }: Pick<BroadcastReport, 'result' | 'invalid'>): number {
  return result.channels.size + invalid.length;
}

function summarySentence(report: BroadcastReport): string {
  const { result, invalid, duplicate, seconds } = report;
  const counts = Object.entries({
    accepted: result.accepted,
    rejected: result.rejected,
    unsent: result.unsent,
    unknown: result.unknown,
    invalid: result.invalid + invalid.length,
  });
  const shown = counts.filter(([name, count]) => count > 0 || name === 'accepted');
  const outcomes = shown.map(([name, count]) => `${integer(count)} ${name}`).join(', ');
  const dropped = duplicate === 0 ? '' : `; ${counted(duplicate, 'duplicate')} dropped`;
  return `${counted(channelsOf(report), 'channel')}: ${outcomes}${dropped} (${seconds.toFixed(2)} s)`;
}

function groupsOf(
  { channels }: BroadcastResult,
  which: 'rejected' | 'lost',
  keyOf: (outcome: BroadcastOutcome) => string,
): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const outcome of channels.values()) {
    const isLost = outcome.outcome === 'unsent' || outcome.outcome === 'unknown';
    if (which === 'lost' ? !isLost : outcome.outcome !== 'rejected') continue;
    const key = `${outcome.outcome} ${keyOf(outcome)}`;
    groups.set(key, { count: (groups.get(key)?.count ?? 0) + 1, outcome: groups.get(key)?.outcome ?? outcome });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

function rejectionSentence({ count, outcome }: Group, channels: number): string {
  const { status, reason } = outcome;
  const were = count === 1 ? 'was' : 'were';
  const what = `${integer(count)} of ${counted(channels, 'channel')} ${were} rejected`;
  return `${what}: ${answerText(status, reason ?? '')}. ${broadcastAdviceOf(status ?? 0, reason ?? '')}`;
}

function rejectionMessage(group: Group, channels: number): object {
  const { status, reason } = group.outcome;
  const kind = classOf(status ?? 0, reason ?? '');
  return {
    messageType: 'error',
    code: 'ERR_PEAL_REJECTED',
    message: rejectionSentence(group, channels),
    retryable: kind === 'transient' || kind === 'connection',
    count: group.count,
  };
}

function printLoss(terminal: Terminal, count: number, { outcome, error }: BroadcastOutcome): void {
  if (error === null) return;
  const sentence = `${integer(count)} ${outcome}: ${commandMessage(error).replace(/\.?$/, '.')}`;
  // What is unsent kept the broadcast from its end.
  if (outcome === 'unsent') printError(terminal, new PealError(error.code, sentence, error));
  else printWarning(terminal, sentence);
}

/** Whether the sentence about a cause names the answer. */
function says({ outcome }: Group, { status, reason }: BroadcastOutcome): boolean {
  return outcome.error?.message.includes(answerText(status, reason ?? '')) === true;
}

/** Never quotes a line, because it may be a secret. */
function invalidSentence(invalid: readonly InvalidChannel[]): string {
  const [{ list, line }] = invalid as [InvalidChannel];
  const which = invalid.length === 1 ? 'one line is' : `${integer(invalid.length)} lines are`;
  return `${which} not the id of a channel: ${invalid.length === 1 ? '' : 'the first is '}line ${integer(line)} of ${printable(list)}`;
}

function isInterruption(error: PealError | null, { interruption }: BroadcastReport): boolean {
  return (
    interruption !== null && (error === null || error.code === 'ERR_PEAL_ABORTED' || error.code === 'ERR_PEAL_CLOSED')
  );
}

/** A signal comes first, then what keeps channels from being sent to, then single channels. */
function exitCodeOfReport({ result, invalid, interruption }: BroadcastReport): ExitCode {
  if (interruption !== null) return interruption.code;
  if (result.channels.size === 0) return exitCodes.input;
  const { accepted, rejected, unsent, channels } = result;
  const outcomes = [...channels.values()];
  const unsentError = outcomes.find(({ outcome, error }) => outcome === 'unsent' && error !== null)?.error;
  if (unsent > 0 && unsentError != null) return exitCodeOf(unsentError);
  const isTransient = ({ status, reason }: BroadcastOutcome): boolean =>
    classOf(status ?? 0, reason ?? '') === 'transient';
  const refused = outcomes.filter(({ outcome }) => outcome === 'rejected');
  if (accepted === 0 && rejected > 0 && refused.every(isTransient)) return exitCodes.stopped;
  return accepted === channelsOf({ result, invalid }) ? exitCodes.accepted : exitCodes.notAllAccepted;
}
