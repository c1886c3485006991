/**
 * A stream of items in, a stream of their outcomes out, for consumers of a queue that acknowledge each message by
 * itself. Made by APNs for each call of sendEach; main thread.
 *
 *   source ──pull, while fewer than maxInFlight are held──▶ lanes ──told──▶ ready ──next()──▶ consumer
 *                     held: pulled, and their outcomes not taken
 */
import { onAbort } from '../../base/abort-listeners.js';
import { assert, rethrowAssertion } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import { holdProcess, releaseProcess } from '../../base/process-hold.js';
import type { CompiledMessage } from '../../push/compiled-message.js';
import { faultOf } from '../send/books.js';
import { ItemSource, type ItemTaker } from './item-source.js';
import type { Lanes } from './lanes.js';
import { invalidOutcome, type PushOutcome, unansweredOutcome } from './push-outcome.js';
import { type AnyItem, type CheckedSendEachOptions, itemOptions, type PushItem } from './send-each-options.js';

/** What became of one item: the item itself, and the fields of a `PushOutcome`. */
export type ItemOutcome<Item extends AnyItem = PushItem> = PushOutcome & { readonly item: Item };

type Step<Item extends AnyItem> = IteratorResult<ItemOutcome<Item>, void>;

/** Where the items go: the gateway, which has other lanes once its session was closed. */
interface SendEachGateway {
  readonly lanes: Lanes;
}

/** The message of an item. Throws PealError for one that is not valid. */
type PartsOf = (message: AnyItem['message']) => CompiledMessage;

/** A consumer that waits for an outcome. */
interface Waiting<Item extends AnyItem> {
  readonly resolve: (step: Step<Item>) => void;
  readonly reject: (error: PealError) => void;
}

const over = { value: undefined, done: true } as const;

export class SendEach<Item extends AnyItem> implements AsyncGenerator<ItemOutcome<Item>, void, void> {
  readonly #gateway: SendEachGateway;
  readonly #partsOf: PartsOf;
  /** Those of its first `next()`: the session may have been closed since it was made. */
  #lanes: Lanes;
  readonly #options: CheckedSendEachOptions;
  readonly #source: ItemSource<Item>;
  /** Items that were pulled and whose outcomes were not taken. */
  #held = 0;
  /** Items that have no outcome yet, also if nobody will take it. */
  #underWay = 0;
  /** Outcomes to be taken, from `readyAt` on; then those of `later`. */
  #ready: (ItemOutcome<Item> | null)[] = [];
  #readyAt = 0;
  #later: ItemOutcome<Item>[] = [];
  /** Outcomes of items that are not valid: told in the next turn of the loop, so that many let other work run. */
  #refused: ItemOutcome<Item>[] = [];
  readonly #waiting: Waiting<Item>[] = [];
  #hasBegun = false;
  #isSourceOver = false;
  /** The consumer has left: outcomes are dropped. */
  #isLeft = false;
  /** Why an item that still comes is not sent; null while items are sent. */
  #stopped: PealError | null = null;
  /** What the source threw. Thrown to the consumer behind the last outcome, once. */
  #fault: PealError | null = null;
  #stopListening: (() => void) | null = null;

  constructor(
    source: Iterable<Item> | AsyncIterable<Item>,
    options: CheckedSendEachOptions,
    gateway: SendEachGateway,
    partsOf: PartsOf,
  ) {
    this.#gateway = gateway;
    this.#partsOf = partsOf;
    this.#lanes = gateway.lanes;
    this.#options = options;
    this.#source = new ItemSource(source, this.#taker(), this.#lanes.clock);
  }

  // --- what the consumer calls ---

