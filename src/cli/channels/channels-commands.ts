/** Adds the actions of `peal channels` to its command. Called where a command line is read that may be about them. */
import type { Command } from 'commander';
import { addOptions } from '../shared/command-options.js';
import type { ExitCode } from '../shared/exit-codes.js';
import type { OptionGroup } from '../shared/option-values.js';
import type { Terminal } from '../shared/terminal.js';
import {
  type ChannelsFlags,
  type CreateChannelsFlags,
  createChannelsGroups,
  listChannelsGroups,
  type RemoveChannelsFlags,
  readChannelGroups,
  removeChannelsGroups,
} from './channels-options.js';

type Actions = typeof import('./channels.js');

/** @param load loads the code of the actions, when one is run */
export function addChannelsActions(
  channels: Command,
  terminal: Terminal,
  load: () => Promise<Actions>,
  onEnd: (code: ExitCode) => void,
): void {
  const action = (name: keyof typeof texts, groups: readonly OptionGroup[]): Command => {
    const [what, example] = texts[name];
    const command = channels.command(name).description(what).addHelpText('after', exampleOf(name, example));
    addOptions(command, groups);
    return command;
  };
  action('create', createChannelsGroups()).action(async (flags: CreateChannelsFlags) => {
    onEnd(await (await load()).runCreate(flags, terminal));
  });
  action('read', readChannelGroups())
    .argument('<channel>', 'the id of the channel')
    .action(async (id: string, flags: ChannelsFlags) => {
      onEnd(await (await load()).runRead(id, flags, terminal));
    });
  action('list', listChannelsGroups()).action(async (flags: ChannelsFlags) => {
    onEnd(await (await load()).runList(flags, terminal));
  });
  action('remove', removeChannelsGroups())
    .argument('[channels...]', 'the ids of the channels')
    .action(async (ids: readonly string[], flags: RemoveChannelsFlags) => {
      onEnd(await (await load()).runRemove(ids, flags, terminal));
    });
}

/** What each action does, and the beginning of an example. */
const texts = {
  create: ['Creates channels, and prints their ids.', '--storage-policy most-recent'],
  read: ['Reads a channel, and prints its id, its storage policy and its push type.', 'dHN0LXNyY2gtY2hubA=='],
  list: ['Lists the ids of all channels of an app.', ''],
  remove: ['Removes channels. Their subscribers get no more updates.', 'dHN0LXNyY2gtY2hubA=='],
} as const;

function exampleOf(name: string, example: string): string {
  const begin = ['peal channels', name, example].filter((part) => part !== '').join(' ');
  return `
Exit codes:
  0  done
  2  the command line is wrong; nothing was sent
  3  the service refused it: standard error says why
  4  the service could not be reached, or had only temporary faults
  5  key, certificate or passphrase cannot be used; nothing was sent
  6  a list cannot be read
  129, 130, 143  interrupted (SIGHUP, Ctrl-C, SIGTERM)

Example:
  ${begin} \\
    --bundle-id com.example.app \\
    --key AuthKey_ABCDE12345.p8 --key-id ABCDE12345 --team-id FGHIJ67890 \\
    --environment production
`;
}
