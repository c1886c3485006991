/**
 * The options of the commands that steer a campaign in its directory, and their arguments. The contract is docs/cli.md.
 */
import { InvalidArgumentError } from 'commander';
import { parseRate } from '../../campaign/control/rate.js';
import { type SendFlags, sendOptionGroups } from '../send/send-options.js';
import { type OptionGroup, readBy } from '../shared/option-values.js';

/** What may be given anew to a campaign that is resumed; the rest is as it was. */
export type ResumeFlags = Partial<SendFlags>;

/** Options of `peal send` that may be other ones for the rest of a campaign. */
const resumable: ReadonlySet<string> = new Set([
  '--threads',
  '--on-unknown',
  '--stop-at-bad-tokens',
  '--rate',
  '--max-failures',
  '--max-error-rate',
  '--max-duration',
  '--stop-on',
  '--canary',
  '--canary-share',
  '--yes',
  '--not-before',
  '--not-after',
  '--local-window',
  '--timezone-column',
  '--outside-window',
  '--json',
  '--progress',
  '--quiet',
  '--metrics-port',
  '--metrics-host',
  '--metrics-linger',
  '--log-level',
  '--log-format',
]);

export function resumeOptions(): readonly OptionGroup[] {
  return sendOptionGroups().flatMap(({ heading, options }) => {
    const kept = options.filter(({ long }) => resumable.has(long ?? ''));
    // What is not given is as it was, so that no default holds.
    for (const option of kept) option.default(undefined);
    return kept.length === 0 ? [] : [{ heading, options: kept }];
  });
}

/** The argument DIR of each of the commands. */
export function folderArgument(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It is empty: check that the shell variable is set.');
}

/** The argument RATE of `peal rate`. */
export function rateArgument(text: string): string {
  return readBy(parseRate)(text);
}
