/** Reads the JSON files that options of a message name. Main thread. */
import { open } from 'node:fs/promises';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { maxRawPayloadBytes } from '../../base/limits.js';

/**
 * @param flag how the option is written, for the beginning of a sentence
 * @throws PealError ERR_PEAL_PAYLOAD for a file that cannot be read, or is larger than any payload
 */
export async function readPayload(flag: string, path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(maxRawPayloadBytes + 1));
      if (bytesRead <= maxRawPayloadBytes) return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw payloadError(`${flag}: the file ${path} ${readProblem(cause)}.`, cause);
  }
  throw payloadError(`${flag}: the file ${path} is larger than ${maxRawPayloadBytes} bytes, so it is not a payload.`);
}

function payloadError(message: string, cause?: unknown): PealError {
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage', cause });
}
