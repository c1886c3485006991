/**
 * From the message options of `peal send` to a checked message. Main thread; reads the payload file, once.
 */
import { open } from 'node:fs/promises';
import { PealError } from '../base/errors.js';
import { readProblem } from '../base/file-errors.js';
import { maxRawPayloadBytes } from '../base/limits.js';
import { Message, type MessageOptions } from '../session/message.js';
import type { SendOptions } from './send-options.js';

/**
 * Throws PealError: ERR_PEAL_PAYLOAD for a payload that cannot be read, is no JSON or is too large, ERR_PEAL_HEADER
 * for a field that may not be sent.
 */
export async function sendMessage(options: SendOptions): Promise<Message> {
  const content = options.payload === undefined ? contentOf(options) : { payload: await readPayload(options.payload) };
  return new Message([], { ...content, ...headersOf(options) });
}

function contentOf({ alert, title, badge, sound }: SendOptions): MessageOptions {
  const text = title === undefined ? alert : { title, ...(alert === undefined ? {} : { body: alert }) };
  return {
    ...(text === undefined ? {} : { alert: text }),
    ...(badge === undefined ? {} : { badge }),
    ...(sound === undefined ? {} : { sound }),
  };
}

function headersOf({ topic, pushType, priority, expiration, collapseId }: SendOptions): MessageOptions {
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
  throw payloadError(`--payload: the file ${path} is larger than ${maxRawPayloadBytes} bytes: it is no payload.`);
}

function payloadError(message: string, cause?: unknown): PealError {
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage', cause });
}
