/**
 * Writes the settings of file and environment into a command line, as the options that they stand for: whatever reads
 * the line, checks it, or keeps it in a journal need not know where they come from. Called before a command line is
 * read, on the main thread.
 */
import type { Command } from 'commander';
import { maxNamedVariables } from '../../base/limits.js';
import { variableOf } from '../shared/credential-options.js';
import type { Terminal } from '../shared/terminal.js';
import { dividedLine, type LineSettings, lineSettings } from './line-settings.js';
import { placeText, ranks, type Setting } from './setting.js';
import { unknownVariables } from './variables.js';

interface ExpandedLine {
  readonly args: readonly string[];
  /** The configuration file, as it is named; null without one. */
  readonly file: string | null;
  /** Sentences for standard error: what is probably not meant. */
  readonly notes: readonly string[];
  /** Each option that was added, and where it comes from. */
  readonly sources: readonly string[];
  /** A sentence on where the options that `text` names come from; null where it names none that were added. */
  readonly sourcesIn: (text: string) => string | null;
}

/**
 * @param definitions reads the commands that a line may be about, or all of them
 * @throws PealError ERR_PEAL_OPTION about the file or a variable
 */
export async function expandedLine(
  args: readonly string[],
  env: Terminal['env'],
  definitions: (args: readonly string[] | 'all') => Promise<Command>,
): Promise<ExpandedLine> {
  const unchanged = { args, file: null, notes: [], sources: [], sourcesIn: () => null };
  const program = await definitions(args);
  const divided = dividedLine(args, program);
  if (divided === null) return unchanged;
  const { names, line } = divided;
  if (line.asksForHelp) return { ...unchanged, args: [...names, ...line.args] };
  const settings = await lineSettings(divided, program, env);
  const added = settings.kept.filter(({ rank }) => rank !== ranks.flag);
  const expanded = [...names, ...added.flatMap(writtenSetting), ...line.args];
  const notes = [
    ...openFileNotes(settings),
    ...(await variableNotes(env, expanded, settings, () => definitions('all'))),
  ];
  const file = settings.file?.name ?? null;
  return { args: expanded, file, notes, sources: added.map(sourceOf), sourcesIn: (text) => sourcesIn(text, added) };
}

/** As on a command line: `--key-id=ABCDE12345`, because a value may begin with a hyphen. */
function writtenSetting({ definition, value }: Setting): string[] {
  const { flag, option, negative } = definition;
  if (value === null) return [];
  if (typeof value !== 'boolean') return value.map((text) => `${flag}=${text}`);
  if (value) return option === null ? [] : [option.long!];
  return negative === null ? [] : [negative.long!];
}

function openFileNotes({ file }: LineSettings): string[] {
  if (file?.isOpenToAll !== true) return [];
  return [
    `${file.name}: every user of this machine may change this file and so what peal does: chmod o-w ${file.name}`,
  ];
}

/** A misspelt variable would have no effect, unseen. */
async function variableNotes(
  env: Terminal['env'],
  args: readonly string[],
  { kept, leftOut }: LineSettings,
  all: () => Promise<Command>,
): Promise<string[]> {
  const used = new Set(
    [...kept, ...leftOut.map(({ setting }) => setting)].flatMap(({ place }) =>
      place.kind === 'variable' ? [place.name] : [],
    ),
  );
  for (const arg of args) {
    const name = variableOf(arg.replace(/^--[a-z-]+=/, ''));
    if (name !== null) used.add(name);
  }
  const unknown = await unknownVariables(env, all, (name) => used.has(name));
  if (unknown.length === 0) return [];
  const shown = unknown
    .slice(0, maxNamedVariables)
    .map(({ name, meant }) => (meant === null ? name : `${name} (did you mean ${meant}?)`));
  const more = unknown.length > shown.length ? ` and ${unknown.length - shown.length} more` : '';
  const isOne = unknown.length === 1;
  const [what, effect] = isOne ? ['is no variable', 'it has'] : ['are no variables', 'they have'];
  return [`there ${what} ${shown.join(', ')}${more}, so ${effect} no effect`];
}

function sourceOf({ definition, place }: Setting): string {
  return `${definition.flag} is from ${placeText(place)}`;
}

/** `--key is from peal.config.yaml, line 3, and --key-id from PEAL_KEY_ID.` */
function sourcesIn(text: string, added: readonly Setting[]): string | null {
  const named = added.filter(({ definition: { flag }, value }) => {
    return value !== null && new RegExp(`${flag}(?![\\w-])`).test(text);
  });
  if (named.length === 0) return null;
  const parts = named.map(sourceOf);
  return parts.length === 1 ? parts[0]! : `${parts.slice(0, -1).join('; ')}; ${parts.at(-1)}`;
}
