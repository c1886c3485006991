/**
 * The reference of the configuration file, from peal.config.schema.json, which editors complete by, and of the
 * variables that stand for the same options. Called by the staging of the site.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pealVariables } from '../../../src/cli/shared/peal-variables.js';
import { code, page, plain, table } from '../markdown.js';
import { asSentence, type MadeText } from './made-text.js';

/** As much of JSON Schema as the schema of the file has. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly unknown[];
}

export function configurationPage(root: string): MadeText {
  const schema = JSON.parse(readFileSync(path.join(root, 'peal.config.schema.json'), 'utf8')) as Schema;
  const sections = Object.entries(schema.properties!).filter(([, { properties }]) => properties !== undefined);
  const text = page(
    'Settings',
    'Each setting of `peal.config.json` and `peal.config.yaml`, made from the schema that editors complete by. ' +
      '[Files and variables](../configuration.md) explains how they go together with variables and options, and which has ' +
      'precedence. A setting is an option: `keyId` is `--key-id`, and the variable `PEAL_KEY_ID`.',
    '## For every command',
    'Settings at the top of the file hold for each command that has such an option.',
    settingsTable(schema),
    ...sections.flatMap(([name, section]) => partsOf(name, section, '##')),
    '## Secrets',
    'Values that are secret stand in no file. These variables hold them:',
    pealVariables.map((name) => `- ${code(name)}`).join('\n'),
  );
  return { address: 'reference/settings', title: 'Settings', text };
}

/** A section of the file: its settings, and the sections of its actions. */
function partsOf(name: string, section: Schema, level: string): string[] {
  const below = Object.entries(section.properties!).filter(([, { properties }]) => properties !== undefined);
  return [
    `${level} ${name}`,
    plain(asSentence(section.description ?? `Settings of peal ${name}`)),
    settingsTable(section),
    ...below.flatMap(([action, schema]) => partsOf(`${name}: ${action}`, schema, `${level}#`)),
  ];
}

function settingsTable({ properties = {} }: Schema): string {
  const rows = Object.entries(properties)
    .filter(([, schema]) => schema.properties === undefined)
    .map(([name, schema]) => [code(name), valueText(schema), plain(asSentence(schema.description ?? ''))]);
  return table(['setting', 'value', 'meaning'], rows);
}

/** What a value may be, in a few words. */
function valueText(schema: Schema): string {
  const { anyOf, enum: names, items, type, minimum, maximum, examples } = schema;
  if (anyOf !== undefined) return [...new Set(anyOf.map(valueText))].join(', or ');
  if (names !== undefined) return names.map((name) => code(String(name))).join(', ');
  if (schema.const !== undefined) return code(String(schema.const));
  if (items !== undefined) return 'a list of texts';
  if (type === 'boolean') return '`true` or `false`';
  if (type === 'integer' || type === 'number') {
    const kind = type === 'integer' ? 'a whole number' : 'a number';
    const low = minimum === undefined ? '' : ` from ${minimum}`;
    return maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? kind + low : `${kind}${low} to ${maximum}`;
  }
  if (type === 'object') return 'an object';
  return examples === undefined ? 'text' : `text such as ${examples.map((each) => code(String(each))).join(', ')}`;
}
