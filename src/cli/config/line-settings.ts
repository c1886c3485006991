/**
 * Puts the settings of one command line together: its options, the variables, the file. Called before a command runs,
 * and by `peal config print`; main thread. Reads the file.
 */
import type { Command } from 'commander';
import { type Terminal, usageError } from '../shared/terminal.js';
import { type ConfigFile, configFileName, readConfigFile } from './config-file.js';
import { hasSettings } from './config-options.js';
import { definitionsOf, type SettingDefinitions } from './definitions.js';
import { checkDestination, checkTogether, type LeftOut, settingsInForce } from './precedence.js';
import { ranks, type Setting } from './setting.js';
import { settingsOfVariables } from './variables.js';
import { type WrittenLine, writtenLine } from './written-options.js';

/** A command line that is divided at its command. */
export interface DividedLine {
  readonly command: Command;
  /** Its name, with that of its action. */
  readonly names: readonly string[];
  readonly line: WrittenLine;
}

/** All that holds for one command line. */
export interface LineSettings {
  readonly definitions: SettingDefinitions;
  readonly kept: readonly Setting[];
  readonly leftOut: readonly LeftOut[];
  readonly file: ConfigFile | null;
}

/**
 * Finds the command that a line is about. Returns null for one without settings, or none.
 *
 * @param program with the options of that command
 */
export function dividedLine(args: readonly string[], program: Command): DividedLine | null {
  let at = 0;
  const before: string[] = [];
  while (at < args.length && args[at]!.startsWith('-')) {
    const arg = args[at]!;
    if (arg !== '--config' && !arg.startsWith('--config=')) return null;
    const length = arg === '--config' ? 2 : 1;
    before.push(...args.slice(at, at + length));
    at += length;
  }
  const owner = program.commands.find((one) => one.name() === args[at]);
  if (owner === undefined || !hasSettings(owner)) return null;
  const action = owner.commands.find((one) => one.name() === args[at + 1]);
  if (owner.commands.length > 0 && action === undefined) return null;
  const command = action ?? owner;
  const names = args.slice(at, at + (action === undefined ? 1 : 2));
  const line = writtenLine([...before, ...args.slice(at + names.length)], command);
  return { command, names, line };
}

/**
 * @throws PealError ERR_PEAL_OPTION about the file or a variable, or two settings that contradict each other
 */
export async function lineSettings(
  { command, line }: DividedLine,
  program: Command,
  env: Terminal['env'],
): Promise<LineSettings> {
  if (line.problem !== null) throw usageError(line.problem);
  const definitions = definitionsOf(command);
  const given = [...line.given].flatMap(([name, texts]): Setting[] => {
    const definition = definitions.get(name);
    const value = definition?.isSwitch === true ? texts.at(-1) === 'on' : texts;
    return definition === undefined ? [] : [{ definition, rank: ranks.flag, place: { kind: 'flag' }, value }];
  });
  const tokens = definitions.get('tokens');
  if (line.hasOperands && tokens?.isRepeated === true && !line.given.has('tokens')) {
    given.push({ definition: tokens, rank: ranks.flag, place: { kind: 'flag' }, value: null });
  }
  const name = configFileName(line.config, env);
  const file = name === null ? null : await readConfigFile(name);
  const variables = settingsOfVariables(env, command);
  const others = [...variables, ...(file === null ? [] : await settingsOf(file, command, program))];
  const inForce = settingsInForce(definitions, given, others.filter(isMeant(command, line)));
  checkTogether(inForce.kept);
  checkDestination(inForce);
  return { definitions, file, ...inForce };
}

/** What reads the file is loaded only for one. */
async function settingsOf(file: ConfigFile, command: Command, program: Command): Promise<Setting[]> {
  const { checkedConfig, settingsOfFile } = await import('./file-settings.js');
  return settingsOfFile(checkedConfig(file, program), command);
}

/** `peal status DIR` has nothing to do with a cluster. */
const isMeant =
  (command: Command, line: WrittenLine) =>
  ({ definition: { name } }: Setting): boolean =>
    command.name() !== 'status' || line.given.has('cluster') || (name !== 'redis' && name !== 'redisCa');
