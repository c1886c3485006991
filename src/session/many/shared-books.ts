/**
 * The books of a send of many messages: one account of all of them, and of a message only what it leaves. Messages that
 * are a send of their own bring their results. Owned by SendMany and by lone sends; main thread.
 */
import type { PealError } from '../../base/errors.js';
import { maxErrorsKept } from '../../base/limits.js';
import type { Batch, OutcomeDetail } from '../../engine/batch.js';
import { REJECTED } from '../../engine/ledger.js';
import { Tally } from '../../engine/tally.js';
import type { Protocol } from '../../push/address.js';
import { isSendersFault } from '../../push/reason.js';
import { reasonCode } from '../../push-services/reasons.js';
import { Failure } from '../message/failure.js';
import type { PushMessage } from '../message/push-message.js';
import { type AcceptedId, type OutcomeCounts, partsOfResult, Result, type SendFault } from '../message/result.js';
import type { RetryState } from '../message/retry-state.js';
import type { InvalidRecipient } from '../recipients/recipient.js';
import { RecipientCollector } from '../recipients/recipient-collector.js';
import { RecipientList } from '../recipients/recipient-list.js';
import type { Subject } from './sent-push.js';

const listed = ['unsent', 'unknown', 'transient', 'refused'] as const;
const kinds = [...listed, 'badTokens'] as const;
type Kind = (typeof kinds)[number];

const noRecipients = RecipientList.empty;

/** Recipients that are kept: most often one. */
class Kept {
  #one: Batch | null = null;
  #more: RecipientCollector | null = null;
  readonly lists: RecipientList[] = [];

  add(batch: Batch, index: number): void {
    if (this.#one === null && this.#more === null && batch.tokens.count === 1) {
      this.#one = batch;
      return;
    }
    this.#more ??= new RecipientCollector();
    if (this.#one !== null) this.#more.add(this.#one, 0);
    this.#one = null;
    this.#more.add(batch, index);
  }

  toList(): RecipientList {
    const gathered = this.#one === null ? (this.#more?.toList() ?? noRecipients) : new RecipientList([this.#one]);
    return this.lists.length === 0 ? gathered : RecipientList.join([...this.lists, gathered]);
  }
}

/** What the messages with one notification leave. */
class Remainder {
  readonly #kept: Partial<Record<Kind, Kept>> = {};
  isFruitful = false;
  stopped: PealError | null = null;

  constructor(
    /** The one with the most attempts behind it. */
    public message: PushMessage,
    public position: number,
  ) {}

  kept(kind: Kind): Kept {
    const kept = this.#kept[kind] ?? new Kept();
    this.#kept[kind] = kept;
    return kept;
  }

  /** Adds what a send of its own left. */
  addState(state: RetryState): void {
    for (const kind of listed) if (state[kind].length > 0) this.kept(kind).lists.push(state[kind]);
    this.stopped ??= state.stopped;
    this.isFruitful ||= state.isFruitful;
  }

  /** @param areBadTokensRefused whether the sender is at fault for them, and not the tokens */
  state(areBadTokensRefused: boolean): RetryState {
    const { message, stopped, isFruitful } = this;
    const [unsent, unknown, transient, refused, bad] = kinds.map((kind) => this.#kept[kind]?.toList() ?? noRecipients);
    const allRefused = areBadTokensRefused ? RecipientList.concat(refused!, bad!) : refused!;
    return {
      message,
      unsent: unsent!,
      unknown: unknown!,
      transient: transient!,
      refused: allRefused,
      stopped,
      isFruitful,
    };
  }
}

/** A rejection, and where it stands in the order of recipients. */
interface Rejection {
  readonly position: number;
  readonly token: string;
  readonly failure: Failure;
}

export class SharedBooks {
  readonly #protocol: Protocol;
  readonly #keepsInvalid: boolean;
  #accepted = 0;
  #rejected = 0;
  #unsent = 0;
  #unknown = 0;
  #invalidCount = 0;
  #resent = 0;
  readonly #invalid: InvalidRecipient[] = [];
  readonly #rejections: Rejection[] = [];
  readonly #tally = new Tally();
  readonly #errors = new Map<string, { fault: SendFault; position: number }>();
  readonly #remainders = new Map<PushMessage['parts'], Remainder>();
  /** Messages of two notifications: with them a result knows that it is of several. */
  readonly #examples: Remainder[] = [];
  /** Of messages that were sends of their own. */
  readonly #reasons = new Map<string, number>();
  readonly #acceptedIds: { readonly position: number; readonly ids: ReadonlyMap<string, AcceptedId> }[] = [];

