/**
 * A model on paper of a campaign to a thousand million recipients by many machines: what each part costs, and what
 * bounds the rate. `node dist/bench/cluster/model.js` prints the table that stands in docs/many-machines.md.
 */
import { pathToFileURL } from 'node:url';

/**
 * CPU time of each part for one recipient, in microseconds, and what a recipient costs on the ways between them, in
 * bytes.
 */
export interface Costs {
  readonly dispatcherUs: number;
  readonly redisUs: number;
  readonly workerUs: number;
  /** To Redis and from it. */
  readonly redisBytes: number;
  /** From a worker to the gateway. */
  readonly gatewayBytes: number;
}

/** As measured: a million recipients, two workers on one machine of two cores, a payload of 24 bytes. */
export const measured: Costs = {
  dispatcherUs: 1.95,
  redisUs: 0.22,
  workerUs: 2.7,
  redisBytes: 66,
  gatewayBytes: 303,
};

export interface Assumptions {
  readonly recipients: number;
  readonly coresOfMachine: number;
  readonly connectionsOfMachine: number;
  readonly payloadBytes: number;
  readonly roundTripMs: number;
  /** Of a connection: SETTINGS_MAX_CONCURRENT_STREAMS and the connection's window. */
  readonly streams: number;
  readonly windowBytes: number;
}

export const assumed: Assumptions = {
  recipients: 1e9,
  coresOfMachine: 4,
  connectionsOfMachine: 24,
  payloadBytes: 200,
  roundTripMs: 40,
  streams: 1000,
  windowBytes: 65_535,
};

export interface Prediction {
  readonly machines: number;
  readonly dispatchers: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly boundBy: 'connections' | 'CPU of workers' | 'dispatchers' | 'Redis';
  readonly gatewayGbit: number;
  readonly redisMbit: number;
  /** Of the one thread that runs its commands. */
  readonly redisShare: number;
}

/** @param dispatchers campaigns that share the list: each has one thread that decides */
export function predict(machines: number, dispatchers: number, costs = measured, assumptions = assumed): Prediction {
  const { recipients, coresOfMachine, connectionsOfMachine, payloadBytes, roundTripMs } = assumptions;
  const inFlight = Math.min(assumptions.streams, Math.floor(assumptions.windowBytes / payloadBytes));
  const bounds = [
    ['connections', (machines * connectionsOfMachine * inFlight * 1000) / roundTripMs],
    ['CPU of workers', (machines * coresOfMachine * 1e6) / costs.workerUs],
    ['dispatchers', (dispatchers * 1e6) / costs.dispatcherUs],
    ['Redis', 1e6 / costs.redisUs],
  ] as const;
  const [boundBy, perSecond] = bounds.reduce((least, bound) => (bound[1] < least[1] ? bound : least));
  return {
    ...{ machines, dispatchers, perSecond, seconds: recipients / perSecond, boundBy },
    gatewayGbit: (perSecond * costs.gatewayBytes * 8) / 1e9,
    redisMbit: (perSecond * costs.redisBytes * 8) / 1e6,
    redisShare: (perSecond * costs.redisUs) / 1e6,
  };
}

const cases = [
  [1, 1],
  [3, 1],
  [10, 1],
  [10, 4],
  [30, 12],
  [100, 40],
] as const;

/** The table of the page. */
export function modelTable(): string[] {
  const number = (value: number, digits = 0): string =>
    value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return [
    '| worker machines | dispatchers | a second | 10⁹ take | bound by | to APNs, Gbit/s | Redis, Mbit/s | Redis, of its thread |',
    '| --: | --: | --: | --: | --- | --: | --: | --: |',
    ...cases.map(([machines, dispatchers]) => {
      const { perSecond, seconds, boundBy, gatewayGbit, redisMbit, redisShare } = predict(machines, dispatchers);
      const figures = [number(gatewayGbit, 2), number(redisMbit), `${number(redisShare * 100)} %`];
      const rate = number(Math.round(perSecond / 1000) * 1000);
      return `| ${[machines, dispatchers, rate, `${number(seconds / 60)} min`, boundBy, ...figures].join(' | ')} |`;
    }),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(modelTable().join('\n'));
