/**
 * One notification to its recipients: each has its entry once it is answered, and the entries are told in the order of
 * the recipients. Made by provider for each send; main thread.
 */
import type { PealError } from '../../base/errors.js';
import type { OutcomeDetail } from '../../engine/batch.js';
import { type LaneBatch, Push } from '../../session/single/lane-batch.js';
import type { CheckedPushOptions } from '../../session/single/push-options.js';
import { answerFailure, type ResponseFailure, type ResponseSent, type Responses, writeError } from './responses.js';

type Entry = ResponseSent | ResponseFailure;

/**
 * Delivers to all recipients, and resolves with the entries of all.
 *
 * @param begin sends to one of them, whose entry has this place
 */
export function deliverTo(
  recipients: readonly string[],
  begin: (delivery: Delivery, place: number, device: string) => void,
): Promise<Responses<ResponseSent, ResponseFailure>> {
  return new Promise((resolve) => {
    const delivery = new Delivery(recipients.length, resolve);
    for (let place = 0; place < recipients.length; place++) begin(delivery, place, recipients[place]!);
  });
}

export class Delivery {
  readonly #entries: Entry[];
  #open: number;
  readonly #resolve: (responses: Responses<ResponseSent, ResponseFailure>) => void;

  /** @param count of recipients; 0: it is over already */
  constructor(count: number, resolve: (responses: Responses<ResponseSent, ResponseFailure>) => void) {
    this.#entries = new Array(count);
    this.#open = count;
    this.#resolve = resolve;
    if (count === 0) resolve({ sent: [], failed: [] });
  }

  settle(index: number, entry: Entry): void {
    this.#entries[index] = entry;
    this.#open -= 1;
    if (this.#open === 0) this.#end();
  }

  #end(): void {
    const sent: ResponseSent[] = [];
    const failed: ResponseFailure[] = [];
    for (const entry of this.#entries) {
      if ('status' in entry || 'error' in entry) failed.push(entry as ResponseFailure);
      else sent.push(entry);
    }
    this.#resolve({ sent, failed });
  }
}

/** Who counts the pushes under way. Implemented by Client. */
export interface DeliveryOwner {
  over(): void;
}

/** The notification to one recipient. */
export class DeliveryPush extends Push {
  readonly #owner: DeliveryOwner;
  readonly #delivery: Delivery;
  readonly #place: number;
  readonly #device: string;

  constructor(options: CheckedPushOptions, owner: DeliveryOwner, delivery: Delivery, place: number, device: string) {
    super(options, Number.POSITIVE_INFINITY);
    this.#owner = owner;
    this.#delivery = delivery;
    this.#place = place;
    this.#device = device;
  }

  accepted(from: LaneBatch): void {
    this.#settle(from, null, null);
  }

  rejected(from: LaneBatch, answer: OutcomeDetail): void {
    this.#settle(from, answer.apnsId, answerFailure(answer));
  }

  unanswered(_from: LaneBatch, outcome: 'unsent' | 'unknown', error: PealError): void {
    this.#delivery.settle(this.#place, { device: this.#device, error: writeError(outcome, error) });
    this.#owner.over();
  }

  #settle(from: LaneBatch, answered: string | null, failure: object | null): void {
    const apnsId = from.apnsIdAt(this.index) ?? answered;
    const entry: Entry = apnsId === null ? { device: this.#device } : { device: this.#device, 'apns-id': apnsId };
    this.#delivery.settle(this.#place, failure === null ? entry : Object.assign(entry, failure));
    this.#owner.over();
  }
}
