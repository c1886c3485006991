/**
 * `peal channels`: the channels of one app, by APNs' channel management. Each action makes its requests, prints on
 * standard output what came of them, one line for each channel, and on standard error what a person should know. Main
 * thread.
 */
import { managementAddress } from '../../apns/channel.js';
import { PealError } from '../../base/errors.js';
import { channelRequestsAtOnce } from '../../base/limits.js';
import { counted, integer } from '../../base/text.js';
import { addressUrl } from '../../push/address.js';
import { classOf } from '../../push-services/reasons.js';
import { AnswerError, NoAnswerError } from '../../services/answer-error.js';
import type { Channel } from '../../session/channels/channel-requests.js';
import { Channels } from '../../session/channels.js';
import type { Gateway } from '../../session/gateway.js';
import { type ExitCode, exitCodeOf, exitCodes } from '../shared/exit-codes.js';
import { Interrupt } from '../shared/interrupt.js';
import { askYesOrNo } from '../shared/question.js';
import {
  errorMessage,
  printable,
  printError,
  printNote,
  printWarning,
  type Terminal,
  usageError,
  writeJsonLine,
} from '../shared/terminal.js';
import { commandMessage } from '../shared/wording.js';
import { readChannels } from './channel-list.js';
import type { ChannelsFlags, CreateChannelsFlags, RemoveChannelsFlags } from './channels-options.js';
import { checkServiceFlags, requestOptionsOf } from './service-flags.js';
import { ownServiceOf, withGateway } from './service-session.js';
import type { Stopping } from './stopping.js';

/** All actions throw PealError: ERR_PEAL_OPTION, ERR_PEAL_ADDRESS, ERR_PEAL_CREDENTIAL, ERR_PEAL_INPUT (lists). */
export async function runCreate(flags: CreateChannelsFlags, terminal: Terminal): Promise<ExitCode> {
  const { count, storagePolicy } = flags;
  checkServiceFlags(flags);
  if (count > 1) checkNoRequestId(flags);
  return withChannels(flags, terminal, async (channels, stopping) => {
    let created = 0;
    const numbers = Array.from({ length: count }, (_, number) => number);
    const failures = await eachAtOnce(numbers, stopping, async () => {
      const channel = await channels.create({ ...requestOptionsOf(flags), storagePolicy, signal: stopping.signal });
      created += 1;
      if (flags.json === true) writeJsonLine(terminal.stdout, channelMessage(channel));
      else terminal.stdout.write(`${channel.channelId}\n`);
    });
    const which = `of ${flags.bundleId} (storage policy ${storagePolicy})`;
    const rest = created < count ? ` of ${integer(count)}` : '';
    if (created > 0)
      note(flags, terminal, `created ${integer(created)}${rest} ${count === 1 ? 'channel' : 'channels'} ${which}`);
    const unknown = failures.filter((error) => outcomeOf(error) === 'unknown' || isFaultOfService(error)).length;
    if (unknown > 0) {
      const may = `${counted(unknown, 'channel')} more may have been created, whose id did not arrive`;
      printWarning(terminal, `${may}: peal channels list prints all that there are`);
    }
    return reportFailures(failures, flags, terminal);
  });
}

export async function runRead(id: string, flags: ChannelsFlags, terminal: Terminal): Promise<ExitCode> {
  checkServiceFlags(flags);
  const { ids } = await readChannels([id], [], '');
  return withChannels(flags, terminal, async (channels, { signal }) => {
    const channel = await channels.read(ids[0]!, { ...requestOptionsOf(flags), signal });
    const { channelId, storagePolicy, pushType } = channel;
    if (flags.json === true) writeJsonLine(terminal.stdout, channelMessage(channel));
    else terminal.stdout.write(`${channelId}  ${storagePolicy}  ${pushType}\n`);
    return exitCodes.accepted;
  });
}

export async function runList(flags: ChannelsFlags, terminal: Terminal): Promise<ExitCode> {
  checkServiceFlags(flags);
  return withChannels(flags, terminal, async (channels, { signal }) => {
    const ids = await channels.list({ ...requestOptionsOf(flags), signal });
    for (const channelId of ids) {
      if (flags.json === true) writeJsonLine(terminal.stdout, { messageType: 'channel', channelId });
      else terminal.stdout.write(`${channelId}\n`);
    }
    const what = ids.length === 0 ? 'there are no channels' : counted(ids.length, 'channel');
    note(flags, terminal, `${what} of ${flags.bundleId}`);
    return exitCodes.accepted;
  });
}

