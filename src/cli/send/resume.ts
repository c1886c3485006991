/**
 * Goes on with a campaign by the command line that its journal keeps: `peal resume DIR` is `peal send …` as it was,
 * from the directory where it was. Main thread.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { parseTime } from '../../base/duration.js';
import { PealError } from '../../base/errors.js';
import { anyNumber, anyText, fieldsOf, listOf, optional } from '../../base/shape.js';
import type { CampaignView } from '../../campaign/view/campaign-view.js';
import { addOptions, type GivenOption } from '../shared/command-options.js';
import { variableOf } from '../shared/credential-options.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import type { OptionGroup } from '../shared/option-values.js';
import { printable, printNote, type Terminal } from '../shared/terminal.js';
import type { SendExtras } from './send.js';
import type { SendFlags } from './send-options.js';
import type { KeptCommand } from './send-plan.js';
import { printRun } from './send-report.js';
import { withLists } from './send-rules.js';

/** Commands that begin a campaign. */
export type ResumableCommand = 'send' | 'dispatch';

/** A command that begins campaigns, and goes on with them. */
export interface SendCommand {
  readonly groups: () => readonly OptionGroup[];
  readonly run: (flags: SendFlags, terminal: Terminal, extras: SendExtras) => Promise<ExitCode>;
}

const isKeptCommand = fieldsOf<KeptCommand>({ args: listOf(anyText), cwd: anyText, givenMs: optional(anyNumber) });

function isResumable(name: unknown): name is ResumableCommand {
  return name === 'send' || name === 'dispatch';
}

/**
 * Runs the campaign in `folder` on, which no process is at work on.
 *
 * @param flags those of `peal resume`, which hold in the place of those that the journal keeps
 * @param given the same as they were written
 * @param commandNamed loads the command that began it
 * @throws PealError ERR_PEAL_OPTION where it cannot be resumed in this way, with what to do instead
 */
export async function resumeCampaign(
  folder: string,
  view: CampaignView,
  flags: Partial<SendFlags>,
  given: readonly GivenOption[],
  terminal: Terminal,
  commandNamed: (name: ResumableCommand) => Promise<SendCommand>,
): Promise<ExitCode> {
  const kept = keptCommandOf(folder, view);
  const command = await commandNamed(kept.args[0] as ResumableCommand);
  const { flags: sent, settings: first } = parseSend(kept.args, command);
  const all = laidOver(sent, flags, view, kept);
  if (isFinished(view, all)) return tellFinished(folder, view, all, terminal);
  if (sent.tokens.includes('-')) {
    throw resumeError(
      `The campaign in ${printable(folder)} reads standard input, which cannot be read again: give its command with ` +
        `the same list once more (… | peal send … --out ${printable(folder)}).`,
    );
  }
  if (!isFolder(kept.cwd)) {
    throw resumeError(
      `The campaign in ${printable(folder)} was begun in ${printable(kept.cwd)}, which is not there: give its command ` +
        `here once more, with --out ${printable(folder)}.`,
    );
  }
  const settings = settingsOver(first, given);
  return command.run({ ...resolved(all, kept.cwd), out: folder }, terminal, { settings, kept });
}

/** The settings of this run. What another one of the first command was stands behind it, by a name of its own. */
function settingsOver(first: readonly GivenOption[], given: readonly GivenOption[]): readonly GivenOption[] {
  const names = new Set(given.map(({ name }) => name));
  const kept = first.filter(({ name }) => !names.has(name));
  const anew = given.flatMap((one) => {
    const before = first.filter(({ name, value }) => name === one.name && value !== one.value);
    return [one, ...before.map(({ name, value }) => ({ name: `${name} (first command)`, value }))];
  });
  return [...kept, ...anew];
}

/** Throws where a program has begun the campaign, and not the command line. */
function keptCommandOf(folder: string, { facts }: CampaignView): KeptCommand {
  const { kept } = facts;
  if (isKeptCommand(kept) && isResumable(kept.args[0])) {
    const { args, cwd, givenMs = facts.runs[0]?.startMs } = kept;
    return { args, cwd, ...(givenMs !== undefined && { givenMs }) };
  }
  throw resumeError(
    `The campaign in ${printable(folder)} was not begun by peal send or peal dispatch: the program that began it resumes it.`,
  );
}

/** The options of a command line of `peal send`, or of another command that begins campaigns. */
function parseSend(
  [, ...args]: readonly string[],
  { groups }: SendCommand,
): { flags: SendFlags; settings: readonly GivenOption[] } {
  const command = new Command('send').argument('[lists...]').exitOverride();
  const settings = addOptions(command, groups());
  command.parse(args, { from: 'user' });
  return { flags: withLists(command.opts() as SendFlags, command.args), settings };
}

/**
 * A campaign whose canary was answered well is not asked again; nor is it removed. A time from now until which it waits
 * counts from when it was given: who waited once does not wait again.
 */
function laidOver(
  { force: _, ...sent }: SendFlags,
  flags: Partial<SendFlags>,
  { facts }: CampaignView,
  { givenMs }: KeptCommand,
): SendFlags {
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const { canary, canaryShare, yes, notBefore, ...others }: SendFlags = { ...sent, ...given };
  const isAsked = canary !== undefined && !facts.isCanaryPassed;
  const hasShareAlone = canary === undefined && canaryShare !== undefined;
  const beginMs =
    notBefore === undefined || flags.notBefore !== undefined || givenMs === undefined
      ? null
      : parseTime(notBefore, givenMs);
  return {
    ...others,
    ...(isAsked && { canary }),
    ...((isAsked || hasShareAlone) && canaryShare !== undefined && { canaryShare }),
    ...(isAsked && yes !== undefined && { yes }),
    ...(notBefore !== undefined && { notBefore: beginMs === null ? notBefore : new Date(beginMs).toISOString() }),
  };
}

/** With the paths of its files as they are from anywhere. */
function resolved(flags: SendFlags, cwd: string): SendFlags {
  const at = (file: string): string => (variableOf(file) === null ? path.resolve(cwd, file) : file);
  const files = [
    'payload',
    'key',
    'cert',
    'certKey',
    'pfx',
    'ca',
    'passphraseFile',
    'providerTokenFile',
    'serviceAccount',
    'messageFile',
  ] as const;
  const paths = files.filter((name) => flags[name] !== undefined).map((name) => [name, at(flags[name]!)]);
  const variants = flags.variant?.map((text) => {
    const end = text.indexOf('=') + 1;
    return text.slice(0, end) + path.resolve(cwd, text.slice(end));
  });
  return {
    ...flags,
    ...Object.fromEntries(paths),
    tokens: flags.tokens.map((file) => path.resolve(cwd, file)),
    ...(variants !== undefined && { variant: variants }),
  };
}

function isFinished({ summary }: CampaignView, { onUnknown }: SendFlags): boolean {
  return summary.state === 'finished' && (summary.unknown === 0 || onUnknown !== 'resend');
}

function tellFinished(folder: string, { summary }: CampaignView, flags: SendFlags, terminal: Terminal): ExitCode {
  if (flags.quiet !== true) {
    printNote(terminal, `the campaign in ${folder} is finished: nothing was left to send, and these are its totals`);
  }
  const exitCode = summary.accepted === summary.recipients ? exitCodes.accepted : exitCodes.notAllAccepted;
  printRun(terminal, { ...flags, out: folder }, { exitCode, summary, problems: [], causes: [] });
  return exitCode;
}

function isFolder(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}

function resumeError(message: string): PealError {
  return new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' });
}
