/**
 * A send of many messages, each to its own tokens: pulls messages no faster than they can be sent, stops for a signal,
 * a refusal of the credential or a fault, and resolves once every recipient that was taken has its outcome. One object
 * for each call; main thread.
 *
 *   message ──to a few recipients──▶ lanes: batches shared by all messages ──▶ shared books ──▶ Result
 *      └─────to many, or with options that lanes do not serve──▶ a Send of its own ──▶ its Result ──▲
 */
import { onAbort } from '../../base/abort-listeners.js';
import { assert, rethrowAssertion } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import {
  lastPullMs,
  maxMessagesAtOnce,
  maxMessagesOfTurn,
  maxRecipientsUnderWay,
  maxSharedRecipients,
} from '../../base/limits.js';
import type { Batch, OutcomeDetail } from '../../engine/batch.js';
import type { SendJob } from '../../engine/dispatcher/job.js';
import { isOverHttp2 } from '../../push/address.js';
import type { PushMessage } from '../message/push-message.js';
import type { Result } from '../message/result.js';
import { type FieldContext, keptFieldsProblem, ownFieldsOf } from '../recipients/own-fields.js';
import { Packer } from '../recipients/packer.js';
import { countRecipients, type InvalidRecipient, type Recipient, textOf } from '../recipients/recipient.js';
import { faultOf } from '../send/books.js';
import { type Progress, ProgressReporter } from '../send/progress.js';
import { RecipientStream } from '../send/recipient-stream.js';
import { Send, type SendTarget } from '../send/send.js';
import type { CheckedSendOptions } from '../send/send-options.js';
import type { Push } from '../single/lane-batch.js';
import type { Lanes } from '../single/lanes.js';
import type { CheckedPushOptions } from '../single/push-options.js';
import { isToken } from './lone-send.js';
import { Refusals } from './refusals.js';
import { batchOf, type PushOwner, SentPush, type Siblings, type Subject, sentPushOptions } from './sent-push.js';
import { SharedBooks } from './shared-books.js';

export type Messages<M extends PushMessage = PushMessage> = Iterable<M> | AsyncIterable<M>;

/** Where the messages go. */
interface ManyTarget extends SendTarget {
  readonly lanes: Lanes;
}

export class SendMany implements PushOwner {
  readonly #messages: Messages;
  readonly #options: CheckedSendOptions;
  /** Throws for what cannot be sent. Only messages that come out of a stream are checked as they are pulled. */
  readonly #check: (message: PushMessage) => void;
  readonly #target: ManyTarget;
  readonly #clock: Clock;
  readonly #pushOptions: CheckedPushOptions;
  readonly #books: SharedBooks;
  readonly #refusals: Refusals;
  readonly #progress: ProgressReporter | null;
  /** Has no recipients: it tells that the session is closed, and that no thread is left. */
  readonly #guard: SendJob | undefined;
  readonly #usesLanes: boolean;
  /** Messages, and recipients of those, that were taken. */
  #taken = 0;
  #position = 0;
  /** Recipients in lanes that have no outcome. */
  #underWay = 0;
  /** Messages that are sends of their own, and how far each is. */
  readonly #own = new Map<Send, Progress | null>();
  /** Why nothing more is sent. */
  #stopped: PealError | null = null;
  /** Why no more messages are pulled; those before are sent all the same. */
  #inputFault: PealError | null = null;
  /** A promise that peal broke. */
  #failure: { readonly error: unknown } | null = null;
  #stream: RecipientStream<PushMessage> | null = null;
  #onRoom: (() => void) | null = null;
  #onIdle: (() => void) | null = null;
  #reported = { done: 0, queued: 0 };

