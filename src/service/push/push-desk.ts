/**
 * Sends what requests ask for through the lanes of the engine, bounded in number. Begins all pushes of a request or
 * none. Owned by a service; main thread.
 */
import { checkAuthentication } from '../../apns/compile-notification.js';
import { rethrowAssertion } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import { APNs } from '../../session/apns.js';
import type { Gateway } from '../../session/gateway.js';
import { invalidOutcome, type PushOutcome } from '../../session/single/push-outcome.js';
import { closingProblem, RefusedRequest, refusal } from '../http/answer.js';
import type { ServiceBooks } from '../http/service-books.js';
import type { GatewaySource } from './gateway-source.js';
import type { AskedPush, AskedPushes } from './push-request.js';

export class PushDesk {
  readonly #source: GatewaySource;
  readonly #books: ServiceBooks;
  readonly #maxPushes: number;
  readonly #senders = new WeakMap<Gateway, APNs>();
  #isStopped = false;
  readonly #whenIdle = new Set<() => void>();

  constructor(source: GatewaySource, books: ServiceBooks, maxPushes: number) {
    this.#source = source;
    this.#books = books;
    this.#maxPushes = maxPushes;
  }

  /**
   * Begins the pushes, and resolves with their outcomes to come, in the order of the request. They go on whatever
   * becomes of the client.
   *
   * @param before has to be over before the first is begun; where it fails, none is
   * @throws RefusedRequest 429 or 503, or PealError (as a rejection): nothing was begun
   */
  async begin(asked: AskedPushes, before?: () => Promise<void>): Promise<BegunPushes> {
    this.#reserve(asked.count);
    let senders: readonly APNs[];
    try {
      senders = await this.#sendersOf(asked.pushes);
      if (before !== undefined) await before();
      if (this.#isStopped) throw new RefusedRequest(closingProblem);
    } catch (error) {
      this.#release(asked.count);
      throw error;
    }
    const outcomes = new BegunPushes(asked.count);
    let at = 0;
    for (const [index, { message, tokens, options }] of asked.pushes.entries()) {
      const sender = senders[index]!;
      for (const token of tokens) {
        const place = at++;
        sender.push(message, token, options).then(
          (outcome) => this.#settled(outcomes, place, outcome),
          (error: unknown) => this.#settled(outcomes, place, refusedOutcome(error)),
        );
      }
    }
    this.#books.begun += asked.count;
    return outcomes;
  }

  /**
   * Begins nothing more, also of requests that are at hand: a body may come late, and a disk or a store may be slow.
   */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves once no push is without its outcome. */
  idle(): Promise<void> {
    if (this.#books.pushesInFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle.add(resolve);
    });
  }

  #reserve(count: number): void {
    if (this.#books.pushesInFlight + count > this.#maxPushes) {
      throw refusal(
        429,
        'too_many_pushes_in_flight',
        'As many pushes as the service may have are under way: try again.',
        [...['Retry-After', '1']],
      );
    }
    this.#books.pushesInFlight += count;
  }

  #release(count: number): void {
    this.#books.pushesInFlight -= count;
    if (this.#books.pushesInFlight > 0) return;
    for (const resolve of this.#whenIdle) resolve();
    this.#whenIdle.clear();
  }

  /** Of all pushes, checked against the credential that they are sent with. */
  async #sendersOf(pushes: readonly AskedPush[]): Promise<readonly APNs[]> {
    const senders: APNs[] = [];
    for (const { message, environment } of pushes) {
      const found = this.#source.gatewayFor(message.topic, environment);
      const gateway = found instanceof Promise ? await found : found;
      checkAuthentication(message.parts, gateway.credential, gateway.address);
      senders.push(this.#senderOf(gateway));
    }
    return senders;
  }

  #senderOf(gateway: Gateway): APNs {
    let sender = this.#senders.get(gateway);
    if (sender === undefined) {
      sender = new APNs(gateway);
      this.#senders.set(gateway, sender);
    }
    return sender;
  }

  #settled(outcomes: BegunPushes, place: number, outcome: PushOutcome): void {
    this.#books.settled(outcome);
    outcomes.set(place, outcome);
    this.#release(1);
  }
}

/** The pushes of one request that are under way. */
class BegunPushes {
  /** Resolves with the outcomes, and never rejects. */
  readonly outcomes: Promise<readonly PushOutcome[]>;
  readonly #known: PushOutcome[];
  #missing: number;
  #resolve: (outcomes: readonly PushOutcome[]) => void = () => {};

  constructor(count: number) {
    this.#known = new Array<PushOutcome>(count);
    this.#missing = count;
    this.outcomes = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  set(place: number, outcome: PushOutcome): void {
    this.#known[place] = outcome;
    this.#missing -= 1;
    if (this.#missing === 0) this.#resolve(this.#known);
  }
}

/** A message that cannot be sent by itself is an outcome among the others. */
function refusedOutcome(error: unknown): PushOutcome {
  rethrowAssertion(error);
  if (error instanceof PealError) return invalidOutcome(error);
  const message = 'The push could not be begun: see the cause.';
  return invalidOutcome(new PealError('ERR_PEAL_SHARD', message, { origin: 'engine', cause: error }));
}
