/**
 * `peal complete -- WORDS`, which the script of a shell asks at each press of Tab. Called by command-line, on the main
 * thread.
 */
import type { Command } from 'commander';
import type { Terminal } from '../shared/terminal.js';
import { completionsFor } from './answer.js';
import { directives } from './shells.js';

/**
 * Prints a line for each suggestion, with a tab before its description, and a line with what the shell is to do
 * besides.
 */
export function printCompletions(program: Command, words: readonly string[], { stdout }: Terminal): void {
  const { suggestions, paths } = completionsFor(program, words);
  const lines = suggestions.map(({ value, description }) => (description === '' ? value : `${value}\t${description}`));
  const directive = { none: directives.noFiles, files: 0, folders: directives.foldersOnly }[paths];
  stdout.write(`${[...lines, `:${directive}`].join('\n')}\n`);
}
