/**
 * The schema of a configuration file, made from the options of the commands, by which files are checked and which
 * editors complete from. Loaded only where there is a file, or the schema itself is asked for; main thread.
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { hasSettings } from './config-options.js';
import {
  commonDefinitionsOf,
  definitionsOf,
  hasOwnActions,
  type SettingDefinition,
  type SettingDefinitions,
} from './definitions.js';
import { valueProblem } from './setting-values.js';
import { sharedDefinitions } from './shared-settings.js';

/**
 * @param program with the options of the commands that are checked; another command may have anything in its section
 */
export function configSchema(program: Command): z.ZodType {
  const sections = program.commands.filter(hasSettings).map((command) => [command.name(), sectionOf(command)] as const);
  return z.strictObject({
    $schema: z.string().describe('Where the schema of this file is, for editors.').optional(),
    ...leavesOf(sharedDefinitions()),
    ...Object.fromEntries(sections),
  });
}

/** The same as JSON Schema. */
export function configJsonSchema(program: Command): object {
  const { $schema, ...schema } = z.toJSONSchema(configSchema(program), { target: 'draft-7' });
  return {
    $schema,
    title: 'peal.config.json, peal.config.yaml',
    description:
      'Settings of peal. At the top stand those that hold for every command with an option of that name; the section of ' +
      'a command holds its own. docs/configuration.md describes the file.',
    ...schema,
    // A place for anchors of YAML.
    patternProperties: { '^x-': {} },
  };
}

function sectionOf(command: Command): z.ZodType {
  const description = `Settings of peal ${command.name()}: ${command.summary()}.`;
  if (command.commands.length > 0) {
    const actions = hasOwnActions(command) ? command.commands : [];
    const own = actions.map((action) => {
      const about = action.description().replace(/\.$/, '');
      const text = `Settings of peal ${command.name()} ${action.name()}: ${about}.`;
      return [
        action.name(),
        z
          .strictObject(leavesOf(definitionsOf(action)))
          .describe(text)
          .optional(),
      ] as const;
    });
    const section = z.strictObject({ ...leavesOf(commonDefinitionsOf(command)), ...Object.fromEntries(own) });
    return section.describe(description).optional();
  }
  const definitions = definitionsOf(command);
  if (definitions.size === 0) return z.record(z.string(), z.unknown()).optional();
  return z.strictObject(leavesOf(definitions)).describe(description).optional();
}

function leavesOf(definitions: SettingDefinitions): Record<string, z.ZodType> {
  return Object.fromEntries([...definitions].map(([name, definition]) => [name, leafOf(definition)]));
}

function leafOf(definition: SettingDefinition): z.ZodType {
  const checked = formOf(definition).superRefine((value, context) => {
    const problem = valueProblem(definition, value);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });
  const { defaultValue, defaultValueDescription } = definition.option ?? {};
  const hasDefault = defaultValueDescription === undefined && /^(?:string|number)$/.test(typeof defaultValue);
  return checked
    .meta({ description: definition.description, ...(hasDefault && { default: defaultValue as string | number }) })
    .optional();
}

/** What a value may look like, as far as a schema can say it. */
function formOf(definition: SettingDefinition): z.ZodType {
  const { isSwitch, form } = definition;
  if (isSwitch) return z.boolean();
  const one = scalarOf(definition);
  if (definition.isRepeated || form.isList === true) return z.union([one, z.array(one).min(1)]);
  if (form.isObject === true) return z.union([z.record(z.string(), z.unknown()), one]);
  return one;
}

function scalarOf({ choices, form }: SettingDefinition): z.ZodType {
  if (choices !== null) return z.enum(choices);
  const { numbers, words = [], pattern = null, examples } = form;
  const texts = pattern === null ? z.string().min(1) : z.string().regex(pattern);
  const parts = [
    ...(numbers === undefined ? [] : [numberOf(numbers)]),
    ...(words.length === 0 ? [] : [z.enum(words)]),
    examples === undefined ? texts : texts.meta({ examples }),
  ];
  return parts.length === 1 ? parts[0]! : z.union(parts);
}

function numberOf({ min, max, isWhole }: NonNullable<SettingDefinition['form']['numbers']>): z.ZodType {
  return (isWhole ? z.int() : z.number()).min(min).max(max);
}
