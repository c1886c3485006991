/**
 * How a world of plan-lasting has to end: in what time, with how many unknown, with or without a stop. The bounds are
 * those that docs/library.md promises, and they hold for a send as a whole, however many threads it has.
 *
 *                     forever                                     for a while
 *     resets, deaths  stops within maxUnavailableMs and a pause   all have an answer, but for what was lost
 *     refusals        the same; none is unknown                   all have an answer
 *     drops           stops after its attempts, or maxOutageMs    the same as resets, if it had answered before
 *     goaways         all have an answer                          –
 *     statuses        none is unknown; may stop                   the same
 *     bodies          all have the answer of the status           –
 */

import {
  closeTimeoutMs,
  maxConnectAttempts,
  maxConnectBackoffMs,
  maxOutageMs,
  maxResends,
  maxTransientPauseMs,
  maxUnavailableMs,
  receiveStreamWindowBytes,
  requestTimeoutMs,
  startRequests,
  stopAfterRefusals,
} from '../../src/base/limits.js';
import { reasonCode } from '../../src/push-services/reasons.js';
import type { RecipientBook } from './books.js';
import type { Plan } from './plan.js';
import type { LastingPlan } from './plan-lasting.js';

/** Single requests by which a connection finds out whether the gateway answers again. */
const trialsPerConnection = 20;
/** What is on its way, or is being decided, when a bound is reached. */
const slackMs = 15_000;
/** The wait for the successor of a connection, a handshake that takes longer, and half of that again. */
const longestSuccessorMs = 4_500;

export interface LastingFacts {
  readonly plan: Plan;
  readonly recipients: readonly RecipientBook[];
  readonly stops: readonly { readonly job: number; readonly code: string }[];
  readonly endMs: number;
  /** Takings of recipients by connections. */
  readonly taken: number;
  /** Connections that were open when it began to go wrong. */
  readonly openAtTrouble: number;
  /** All attempts to connect. */
  readonly connects: number;
}

/** `resets forever`, and so on. */
export function lastingName({ kind, untilMs }: LastingPlan): string {
  return `${kind} ${untilMs === null ? 'forever' : 'for a while'}`;
}

/** What does not fit the bounds. */
export function outOfBounds(lasting: LastingPlan, facts: LastingFacts): string[] {
  const { recipients, stops, endMs, taken } = facts;
  const wrong: string[] = [];
  const kind = lastingName(lasting);
  const latestMs = longestMs(lasting, facts);
  if (endMs > latestMs) wrong.push(`${kind}: the send ended after ${seconds(endMs)}, not within ${seconds(latestMs)}`);
  const unknown = recipients.filter(({ outcome }) => outcome === 'unknown').length;
  const mostUnknown = longestLoss(lasting, facts);
  if (unknown > mostUnknown) wrong.push(`${kind}: ${unknown} are unknown, more than ${mostUnknown}`);
  if (!mayStop(lasting, facts) && stops.length > 0) wrong.push(`${kind}: stopped with ${stops[0]!.code} for no reason`);
  const most = mostTaken(lasting, facts);
  if (taken > most) wrong.push(`${kind}: ${taken} requests for ${recipients.length} recipients, more than ${most}`);
  const unsent = recipients.filter(({ outcome }) => outcome === 'unsent').length;
  if (kind === 'statuses forever') wrong.push(...tooManyRefused(lasting, facts));
  if (unsent > 0 && stops.length === 0 && lasting.kind === 'statuses')
    wrong.push(`${kind}: ${unsent} are unsent without a stop`);
  if (unsent > 0 && !mayStop(lasting, facts)) wrong.push(`${kind}: ${unsent} are unsent`);
  return wrong;
}

/**
 * Where all recipients are refused alike, each shard stops a job after so many answers that say so, and nothing more is
 * refused than what its connections have under way by then.
 */
function tooManyRefused({ after }: LastingPlan, { plan, recipients, connects }: LastingFacts): string[] {
  const isOfAll = plan.gateway.scenario!.faults.every((fault) => fault.do === 'answer' && fault.share === 1);
  const refused = recipients.filter(
    ({ outcome, outcomeReason }) => outcome === 'rejected' && reasonCode(outcomeReason) === 0,
  ).length;
  const underWay = connects * Math.min(plan.gateway.maxStreams, startRequests + after);
  // Jobs stop one after another, and what is under way may be all of one.
  const most = plan.jobs.length * (Math.max(1, plan.threads) * stopAfterRefusals + underWay);
  return isOfAll && refused > most ? [`statuses forever: ${refused} were refused before the send stopped`] : [];
}

