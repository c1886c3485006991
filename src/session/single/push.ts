/**
 * One notification to one recipient that has no outcome yet: what it says, what may be spent on it, and who is told. Its
 * token and its apns-id stand in the batch that it is in. Made by lanes for each push; main thread.
 */
import type { RetryBudget } from '../../apns/retry-policy.js';
import type { OutcomeDetail } from '../../engine/batch.js';
import type { Message } from '../message/message.js';
import type { LaneBatch } from './lane-batch.js';
import type { PushOutcome } from './push-outcome.js';

export class Push {
  /** The batch that it is in, and its index there; null while it waits to be sent to again. */
  batch: LaneBatch | null = null;
  index = 0;
  /** Its id as text, while it is in no batch. */
  apnsId: string | null = null;
  /** Requests that were answered. */
  attempts = 0;
  /** The answer after which it is sent to again. */
  answer: OutcomeDetail | null = null;
  /** When the first answer came that asked for another request. */
  answeredAtMs = 0;
  /** Requests that were repeated for an expired provider token, and for a fault of the connection. */
  expired = 0;
  connection = 0;
  /** Its time is over: it is unknown unless its shard took it back. */
  isWithdrawn = false;
  /** Stops listening to its signal; null without one. */
  stopListening: (() => void) | null = null;

  constructor(
    readonly message: Message,
    readonly budget: RetryBudget | null,
    public deadlineMs: number,
    readonly timeoutMs: number,
    readonly done: (outcome: PushOutcome) => void,
  ) {}
}
