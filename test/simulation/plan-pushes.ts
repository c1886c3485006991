/**
 * Worlds in which a program sends single pushes, each with a time of its own, some with a signal: every push has one
 * outcome, within its time, and nothing is sent for it afterwards.
 */
import { maxPushTimeoutMs } from '../../src/base/limits.js';
import type { Prng } from '../support/prng.js';
import type { Plan } from './plan.js';
import { drawRecipients, http2People } from './plan-recipients.js';
import { apnsIdOf, collapseIdOf, payloadOf } from './recipients.js';

/** One push; by the number of its recipient. */
export interface PushPlan {
  readonly tokenBytes: number;
  readonly timeoutMs: number;
  /** Whether an answer that passes is sent again, within the world's budget. */
  readonly isRetried: boolean;
  /** Its signal is aborted so long after it began; null: it has none. */
  readonly abortAfterMs: number | null;
}

export interface PushesPlan {
  readonly each: readonly PushPlan[];
  /** Pushes that begin in the same turn, and the longest pause behind them. */
  readonly waves: readonly number[];
  readonly pauseMs: number;
  /** Whether the engine is closed while lanes still stand ready. */
  readonly closesAtOnce: boolean;
}

const share = 0.09;
const payloadBytes = [40, 150, 600, 2_000, 4_000];

/** What is other than in `plan`: most of the time nothing. */
export function drawPushes(random: Prng, plan: Plan): Partial<Plan> {
  if (!random.chance(share)) return {};
  const { isCalm } = plan;
  const { recipients } = drawRecipients(random.fork(), isCalm, http2People);
  const largest = random.pick(payloadBytes);
  const hasCollapseIds = random.chance(0.5);
  return {
    recipients: recipients.map((each) => ({
      ...each,
      payload: payloadOf(each.number, random.int(largest)),
      apnsId: apnsIdOf(each.number),
      collapseId: hasCollapseIds && random.chance(0.4) ? collapseIdOf(each.number) : null,
      isResent: false,
    })),
    jobs: [],
    pushes: {
      each: recipients.map(() => drawPush(random, isCalm)),
      waves: drawWaves(random, recipients.length),
      pauseMs: random.pick([1, 20, 300, 3_000]),
      closesAtOnce: random.chance(0.5),
    },
  };
}

function drawPush(random: Prng, isCalm: boolean): PushPlan {
  const timeoutMs = random.pick([30_000, 30_000, 8_000, 2_000, 500, 60]);
  return {
    tokenBytes: random.chance(0.9) ? 32 : random.pick([64, 100]),
    timeoutMs: isCalm ? maxPushTimeoutMs : timeoutMs,
    isRetried: random.chance(0.5),
    abortAfterMs: !isCalm && random.chance(0.15) ? random.int(random.pick([1, 100, 100, 3_000])) : null,
  };
}

function drawWaves(random: Prng, total: number): number[] {
  const most = random.pick([3, 30, 150, 700]);
  const waves: number[] = [];
  for (let begun = 0; begun < total; begun += waves.at(-1)!) waves.push(Math.min(total - begun, 1 + random.int(most)));
  return waves;
}
