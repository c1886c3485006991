/**
 * `peal simulate`: a simulator of the gateway in the foreground, until it is interrupted. Main thread.
 */
import path from 'node:path';
import { createColors } from 'picocolors';
import { PealError } from '../../base/errors.js';
import { isAmong, OutputFile } from '../../campaign/outputs/output-file.js';
import type { AnswerCounts } from '../../simulator/channels/channel-books.js';
import type { SimulatedFcm } from '../../simulator/simulated-fcm.js';
import { type Simulator, startSimulator } from '../../simulator/simulator.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { Interrupt } from '../shared/interrupt.js';
import { hasColour, type Terminal, usageError, writeJsonLine } from '../shared/terminal.js';
import { inFlagWords } from '../shared/wording.js';
import { type SimulateFlags, simulatorFlags, simulatorOptions } from './simulate-options.js';

/** Resolves after an interrupt, once everything is closed. Throws PealError ERR_PEAL_OPTION, ERR_PEAL_CREDENTIAL. */
export async function simulate(options: SimulateFlags, terminal: Terminal): Promise<ExitCode> {
  const simulator = await start(options);
  try {
    if (options.caOut !== undefined) await writeAuthority(options.caOut, simulator.caCertificate, options);
    if (options.fcmAccountOut !== undefined) await writeAccount(options.fcmAccountOut, simulator, options);
    announce(simulator, options, terminal);
    await untilInterrupted();
    if (simulator.channelsUrl !== null) reportChannels(simulator, options, terminal);
    if (simulator.fcm !== null) reportFcm(simulator.fcm, options, terminal);
    if (options.scenario !== undefined || options.conduct !== undefined) reportFaults(simulator, options, terminal);
  } finally {
    await simulator.close();
  }
  // This command normally ends by an interrupt.
  return exitCodes.accepted;
}

async function start(options: SimulateFlags): Promise<Simulator> {
  try {
    return await startSimulator(await simulatorOptions(options));
  } catch (error) {
    throw error instanceof PealError ? inFlagWords(error, simulatorFlags) : error;
  }
}

/**
 * The file is renamed into place once it is whole. Every user may read it. A link with that name is replaced, not
 * followed.
 */
async function writeAuthority(name: string, certificate: string | null, options: SimulateFlags): Promise<void> {
  if (certificate === null) throw usageError('--ca-out: with --cert there is no throw-away certificate to write.');
  await writeOutput('--ca-out', name, certificate, 0o644, options);
}

/** Only the user may read it, because it has a private key. */
async function writeAccount(name: string, { fcm }: Simulator, options: SimulateFlags): Promise<void> {
  const text = `${JSON.stringify(fcm?.serviceAccount, null, 2)}\n`;
  await writeOutput('--fcm-account-out', name, text, 0o600, options);
}

async function writeOutput(
  flag: string,
  name: string,
  text: string,
  mode: number,
  options: SimulateFlags,
): Promise<void> {
  const { providerKey, clientCa, scenario, channelsScenario, fcmScenario, fcmAccount = [] } = options;
  const given = [providerKey, clientCa, scenario, channelsScenario, fcmScenario, ...fcmAccount];
  const inputs = given.filter((file) => file !== undefined);
  if (await isAmong(name, inputs)) {
    throw usageError(`${flag}: ${name} is read by this command and would be overwritten; choose another name.`);
  }
  try {
    const file = await OutputFile.create(path.dirname(name), path.basename(name), mode);
    file.append(text);
    await file.publish();
  } catch (cause) {
    throw usageError(`${flag}: ${(cause as Error).message}`, cause);
  }
}

