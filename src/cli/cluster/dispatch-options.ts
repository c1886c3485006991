/**
 * The options of `peal dispatch`: those of `peal send`, without what only a process that sends needs. The contract is
 * docs/cli.md.
 */
import { Option } from 'commander';
import { maxSliceRecipients } from '../../base/limits.js';
import { type SendFlags, sendOptionGroups } from '../send/send-options.js';
import { clusterOptions } from '../shared/cluster-options.js';
import { type OptionGroup, wholeNumber } from '../shared/option-values.js';
import { usageError } from '../shared/terminal.js';

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
    const own = options.filter(({ long }) => !ofSenders.has(long ?? '')).map(asOfDispatch);
    return own.length === 0 ? [] : [{ heading, options: own }];
  });
  return [...kept, { heading: 'Cluster:', options: [...clusterOptions(), ...dispatchOptions()] }];
}

/** The service account is the workers', too. */
function asOfDispatch(option: Option): Option {
  if (option.long !== '--service-account') return option;
  return new Option(option.flags, 'where the project stands, if --project is not given; or set PEAL_SERVICE_ACCOUNT');
}

/** Throws PealError ERR_PEAL_OPTION. The other rules are those of `peal send`. */
export function checkDispatchFlags({ app, provider, platformColumn, maxInFlight }: DispatchFlags): void {
  if (app !== undefined && provider === 'fcm') {
    throw usageError(
      '--app names a credential of APNs in the store of the workers: with --provider fcm they send with their service ' +
        'account. Leave it out.',
    );
  }
  if (maxInFlight === 1 && platformColumn !== undefined) {
    throw usageError(
      '--max-in-flight: with --platform-column each service has a part of it, so that it is 2 at least.',
    );
  }
}

function dispatchOptions(): Option[] {
  return [
    new Option('--app <name>', 'whose credential of APNs workers take from their store (default: the topic)'),
    new Option('--slice <n>', 'recipients that a worker gets at a time (default: 10000)').argParser(
      wholeNumber(1, maxSliceRecipients),
    ),
    new Option(
      '--max-in-flight <n>',
      'requests under way at a time in the whole cluster (default: no limit)',
    ).argParser(wholeNumber(1, 1_000_000_000)),
  ];
}
