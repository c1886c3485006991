/**
 * The outcomes of pushes that nobody waits for, by the id that their client got. Bounded in number and in time; an id
 * says by itself that this service gave it. Time comes from outside. Owned by a service; main thread.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const randomPart = 12;
const markPart = 6;

/** An id with what became of its pushes. */
export interface KeptPush {
  readonly id: string;
  readonly pushes: number;
  /** When it was settled, by the wall clock; null: it is not yet. */
  readonly settledMs: number | null;
  /** JSON as of `resultsText`; null before it is settled. */
  readonly results: string | null;
}

export class KeptPushes {
  readonly #key: Buffer;
  readonly #keepMs: number;
  readonly #maxPushes: number;
  readonly #wallMs: () => number;
  readonly #pending = new Map<string, KeptPush>();
  /** In the order in which they were settled. */
  readonly #settled = new Map<string, KeptPush>();
  #settledPushes = 0;

  /** @param key by which ids are told from others' */
  constructor(key: Buffer, keepMs: number, maxPushes: number, wallMs: () => number) {
    this.#key = key;
    this.#keepMs = keepMs;
    this.#maxPushes = maxPushes;
    this.#wallMs = wallMs;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  get settledCount(): number {
    return this.#settled.size;
  }

  /** A new id for so many pushes. */
  begin(pushes: number): string {
    const random = randomBytes(randomPart);
    const id = Buffer.concat([random, this.#markOf(random)]).toString('base64url');
    this.#pending.set(id, { id, pushes, settledMs: null, results: null });
    return id;
  }

  /** Nothing was begun under this id, so that nobody gets it. */
  forget(id: string): void {
    this.#pending.delete(id);
  }

  settle(id: string, results: string): KeptPush | null {
    const pending = this.#pending.get(id);
    if (pending === undefined) return null;
    const kept = { ...pending, settledMs: this.#wallMs(), results };
    this.#pending.delete(id);
    this.restore(kept);
    return kept;
  }

  /** One that an earlier run has kept; what is older than others comes first. */
  restore(kept: KeptPush): void {
    if (kept.settledMs === null) {
      this.#pending.set(kept.id, kept);
      return;
    }
    this.#settled.set(kept.id, kept);
    this.#settledPushes += kept.pushes;
    this.expire();
  }

  /** Undefined: there is none; it may have been. */
  find(id: string): KeptPush | undefined {
    return this.#pending.get(id) ?? this.#settled.get(id);
  }

  /** Whether this service gave the id, also where its outcome is not kept any more. */
  wasGiven(id: string): boolean {
    const bytes = Buffer.from(id, 'base64url');
    if (bytes.length !== randomPart + markPart || bytes.toString('base64url') !== id) return false;
    return timingSafeEqual(bytes.subarray(randomPart), this.#markOf(bytes.subarray(0, randomPart)));
  }

  /** Drops what is too old, and the oldest where there are too many. */
  expire(): void {
    const oldestMs = this.#wallMs() - this.#keepMs;
    for (const [id, { pushes, settledMs }] of this.#settled) {
      if (settledMs! >= oldestMs && this.#settledPushes <= this.#maxPushes) return;
      this.#settled.delete(id);
      this.#settledPushes -= pushes;
    }
  }

  /** All that is kept: those that are settled first. */
  *[Symbol.iterator](): Generator<KeptPush> {
    yield* this.#settled.values();
    yield* this.#pending.values();
  }

  #markOf(random: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(random).digest().subarray(0, markPart);
  }
}
