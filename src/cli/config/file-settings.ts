/**
 * The settings that a configuration file has for a command. Loaded only where there is a file; main thread. What is
 * wrong is told by file, line and key, and without the value.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { nearestName } from '../../base/nearest-name.js';
import { variableOf } from '../shared/credential-options.js';
import { usageError } from '../shared/terminal.js';
import type { ConfigFile } from './config-file.js';
import { hasSettings } from './config-options.js';
import { configSchema } from './config-schema.js';
import { type ConfigNode, ConfigTextError, readConfigText, shownKey } from './config-text.js';
import {
  commonDefinitionsOf,
  definitionsOf,
  hasOwnActions,
  type SettingDefinition,
  type SettingDefinitions,
} from './definitions.js';
import { type Rank, ranks, type Setting } from './setting.js';
import { textsOfValue, valueProblem } from './setting-values.js';
import { isCommonMeaning, sharedDefinitions } from './shared-settings.js';

/** A file that was read and checked. */
interface CheckedConfig {
  readonly file: ConfigFile;
  readonly top: ConfigNode;
}

/**
 * Checks the sections of the commands whose options `program` has, and what stands at the top.
 *
 * @throws PealError ERR_PEAL_OPTION about the first problem in the file
 */
export function checkedConfig(file: ConfigFile, program: Command): CheckedConfig {
  let top: ConfigNode;
  try {
    top = withoutNothing(readConfigText(file.text, file.isJson), program);
  } catch (error) {
    if (!(error instanceof ConfigTextError)) throw error;
    throw usageError(`${file.name}${error.line === null ? '' : `, line ${error.line}`}: ${error.message}.`);
  }
  const { error } = configSchema(program).safeParse(plainOf(top));
  if (error === undefined) return { file, top };
  const problems = error.issues.flatMap((issue) => {
    const at = issue.path.map(String);
    return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...at, key]) : [at];
  });
  // Aliases and merged keys may stand in another order than the keys.
  const [first] = problems.map((at) => ({ at, ...foundAt(top, at) })).sort((a, b) => a.line - b.line);
  const { line, at } = first!;
  const problem = problemAt(at, first!.node, program);
  throw usageError(`${file.name}, line ${line}: ${problem}${problem.endsWith('?') ? '' : '.'}`);
}

/** Without sections of which every line is a comment, and without entries that hold anchors alone: `x-…`. */
function withoutNothing(top: ConfigNode, program: Command): ConfigNode {
  const isEmpty = (name: string, { scalar, items, entries }: ConfigNode): boolean =>
    scalar === null &&
    items === undefined &&
    entries === undefined &&
    program.commands.some((command) => command.name() === name && hasSettings(command));
  return {
    ...top,
    entries: new Map([...top.entries!].filter(([name, { node }]) => !name.startsWith('x-') && !isEmpty(name, node))),
  };
}

function plainOf({ scalar, items, entries }: ConfigNode): unknown {
  if (items !== undefined) return items.map(plainOf);
  if (entries === undefined) return scalar;
  const value = Object.create(null) as Record<string, unknown>;
  for (const [name, { node }] of entries) value[name] = plainOf(node);
  return value;
}

/** The value at a path, as far as it leads. */
function foundAt(top: ConfigNode, at: readonly string[]): { readonly line: number; readonly node: ConfigNode } {
  let found = { line: top.line, node: top };
  for (const name of at) {
    const { entries, items } = found.node;
    const entry = entries?.get(name);
    const item = items?.[Number(name)];
    if (entry !== undefined) found = entry;
    else if (item !== undefined) found = { line: item.line, node: item };
    else break;
  }
  return found;
}

/** What is wrong there, without a full stop; it may be a question. */
function problemAt(at: readonly string[], node: ConfigNode, program: Command): string {
  const { known, rest, owner, others } = knownAt(at, program);
  const [name = '', ...inner] = rest;
  const definition = known.get(name);
  if (definition !== undefined) {
    const problem = valueProblem(definition, plainOf(node)) ?? 'has a value of another kind';
    return `${shownKey(name)} ${inner.length === 0 ? problem : `has a value that ${problem}`}`;
  }
  if (others.includes(name)) return `${shownKey(name)} has to be a mapping of settings`;
  return `${owner} no setting ${shownKey(name)}: ${unknownAdvice(name, owner, [...known.keys(), ...others], program)}`;
}

interface KnownNames {
  readonly known: SettingDefinitions;
  /** The path from there. */
  readonly rest: readonly string[];
  /** The subject of the sentence, with its verb. */
  readonly owner: string;
  /** Names of sections. */
  readonly others: readonly string[];
}