  constructor(
    target: ManyTarget,
    messages: Messages,
    options: CheckedSendOptions,
    check: (message: PushMessage) => void,
  ) {
    const { outcomes, latencies, keepIds, onUnknown, onProgress, retry, stopAtBadTokens } = options;
    this.#messages = messages;
    this.#options = options;
    this.#check = check;
    this.#target = target;
    this.#clock = target.clock;
    this.#pushOptions = sentPushOptions(retry);
    this.#books = new SharedBooks(options.onInvalid === null, target.protocol);
    this.#refusals = new Refusals(stopAtBadTokens, target.protocol);
    this.#progress = onProgress === null ? null : new ProgressReporter(onProgress, target.clock, options.total);
    const isPlain = outcomes === null && latencies === null && !keepIds && onUnknown === 'report';
    this.#usesLanes = isOverHttp2(target.protocol) && isPlain;
    const nothing = { headers: [], payload: new Uint8Array(0), expiration: null, priority: null };
    this.#guard = target.engine.send(
      target.route,
      nothing,
      { settled: () => {} },
      {
        onStopped: () => this.#onGuardStopped(),
      },
    );
  }

  /** Runs the send. Rejects only for faults of this library. */
  async run(): Promise<Result> {
    const { signal } = this.#options;
    const stopListening = signal === null ? null : onAbort(signal, this.#onAbort);
    this.#onGuardStopped();
    if (signal?.aborted === true) this.#onAbort();
    this.#progress?.start(() => this.#reportProgress());
    try {
      await this.#feed();
      await this.#untilIdle();
    } finally {
      this.#progress?.stop();
      stopListening?.();
      await this.#guard!.finish();
    }
    if (this.#failure !== null) throw this.#failure.error;
    this.#report();
    return this.#books.close(this.#stopped ?? this.#inputFault);
  }

  /** Called within the constructor, too, if the session is closed. */
  #onGuardStopped(): void {
    const stopped = this.#guard?.stopped ?? null;
    if (stopped !== null) this.#stop(stopped);
  }

  readonly #onAbort = (): void => {
    const message = 'The send was aborted by its signal: what is unsent can be sent again.';
    this.#stop(new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true }));
  };

  /** What is not written becomes unsent, and no more is taken in. The first cause stays. */
  #stop(cause: PealError): void {
    if (this.#stopped !== null) return;
    this.#stopped = cause;
    for (const send of this.#own.keys()) send.stop(cause);
    // Not within what a lane is doing now.
    queueMicrotask(() => {
      if (this.#underWay > 0) this.#target.lanes.abortAll((push) => this.#isOwn(push));
    });
    this.#stream?.wake();
    this.#wake();
  }

  #isOwn(push: Push): boolean {
    return push instanceof SentPush && push.owner === this;
  }

  get isStopped(): boolean {
    return this.#stopped !== null;
  }

  // --- messages ---

  async #feed(): Promise<void> {
    try {
      if (Symbol.asyncIterator in this.#messages) await this.#feedFromStream(this.#messages);
      else await this.#feedFrom(this.#messages);
    } catch (error) {
      rethrowAssertion(error);
      this.#inputFault = this.#faultOfInput(error);
    }
  }

  /** Whether more messages are taken: after a stop only if the rest counts as unsent. */
  get #takesMore(): boolean {
    return this.#failure === null && (this.#options.takesRest || this.#stopped === null);
  }

  async #feedFrom(messages: Iterable<PushMessage>): Promise<void> {
    if (!this.#takesMore) return;
    for (const message of messages) {
      this.#take(message);
      if (this.#needsPause) await this.#pause();
      if (!this.#takesMore) return;
    }
  }

  /** Like `feedFrom`, but does not let a stop wait while the stream has nothing to give. */
  async #feedFromStream(messages: AsyncIterable<PushMessage>): Promise<void> {
    const stream = new RecipientStream(messages);
    this.#stream = stream;
    try {
      while (this.#takesMore) {
        const isHurried = this.#stopped !== null && !this.#options.isPatient;
        const step = isHurried ? await stream.nextSoon(this.#clock) : await stream.next();
        if (step === 'late') return;
        if (step === null) continue;
        if (step.done === true) return;
        this.#take(step.value);
        if (this.#needsPause) await this.#pause();
      }
    } finally {
      this.#stream = null;
      // What the stream still gives for the pull that was open is counted like everything before it.
      const last = await stream.end(this.#clock);
      if (last === 'open') this.#noteOpenPull();
      else if (last !== 'nothing') this.#take(last.recipient);
    }
  }

  #noteOpenPull(): void {
    const seconds = lastPullMs / 1000;
    const explanation =
      `The stream of messages was asked for one when the send stopped, and gave none within ${seconds} seconds. ` +
      'What it gives later is in no outcome: let it end by the same signal.';
    this.#books.addFault('ERR_PEAL_INPUT', explanation);
  }

  #faultOfInput(error: unknown): PealError {
    const fault = faultOf('The messages', error);
    if (fault !== error) return fault;
    return fault.withSentence(
      `It came with message ${this.#taken} of the call, counted from 0; those before it are sent.`,
    );
  }

  #take(message: PushMessage): void {
    this.#check(message);
    this.#taken += 1;
    const { tokens } = message;
    if (tokens.length === 0) return;
    const position = this.#position;
    const count = tokens.length === 1 && isToken(tokens[0]) ? 1 : countRecipients(tokens);
    this.#position = position + count;
    this.#books.begin(message, position);
    if (!this.#usesLanes || count > maxSharedRecipients) {
      this.#sendOwn(message, position, count);
      return;
    }
    const siblings = count > 1 ? { isFruitful: false } : null;
    let at = position;
    for (const recipient of tokens) {
      if (isToken(recipient) && message.hasPayload) {
        this.#sendPlain(message, recipient, at, siblings);
        at += 1;
      } else if (this.#sendPacked(message, recipient, at, siblings)) {
        at += countRecipients([recipient]);
      } else {
        return;
      }
    }
  }

  /** One token that brings nothing of its own. */
  #sendPlain(message: PushMessage, token: string | Uint8Array, position: number, siblings: Siblings | null): void {
    const { minTokenBytes } = this.#options;
    if (this.#stopped !== null) {
      const bytes = message.parts.readToken(token, minTokenBytes);
      if (typeof bytes === 'string') this.#addInvalid({ index: position, text: textOf(token), why: bytes });
      else
        this.#addUnsent(
          { message, position, siblings },
          batchOf(new Uint8Array(bytes), message.parts.encoding),
          0,
          this.#stopped,
        );
      return;
    }
    const push = new SentPush(this, message, position, siblings, this.#pushOptions);
    const why = this.#target.lanes.begin(push, message.parts, token, false, minTokenBytes);
    if (why === null) this.#underWay += 1;
    else this.#addInvalid({ index: position, text: textOf(token), why });
  }

  /** A recipient in any other form, or a list of them. Returns false if it cannot be read. */
  #sendPacked(message: PushMessage, recipient: Recipient, position: number, siblings: Siblings | null): boolean {
    const packer = this.#packerFor(message, position);
    let fault: PealError | null = null;
    try {
      packer.add(recipient);
    } catch (error) {
      rethrowAssertion(error);
      fault = faultOf('The recipients', error);
    }
    let at = position;
    for (const batch of packer.flush()) {
      for (let index = 0; index < batch.tokens.count; index++) this.#sendOne(message, batch, index, at++, siblings);
    }
    if (fault !== null) this.#books.addUnreadable(message, position, fault);
    return fault === null;
  }

  #sendOne(message: PushMessage, batch: Batch, index: number, position: number, siblings: Siblings | null): void {
    if (this.#stopped !== null) {
      this.#addUnsent({ message, position, siblings }, batch, index, this.#stopped);
      return;
    }
    const push = new SentPush(this, message, position, siblings, this.#pushOptions);
    push.comesFrom(batch, index);
    this.#target.lanes.beginPacked(push, message.parts, batch, index);
    this.#underWay += 1;
  }

  #packerFor(message: PushMessage, position: number): Packer {
    const { protocol } = this.#target;
    const context: FieldContext = { pushType: message.pushType, protocol, clock: this.#clock };
    return new Packer({
      tokens: message.parts,
      encodePayload: (payload) => message.encodePersonalPayload(payload, protocol),
      readFields: (one) => ownFieldsOf(one, context),
      checkKept: (fields) => keptFieldsProblem(fields, context),
      needsPayloads: !message.hasPayload,
      onInvalid: (one) => this.#addInvalid({ ...one, index: one.index + position }),
      minTokenBytes: this.#options.minTokenBytes,
    });
  }

  #addInvalid(recipient: InvalidRecipient): void {
    const { onInvalid } = this.#options;
    this.#books.addInvalid(recipient);
    if (onInvalid !== null) this.#guarded('onInvalid', () => onInvalid(recipient));
  }

  #addUnsent(subject: Subject, batch: Batch, index: number, cause: PealError): void {
    this.#books.addUnanswered(subject, batch, index, 'unsent', cause, 0, cause);
  }

  // --- messages that are sends of their own ---

  #sendOwn(message: PushMessage, position: number, total: number): void {
    const { onInvalid, onProgress } = this.#options;
    const send: Send = new Send(this.#target, message, {
      ...this.#options,
      recipients: message.tokens,
      total,
      signal: null,
      takesRest: true,
      onInvalid: onInvalid && ((one) => onInvalid({ ...one, index: one.index + position })),
      onProgress: onProgress && ((progress) => this.#own.set(send, progress)),
    });
    this.#own.set(send, null);
    if (this.#stopped !== null) send.stop(this.#stopped);
    send.run().then(
      (result) => {
        this.#books.addResult(position, result);
        this.#ownEnded(send, result.stopped);
      },
      (error: unknown) => {
        this.#failure ??= { error };
        this.#ownEnded(send, null);
      },
    );
  }

  #ownEnded(send: Send, stopped: PealError | null): void {
    this.#own.delete(send);
    if (stopped !== null && meetsAll(stopped)) this.#stop(stopped);
    this.#wake();
  }

  // --- outcomes of the others ---

  accepted(subject: Subject, attempts: number): void {
    this.#books.addAccepted(subject, attempts);
    this.#refusals.accepted();
    this.#ended();
  }

  rejected(subject: Subject, recipients: Batch, index: number, answer: OutcomeDetail, attempts: number): void {
    const verdict = this.#stopped === null ? this.#refusals.rejected(answer) : null;
    this.#books.addRejected(subject, recipients, index, answer, attempts, this.#stopped);
    if (verdict !== null) this.#stop(verdict);
    this.#ended();
  }

  unanswered(
    subject: Subject,
    recipients: Batch,
    index: number,
    outcome: 'unsent' | 'unknown',
    error: PealError,
    attempts: number,
    stopped: PealError | null,
  ): void {
    if (stopped !== null) this.#stop(stopped);
    const cause = outcome === 'unsent' ? (this.#stopped ?? error) : error;
    this.#books.addUnanswered(subject, recipients, index, outcome, cause, attempts, this.#stopped);
    this.#ended();
  }

  #ended(): void {
    this.#underWay -= 1;
    assert(this.#underWay >= 0, 'a recipient has one outcome');
    if (this.#onRoom !== null || this.#onIdle !== null) this.#wake();
  }

  // --- waiting ---

  get #needsPause(): boolean {
    return this.#isFull || this.#taken % maxMessagesOfTurn === 0;
  }

  get #isFull(): boolean {
    return this.#underWay >= maxRecipientsUnderWay || this.#own.size >= maxMessagesAtOnce;
  }

  /** Until there is room for a good part of a batch, and the loop has had a turn. */
  async #pause(): Promise<void> {
    if (this.#isFull) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
    await new Promise<void>((resolve) => this.#clock.defer(resolve));
  }

  async #untilIdle(): Promise<void> {
    if (this.#underWay === 0 && this.#own.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #wake(): void {
    const hasRoom = this.#underWay <= maxRecipientsUnderWay - maxMessagesOfTurn && this.#own.size < maxMessagesAtOnce;
    if (this.#onRoom !== null && hasRoom) {
      this.#onRoom();
      this.#onRoom = null;
    }
    if (this.#onIdle !== null && this.#underWay === 0 && this.#own.size === 0) {
      this.#onIdle();
      this.#onIdle = null;
    }
  }

  // --- progress ---

  #reportProgress(): void {
    const { done, queued } = this.#now();
    if (done > this.#reported.done || queued !== this.#reported.queued) this.#report();
  }

  #report(): void {
    const progress = this.#progress;
    if (progress === null) return;
    const { done, queued, ...counts } = this.#now();
    this.#reported = { done, queued };
    this.#guarded('onProgress', () => progress.report({ ...counts, recipients: done }, queued));
  }

  /** The books, and what the sends of their own that run have told. */
  #now(): Omit<Progress, 'total'> {
    const { recipients, ...counts } = this.#books.counts;
    const queued = this.#underWay === 0 ? 0 : Math.min(this.#underWay, this.#target.lanes.queued);
    const sums = { done: recipients, ...counts, queued };
    for (const progress of this.#own.values()) {
      if (progress !== null) for (const name of counted) sums[name] += progress[name];
    }
    return sums;
  }

  /** Runs what the program handed in; its failure stops the send. */
  #guarded(name: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#stop(faultOf(`The option ${name} of send`, error));
    }
  }
}

const counted = ['done', 'accepted', 'rejected', 'unsent', 'unknown', 'invalid', 'queued'] as const;

/** Whether what stopped the send of one message would meet the others as well: not a refusal of that message alone. */
function meetsAll({ code, origin }: PealError): boolean {
  return code !== 'ERR_PEAL_DISCARDED' && (code !== 'ERR_PEAL_STOPPED' || origin === 'credential');
}
