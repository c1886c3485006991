/**
 * The manual pages of peal: peal(1), and one for each command, made from the definitions that the command line is read
 * by, so that they say what `--help` says. Called by write-man.
 */
import type { EventEmitter } from 'node:events';
import type { Command, Help, Option } from 'commander';
import { version } from '../src/base/version.js';
import { hasSettings } from '../src/cli/config/config-options.js';
import { definitionsOf, variableNameOf } from '../src/cli/config/definitions.js';
import { configFileNames } from '../src/cli/config/first-look.js';
import { ownerOf } from '../src/cli/config/variables.js';
import type { pealVariables } from '../src/cli/shared/peal-variables.js';
import { bold, italic, lines, paragraph, roff, section, subsection, tagged } from './roff.js';
import { allCommands, pathOf, visible } from './site/made/command-pages.js';
import { asSentence } from './site/made/made-text.js';

export interface ManPage {
  /** `peal-send.1` */
  readonly file: string;
  readonly text: string;
}

/** Variables of the commands that read them, with the options that they stand in for. */
const variables: Readonly<
  Record<(typeof pealVariables)[number], { readonly options: readonly string[]; readonly meaning: string }>
> = {
  PEAL_BEARER: { options: ['--bearer-file'], meaning: 'the one bearer token of a service' },
  PEAL_CREDENTIALS: {
    options: ['--store', '--credentials'],
    meaning: 'the URL of the store of credentials, with user and password if it asks for them',
  },
  PEAL_PASSPHRASE: {
    options: ['--passphrase-file'],
    meaning: 'the passphrase of key, certificate or PKCS#12 file',
  },
  PEAL_PIN: { options: ['--pin'], meaning: 'pins, blanks between them' },
  PEAL_PROXY: {
    options: ['--proxy'],
    meaning: 'the URL of the proxy, with user and password if it asks for them',
  },
  PEAL_REDIS: { options: ['--redis'], meaning: 'the URL of the Redis that machines share, with its password' },
  PEAL_SEAL_KEY: { options: ['--seal-key-file'], meaning: 'the keys that secrets are sealed with' },
  PEAL_SERVICE_ACCOUNT: {
    options: ['--service-account'],
    meaning: 'the service account of FCM: its JSON file, or the text of it',
  },
};

/** @param date the day that stands in the footer, as `2026-11-29` */
export async function manPages(date: string): Promise<ManPage[]> {
  const program = await allCommands();
  const help = program.createHelp();
  const commands = visible(help, program);
  return [
    { file: 'peal.1', text: mainPage(program, help, commands, date) },
    ...commands.map((command) => ({
      file: `${nameOf(command)}.1`,
      text: commandPage(command, help, commands, date),
    })),
  ];
}

/** The names of header fields, and values before a colon, stay as they are. */
const said = (text: string): string => (/^\S*(?:-|: )/.test(text) ? `${text}.` : asSentence(text));

const nameOf = (command: Command): string => pathOf(command).replaceAll(' ', '-');
const reference = (name: string): string => `${bold(name)}(1)`;

function head(name: string, date: string): string {
  return `.TH "${name.toUpperCase()}" "1" "${date}" "peal ${version}" "peal"`;
}

