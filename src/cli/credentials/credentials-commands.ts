/**
 * Adds the actions of `peal credentials` to its command. Called where a command line is read that may be about them.
 */
import type { Command } from 'commander';
import { addOptions } from '../shared/command-options.js';
import type { ExitCode } from '../shared/exit-codes.js';
import type { OptionGroup } from '../shared/option-values.js';
import type { Terminal } from '../shared/terminal.js';
import {
  addOptionGroups,
  listOptionGroups,
  migrateOptionGroups,
  removeOptionGroups,
  rotateOptionGroups,
} from './credentials-options.js';

type Actions = typeof import('./credentials.js');

/** @param load loads the code of the actions, when one is run */
export function addCredentialsActions(
  credentials: Command,
  terminal: Terminal,
  load: () => Promise<Actions>,
  onEnd: (code: ExitCode) => void,
): void {
  const action = (name: string, run: keyof Actions, groups: readonly OptionGroup[], what: string): void => {
    const command = credentials
      .command(name)
      .description(what)
      .action(async (flags: object) => {
        const actions = await load();
        onEnd(await actions[run](flags as never, terminal));
      });
    addOptions(command, groups);
  };
  action('list', 'listCredentials', listOptionGroups(), 'Lists what there is, and no secret.');
  action('add', 'addCredential', addOptionGroups(), 'Adds the credential of an app that has none yet.');
  action(
    'rotate',
    'rotateCredential',
    rotateOptionGroups(),
    'Adds a version to a credential, or seals all records anew.',
  );
  action('remove', 'removeCredential', removeOptionGroups(), 'Removes a credential, or one version of it.');
  action('migrate', 'migrateStore', migrateOptionGroups(), 'Makes the tables that PostgreSQL needs, or prints them.');
}
