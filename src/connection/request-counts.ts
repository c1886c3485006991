/**
 * The running totals of one connection. Owned by the connection, read by its pool. Plain fields, because every
 * notification is counted.
 */
import { assert } from '../base/assert.js';
import type { ConnectionCounts } from './gateway-connection.js';

export class RequestCounts implements ConnectionCounts {
  submitted = 0;
  /** Answers of any status. */
  answers = 0;
  /** Requests that were certainly not processed, and those that were written and not answered. */
  unprocessed = 0;
  unanswered = 0;
  bytesSent = 0;
  bytesReceived = 0;
  /** Answers that settled no recipient. */
  #inconclusive = 0;
  #roundTripMs = Number.POSITIVE_INFINITY;
  #workingSinceMs = Number.POSITIVE_INFINITY;
  #answersAtRead = 0;
  #unprocessedAtRead = 0;
  #unansweredAtRead = 0;

  get progress(): number {
    return this.answers - this.#inconclusive;
  }

  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  get workingSinceMs(): number {
    return this.#workingSinceMs;
  }

  /** So many more of the answers settled no recipient. */
  noteInconclusive(count: number): void {
    this.#inconclusive += count;
    assert(this.progress >= 0, 'no more answers settle no recipient than came');
  }

  /**
   * After a read with answers, `sinceFirstMs` after the first request. Returns whether the first answer of the
   * connection that settled a recipient is among them.
   */
  noteFirstAnswers(nowMs: number, sinceFirstMs: number): boolean {
    if (this.#workingSinceMs !== Number.POSITIVE_INFINITY) return false;
    this.#roundTripMs = Math.min(this.#roundTripMs, sinceFirstMs);
    if (this.progress === 0) return false;
    this.#workingSinceMs = nowMs;
    return true;
  }

  /** Requests with an outcome. */
  get settled(): number {
    return this.answers + this.unprocessed + this.unanswered;
  }

  get inFlight(): number {
    return this.submitted - this.settled;
  }

  /** Answers since endRead(). */
  get readAnswers(): number {
    return this.answers - this.#answersAtRead;
  }

  /** Requests since endRead() that came back as not processed. */
  get readUnprocessed(): number {
    return this.unprocessed - this.#unprocessedAtRead;
  }

  /** Requests since endRead() that were lost. */
  get readUnanswered(): number {
    return this.unanswered - this.#unansweredAtRead;
  }

  endRead(): void {
    this.#unansweredAtRead = this.unanswered;
    this.#answersAtRead = this.answers;
    this.#unprocessedAtRead = this.unprocessed;
  }
}
