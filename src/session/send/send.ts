/**
 * One send, from its recipients to its result: pulls recipients no faster than the engine takes batches, stops for a
 * signal, a refusal or a fault, and resolves once every recipient that was pulled has its outcome. One object for each
 * send, on the main thread; it leaves no timer and no listener behind.
 */
import { onAbort } from '../../base/abort-listeners.js';
import { assert, rethrowAssertion } from '../../base/assert.js';
import type { Clock, TimerHandle } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { batchLingerMs } from '../../base/limits.js';
import type { Batch } from '../../engine/batch.js';
import type { Dispatcher } from '../../engine/dispatcher/dispatcher.js';
import type { SendJob } from '../../engine/dispatcher/job.js';
import type { Route } from '../../engine/dispatcher/route.js';
import { isOverHttp2, type Protocol } from '../../push/address.js';
import type { PushMessage } from '../message/push-message.js';
import type { Result } from '../message/result.js';
import { type FieldContext, keptFieldsProblem, ownFieldsOf } from '../recipients/own-fields.js';
import { Packer } from '../recipients/packer.js';
import type { StreamedRecipient } from '../recipients/recipient.js';
import { Books, faultOf } from './books.js';
import type { GoneTokens } from './gone-tokens.js';
import { RecipientStream } from './recipient-stream.js';
import type { CheckedSendOptions } from './send-options.js';

/** What a session asks of the engine. */
export type Engine = Pick<Dispatcher, 'openRoute' | 'send' | 'stats' | 'queued' | 'outdate' | 'ping' | 'close'>;

/** Where a send goes. */
export interface SendTarget {
  readonly engine: Engine;
  readonly route: Route;
  readonly clock: Clock;
  readonly protocol: Protocol;
  /** Whether a message's own tokens are sent up to the first that is refused: the original library's contract. */
  readonly stopsAtFailure: boolean;
  /** Told which tokens are gone; null if they are not asked for. */
  readonly gone: GoneTokens | null;
}

export class Send {
  readonly #options: CheckedSendOptions;
  readonly #clock: Clock;
  readonly #books: Books;
  readonly #packer: Packer;
  readonly #job: SendJob;
  /** Then all recipients are checked before the first is handed over, too. */
  readonly #stopsAtFailure: boolean;
  /** Why no more recipients are taken in, other than what the engine knows. */
  #stopped: PealError | null = null;
  /** What recipients are pulled from, where that may have nothing to give for a while. */
  #stream: RecipientStream | null = null;
  #linger: TimerHandle | null = null;
  #state: 'new' | 'running' | 'finished' = 'new';