export async function runRemove(
  given: readonly string[],
  flags: RemoveChannelsFlags,
  terminal: Terminal,
): Promise<ExitCode> {
  checkServiceFlags(flags);
  const ids = await idsToRemove(given, flags);
  if (ids.length > 1) checkNoRequestId(flags);
  const remove = async (channels: Channels, stopping: Stopping): Promise<ExitCode> => {
    const told = new Set<string>();
    const tell = (channelId: string, outcome: string, error: unknown): void => {
      told.add(channelId);
      printRemoval(flags, terminal, channelId, outcome, error);
    };
    const failures = await eachAtOnce(ids, stopping, async (id) => {
      try {
        await channels.remove(id, { ...requestOptionsOf(flags), signal: stopping.signal });
      } catch (error) {
        tell(id, outcomeOf(error), error);
        throw error;
      }
      tell(id, 'removed', null);
    });
    for (const id of ids) if (!told.has(id)) printRemoval(flags, terminal, id, 'unsent', null);
    const removed = told.size - failures.length;
    note(flags, terminal, `removed ${integer(removed)} of ${counted(ids.length, 'channel')} of ${flags.bundleId}`);
    return reportFailures(failures, flags, terminal);
  };
  return withChannels(flags, terminal, remove, async (gateway) => {
    return flags.yes === true ? null : askToRemove(ids.length, flags, gateway, terminal);
  });
}

/** Nothing is removed by a list that is wrong somewhere. */
async function idsToRemove(
  given: readonly string[],
  { from = [], yes }: RemoveChannelsFlags,
): Promise<readonly string[]> {
  if (given.length === 0 && from.length === 0) {
    throw usageError('no channels are given. Give their ids, or --from FILE (- for standard input).');
  }
  if (from.includes('-') && yes !== true) {
    throw usageError('--from - takes standard input, so that no question can be answered: give --yes.');
  }
  const { ids, invalid } = await readChannels(given, from, '--from');
  const [first] = invalid;
  if (first === undefined) return ids;
  const lines = invalid.length === 1 ? 'One line is' : `${integer(invalid.length)} lines are`;
  const where = `${invalid.length === 1 ? '' : 'the first is '}line ${integer(first.line)} of ${printable(first.list)}`;
  const message = `${lines} not the id of a channel, ${where}. Nothing was removed.`;
  throw new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}

async function withChannels(
  flags: ChannelsFlags,
  terminal: Terminal,
  work: (channels: Channels, stopping: Stopping) => Promise<ExitCode>,
  ask?: (gateway: Gateway) => Promise<ExitCode | null>,
): Promise<ExitCode> {
  const { bundleId } = flags;
  const address = ownServiceOf(flags);
  const channelsOf = (gateway: Gateway): Channels =>
    new Channels(gateway, { bundleId, ...(address !== null && { address }) });
  const withThem = async (gateway: Gateway, stopping: Stopping): Promise<ExitCode> => {
    try {
      return await work(channelsOf(gateway), stopping);
    } catch (error) {
      if (!(error instanceof AnswerError) || stopping.isAsked) throw error;
      return reportFailures([error], flags, terminal);
    }
  };
  return withGateway(flags, terminal, withThem, async (gateway) => {
    // Nobody is asked about options that are not valid.
    channelsOf(gateway);
    return (await ask?.(gateway)) ?? null;
  });
}

/**
 * Does `work` for each item, several at once, until Ctrl-C, or a failure that the others would meet as well. Returns
 * the failures.
 */
async function eachAtOnce<T>(
  items: readonly T[],
  stopping: Stopping,
  work: (item: T) => Promise<void>,
): Promise<readonly PealError[]> {
  const failures: PealError[] = [];
  let next = 0;
  let isOver = false;
  const one = async (): Promise<void> => {
    while (next < items.length && !isOver && !stopping.isAsked) {
      try {
        await work(items[next++]!);
      } catch (error) {
        if (!(error instanceof PealError)) throw error;
        failures.push(error);
        if (isOfAll(error)) isOver = true;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(channelRequestsAtOnce, items.length) }, one));
  return failures;
}

/** Whether the others would meet the same: any failure but an answer about one channel. */
function isOfAll(error: PealError): boolean {
  return !(error instanceof AnswerError) || classOf(error.status, error.reason) !== 'token';
}

