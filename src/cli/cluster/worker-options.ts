/** The options of `peal worker`, and the rules between them. The contract is docs/cli.md. Pure; main thread. */
import { Option } from 'commander';
import { maxConnectionsOption, maxThreads, maxWorkerSlots, workerSlots } from '../../base/limits.js';
import { type ClusterFlags, clusterOptions } from '../shared/cluster-options.js';
import {
  type CredentialFlags,
  certificateOptions,
  checkCertificateFlags,
  checkKeyFlags,
  providerKeyOptions,
} from '../shared/credential-options.js';
import { type LinkFlags, linkOptions } from '../shared/link-flags.js';
import { type LogFlags, logOptions } from '../shared/log-flags.js';
import { checkMetricsFlags, type MetricsFlags, metricsOptions } from '../shared/metrics-flags.js';
import { type OptionGroup, repeated, threadCount, wholeNumber } from '../shared/option-values.js';
import { usageError } from '../shared/terminal.js';

export interface WorkerFlags extends ClusterFlags, CredentialFlags, LinkFlags, LogFlags, MetricsFlags {
  readonly slots: number;
  readonly name?: string;
  readonly credentials?: string;
  readonly sealKeyFile?: string;
  readonly serviceAccount?: string;
  readonly gateway?: readonly string[];
  readonly threads: number | 'auto';
  readonly maxConnections?: number;
  readonly quiet?: boolean;
}

export function workerOptionGroups(): readonly OptionGroup[] {
  return [
    {
      heading: 'Cluster:',
      options: [
        ...clusterOptions(),
        new Option('--slots <n>', 'slices at a time').argParser(wholeNumber(1, maxWorkerSlots)).default(workerSlots),
        new Option('--name <name>', 'how others see this worker (default: host and process)'),
      ],
    },
    {
      heading: 'Credentials:',
      options: [
        new Option(
          '--credentials <url>',
          'store with the credential of each app: file:FOLDER, env:, postgres://HOST/DATABASE or redis://HOST ' +
            '(or PEAL_CREDENTIALS)',
        ),
        new Option('--seal-key-file <file>', 'keys that a database keeps secrets sealed with (or PEAL_SEAL_KEY)'),
        new Option(
          '--gateway <address>',
          "gateway besides Apple's and Google's that the credential may be used at; may be repeated",
        ).argParser(repeated),
        ...providerKeyOptions(),
        ...certificateOptions(),
        new Option('--service-account <file>', 'JSON file of a service account; env:NAME; or set PEAL_SERVICE_ACCOUNT'),
      ],
    },
    {
      heading: 'Sending:',
      options: [
        ...linkOptions(),
        new Option('--threads <n|auto>', 'number of worker threads; 0 sends from the main thread')
          .argParser(threadCount(maxThreads))
          .default('auto'),
        new Option('--max-connections <n>', 'connections to a gateway, of each thread (default: 8)').argParser(
          wholeNumber(1, maxConnectionsOption),
        ),
      ],
    },
    {
      heading: 'Being watched:',
      options: [new Option('--quiet', 'print only errors'), ...metricsOptions({ ends: false }), ...logOptions()],
    },
  ];
}

/** Throws PealError ERR_PEAL_OPTION. */
export function checkWorkerFlags(flags: WorkerFlags): void {
  const { credentials, sealKeyFile, key, cert, pfx, providerTokenFile, name } = flags;
  const own = [key, cert, pfx, providerTokenFile].some((value) => value !== undefined);
  if (credentials !== undefined && own) {
    throw usageError('--credentials is a store with the credential of each app: leave --key, --cert and --pfx out.');
  }
  if (credentials !== undefined && /^[a-z]+:\/\/[^/@]*:[^/@]+@/i.test(credentials)) {
    throw usageError(
      '--credentials: a password on the command line can be read by others. Give the URL as PEAL_CREDENTIALS instead.',
    );
  }
  if (sealKeyFile !== undefined && own) throw usageError('--seal-key-file goes with --credentials URL.');
  checkKeyFlags(flags);
  if (name !== undefined && !/^[\w.-]{1,100}$/.test(name)) {
    throw usageError('--name: a name has 1 to 100 letters, digits, ".", "-" and "_".');
  }
  checkCertificateFlags(flags);
  checkMetricsFlags(flags);
}