function mainPage(program: Command, help: Help, commands: readonly Command[], date: string): string {
  const send = afterHelp(commands.find((command) => command.name() === 'send')!);
  return page(
    head('peal', date),
    section('NAME', `peal \\- ${roff('push notifications to millions of devices, through APNs and FCM')}`),
    section('SYNOPSIS', `${bold('peal')} ${italic('command')} [${italic('options')}] [${italic('arguments')}]`),
    section('DESCRIPTION', paragraph(program.description())),
    section(
      'COMMANDS',
      ...commands.map((command) =>
        tagged(reference(nameOf(command)), paragraph(said(help.subcommandDescription(command)))),
      ),
    ),
    section('OPTIONS', ...optionsOf(program, help)),
    section(
      'EXIT STATUS',
      ...send.exitCodes,
      '.PP',
      paragraph('These are the codes of peal send. The page of a command has its own.'),
    ),
    section(
      'ENVIRONMENT',
      paragraph(
        'Each option of a command can be set by a variable: PEAL_KEY_ID for --key-id, PEAL_SEND_RATE for --rate of peal send. ' +
          'An option of the command line has precedence, and a variable has precedence over the file.',
      ),
      ...Object.keys(variables).map((name) => variable(name as keyof typeof variables)),
      tagged(bold('NO_COLOR'), paragraph('Nothing is coloured where it is set.')),
    ),
    section(
      'FILES',
      tagged(
        configFileNames.map(italic).join(', '),
        paragraph('Settings of the commands, in the working directory; there may be one of them.'),
      ),
    ),
    section('EXAMPLES', ...send.examples),
    section('SEE ALSO', commands.map((command) => reference(nameOf(command))).join(', ')),
  );
}

function commandPage(command: Command, help: Help, commands: readonly Command[], date: string): string {
  const actions = visible(help, command);
  const all = [command, ...actions];
  const after = all.map(afterHelp);
  const own = new Set(all.flatMap((one) => one.options.map(({ long }) => long)));
  const read = Object.entries(variables).filter(([, { options }]) => options.some((option) => own.has(option)));
  const hasOut = command.options.some((option) => option.flags === '--out <dir>');
  const settings = hasSettings(command) && all.some((one) => one.options.length > 0);
  const exitCodes = after.find((texts) => texts.exitCodes.length > 0)?.exitCodes;
  return page(
    head(nameOf(command), date),
    section('NAME', `${roff(nameOf(command))} \\- ${roff(help.subcommandDescription(command))}`),
    section(
      'SYNOPSIS',
      ...(actions.length === 0 ? [command] : actions)
        .map(synopsis)
        .flatMap((line, at) => (at === 0 ? [line] : ['.br', line])),
    ),
    section('DESCRIPTION', paragraph(command.description()), ...argumentsOf(command, help), ...after[0]!.others),
    section(
      'ACTIONS',
      ...actions.flatMap((action) => [
        subsection(
          pathOf(action),
          paragraph(action.description()),
          ...argumentsOf(action, help),
          ...headed(action, help),
        ),
      ]),
    ),
    section('OPTIONS', ...optionsOf(command, help)),
    section(
      'EXIT STATUS',
      ...(exitCodes ?? [
        paragraph('0 where it did what was asked, 2 where the command line is wrong. The page of peal has the others.'),
      ]),
    ),
    section(
      'ENVIRONMENT',
      ...(settings
        ? [
            paragraph(
              `Each option can be set by a variable: ${exampleVariable(command)}. docs/configuration.md has the rules.`,
            ),
          ]
        : []),
      ...read.map(([name]) => variable(name as keyof typeof variables)),
    ),
    section(
      'FILES',
      ...(settings
        ? [
            tagged(
              configFileNames.map(italic).join(', '),
              paragraph('Settings, in the working directory; there may be one of them. --config names another file.'),
            ),
          ]
        : []),
      ...(hasOut
        ? [
            tagged(
              italic('directory of --out'),
              paragraph(
                'The journal of the campaign, its report and its lists of outcomes: summary.json, report.html, rejected.csv, gone.csv, invalid.csv.',
              ),
            ),
          ]
        : []),
    ),
    section('EXAMPLES', ...after.flatMap(({ examples }) => examples)),
    section('SEE ALSO', ['peal', ...commands.filter((one) => one !== command).map(nameOf)].map(reference).join(', ')),
  );
}

const page = (...parts: readonly string[]): string => `${parts.filter((part) => part !== '').join('\n')}\n`;

