/**
 * `peal config print` and `peal config schema`. Reads the file and the variables as a run would, and sends nothing.
 * Main thread.
 */
import type { Command } from 'commander';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { pealVariables } from '../shared/peal-variables.js';
import { printable, type Terminal, usageError, writeJsonLine } from '../shared/terminal.js';
import { configFileName, readConfigFile } from './config-file.js';
import type { PrintFlags } from './config-options.js';
import { hasSettings } from './config-options.js';
import { configJsonSchema } from './config-schema.js';
import { definitionsOf, type SettingDefinition } from './definitions.js';
import { checkedConfig, settingsOfFile } from './file-settings.js';
import { type DividedLine, dividedLine, lineSettings } from './line-settings.js';
import { maskedText, maskedVariable } from './masked.js';
import { checkTogether, type LeftOut, settingsInForce } from './precedence.js';
import { placeText, ranks, type Setting } from './setting.js';
import { ownerOf, settingsOfVariables, unknownVariables } from './variables.js';

/** One line of the output. */
interface ShownSetting {
  readonly name: string;
  readonly value: string | boolean | readonly string[];
  readonly source: 'flag' | 'variable' | 'file' | 'default';
  /** Where exactly: `peal.config.yaml, line 3`, `PEAL_KEY`. */
  readonly from: string;
  readonly file?: string;
  readonly line?: number;
}

/**
 * @param line a command with its options; empty: all that is set anywhere
 * @param program with the options of all commands
 */
export async function printConfig(
  line: readonly string[],
  flags: PrintFlags,
  terminal: Terminal,
  program: Command,
): Promise<ExitCode> {
  return line.length === 0 ? printAll(flags, terminal, program) : printLine(line, flags, terminal, program);
}

export async function printSchema(terminal: Terminal, program: Command): Promise<ExitCode> {
  terminal.stdout.write(`${JSON.stringify(configJsonSchema(program), null, 2)}\n`);
  return exitCodes.accepted;
}

/** What would hold for this command line. */
async function printLine(
  given: readonly string[],
  { config, json }: PrintFlags,
  terminal: Terminal,
  program: Command,
): Promise<ExitCode> {
  const args = config === undefined ? given : [...given, `--config=${config}`];
  const divided = dividedLine(args, program);
  if (divided === null) throw usageError(noSettingsOf(given, program));
  const { definitions, kept, leftOut, file } = await lineSettings(divided, program, terminal.env);
  checkLine(divided);
  const set = kept.flatMap((setting) => shownSetting(setting, `${setting.definition.flag}`, terminal));
  const names = new Set(kept.map(({ definition }) => definition.name));
  const settings = [...set, ...[...definitions.values()].filter(({ name }) => !names.has(name)).flatMap(shownDefault)];
  const command = ['peal', ...divided.names].join(' ');
  if (json === true) {
    const left = leftOut.map(({ setting, why }) => ({
      ...shownSetting(setting, setting.definition.flag, terminal)[0],
      why,
    }));
    writeJsonLine(terminal.stdout, { command, file: file?.name ?? null, settings, leftOut: left });
    return exitCodes.accepted;
  }
  const { stdout } = terminal;
  stdout.write(settings.length === 0 ? `${command} has no settings.\n` : table(settings));
  if (leftOut.length > 0) stdout.write(`\nNot in force:\n${leftOut.map(leftOutLine).join('')}`);
  return exitCodes.accepted;
}

/** As the command itself would: its options with their values. Commander tells a wrong value. */
function checkLine({ command, line }: DividedLine): void {
  const { unknown } = command.parseOptions([...line.args]);
  const [stranger] = unknown.filter((arg) => arg.startsWith('-'));
  if (stranger !== undefined) {
    throw usageError(
      `unknown option ${printable(stranger.replace(/=.*$/s, ''))}: peal ${command.name()} has none such.`,
    );
  }
}

function leftOutLine({ setting, why }: LeftOut): string {
  return `  ${setting.definition.flag} of ${placeText(setting.place)}: ${why}\n`;
}

