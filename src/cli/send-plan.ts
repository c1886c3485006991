/**
 * What `peal send` needs before the first notification: gateway, credential, message, session. Everything that can be
 * wrong with them is found here. Main thread.
 */
import { parseAddress } from '../apns/address.js';
import { recipientsWorthKeeping } from '../base/limits.js';
import type { Gateway } from '../session/gateway.js';
import type { Message } from '../session/message.js';
import { Session } from '../session/session.js';
import { loadCommandCredential, printWhose } from './command-credential.js';
import { materialOf } from './credential-options.js';
import { pinSession } from './pin-option.js';
import { proxySession } from './proxy-option.js';
import { gatewayOf, isApples } from './send-gateway.js';
import { sendMessage } from './send-message.js';
import type { SendOptions } from './send-options.js';
import { printNote, type Terminal } from './terminal.js';
import { estimateAll } from './token-input.js';

/** Up to so many recipients, `--threads auto` means none: starting a worker takes longer than it saves. */
const recipientsWorthThreads = 50_000;

export interface SendPlan {
  readonly session: Session;
  readonly gateway: Gateway;
  readonly message: Message;
  /** Recipients, from the size of the list; null where that says nothing. */
  readonly estimated: number | null;
}

/**
 * Loads and checks, and opens nothing yet.
 *
 * @throws PealError ERR_PEAL_ADDRESS, ERR_PEAL_CREDENTIAL, ERR_PEAL_PAYLOAD, ERR_PEAL_HEADER or ERR_PEAL_OPTION
 */
export async function planSend(options: SendOptions, terminal: Terminal): Promise<SendPlan> {
  const { ca, maxConnections } = options;
  const address = gatewayOf(options);
  parseAddress(address);
  const credential = loadCommandCredential(options, terminal);
  const message = await sendMessage(options);
  const estimated = await estimateAll(options.tokens);
  const session = new Session({
    threads: threadsFor(options, estimated),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(ca === undefined ? {} : { ca: materialOf('--ca', ca, terminal.env, 'ERR_PEAL_OPTION') }),
    ...pinSession(options, terminal.env),
    ...proxySession(options, terminal.env),
  });
  const gateway = session.getConnection(address, credential);
  if (options.quiet !== true) {
    printWhose(credential, terminal);
    const note = unkeptNote(options, estimated);
    if (note !== null) printNote(terminal, note);
  }
  return { session, gateway, message, estimated };
}

/**
 * Said before a campaign begins, because afterwards it is too late; null where nothing is at stake: a few recipients, or
 * those of a gateway of one's own. `estimated`: recipients, null where the list does not tell.
 */
export function unkeptNote(
  options: Pick<SendOptions, 'out' | 'gateway' | 'environment'>,
  estimated: number | null,
): string | null {
  if (options.out !== undefined || !isApples(options)) return null;
  if (estimated !== null && estimated <= recipientsWorthKeeping) return null;
  return 'without --out DIR nothing is kept of who was not sent to: a run that is interrupted cannot be continued';
}

function threadsFor({ threads }: SendOptions, estimated: number | null): number | 'auto' {
  const isShort = estimated !== null && estimated <= recipientsWorthThreads;
  return threads === 'auto' && isShort ? 0 : threads;
}
