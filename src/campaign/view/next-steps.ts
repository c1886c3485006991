/**
 * What a person does next with a campaign, in order, each with a command where there is one. Pure.
 * Called by campaign-view, for the command line, summary.json and the report.
 */
import { counted, integer, shellWord } from '../../base/text.js';
import type { Protocol } from '../../push/address.js';
import { isSendersFault } from '../../push/reason.js';
import { adviceOf, classOf, protocolOfReason } from '../../push-services/reasons.js';
import type { CampaignSummary, CountedReason, NextStep } from '../report/summary.js';

/**
 * What began it, and so what goes on with it: a command line, by `peal resume`; a command line that read standard
 * input, once more with the same list; or a program.
 */
type Beginning = 'command' | 'pipe' | 'program';

interface NextStepsOptions {
  /** The directory of the campaign; null: nothing is kept. */
  readonly folder: string | null;
  readonly protocol: Protocol;
  readonly begunBy: Beginning;
  /** Rejected recipients whose tokens are to be deleted. */
  readonly gone: number;
  /**
   * Unknown recipients that workers had when the process of the campaign ended: going on asks the workers' books for
   * them.
   */
  readonly atWorkers: number;
}

/** What a person has to know of a campaign. */
type Situation = Omit<CampaignSummary, 'next'>;

/** Rejections that have a step of their own. */
const maxRejectionSteps = 3;
const maxUnreadSteps = 3;
/** Reasons as Apple writes them, which need no quotes in a shell or in a cell of CSV. */
const unquotedReason = /^[A-Za-z0-9 ]+$/;
/** Ends of a campaign for which rejections are to blame, so that they come first. */
const endsByRejection: ReadonlySet<string> = new Set(['ERR_PEAL_STOPPED', 'ERR_PEAL_CREDENTIAL', 'ERR_PEAL_BOUND']);

export function nextSteps(summary: Situation, options: NextStepsOptions): NextStep[] {
  const { state, stopped } = summary;
  const { folder } = options;
  if (state === 'running') return [];
  if (state === 'paused') {
    return folder === null ? [] : [step('It goes on when you say so.', `peal resume ${shellWord(folder)}`)];
  }
  if (folder === null)
    return [...rejectionSteps(summary, options), ...lostStep(summary, options), ...unreadSteps(summary)];
  const rejections = rejectionSteps(summary, options);
  const isFirst = stopped !== null && endsByRejection.has(stopped);
  return [
    ...(isFirst ? rejections : []),
    ...resumeStep(summary, folder, options),
    ...goneStep(summary, options),
    ...(isFirst ? [] : rejections),
    ...unknownStep(summary, folder, options),
    ...invalidStep(summary),
  ];
}

