/** What a seed of a campaign leaves behind, as one of the other worlds does. */
import type { CampaignWorld } from './campaign-world.js';
import { summarize } from './plan-summary.js';
import { mostWithin, type SeedReport } from './report.js';

export function campaignReport(world: CampaignWorld): SeedReport {
  const { plan, referee, network, trace, faults, gateway, crashes } = world;
  const own = Object.entries({ ...faults.done, ...prefixed('run', crashes) });
  const gatewayFaults = prefixed('gateway', gateway.gateway.ledger.summary().faults);
  return {
    seed: plan.seed,
    violations: referee.violations,
    recipients: plan.recipients.length,
    accepted: referee.count('accepted'),
    rejected: referee.count('rejected') + referee.count('gone'),
    unsent: referee.count('unsent'),
    unknown: referee.count('unknown'),
    lost: referee.lost,
    duplicated: referee.duplicated,
    unexpected: referee.unexpected,
    resent: 0,
    requests: referee.processed,
    connects: network.attemptsMs.length,
    mostConnects: mostWithin(network.attemptsMs, 10_000),
    virtualMs: world.nowMs,
    tailMs: 0,
    isBinary: false,
    isFcm: false,
    campaignRuns: world.runs,
    holesMs: [],
    faults: { ...Object.fromEntries(own), ...gatewayFaults },
    stops: world.stops.map((code) => `campaign ${code}`),
    digest: trace.toString(),
    events: trace.events,
    plan: summarize(plan),
  };
}

function prefixed(prefix: string, counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([kind, count]) => [`${prefix} ${kind}`, count]));
}
