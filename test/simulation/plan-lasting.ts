/**
 * Worlds in which a gateway does one thing wrong to all recipients, for a while or forever: it resets each stream,
 * refuses each stream, accepts and drops connections, says GOAWAY after every few requests, or lets each connection die
 * after a few answers. Nothing else goes wrong in them, so that lasting-bounds can say how they have to end.
 */
import type { Fault, FaultTrigger } from '../../src/simulator/settings/scenario.js';
import { errorCodeNames } from '../../src/simulator/settings/scenario-fields.js';
import type { Prng } from '../support/prng.js';
import type { Plan } from './plan.js';
import { drawRecipients, http2People, type Mix, type People } from './plan-recipients.js';
import { kinds } from './recipients.js';

/**
 * - `resets`: RST_STREAM on each request, of any code but REFUSED_STREAM; some were processed all the same.
 * - `refusals`: RST_STREAM REFUSED_STREAM on each request.
 * - `drops`: connections are accepted and closed, or told nothing; those that there are end.
 * - `goaways`: GOAWAY with every n-th request of a connection; what came until then is answered.
 * - `deaths`: each connection ends, without a word, with the n-th request after the first ones were answered.
 * - `statuses`: requests are answered with a status of 201 to 255, all of them or every other.
 * - `bodies`: some answers have bodies far above those of APNs; the status is what it would be.
 */
export type LastingKind = 'resets' | 'refusals' | 'drops' | 'goaways' | 'deaths' | 'statuses' | 'bodies';

export interface LastingPlan {
  readonly kind: LastingKind;
  /** Requests in all before which nothing is wrong; 0: from the start. */
  readonly after: number;
  /** Since the first connection; null: forever. */
  readonly untilMs: number | null;
  /** Requests of one connection until its end; 0 where that is not what is wrong. */
  readonly each: number;
}

/** One world in so many is of this kind. */
const share = 0.13;
/** Answers with large bodies in one world: some lines carry them octet by octet. */
const longAnswers = 12;
const errorCodes = errorCodeNames.filter((name) => name !== 'REFUSED_STREAM');
/** Few enough that a list is many windows long. */
const streamLimits = [1, 3, 10, 50, 100, 1_000];
const gone: Mix = [[kinds.gone, 0.05]];
const people = { payloadBytes: [100, 150, 250], drawMix: (random: Prng): Mix => (random.chance(0.3) ? gone : []) };

/** What is other than in `plan`: most of the time nothing. */
export function drawLasting(random: Prng, plan: Plan): Partial<Plan> {
  if (plan.isCalm || !random.chance(share)) return {};
  const lasting = drawKind(random.fork());
  const threads = random.pick([0, 0, 0, 2, 3]);
  const drawn = drawPeople(random.fork(), threads > 0 && random.chance(0.5));
  const recipients = drawn.recipients.map((each) => ({ ...each, isResent: false }));
  const pace = { paceMs: random.pick([0, 0, 5]), sinkMs: 0 };
  const jobs = drawn.jobs.map((job) => ({ ...job, ...pace, cancelAtTaken: null, isResent: false }));
  const processingMs = lasting.kind === 'deaths' ? 0 : random.pick([0, 2, 30]);
  const until = lasting.untilMs === null ? {} : { until: { ms: lasting.untilMs } };
  const faults = faultsOf(lasting, random.fork(), recipients.length);
  return {
    lasting,
    threads,
    recipients,
    jobs,
    gateway: {
      ...plan.gateway,
      maxStreams: random.pick(streamLimits),
      ...{ initialWindowBytes: 65_535, connectionWindowBytes: 1 << 20, conduct: null },
      scenario: { processingMs, ...until, faults },
    },
    line: { ...plan.line, bytesPerMs: Number.POSITIVE_INFINITY },
    ...{ connect: { refused: 0, dead: 0, silent: 0 }, faults: [], faultsUntilMs: lasting.untilMs ?? 0 },
    closeAtTaken: null,
  };
}