function announce(
  { url, binaryUrl, feedbackUrl, channelsUrl, fcm, controlUrl, port }: Simulator,
  options: SimulateFlags,
  terminal: Terminal,
): void {
  const ledgerUrl = `${controlUrl}/peal/ledger`;
  if (options.json === true) {
    const caFile = options.caOut ?? null;
    const urls = { url, port, binaryUrl, feedbackUrl, channelsUrl, fcm: fcmLine(fcm, options), controlUrl, ledgerUrl };
    writeJsonLine(terminal.stdout, { messageType: 'simulator', ...urls, caFile });
    return;
  }
  const { bold, dim } = createColors(hasColour(terminal, terminal.stdout));
  const trust = options.caOut ?? `FILE${dim(`   (curl -o FILE ${controlUrl}/peal/ca.pem)`)}`;
  const certificate = options.cert === undefined ? ` --ca ${trust}` : '';
  terminal.stdout.write(
    [
      `${bold('gateway')}  ${url}`,
      ...(binaryUrl === null ? [] : [`${bold('binary')}   ${binaryUrl}`]),
      ...(feedbackUrl === null ? [] : [`${bold('feedback')} ${feedbackUrl}`]),
      ...(channelsUrl === null ? [] : [`${bold('channels')} ${channelsUrl}`]),
      ...(fcm === null ? [] : [`${bold('fcm')}      ${fcm.url}`, `${bold('tokens')}   ${fcm.tokenUrl}`]),
      `${bold('ledger')}   ${ledgerUrl}`,
      `${bold('send')}     peal send --gateway ${url}${certificate}`,
      dim('Ctrl-C ends it.'),
      '',
    ].join('\n'),
  );
}

function fcmLine(fcm: SimulatedFcm | null, { fcmAccountOut }: SimulateFlags): object | null {
  if (fcm === null) return null;
  const { url, httpsUrl, port, tokenUrl, project } = fcm;
  return { url, httpsUrl, port, tokenUrl, project, accountFile: fcmAccountOut ?? null };
}

/** What became of the messages of FCM, and how many access tokens were given out. */
function reportFcm(fcm: SimulatedFcm, options: SimulateFlags, terminal: Terminal): void {
  const summary = fcm.summary();
  if (options.json === true) {
    writeJsonLine(terminal.stdout, { messageType: 'fcm', ...summary });
    return;
  }
  const { bold } = createColors(hasColour(terminal, terminal.stdout));
  const { minted, refused } = summary.tokens;
  const tokens = `access tokens: ${minted} given out, ${refused} refused`;
  terminal.stdout.write(`${bold('fcm')}      ${countsText(summary.messages)}; ${tokens}\n`);
}

/** How many channels there are, and what became of the requests about them. */
function reportChannels({ channels }: Simulator, options: SimulateFlags, terminal: Terminal): void {
  const summary = channels.summary();
  if (options.json === true) {
    writeJsonLine(terminal.stdout, { messageType: 'channels', ...summary });
    return;
  }
  const { bold } = createColors(hasColour(terminal, terminal.stdout));
  const { broadcasts, management } = summary;
  terminal.stdout.write(
    [
      `${bold('channels')} ${summary.channels}, by ${countsText(management)}`,
      `${bold('sent')}     ${countsText(broadcasts)}`,
      '',
    ].join('\n'),
  );
}

function countsText({ requests, accepted, rejected, unanswered }: Omit<AnswerCounts, 'reasons'>): string {
  const counts = `accepted ${accepted}, rejected ${rejected}, unanswered ${unanswered}`;
  return `${requests} ${requests === 1 ? 'request' : 'requests'}: ${counts}`;
}

/** The faults of scenario and conduct, by kind. */
function reportFaults({ ledger }: Simulator, options: SimulateFlags, terminal: Terminal): void {
  const { faults } = ledger.summary();
  if (options.json === true) {
    writeJsonLine(terminal.stdout, { messageType: 'faults', faults });
    return;
  }
  const { bold } = createColors(hasColour(terminal, terminal.stdout));
  const kinds = Object.entries(faults).map(([kind, count]) => `${kind} ${count}`);
  terminal.stdout.write(`${bold('faults')}   ${kinds.length === 0 ? 'none' : kinds.join(', ')}\n`);
}

/** Also resolves when the program that started it, over an IPC channel, has gone. */
function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      interrupt[Symbol.dispose]();
      resolve();
    };
    const interrupt = new Interrupt(process, end, () => {});
    if (process.channel !== undefined) process.once('disconnect', end);
  });
}
