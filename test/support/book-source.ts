/**
 * A request source for tests that keeps a book: every recipient has at most one outcome, whatever the connections do,
 * or the test fails at once. Recipients are numbered; number and token give each other.
 */

import assert from 'node:assert/strict';
import type { PealError } from '../../src/base/errors.js';
import type { RequestRun, RequestSource } from '../../src/connection/request-source.js';
import type { Answer } from '../../src/push/answer.js';
import type { Notification, PersonalParts } from '../../src/push/notification.js';
import { TokenBlock } from '../../src/push/token-block.js';

export type Outcome = 'waiting' | 'taken' | 'accepted' | 'rejected' | 'unsent' | 'unknown';

interface MutableRun extends RequestRun {
  order: Uint16Array;
  head: number;
}

export interface BookOptions {
  readonly recipients: number;
  readonly runSize?: number;
  readonly payloadBytes?: number;
  /** Send again what came back unsent, so often at most for each recipient. Default 0. */
  readonly resends?: number;
  readonly headers?: Notification['headers'];
  /** Each recipient has a payload and an apns-id of its own: payloadOf() and idOf(). */
  readonly isPersonal?: boolean;
  /** Runs from this recipient on ask how long their answers took. Default: none does. */
  readonly timedFrom?: number;
}

export class BookSource implements RequestSource {
  readonly outcomes: Outcome[];
  readonly rejections: { index: number; rejection: Answer }[] = [];
  readonly causes: { index: number; cause: PealError }[] = [];
  readonly failures: PealError[] = [];
  readonly retries = new Set<number>();
  /** How long answers took, in the order in which they came. */
  readonly latencies: { readonly index: number; readonly ms: number }[] = [];
  /** Provider tokens that the pool reported as expired, in order. */
  readonly expiredTokens: string[] = [];
  readonly #runs: MutableRun[] = [];
  readonly #resends: number;
  readonly #sendsOf: Uint8Array;
  #settled = 0;
  #first = 0;
  /** Called when the last recipient has its outcome. */
  onDone: () => void = () => {};

  constructor(readonly options: BookOptions) {
    const { recipients, runSize = 1024 } = options;
    this.outcomes = new Array<Outcome>(recipients).fill('waiting');
    this.#resends = options.resends ?? 0;
    this.#sendsOf = new Uint8Array(recipients);
    const notification = notificationOf(options);
    for (let start = 0; start < recipients; start += runSize) {
      const count = Math.min(runSize, recipients - start);
      const bytes = new Uint8Array(count * 32);
      for (let i = 0; i < count; i++) bytes.set(tokenOf(start + i), i * 32);
      this.#runs.push({
        notification,
        notificationId: 1,
        tokens: new TokenBlock(bytes, 32, count),
        personal: options.isPersonal === true ? personalParts(start, count) : null,
        order: Uint16Array.from({ length: count }, (_, i) => i),
        head: 0,
        tagBase: start,
        isTimed: start >= (options.timedFrom ?? Number.POSITIVE_INFINITY),
      });
    }
  }

  /** Keeps all but the first `count` recipients back, whose runs begin there, until the returned function is called. */
  withhold(count: number): () => void {
    const later = this.#runs.splice(this.#runs.findIndex((run) => run.tagBase === count));
    return () => void this.#runs.push(...later);
  }

  current(): RequestRun | null {
    for (; this.#first < this.#runs.length; this.#first++) {
      const run = this.#runs[this.#first]!;
      if (run.head < run.order.length) return run;
    }
    return null;
  }

  /** Within the run that is next; the other runs keep their order. */
  skip(share: number): void {
    const run = this.current();
    if (run === null) return;
    const waiting = [...run.order.subarray(run.head)];
    const skipped = waiting.splice(0, Math.floor(share * waiting.length));
    run.order.set([...waiting, ...skipped], run.head);
  }

  taken(run: RequestRun, count: number): void {
    const mine = run as MutableRun;
    for (let i = 0; i < count; i++) {
      const index = run.tagBase + mine.order[mine.head++]!;
      assert.equal(this.outcomes[index], 'waiting', `recipient ${index} is taken twice`);
      this.outcomes[index] = 'taken';
    }
  }

  onLatency(index: number, ms: number): void {
    this.latencies.push({ index, ms });
  }

  onAccepted(tag: number): void {
    this.#settle(tag, 'accepted');
  }

  /** Whoever was sent to before; tests that need it say so. */
  isRetry(tag: number): boolean {
    return this.retries.has(tag);
  }

  onRejected(tag: number, rejection: Answer): void {
    this.rejections.push({ index: tag, rejection });
    this.#settle(tag, 'rejected');
  }

  onUnsent(tag: number, cause: PealError, isFree = false): void {
    this.causes.push({ index: tag, cause });
    if ((!isFree || this.#resends === 0) && this.#sendsOf[tag]!++ >= this.#resends) {
      this.#settle(tag, 'unsent');
      return;
    }
    assert.equal(this.outcomes[tag], 'taken');
    this.outcomes[tag] = 'waiting';
    const runIndex = Math.floor(tag / (this.options.runSize ?? 1024));
    const run = this.#runs[runIndex]!;
    run.order[--run.head] = tag - run.tagBase;
    this.#first = Math.min(this.#first, runIndex);
  }

  onUnknown(tag: number, cause: PealError): void {
    this.causes.push({ index: tag, cause });
    this.#settle(tag, 'unknown');
  }

  onProviderTokenExpired(token: string): void {
    this.expiredTokens.push(token);
  }

  onFailed(error: PealError): void {
    this.failures.push(error);
  }

  /** Everything that waits becomes unsent, as a shard does when its pool gives up. */
  dropWaiting(): void {
    for (let run = this.current(); run !== null; run = this.current()) {
      const indices = [...run.order.subarray(run.head)];
      this.taken(run, indices.length);
      for (const index of indices) this.#settle(run.tagBase + index, 'unsent');
    }
  }

  count(outcome: Outcome): number {
    return this.outcomes.filter((one) => one === outcome).length;
  }

  indicesOf(outcome: Outcome): number[] {
    return this.outcomes.flatMap((one, index) => (one === outcome ? [index] : []));
  }

  get isDone(): boolean {
    return this.#settled === this.outcomes.length;
  }

  #settle(tag: number, outcome: Outcome): void {
    assert.equal(this.outcomes[tag], 'taken', `recipient ${tag} gets a second outcome (${outcome})`);
    this.outcomes[tag] = outcome;
    if (++this.#settled === this.outcomes.length) this.onDone();
  }
}