/** `isOneBatch`: one shard gets it all, and the others have to find out nothing. */
function drawPeople(random: Prng, isOneBatch: boolean): People {
  const drawn = drawRecipients(random, true, { ...http2People, ...people });
  if (!isOneBatch) return drawn;
  const recipients = drawn.recipients.map((each) => ({ ...each, apnsId: null, collapseId: null }));
  const batch = {
    first: 0,
    count: recipients.length,
    tokenBytes: 32,
    hasPayloads: true,
    hasIds: false,
    hasCollapseIds: false,
  };
  return { recipients, jobs: [{ ...drawn.jobs[0]!, batches: [batch] }] };
}

// biome-ignore format: twice what matters most
const drawnKinds: readonly LastingKind[] = [
  'resets', 'resets', 'refusals', 'drops', 'drops', 'goaways', 'goaways', 'deaths', 'statuses', 'statuses', 'bodies',
];

function drawKind(random: Prng): LastingPlan {
  const kind = random.pick(drawnKinds);
  const isForEver = kind === 'goaways' || kind === 'bodies' || random.chance(0.5);
  const mayBegin = kind === 'resets' || kind === 'drops' || kind === 'statuses' || kind === 'bodies';
  const hasServed = mayBegin && random.chance(0.5);
  return {
    kind,
    after: hasServed ? 20 + random.int(250) : 0,
    // Connections that are dropped are waited for no longer than half a minute.
    untilMs: isForEver ? null : random.pick(kind === 'drops' ? [2_000, 12_000, 25_000] : [5_000, 20_000, 100_000]),
    each: kind === 'goaways' ? random.pick([1, 2, 3, 10, 50, 90, 91]) : kind === 'deaths' ? 2 + random.int(8) : 0,
  };
}

function faultsOf({ kind, after, each }: LastingPlan, random: Prng, recipients: number): Fault[] {
  const begins: { when: FaultTrigger; on: 'all' } | object =
    after === 0 ? {} : { when: { requests: Math.min(after, recipients >> 1) }, on: 'all' as const };
  switch (kind) {
    case 'resets':
      return [{ do: 'rst', ...begins, code: random.pick(errorCodes) as 'CANCEL', processed: random.pick([0, 0.5, 1]) }];
    case 'refusals':
      return [{ do: 'refuse', ...begins }];
    case 'drops': {
      const how = random.pick(['reset', 'end', 'silent'] as const);
      if (after === 0) return [{ do: 'refuseConnections', how }];
      const when = { requests: Math.min(after, recipients >> 1) };
      return [
        { do: 'refuseConnections', when, how },
        { do: 'reset', when, on: 'all', processed: random.pick([0, 1]) },
      ];
    }
    case 'goaways': {
      const how = random.pick(['drain', 'drain', 'graceful'] as const);
      return [{ do: 'goaway', when: { everyConnectionRequests: each }, how, twice: random.chance(0.2) }];
    }
    case 'statuses': {
      const status = 201 + random.int(55);
      // An answer with one of these has no content.
      const bodyBytes = status === 204 || status === 205 ? 0 : random.pick([0, 40]);
      return [{ do: 'answer', ...begins, status, bodyBytes, share: random.pick([0.5, 1]) }];
    }
    case 'bodies': {
      const reason = random.pick([null, null, kinds.gone, kinds.bad]);
      const bodyBytes = random.pick([70_000, 200_000, 1_100_000, 1_100_000]);
      const when = { requests: Math.max(1, Math.min(after, recipients >> 1)) };
      return [
        { do: 'answer', when, on: 'all', forRequests: longAnswers, bodyBytes, ...(reason === null ? {} : { reason }) },
      ];
    }
    default: {
      const when = { connectionRequests: each };
      return [{ do: random.pick(['reset', 'fin'] as const), when, processed: random.pick([0, 0.5, 1]) }];
    }
  }
}