  constructor(target: SendTarget, message: PushMessage, options: CheckedSendOptions) {
    const { personal, total, outcomes, onInvalid, onProgress } = options;
    const { protocol, gone } = target;
    const onFault = (fault: PealError): void => this.stop(fault);
    const onGone = (token: string, timestampMs: number | null): void => gone?.add(token, timestampMs);
    this.#options = options;
    this.#stopsAtFailure = target.stopsAtFailure && options.recipients === message.tokens;
    this.#clock = target.clock;
    this.#books = new Books({
      message,
      clock: target.clock,
      protocol,
      total,
      keepIds: options.keepIds,
      outcomes,
      onInvalid,
      onProgress,
      onFault,
      onGone,
      interim: () => this.#job.interim(),
    });
    const context: FieldContext = { pushType: message.pushType, protocol, clock: target.clock };
    this.#packer = new Packer({
      tokens: message.parts,
      encodePayload: (payload) => message.encodePersonalPayload(payload, protocol),
      readFields: (recipient) => ownFieldsOf(recipient, context),
      checkKept: (fields) => keptFieldsProblem(fields, context),
      render: personal === null ? undefined : (rows) => personal.render(rows, context),
      needsPayloads: !message.hasPayload,
      onInvalid: (recipient) => this.#books.addInvalid(recipient),
      minTokenBytes: options.minTokenBytes,
      namesAll: options.onUnknown === 'resend' && !message.hasApnsId,
    });
    const { retry, onUnknown, stopAtBadTokens, keepIds, latencies } = options;
    this.#job = target.engine.send(target.route, message.notificationFor(protocol), this.#books, {
      stopsAtFailure: this.#stopsAtFailure,
      onStopped: () => this.#stream?.wake(),
      ...(isOverHttp2(protocol) && { retry, onUnknown, stopAtBadTokens, keepIds, latencies }),
    });
  }

  /** Runs the send. Rejects only for faults of this library. */
  async run(): Promise<Result> {
    assert(this.#state === 'new', 'a send runs once');
    this.#state = 'running';
    const { signal } = this.#options;
    const stopListening = signal === null ? null : onAbort(signal, this.#onAbort);
    if (signal?.aborted === true) this.#onAbort();
    this.#books.beginProgress();
    try {
      await this.#feedAll();
      await this.#job.finish();
    } catch (error) {
      // After a broken promise the job may never finish.
      rethrowAssertion(error);
      await this.#job.finish();
      throw error;
    } finally {
      stopListening?.();
      this.#books.endProgress();
    }
    this.#state = 'finished';
    this.#books.reportEnd();
    return this.#books.close(this.#stopped ?? this.#job.stopped);
  }

  async #feedAll(): Promise<void> {
    try {
      await this.#feed();
      await this.#dispatchAll(this.#packer.flush());
    } finally {
      this.#stopLingering();
    }
  }

  readonly #onAbort = (): void => {
    const message = 'The send was aborted by its signal: what is unsent can be sent again.';
    this.stop(new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true }));
  };

  /** What is not written becomes unsent, and no more is taken in. The first cause stays. */
  stop(cause: PealError): void {
    this.#stopped ??= cause;
    if (this.#state !== 'finished') this.#job.cancel(cause);
    this.#stream?.wake();
  }

  get #isStopped(): boolean {
    return this.#stopped !== null || this.#job.stopped !== null;
  }

  /** Whether more recipients are taken in: after a stop only if the rest counts as unsent. */
  get #takesMore(): boolean {
    return this.#options.takesRest || !this.#isStopped;
  }

  async #feed(): Promise<void> {
    const { recipients } = this.#options;
    if (!this.#takesMore) return;
    try {
      if (Symbol.asyncIterator in recipients) await this.#feedFromStream(recipients);
      else await this.#feedFrom(recipients);
    } catch (error) {
      rethrowAssertion(error);
      // What was read before is sent all the same; the engine's own errors come through `finish`.
      this.#stopped ??= faultOf('The recipients', error);
    }
  }

  async #feedFrom(recipients: Iterable<StreamedRecipient>): Promise<void> {
    for (const recipient of recipients) {
      this.#packer.add(recipient);
      if (this.#packer.hasFull && !this.#stopsAtFailure) await this.#dispatchAll(this.#packer.takeFull());
      if (!this.#takesMore) return;
    }
  }

  /** Like `feedFrom`, but does not let recipients wait for long, nor a stop, while the stream has nothing to give. */
  async #feedFromStream(recipients: AsyncIterable<StreamedRecipient>): Promise<void> {
    const stream = new RecipientStream(recipients);
    this.#stream = stream;
    try {
      while (this.#takesMore) {
        this.#lingerIfOpen();
        const isHurried = this.#isStopped && !this.#options.isPatient;
        const step = isHurried ? await stream.nextSoon(this.#clock) : await stream.next();
        if (step === 'late') return;
        if (step === null) await this.#dispatchAll(this.#packer.flush());
        else if (step.done === true) return;
        else this.#packer.add(step.value);
        if (this.#packer.hasFull) await this.#dispatchAll(this.#packer.takeFull());
      }
    } finally {
      await this.#endStream(stream);
    }
  }

  /** What the stream still gives for the pull that was open is counted like everything before it. */
  async #endStream(stream: RecipientStream): Promise<void> {
    this.#stopLingering();
    const last = await stream.end(this.#clock);
    this.#stream = null;
    if (last === 'open') this.#books.noteOpenPull();
    else if (last !== 'nothing') this.#packer.add(last.recipient);
  }

  #lingerIfOpen(): void {
    if (this.#linger !== null || !this.#packer.isOpen) return;
    this.#linger = this.#clock.setTimer(this.#onLingered, batchLingerMs);
  }

  readonly #onLingered = (): void => {
    this.#linger = null;
    this.#stream?.wake();
  };

  #stopLingering(): void {
    if (this.#linger !== null) this.#clock.clearTimer(this.#linger);
    this.#linger = null;
  }

  async #dispatchAll(batches: readonly Batch[]): Promise<void> {
    for (const batch of batches) {
      await this.#job.dispatch(batch);
      if (this.#isStopped) await this.#waitForSink();
    }
  }

  /** After a stop the engine gives batches back at once. So the send waits for the sink, and lets other work run. */
  async #waitForSink(): Promise<void> {
    await this.#books.taken;
    await new Promise<void>((resolve) => this.#clock.defer(resolve));
  }
}
