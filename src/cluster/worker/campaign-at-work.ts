/**
 * A campaign of which this process has slices: what it is, and its steering as it was last heard, from a commit of any
 * slice or from a poll, which is one for all slices. Made and kept by cluster-worker; main thread.
 */
import type { Clock } from '../../base/clock.js';
import type { PealError } from '../../base/errors.js';
import { steeringPollMs } from '../../base/limits.js';
import { Timer } from '../../base/timers.js';
import { messageFromJSON } from '../../session/message/message-from-json.js';
import type { PushMessage } from '../../session/message/push-message.js';
import { SharedRate } from '../limits/shared-rate.js';
import type { CampaignDefinition, ClusterStore, SteeringNow } from '../store/cluster-store.js';

interface CampaignAtWorkOptions {
  readonly store: ClusterStore;
  readonly clock: Clock;
  /** Told when the steering is heard, and when the rate lets something go. */
  readonly onSteering: () => void;
}

export class CampaignAtWork {
  readonly definition: CampaignDefinition;
  readonly message: PushMessage;
  readonly #options: CampaignAtWorkOptions;
  readonly #timer: Timer;
  #steering: SteeringNow;
  #heardMs: number;
  #isGone = false;
  #isClosed = false;
  /** What the rate lets all its slices in this process send. */
  readonly rate: SharedRate;
  /** Slices of it that are at work here. */
  users = 0;

  /** @throws PealError for a message that is not valid */
  constructor(definition: CampaignDefinition, steering: SteeringNow, options: CampaignAtWorkOptions) {
    this.definition = definition;
    this.message = messageFromJSON(definition.message);
    this.#options = options;
    this.#steering = steering;
    this.#heardMs = options.clock.now();
    this.rate = new SharedRate({
      takeFromStore: (wanted) => options.store.take(definition.id, wanted),
      clock: options.clock,
      chance: Math.random,
      onStock: options.onSteering,
    });
    this.rate.perSecond = steering.ratePerSecond;
    this.#timer = new Timer(options.clock, () => void this.#poll());
    this.#timer.set(steeringPollMs);
  }

  get steering(): SteeringNow {
    return this.#steering;
  }

  /** Whether the store does not know it any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether recipients may be handed to the engine at present. */
  get mayHandOut(): boolean {
    const { stopped, isPaused, isHeld } = this.#steering;
    return stopped === null && !isPaused && isHeld && !this.#isGone;
  }

  /** Takes what a commit or a poll has brought. */
  hear(steering: SteeringNow): void {
    this.#steering = steering;
    this.#heardMs = this.#options.clock.now();
    this.rate.perSecond = steering.ratePerSecond;
    this.#options.onSteering();
  }

  /** Stops the campaign on all machines. The first cause stays. */
  async stop(cause: PealError): Promise<void> {
    const { id } = this.definition;
    await this.#options.store.steer(id, { stopped: cause.toRecord() });
    const steering = await this.#options.store.steering(id);
    if (steering !== null) this.hear(steering);
  }

  close(): void {
    this.#isClosed = true;
    this.rate.close();
    this.#timer.clear();
  }

  async #poll(): Promise<void> {
    const ageMs = this.#options.clock.now() - this.#heardMs;
    try {
      if (ageMs >= steeringPollMs) await this.#ask();
    } catch {
      // The store is away. Nothing is handed out meanwhile, because nothing can be noted.
    }
    if (this.#isClosed) return;
    this.#timer.set(Math.max(1, steeringPollMs - (this.#options.clock.now() - this.#heardMs)));
  }

  async #ask(): Promise<void> {
    const steering = await this.#options.store.steering(this.definition.id);
    if (steering !== null) {
      this.hear(steering);
      return;
    }
    this.#isGone = true;
    this.#heardMs = this.#options.clock.now();
    this.#options.onSteering();
  }
}
