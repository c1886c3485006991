/**
 * What tests of the engine share: batches of tokens that say their own number, a sink that keeps the sender's book and
 * refuses to write a token into it twice, and a pool of connections that does what a test tells it.
 */

import assert from 'node:assert/strict';
import type { Clock } from '../../src/base/clock.js';
import type { PealError } from '../../src/base/errors.js';
import type { LinkOptions } from '../../src/connection/link-options.js';
import type { RequestRun, RequestSource } from '../../src/connection/request-source.js';
import type { Batch, OutcomeDetail, OutcomeSink, SettledBatch } from '../../src/engine/batch.js';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT } from '../../src/engine/ledger.js';
import type { RouteConfig } from '../../src/engine/messages.js';
import type { RoutePool, RoutePoolStats } from '../../src/engine/shard/route.js';
import { Tally } from '../../src/engine/tally.js';
import type { Address } from '../../src/push/address.js';
import type { Answer } from '../../src/push/answer.js';
import type { Notification } from '../../src/push/notification.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { linkWith } from './link-options.js';

export const notification: Notification = {
  headers: [['apns-topic', 'com.example.app']],
  payload: new TextEncoder().encode('{"aps":{"alert":"Hello"}}'),
  expiration: null,
  priority: null,
};

/** Without a credential, over one connection unless `link` says otherwise. */
export function routeConfigFor(address: Address, link: Partial<LinkOptions> = {}): RouteConfig {
  return {
    address,
    credential: { kind: 'none', fingerprint: 'none' },
    link: linkWith({ connectTimeoutMs: 5_000, ...link }),
  };
}

export const routeConfig: RouteConfig = routeConfigFor({ protocol: 'http2', host: 'gateway.test', port: 443 });

/** Tokens whose first four bytes are their numbers: `from`, `from + 1`, … */
export function numberedTokens(from: number, count: number, tokenBytes = 32): TokenBlock {
  const bytes = new Uint8Array(count * tokenBytes);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < count; index++) view.setUint32(index * tokenBytes, from + index);
  return new TokenBlock(bytes, tokenBytes, count);
}

export function batchOf(from: number, count: number, tokenBytes = 32): Batch {
  return { tokens: numberedTokens(from, count, tokenBytes), personal: null };
}

/** Batches that cover `recipients` tokens. */
export function* batchesOf(recipients: number, batchRecipients = 1024): Generator<Batch> {
  for (let from = 0; from < recipients; from += batchRecipients) {
    yield batchOf(from, Math.min(batchRecipients, recipients - from));
  }
}

export type Outcome = 'accepted' | 'rejected' | 'unsent' | 'unknown';

/** The sender's book. */
export class BookSink implements OutcomeSink {
  readonly outcomes = new Map<string, Outcome>();
  readonly details = new Map<string, OutcomeDetail>();
  readonly batches: SettledBatch[] = [];
  readonly causes: PealError[] = [];
  readonly tally = new Tally();

  settled(batch: SettledBatch): void | Promise<void> {
    const { tokens, ledger, details, cause } = batch;
    this.batches.push(batch);
    this.tally.add(batch);
    if (cause !== null) this.causes.push(cause);
    assert.equal(ledger.length, tokens.count);
    for (let index = 0; index < tokens.count; index++) {
      const token = tokens.textAt(index);
      assert.ok(!this.outcomes.has(token), `token ${token.slice(0, 8)} has a second outcome`);
      this.outcomes.set(token, outcomeOf(ledger[index]!));
    }
    for (const detail of details) this.details.set(tokens.textAt(detail.index), detail);
  }

  count(outcome: Outcome): number {
    return [...this.outcomes.values()].filter((each) => each === outcome).length;
  }

  tokensThatAre(outcome: Outcome): Set<string> {
    return new Set([...this.outcomes].filter(([, each]) => each === outcome).map(([token]) => token));
  }
}

function outcomeOf(byte: number): Outcome {
  if (byte === ACCEPTED) return 'accepted';
  if (byte === UNSENT) return 'unsent';
  if (byte === UNKNOWN) return 'unknown';
  assert.ok(byte >= REJECTED, `ledger byte ${byte} is no outcome`);
  return 'rejected';
}

export function rejection(status: number, reason: string, more: Partial<Answer> = {}): Answer {
  return { status, reason, timestampMs: null, apnsId: null, retryAfterSeconds: null, ...more };
}

/** A pool that does nothing by itself: a test takes recipients and answers them. */
export class FakePool implements RoutePool {
  wakes = 0;
  isClosed = false;
  outdatedMs: number | null = null;
  readonly providerTokens: string[] = [];
  /** Called on `workAvailable`; a test may let the pool work by itself. */
  onWork: (pool: FakePool) => void = () => {};
  onClose: (pool: FakePool) => void = () => {};
  readonly outstanding = new Set<number>();

  constructor(
    readonly source: RequestSource,
    readonly clock: Clock,
  ) {}

  workAvailable(): void {
    this.wakes += 1;
    this.onWork(this);
  }

  setProviderToken(token: string): void {
    this.providerTokens.push(token);
  }

  outdate(idleMs: number): void {
    this.outdatedMs = idleMs;
  }

  async ping(): Promise<boolean[]> {
    return [true];
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.onClose(this);
  }

  stats(): RoutePoolStats {
    return { opening: 0, ready: 1, draining: 0, opened: 1, inFlight: this.outstanding.size, streamLimit: null };
  }

  /** Takes up to `count` recipients, from as many batches as it needs, and returns their tags. */
  take(count: number): number[] {
    const tags: number[] = [];
    while (tags.length < count) {
      const run = this.source.current();
      if (run === null) break;
      tags.push(...this.#takeFrom(run, count - tags.length));
    }
    for (const tag of tags) {
      assert.ok(!this.outstanding.has(tag), `tag ${tag} was taken twice`);
      this.outstanding.add(tag);
    }
    return tags;
  }

  accept(tags: readonly number[]): void {
    for (const tag of tags) {
      this.outstanding.delete(tag);
      this.source.onAccepted(tag);
    }
  }

  reject(tags: readonly number[], answer: Answer): void {
    for (const tag of tags) {
      this.outstanding.delete(tag);
      this.source.onRejected(tag, answer);
    }
  }

  returnUnsent(tags: readonly number[], cause: PealError): void {
    for (const tag of tags) {
      this.outstanding.delete(tag);
      this.source.onUnsent(tag, cause);
    }
  }

  loseAnswers(tags: readonly number[], cause: PealError): void {
    for (const tag of tags) {
      this.outstanding.delete(tag);
      this.source.onUnknown(tag, cause);
    }
  }

  #takeFrom(run: RequestRun, wanted: number): number[] {
    const count = Math.min(wanted, run.order.length - run.head);
    assert.ok(count > 0, 'an empty run was offered');
    const tags = [...run.order.subarray(run.head, run.head + count)].map((index) => run.tagBase + index);
    this.source.taken(run, count);
    return tags;
  }
}

/** Lets microtasks and deferred calls run. */
export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