function synopsis(command: Command): string {
  const given = command.registeredArguments.map((argument) => {
    const name = italic(`${argument.name()}${argument.variadic ? '...' : ''}`);
    return argument.required ? name : `[${name}]`;
  });
  return [bold(pathOf(command)), `[${italic('options')}]`, ...given].join(' ');
}

function argumentsOf(command: Command, help: Help): string[] {
  return command.registeredArguments.map((argument) =>
    tagged(italic(argument.name()), paragraph(said(help.argumentDescription(argument)))),
  );
}

/** Under the headings of the help. */
function optionsOf(command: Command, help: Help): string[] {
  return groupsOf(command, help).map(([heading, options]) =>
    subsection(heading, ...options.map((one) => optionText(one, help))),
  );
}

/** The same, within a subsection. */
function headed(command: Command, help: Help): string[] {
  return groupsOf(command, help).flatMap(([heading, options]) => [
    `.PP\n${bold(`${heading}:`)}`,
    ...options.map((one) => optionText(one, help)),
  ]);
}

function groupsOf(command: Command, help: Help): readonly (readonly [string, readonly Option[]])[] {
  const groups = new Map<string, Option[]>();
  for (const option of help.visibleOptions(command)) {
    const heading = (option.helpGroupHeading ?? 'Options:').replace(/:$/, '');
    groups.set(heading, [...(groups.get(heading) ?? []), option]);
  }
  return [...groups];
}

/** With choices and default, as the help has them. */
function optionText(option: Option, help: Help): string {
  const [, names = '', value = ''] = /^(.*?)(?: <(.*)>)?$/.exec(option.flags)!;
  const term = names.split(', ').map(bold).join(', ');
  return tagged(value === '' ? term : `${term} ${italic(value)}`, paragraph(said(help.optionDescription(option))));
}

function variable(name: keyof typeof variables): string {
  const { options, meaning } = variables[name];
  return tagged(bold(name), paragraph(`${said(meaning)} It stands in for ${options.join(' or ')}.`));
}

/** The variable of one of its options, in the form that is of this command alone. */
function exampleVariable(command: Command): string {
  const holder = [command, ...command.commands].find((one) => one.options.some(({ long }) => long !== '--config'))!;
  const [definition] = [...definitionsOf(holder).values()];
  return `${variableNameOf(definition!, ownerOf(holder))} for ${definition!.flag}`;
}

interface AfterHelp {
  readonly exitCodes: readonly string[];
  readonly examples: readonly string[];
  readonly others: readonly string[];
}

/**
 * The texts below the options of the help: each has a line that ends with a colon, and lines that begin with blanks.
 */
function afterHelp(command: Command): AfterHelp {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  // commander's types do not say that a command is an emitter of events.
  (command as unknown as EventEmitter).emit('afterHelp', { error: false, command, write });
  const blocks = [...text.matchAll(/^(\S.*):\n((?: .*\n?|\n)*)/gm)].map(([, title = '', body = '']) => ({
    title,
    body,
  }));
  const bodies = (wanted: string): string[] => blocks.filter(({ title }) => title === wanted).map(({ body }) => body);
  return {
    exitCodes: bodies('Exit codes').flatMap(codesOf),
    examples: bodies('Example').map((body) => lines(unindented(body))),
    others: blocks
      .filter(({ title }) => title !== 'Exit codes' && title !== 'Example')
      .flatMap(({ title, body }) => ['.PP', paragraph(`${title}:`), lines(unindented(body))]),
  };
}

/** `  129, 130  interrupted`, and lines that go on further to the right. */
function codesOf(body: string): string[] {
  const joined = body.replaceAll(/\n {5,}(?=\S)/g, ' ');
  return [...joined.matchAll(/^ {2}(\d[\d, ]*?) {2}(.*)$/gm)].map(([, codes = '', meaning = '']) =>
    tagged(bold(codes), paragraph(said(meaning))),
  );
}

const unindented = (body: string): string => body.trimEnd().replaceAll(/^ {2}/gm, '');
