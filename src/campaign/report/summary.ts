/**
 * What a campaign says of itself, while it runs and when it has ended: `summary.json`, and the numbers of the
 * report. The keys of the JSON are those of the last line of `peal send --json` (docs/cli.md), with more beside
 * them. Pure; main thread.
 */
import type { LatencyHistogram } from '../../engine/latency-histogram.js';
import type { OutcomeCounts } from '../../session/message/result.js';
import { rounded } from './series-points.js';

/** The files that say it, in the directory of a campaign. */

/**
 * - `running`, `paused`: a process is at work on it.
 * - `stopped`: it ended before its recipients did, and can be resumed.
 * - `finished`: every recipient that was read has an outcome.
 */
export type CampaignState = 'running' | 'paused' | 'stopped' | 'finished';

/** How often a reason of APNs came: Apple's word for it, '' for an answer without one. */
export interface CountedReason {
  readonly reason: string;
  /** The status that came with it; null where it is not known any more. */
  readonly status: number | null;
  readonly count: number;
}

/** Why recipients are unsent or unknown. */
export interface CountedCause {
  /** The code of a PealError. */
  readonly code: string;
  /** One sentence. */
  readonly message: string;
  readonly unsent: number;
  readonly unknown: number;
}

/** One process that was at work on the campaign. */
export interface RunSummary {
  readonly startMs: number;
  /** Null: it goes on, or it was killed and nobody knows when. */
  readonly endMs: number | null;
  /** Without waits: for a time, for an hour, for an answer about the canary, and in a pause. */
  readonly seconds: number;
  /** Recipients that got their outcome in it, without the unsent. */
  readonly answered: number;
  /** The same for each of `CampaignSummary.services`; missing where there is one. */
  readonly answeredByService?: readonly number[];
  /** Why it ended, as one sentence; null: it goes on. */
  readonly end: string | null;
}

