/**
 * The options of the actions of `peal channels`, as commander reads them. The contract is docs/cli.md. Pure; main
 * thread.
 */
import { Option } from 'commander';
import { maxChannels } from '../../base/limits.js';
import { type OptionGroup, repeated, wholeNumber } from '../shared/option-values.js';
import { bundleIdOption, type ServiceFlags, serviceGroups } from './service-flags.js';

/** The parsed command line of each action. */
export interface ChannelsFlags extends ServiceFlags {}

export interface CreateChannelsFlags extends ChannelsFlags {
  readonly storagePolicy: 'none' | 'most-recent';
  readonly count: number;
}

export interface RemoveChannelsFlags extends ChannelsFlags {
  /** Files with ids, or `-`. */
  readonly from?: readonly string[];
  readonly yes?: boolean;
}

export function createChannelsGroups(): readonly OptionGroup[] {
  return groupsOf([
    new Option('--storage-policy <policy>', 'what APNs keeps for devices that are away: nothing, or the latest update')
      .choices(['none', 'most-recent'])
      .default('none'),
    new Option('--count <n>', 'how many channels to create').argParser(wholeNumber(1, maxChannels)).default(1),
  ]);
}

export function readChannelGroups(): readonly OptionGroup[] {
  return groupsOf([]);
}

export function listChannelsGroups(): readonly OptionGroup[] {
  return groupsOf([]);
}

export function removeChannelsGroups(): readonly OptionGroup[] {
  return groupsOf([
    new Option('--from <file>', 'more ids, one on a line; - is standard input; may be repeated').argParser(repeated),
    new Option('--yes', 'do not ask'),
  ]);
}

function groupsOf(own: readonly Option[]): readonly OptionGroup[] {
  return [
    { heading: 'What:', options: [bundleIdOption(), ...own] },
    ...serviceGroups('Channel management service:', 'another service, such as a simulator: https://HOST:PORT'),
    {
      heading: 'Output:',
      options: [
        new Option('--json', 'print one JSON line for each channel on standard output'),
        new Option('--quiet', 'print no notes, only what was asked for and errors'),
      ],
    },
  ];
}
