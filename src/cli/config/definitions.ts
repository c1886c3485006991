/**
 * Which settings a command has: its options, without acts of one run, by the names that a configuration file and the
 * environment use. Made from the options as commander has them, so that there is no second table. Pure; called for a
 * command line and for what is made from the definitions, on the main thread.
 */
import type { Command, Option } from 'commander';
import { isRepeated } from '../shared/command-options.js';
import { type ValueForm, valueFormOf } from '../shared/option-values.js';

/** One setting of a command. */
export interface SettingDefinition {
  /** In a file: `keyId`. */
  readonly name: string;
  /** `--key-id`. */
  readonly flag: string;
  /** The option that takes the value, or turns the setting on; null where there is only `--no-…`. */
  readonly option: Option | null;
  /** `--no-…`. */
  readonly negative: Option | null;
  readonly description: string;
  readonly isSwitch: boolean;
  readonly isRepeated: boolean;
  /** Whether the value is the path of a file or directory, or may be. */
  readonly isPath: boolean;
  readonly choices: readonly string[] | null;
  readonly form: ValueForm;
  /** Names of settings that it cannot stand beside, as its option says. */
  readonly conflicts: readonly string[];
}

export type SettingDefinitions = ReadonlyMap<string, SettingDefinition>;

/** Options that belong to one run: in a file or a variable they would act on each run, unseen. */
const actsOfOneRun: ReadonlySet<string> = new Set([
  ...['config', 'force', 'yes', 'dryRun', 'requestId', 'sealing', 'print', 'watch', 'cluster', 'which', 'offline'],
]);

/** The settings of a command, or of an action of one. */
export function definitionsOf(command: Command): SettingDefinitions {
  const { parent } = command;
  // What an action does to the credential of an app is said by its own line.
  return parent?.name() === 'credentials' ? commonDefinitionsOf(parent) : definitionsOfOptions(command.options);
}

/** The settings that all actions of a command have. */
export function commonDefinitionsOf(command: Command): SettingDefinitions {
  const [first, ...others] = command.commands.map(({ options }) => definitionsOfOptions(options));
  return new Map([...(first ?? [])].filter(([name]) => others.every((other) => other.has(name))));
}

/** Whether the actions of a command have settings of their own, beside the common ones. */
export function hasOwnActions(command: Command): boolean {
  return command.commands.length > 0 && command.name() !== 'credentials';
}

export function definitionsOfOptions(options: readonly Option[]): SettingDefinitions {
  const definitions = new Map<string, SettingDefinition>();
  for (const option of options) {
    const name = option.attributeName();
    if (actsOfOneRun.has(name)) continue;
    const other = definitions.get(name);
    const positive = option.negate ? (other?.option ?? null) : option;
    const shown = positive ?? option;
    definitions.set(name, {
      name,
      flag: shown.long!,
      option: positive,
      negative: option.negate ? option : (other?.negative ?? null),
      description: shown.description,
      isSwitch: !shown.required && !shown.optional,
      isRepeated: isRepeated(shown),
      isPath: /<(?:file|dir)/.test(shown.flags),
      choices: shown.argChoices ?? null,
      form: valueFormOf(shown.parseArg),
      conflicts: (shown as Option & { readonly conflictsWith?: readonly string[] }).conflictsWith ?? [],
    });
  }
  return definitions;
}

/** `PEAL_KEY_ID`, or `PEAL_SEND_KEY_ID` of one command. */
export function variableNameOf({ flag }: SettingDefinition, command: string | null = null): string {
  const name = flag.replace(/^--(?:no-)?/, '');
  return ['peal', ...(command === null ? [] : [command]), name].join('_').replaceAll('-', '_').toUpperCase();
}
