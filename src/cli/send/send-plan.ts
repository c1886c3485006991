/**
 * Prepares `peal send` before the first notification: gateway, credential, message, session. Finds everything that can
 * be wrong with them. Main thread.
 */
import { open } from 'node:fs/promises';
import { parseAddress } from '../../apns/address.js';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { maxRawPayloadBytes, recipientsWorthKeeping } from '../../base/limits.js';
import { estimateAll } from '../../campaign/input/estimate.js';
import type { Gateway } from '../../session/gateway.js';
import { Message, type MessageOptions } from '../../session/message/message.js';
import type { SendOptions } from '../../session/send/send-options.js';
import { Session } from '../../session/session.js';
import { loadCommandCredential, printCertificate } from '../shared/command-credential.js';
import { linkOf } from '../shared/link-flags.js';
import { printNote, type Terminal } from '../shared/terminal.js';
import type { SendFlags } from './send-options.js';
import { gatewayOf, isAppleGateway } from './send-rules.js';

/** Up to this many recipients, `--threads auto` starts no thread, because starting one takes longer than it saves. */
const recipientsWorthThreads = 50_000;

export interface SendPlan {
  readonly session: Session;
  readonly gateway: Gateway;
  readonly message: Message;
  /** Estimated number of recipients, from the size of the list; null if unknown. */
  readonly estimated: number | null;
}

/**
 * Loads and checks everything, and opens nothing yet.
 *
 * @throws PealError ERR_PEAL_ADDRESS, ERR_PEAL_CREDENTIAL, ERR_PEAL_PAYLOAD, ERR_PEAL_HEADER or ERR_PEAL_OPTION
 */
export async function planSend(options: SendFlags, terminal: Terminal): Promise<SendPlan> {
  const { maxConnections } = options;
  const address = gatewayOf(options);
  parseAddress(address);
  const credential = loadCommandCredential(options, terminal);
  const message = await sendMessage(options);
  const estimated = await estimateAll(options.tokens);
  const session = new Session({
    threads: threadsFor(options, estimated),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...linkOf(options, terminal.env),
  });
  const gateway = session.getConnection(address, credential);
  if (options.quiet !== true) {
    printCertificate(credential, terminal);
    const note = missingOutNote(options, estimated);
    if (note !== null) printNote(terminal, note);
  }
  return { session, gateway, message, estimated };
}

/**
 * The note that unsent recipients will not be recorded, printed before the campaign begins. Null for a few recipients
 * and for gateways that are not Apple's. `estimated`: number of recipients, null if it is not known.
 */
export function missingOutNote(
  options: Pick<SendFlags, 'out' | 'gateway' | 'environment'>,
  estimated: number | null,
): string | null {
  if (options.out !== undefined || !isAppleGateway(options)) return null;
  if (estimated !== null && estimated <= recipientsWorthKeeping) return null;
  return 'without --out DIR unsent recipients are not recorded: a run that is interrupted cannot be continued';
}

function threadsFor({ threads }: SendFlags, estimated: number | null): number | 'auto' {
  const isShort = estimated !== null && estimated <= recipientsWorthThreads;
  return threads === 'auto' && isShort ? 0 : threads;
}

/**
 * Throws PealError: ERR_PEAL_PAYLOAD for a payload that cannot be read, is not JSON or is too large, ERR_PEAL_HEADER
 * for a field that may not be sent.
 */
async function sendMessage(options: SendFlags): Promise<Message> {
  const content = options.payload === undefined ? contentOf(options) : { payload: await readPayload(options.payload) };
  return new Message([], { ...content, ...headersOf(options) });
}

function contentOf({ alert, title, badge, sound }: SendFlags): MessageOptions {
  const text = title === undefined ? alert : { title, ...(alert === undefined ? {} : { body: alert }) };
  return {
    ...(text === undefined ? {} : { alert: text }),
    ...(badge === undefined ? {} : { badge }),
    ...(sound === undefined ? {} : { sound }),
  };
}

function headersOf({ topic, pushType, priority, expiration, collapseId }: SendFlags): MessageOptions {
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(pushType === undefined ? {} : { pushType: pushType as NonNullable<MessageOptions['pushType']> }),
    ...(priority === undefined ? {} : { priority }),
    ...(expiration === undefined ? {} : { expiration }),
    ...(collapseId === undefined ? {} : { collapseId }),
  };
}

async function readPayload(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(maxRawPayloadBytes + 1));
      if (bytesRead <= maxRawPayloadBytes) return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw payloadError(`--payload: the file ${path} ${readProblem(cause)}.`, cause);
  }
  throw payloadError(`--payload: the file ${path} is larger than ${maxRawPayloadBytes} bytes, so it is not a payload.`);
}

function payloadError(message: string, cause?: unknown): PealError {
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage', cause });
}

/** Options that were not given have the library's defaults. */
export function retryOptionsOf(options: SendFlags): Pick<SendOptions, 'retry' | 'onUnknown' | 'stopAtBadTokens'> {
  const { retries, retryTime, onUnknown, stopAtBadTokens } = options;
  const attempts = retries === undefined ? {} : { attempts: retries + 1 };
  const timeMs = retryTime === undefined ? {} : { timeMs: Math.round(retryTime) };
  const isGiven = retries !== undefined || retryTime !== undefined;
  return {
    ...(isGiven && { retry: retries === 0 ? false : { ...attempts, ...timeMs } }),
    ...(onUnknown !== undefined && { onUnknown }),
    ...(stopAtBadTokens !== undefined && { stopAtBadTokens }),
  };
}
