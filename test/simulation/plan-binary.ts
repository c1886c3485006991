/**
 * The plan of a world in which the sender speaks the binary protocol: how it proves what it sent, what kind of gateway
 * there is, who is sent to, and what goes wrong.
 */
import type { LinkOptions } from '../../src/connection/link-options.js';
import type { SimulatorOptions } from '../../src/simulator/settings/options.js';
import type { Prng } from '../support/prng.js';
import type { LineSettings } from './pipe.js';
import type { NetworkFault } from './plan-network.js';
import type { Mix, PeopleRules } from './plan-recipients.js';
import { binaryKinds } from './recipients.js';

export interface BinaryPlan {
  readonly settings: Pick<
    LinkOptions,
    'flush' | 'readTailTimeoutMs' | 'readTimeoutMs' | 'writeTimeoutMs' | 'writeBufferSize'
  >;
  readonly gateway: Pick<
    SimulatorOptions,
    'statusDelayMs' | 'splitStatus' | 'silentStatus' | 'zeroFlushIdentifier' | 'closeAfter' | 'shutdownAfter'
  >;
  /** The first failure ends a send, as with a message's own tokens. */
  readonly stopsAtFailure: boolean;
}

/** Epoch seconds and priority of all that is sent. */
export const binaryExpiry = 1_900_000_000;
export const binaryPriority = 10;

export const binaryPeople: PeopleRules = {
  payloadBytes: [30, 100, 150, 250, 600, 2_000],
  drawMix(random, isCalm) {
    const mix: [string, number][] = [];
    const maybe = (probability: number, kind: string, share: number): void => {
      if (random.chance(probability)) mix.push([kind, share]);
    };
    maybe(0.5, binaryKinds.invalid, random.pick([0.002, 0.01, 0.05, 0.2]));
    maybe(0.2, binaryKinds.size, 0.01);
    maybe(0.1, binaryKinds.payload, 0.01);
    maybe(0.2, binaryKinds.processing, 0.01);
    maybe(0.2, binaryKinds.odd, 0.01);
    maybe(0.3, binaryKinds.shutdown, 0.01);
    if (isCalm) return mix;
    maybe(0.2, binaryKinds.closed, 0.005);
    maybe(0.2, binaryKinds.broken, 0.005);
    return mix satisfies Mix;
  },
  drawDelayMs: (random) => random.pick([0, 0, 100, 300, 800]),
};

export function drawBinary(random: Prng, isCalm: boolean, threads: number, line: LineSettings): BinaryPlan {
  const isFast = line.bytesPerMs === Number.POSITIVE_INFINITY;
  // A line that carries for longer than the tail lasts is no place to take silence for anything.
  const flush = random.chance(0.7) || (isCalm && !isFast);
  return {
    settings: {
      flush,
      readTailTimeoutMs: random.chance(0.1) && !isCalm ? 0 : 3_000,
      readTimeoutMs: isCalm ? 300_000 : random.pick([5_000, 20_000, 20_000]),
      writeTimeoutMs: isCalm ? 300_000 : random.pick([5_000, 20_000, 20_000]),
      writeBufferSize: random.pick([2_048, 65_536, 65_536]),
    },
    gateway: {
      statusDelayMs: random.pick([0, 0, 100, 800]),
      splitStatus: random.chance(0.3),
      silentStatus: !isCalm && random.chance(0.05),
      zeroFlushIdentifier: random.chance(0.3),
      ...(!isCalm && random.chance(0.1) ? { closeAfter: random.pick([10, 100]) } : {}),
      ...(random.chance(0.1) ? { shutdownAfter: random.pick([10, 100]) } : {}),
    },
    stopsAtFailure: threads === 0 && !isCalm && random.chance(0.15),
  };
}

/**
 * What only a binary gateway does, and what hits the short time in which it matters: a campaign is written within
 * moments, and what counts is what is heard after that.
 */
export function drawBinaryFaults(random: Prng, recipients: number, { latencyMs }: LineSettings): NetworkFault[] {
  const count = random.pick([0, 1, 2, 3, 5]);
  return Array.from({ length: count }, () => {
    const kind = random.pick(ownKinds);
    return {
      kind,
      atTaken: random.int(recipients),
      delayMs: random.next() * random.pick([0, latencyMs, 3 * latencyMs, 3 * latencyMs, 1_000]),
      ms: kind === 'stall' ? random.pick([4_000, 30_000]) : random.pick([2_000, 9_000]),
      isForAll: random.chance(0.3),
      direction: random.pick(['up', 'down', 'both'] as const),
    };
  });
}

const ownKinds = ['goodbye', 'goodbye', 'fin', 'babble', 'babble', 'stall', 'stall', 'hold', 'hole'] as const;

/** Octets that are no answer to anything. */
export function drawBabble(random: Prng): Uint8Array {
  return random.pick([
    Uint8Array.of(8, 8, 0, 1, 17, 112),
    Uint8Array.of(8, 10, 0, 1, 17, 112),
    Uint8Array.of(8, 1, 0, 0, 0, 0),
    Uint8Array.of(8, 0, 0, 1, 17, 112),
    Uint8Array.of(72, 84, 84, 80),
    Uint8Array.of(8, 8, 0),
  ]);
}
