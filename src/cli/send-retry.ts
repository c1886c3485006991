/**
 * From the retry options of `peal send` to those of the library. Pure; called by the send command, on the main thread.
 */
import type { SendOptions as SessionSendOptions } from '../session/send-options.js';
import type { SendOptions } from './send-options.js';

/** What was not given is left to the library's defaults. */
export function retryOptionsOf(
  options: SendOptions,
): Pick<SessionSendOptions, 'retry' | 'onUnknown' | 'stopAtBadTokens'> {
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
