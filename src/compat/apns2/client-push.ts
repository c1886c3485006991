/**
 * A notification under way. Made by sender for each send; main thread.
 */
import type { PealError } from '../../base/errors.js';
import type { OutcomeDetail } from '../../engine/batch.js';
import { type LaneBatch, Push } from '../../session/single/lane-batch.js';
import type { CheckedPushOptions } from '../../session/single/push-options.js';
import type { DeviceNotification } from './notification.js';

/** Who has to know what became of it. Implemented by Sender. */
export interface ClientPushOwner {
  accepted(push: ClientPush): void;
  rejected(push: ClientPush, answer: OutcomeDetail): void;
  unanswered(push: ClientPush, outcome: 'unsent' | 'unknown', error: PealError): void;
}

export class ClientPush extends Push {
  constructor(
    options: CheckedPushOptions,
    readonly owner: ClientPushOwner,
    readonly notification: DeviceNotification,
    readonly resolve: (notification: DeviceNotification) => void,
    readonly reject: (error: unknown) => void,
  ) {
    super(options, Number.POSITIVE_INFINITY);
  }

  accepted(): void {
    this.owner.accepted(this);
  }

  rejected(_from: LaneBatch, answer: OutcomeDetail): void {
    this.owner.rejected(this, answer);
  }

  unanswered(_from: LaneBatch, outcome: 'unsent' | 'unknown', error: PealError): void {
    this.owner.unanswered(this, outcome, error);
  }
}
