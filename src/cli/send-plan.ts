/**
 * What `peal send` needs before the first notification: gateway, credential, message, session. Everything that can be
 * wrong with them is found here. Main thread.
 */
import { parseAddress } from '../apns/address.js';
import { type Logger, silentLogger } from '../base/log.js';
import type { Gateway } from '../session/gateway.js';
import type { Message } from '../session/message.js';
import { Session } from '../session/session.js';
import { loadSendCredential } from './send-credential.js';
import { sendMessage } from './send-message.js';
import type { SendOptions } from './send-options.js';
import { printNote, type Terminal } from './terminal.js';
import { estimateRecipients } from './token-input.js';

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
  const { environment, ca, maxConnections } = options;
  const address = options.gateway ?? (environment === 'production' ? 'api_production' : 'api_sandbox');
  parseAddress(address);
  const credential = loadSendCredential(options, terminal.env, credentialLog(options, terminal));
  const message = await sendMessage(options);
  const estimated = await estimateRecipients(options.tokens);
  const session = new Session({
    threads: threadsFor(options, estimated),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(ca === undefined ? {} : { ca: { file: ca } }),
  });
  return { session, gateway: session.getConnection(address, credential), message, estimated };
}

function threadsFor({ threads }: SendOptions, estimated: number | null): number | 'auto' {
  const isShort = estimated !== null && estimated <= recipientsWorthThreads;
  return threads === 'auto' && isShort ? 0 : threads;
}

/** Warnings about the credential (a key that everybody may read …) are for the person who runs the command. */
function credentialLog(options: SendOptions, terminal: Terminal): Logger {
  const warn = (fields: object, message: string): void => {
    const file = 'file' in fields ? `${String(fields.file)}: ` : '';
    if (options.quiet !== true) printNote(terminal, `${file}${message}`);
  };
  return { ...silentLogger, warn };
}
