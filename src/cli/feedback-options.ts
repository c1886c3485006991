/**
 * The options of `peal feedback`: the table that commander reads, and the rules between options. The contract is
 * docs/cli.md. Main thread.
 */
import { Option } from 'commander';
import { type Address, parseAddress } from '../apns/address.js';
import { type CredentialFlags, certificateOptions, checkCertificateFlags } from './credential-options.js';
import { type LinkFlags, linkOptions } from './link-options.js';
import type { OptionGroup } from './option-values.js';
import { usageError } from './terminal.js';

export type FeedbackFormat = 'csv' | 'ndjson';

/** What commander makes of the command line. */
export interface FeedbackFlags extends CredentialFlags, LinkFlags {
  readonly gateway: string;
  readonly format: FeedbackFormat;
  readonly out?: string;
  readonly quiet?: boolean;
}

export function feedbackOptionGroups(): readonly OptionGroup[] {
  return [
    {
      heading: 'Gateway:',
      options: [
        new Option(
          '--gateway <address>',
          'feedback_production, feedback_sandbox or feedback://HOST:PORT',
        ).makeOptionMandatory(),
        ...linkOptions(),
      ],
    },
    { heading: 'Credential (cert or pfx):', options: certificateOptions() },
    {
      heading: 'Output:',
      options: [
        new Option('--format <format>', 'csv, or one JSON object a line').choices(['csv', 'ndjson']).default('csv'),
        new Option('--out <file>', 'where the list goes instead of standard output'),
        new Option('--quiet', 'no count of what was read, only errors'),
      ],
    },
  ];
}

/**
 * The feedback gateway that the options name.
 *
 * @throws PealError ERR_PEAL_ADDRESS for an address that is none, ERR_PEAL_OPTION for another kind of gateway and for
 *   options that do not go together
 */
export function checkFeedbackFlags(options: FeedbackFlags): Address {
  checkCertificateFlags(options);
  const address = parseAddress(options.gateway);
  if (address.protocol !== 'feedback') {
    throw usageError(
      '--gateway: this is no feedback gateway; give feedback_production, feedback_sandbox or feedback://HOST:PORT.',
    );
  }
  const isAnonymous = options.cert === undefined && options.pfx === undefined;
  if (isAnonymous && address.host.endsWith('.push.apple.com')) {
    throw usageError('Apple asks whose feedback to give: give --cert or --pfx.');
  }
  return address;
}
