/**
 * Complete requests of one connection that wait to be processed, if the simulator has a scenario or a conduct: a fault
 * has to know which requests are in flight, and which are processed. Without either there is no stage, and requests are
 * answered at once.
 *
 *     complete ─▶ faults are triggered ─▶ held until due ─▶ conduct ─▶ booked and answered
 *                        │                     │
 *                        │                     └─ GOAWAY above, RST_STREAM: thrown away
 *                        └─ connection lost: processed or not, as is drawn; never answered
 */
import type { Clock, TimerHandle } from '../../base/clock.js';
import type { SimulatorLedger } from '../books/ledger.js';
import type { Chance } from '../faults/chance.js';
import type { ConnectionFaults, RequestFault } from '../faults/connection-faults.js';
import { answerForReason, answerForStatus, NO_ANSWER, REFUSED } from '../settings/answers.js';
import { errorCodeNames } from '../settings/scenario-fields.js';
import type { ConnectionConduct } from './connection-conduct.js';
import type { ServerStreams } from './server-streams.js';
import type { StreamAnswers } from './stream-answers.js';

/** Share of requests with lost answers that are processed, unless a fault gives it. */
export const defaultProcessedShare = 0.5;

interface HeldRequest {
  readonly streamId: number;
  readonly slot: number;
  readonly answer: number;
  readonly payloadBytes: number;
  /** By the simulator's clock. */
  dueMs: number;
  /** The fault that replaces its answer. */
  fault: RequestFault | null;
}

/** The dependencies of a stage. */
interface StageParts {
  readonly clock: Clock;
  readonly ledger: SimulatorLedger;
  readonly streams: ServerStreams;
  readonly answers: StreamAnswers;
  readonly faults: ConnectionFaults | null;
  readonly conduct: ConnectionConduct | null;
  readonly chance: Chance;
  /** Time that each request takes, in milliseconds. */
  readonly processingMs: number;
  /** Makes `processDue` run soon, because requests are due. */
  wake(): void;
}

export class RequestStage {
  readonly #parts: StageParts;
  /** By due time, then by arrival. */
  readonly #held: HeldRequest[] = [];
  #timer: TimerHandle | null = null;

  constructor(parts: StageParts) {
    this.#parts = parts;
  }

  /** A request is complete, and would get this answer. */
  take(streamId: number, slot: number, answer: number, payloadBytes: number): void {
    const { clock, faults, processingMs } = this.#parts;
    const held: HeldRequest = { streamId, slot, answer, payloadBytes, dueMs: Number.POSITIVE_INFINITY, fault: null };
    this.#held.push(held);
    if (faults !== null) {
      faults.onRequest();
      if (this.#held.at(-1) !== held) return; // it was thrown away, or lost with its connection
      held.fault = faults.requestFault();
    }
    this.#held.pop();
    held.dueMs = clock.now() + processingMs + (faults?.delayMs() ?? 0);
    this.#insert(held);
  }

  holds(streamId: number): boolean {
    return this.#held.some((held) => held.streamId === streamId);
  }

  /** The stream was reset, or is not served any more. */
  forget(streamId: number): void {
    const index = this.#held.findIndex((held) => held.streamId === streamId);
    if (index >= 0) this.#held.splice(index, 1);
  }

  /** Processes the due requests. */
  processDue(): void {
    const { clock } = this.#parts;
    const nowMs = clock.now();
    for (let head = this.#held[0]; head !== undefined && head.dueMs <= nowMs; head = this.#held[0]) {
      this.#held.shift();
      this.#process(head);
    }
    const next = this.#held[0];
    if (next === undefined || this.#timer !== null) return;
    this.#timer = clock.setTimer(this.#onTimer, next.dueMs - nowMs);
  }

  /** The connection is lost. @param share Share of the waiting requests that are processed nevertheless. */
  lose(share: number): void {
    const { answers, chance, ledger } = this.#parts;
    for (const { slot, answer, payloadBytes } of this.#held.splice(0)) {
      if (answer !== REFUSED && chance.is(share)) answers.book(slot, NO_ANSWER, payloadBytes);
      else ledger.recordUnprocessed();
    }
    this.close();
  }

  /** Clears the timer. */
  close(): void {
    if (this.#timer !== null) this.#parts.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#parts.wake();
  };

  #insert(held: HeldRequest): void {
    const list = this.#held;
    let at = list.length;
    while (at > 0 && list[at - 1]!.dueMs > held.dueMs) at--;
    if (at === list.length) list.push(held);
    else list.splice(at, 0, held);
    if (at > 0 || this.#timer === null) return;
    // Due sooner than the timer.
    this.close();
    this.#parts.wake();
  }

  #process(held: HeldRequest): void {
    const { answers, conduct, streams } = this.#parts;
    const { streamId, slot, payloadBytes, fault } = held;
    let answer = held.answer;
    let retryAfterS = -1;
    let bodyBytes = 0;
    if (fault !== null) {
      if (fault.do === 'noAnswer' || fault.do === 'rst') {
        this.#leave(held, fault);
        return;
      }
      if (fault.do === 'refuse') answer = REFUSED;
      else {
        if (fault.reason !== undefined) answer = answerForReason(fault.reason);
        else if (fault.status !== undefined) answer = answerForStatus(fault.status);
        retryAfterS = fault.retryAfterS ?? -1;
        bodyBytes = fault.bodyBytes ?? 0;
      }
    }
    if (conduct !== null && (fault === null || fault.do !== 'refuse')) {
      answer = conduct.judge(answer, streams, slot);
    }
    answers.settle(streamId, slot, answer, payloadBytes, retryAfterS, bodyBytes);
    conduct?.onAnswered(answer);
  }

  /** A request without an answer. A draw decides whether it is processed. */
  #leave({ streamId, slot, payloadBytes }: HeldRequest, fault: RequestFault & { do: 'noAnswer' | 'rst' }): void {
    const { answers, chance, ledger } = this.#parts;
    // REFUSED_STREAM says that the request was not processed (RFC 9113 §8.7).
    const isRefused = fault.do === 'rst' && fault.code === 'REFUSED_STREAM';
    if (chance.is(isRefused ? 0 : (fault.processed ?? defaultProcessedShare)))
      answers.book(slot, NO_ANSWER, payloadBytes);
    else ledger.recordUnprocessed();
    if (fault.do === 'rst') answers.reset(streamId, slot, errorCodeNames.indexOf(fault.code ?? 'INTERNAL_ERROR'));
  }
}
