/** The network's part of a plan: what the line is like, and what happens to connections, thread and clocks. */
import type { Prng } from '../support/prng.js';
import type { LineSettings, PieceKind } from './pipe.js';

/**
 * - `reset`: RST, whatever is under way is lost.
 * - `hole`: from then on nothing passes, in one direction or both, and neither end is told.
 * - `hold`: nothing passes for a while; then everything arrives.
 * - `outage`: every connection is reset, and new ones are refused for a while.
 * - `dead`: attempts to connect get no answer for a while.
 * - `stall`: the sender's thread does nothing for a while.
 * - `wall`: the sender's wall clock is set.
 * - `crash`: a shard's thread ends.
 *
 * Of a binary gateway (plan-binary):
 *
 * - `goodbye`: it shuts the connection down, with the status that names the last one delivered.
 * - `fin`: it ends its side without a word.
 * - `babble`: it says something without meaning.
 */
export type NetworkFaultKind =
  | 'reset'
  | 'hole'
  | 'hold'
  | 'outage'
  | 'dead'
  | 'stall'
  | 'wall'
  | 'crash'
  | 'goodbye'
  | 'fin'
  | 'babble';

export interface NetworkFault {
  readonly kind: NetworkFaultKind;
  /** It strikes when so many recipients were taken … */
  readonly atTaken: number;
  /** … and so much time has passed since. */
  readonly delayMs: number;
  /** How long it lasts, or how far the clock is moved. */
  readonly ms: number;
  /** Every connection, or one that is drawn. */
  readonly isForAll: boolean;
  readonly direction: 'up' | 'down' | 'both';
}

export function drawLine(random: Prng): LineSettings {
  const latencyMs = random.pick([0, 1, 5, 20, 60, 150]);
  return {
    latencyMs,
    jitterMs: random.chance(0.5) ? latencyMs * random.next() : 0,
    bytesPerMs: random.chance(0.2) ? random.pick([20, 100, 1_000]) : Number.POSITIVE_INFINITY,
    capacityBytes: random.pick([2_000, 16_384, 65_536, 1 << 20]),
    pieces: random.pick<PieceKind>(['all', 'all', 'packets', 'packets', 'crumbs', 'octets']),
  };
}

export function drawNetworkFaults(random: Prng, recipients: number, threads: number): NetworkFault[] {
  const count = random.pick([0, 1, 1, 2, 2, 3, 5]);
  return Array.from({ length: count }, () => drawFault(random, recipients, threads));
}

function drawFault(random: Prng, recipients: number, threads: number): NetworkFault {
  const kind = drawKind(random, threads);
  return {
    kind,
    atTaken: random.int(Math.ceil(recipients * 1.2)),
    delayMs: random.chance(0.3) ? 0 : random.next() * random.pick([5, 100, 3_000]),
    ms: drawLength(random, kind),
    isForAll: random.chance(0.3),
    direction: random.pick(['up', 'down', 'both', 'both'] as const),
  };
}

function drawKind(random: Prng, threads: number): NetworkFaultKind {
  if (threads > 0 && random.chance(0.6)) return 'crash';
  const kinds: readonly NetworkFaultKind[] = [
    'reset',
    'reset',
    'hole',
    'hole',
    'hold',
    'outage',
    'dead',
    'stall',
    'wall',
  ];
  return random.pick(kinds);
}

function drawLength(random: Prng, kind: NetworkFaultKind): number {
  if (kind === 'wall') return random.pick([-3_600_000, -60_000, -1_000, 1_000, 60_000, 240_000, 7_200_000]);
  if (kind === 'stall') return random.pick([50, 1_000, 12_000, 30_000]);
  if (kind === 'hold') return random.pick([50, 2_000, 9_000, 17_000]);
  return random.pick([200, 2_000, 10_000, 45_000]);
}
