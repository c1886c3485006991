/** The command line of the throughput benchmark. */
import { parseArgs } from 'node:util';
import type { Protocol } from '../lib/target.js';

export interface Plan {
  readonly rounds: number;
  /** Notifications of each peal run. */
  readonly count: number;
  /** Notifications of each node:http2 run; most of the benchmark's time. */
  readonly nodeCount: number;
  /** Notifications of each apn run. */
  readonly apnCount: number;
  readonly protocols: readonly Protocol[];
  readonly payloads: readonly number[];
  readonly threads: number | 'auto';
  /** Recipients of the memory run. */
  readonly rssTokens: number;
  readonly window: 'large' | 'apple';
  readonly only: 'throughput' | 'rss' | null;
  readonly jsonFile: string | null;
}

const usage = `npm run bench:throughput -- [options]
  --rounds N         rounds, each contender once in each (default 5)
  --count N          notifications of a peal run (default 200000)
  --node-count N     notifications of a node:http2 run (default 200000)
  --apn-count N      notifications of an apn run (default 20000)
  --protocol NAME    http2 or binary (default: both, one after the other)
  --payloads N,N     bytes of payload (default 120,2000)
  --threads N|auto   worker threads of "peal, threads" (default auto)
  --window KIND      the gateway's connection window: large (default), or apple: 65,535 bytes
  --rss-tokens N     recipients of the memory run (default 1000000)
  --rss              the memory run only
  --no-rss           without the memory run
  --json FILE        all figures of all rounds as JSON, too
`;

/** Ends the process with the usage if the arguments are not understood. */
export function readPlan(): Plan {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '5' },
        count: { type: 'string', default: '200000' },
        'node-count': { type: 'string', default: '200000' },
        'apn-count': { type: 'string', default: '20000' },
        protocol: { type: 'string', default: 'http2,binary' },
        payloads: { type: 'string', default: '120,2000' },
        threads: { type: 'string', default: 'auto' },
        window: { type: 'string', default: 'large' },
        'rss-tokens': { type: 'string', default: '1000000' },
        rss: { type: 'boolean', default: false },
        'no-rss': { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) throw new Error('');
    return {
      rounds: positive(values.rounds),
      count: positive(values.count),
      nodeCount: positive(values['node-count']),
      apnCount: positive(values['apn-count']),
      protocols: values.protocol.split(',').map(protocolOf),
      payloads: values.payloads.split(',').map(positive),
      threads: values.threads === 'auto' ? 'auto' : positive(values.threads),
      rssTokens: positive(values['rss-tokens']),
      window: values.window === 'apple' ? 'apple' : 'large',
      only: values.rss ? 'rss' : values['no-rss'] ? 'throughput' : null,
      jsonFile: values.json ?? null,
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`"${text}" has to be a whole number above 0`);
}

function protocolOf(text: string): Protocol {
  if (text === 'http2' || text === 'binary') return text;
  throw new Error(`"${text}" is not a protocol: give http2 or binary`);
}
