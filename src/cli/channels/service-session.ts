/**
 * The session of one command that speaks to APNs about channels: made of its options, with what Ctrl-C does, and closed
 * at the end. Main thread.
 */

import { parseAddress } from '../../apns/address.js';
import { managementAddress } from '../../apns/channel.js';
import type { Gateway } from '../../session/gateway.js';
import { Session } from '../../session/session.js';
import { loadCommandCredential, printCertificate } from '../shared/command-credential.js';
import type { ExitCode } from '../shared/exit-codes.js';
import { gatewayOf } from '../shared/gateway-flags.js';
import { linkOf } from '../shared/link-flags.js';
import type { Terminal } from '../shared/terminal.js';
import type { ServiceFlags } from './service-flags.js';
import { Stopping } from './stopping.js';

/**
 * Runs `work` with a gateway of its own. Returns its exit code, or that of the signal that interrupted it.
 *
 * @param ask is asked before anything is sent, once all options were checked: null goes on, a code ends the command
 * @throws PealError ERR_PEAL_ADDRESS, ERR_PEAL_CREDENTIAL, ERR_PEAL_OPTION, and what `work` throws, unless it was
 *   interrupted
 */
export async function withGateway(
  flags: ServiceFlags,
  terminal: Terminal,
  work: (gateway: Gateway, stopping: Stopping) => Promise<ExitCode>,
  ask: (gateway: Gateway) => Promise<ExitCode | null> = async () => null,
): Promise<ExitCode> {
  const address = gatewayOf(flags);
  parseAddress(address);
  const credential = loadCommandCredential(flags, terminal);
  await using session = new Session({ threads: 0, ...linkOf(flags, terminal.env) });
  const gateway = session.getConnection(address, credential);
  if (flags.quiet !== true) printCertificate(credential, terminal);
  const answer = await ask(gateway);
  if (answer !== null) return answer;
  using stopping = new Stopping(terminal, () => void session.shutdown());
  try {
    const code = await work(gateway, stopping);
    return stopping.exitCode ?? code;
  } catch (error) {
    if (stopping.exitCode !== null) return stopping.exitCode;
    throw error;
  }
}

/** The address of a management service of one's own; null: Apple's of the gateway. */
export function ownServiceOf(flags: ServiceFlags): string | null {
  const address = gatewayOf(flags);
  return managementAddress(parseAddress(address)) === null ? address : null;
}