/** The token of recipient `index`: the index in the last four bytes, the rest spread from it. */
export function tokenOf(index: number): Uint8Array {
  const token = new Uint8Array(32);
  for (let i = 0; i < 28; i++) token[i] = (Math.imul(index + 1, 2654435761) >>> (i % 25)) & 255;
  new DataView(token.buffer).setUint32(28, index);
  return token;
}

/** The recipient whose token a request's path names. */
export function indexOfPath(path: string): number {
  assert.match(path, /^\/3\/device\/[0-9a-f]{64}$/);
  const index = Number.parseInt(path.slice(-8), 16);
  assert.equal(path.slice('/3/device/'.length), Buffer.from(tokenOf(index)).toString('hex'));
  return index;
}

/** The personal payload of recipient `index`: lengths differ. */
export function payloadOf(index: number): string {
  return `{"to":${index},"pad":"${'.'.repeat(index % 50)}"}`;
}

/** The personal apns-id of recipient `index`. */
export function idOf(index: number): string {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
}

function personalParts(start: number, count: number): PersonalParts {
  const indices = Array.from({ length: count }, (_, i) => start + i);
  const payloads = indices.map((index) => Buffer.from(payloadOf(index)));
  const payloadOffsets = new Uint32Array(count + 1);
  payloads.forEach((payload, i) => {
    payloadOffsets[i + 1] = payloadOffsets[i]! + payload.length;
  });
  const apnsIds = Buffer.concat(indices.map((index) => Buffer.from(idOf(index).replaceAll('-', ''), 'hex')));
  return { apnsIds, payloads: Buffer.concat(payloads), payloadOffsets };
}

function notificationOf(options: BookOptions): Notification {
  const { payloadBytes = 120 } = options;
  const headers = options.headers ?? [
    ['apns-push-type', 'alert'],
    ['apns-topic', 'com.example.app'],
    ['apns-priority', '10'],
  ];
  const payload = Buffer.alloc(payloadBytes, 'x');
  return { headers, payload, expiration: null, priority: 10 };
}

/** The recipients from `from` to before `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
