/**
 * `--retries` and `--retry-time`: what may be spent on faults that pass. Shared by the commands that send; pure, main
 * thread.
 */
import { Option } from 'commander';
import { maxRequestsPerRecipient, maxRetryTimeMs } from '../../base/limits.js';
import type { RetryOptions } from '../../session/send/send-options.js';
import { durationBetween, wholeNumber } from './option-values.js';

/** These options, parsed. */
export interface RetryFlags {
  /** Requests for one recipient beyond the first. */
  readonly retries?: number;
  /** Milliseconds. */
  readonly retryTime?: number;
}

/**
 * @param receiver what one request goes to: `recipient`, `channel`
 * @param usualTime the default of `--retry-time`, as it is written
 */
export function retryOptions(receiver: string, usualTime: string): Option[] {
  return [
    new Option(
      '--retries <n>',
      `how often to send again to a ${receiver} after a temporary fault; 0 never does (default: 2)`,
    ).argParser(wholeNumber(0, maxRequestsPerRecipient - 1)),
    new Option(
      '--retry-time <duration>',
      `how long after its first answer a ${receiver} may be sent to again (default: ${usualTime})`,
    ).argParser(durationBetween(0, maxRetryTimeMs)),
  ];
}

/** The library's options; empty where none of them is given. */
export function retryOf({ retries, retryTime }: RetryFlags): { readonly retry?: false | RetryOptions } {
  if (retries === undefined && retryTime === undefined) return {};
  if (retries === 0) return { retry: false };
  return {
    retry: {
      ...(retries !== undefined && { attempts: retries + 1 }),
      ...(retryTime !== undefined && { timeMs: Math.round(retryTime) }),
    },
  };
}
