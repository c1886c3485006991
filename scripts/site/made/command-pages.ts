/**
 * The reference of the command line: a page for each command, made from the definitions that the command line itself is
 * read by. Called by the staging of the site.
 */
import type { EventEmitter } from 'node:events';
import type { Argument, Command, Help, Option } from 'commander';
import { commandLine } from '../../../src/cli/command-line.js';
import { block, code, page, plain, table } from '../markdown.js';
import { asSentence, type MadeText } from './made-text.js';

/** Where the page of a command stands. */
const place = 'reference/commands';

export async function commandPages(): Promise<MadeText[]> {
  const program = await allCommands();
  const help = program.createHelp();
  const commands = visible(help, program);
  const rows = commands.map((command) => [
    `[${code(`peal ${command.name()}`)}](./${command.name()}.md)`,
    plain(asSentence(help.subcommandDescription(command))),
  ]);
  const overview = page(
    'Commands and options',
    'Each command of peal with all of its options. These pages are made from the definitions that the command line is read by, ' +
      'so they say what `peal COMMAND --help` says. [The command line](../../cli.md) explains how they go together, and ' +
      '[exit codes](../exit-codes.md) how a command ends.',
    table(['command', 'what it does'], rows),
    '`peal --version` prints the version, and `peal --help` or `peal COMMAND --help` these options.',
  );
  return [
    { address: `${place}/index`, title: 'Commands and options', text: overview },
    ...commands.map((command) => ({
      address: `${place}/${command.name()}`,
      title: `peal ${command.name()}`,
      text: `---\npageClass: command\n---\n\n${page(`peal ${command.name()}`, ...partsOf(help, command, '##'))}`,
    })),
  ];
}

/** The commands with all of their options. */
export async function allCommands(): Promise<Command> {
  const { stdin, stdout, stderr } = process;
  return await commandLine('all', { stdin, stdout, stderr, env: {} }, () => {});
}

/** The commands of a command without `help`, which commander adds. */
export function visible(help: Help, command: Command): readonly Command[] {
  return help.visibleCommands(command).filter((each) => each.name() !== 'help');
}

function partsOf(help: Help, command: Command, level: string): string[] {
  const { usage, after } = shown(help, command);
  return [
    plain(help.commandDescription(command)),
    block('sh', usage),
    ...argumentsOf(help, command),
    ...optionsOf(help, command, level),
    ...(after === '' ? [] : [`${level} Exit codes and an example`, block('text', after)]),
    ...visible(help, command).flatMap((each) => [`${level} ${pathOf(each)}`, ...partsOf(help, each, `${level}#`)]),
  ];
}

function shown(help: Help, command: Command): { usage: string; after: string } {
  let after = '';
  const write = (text: string): void => {
    after += text;
  };
  const context = { error: false, command, write };
  // commander's types do not say that a command is an emitter of events.
  (command as unknown as EventEmitter).emit('afterHelp', context);
  return { usage: help.commandUsage(command), after: after.trim() };
}

/** A command with those that it stands below: `peal channels create`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function argumentsOf(help: Help, command: Command): string[] {
  const given = command.registeredArguments;
  if (given.length === 0) return [];
  const row = (argument: Argument): string[] => [
    code(help.argumentTerm(argument)),
    plain(asSentence(help.argumentDescription(argument))),
  ];
  return [table(['argument', 'meaning'], given.map(row))];
}

/** The options under their headings, in their order. */
function optionsOf(help: Help, command: Command, level: string): string[] {
  const groups = new Map<string, Option[]>();
  for (const option of help.visibleOptions(command).filter(({ long }) => long !== '--help')) {
    const heading = (option.helpGroupHeading ?? 'Options:').replace(/:$/, '');
    groups.set(heading, [...(groups.get(heading) ?? []), option]);
  }
  const row = (option: Option): string[] => [code(option.flags), plain(asSentence(help.optionDescription(option)))];
  return [...groups].flatMap(([heading, options]) => [
    `${level} ${heading}`,
    table(['option', 'meaning'], options.map(row)),
  ]);
}
