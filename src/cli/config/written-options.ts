/** Reads which options stand on a command line, as commander will read them. Pure; main thread. */
import type { Command } from 'commander';

/** What a command line has. */
export interface WrittenLine {
  /** The value of `--config`; null without it. */
  readonly config: string | null;
  /** The line without `--config`. */
  readonly args: readonly string[];
  /** Names of settings that are given, with their texts; of a switch `on` or `off`. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly hasOperands: boolean;
  /** Whether help is asked for, so that nothing runs. */
  readonly asksForHelp: boolean;
  /** `--config` that is given twice, or without a value. */
  readonly problem: string | null;
}

/** @param args of the command, without its name */
export function writtenLine(args: readonly string[], command: Command): WrittenLine {
  const rest: string[] = [];
  const given = new Map<string, string[]>();
  let config: string | null = null;
  let problem: string | null = null;
  let hasOperands = false;
  let asksForHelp = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === '--') {
      rest.push(...args.slice(at));
      hasOperands ||= at + 1 < args.length;
      break;
    }
    const [, long = arg, inline] = /^(--[^=]+)=(.*)$/s.exec(arg) ?? [];
    if (long === '--config') {
      const value = inline ?? args[++at];
      if (config !== null) problem = '--config is given twice, and can have only one value.';
      else if (value === undefined) problem = '--config needs the path of a file, or none for no file.';
      config = value ?? '';
      continue;
    }
    rest.push(arg);
    if (arg === '--help' || arg === '-h') asksForHelp = true;
    const option = command.options.find((one) => one.long === long);
    if (option === undefined) {
      hasOperands ||= !arg.startsWith('-') || arg === '-';
      continue;
    }
    const name = option.attributeName();
    const texts = given.get(name) ?? [];
    given.set(name, texts);
    if (!option.required) {
      texts.push(option.negate ? 'off' : 'on');
      continue;
    }
    const value = inline ?? args[++at];
    if (inline === undefined && value !== undefined) rest.push(value);
    texts.push(value ?? '');
  }
  return { config, args: rest, given, hasOperands, asksForHelp, problem };
}