/** So many answers, and every shard has had some. */
const answersPerShard = 20;

/** A gateway that has never answered a shard may be given up after a few attempts. */
function mayStop({ kind, untilMs }: LastingPlan, { plan, recipients }: LastingFacts): boolean {
  if (kind === 'goaways' || kind === 'bodies') return false;
  if (kind === 'statuses') return true;
  return (
    untilMs === null ||
    (kind === 'drops' && recipients.filter(isAnswered).length < answersPerShard * Math.max(1, plan.threads))
  );
}

function isAnswered({ outcome }: RecipientBook): boolean {
  return outcome === 'accepted' || outcome === 'rejected';
}

/** Time until the end, from the first batch. */
function longestMs(lasting: LastingPlan, { plan, recipients }: LastingFacts): number {
  const { kind, untilMs, each } = lasting;
  const programMs = Math.max(...plan.jobs.map(({ paceMs, batches }) => paceMs * batches.length));
  const count = recipients.length;
  const serveMs = programMs + (2 * count * tripMs(plan)) / plan.gateway.maxStreams + slackMs;
  const successorsMs = (per: number): number =>
    (count / per + 2 * plan.maxConnections) * (longestSuccessorMs + 4 * tripMs(plan));
  if (kind === 'goaways') return serveMs + successorsMs(each);
  // Bodies are taken window by window.
  if (kind === 'bodies' || kind === 'statuses') return serveMs + longAnswersMs(plan);
  const reconnectMs = maxConnectAttempts * (requestTimeoutMs + maxConnectBackoffMs);
  if (untilMs !== null) return serveMs + untilMs + 2 * maxTransientPauseMs + reconnectMs;
  if (kind === 'drops') return serveMs + maxOutageMs + reconnectMs;
  const stopMs = serveMs + maxUnavailableMs + maxTransientPauseMs + closeTimeoutMs;
  // A gateway that brings enough to an end before each connection dies is served to the end of the list.
  return kind === 'deaths' && each > 4 ? stopMs + successorsMs(each - 1) : stopMs;
}

/** A window of each connection that was open, what follows it before the first losses are heard of, and a handful. */
function longestLoss({ kind, after }: LastingPlan, { plan, recipients, openAtTrouble }: LastingFacts): number {
  const isAnsweredAlways = kind === 'statuses' || kind === 'bodies';
  if (isAnsweredAlways || kind === 'refusals' || kind === 'goaways' || (kind === 'drops' && after === 0)) return 0;
  const connections = Math.max(1, openAtTrouble, plan.threads);
  // One that was being opened when it began may have filled its window before the first losses were heard of.
  const opening = after > 0 && connections < plan.maxConnections ? 1 : 0;
  const windows = (connections + opening / 2) * Math.min(plan.gateway.maxStreams, startRequests + after);
  if (kind === 'drops') return connections * plan.gateway.maxStreams;
  const answered = recipients.filter(isAnswered).length;
  return 2 * windows + trialsPerConnection * connections + (kind === 'deaths' ? answered : 0);
}

/** Requests in all: what goes in vain behind a GOAWAY is about as much as what arrives. */
function mostTaken({ kind }: LastingPlan, { plan, recipients }: LastingFacts): number {
  const shards = Math.max(1, plan.threads);
  const windows = shards * plan.maxConnections * plan.gateway.maxStreams;
  if (kind === 'goaways') return 3 * recipients.length + windows;
  if (kind === 'refusals') return (maxResends + 1) * shards * recipients.length;
  return 3 * recipients.length + windows;
}

/** What the bodies of a few long answers take, each in so many windows, one after the other. */
function longAnswersMs(plan: Plan): number {
  const windows = plan.gateway.scenario!.faults.flatMap((fault) =>
    fault.do === 'answer' ? [((fault.bodyBytes ?? 0) / receiveStreamWindowBytes) * 4 * (fault.forRequests ?? 1)] : [],
  );
  return windows.reduce((sum, count) => sum + count, 0) * tripMs(plan);
}

/** From a request to its answer, at most. */
function tripMs({ line, gateway }: Plan): number {
  return 2 * (line.latencyMs + line.jitterMs) + (gateway.scenario?.processingMs ?? 0) + 10;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
