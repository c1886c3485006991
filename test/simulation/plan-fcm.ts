/**
 * Worlds in which the sender speaks to FCM: tokens that stand in the body as text, an access token that expires and is
 * got from the service's own endpoint, a quota of the project, a rate that keeps to it, and FCM's answers. Network and
 * threads are those of the other worlds.
 */
import type { RequestRate } from '../../src/push/request-rate.js';
import type { Fault, Scenario } from '../../src/simulator/settings/scenario.js';
import type { Prng } from '../support/prng.js';
import type { JobPlan, Plan } from './plan.js';
import { drawGateway } from './plan-gateway.js';
import { drawNetworkFaults } from './plan-network.js';
import { drawRecipients, type Mix, type PeopleRules } from './plan-recipients.js';
import { fcmKinds, fcmPayloadOf, kinds } from './recipients.js';

export interface FcmPlan {
  /** What the sender keeps to; null: it sends as fast as it can. */
  readonly rate: RequestRate | null;
  /** The project's quota at the service; null: it has none. */
  readonly messagesPerMinute: number | null;
  readonly tokenLifeS: number;
  /** Of answers 503, in seconds; null: they have none. */
  readonly retryAfterS: number | null;
  /** Requests to the token endpoint that fail before the first one that does not. */
  readonly tokenFailures: number;
}

export const fcmProject = 'simulated-project';

const tokenLengths = [142, 142, 163, 64];

const fcmPeople: PeopleRules = {
  payloadBytes: [100, 150, 250, 600, 2_000, 3_500],
  drawMix: drawFcmMix,
  payloadOf: fcmPayloadOf,
};

/** The same line and threads as `plan`, with other people, and a service of FCM. */
export function fcmWorld(plan: Plan, random: Prng): Plan {
  const { isCalm, threads, faultsUntilMs } = plan;
  const drawn = drawRecipients(random.fork(), isCalm, fcmPeople);
  const tokens = random.fork();
  const recipients = drawn.recipients.map((each) => ({ ...each, apnsId: null }));
  const jobs = drawn.jobs.map((job) => withTextTokens(job, tokens));
  const gateway = drawGateway(random.fork(), 'token', isCalm, faultsUntilMs, recipients.length);
  return {
    ...plan,
    ...{ credential: 'token', recipients, jobs },
    gateway: { ...gateway, conduct: null, scenario: fcmScenario(gateway.scenario, random.fork()) },
    faults: isCalm ? [] : drawNetworkFaults(random.fork(), recipients.length, threads),
    closeAtTaken: plan.closeAtTaken === null ? null : random.int(recipients.length),
    retryTimeMs: random.pick([60_000, 600_000]),
    fcm: drawFcm(random, isCalm),
  };
}

function drawFcm(random: Prng, isCalm: boolean): FcmPlan {
  const quota = random.pick([200, 400, 1_000]);
  const how = random.pick(['none', 'kept', 'kept', 'exceeded'] as const);
  return {
    rate: how === 'kept' ? { perMinute: quota, rampMs: random.pick([0, 20_000]) } : null,
    messagesPerMinute: how === 'none' ? null : quota,
    tokenLifeS: random.pick([3_599, 3_599, 600, 120]),
    retryAfterS: random.pick([10, 10, 1, null]),
    tokenFailures: !isCalm && random.chance(0.2) ? 1 : 0,
  };
}

function withTextTokens(job: JobPlan, random: Prng): JobPlan {
  const batches = job.batches.map((batch) => ({
    ...batch,
    ...{ hasIds: false, tokenBytes: random.pick(tokenLengths), isText: true },
  }));
  return { ...job, batches };
}

function drawFcmMix(random: Prng, isCalm: boolean): Mix {
  const mix: [string, number][] = [];
  const maybe = (probability: number, kind: string, share: number): void => {
    if (random.chance(probability)) mix.push([kind, share]);
  };
  maybe(0.5, fcmKinds.gone, 0.05);
  maybe(0.3, fcmKinds.badToken, random.pick([0.01, 0.05, 0.3]));
  maybe(0.2, fcmKinds.otherSender, 0.03);
  maybe(0.1, fcmKinds.noKey, 0.02);
  maybe(0.2, fcmKinds.badMessage, 0.01);
  maybe(0.3, fcmKinds.noProject, 0.01);
  maybe(0.2, fcmKinds.page, 0.01);
  maybe(0.1, kinds.silent, 0.003);
  // A few whose streams are always refused, and no others for minutes, look like a gateway that refuses all.
  maybe(isCalm ? 0 : 0.1, kinds.refused, 0.005);
  maybe(0.15, kinds.reset, 0.01);
  // As in plan-recipients.
  if (isCalm) return mix;
  maybe(0.2, fcmKinds.device, 0.02);
  maybe(0.2, fcmKinds.topic, 0.01);
  maybe(0.2, fcmKinds.quota, 0.01);
  maybe(0.2, fcmKinds.internal, random.pick([0.01, 0.08]));
  maybe(0.2, fcmKinds.unavailable, 0.03);
  maybe(0.1, fcmKinds.odd, 0.01);
  return mix;
}

/** The faults of a gateway of Apple, with FCM's words. */
function fcmScenario(scenario: Scenario | null, random: Prng): Scenario | null {
  if (scenario === null) return null;
  return { ...scenario, faults: scenario.faults.map((fault) => fcmFault(fault, random)) };
}

function fcmFault(fault: Fault, random: Prng): Fault {
  if (fault.do === 'answer') {
    const { internal, quota, unavailable } = fcmKinds;
    return { ...fault, reason: random.pick([internal, quota, unavailable]) };
  }
  if (fault.do !== 'goaway') return fault;
  const { reason: _, ...plain } = fault;
  return plain;
}
