/**
 * What a seed stands for: who is sent to, over what kind of network, to what kind of gateway, and what goes wrong.
 * Everything is drawn before the world begins, so that a plan can be read, and that one fault more or less does not
 * change the others.
 */
import type { SimulatorConduct } from '../../src/simulator/settings/conduct.js';
import type { Scenario } from '../../src/simulator/settings/scenario.js';
import { Prng } from '../support/prng.js';
import { fcmSeeds } from './fcm-seeds.js';
import type { LineSettings } from './pipe.js';
import { type BinaryPlan, binaryPeople, drawBinary, drawBinaryFaults } from './plan-binary.js';
import { type CampaignPlan, campaignEvery, campaignWorld } from './plan-campaign.js';
import { type FcmPlan, fcmWorld } from './plan-fcm.js';
import { drawGateway } from './plan-gateway.js';
import { drawLasting, type LastingPlan } from './plan-lasting.js';
import { drawLine, drawNetworkFaults, type NetworkFault } from './plan-network.js';
import { drawPushes, type PushesPlan } from './plan-pushes.js';
import { drawRecipients } from './plan-recipients.js';
import { drawStream, type StreamPlan } from './plan-stream.js';
import { drawTrouble } from './plan-trouble.js';
import type { BatchPlan, RecipientPlan } from './recipients.js';

/** One notification and its batches. */
export interface JobPlan {
  /** Unused for batches with payloads of their own. */
  readonly payload: Uint8Array;
  readonly batches: readonly BatchPlan[];
  /** Pause before each batch, drawn up to this; the program makes its batches no faster. */
  readonly paceMs: number;
  /** Longest time that the sink takes with a batch. */
  readonly sinkMs: number;
  readonly isResent: boolean;
  /** Cancelled once so many recipients were taken, over all jobs. */
  readonly cancelAtTaken: number | null;
  /** The program's source of batches ends early; null: it gives all of them. */
  readonly sourceEnd: SourceEnd | null;
  /** Recipients come one by one through the library's send; null: in batches, straight to the engine. */
  readonly stream: StreamPlan | null;
}

/** After so many batches, while the last of them still waits to be taken: it is aborted, or has no more to give. */
export interface SourceEnd {
  readonly batches: number;
  readonly isAborted: boolean;
}

export interface GatewayPlan {
  readonly auth: 'token' | 'either' | 'any';
  readonly maxStreams: number;
  readonly initialWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly conduct: SimulatorConduct | null;
  readonly scenario: Scenario | null;
}

export interface ConnectPlan {
  /** Shares of the attempts that are refused, never answered, and answered by TCP alone. */
  readonly refused: number;
  readonly dead: number;
  readonly silent: number;
}

export interface Plan {
  readonly seed: number;
  /** Nothing goes wrong: all are answered. */
  readonly isCalm: boolean;
  readonly credential: 'token' | 'certificate' | 'none';
  /** 0: one shard in the program's own thread. */
  readonly threads: number;
  readonly maxConnections: number;
  readonly creditBatches: number;
  readonly recipients: readonly RecipientPlan[];
  readonly jobs: readonly JobPlan[];
  /** Requests for one recipient at most; 1: nothing is retried. And the time for them. */
  readonly attempts: number;
  readonly retryTimeMs: number;
  readonly line: LineSettings;
  readonly connect: ConnectPlan;
  readonly gateway: GatewayPlan;
  readonly faults: readonly NetworkFault[];
  /** When everything that goes wrong has gone wrong. */
  readonly faultsUntilMs: number;
  /** The session is shut down once so many recipients were taken. */
  readonly closeAtTaken: number | null;
  /** Busy share of the event loop that pools are told. */
  readonly load: number;
  /** Whether every frame of the sender is read by the strict judge, which is slow. */
  readonly isJudged: boolean;
  /** How the binary protocol is spoken; null: HTTP/2 is. */
  readonly binary: BinaryPlan | null;
  /** The one thing that is wrong for all; null: something else is, or nothing. */
  readonly lasting: LastingPlan | null;
  /** The campaign that is run in place of jobs; null: none is. */
  readonly campaign: CampaignPlan | null;
  /** Single pushes in place of jobs; null: none. */
  readonly pushes: PushesPlan | null;
  /** How FCM is spoken to; null: a gateway of Apple is. */
  readonly fcm: FcmPlan | null;
}

