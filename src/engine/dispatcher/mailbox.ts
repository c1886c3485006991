/**
 * The dispatcher's record of one shard: its current incarnation with the ledger, its free slots, its parcels, the
 * credit in use, and the routes and jobs that the shard knows. The dispatcher decides what goes where; the mailbox
 * keeps count. On the dispatcher's thread.
 *
 * Two bounds hold. *Slots* belong to an incarnation: one is free again when its batch is settled. *Credit* belongs to
 * the dispatcher: it comes back only when the sink has taken the batch, so a slow sink slows the input down, and
 * memory is bounded also when a shard is lost.
 */
import { assert } from '../../base/assert.js';
import { maxBatchRecipients, recentlyAcceptedMs, shardSlots } from '../../base/limits.js';
import type { ShardLink } from '../hosts/shard-host.js';
import type { LatencyHistogram } from '../latency-histogram.js';
import { ACCEPTED, Ledger } from '../ledger.js';
import type { SettledMessage } from '../messages.js';
import type { BatchBuffers } from './buffers.js';
import { OpenConnections } from './diagnostics.js';
import type { Job } from './job.js';
import type { Parcel } from './parcel.js';
import type { Route } from './route.js';

interface Incarnation {
  readonly epoch: number;
  readonly link: ShardLink;
  readonly ledger: Ledger;
  /** By slot; null while the slot is free. As many slots as have been in use at a time. */
  readonly parcels: (Parcel | null)[];
  /** The free slots. The last one is used next, so that few slots get most of the work. */
  readonly freeSlots: number[];
  readonly routes: Set<Route>;
  readonly jobs: Map<number, Job>;
}

export class Mailbox {
  readonly #credit: number;
  readonly #buffers: BatchBuffers;
  #incarnation: Incarnation | null = null;
  #isDead = false;
  #heldWeight = 0;
  #heldBatches = 0;
  /** By route: when the gateway was last seen to have accepted more. */
  readonly #acceptedAtMs = new Map<number, number>();
  readonly #latencies = new WeakMap<LatencyHistogram, SharedArrayBuffer>();
  readonly connections: OpenConnections;

