/** Runs seeds one after the other in this thread. What escapes from the code under test is a violation like others. */
import { campaignReport } from './campaign-report.js';
import { CampaignWorld } from './campaign-world.js';
import { fcmEvery, fcmSeeds } from './fcm-seeds.js';
import { drawPlan, type Plan } from './plan.js';
import type { CampaignPlan } from './plan-campaign.js';
import type { SeedReport } from './report.js';
import { World } from './world.js';

export interface SeedRange {
  readonly from: number;
  readonly count: number;
  /** Only the seeds of such worlds are run. Default: all. */
  readonly worlds?: Worlds | undefined;
}

/**
 * Worlds that speak the binary protocol, those of plan-lasting, plan-stream or plan-pushes, and campaigns; those of
 * FCM.
 */
export type Worlds = 'binary' | 'lasting' | 'stream' | 'campaign' | 'pushes' | 'fcm';

export function isOf(worlds: Worlds, plan: Plan): boolean {
  return worlds === 'stream' ? plan.jobs.some(({ stream }) => stream !== null) : plan[worlds] !== null;
}

/** @param print Gets a line for each event. */
export async function runSeed(seed: number, print: ((line: string) => void) | null = null): Promise<SeedReport> {
  const plan = drawPlan(seed);
  return plan.campaign === null ? runWorld(new World(plan, print)) : runCampaign(plan, plan.campaign, print);
}

async function runWorld(world: World): Promise<SeedReport> {
  return withoutStrays(world.books, () => world.run());
}

async function runCampaign(
  plan: Plan,
  campaign: CampaignPlan,
  print: ((line: string) => void) | null,
): Promise<SeedReport> {
  const world = new CampaignWorld(plan, campaign, print);
  await withoutStrays(world.referee, () => world.run());
  return campaignReport(world);
}

async function withoutStrays<T>(books: { violate(what: string): void }, run: () => Promise<T>): Promise<T> {
  const onStray = (error: unknown): void => {
    books.violate(`an uncaught error: ${error instanceof Error ? error.stack : String(error)}`);
  };
  process.on('unhandledRejection', onStray);
  try {
    return await run();
  } finally {
    process.off('unhandledRejection', onStray);
  }
}

/** Worlds of FCM have seeds of their own, so that those of the others stay as they are. */
function bringsFcm(seed: number, worlds: Worlds | undefined): boolean {
  if (seed > fcmSeeds) return false;
  return worlds === undefined ? seed % fcmEvery === 0 : worlds === 'fcm';
}

export async function runSeeds(range: SeedRange, onReport: (report: SeedReport) => void): Promise<void> {
  const { from, count, worlds } = range;
  for (let seed = from; seed < from + count; seed++) {
    if (worlds === undefined || isOf(worlds, drawPlan(seed))) onReport(await runSeed(seed));
    if (bringsFcm(seed, worlds)) onReport(await runSeed(fcmSeeds + seed));
  }
}
