/** The gateway's part of a plan: its limits, how it treats its clients over time, and what goes wrong with it. */
import type { SimulatorConduct } from '../../src/simulator/settings/conduct.js';
import type { Fault, FaultTrigger, Scenario } from '../../src/simulator/settings/scenario.js';
import type { Prng } from '../support/prng.js';
import type { GatewayPlan, Plan } from './plan.js';

export function drawGateway(
  random: Prng,
  credential: Plan['credential'],
  isCalm: boolean,
  faultsUntilMs: number,
  recipients: number,
): GatewayPlan {
  const auth = credential === 'token' ? 'token' : credential === 'certificate' ? 'either' : 'any';
  return {
    auth,
    maxStreams: random.pick([1, 3, 10, 50, 100, 500, 1_000]),
    initialWindowBytes: random.pick([65_535, 65_535, 65_535, 1_000, 300]),
    connectionWindowBytes: random.pick([65_535, 65_535, 1 << 20]),
    conduct: random.chance(isCalm ? 0 : 0.5) ? drawConduct(random) : null,
    scenario: drawScenario(random, isCalm, faultsUntilMs, recipients),
  };
}

function drawConduct(random: Prng): SimulatorConduct {
  const conduct: { -readonly [Key in keyof SimulatorConduct]: SimulatorConduct[Key] } = {};
  if (random.chance(0.5)) conduct.lowerStreamsAfter = random.pick([2, 10]);
  if (random.chance(0.5)) conduct.raiseStreamsAfter = random.pick([10, 50]);
  if (random.chance(0.4)) conduct.maxErrors = random.pick([20, 80]);
  if (random.chance(0.5)) conduct.goawayTwice = true;
  if (random.chance(0.5)) conduct.wedgeOnExpiredToken = true;
  if (random.chance(0.3)) conduct.providerTokenUpdates = 1;
  if (random.chance(0.2)) {
    conduct.idleMs = random.pick([2_000, 10_000]);
    conduct.idleEnd = random.pick(['answer', 'silence', 'goaway', 'reset'] as const);
  }
  return conduct;
}

function drawScenario(random: Prng, isCalm: boolean, faultsUntilMs: number, recipients: number): Scenario {
  const processingMs = random.pick([0, 0, 2, 30]);
  if (isCalm) return { processingMs, faults: [] };
  const count = random.pick([0, 1, 1, 2, 3, 4]);
  const faults = Array.from({ length: count }, () => drawFault(random, recipients));
  return { processingMs, until: { ms: faultsUntilMs }, faults };
}

function drawTrigger(random: Prng, recipients: number): FaultTrigger {
  switch (random.int(6)) {
    case 0:
      return { requests: 1 + random.int(recipients) };
    case 1:
      return { connectionRequests: 1 + random.int(80) };
    case 2:
      return { everyConnectionRequests: 10 + random.int(100) };
    case 3:
      return { everyRequests: 50 + random.int(200) };
    case 4:
      return { ms: random.int(5_000) };
    default:
      return { connectionMs: random.int(2_000), probability: 0.5 };
  }
}

function drawFault(random: Prng, recipients: number): Fault {
  const when = drawTrigger(random, recipients);
  const times = random.pick([1, 2, 5, 20]);
  const on = random.chance(0.3) ? ('all' as const) : ('connection' as const);
  const processed = random.pick([0, 0.5, 1]);
  const lasting = { when, times, on, forRequests: 1 + random.int(60), share: random.pick([0.2, 1]) };
  const striking = { when, times, on };
  switch (random.int(17)) {
    case 0:
    case 1:
    case 2: {
      const how = random.pick(['graceful', 'drain', 'drain', 'close'] as const);
      const last = random.pick(['all', 'half', 'none'] as const);
      const reason = random.pick(['', 'Shutdown', 'IdleTimeout', 'InternalServerError']);
      const error = random.pick(['NO_ERROR', 'INTERNAL_ERROR', 'ENHANCE_YOUR_CALM'] as const);
      const said = reason === '' ? {} : { reason };
      return { do: 'goaway', ...striking, processed, how, last, error, ...said, twice: random.chance(0.3) };
    }
    case 3:
      return { do: 'reset', ...striking, processed };
    case 4:
      return { do: 'fin', ...striking, processed };
    case 5:
      return { do: 'stall', ...striking, ms: random.pick([100, 3_000, 20_000]) };
    case 6:
      return { do: 'blackHole', ...striking, processed };
    case 7:
      return { do: 'refuse', ...lasting };
    case 8: {
      const code = random.pick(['INTERNAL_ERROR', 'CANCEL', 'REFUSED_STREAM', 'PROTOCOL_ERROR'] as const);
      return { do: 'rst', ...lasting, ...(code === 'REFUSED_STREAM' ? { processed: 0 } : { processed }), code };
    }
    case 9:
      return { do: 'noAnswer', ...lasting, forRequests: 1 + random.int(5), processed };
    case 10: {
      const reason = random.pick(['InternalServerError', 'ServiceUnavailable', 'Shutdown', 'TooManyRequests']);
      const wait = random.chance(0.5) ? { retryAfterS: random.pick([1, 2, 10]) } : {};
      return { do: 'answer', ...lasting, reason, ...wait };
    }
    case 11:
      return {
        do: 'slow',
        ...lasting,
        ms: random.pick([10, 500]),
        jitterMs: 200,
        pieceBytes: random.pick([1, 30, 5_000]),
      };
    case 12:
      return { do: 'streams', ...striking, max: random.pick([[1, 50], [0, 10], 2, [5, 1, 500]]), stepMs: 500 };
    case 13:
      return {
        do: 'window',
        ...striking,
        initialBytes: random.pick([100, 1_000, 0]),
        withholdMs: random.pick([0, 2_000]),
      };
    case 14:
      return {
        do: 'refuseConnections',
        when,
        times,
        how: random.pick(['reset', 'end', 'silent'] as const),
        forMs: 2_000,
      };
    case 15: {
      const kind = random.pick(['badHpack', 'longFrame', 'shortPing', 'evenStream', 'zeroWindow', 'noise'] as const);
      return { do: 'malformed', ...striking, times: 1, kind };
    }
    default:
      return random.chance(0.5)
        ? { do: 'expireProviderTokens', when, times: 1 }
        : { do: 'shutdown', when, times: 1, ms: 2_000, connections: random.pick(['goaway', 'reset', 'keep'] as const) };
  }
}
