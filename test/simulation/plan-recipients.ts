/** Who is sent to: the part of a plan that a program would bring along. */
import type { Prng } from '../support/prng.js';
import type { JobPlan } from './plan.js';
import {
  apnsIdOf,
  type BatchPlan,
  collapseIdOf,
  isAnswered,
  kinds,
  payloadOf,
  type RecipientPlan,
} from './recipients.js';

export interface People {
  readonly recipients: readonly RecipientPlan[];
  readonly jobs: readonly JobPlan[];
}

/** Kinds of recipients with their shares; the rest is good. */
export type Mix = readonly (readonly [kind: string, share: number])[];

/** What the people of a world have in common. */
export interface PeopleRules {
  readonly payloadBytes: readonly number[];
  /** Whether recipients of some batches bring collapse ids. Default: none do. */
  readonly hasCollapseIds?: boolean;
  drawMix(random: Prng, isCalm: boolean): Mix;
  /** Default: that of APNs. */
  readonly payloadOf?: (number: number, length: number) => Uint8Array;
  /** Time that a gateway takes for the answer that a token asks for. Default: none. */
  drawDelayMs?(random: Prng): number;
  /** A list that goes out over hours, in batches of this many; the first half of it has another mix. */
  readonly slow?: { readonly most: number; readonly firstHalf: Mix };
}

export const http2People: PeopleRules = {
  payloadBytes: [100, 150, 250, 600, 2_000, 4_000],
  hasCollapseIds: true,
  drawMix,
};

/** About 500 recipients in one or two jobs. */
export function drawRecipients(random: Prng, isCalm: boolean, rules: PeopleRules = http2People): People {
  const total = 300 + random.int(400);
  const jobCount = random.chance(0.3) && rules.slow === undefined ? 2 : 1;
  const mix = rules.drawMix(random, isCalm);
  const recipients: RecipientPlan[] = [];
  const jobs: JobPlan[] = [];
  for (let job = 0; job < jobCount; job++) {
    const end = job + 1 === jobCount ? total : Math.floor(total / 2);
    jobs.push(drawJob(random, isCalm, end, total, { rules, mix }, recipients));
  }
  return { recipients, jobs };
}

interface Drawn {
  readonly rules: PeopleRules;
  readonly mix: Mix;
}

function drawMix(random: Prng, isCalm: boolean): Mix {
  const mix: [string, number][] = [];
  const maybe = (probability: number, kind: string, share: number): void => {
    if (random.chance(probability)) mix.push([kind, share]);
  };
  maybe(0.5, kinds.gone, 0.05);
  maybe(0.3, kinds.bad, random.pick([0.01, 0.05, 0.3]));
  maybe(0.1, kinds.wrongTopic, 0.02);
  maybe(0.1, kinds.silent, 0.003);
  maybe(0.1, kinds.refused, 0.005);
  maybe(0.15, kinds.reset, 0.01);
  // Who never gets another answer than these makes the sender believe that the gateway is in trouble.
  if (isCalm) return mix;
  maybe(0.15, kinds.tooMany, 0.02);
  maybe(0.15, kinds.internal, random.pick([0.01, 0.08]));
  maybe(0.15, kinds.unavailable, 0.03);
  return mix;
}

function drawJob(
  random: Prng,
  isCalm: boolean,
  end: number,
  total: number,
  drawn: Drawn,
  recipients: RecipientPlan[],
): JobPlan {
  const { rules } = drawn;
  const { slow, payloadOf: make = payloadOf } = rules;
  const isResent = random.chance(0.25);
  const shared = make(-1, random.pick(rules.payloadBytes));
  const most = slow?.most ?? random.pick([7, 40, 200, 1024]);
  const batches: BatchPlan[] = [];
  while (recipients.length < end) {
    const first = recipients.length;
    const count = Math.min(end - first, 1 + random.int(most));
    const hasPayloads = random.chance(0.25);
    const hasCollapseIds = rules.hasCollapseIds === true && (first + count) % 4 === 1;
    const plan = { first, count, hasCollapseIds, tokenBytes: random.chance(0.9) ? 32 : random.pick([9, 64, 100]) };
    batches.push({ ...plan, hasPayloads, hasIds: isResent || random.chance(0.2) });
    const mix = slow !== undefined && first < total / 2 ? slow.firstHalf : drawn.mix;
    const own = { rules, mix };
    for (let i = 0; i < count; i++) recipients.push(drawRecipient(random, batches.at(-1)!, i, shared, isResent, own));
  }
  return {
    payload: shared,
    batches,
    paceMs: drawPaceMs(random, batches.length, slow !== undefined),
    sinkMs: random.pick([0, 0, 0, 20, 1_000]),
    isResent,
    cancelAtTaken: !isCalm && random.chance(0.12) ? random.int(total) : null,
    sourceEnd: null,
    stream: null,
  };
}

function drawPaceMs(random: Prng, batches: number, isSlow: boolean): number {
  if (isSlow || (batches < 12 && random.chance(0.2))) return 15 * 60_000;
  return random.pick([0, 0, 5, 50, 500, 5_000]);
}

function drawRecipient(
  random: Prng,
  { first, hasPayloads, hasIds, hasCollapseIds }: BatchPlan,
  index: number,
  shared: Uint8Array,
  isResent: boolean,
  { rules, mix }: Drawn,
): RecipientPlan {
  const number = first + index;
  const kind = drawKind(random, mix);
  return {
    number,
    kind,
    isAnswered: isAnswered(kind),
    payload: hasPayloads ? (rules.payloadOf ?? payloadOf)(number, random.pick(rules.payloadBytes)) : shared,
    apnsId: hasIds ? apnsIdOf(number) : null,
    collapseId: hasCollapseIds ? collapseIdOf(number) : null,
    isResent,
    delayMs: rules.drawDelayMs?.(random) ?? 0,
  };
}

function drawKind(random: Prng, mix: Mix): string {
  let draw = random.next();
  for (const [kind, share] of mix) {
    if (draw < share) return kind;
    draw -= share;
  }
  return 'good';
}