/** One world in so many speaks the binary protocol. */
const binaryEvery = 8;
/** What is drawn from generators of its own, so that the worlds without it stay as they are. */
const binarySalt = 0x00b17a57;
const troubleSalt = 0x7e57ab1e;
const lastingSalt = 0x1a571f6e;
const sourceSalt = 0x50c0ffee;
const streamSalt = 0x057e4a11;
const campaignSalt = 0x0ca3b41e;
const pushesSalt = 0x0a9052e5;
const fcmSalt = 0x0fc3ba5e;

export function drawPlan(seed: number): Plan {
  const plan = drawHttp2(seed);
  if (seed > fcmSeeds) return fcmWorld(plan, new Prng(seed ^ fcmSalt));
  const own = new Prng(seed ^ campaignSalt);
  if (own.int(campaignEvery) === 0) return campaignWorld(plan, own);
  const random = new Prng(seed ^ binarySalt);
  if (random.int(binaryEvery) === 0) return binaryWorld(plan, random);
  const lasting = drawLasting(new Prng(seed ^ lastingSalt), plan);
  if (lasting.lasting !== undefined) return { ...plan, ...lasting };
  const stream = drawStream(new Prng(seed ^ streamSalt), plan);
  if (stream.jobs !== undefined) return { ...plan, ...stream };
  const pushes = drawPushes(new Prng(seed ^ pushesSalt), plan);
  if (pushes.pushes !== undefined) return { ...plan, ...pushes };
  const whole = { ...plan, ...drawTrouble(new Prng(seed ^ troubleSalt), plan) };
  return { ...whole, jobs: drawSourceEnds(new Prng(seed ^ sourceSalt), whole) };
}

/** One source in twenty ends early. */
function drawSourceEnds(random: Prng, { isCalm, jobs }: Plan): readonly JobPlan[] {
  if (isCalm || !random.chance(0.05)) return jobs;
  return jobs.map((job) => {
    const sourceEnd = { batches: 1 + random.int(job.batches.length), isAborted: random.chance(0.7) };
    return { ...job, sourceEnd };
  });
}

/** The same line, threads and network faults, with other people, another gateway and its faults. */
function binaryWorld(plan: Plan, random: Prng): Plan {
  const { isCalm, threads, line, faultsUntilMs } = plan;
  const { recipients, jobs } = drawRecipients(random.fork(), isCalm, binaryPeople);
  const credential = random.pick(['certificate', 'none'] as const);
  const faults = isCalm ? [] : drawNetworkFaults(random.fork(), recipients.length, threads);
  const own = isCalm ? [] : drawBinaryFaults(random.fork(), recipients.length, line);
  return {
    ...plan,
    ...{ credential, recipients, jobs, faults: [...faults, ...own] },
    gateway: { ...drawGateway(random.fork(), credential, true, faultsUntilMs, 1), conduct: null, scenario: null },
    closeAtTaken: plan.closeAtTaken === null ? null : random.int(recipients.length),
    isJudged: false,
    binary: drawBinary(random.fork(), isCalm, threads, line),
  };
}

function drawHttp2(seed: number): Plan {
  const random = new Prng(seed);
  // One generator for each part: what one part draws does not move the others.
  const [basics, people, network, server] = [random.fork(), random.fork(), random.fork(), random.fork()];
  const isCalm = basics.chance(0.08);
  const credential = basics.pick(['token', 'token', 'certificate', 'none'] as const);
  const faultsUntilMs = basics.pick([5_000, 20_000, 60_000, 120_000]);
  const { recipients, jobs } = drawRecipients(people, isCalm);
  const threads = basics.chance(0.15) ? 1 + basics.int(3) : 0;
  return {
    seed,
    isCalm,
    credential,
    threads,
    maxConnections: 1 + basics.int(8),
    creditBatches: basics.pick([1, 2, 64]),
    recipients,
    jobs,
    attempts: basics.pick([1, 3, 3, 5]),
    retryTimeMs: 60_000,
    line: drawLine(network),
    connect: isCalm ? { refused: 0, dead: 0, silent: 0 } : drawConnect(network),
    gateway: drawGateway(server, credential, isCalm, faultsUntilMs, recipients.length),
    faults: isCalm ? [] : drawNetworkFaults(network, recipients.length, threads),
    faultsUntilMs,
    closeAtTaken: !isCalm && basics.chance(0.06) ? basics.int(recipients.length) : null,
    load: basics.pick([0.05, 0.5, 0.95]),
    isJudged: basics.chance(0.3),
    binary: null,
    lasting: null,
    campaign: null,
    pushes: null,
    fcm: null,
  };
}

function drawConnect(random: Prng): ConnectPlan {
  const share = (): number => (random.chance(0.2) ? random.pick([0.1, 0.3, 0.6]) : 0);
  return { refused: share(), dead: share(), silent: share() };
}
