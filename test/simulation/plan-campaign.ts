/**
 * Worlds in which a whole campaign is run (src/campaign): with a journal and files of outcomes on a disk of the world,
 * by processes that end at any moment and are followed by others, until all recipients have their outcome.
 */
import type { Prng } from '../support/prng.js';
import type { Plan } from './plan.js';
import type { Mix } from './plan-recipients.js';
import { isAnswered, kinds, payloadOf, type RecipientPlan } from './recipients.js';

/** Where in a run it strikes. */
export type Moment =
  /** At a transaction of the journal, counted from the run's first. */
  | { readonly at: 'transaction'; readonly number: number; readonly point: 'before' | 'middle' | 'untold' }
  /** At an operation of the disk, counted from the run's first. */
  | { readonly at: 'operation'; readonly number: number }
  /** Once the gateway has had so many requests of the run. */
  | { readonly at: 'requests'; readonly number: number }
  | { readonly at: 'time'; readonly ms: number };

/**
 * - `kill`: the process ends, as with SIGKILL.
 * - `power`: so does the machine.
 * - `abandon`: the process ends at its own wish, as after a second Ctrl-C.
 * - `abort`: the run is told to stop, and ends in good order.
 * - `full`: the disk is full from then on, until the run has ended.
 * - `list`: the run is given another list.
 */
export type Stroke = 'kill' | 'power' | 'abandon' | 'abort' | 'full' | 'list';

/** What happens to one run. */
export interface RunFault {
  readonly moment: Moment;
  readonly stroke: Stroke;
}

/** One entry of the list. */
export interface EntryPlan {
  /** Null for an entry that is no recipient. */
  readonly number: number | null;
  /** In a personal campaign: the row lacks a field that the message needs. */
  readonly lacksField: boolean;
}

export interface CampaignPlan {
  readonly entries: readonly EntryPlan[];
  /** Whether each recipient gets a message of its own, out of the fields of its row. */
  readonly isPersonal: boolean;
  readonly onUnknown: 'report' | 'resend';
  readonly keepsAccepted: boolean;
  readonly outputFormat: 'csv' | 'ndjson';
  readonly rate: string | null;
  readonly canary: number | null;
  readonly hours: 'later' | 'hold' | null;
  /** By run; later ones go through. */
  readonly runFaults: readonly RunFault[];
  /** Paused so often, at most. */
  readonly pauses: number;
  /** How long operations of the disk and transactions take, at the most. */
  readonly diskMs: number;
  /** Entries that the program gives before it has to fetch more. */
  readonly pageEntries: number;
  readonly pageMs: number;
}

/** One world in so many is a campaign. */
export const campaignEvery = 24;

/** The same gateway, line and network faults, with other people and a campaign. */
export function campaignWorld(plan: Plan, random: Prng): Plan {
  const isCalm = random.chance(0.4);
  const total = random.pick([40, 300, 700, 1_100, 1_100, 2_200, 3_800]);
  const isPersonal = random.chance(0.5);
  const mix = drawMix(random, isCalm);
  const recipients = Array.from({ length: total }, (_, number) => drawRecipient(random, number, mix));
  const onUnknown = random.chance(0.4) ? 'resend' : 'report';
  const campaign: CampaignPlan = {
    entries: drawEntries(random, total, isPersonal),
    isPersonal,
    onUnknown,
    keepsAccepted: random.chance(0.8),
    outputFormat: random.chance(0.7) ? 'csv' : 'ndjson',
    rate: random.pick([null, null, '1500/s', '20000/s', '60000/min']),
    canary: random.chance(0.3) ? 1 + random.int(Math.min(total, 400)) : null,
    hours: isPersonal && random.chance(0.3) ? random.pick(['later', 'hold'] as const) : null,
    runFaults: Array.from({ length: random.pick([0, 1, 1, 2, 3, 4]) }, () => drawRunFault(random, total)),
    pauses: random.pick([0, 0, 1, 2]),
    diskMs: random.pick([0, 0.5, 5, 40]),
    pageEntries: random.pick([50, 1_000, 1e9]),
    pageMs: random.pick([1, 20, 300]),
  };
  return {
    ...plan,
    isCalm,
    ...{ credential: 'none', threads: 0, recipients, jobs: [], closeAtTaken: null, isJudged: false },
    maxConnections: 1 + random.int(3),
    line: { ...plan.line, pieces: random.pick(['all', 'packets'] as const), jitterMs: 0 },
    ...(isCalm && { connect: { refused: 0, dead: 0, silent: 0 }, faults: [] }),
    faultsUntilMs: Math.min(plan.faultsUntilMs, 20_000),
    gateway: {
      ...plan.gateway,
      auth: 'any',
      maxStreams: random.pick([10, 100, 500, 1_000]),
      initialWindowBytes: 65_535,
      conduct: null,
      scenario: isCalm ? { processingMs: random.pick([0, 5, 60]), faults: [] } : plan.gateway.scenario,
    },
    campaign,
  };
}

/** Every recipient gets an answer or none: a gateway that refuses one forever would keep the campaign forever. */
function drawMix(random: Prng, isCalm: boolean): Mix {
  const mix: [string, number][] = [
    [kinds.gone, random.pick([0, 0.02, 0.1])],
    [kinds.bad, random.pick([0, 0.01, 0.05])],
  ];
  if (isCalm) return mix;
  if (random.chance(0.3)) mix.push([kinds.silent, 0.002], [kinds.reset, 0.003]);
  if (random.chance(0.2)) mix.push([kinds.tooMany, 0.01]);
  return mix;
}

function drawRecipient(random: Prng, number: number, mix: Mix): RecipientPlan {
  let draw = random.next();
  let kind = 'good';
  for (const [name, share] of mix) {
    if (draw >= 0 && draw < share) kind = name;
    draw -= share;
  }
  const payload = payloadOf(-1, 40);
  return {
    number,
    kind,
    isAnswered: isAnswered(kind),
    payload,
    apnsId: null,
    collapseId: null,
    isResent: false,
    delayMs: 0,
  };
}

function drawEntries(random: Prng, total: number, isPersonal: boolean): readonly EntryPlan[] {
  const [twice, none, lacking] = [0.02, 0.01, isPersonal ? 0.01 : 0].map((share) => (random.chance(0.5) ? share : 0));
  const entries: EntryPlan[] = [];
  for (let number = 0; number < total; number++) {
    if (random.chance(none!)) entries.push({ number: null, lacksField: false });
    entries.push({ number, lacksField: random.chance(lacking!) });
    if (random.chance(twice!)) entries.push({ number: random.int(number + 1), lacksField: false });
  }
  return entries;
}

function drawRunFault(random: Prng, total: number): RunFault {
  const stroke = random.pick([
    'kill',
    'kill',
    'kill',
    'kill',
    'power',
    'power',
    'abandon',
    'abort',
    'full',
    'list',
  ] as const);
  return { stroke, moment: drawMoment(random, total) };
}

function drawMoment(random: Prng, total: number): Moment {
  switch (random.int(5)) {
    case 0:
    case 1: {
      const point = random.pick(['before', 'middle', 'untold'] as const);
      return { at: 'transaction', number: random.int(random.pick([4, 12, 60])), point };
    }
    case 2:
      return { at: 'operation', number: 1 + random.int(random.pick([20, 60, 200])) };
    case 3:
      return { at: 'requests', number: 1 + random.int(total) };
    default:
      return { at: 'time', ms: random.next() * random.pick([100, 1_000, 5_000]) };
  }
}