  /** @param keepsInvalid whether invalid recipients are kept; the caller takes them otherwise */
  constructor(keepsInvalid: boolean, protocol: Protocol) {
    this.#protocol = protocol;
    this.#keepsInvalid = keepsInvalid;
  }

  /** Those that have their outcome. */
  get counts(): OutcomeCounts {
    const [accepted, rejected, unsent, unknown] = [this.#accepted, this.#rejected, this.#unsent, this.#unknown];
    const invalid = this.#invalidCount;
    return {
      recipients: accepted + rejected + unsent + unknown + invalid,
      accepted,
      rejected,
      unsent,
      unknown,
      invalid,
    };
  }

  /** A message is sent. `position`: of its first recipient. */
  begin(message: PushMessage, position: number): void {
    if (this.#examples.length === 2 || this.#examples[0]?.message.parts === message.parts) return;
    this.#examples.push(this.#remainderOf(message, position));
  }

  /** @returns how many are accepted by now */
  addAccepted({ message, siblings }: Subject, attempts: number): number {
    this.#accepted += 1;
    this.#resent += attempts - 1;
    if (siblings !== null) siblings.isFruitful = true;
    if (this.#remainders.size > 0) this.#noteFruitful(message);
    return this.#accepted;
  }

  addRejected(
    subject: Subject,
    batch: Batch,
    index: number,
    answer: OutcomeDetail,
    attempts: number,
    stopped: PealError | null,
  ): void {
    const { position } = subject;
    const { status, reason } = answer;
    const failure = new Failure(answer, this.#protocol);
    const { kind } = failure;
    this.#rejected += 1;
    this.#resent += attempts - 1;
    this.#tally.add({
      ledger: Uint8Array.of(REJECTED + reasonCode(reason, this.#protocol)),
      details: [{ ...answer, index: 0 }],
    });
    this.#rejections.push({ position, token: batch.tokens.textAt(index), failure });
    if (failure.isTransient) {
      this.#keep('transient', subject, batch, index, stopped);
    } else {
      if (subject.siblings !== null) subject.siblings.isFruitful = true;
      if (isSendersFault(kind, false)) this.#keep('refused', subject, batch, index, stopped);
      else if (isSendersFault(kind, true)) this.#keep('badTokens', subject, batch, index, stopped);
      this.#noteFruitful(subject.message);
    }
    if (kind !== 'gone' && kind !== 'token') {
      this.#addError(position, reason === '' ? `HTTP ${status}` : reason, status, failure.explanation, 1);
    }
  }

  addUnanswered(
    subject: Subject,
    batch: Batch,
    index: number,
    outcome: 'unsent' | 'unknown',
    error: PealError,
    attempts: number,
    stopped: PealError | null,
  ): void {
    if (outcome === 'unsent') {
      this.#unsent += 1;
    } else {
      this.#unknown += 1;
      this.#resent += attempts - 1;
    }
    this.#keep(outcome, subject, batch, index, stopped);
    this.#addError(subject.position, error.code, null, error.message, 1);
  }

  /** @param recipient its index is its position among all */
  addInvalid(recipient: InvalidRecipient): void {
    this.#invalidCount += 1;
    if (this.#keepsInvalid) this.#invalid.push(recipient);
  }

  /** The recipients of a message could not be read to their end. */
  addUnreadable(message: PushMessage, position: number, cause: PealError): void {
    this.#remainderOf(message, position).stopped ??= cause;
  }

  /** A fault that hit no recipient. */
  addFault(reason: string, explanation: string): void {
    this.#addError(Number.POSITIVE_INFINITY, reason, null, explanation, 0);
  }

  /** What a message gave that was a send of its own. `position`: of its first recipient. */
  addResult(position: number, result: Result): void {
    const parts = partsOfResult(result);
    const { accepted, rejected, unsent, unknown, invalid } = parts.counts;
    this.#accepted += accepted;
    this.#rejected += rejected;
    this.#unsent += unsent;
    this.#unknown += unknown;
    this.#invalidCount += invalid;
    this.#resent += parts.resent ?? 0;
    for (const [reason, count] of parts.reasons) this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + count);
    for (const [token, failure] of parts.rejections) this.#rejections.push({ position, token, failure });
    for (const { reason, status, explanation, count } of parts.errors) {
      this.#addError(position, reason, status, explanation, count);
    }
    for (const one of parts.invalid) this.#invalid.push({ ...one, index: one.index + position });
    if (parts.acceptedIds !== undefined && parts.acceptedIds.size > 0) {
      this.#acceptedIds.push({ position, ids: parts.acceptedIds });
    }
    for (const state of parts.retryStates) {
      const isKnown = this.#remainders.has(state.message.parts);
      if (isKnown || leavesAnything(state)) this.#remainderOf(state.message, position).addState(state);
    }
  }

  /** @param stopped why it ended before its input did */
  close(stopped: PealError | null): Result {
    const areBadTokensRefused = stopped?.code === 'ERR_PEAL_STOPPED';
    const rejections = this.#rejections.sort(byPosition).map(({ token, failure }) => [token, failure] as const);
    const states = [...this.#remainders.values()].sort(byPosition).map((one) => one.state(areBadTokensRefused));
    const examples = new Set(this.#examples.map(({ message }) => message.parts));
    return new Result({
      counts: this.counts,
      reasons: this.#allReasons(),
      rejections: new Map(rejections),
      errors: [...this.#errors.values()].sort(byPosition).map(({ fault }) => fault),
      invalid: this.#invalid.sort((a, b) => a.index - b.index),
      acceptedIds: new Map(this.#acceptedIds.sort(byPosition).flatMap(({ ids }) => [...ids])),
      resent: this.#resent,
      retryStates: states.filter((state) => examples.has(state.message.parts) || leavesAnything(state)),
      stopped,
    });
  }

  #allReasons(): Map<string, number> {
    const reasons = new Map(this.#tally.reasons());
    for (const [reason, count] of this.#reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
    return reasons;
  }

  #keep(kind: Kind, subject: Subject, batch: Batch, index: number, stopped: PealError | null): void {
    const remainder = this.#remainderOf(subject.message, subject.position);
    remainder.kept(kind).add(batch, index);
    remainder.stopped ??= stopped;
    if (subject.siblings?.isFruitful === true) remainder.isFruitful = true;
  }

  #remainderOf(message: PushMessage, position: number): Remainder {
    let remainder = this.#remainders.get(message.parts);
    if (remainder === undefined) {
      remainder = new Remainder(message, position);
      this.#remainders.set(message.parts, remainder);
    }
    if (message.attempt > remainder.message.attempt) remainder.message = message;
    if (position < remainder.position) remainder.position = position;
    return remainder;
  }

  #noteFruitful({ parts }: PushMessage): void {
    const remainder = this.#remainders.get(parts);
    if (remainder !== undefined) remainder.isFruitful = true;
  }

  /** Each fault once, with the explanation that came with its first recipient. */
  #addError(position: number, reason: string, status: number | null, explanation: string, count: number): void {
    const known = this.#errors.get(reason);
    if (known === undefined) {
      if (this.#errors.size < maxErrorsKept)
        this.#errors.set(reason, { fault: { reason, status, explanation, count }, position });
      return;
    }
    const isEarlier = position < known.position;
    const first = isEarlier ? { reason, status, explanation } : known.fault;
    known.fault = { ...first, count: known.fault.count + count };
    if (isEarlier) known.position = position;
  }
}

function byPosition(a: { readonly position: number }, b: { readonly position: number }): number {
  return a.position - b.position;
}

function leavesAnything({ unsent, unknown, transient, refused, stopped }: RetryState): boolean {
  return unsent.length + unknown.length + transient.length + refused.length > 0 || stopped !== null;
}
