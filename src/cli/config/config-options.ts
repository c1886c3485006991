/**
 * Which commands take settings from files and variables, their option `--config`, and the options of `peal config`. The
 * contract is docs/cli.md. Pure; main thread.
 */
import { type Command, Option } from 'commander';
import type { OptionGroup } from '../shared/option-values.js';

export interface PrintFlags {
  readonly config?: string;
  readonly json?: boolean;
}

/** Commands that take their settings from their own line, or from a journal, or have none. */
const withoutSettings: ReadonlySet<string> = new Set([
  ...['resume', 'pause', 'rate', 'report', 'config', 'completion', 'complete', 'help'],
]);

/** Whether a command takes settings from files and the environment. */
export function hasSettings(command: Command): boolean {
  return !withoutSettings.has(command.name());
}

export function configOption(): Option {
  return new Option(
    '--config <file|none>',
    'file with settings (default: peal.config.json, .yaml or .yml in this directory); none: no file',
  ).helpGroup('Settings:');
}

export function printOptionGroups(): readonly OptionGroup[] {
  return [{ heading: 'Options:', options: [configOption(), new Option('--json', 'print one line of JSON')] }];
}
