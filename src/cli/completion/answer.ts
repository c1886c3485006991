/**
 * What may follow a command line that is half written: commands, actions, options, the choices of an option, files or
 * folders. Read from commander's definitions of the commands. Called by completion for the scripts of the shells; pure.
 */
import type { Argument, Command, Option } from 'commander';
import { isRepeated } from '../shared/command-options.js';

interface Suggestion {
  readonly value: string;
  readonly description: string;
}

interface Completions {
  readonly suggestions: readonly Suggestion[];
  /** What the shell itself completes where there are no suggestions. */
  readonly paths: 'none' | 'files' | 'folders';
}

const nothing: Completions = { suggestions: [], paths: 'none' };

/** Values that stand for themselves where an option is described by alternatives, as in `<n|auto>`. */
const literalValues: ReadonlySet<string> = new Set(['auto', 'none', 'off', 'large', 'apns']);

/** @param words what stands after `peal`, up to the cursor; the last one is being written, and may be empty */
export function completionsFor(program: Command, words: readonly string[]): Completions {
  const current = words.at(-1) ?? '';
  const { command, operands, expects, given, operandsOnly, asksForHelp } = lineBefore(program, words.slice(0, -1));
  if (expects !== null) return valueAnswer(expects, current);
  if (!operandsOnly && !asksForHelp && current.startsWith('-')) {
    const equals = current.indexOf('=');
    if (equals === -1) return { suggestions: beginningWith(current, optionsOf(command, given)), paths: 'none' };
    const option = optionNamed(command, current.slice(0, equals));
    return option === null || !takesValue(option) ? nothing : valueAnswer(option, current.slice(equals + 1));
  }
  if (operands === 0 && command.commands.length > 0) {
    const commands = beginningWith(current, commandsOf(command));
    return { suggestions: asksForHelp ? commands.filter(({ value }) => value !== 'help') : commands, paths: 'none' };
  }
  if (asksForHelp) return nothing;
  const argument = argumentAt(command, operands);
  if (argument !== null) return { suggestions: choicesOf(argument, current), paths: pathsOf(argument.name()) };
  return operandsOnly ? nothing : { suggestions: beginningWith(current, optionsOf(command, given)), paths: 'none' };
}

/** What the complete words of a command line say. */
interface LineBefore {
  readonly command: Command;
  /** How many arguments of the command are there. */
  readonly operands: number;
  /** The option whose value comes next. */
  readonly expects: Option | null;
  readonly given: ReadonlySet<Option>;
  /** `--` was there. */
  readonly operandsOnly: boolean;
  /** `peal help …` */
  readonly asksForHelp: boolean;
}

function lineBefore(program: Command, words: readonly string[]): LineBefore {
  const given = new Set<Option>();
  let command = program;
  let operands = 0;
  let expects: Option | null = null;
  let operandsOnly = false;
  let asksForHelp = false;
  for (const word of words) {
    if (expects !== null) expects = null;
    else if (!operandsOnly && word === '--') operandsOnly = true;
    else if (!operandsOnly && word.length > 1 && word.startsWith('-')) {
      const option = optionNamed(command, word.split('=')[0]!);
      if (option === null) continue;
      given.add(option);
      if (takesValue(option) && !word.includes('=')) expects = option;
    } else {
      const named = operands === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (named !== undefined) command = named;
      else if (operands === 0 && word === 'help' && command.commands.length > 0) asksForHelp = true;
      else operands += 1;
    }
  }
  return { command, operands, expects, given, operandsOnly, asksForHelp };
}

const takesValue = (option: Option): boolean => option.required || option.optional;

/** With `--help`, and on top with `--version`, which commander has beside the others. */
const allOptions = (command: Command): readonly Option[] => command.createHelp().visibleOptions(command);

function optionNamed(command: Command, name: string): Option | null {
  return allOptions(command).find(({ long, short }) => name === long || name === short) ?? null;
}

/** Those that may still be given. */
function optionsOf(command: Command, given: ReadonlySet<Option>): Suggestion[] {
  const isExcluded = (option: Option): boolean =>
    [...given].some(
      (other) =>
        (option.attributeName() === other.attributeName() && !isRepeated(option)) ||
        conflictsOf(option).includes(other.attributeName()) ||
        conflictsOf(other).includes(option.attributeName()),
    );
  return allOptions(command)
    .filter((option) => !isExcluded(option))
    .map((option) => ({ value: option.long ?? option.flags, description: firstClause(option.description) }));
}

/** Commander keeps them there, without a declaration. */
function conflictsOf(option: Option): readonly string[] {
  return (option as Option & { readonly conflictsWith?: readonly string[] }).conflictsWith ?? [];
}

function commandsOf(command: Command): Suggestion[] {
  const visible = command.createHelp().visibleCommands(command);
  return visible.map((one) => ({ value: one.name(), description: one.summary() || firstClause(one.description()) }));
}

function argumentAt(command: Command, index: number): Argument | null {
  const args = command.registeredArguments;
  const last = args.at(-1);
  return args[index] ?? (last?.variadic === true ? last : null);
}

function valueAnswer(option: Option, current: string): Completions {
  const kinds = (/<([^>]+)>/.exec(option.flags)?.[1] ?? '').split('|');
  const paths = kinds.map(pathsOf).find((one) => one !== 'none') ?? 'none';
  // Shells complete no files beside suggestions.
  const literals = paths === 'none' ? kinds.filter((kind) => literalValues.has(kind)) : [];
  const suggestions = (option.argChoices ?? literals).map((value) => ({ value, description: '' }));
  return { suggestions: beginningWith(current, suggestions), paths };
}

function choicesOf(argument: Argument, current: string): Suggestion[] {
  return beginningWith(
    current,
    (argument.argChoices ?? []).map((value) => ({ value, description: '' })),
  );
}

/** @param kind what stands for the value in the help: `<file>`, `[lists...]` */
function pathsOf(kind: string): Completions['paths'] {
  if (kind === 'file' || kind === 'lists') return 'files';
  return kind === 'dir' ? 'folders' : 'none';
}

const beginningWith = (current: string, suggestions: readonly Suggestion[]): Suggestion[] =>
  suggestions.filter(({ value }) => value.startsWith(current));

/** A shell has one line for each suggestion. */
function firstClause(description: string): string {
  return /^.*?(?=; |\. |$)/s.exec(description)![0].replaceAll(/\s+/g, ' ');
}
