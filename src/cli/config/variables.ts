/**
 * The settings that the environment has for a command: PEAL_ and the name of an option, or PEAL_SEND_ and the name of
 * an option of peal send. Pure; called where there is a variable of peal, on the main thread. Sentences never hold a
 * value.
 */
import type { Command } from 'commander';
import { nearestName } from '../../base/nearest-name.js';
import { emptyVariableAdvice, pealVariables } from '../shared/peal-variables.js';
import { type Terminal, usageError } from '../shared/terminal.js';
import { hasSettings } from './config-options.js';
import { definitionsOf, type SettingDefinition, variableNameOf } from './definitions.js';
import { ranks, type Setting } from './setting.js';
import { isKeyText, valueProblem } from './setting-values.js';
import { isCommonMeaning } from './shared-settings.js';

type Environment = Terminal['env'];

/**
 * Variables that hold a value or a secret, which the commands read themselves, by the options that they stand in for.
 */
const readElsewhere: Readonly<Record<(typeof pealVariables)[number], readonly string[]>> = {
  PEAL_BEARER: ['bearerFile'],
  PEAL_CREDENTIALS: ['store', 'credentials'],
  PEAL_PASSPHRASE: ['passphraseFile'],
  PEAL_PIN: ['pin'],
  PEAL_PROXY: ['proxy'],
  PEAL_REDIS: ['redis'],
  PEAL_SEAL_KEY: ['sealKeyFile'],
  PEAL_SERVICE_ACCOUNT: ['serviceAccount'],
};

const isReadElsewhere = (name: string): boolean => (pealVariables as readonly string[]).includes(name);

/** Options whose value `env:NAME` is the text of a variable. */
const takesText: ReadonlySet<string> = new Set(['key', 'cert', 'certKey', 'pfx', 'ca', 'serviceAccount']);

/**
 * The settings of the environment for one command, or one action.
 *
 * @throws PealError ERR_PEAL_OPTION that names the variable
 */
export function settingsOfVariables(env: Environment, command: Command): Setting[] {
  const owner = ownerOf(command);
  const settings: Setting[] = [];
  refuseDryRun(env, command, owner);
  for (const definition of definitionsOf(command).values()) {
    const candidates = [
      { name: variableNameOf(definition, owner), rank: ranks.variableOfCommand },
      ...(isCommonMeaning(owner, definition.name) ? [{ name: variableNameOf(definition), rank: ranks.variable }] : []),
    ];
    for (const { name, rank } of candidates) {
      const text = env[name];
      if (text === undefined || isReadElsewhere(name) || isOfKubernetes(name, text)) continue;
      settings.push({
        definition,
        rank,
        place: { kind: 'variable', name },
        value: valueOfText(definition, name, text),
      });
    }
    const own = pealVariables.find((name) => readElsewhere[name].includes(definition.name) && env[name] !== undefined);
    if (own !== undefined && isCommonMeaning(owner, definition.name)) {
      settings.push({ definition, rank: ranks.variable, place: { kind: 'variable', name: own }, value: null });
    }
  }
  return settings;
}

/**
 * Whoever sets it means that nothing is sent. A note that it has no effect would come beside a campaign that is sent.
 */
function refuseDryRun(env: Environment, command: Command, owner: string): void {
  if (!command.options.some(({ long }) => long === '--dry-run')) return;
  for (const name of ['PEAL_DRY_RUN', `PEAL_${owner.toUpperCase()}_DRY_RUN`]) {
    const text = env[name];
    if (text === undefined || switchValues[text.trim().toLowerCase()] === false) continue;
    throw usageError(`${name}: a dry run belongs to one run, so give --dry-run on the command line, or unset it.`);
  }
}

/** The command, or the one whose action it is. */
export function ownerOf(command: Command): string {
  return (command.parent?.parent == null ? command : command.parent).name();
}

function valueOfText(definition: SettingDefinition, name: string, given: string): readonly string[] | boolean {
  const { isSwitch, isRepeated, flag } = definition;
  if (given.trim() === '' && given !== '\t') {
    throw usageError(`The environment variable ${name} is empty: ${emptyVariableAdvice}, unset it, or give ${flag}.`);
  }
  if (isSwitch) {
    const value = switchValues[given.trim().toLowerCase()];
    if (value !== undefined) return value;
    throw usageError(`The environment variable ${name} has to be 1 or true, 0 or false.`);
  }
  if (takesText.has(definition.name) && isKeyText(given.trim())) return [`env:${name}`];
  // Files of secrets end with a line end, which is no part of the value.
  const text = given.replace(/[\r\n]+$/, '');
  const texts = isRepeated ? listOf(name, text) : [text];
  for (const one of texts) {
    const problem = valueProblem(definition, one);
    if (problem !== null) throw usageError(`The environment variable ${name} ${problem}.`);
  }
  return texts;
}

const switchValues: Readonly<Record<string, boolean>> = { 1: true, true: true, 0: false, false: false };

/** One value a line, or a list in JSON. */
function listOf(name: string, text: string): readonly string[] {
  if (!text.trimStart().startsWith('[')) {
    return text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
  }
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === 'string')) return list;
  } catch {
    // Told below.
  }
  throw usageError(`The environment variable ${name} has to be one value a line, or a list of texts in JSON.`);
}

/** Kubernetes sets these for a service whose name begins with peal, also PEAL_PORT. */
function isOfKubernetes(name: string, value: string): boolean {
  if (/_SERVICE_HOST$|_SERVICE_PORT(?:_[A-Z0-9_]+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_[A-Z]+)?$/.test(name)) return true;
  return name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value);
}

/** Of peal and its like, and not of options. */
const others = /^PEAL_(?:CONFIG$|VERSION$|TEST_|CREDENTIAL_)/;

/**
 * Resolves with the variables that begin with PEAL_ and mean nothing to any command, each with the name that was
 * probably meant, or null.
 *
 * @param all reads the definitions of all commands; called where they are needed
 */
export async function unknownVariables(
  env: Environment,
  all: () => Promise<Command>,
  isUsed: (name: string) => boolean,
): Promise<{ readonly name: string; readonly meant: string | null }[]> {
  const strange = Object.keys(env).filter(
    (name) =>
      name.startsWith('PEAL_') &&
      !others.test(name) &&
      !isReadElsewhere(name) &&
      !isOfKubernetes(name, env[name] ?? '') &&
      !isUsed(name),
  );
  if (strange.length === 0) return [];
  const known = knownVariables(await all());
  const names = [...known];
  return strange.filter((name) => !known.has(name)).map((name) => ({ name, meant: nearestName(name, names, 3) }));
}

/** The variables of all commands, sorted. */
function knownVariables(program: Command): ReadonlySet<string> {
  const names = program.commands
    .filter(hasSettings)
    .flatMap((command) =>
      [command, ...command.commands].flatMap((one) =>
        [...definitionsOf(one).values()].flatMap((definition) => [
          variableNameOf(definition, command.name()),
          ...(isCommonMeaning(command.name(), definition.name) ? [variableNameOf(definition)] : []),
        ]),
      ),
    );
  return new Set([...pealVariables, 'PEAL_CONFIG', ...names].sort());
}
