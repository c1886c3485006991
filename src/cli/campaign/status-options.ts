/** The options of `peal status`, and what they ask for. The contract is docs/cli.md. */
import { Option } from 'commander';
import { clusterOptions } from '../shared/cluster-options.js';
import type { OptionGroup } from '../shared/option-values.js';
import { usageError } from '../shared/terminal.js';

export interface StatusFlags {
  readonly watch?: boolean;
  readonly json?: boolean;
  /** All campaigns of a cluster, instead of one in a directory. */
  readonly cluster?: boolean;
  readonly redis?: string;
  readonly redisCa?: string;
}

export function statusOptions(): readonly OptionGroup[] {
  return [
    {
      heading: 'Options:',
      options: [
        new Option('--watch', 'show it again and again, until the campaign ends'),
        new Option('--json', 'print one line of JSON, with the keys of summary.json'),
      ],
    },
    {
      heading: 'Cluster:',
      options: [
        new Option('--cluster', 'show the campaigns, workers and slices of a cluster, instead of one campaign'),
        ...clusterOptions().filter(({ long }) => long !== '--blobs'),
      ],
    },
  ];
}

/**
 * What `peal status` is asked to show.
 *
 * @throws PealError ERR_PEAL_OPTION where that is not clear
 */
export function statusSubject(
  dir: string | undefined,
  { cluster, redis, redisCa }: StatusFlags,
): 'campaign' | 'cluster' {
  if (cluster === true) {
    if (dir === undefined) return 'cluster';
    throw usageError('--cluster shows all campaigns of a cluster, and DIR is one campaign: give one of the two.');
  }
  if (redis !== undefined || redisCa !== undefined) {
    throw usageError(`--${redis === undefined ? 'redis-ca' : 'redis'} needs --cluster beside it.`);
  }
  if (dir === undefined) throw usageError('give the directory of a campaign, or --cluster for all of a cluster.');
  return 'campaign';
}
