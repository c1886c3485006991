/**
 * The options of `peal feedback`: the table that commander reads, and the rules between options. The contract is
 * docs/cli.md. Main thread.
 */
import { Option } from 'commander';
import { parseAddress } from '../../apns/address.js';
import type { Address } from '../../push/address.js';
import { type CredentialFlags, certificateOptions, checkCertificateFlags } from '../shared/credential-options.js';
import { type LinkFlags, linkOptions } from '../shared/link-flags.js';
import type { OptionGroup } from '../shared/option-values.js';
import { usageError } from '../shared/terminal.js';

export type FeedbackFormat = 'csv' | 'ndjson';

/** The parsed command line. */
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
        new Option('--format <format>', 'csv, or one JSON object per line').choices(['csv', 'ndjson']).default('csv'),
        new Option('--out <file>', 'file for the list, instead of standard output'),
        new Option('--quiet', 'print only errors, no count of tokens'),
      ],
    },
  ];
}

/**
 * Returns the feedback gateway that the options name.
 *
 * @throws PealError ERR_PEAL_ADDRESS for an address that cannot be read, ERR_PEAL_OPTION for another kind of gateway
 *   and for options that contradict each other
 */
export function checkFeedbackFlags(options: FeedbackFlags): Address {
  checkCertificateFlags(options);
  const address = parseAddress(options.gateway);
  if (address.protocol !== 'feedback') {
    throw usageError(
      '--gateway: this is not a feedback gateway. Give feedback_production, feedback_sandbox or feedback://HOST:PORT.',
    );
  }
  const isAnonymous = options.cert === undefined && options.pfx === undefined;
  if (isAnonymous && address.host.endsWith('.push.apple.com')) {
    throw usageError("Apple's feedback gateways need a client certificate: give --cert or --pfx.");
  }
  return address;
}