  next(): Promise<Step<Item>> {
    if (!this.#hasBegun) this.#begin();
    const value = this.#takeReady();
    if (value !== null) {
      this.#held -= 1;
      this.#source.pull();
      return Promise.resolve({ value, done: false });
    }
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) holdProcess();
      this.#waiting.push({ resolve, reject });
      this.#source.pull();
      this.#endIfDone();
    });
  }

  return(): Promise<Step<Item>> {
    this.#leave();
    return Promise.resolve(over);
  }

  throw(error: unknown): Promise<Step<Item>> {
    this.#leave();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
  }

  // --- what comes in ---

  #taker(): ItemTaker<Item> {
    const hasRoom = (): boolean => this.#held < this.#options.maxInFlight;
    return {
      get hasRoom() {
        return hasRoom();
      },
      take: (item) => this.#take(item),
      end: (fault) => this.#sourceOver(fault),
    };
  }

  #begin(): void {
    this.#hasBegun = true;
    this.#lanes = this.#gateway.lanes;
    const { signal } = this.#options.usual;
    const stopListening = this.#lanes.sends.onShutdown(() => this.#stop(notSentError('the session was closed')));
    if (signal === null) {
      this.#stopListening = stopListening;
      return;
    }
    const onSignal = (): void => {
      this.#stop(notSentError('sendEach was aborted by its signal'));
      this.#lanes.abortAll(({ options }) => options.signal === signal && options.isStreamed);
    };
    const stopListeningToSignal = onAbort(signal, onSignal);
    this.#stopListening = () => {
      stopListening();
      stopListeningToSignal();
    };
    if (signal.aborted) onSignal();
  }

  #stop(cause: PealError): void {
    this.#stopped ??= cause;
    this.#source.stop();
  }

  #take(item: Item): void {
    this.#held += 1;
    this.#underWay += 1;
    if (this.#stopped !== null) {
      this.#add(item, unansweredOutcome('unsent', this.#stopped, null, 0));
      return;
    }
    try {
      const options = itemOptions(item, this.#options);
      this.#lanes.start(this.#partsOf(item.message), item.token, options, (outcome) => this.#add(item, outcome));
    } catch (error) {
      rethrowAssertion(error);
      this.#add(item, invalidOutcome(faultOf('An item of sendEach', error)));
    }
  }

  #sourceOver(fault: PealError | null): void {
    this.#isSourceOver = true;
    this.#fault = fault;
    this.#endListening();
    this.#endIfDone();
  }

  /** Once nothing is left to be stopped. */
  #endListening(): void {
    if (!this.#isSourceOver || this.#underWay > 0) return;
    this.#stopListening?.();
    this.#stopListening = null;
  }

  // --- what goes out ---

  #add(item: Item, outcome: PushOutcome): void {
    this.#underWay -= 1;
    this.#endListening();
    if (this.#isLeft) return;
    const itemOutcome = outcomeOf(item, outcome);
    if (outcome.outcome !== 'invalid') this.#give(itemOutcome);
    else if (this.#refused.push(itemOutcome) === 1) this.#lanes.clock.defer(this.#giveRefused);
  }

  readonly #giveRefused = (): void => {
    const refused = this.#refused;
    this.#refused = [];
    for (const outcome of refused) this.#give(outcome);
  };

  #give(value: ItemOutcome<Item>): void {
    if (this.#isLeft) return;
    const waiting = this.#takeWaiting();
    if (waiting === null) {
      this.#later.push(value);
      return;
    }
    this.#held -= 1;
    waiting.resolve({ value, done: false });
    // Its consumer pulls when it comes again; others that wait may be alone. Lanes are in the middle of something now.
    if (this.#waiting.length > 0) queueMicrotask(() => this.#source.pull());
    this.#endIfDone();
  }

  #takeReady(): ItemOutcome<Item> | null {
    if (this.#readyAt === this.#ready.length) {
      if (this.#later.length === 0) return null;
      this.#ready = this.#later;
      this.#readyAt = 0;
      this.#later = [];
    }
    const at = this.#readyAt;
    const outcome = this.#ready[at]!;
    // An item that was taken is held no longer.
    this.#ready[at] = null;
    this.#readyAt = at + 1;
    return outcome;
  }

  #takeWaiting(): Waiting<Item> | null {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return null;
    if (this.#waiting.length === 0) releaseProcess();
    return waiting;
  }

  /** Nothing follows: those that wait are told, the first of them what the source threw. */
  #endIfDone(): void {
    if (!this.#isSourceOver || this.#held > 0) return;
    for (let waiting = this.#takeWaiting(); waiting !== null; waiting = this.#takeWaiting()) {
      const fault = this.#fault;
      this.#fault = null;
      if (fault === null) waiting.resolve(over);
      else waiting.reject(fault);
    }
  }

  /** What is under way is finished without a consumer; lanes hold the process meanwhile. */
  #leave(): void {
    this.#hasBegun = true;
    this.#isLeft = true;
    this.#ready = [];
    this.#readyAt = 0;
    this.#later = [];
    this.#held = 0;
    this.#source.leave();
    // What it threw is nobody's any more.
    this.#fault = null;
    this.#endIfDone();
    assert(this.#waiting.length === 0, 'nobody waits for outcomes of a stream that was left');
  }
}

function notSentError(why: string): PealError {
  const message = `The item came after ${why}, and was not sent: give it back to its queue.`;
  return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
}

function outcomeOf<Item extends AnyItem>(item: Item, outcome: PushOutcome): ItemOutcome<Item> {
  const { status, reason, apnsId, timestampMs, retryAfterSeconds, attempts, error } = outcome;
  // Written out, because a spread of the outcome costs more; the compiler does not follow that the fields belong
  // together.
  return {
    item,
    outcome: outcome.outcome,
    status,
    reason,
    apnsId,
    timestampMs,
    retryAfterSeconds,
    attempts,
    error,
  } as ItemOutcome<Item>;
}