/** Everything that is set, for whatever command, once it is checked. */
async function printAll({ config, json }: PrintFlags, terminal: Terminal, program: Command): Promise<ExitCode> {
  const { env, stdout } = terminal;
  const name = configFileName(config ?? null, env);
  const checked = name === null ? null : checkedConfig(await readConfigFile(name), program);
  const commands = leavesOf(program);
  const settings: ShownSetting[] = [];
  const seen = new Set<string>();
  const add = (setting: Setting, shownName: string): void => {
    const key = `${placeText(setting.place)} ${setting.place.kind === 'file' ? shownName : ''}`;
    if (seen.has(key)) return;
    seen.add(key);
    settings.push(...shownSetting(setting, shownName, terminal));
  };
  for (const command of checked === null ? [] : commands) {
    for (const setting of settingsOfFile(checked!, command)) add(setting, fileKey(setting, command));
  }
  for (const command of commands)
    for (const setting of settingsOfVariables(env, command)) add(setting, setting.definition.flag);
  for (const command of commands) {
    const ofFile = checked === null ? [] : settingsOfFile(checked, command);
    const { kept } = settingsInForce(definitionsOf(command), [], [...settingsOfVariables(env, command), ...ofFile]);
    // A store may be meant for another command than the key beside it.
    checkTogether(kept.filter(({ definition: { name } }) => name !== 'store' && name !== 'credentials'));
  }
  const own = pealVariables.filter((variable) => env[variable] !== undefined && !seen.has(`${variable} `));
  for (const variable of own) {
    settings.push({
      name: variable,
      value: maskedVariable(variable, env[variable]!),
      source: 'variable',
      from: variable,
    });
  }
  const unknown = (
    await unknownVariables(
      env,
      async () => program,
      () => false,
    )
  ).map((one) => one.name);
  if (json === true) {
    writeJsonLine(stdout, { file: name, settings, unknownVariables: unknown });
    return exitCodes.accepted;
  }
  stdout.write(name === null ? 'There is no configuration file.\n' : `The configuration file is ${name}.\n`);
  if (settings.length > 0) stdout.write(`\n${table(settings)}`);
  if (unknown.length > 0) stdout.write(`\nVariables that mean nothing to peal: ${unknown.join(', ')}\n`);
  return exitCodes.accepted;
}

/** Commands, and in the place of those with actions the actions. */
function leavesOf(program: Command): Command[] {
  return program.commands
    .filter(hasSettings)
    .flatMap((command) => (command.commands.length === 0 ? [command] : [...command.commands]));
}

/** Where the setting stands in the file: `send.rate`. */
function fileKey({ definition: { name }, rank }: Setting, command: Command): string {
  if (rank === ranks.shared) return name;
  const owner = ownerOf(command);
  return rank === ranks.action ? `${owner}.${command.name()}.${name}` : `${owner}.${name}`;
}

function shownSetting({ value, place }: Setting, name: string, { env }: Terminal): ShownSetting[] {
  const source = place.kind;
  const from = placeText(place);
  const where = place.kind === 'file' ? { file: place.file, line: place.line } : {};
  if (value === null) {
    // A command reads it itself; operands of the line are shown by the line.
    if (place.kind !== 'variable') return [];
    return [{ name, value: maskedVariable(place.name, env[place.name] ?? ''), source, from }];
  }
  const shown = typeof value === 'boolean' ? value : value.map(maskedText);
  const one = typeof shown === 'boolean' || shown.length !== 1 ? shown : shown[0]!;
  return [{ name, value: one, source, from, ...where }];
}

function shownDefault({ flag, option, isSwitch }: SettingDefinition): ShownSetting[] {
  const { defaultValue, defaultValueDescription } = option ?? {};
  const value = defaultValueDescription ?? defaultValue;
  if (isSwitch || value === undefined) return [];
  return [{ name: flag, value: String(value), source: 'default', from: 'default' }];
}

function table(settings: readonly ShownSetting[]): string {
  const cells = settings.map(({ name, value, from }) => [name, shownText(value), from] as const);
  const width = (column: 0 | 1, most: number): number =>
    Math.min(most, Math.max(...cells.map((row) => row[column].length)));
  const [first, second] = [width(0, 32), width(1, 44)];
  return cells.map(([name, value, from]) => `${name.padEnd(first)}  ${value.padEnd(second)}  ${from}\n`).join('');
}

function shownText(value: ShownSetting['value']): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'string' ? value : value.join(', ');
}

function noSettingsOf([name = '']: readonly string[], program: Command): string {
  const all = program.commands.filter(hasSettings).map((command) => command.name());
  const isCommand = program.commands.some((command) => command.name() === name);
  if (all.includes(name)) {
    const actions = program.commands.find((command) => command.name() === name)!.commands.map((one) => one.name());
    return `peal ${name} has actions: give one of ${actions.join(', ')}.`;
  }
  const what = isCommand ? 'takes no settings from files and variables' : 'is not a command of peal';
  return `peal config print: ${name.startsWith('-') ? 'an option' : name} ${what}. It prints those of ${all.join(', ')}.`;
}
