/** The options of `peal dispatch`: those of `peal send`, without what only a process that sends needs. The contract is docs/cli.md. */
import { Option } from 'commander';
import { maxSliceRecipients } from '../../base/limits.js';
import { type SendFlags, sendOptionGroups } from '../send/send-options.js';
import { clusterOptions } from '../shared/cluster-options.js';
import { type OptionGroup, wholeNumber } from '../shared/option-values.js';

export interface DispatchFlags extends SendFlags {
  readonly redis?: string;
  readonly redisCa?: string;
  readonly blobs?: string;
  readonly slice?: number;
  readonly maxInFlight?: number;
  readonly app?: string;
}

/** Workers have the credential, and open the connections. */
const ofSenders: ReadonlySet<string> = new Set([
  ...['--key', '--key-id', '--team-id', '--provider-token-file', '--cert', '--cert-key', '--pfx', '--identity'],
  ...['--passphrase-file', '--threads', '--max-connections', '--proxy', '--ca', '--pin'],
]);

export function dispatchOptionGroups(): readonly OptionGroup[] {
  const kept = sendOptionGroups().flatMap(({ heading, options }) => {
    const own = options.filter(({ long }) => !ofSenders.has(long ?? ''));
    return own.length === 0 ? [] : [{ heading, options: own }];
  });
  return [...kept, { heading: 'Cluster:', options: [...clusterOptions(), ...dispatchOptions()] }];
}

function dispatchOptions(): Option[] {
  return [
    new Option('--app <name>', 'whose credential workers take from their store (default: the topic)'),
    new Option('--slice <n>', 'recipients that a worker gets at a time (default: 10000)').argParser(
      wholeNumber(1, maxSliceRecipients),
    ),
    new Option(
      '--max-in-flight <n>',
      'requests under way at a time in the whole cluster (default: no limit)',
    ).argParser(wholeNumber(1, 1_000_000_000)),
  ];
}
