/** Adds the actions of `peal config` to its command. Called where a command line is read that may be about them. */
import type { Command } from 'commander';
import { addOptions } from '../shared/command-options.js';
import type { ExitCode } from '../shared/exit-codes.js';
import type { Terminal } from '../shared/terminal.js';
import { type PrintFlags, printOptionGroups } from './config-options.js';

type Actions = typeof import('./config.js');

/**
 * @param all reads the definitions of all commands
 * @param load loads the code of the actions, when one is run
 */
export function addConfigActions(
  config: Command,
  terminal: Terminal,
  all: () => Promise<Command>,
  load: () => Promise<Actions>,
  onEnd: (code: ExitCode) => void,
): void {
  const print = config
    .command('print')
    .description(
      'Checks the settings, and prints those that hold: of a command line, or all of the file and the variables.',
    )
    .argument('[command...]', 'a command with its options, such as: send --rate 500/s')
    .allowUnknownOption()
    .action(async (line: readonly string[], flags: PrintFlags) => {
      onEnd(await (await load()).printConfig(line, flags, terminal, await all()));
    });
  addOptions(print, printOptionGroups());
  config
    .command('schema')
    .description('Prints the schema of the configuration file, as JSON Schema, for editors and checks.')
    .action(async () => {
      onEnd(await (await load()).printSchema(terminal, await all()));
    });
}