/** What happens to a campaign that was stopped by a bound and goes on. A canary that did not pass begins anew. */
export function againAfterBound({ why }: Pick<Situation, 'why'>): string {
  return /\((?:--|option )?canary/.test(why ?? '')
    ? 'The next recipients are a canary again.'
    : 'Where it would stop at the same bound again, give the bound another value.';
}

function resumeStep(summary: Situation, folder: string, { begunBy, atWorkers }: NextStepsOptions): NextStep[] {
  const { state, stopped, unsent } = summary;
  if (state === 'finished' && unsent === 0) return [];
  const who = unsent === 0 ? '' : ` ${areOf(unsent, 'recipient')} unsent.`;
  const again = stopped === 'ERR_PEAL_BOUND' ? ` ${againAfterBound(summary)}` : '';
  const safety = `${who} Recipients that were accepted or rejected are not sent to again.${again}`;
  const how = {
    command: 'Go on with it.',
    pipe: 'Go on with it: give its command again, with the same list on standard input.',
    program: 'Go on with it by a campaign of the same message, recipients and folder.',
  }[begunBy];
  const elsewhere =
    atWorkers === 0
      ? ''
      : ` ${integer(atWorkers)} unknown ${atWorkers === 1 ? 'recipient is' : 'recipients are'} at workers, whose books are ` +
        'asked first: decide only about recipients that are unknown after that.';
  return [step(`${how}${elsewhere}${safety}`, commandToGoOn(folder, begunBy))];
}

/** Standard input cannot be read again: there the whole command is given once more. */
function commandToGoOn(folder: string, begunBy: Beginning): string | null {
  if (begunBy === 'program') return null;
  return begunBy === 'pipe' ? `… | peal send … --out ${shellWord(folder)}` : `peal resume ${shellWord(folder)}`;
}

function goneStep(summary: Situation, { gone }: NextStepsOptions): NextStep[] {
  if (gone === 0) return [];
  const [tokens, one] = gone === 1 ? ['token', 'it'] : ['tokens', 'one of them'];
  return [
    step(
      `Delete the ${integer(gone)} ${tokens} of ${fileOf(summary, 'gone')} from your database, unless an app has ` +
        `registered ${one} again after the time that stands beside it.`,
    ),
  ];
}

/** Those for whom APNs is not to blame, nor a device that has gone: the most frequent reasons. */
function rejectionSteps(summary: Situation, options: NextStepsOptions): NextStep[] {
  const { protocol } = options;
  const others = summary.reasons.filter(
    ({ reason, status }) => classOf(status ?? 0, reason, protocolOfReason(reason, protocol)) !== 'gone',
  );
  return others.slice(0, maxRejectionSteps).map((reason) => rejectionStep(summary, reason, options));
}

function rejectionStep(summary: Situation, row: CountedReason, { folder, protocol }: NextStepsOptions): NextStep {
  const { reason, count } = row;
  const status = row.status ?? 0;
  const about = classOf(status, reason, protocolOfReason(reason, protocol));
  const answer = reason === '' ? `HTTP ${row.status ?? 'unknown'}` : [row.status, reason].filter(Boolean).join(' ');
  const were = `${count === 1 ? 'was' : 'were'} rejected with ${answer}`;
  const text = `${counted(count, 'recipient')} ${were}. ${adviceOf(status, reason, protocolOfReason(reason, protocol))}`;
  const mayBeSentAgain = about === 'transient' || about === 'connection';
  if (!mayBeSentAgain && !isSendersFault(about, summary.stopped === 'ERR_PEAL_STOPPED')) return step(text);
  const [them, their] = count === 1 ? ['it', 'its'] : ['them', 'their'];
  const when = mayBeSentAgain ? 'Then send' : 'Once that is mended, send';
  return step(
    `${text} ${when} to ${them} as a campaign of ${their} own: going on with this one leaves out what was rejected.`,
    againCommand(summary, reason, folder),
  );
}

/** Sends to those who were rejected for one reason; null where their file has no lines that awk can tell apart. */
function againCommand(summary: Situation, reason: string, folder: string | null): string | null {
  const name = fileOf(summary, 'rejected');
  if (folder === null || name !== 'rejected.csv' || !unquotedReason.test(reason)) return null;
  const rows = `awk -F, 'NR==1 || $3=="${reason}"' ${shellWord(`${folder}/${name}`)}`;
  return `${rows} | peal send --tokens - --token-column token …`;
}

function unknownStep(summary: Situation, folder: string, { begunBy, atWorkers }: NextStepsOptions): NextStep[] {
  const { files } = summary;
  const unknown = summary.unknown - atWorkers;
  if (unknown === 0) return [];
  const named = files.find(({ name }) => name.startsWith('unknown.'));
  const where = named === undefined ? '' : ` of ${named.name}`;
  const [recipients, were, them] = unknown === 1 ? ['recipient', 'was', 'it'] : ['recipients', 'were', 'them'];
  const text =
    `Decide about the ${integer(unknown)} unknown ${recipients}${where}, which ${were} sent to without an answer: ` +
    `send to ${them} again if showing the notification twice does no harm.`;
  const command = commandToGoOn(folder, begunBy);
  return [step(text, command === null ? null : `${command} --on-unknown resend`)];
}

function invalidStep(summary: Situation): NextStep[] {
  const { invalid, invalidLines } = summary;
  if (invalid === 0) return [];
  const are = invalid === 1 ? 'is not a recipient' : 'are not recipients';
  const first =
    invalidLines === null
      ? ''
      : ` The first is line ${integer(invalidLines.line)} of ${invalidLines.list}, which ${invalidLines.why}.` +
        `${invalidLines.shape === null ? '' : ` ${invalidLines.shape}.`}`;
  const text =
    `Mend the ${counted(invalid, 'line')} that ${are}, and send to what you mended as a campaign of its ` +
    `own: ${fileOf(summary, 'invalid')} says where ${invalid === 1 ? 'it is' : 'they are'} and what is wrong.${first}`;
  return [step(text)];
}

/** Without a folder: who is named by no file. */
function lostStep({ unsent, unknown }: Situation, { gone }: NextStepsOptions): NextStep[] {
  const lost = [
    ...(unsent > 0 ? [`${integer(unsent)} unsent`] : []),
    ...(unknown > 0 ? [`${integer(unknown)} unknown`] : []),
    ...(gone > 0 ? [`${integer(gone)} gone`] : []),
  ];
  if (lost.length === 0) return [];
  const [last, before] = [lost.at(-1)!, lost.slice(0, -1)];
  const all = before.length === 0 ? last : `${before.join(', ')} and ${last}`;
  return [
    step(`No file names the recipients that are ${all}: a campaign with a folder keeps them, and can be resumed.`),
  ];
}

function unreadSteps({ unread }: Situation): NextStep[] {
  return unread.slice(0, maxUnreadSteps).map(({ list, line }) => {
    const goOn = line === null ? '' : `: go on with its line ${integer(line)}`;
    return step(`${list} was not read to its end${goOn}.`);
  });
}

/** The name of a file of outcomes, as it lies in the folder. */
function fileOf({ files }: Situation, outcome: string): string {
  return files.find(({ name }) => name.startsWith(`${outcome}.`))?.name ?? `${outcome}.csv`;
}

function areOf(count: number, noun: string): string {
  return `${counted(count, noun)} ${count === 1 ? 'is' : 'are'}`;
}

function step(text: string, command: string | null = null): NextStep {
  return { text, command };
}