/** What may stand where a path leads. */
function knownAt(at: readonly string[], program: Command): KnownNames {
  const commands = program.commands.filter(hasSettings);
  const command = at.length < 2 ? undefined : commands.find((one) => one.name() === at[0]);
  if (command === undefined) {
    const others = commands.map((one) => one.name());
    return { known: sharedDefinitions(), rest: at, owner: 'the top of the file has', others };
  }
  const actions = hasOwnActions(command) ? command.commands : [];
  const action = at.length < 3 ? undefined : actions.find((one) => one.name() === at[1]);
  if (action !== undefined) {
    const owner = `peal ${command.name()} ${action.name()} has`;
    return { known: definitionsOf(action), rest: at.slice(2), owner, others: [] };
  }
  const known = command.commands.length > 0 ? commonDefinitionsOf(command) : definitionsOf(command);
  return { known, rest: at.slice(1), owner: `peal ${command.name()} has`, others: actions.map((one) => one.name()) };
}

/** Names of other programs, and of secrets, by what to write instead. */
const hints: Readonly<Record<string, string>> = {
  passphrase: 'a secret does not belong into the file: set PEAL_PASSPHRASE, or write passphraseFile',
  password: 'a secret does not belong into the file: docs/configuration.md says which variable holds it',
  bearer: 'a secret does not belong into the file: set PEAL_BEARER, or write bearerFile',
  sealkey: 'a secret does not belong into the file: set PEAL_SEAL_KEY, or write sealKeyFile',
  force: 'it belongs to one run, so give it on the command line',
  yes: 'it belongs to one run, so give it on the command line',
  dryrun: 'it belongs to one run, so give it on the command line',
  config: 'it belongs to one run, so give it on the command line',
  requestid: 'it belongs to one run, so give it on the command line',
};

function unknownAdvice(name: string, owner: string, known: readonly string[], program: Command): string {
  const plain = name.toLowerCase().replace(/[-_]/g, '');
  if (Object.hasOwn(hints, plain)) return hints[plain]!;
  const nearest = nearestName(name, known);
  if (nearest !== null) return `did you mean ${nearest}?`;
  const isTop = owner.startsWith('the top');
  const sections = isTop
    ? program.commands.filter(
        (command) => hasSettings(command) && [...definitionsOf(command).keys()].some((key) => key === name),
      )
    : [];
  if (sections.length > 0) return `it belongs into a section, such as ${sections[0]!.name()}`;
  if (!isTop && sharedDefinitions().has(name)) return 'this command has no such option';
  return 'docs/configuration.md lists the settings';
}

/** The settings of the file for one command, or one action. */
export function settingsOfFile({ file, top }: CheckedConfig, command: Command): Setting[] {
  const owner = command.parent?.parent == null ? command : command.parent;
  const definitions = definitionsOf(command);
  const section = top.entries?.get(owner.name())?.node;
  const action = owner === command || !hasOwnActions(owner) ? undefined : section?.entries?.get(command.name())?.node;
  const common = (name: string): boolean => sharedDefinitions().has(name) && isCommonMeaning(owner.name(), name);
  return [
    ...settingsIn(top, ranks.shared, file, definitions, common),
    ...settingsIn(section, ranks.section, file, definitions),
    ...settingsIn(action, ranks.action, file, definitions),
  ];
}

function settingsIn(
  node: ConfigNode | undefined,
  rank: Rank,
  file: ConfigFile,
  definitions: SettingDefinitions,
  isMeant: (name: string) => boolean = () => true,
): Setting[] {
  return [...(node?.entries ?? [])].flatMap(([name, entry]) => {
    const definition = definitions.get(name);
    if (definition === undefined || !isMeant(name)) return [];
    const place = { kind: 'file', file: file.name, line: entry.line } as const;
    const value = plainOf(entry.node);
    const texts = definition.isSwitch
      ? (value as boolean)
      : textsOfValue(definition, value).map((text) => atFolder(definition, text, file.folder));
    return [{ definition, rank, place, value: texts }];
  });
}

/** A path of the file counts from the folder of the file, wherever the command runs. */
function atFolder(definition: SettingDefinition, text: string, folder: string): string {
  const { name, isPath } = definition;
  const from = (file: string): string => {
    const isOther = path.isAbsolute(file) || folder === process.cwd();
    return isOther ? file : path.resolve(folder, file);
  };
  if (name === 'variant') {
    const end = text.indexOf('=') + 1;
    return text.slice(0, end) + from(text.slice(end));
  }
  const [, store] =
    (name === 'store' || name === 'credentials') && !isPath ? (/^file:(?!\/\/)(.+)$/s.exec(text) ?? []) : [];
  if (store !== undefined) return `file:${from(store)}`;
  if (!isPath || text === '-' || variableOf(text) !== null || text.trimStart().startsWith('{')) return text;
  return from(text);
}