/** How long answers took, from dispatch to answer, in milliseconds. */
export interface LatencyFigures {
  readonly answers: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** One of two services: what became of its recipients, in all runs. */
export interface ServiceSummary extends OutcomeCounts {
  readonly service: 'apns' | 'fcm';
  /** Rejections by reason, the most frequent first. */
  readonly reasons: readonly CountedReason[];
  /**
   * Answers per second of the sending time of the campaign: those of both services together are those of the campaign.
   */
  readonly perSecond: number;
  /** Null where no answer was timed. */
  readonly latency: LatencyFigures | null;
}

/** A file that the campaign wrote. */
export interface CampaignFile {
  /** Without its directory. */
  readonly name: string;
  /** What is in it and what to do with it, as one sentence. */
  readonly use: string;
  /** Recipients in it; null for a file that has none. */
  readonly rows: number | null;
}

/** What to do next. */
export interface NextStep {
  /** One sentence. */
  readonly text: string;
  /** A command that does it. */
  readonly command: string | null;
}

/**
 * Everything that a campaign says of itself in numbers. Plain data. Counts are those of all its runs. Sentences are in
 * the words of their reader: without the marks of base/wording.
 */
export interface CampaignSummary extends OutcomeCounts {
  readonly state: CampaignState;
  /** Why it stopped or is paused, or what it waits for, as one sentence; otherwise null. */
  readonly why: string | null;
  /** The code of what stopped it; otherwise null. */
  readonly stopped: string | null;
  readonly next: readonly NextStep[];
  /** How many recipients there will be; null where that is not known. */
  readonly expected: number | null;
  /** Recipients that were dropped because their token stood before. They do not count as recipients. */
  readonly duplicate: number;
  /**
   * The same for each service, APNs first; empty where there is one. Invalid rows whose column names no platform are of
   * neither.
   */
  readonly services: readonly ServiceSummary[];
  /** Rejections by reason, the most frequent first. */
  readonly reasons: readonly CountedReason[];
  readonly causes: readonly CountedCause[];
  /** The first line that is not a recipient; null where each line is one. */
  readonly invalidLines: {
    readonly list: string;
    readonly line: number;
    readonly why: string;
    readonly shape: string | null;
  } | null;
  /** Lists that were not read to their end, with the line to go on with; null where no line can be relied on. */
  readonly unread: readonly { readonly list: string; readonly line: number | null }[];
  /** Requests that were sent again by themselves. */
  readonly resent: number;
  /** The first run is first. */
  readonly runs: readonly RunSummary[];
  /** Time in which all runs sent, without their waits. */
  readonly seconds: number;
  /** Answers per second of `seconds`. */
  readonly perSecond: number;
  /** Most connections that were open at a time. */
  readonly connections: number;
  readonly threads: number;
  readonly latency: LatencyFigures | null;
  readonly files: readonly CampaignFile[];
  /** How the command of the latest run ended; null while it runs. */
  readonly exitCode: number | null;
}

/** What a histogram says in figures; null where it counted nothing. */
export function latencyFigures(histogram: LatencyHistogram): LatencyFigures | null {
  const [p50, p90, p99, p999] = histogram.percentiles([0.5, 0.9, 0.99, 0.999]);
  if (p50 == null || p90 == null || p99 == null || p999 == null) return null;
  return { answers: histogram.count, p50, p90, p99, p999, max: histogram.longestMs };
}

/** The text of `summary.json`. Readers must skip keys that they do not know: new ones may be added at any time. */
export function summaryJson(title: string, summary: CampaignSummary): string {
  const { recipients, accepted, rejected, unsent, unknown, invalid, duplicate } = summary;
  const { state, stopped, why, next, expected, invalidLines, unread, resent, exitCode } = summary;
  const { services, reasons, causes, runs, seconds, perSecond, connections, threads, latency, files } = summary;
  const fields = {
    messageType: 'summary',
    version: 1,
    title,
    state,
    stopped,
    why,
    next,
    expected,
    ...{ recipients, accepted, rejected, unsent, unknown, invalid, duplicate },
    ...servicesJson(services),
    invalidLines,
    unread,
    reasons: reasonsJson(reasons),
    causes: countsOf(causes.map(({ code, unsent, unknown }) => [code, unsent + unknown])),
    resent,
    startedAt: isoTime(runs[0]?.startMs ?? null),
    endedAt: isoTime(runs.at(-1)?.endMs ?? null),
    seconds: rounded(seconds, 3),
    perSecond: Math.round(perSecond),
    connections,
    threads,
    latencyMs: latency,
    runs: runs.map(({ startMs, endMs, seconds, answered, answeredByService, end }) => ({
      startedAt: isoTime(startMs),
      endedAt: isoTime(endMs),
      seconds: rounded(seconds, 3),
      answered,
      ...(answeredByService !== undefined && { answeredByService }),
      end,
    })),
    files,
    exitCode,
  };
  return `${JSON.stringify(fields, withThreeDecimals, 2)}\n`;
}

/** The services as JSON has them: under the key `services`, or nothing where there is one. */
export function servicesJson(services: readonly ServiceSummary[]): object {
  if (services.length === 0) return {};
  return {
    services: services.map(({ reasons, perSecond, latency, ...counts }) => ({
      ...counts,
      reasons: reasonsJson(reasons),
      perSecond: Math.round(perSecond),
      latencyMs: latency,
    })),
  };
}

function reasonsJson(reasons: readonly CountedReason[]): Readonly<Record<string, number>> {
  return countsOf(reasons.map(({ reason, status, count }) => [reason || `HTTP ${status ?? 'unknown'}`, count]));
}

/** As an object whatever the names are, `__proto__` among them; counts under one name are added. */
function countsOf(rows: readonly (readonly [name: string, count: number])[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const [name, count] of rows) counts.set(name, (counts.get(name) ?? 0) + count);
  return Object.fromEntries(counts);
}

export function isoTime(ms: number | null): string | null {
  return ms === null || Number.isNaN(new Date(ms).valueOf()) ? null : new Date(ms).toISOString();
}

function withThreeDecimals(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? rounded(value, 3) : value;
}