/** What became of a request that failed, in the words of `peal send`. */
function outcomeOf(error: unknown): 'rejected' | 'unsent' | 'unknown' {
  if (error instanceof AnswerError) return 'rejected';
  if (error instanceof NoAnswerError) return error.outcome;
  // What is refused before anything is sent; otherwise an answer that did not say what it must.
  return error instanceof PealError && error.origin === 'usage' ? 'unsent' : 'unknown';
}

/** An answer after which the request may have been carried out all the same. */
function isFaultOfService(error: unknown): boolean {
  return error instanceof AnswerError && error.status >= 500;
}

function channelMessage(channel: Channel): object {
  return { messageType: 'channel', ...channel };
}

function printRemoval(
  { json, quiet }: ChannelsFlags,
  { stdout }: Terminal,
  channelId: string,
  outcome: string,
  error: unknown,
): void {
  const { status, reason } = answerOf(error);
  if (json === true) writeJsonLine(stdout, { messageType: 'channel', channelId, outcome, status, reason });
  else if (quiet !== true) {
    const why = status === null ? '' : `  ${status} ${printable(reason ?? '')}`.trimEnd();
    stdout.write(`${outcome.padEnd(outcomeWidth)}  ${channelId}${why}\n`);
  }
}

/** The longest outcome: `rejected`. */
const outcomeWidth = 8;

/** Prints each failure once, and returns the exit code: 0 without any. */
function reportFailures(failures: readonly PealError[], flags: ChannelsFlags, terminal: Terminal): ExitCode {
  const { json } = flags;
  const byMessage = new Map<string, PealError[]>();
  for (const error of failures) {
    const message = commandMessage(error);
    byMessage.set(message, [...(byMessage.get(message) ?? []), error]);
  }
  for (const same of byMessage.values()) {
    const [error] = same;
    if (json === true) writeJsonLine(terminal.stdout, failureMessage(error!, same.length));
    printError(terminal, error);
  }
  if (failures.some(isStrangerToChannels) && ownServiceOf(flags) !== null) {
    printNote(
      terminal,
      '--gateway has to be a channel management service, which has an address of its own: check host and port',
    );
  }
  return Math.max(...failures.map(exitCodeOfFailure), exitCodes.accepted) as ExitCode;
}

/** Whether a gateway for pushes may have answered, which has no such path. */
function isStrangerToChannels(error: PealError): boolean {
  const { status } = answerOf(error);
  return status === 404 || status === 405;
}

/** The line about an error, with the answer, if there was one. */
function failureMessage(error: PealError, count: number): object {
  const { status, reason } = answerOf(error);
  return { ...errorMessage(error, count), status, reason };
}

function answerOf(error: unknown): { readonly status: number | null; readonly reason: string | null } {
  return error instanceof AnswerError ? error : { status: null, reason: null };
}

/** An answer that will be the same next time is 3. The higher code says more. */
function exitCodeOfFailure(error: PealError): ExitCode {
  return error instanceof AnswerError && !error.retryable ? exitCodes.notAllAccepted : exitCodeOf(error);
}

/**
 * Returns null where the answer is yes, otherwise the exit code.
 *
 * @throws PealError ERR_PEAL_OPTION where there is no terminal to ask on
 */
async function askToRemove(
  count: number,
  flags: ChannelsFlags,
  { address }: Gateway,
  terminal: Terminal,
): Promise<ExitCode | null> {
  const what = `${counted(count, 'channel')} of ${printable(flags.bundleId)}`;
  if (terminal.stdin.isTTY !== true) throw usageError(`--yes is needed to remove ${what}.`);
  const stopped = new AbortController();
  using interrupt = new Interrupt(
    process,
    () => stopped.abort(),
    (code) => process.exit(code),
  );
  const where = addressUrl(managementAddress(address) ?? address);
  terminal.stderr.write('Subscribers of a removed channel get no more updates.\n');
  const isYes = await askYesOrNo(`Remove ${what} at ${where}?`, terminal, stopped.signal);
  if (interrupt.exitCode !== null) terminal.stderr.write('\n');
  if (isYes) return null;
  note(flags, terminal, 'nothing was removed');
  return interrupt.exitCode ?? exitCodes.accepted;
}

function checkNoRequestId({ requestId }: ChannelsFlags): void {
  if (requestId !== undefined) throw usageError('--request-id names one request, and here are several: leave it out.');
}

function note({ json, quiet }: ChannelsFlags, terminal: Terminal, sentence: string): void {
  if (json !== true && quiet !== true) printNote(terminal, sentence);
}
