/**
 * Adds the tables of options to commander's commands, with the rules that hold for every option: given once, and not
 * empty. Called where a command line is read, on the main thread.
 */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { inForm, type OptionGroup, repeated, valueFormOf } from './option-values.js';
import { printable } from './terminal.js';

/** An option as it was written on the command line. */
export interface GivenOption {
  readonly name: string;
  /** Empty for a switch. */
  readonly value: string;
}

/** Returns the list of the options that are given; it is complete once the command line was read. */
export function addOptions(command: Command, groups: readonly OptionGroup[]): readonly GivenOption[] {
  const given: GivenOption[] = [];
  const once = new Set<string>();
  for (const { heading, options } of groups) {
    for (const option of options) {
      command.addOption(option.helpGroup(heading));
      if (option.parseArg !== repeated) refuseTwice(command, option, once);
      if (option.required) refuseEmpty(option);
      command.on(`option:${option.name()}`, (value: string | null) => {
        given.push({ name: option.long ?? option.flags, value: printable(value ?? '') });
      });
    }
  }
  return given;
}

/** Commander would silently use the last value and drop the others. `--header` and `--no-header` are one option. */
function refuseTwice(command: Command, option: Option, once: Set<string>): void {
  const name = option.attributeName();
  command.on(`option:${option.name()}`, () => {
    if (once.has(name)) command.error(`error: option '${option.flags}' is given twice, and can have only one value`);
    once.add(name);
  });
}

/**
 * An empty value usually comes from a shell variable that is not set. It is hardly ever meant: an empty alert would go
 * to every recipient. A tab is a value: it divides cells.
 */
function refuseEmpty(option: Option): void {
  const parse = option.parseArg;
  const read = (text: string, before: unknown): unknown => {
    if (text.trim() === '' && text !== '\t') {
      throw new InvalidArgumentError('It is empty: leave the option out, or check that the shell variable is set.');
    }
    return parse === undefined ? text : (parse as (value: string, previous: unknown) => unknown)(text, before);
  };
  option.argParser(parse === repeated ? read : inForm(valueFormOf(parse), read));
  if (parse === repeated) repeating.add(option);
}

const repeating = new WeakSet<Option>();

/** Whether an option may be given several times. */
export function isRepeated(option: Option): boolean {
  return option.parseArg === repeated || repeating.has(option);
}
