/**
 * Worlds in which a program hands its recipients over one by one, from an async generator through the library's own
 * send, and the stream of them ends before its time: what was pulled has to be in the books, whatever ends the pulling
 * and at whichever point.
 */
import type { Prng } from '../support/prng.js';
import type { JobPlan, Plan } from './plan.js';
import { drawRecipients, http2People } from './plan-recipients.js';

/**
 * - `abort`: the send's signal is aborted while the stream is asked for the next recipient; it gives one all the same,
 *   after a while.
 * - `abortTwice`: the same, and the send is stopped once more while the stream is asked, as by a shutdown.
 * - `stall`: the same as `abort`, but what it was asked for never comes.
 * - `abortAtOnce`: it is aborted right after a recipient was handed out.
 * - `throw`: the stream throws.
 * - `shutdown`: the session is shut down while the stream is asked.
 * - `end`: it has no more to give.
 */
export type StreamEndKind = 'abort' | 'abortTwice' | 'stall' | 'abortAtOnce' | 'throw' | 'shutdown' | 'end';

export interface StreamPlan {
  readonly end: StreamEndKind;
  /** Recipients that it gives before. */
  readonly recipients: number;
  /** After so many recipients it has nothing to give for a while. */
  readonly pauseEvery: number;
  readonly pauseMs: number;
  /** Whether what it was not asked for counts as unsent. */
  readonly takesRest: boolean;
}

const share = 0.06;
const ends: readonly StreamEndKind[] = ['abort', 'abortTwice', 'stall', 'abortAtOnce', 'throw', 'shutdown', 'end'];

/** What is other than in `plan`: most of the time nothing. */
export function drawStream(random: Prng, plan: Plan): Partial<Plan> {
  if (plan.isCalm || !random.chance(share)) return {};
  const { recipients, jobs } = drawRecipients(random.fork(), false, http2People);
  const plain = { hasPayloads: false, hasIds: false, hasCollapseIds: false, tokenBytes: 32 };
  const streamed = jobs.map((job): JobPlan => {
    const batches = job.batches.map((batch) => ({ ...batch, ...plain }));
    return { ...job, batches, paceMs: 0, isResent: false, cancelAtTaken: null, stream: drawEnd(random, job) };
  });
  const payloadOf = (number: number): Uint8Array => jobs.findLast((job) => job.batches[0]!.first <= number)!.payload;
  return {
    recipients: recipients.map((each) => ({
      ...each,
      ...{ payload: payloadOf(each.number), apnsId: null, collapseId: null, isResent: false },
    })),
    jobs: streamed,
    closeAtTaken: null,
  };
}

function drawEnd(random: Prng, { batches }: JobPlan): StreamPlan {
  const total = batches.reduce((sum, { count }) => sum + count, 0);
  const end = random.pick(ends);
  return {
    end,
    recipients: end === 'end' && random.chance(0.5) ? total : random.int(total),
    pauseEvery: 1 + random.int(random.pick([5, 60, 400])),
    pauseMs: random.pick([1, 9, 30, 2_000]),
    takesRest: end !== 'stall' && end !== 'shutdown' && random.chance(0.3),
  };
}
