/** What a seed leaves behind: figures that can be added up, and what was violated. Plain data; it crosses threads. */
import { summarize } from './plan-summary.js';
import { patienceMs, type World } from './world.js';

export interface SeedReport {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly recipients: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  /** Recipients without an outcome; those whose outcome, or second request, was not asked for. */
  readonly lost: number;
  readonly duplicated: number;
  readonly unexpected: number;
  /** Requests that were sent again by the retry policy. */
  readonly resent: number;
  readonly requests: number;
  /** Attempts to connect. */
  readonly connects: number;
  /** Most attempts to connect within ten seconds. */
  readonly mostConnects: number;
  readonly virtualMs: number;
  /** Virtual time that the campaign took longer than its faults and its program. */
  readonly tailMs: number;
  readonly isBinary: boolean;
  readonly isFcm: boolean;
  /** Runs that its campaign took; 0 for a world without one. */
  readonly campaignRuns: number;
  /** Milliseconds for which requests waited on connections through which nothing passed. */
  readonly holesMs: readonly number[];
  /** Faults that struck, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  readonly stops: readonly string[];
  /** Digest of the trace. */
  readonly digest: string;
  readonly events: number;
  /** The plan in one line. */
  readonly plan: string;
}

export function makeReport(world: World): SeedReport {
  const { plan, books, network, trace } = world;
  const count = (outcome: string): number => books.recipients.filter((book) => book.outcome === outcome).length;
  return {
    seed: plan.seed,
    violations: books.violations,
    recipients: plan.recipients.length,
    accepted: count('accepted'),
    rejected: count('rejected'),
    unsent: count('unsent'),
    unknown: count('unknown'),
    lost: books.lost,
    duplicated: books.duplicated,
    unexpected: books.unexpected,
    resent: world.sender.resent,
    requests: books.taken,
    connects: network.attemptsMs.length,
    mostConnects: mostWithin(network.attemptsMs, 10_000),
    virtualMs: world.nowMs,
    tailMs: Math.max(0, world.nowMs - world.deadlineMs + patienceMs),
    isBinary: plan.binary !== null,
    isFcm: plan.fcm !== null,
    campaignRuns: 0,
    holesMs: world.holesMs,
    faults: faultsOf(world),
    stops: world.sender.stops.map(({ code }) => code),
    digest: trace.toString(),
    events: trace.events,
    plan: summarize(plan),
  };
}

/** Faults that struck, by kind. */
export function faultsOf({ gateway, faults, plan, books }: World): Record<string, number> {
  const prefix = plan.binary === null ? '' : 'binary ';
  const assumed = books.recipients.filter(({ isAssumed, processed }) => isAssumed && !processed.includes(0)).length;
  const mistaken = assumed > 0 ? { 'binary mistaken silence': assumed } : {};
  const done = Object.fromEntries(Object.entries(faults.done).map(([kind, count]) => [prefix + kind, count]));
  return { ...done, ...prefixed(gateway.gateway.ledger.summary().faults), ...mistaken };
}

function prefixed(faults: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(faults).map(([kind, count]) => [`gateway ${kind}`, count]));
}

/** Most of the times that lie within `spanMs`; they come in order. */
export function mostWithin(times: readonly number[], spanMs: number): number {
  let most = 0;
  for (let first = 0, last = 0; last < times.length; last++) {
    while (times[last]! - times[first]! > spanMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
