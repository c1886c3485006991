/**
 * Answers that are under way: a final status has come, the end of the stream has not. Only answers with a body or an
 * end of their own need one (APNs' 200 does not), so they are pooled objects. Owned by one connection, on its thread.
 */
import {
  maxHeldResponseBytes,
  maxReadBodyBytes,
  maxResponseBodyBytes,
  receiveStreamWindowBytes,
} from '../../base/limits.js';
import type { AnswerFields } from '../../push/answer.js';
import { ReceiveWindow } from '../http2/flow-control.js';

const initialBodyBytes = 256;
const noBody = new Uint8Array(0);
/** A pooled answer does not keep a larger buffer than this. */
const pooledBodyBytes = 4096;

export class PendingAnswer implements AnswerFields {
  status = 0;
  /** Of the content-length field; -1 without one. */
  contentLength = -1;
  apnsId: string | null = null;
  retryAfter: string | null = null;
  uniqueId: string | null = null;
  /** Bytes of body so far, kept or not. */
  bodyBytes = 0;
  readonly window = new ReceiveWindow(receiveStreamWindowBytes);
  #body = new Uint8Array(initialBodyBytes);
  #kept = 0;

  /** Bytes that the buffer for the body takes beyond its first. */
  get heldBytes(): number {
    return this.#body.length - initialBodyBytes;
  }

  /** Bytes that are kept without a larger buffer. */
  get capacity(): number {
    return this.#body.length;
  }

  get keptBytes(): number {
    return this.#kept;
  }

  /** Nothing is made where nothing is kept: each 200 of FCM has a body that few ask for. */
  get body(): Uint8Array {
    return this.#kept === 0 ? noBody : this.#body.subarray(0, this.#kept);
  }

  keep(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#kept + end - start;
    if (length > this.#body.length) {
      const grown = new Uint8Array(Math.max(length, this.#body.length * 2));
      grown.set(this.body);
      this.#body = grown;
    }
    this.#body.set(bytes.subarray(start, end), this.#kept);
    this.#kept = length;
  }

  /** What the next taker sets anyway stays as it is. */
  reset(): void {
    this.apnsId = null;
    this.retryAfter = null;
    this.uniqueId = null;
    this.bodyBytes = 0;
    this.window.reset();
    this.#kept = 0;
    if (this.#body.length > pooledBodyBytes) this.#body = new Uint8Array(initialBodyBytes);
  }
}

/** Hands out answers and takes them back; bounds what all bodies of a connection hold together. */
export class AnswerPool {
  /** Bodies of answers 200 are kept, too. */
  keepsAccepted = false;
  readonly #free: PendingAnswer[] = [];
  #heldBytes = 0;

  take(status: number): PendingAnswer {
    const answer = this.#free.pop() ?? new PendingAnswer();
    this.#heldBytes += answer.heldBytes;
    answer.status = status;
    return answer;
  }

  /**
   * Counts body bytes and keeps those of anything but a 200, whose body is of use only to those who keep ids. What
   * would be too much for this answer, or for all of them together, is dropped: the status says enough. Returns false
   * when the peer sends so much that the rest is not read.
   */
  add(answer: PendingAnswer, bytes: Uint8Array, start: number, end: number): boolean {
    answer.bodyBytes += end - start;
    if (answer.bodyBytes > maxReadBodyBytes) return false;
    if (answer.status === 200 && !this.keepsAccepted) return true;
    const most = this.#heldBytes > maxHeldResponseBytes ? answer.capacity : maxResponseBodyBytes;
    const keptEnd = Math.min(end, start + most - answer.keptBytes);
    if (keptEnd <= start) return true;
    const before = answer.heldBytes;
    answer.keep(bytes, start, keptEnd);
    this.#heldBytes += answer.heldBytes - before;
    return true;
  }

  give(answer: PendingAnswer): void {
    this.#heldBytes -= answer.heldBytes;
    answer.reset();
    this.#free.push(answer);
  }
}
