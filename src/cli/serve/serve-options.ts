/**
 * The options of `peal serve`, as commander reads them, and the rules between them. The contract is docs/cli.md. Main
 * thread.
 */
import { Option } from 'commander';
import {
  keptOutcomeMs,
  maxConnectionsOption,
  maxHeldBodyBytes,
  maxServiceBodyBytes,
  maxServiceClients,
  maxServicePushes,
  maxServiceRequests,
  maxThreads,
  maxUploadBytes,
  serviceDrainMs,
} from '../../base/limits.js';
import {
  type CredentialFlags,
  certificateOptions,
  checkCertificateFlags,
  checkKeyFlags,
  providerKeyOptions,
} from '../shared/credential-options.js';
import { checkGatewayFlags } from '../shared/gateway-flags.js';
import { type LinkFlags, linkOptions } from '../shared/link-flags.js';
import { type LogFlags, logOptions } from '../shared/log-flags.js';
import { checkMetricsFlags, type MetricsFlags, metricsOptions } from '../shared/metrics-flags.js';
import {
  byteSize,
  durationBetween,
  inForm,
  type OptionGroup,
  threadCount,
  valueFormOf,
  wholeNumber,
} from '../shared/option-values.js';
import { type StoreFlags, storeOptions } from '../shared/store-options.js';
import { usageError } from '../shared/terminal.js';

/** The parsed command line. */
export interface ServeFlags extends CredentialFlags, LinkFlags, MetricsFlags, LogFlags, StoreFlags {
  readonly host: string;
  readonly port: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly bearerFile?: string;
  readonly environment?: 'production' | 'sandbox' | 'development';
  readonly gateway?: string;
  readonly topic?: string;
  readonly threads: number | 'auto';
  readonly maxConnections?: number;
  readonly campaigns?: string;
  readonly lists?: string;
  readonly pushJournal?: string;
  /** Milliseconds. */
  readonly keepOutcomes: number;
  readonly drain: number;
  /** Bytes. */
  readonly maxBody: number;
  readonly maxUpload: number;
  readonly maxRequests: number;
  readonly maxPushes: number;
  readonly maxClients: number;
  /** Pushes a second. */
  readonly bearerRate?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Options that name one credential, or another gateway: not beside a store. */
const ownCredential = ['key', 'cert', 'pfx', 'providerTokenFile', 'gateway'];
const leastBytes = 1 << 20;
/** Far beyond what a process can hold. */
const most = 1_000_000;
const dayMs = 86_400_000;

export function serveOptionGroups(): readonly OptionGroup[] {
  return [
    {
      heading: 'Where it listens, and to whom:',
      options: [
        new Option('--host <address>', 'where it listens').default('127.0.0.1'),
        new Option('--port <n>', 'port; 0: any free one').argParser(wholeNumber(0, 65_535)).default(8088),
        new Option('--tls-cert <file>', 'certificate chain of the service, PEM: it speaks HTTPS then'),
        new Option('--tls-key <file>', 'its private key, PEM'),
        new Option(
          '--bearer-file <file>',
          'file of bearer tokens that may ask, one on a line; read again when it changes (or PEAL_BEARER: one token)',
        ),
        new Option('--json', 'print the address as one JSON line'),
        new Option('--quiet', 'print nothing but errors'),
      ],
    },
    {
      heading: 'What it sends, and where:',
      options: [
        new Option('--environment <name>', "Apple's gateway: production or sandbox").choices([
          ...['production', 'sandbox', 'development'],
        ]),
        new Option('--gateway <address>', 'another gateway: https://HOST:PORT').conflicts('environment'),
        new Option('--topic <topic>', 'bundle id for pushes that name no topic'),
        ...storeOptions().map((one) => (one.long === '--store' ? one.conflicts(ownCredential) : one)),
        ...providerKeyOptions(),
        ...certificateOptions(),
        ...linkOptions(),
        new Option('--threads <n|auto>', 'worker threads that send; 0: the main thread')
          .argParser(threadCount(maxThreads))
          .default(0),
        new Option('--max-connections <n>', 'connections to the gateway, of each thread (default: 8)').argParser(
          wholeNumber(1, maxConnectionsOption),
        ),
      ],
    },
    {
      heading: 'What it keeps:',
      options: [
        new Option('--campaigns <dir>', 'directory of campaigns; without it there are none'),
        new Option('--lists <dir>', 'directory of the lists that campaigns may name'),
        new Option('--push-journal <dir>', 'directory in which ids of ?wait=no outlive the process'),
        new Option('--keep-outcomes <duration>', 'how long the outcome of an id is kept (default: 10m)')
          .argParser(durationBetween(1000, dayMs))
          .default(keptOutcomeMs, '10m'),
      ],
    },
    { heading: 'Being watched:', options: [...metricsOptions({ ends: false }), ...logOptions()] },
    {
      heading: 'Limits:',
      options: [
        new Option('--max-body <size>', 'largest JSON body (default: 1MiB)')
          .argParser(bytesUpTo(maxHeldBodyBytes))
          .default(maxServiceBodyBytes, '1MiB'),
        new Option('--max-upload <size>', 'largest list that is uploaded (default: 1GiB)')
          .argParser(byteSize(leastBytes))
          .default(maxUploadBytes, '1GiB'),
        new Option('--max-requests <n>', 'requests at a time; beyond them 429 is answered')
          .argParser(wholeNumber(1, most))
          .default(maxServiceRequests),
        new Option('--max-pushes <n>', 'pushes without an outcome; beyond them 429 is answered')
          .argParser(wholeNumber(1, most))
          .default(maxServicePushes),
        new Option('--max-clients <n>', 'connections of clients')
          .argParser(wholeNumber(1, most))
          .default(maxServiceClients),
        new Option('--bearer-rate <n>', 'pushes a second of each bearer token (default: no limit)').argParser(
          wholeNumber(1, most),
        ),
        new Option('--drain <duration>', 'how long a stop waits for outcomes (default: 30s)')
          .argParser(durationBetween(0, 3_600_000))
          .default(serviceDrainMs, '30s'),
      ],
    },
  ];
}

/** Throws PealError ERR_PEAL_OPTION. */
export function checkServeFlags(flags: ServeFlags): void {
  const { tlsCert, tlsKey, lists, campaigns } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw usageError('--tls-cert and --tls-key go together.');
  if (lists !== undefined && campaigns === undefined) throw usageError('--lists goes with --campaigns DIR.');
  checkGatewayFlags(flags);
  checkKeyFlags(flags);
  checkCertificateFlags(flags);
  checkMetricsFlags(flags);
}

function bytesUpTo(highest: number): (text: string) => number {
  const parse = byteSize(leastBytes);
  return inForm(valueFormOf(parse), (text) => Math.min(highest, parse(text)));
}
