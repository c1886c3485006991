/**
 * `peal feedback`: reads the list of a feedback gateway once, into a file or standard output. The gateway clears its
 * list once it is read, so everything that arrived is kept, even if the run fails. Main thread.
 */

import { counted } from '../../base/text.js';
import { APNs } from '../../session/apns.js';
import { Session } from '../../session/session.js';
import { loadCommandCredential, printCertificate } from '../shared/command-credential.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { Interrupt } from '../shared/interrupt.js';
import { linkOf } from '../shared/link-flags.js';
import { printNote, type Terminal } from '../shared/terminal.js';
import { checkFeedbackFlags, type FeedbackFlags } from './feedback-options.js';
import { FeedbackOutput } from './feedback-output.js';

/**
 * Resolves once every received token is written.
 *
 * @throws PealError ERR_PEAL_OPTION, ERR_PEAL_ADDRESS, ERR_PEAL_CREDENTIAL, ERR_PEAL_INPUT (the file of --out), or why
 *   the gateway cannot be reached
 */
export async function feedback(options: FeedbackFlags, terminal: Terminal): Promise<ExitCode> {
  checkFeedbackFlags(options);
  const credential = loadCommandCredential(options, terminal);
  const session = new Session({
    threads: 0,
    ...linkOf(options, terminal.env),
  });
  // Opened before the gateway is asked, because it gives its list only once.
  const output = await FeedbackOutput.open(options, terminal);
  if (options.quiet !== true) printCertificate(credential, terminal);
  let onInterrupt = (): void => {};
  const interrupted = new Promise<void>((resolve) => {
    onInterrupt = resolve;
  });
  using interrupt = new Interrupt(process, onInterrupt, (code) => process.exit(code));
  let failure: { readonly error: unknown } | null = null;
  const apns = new APNs(session.getConnection(options.gateway, credential));
  const reading = readAll(apns, output, () => interrupt.exitCode !== null);
  try {
    // After an interrupt the rest of the list is not awaited: a gateway may never end its list.
    await Promise.race([reading, interrupted]);
  } catch (error) {
    failure = { error };
  }
  await output.close(failure !== null);
  await session.shutdown();
  if (interrupt.exitCode !== null) return interrupt.exitCode;
  if (failure !== null) throw failure.error;
  if (options.quiet !== true)
    printNote(terminal, `${counted(output.count, 'token')} in the list of the feedback gateway`);
  return exitCodes.accepted;
}

async function readAll(apns: APNs, output: FeedbackOutput, isStopped: () => boolean): Promise<void> {
  for await (const { token, when } of apns.feedback()) {
    if (isStopped()) return;
    await output.write(token, when);
  }
}