  constructor(
    readonly shardId: number,
    creditBatches: number,
    buffers: BatchBuffers,
  ) {
    this.#credit = creditBatches * maxBatchRecipients;
    this.#buffers = buffers;
    this.connections = new OpenConnections(shardId);
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get heldWeight(): number {
    return this.#heldWeight;
  }

  /** Batches that are at the shard, or not yet taken by the sink. */
  get heldBatches(): number {
    return this.#heldBatches;
  }

  /** A batch heavier than the whole credit is sent alone. */
  hasRoomFor(weight: number): boolean {
    const incarnation = this.#incarnation;
    if (incarnation === null) return false;
    if (incarnation.freeSlots.length === 0 && incarnation.parcels.length === shardSlots) return false;
    return this.#heldWeight === 0 || this.#heldWeight + weight <= this.#credit;
  }

  open(epoch: number, link: ShardLink): void {
    assert(this.#incarnation === null, 'an incarnation of a shard is lost before the next one opens');
    const ledger = new Ledger();
    this.#incarnation = { epoch, link, ledger, parcels: [], freeSlots: [], routes: new Set(), jobs: new Map() };
  }

  isCurrent(epoch: number): boolean {
    return this.#incarnation?.epoch === epoch;
  }

  die(): void {
    this.#isDead = true;
    this.#incarnation = null;
  }

  /** Sends a parcel to the shard, after everything that the shard has to know for it. There must be room. */
  deliver(parcel: Parcel): void {
    assert(this.hasRoomFor(parcel.weight), 'a shard is given no more than it has room for');
    assert(parcel.creditOf === null, 'a parcel uses the credit of one shard at a time');
    const { link, ledger, freeSlots, parcels } = this.#incarnation!;
    const { job, batch } = parcel;
    const { count, tokenBytes } = batch.tokens;
    this.#introduce(job);
    const slot = freeSlots.pop() ?? parcels.length;
    parcels[slot] = parcel;
    parcel.slot = slot;
    parcel.lastShardId = this.shardId;
    parcel.creditOf = this.shardId;
    this.#heldWeight += parcel.weight;
    this.#heldBatches += 1;
    const sheet = ledger.prepare(slot, count);
    sheet.bytes.set(parcel.ledger);
    parcel.sheet = sheet;
    // Recipients that another shard had accepted tell nothing about this one.
    parcel.acceptedSeen = acceptedIn(parcel.ledger);
    const { buffer, personal } = this.#buffers.copyOf(batch);
    const { isRetry, beginWithinMs } = parcel;
    const what = { slot, ledger: sheet.buffer, notificationId: job.id, count, tokenBytes, buffer, personal };
    link.post({ kind: 'batch', ...what, isRetry, beginWithinMs }, [buffer]);
  }

  /** The parcel in a slot; null for an empty slot. */
  parcelIn(slot: number): Parcel | null {
    return this.#incarnation?.parcels[slot] ?? null;
  }

  /** Asks the shard to take one recipient of a parcel back. What became of it is told. */
  withdraw(parcel: Parcel, index: number): void {
    const { link, parcels } = this.#incarnation!;
    const { slot } = parcel;
    assert(parcels[slot] === parcel, 'a recipient is withdrawn from the shard that has its parcel');
    link.post({ kind: 'withdraw', notificationId: parcel.job.id, slot, index }, []);
  }

  /**
   * Takes a settled parcel out of its slot. What the shard wrote about it is valid until the next parcel is delivered.
   * Returns null for an empty slot, which is a fault of the shard.
   */
  settled({ slot, buffer }: SettledMessage, nowMs: number): Parcel | null {
    const { parcels, freeSlots } = this.#incarnation!;
    const parcel = parcels[slot] ?? null;
    if (parcel === null) return null;
    parcels[slot] = null;
    freeSlots.push(slot);
    this.#buffers.giveBack(buffer);
    const shared = parcel.latest;
    // Most batches come back once, with no recipient accepted before: the first test suffices.
    const isNew = parcel.acceptedSeen === 0 ? shared.includes(ACCEPTED) : acceptedIn(shared) !== parcel.acceptedSeen;
    if (isNew) this.#acceptedAtMs.set(parcel.job.route.id, nowMs);
    return parcel;
  }

  /** Ends the incarnation and returns all parcels that it had. */
  lose(): Parcel[] {
    const parcels = this.#incarnation?.parcels ?? [];
    this.#incarnation = null;
    return parcels.filter((parcel) => parcel !== null);
  }

  /** Gives back the parcel's credit: the sink has taken it, or it goes to another shard. */
  releaseCredit(parcel: Parcel): void {
    assert(parcel.creditOf === this.shardId, 'a parcel gives back the credit that it uses, and once');
    parcel.creditOf = null;
    this.#heldWeight -= parcel.weight;
    this.#heldBatches -= 1;
  }

  /** Notes which gateways have accepted anything since the last call, because a slow batch comes back much later. */
  look(nowMs: number): void {
    for (const parcel of this.#incarnation?.parcels ?? []) {
      if (parcel === null) continue;
      const accepted = acceptedIn(parcel.latest);
      if (accepted === parcel.acceptedSeen) continue;
      parcel.acceptedSeen = accepted;
      this.#acceptedAtMs.set(parcel.job.route.id, nowMs);
    }
  }

  /** Returns whether the gateway of `route` has recently accepted anything from this shard. */
  hasAcceptedLately(route: Route, nowMs: number): boolean {
    this.look(nowMs);
    return nowMs - (this.#acceptedAtMs.get(route.id) ?? Number.NEGATIVE_INFINITY) <= recentlyAcceptedMs;
  }

  hasParcelOf(job: Job): boolean {
    return this.#incarnation?.parcels.some((parcel) => parcel?.job === job) ?? false;
  }

  job(notificationId: number): Job | null {
    return this.#incarnation?.jobs.get(notificationId) ?? null;
  }

  /** Posts a route's provider token if the shard knows the route. */
  announceToken(route: Route): void {
    if (!this.#incarnation?.routes.has(route) || route.token === null) return;
    this.#incarnation.link.post({ kind: 'provider-token', routeId: route.id, token: route.token }, []);
  }

  cancel(job: Job): void {
    if (this.#incarnation?.jobs.has(job.id)) {
      this.#incarnation.link.post({ kind: 'cancel', notificationId: job.id }, []);
    }
  }

  /** Ends the job. After the last one the memory of the slots is released, here and in the shard. */
  forget(job: Job): void {
    const incarnation = this.#incarnation;
    if (!incarnation?.jobs.delete(job.id)) return;
    incarnation.link.post({ kind: 'forget', notificationId: job.id }, []);
    if (incarnation.jobs.size > 0) return;
    incarnation.parcels.length = 0;
    incarnation.freeSlots.length = 0;
    incarnation.ledger.trim();
  }

  #introduce(job: Job): void {
    const { link, routes, jobs } = this.#incarnation!;
    const { id: notificationId, route, notification, stopsAtFailure, keepsIds, tokenUpdatesTimeMs, tells } = job;
    if (jobs.has(notificationId)) return;
    if (!routes.has(route)) {
      routes.add(route);
      const { id: routeId, config, allowance } = route;
      link.post({ kind: 'route', routeId, config, allowance }, []);
      this.announceToken(route);
    }
    jobs.set(notificationId, job);
    const traits = { stopsAtFailure, keepsIds, tokenUpdatesTimeMs, tells };
    const latencies = this.#memoryFor(job.latencies);
    link.post({ kind: 'notification', notificationId, routeId: route.id, notification, ...traits, latencies }, []);
  }

  /** Memory in which the shard counts for a histogram: the same for all jobs, because the shard is one thread. */
  #memoryFor(latencies: LatencyHistogram | null): SharedArrayBuffer | null {
    if (latencies === null) return null;
    const memory = this.#latencies.get(latencies) ?? latencies.share();
    this.#latencies.set(latencies, memory);
    return memory;
  }
}

function acceptedIn(ledger: Uint8Array): number {
  if (!ledger.includes(ACCEPTED)) return 0;
  let accepted = 0;
  for (let index = 0; index < ledger.length; index++) if (ledger[index] === ACCEPTED) accepted += 1;
  return accepted;
}
