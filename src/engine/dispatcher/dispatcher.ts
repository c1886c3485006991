/**
 * The dispatcher: takes batches from any number of sends, gives each to the shard with the most room, and hands it to
 * the send's sink once every recipient has its outcome. It owns credit, ledgers and provider tokens; it knows neither
 * sockets nor codecs. On the program's own thread; made by session/session, one for a Session and one for each
 * `newConnection` that sends.
 */
import { assert, rethrowAssertion } from '../../base/assert.js';
import { type Clock, systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { acceptedLookMs, glimpseMs, providerTokenCheckMs, shardCreditBatches } from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { heldUntil, holdProcess, releaseProcess } from '../../base/process-hold.js';
import type { Notification } from '../../push/notification.js';
import { allowanceMemory } from '../allowance.js';
import type { Batch, TellingSink } from '../batch.js';
import { checkEngineOptions, type EngineOptions, openShardHost } from '../hosts/engine-options.js';
import type { ShardHost, ShardListener, ShardReport } from '../hosts/shard-host.js';
import { QUEUED, REJECTED, WRITTEN } from '../ledger.js';
import type {
  ConnectionMessage,
  FromShard,
  ProviderTokenExpiredMessage,
  RefusedMessage,
  RouteConfig,
  RouteFailedMessage,
  SettledMessage,
  ToldRecipients,
} from '../messages.js';
import { BatchBuffers } from './buffers.js';
import { type EngineStats, engineStats } from './engine-stats.js';
import { closedError, crashedBatchError, noThreadsError, refusedError, unexpectedTokenError } from './errors.js';
import { Job, type JobOptions, type JobOwner, type SendJob } from './job.js';
import { Mailbox } from './mailbox.js';
import { Parcel } from './parcel.js';
import { Periodic } from './periodic.js';
import { RetryLine } from './retry-line.js';
import { type ProviderTokenSource, Route, routeKey } from './route.js';
import { WaitingLine } from './waiting-line.js';

export class Dispatcher {
  readonly #options: EngineOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #mailboxes: readonly Mailbox[];
  readonly #buffers: BatchBuffers;
  readonly #routes = new Map<string, Route>();
  /** The same by id, from 1: shards name a route by its id, and a program may have thousands. */
  readonly #routesById: Route[] = [];
  readonly #jobs = new Set<Job>();
  readonly #line = new WaitingLine();
  readonly #retryLine: RetryLine;
  readonly #upkeep: Periodic;
  readonly #acceptedLook: Periodic;
  readonly #glimpses: Periodic;
  #host: Promise<ShardHost | null> | null = null;
  /** Why the latest shard died. */
  #deathCause: PealError | null = null;
  #nextId = 1;
  #closed: Promise<void> | null = null;

  /** @throws PealError ERR_PEAL_OPTION */
  constructor(options: EngineOptions) {
    checkEngineOptions(options);
    const { threads, creditBatches = shardCreditBatches } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLogger;
    const shards = Math.max(1, threads);
    const buffers = new BatchBuffers(shards * creditBatches);
    this.#buffers = buffers;
    this.#mailboxes = Array.from({ length: shards }, (_, shardId) => new Mailbox(shardId, creditBatches, buffers));
    this.#retryLine = new RetryLine(this.#clock, (due) => this.#sendDue(due));
    this.#upkeep = new Periodic(this.#clock, providerTokenCheckMs, () => {
      this.#refreshTokens();
      buffers.review();
    });
    this.#acceptedLook = new Periodic(this.#clock, acceptedLookMs, () => this.#look());
    this.#glimpses = new Periodic(this.#clock, glimpseMs, () => this.#glimpse());
  }

  /**
   * Returns the route for a gateway and a credential. An equal configuration gets the same route, and so the same
   * connections.
   */
  openRoute(config: RouteConfig, credential: ProviderTokenSource | null): Route {
    const key = routeKey(config);
    const known = this.#routes.get(key);
    if (known !== undefined) return known;
    const allowance = config.rate == null ? null : allowanceMemory(this.#clock, config.address);
    const route = new Route(this.#routes.size + 1, config, credential, allowance);
    this.#routes.set(key, route);
    this.#routesById.push(route);
    return route;
  }

  /**
   * Begins a send. The first one starts the shards. After `close` a send is stopped from the start, and all of it is
   * unsent.
   */
  send(route: Route, notification: Notification, sink: TellingSink, options: JobOptions = {}): SendJob {
    const own = { ...notification, payload: new Uint8Array(notification.payload) };
    const job = new Job({ id: this.#nextId++, route, notification: own, sink }, this.#jobOwner, options);
    if (this.#closed !== null) {
      job.stop(closedError());
      return job;
    }
    this.#host ??= this.#openHost();
    this.#jobs.add(job);
    if (!job.isStanding) holdProcess();
    this.#upkeep.setNeeded(true);
    this.#acceptedLook.setNeeded(this.#mailboxes.length > 1);
    if (job.hasGlimpses) this.#glimpses.setNeeded(true);
    return job;
  }

  /** Recipients that wait for a connection: about so many, and 0 exactly where none does. */
  get queued(): number {
    let queued = 0;
    for (const job of this.#jobs) queued += job.queued;
    return queued;
  }

  /** What the engine is doing now. */
  async stats(): Promise<EngineStats> {
    const reports = (await heldUntil(this.#report())) ?? [];
    const waiting = this.#line.size + this.#retryLine.size;
    return engineStats(this.#options.threads, this.#jobs.size, waiting, this.#mailboxes, reports);
  }

  async #report(): Promise<readonly ShardReport[] | undefined> {
    return (await this.#host)?.report();
  }

  /** Closes connections that have been idle for `idleMs` or longer: those of `route`, or of all routes. */
  outdate(idleMs: number, route: Route | null = null): void {
    void this.#host?.then((host) => host?.outdate(idleMs, route?.id ?? null));
  }

  /** Asks the open connections of `route` for a sign of life. Resolves to whether it came, for each. */
  ping(route: Route): Promise<boolean[]> {
    return heldUntil(this.#ping(route));
  }

  async #ping({ id }: Route): Promise<boolean[]> {
    return (await (await this.#host)?.ping(id)) ?? [];
  }

  /**
   * Stops everything properly: requests not yet written become unsent, and requests in flight have closeTimeoutMs for
   * their answers. Afterwards no thread, connection or timer is left.
   */
  close(): Promise<void> {
    this.#closed ??= heldUntil(this.#close());
    return this.#closed;
  }

  async #close(): Promise<void> {
    const host = this.#host;
    for (const job of this.#jobs) job.stop(closedError());
    this.#upkeep.setNeeded(false);
    this.#acceptedLook.setNeeded(false);
    this.#glimpses.setNeeded(false);
    await (await host)?.stop();
    // Jobs that were never finished hold the process no longer, because nothing is under way.
    for (const job of this.#jobs) this.#forget(job);
  }

  async #openHost(): Promise<ShardHost | null> {
    try {
      const host = await openShardHost(this.#options, this.#clock, this.#log, this.#listener);
      host.start();
      return host;
    } catch (error) {
      rethrowAssertion(error);
      const cause = error instanceof PealError ? error : noThreadsError(error);
      for (const { shardId } of this.#mailboxes) this.#listener.onDead(shardId, cause);
      return null;
    }
  }

  // --- jobs ---

  readonly #jobOwner: JobOwner = {
    take: (job, batch) => this.#take(job, batch),
    withdraw: (batch, index) => this.#withdraw(batch as Parcel, index),
    onStopped: (job, cause) => {
      for (const mailbox of this.#mailboxes) mailbox.cancel(job);
      for (const parcel of this.#line.removeJob(job)) this.#settleUnsent(parcel, cause);
      for (const parcel of this.#retryLine.removeJob(job)) this.#settleUnsent(parcel, cause);
    },
    onFinished: (job) => {
      this.#forget(job);
      for (const mailbox of this.#mailboxes) mailbox.forget(job);
      this.#upkeep.setNeeded(this.#jobs.size > 0);
      if (this.#jobs.size === 0) this.#buffers.trim();
      if (this.#jobs.size === 0) this.#acceptedLook.setNeeded(false);
      if (job.hasGlimpses) this.#glimpses.setNeeded([...this.#jobs].some((other) => other.hasGlimpses));
    },
    now: () => this.#clock.now(),
    random: () => (this.#options.random ?? Math.random)(),
  };

  #take(job: Job, batch: Batch): Promise<void> {
    const parcel = new Parcel(job, batch);
    job.begin(parcel);
    this.#refreshToken(job.route);
    if (this.#deathCause !== null) this.#stopIfNoShardLeft(job, this.#deathCause);
    if (job.stopped !== null) {
      this.#settleUnsent(parcel, job.stopped);
      return Promise.resolve();
    }
    const mailbox = this.#line.size === 0 ? this.#choose(parcel) : null;
    if (mailbox !== null) {
      mailbox.deliver(parcel);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      parcel.onTaken = resolve;
      this.#line.add(parcel);
      this.#pump();
    });
  }

  #forget(job: Job): void {
    if (this.#jobs.delete(job) && !job.isStanding) releaseProcess();
  }

  /** A parcel that waits for a shard, and of which nothing is left to send, is settled. */
  #withdraw(parcel: Parcel, index: number): number {
    const state = parcel.withdraw(index);
    if (parcel.sheet === null) {
      if (!parcel.ledger.includes(QUEUED) && this.#line.has(parcel)) {
        this.#line.remove(parcel);
        this.#settleUnsent(parcel, null);
      }
      return state;
    }
    if (state !== QUEUED && state !== WRITTEN) return state;
    this.#mailboxes[parcel.lastShardId!]!.withdraw(parcel, index);
    // A shard in this thread has done it by now.
    return parcel.latest[index]!;
  }

  /** Gives waiting parcels to shards that have room. */
  #pump(): void {
    for (const parcel of this.#line) {
      const mailbox = this.#choose(parcel);
      if (mailbox !== null) {
        this.#line.remove(parcel);
        mailbox.deliver(parcel);
        parcel.onTaken?.();
        parcel.onTaken = null;
      } else if (parcel.job.excluded.size === 0) {
        // First come, first served. Only a job that may not use every shard lets others pass.
        return;
      }
    }
  }

  /**
   * Chooses the shard that had the parcel before, or the one with the most room among those that the job may use; null
   * if none has enough. The shard that had it before knows already whether the gateway is in trouble and for how
   * long.
   */
  #choose({ job, weight, lastShardId }: Parcel): Mailbox | null {
    const last = lastShardId === null ? null : this.#mailboxes[lastShardId]!;
    if (last?.hasRoomFor(weight) === true && !job.excluded.has(last.shardId)) return last;
    let chosen: Mailbox | null = null;
    for (const mailbox of this.#mailboxes) {
      if (!mailbox.hasRoomFor(weight) || job.excluded.has(mailbox.shardId)) continue;
      if (chosen === null || mailbox.heldWeight < chosen.heldWeight) chosen = mailbox;
    }
    return chosen;
  }

  /** Stops the job if every shard is dead or cannot reach its gateway. */
  #stopIfNoShardLeft(job: Job, cause: PealError): void {
    if (this.#mailboxes.every((mailbox) => mailbox.isDead || job.excluded.has(mailbox.shardId))) job.stop(cause);
  }

  // --- shards ---

  readonly #listener: ShardListener = {
    onOpen: (shardId, epoch, link) => {
      this.#mailboxes[shardId]!.open(epoch, link);
      // Deferred, because the first shard to open would otherwise get everything that waits.
      queueMicrotask(() => this.#pump());
    },
    onMessage: (shardId, epoch, message) => {
      const mailbox = this.#mailboxes[shardId]!;
      if (mailbox.isCurrent(epoch)) this.#receive(mailbox, message);
    },
    onLost: (shardId, epoch, cause) => {
      const mailbox = this.#mailboxes[shardId]!;
      if (mailbox.isCurrent(epoch)) this.#recover(mailbox, cause);
    },
    onDead: (shardId, cause) => {
      this.#mailboxes[shardId]!.die();
      this.#deathCause = cause;
      for (const job of this.#jobs) this.#stopIfNoShardLeft(job, cause);
    },
  };

  #receive(mailbox: Mailbox, message: FromShard): void {
    switch (message.kind) {
      case 'told':
        for (const told of message.told) this.#receiveTold(mailbox, told);
        break;
      case 'settled':
        this.#receiveSettled(mailbox, message);
        break;
      case 'refused':
        this.#receiveRefused(mailbox, message);
        break;
      case 'stopped':
        mailbox.job(message.notificationId)?.stop(PealError.fromRecord(message.cause));
        break;
      case 'route-failed':
        this.#receiveRouteFailed(mailbox, message);
        break;
      case 'provider-token-expired':
        this.#receiveTokenExpired(message);
        break;
      case 'connection':
        this.#receiveConnection(mailbox, message);
        break;
      case 'log':
        this.#log[message.level]({ ...message.fields, shardId: mailbox.shardId }, message.message);
        break;
    }
  }

  #receiveTold(mailbox: Mailbox, { slot, indexes, details, ids, cause: record }: ToldRecipients): void {
    const parcel = mailbox.parcelIn(slot);
    if (parcel === null) {
      this.#log.error({ shardId: mailbox.shardId, slot }, 'a shard told outcomes of an empty slot');
      return;
    }
    const { job, batch, latest } = parcel;
    const cause = record === null ? null : PealError.fromRecord(record);
    let nextDetail = 0;
    for (let place = 0; place < indexes.length; place++) {
      const index = indexes[place]!;
      const outcome = latest[index]!;
      // Details are in the order of the indexes. One that was too late to withdraw may have its answer by now: that is
      // told with its detail later.
      const detail = outcome >= REJECTED && details[nextDetail]?.index === index ? details[nextDetail++]! : null;
      job.tell(
        batch,
        index,
        outcome >= REJECTED && detail === null ? WRITTEN : outcome,
        detail,
        cause,
        ids?.[place] ?? null,
      );
    }
  }

  #receiveSettled(mailbox: Mailbox, message: SettledMessage): void {
    const parcel = mailbox.settled(message, this.#clock.now());
    if (parcel === null) {
      this.#log.error({ shardId: mailbox.shardId, slot: message.slot }, 'a shard settled an empty slot');
      return;
    }
    if (message.ids != null) parcel.addIds(message.ids);
    parcel.settle(message.details, message.cause === null ? null : PealError.fromRecord(message.cause));
    const { job } = parcel;
    if (job.stopped === null && job.excluded.has(mailbox.shardId) && parcel.requeueUnsent()) {
      if (job.tells) parcel.tellSettled();
      this.#sendAgain(parcel);
      this.#pump();
    } else {
      this.#settleOrWait(parcel);
    }
  }

  #receiveConnection(mailbox: Mailbox, message: ConnectionMessage): void {
    const route = this.#routeOf(message.routeId);
    if (route !== undefined) mailbox.connections.receive(route, message);
  }

  #routeOf(routeId: number): Route | undefined {
    return this.#routesById[routeId - 1];
  }

  #receiveRefused(mailbox: Mailbox, message: RefusedMessage): void {
    const job = mailbox.job(message.notificationId);
    job?.stop(refusedError(message, job.route.protocol));
  }

  /**
   * The pool of a shard has given up. The job goes on if the gateway accepts from another shard, and stops otherwise:
   * the other shards would find the same out one by one. A later job may use this shard again.
   */
  #receiveRouteFailed(mailbox: Mailbox, message: RouteFailedMessage): void {
    const cause = PealError.fromRecord(message.cause);
    for (const job of this.#jobs) {
      if (job.route.id !== message.routeId || !mailbox.hasParcelOf(job)) continue;
      job.excluded.add(mailbox.shardId);
      const nowMs = this.#clock.now();
      const isAccepted = this.#mailboxes.some(
        (other) => !job.excluded.has(other.shardId) && other.hasAcceptedLately(job.route, nowMs),
      );
      if (isAccepted) this.#stopIfNoShardLeft(job, cause);
      else job.stop(cause);
    }
  }

  #glimpse(): void {
    for (const job of this.#jobs) if (job.hasGlimpses) job.glimpse();
  }

  #look(): void {
    for (const mailbox of this.#mailboxes) mailbox.look(this.#clock.now());
  }

  /** Handles the loss of a shard: its parcels are settled by the ledger, and queued recipients go to another shard. */
  #recover(mailbox: Mailbox, cause: PealError): void {
    mailbox.connections.lose(cause);
    for (const parcel of mailbox.lose()) {
      const { job } = parcel;
      const hasQueued = parcel.recover(cause);
      if (hasQueued && job.stopped === null && parcel.mayBeSentAgain) {
        if (job.tells) parcel.tellSettled();
        this.#sendAgain(parcel);
      } else {
        if (job.stopped !== null || !parcel.mayBeSentAgain) parcel.abandon(job.stopped ?? crashedBatchError(cause));
        this.#settleOrWait(parcel);
      }
    }
    this.#pump();
  }

  #sendAgain(parcel: Parcel): void {
    this.#releaseCredit(parcel);
    this.#line.addReturned(parcel);
  }

  /** Gives the parcel to the sink, unless recipients of it are to be sent to again: then the parcel waits. */
  #settleOrWait(parcel: Parcel): void {
    const { dueMs, job } = parcel;
    if (dueMs === null || job.stopped !== null) {
      this.#settle(parcel);
      return;
    }
    if (this.#retryLine.add(parcel, dueMs)) this.#releaseCredit(parcel);
    this.#pump();
  }

  #sendDue(due: readonly Parcel[]): void {
    for (const parcel of due) {
      parcel.release(this.#clock.now());
      this.#sendAgain(parcel);
    }
    this.#pump();
  }

  #settle(parcel: Parcel): void {
    parcel.job.settle(parcel, () => {
      if (this.#releaseCredit(parcel)) this.#pump();
    });
  }

  /** Returns whether the parcel used any credit. */
  #releaseCredit(parcel: Parcel): boolean {
    if (parcel.creditOf === null) return false;
    this.#mailboxes[parcel.creditOf]!.releaseCredit(parcel);
    return true;
  }

  /**
   * Settles a parcel that no shard has. Deferred, because sinks do not expect to be called from within their own calls.
   */
  #settleUnsent(parcel: Parcel, cause: PealError | null): void {
    assert(parcel.sheet === null, 'what no shard has is settled as unsent');
    if (cause !== null) parcel.abandon(cause);
    parcel.onTaken?.();
    parcel.onTaken = null;
    queueMicrotask(() => this.#settle(parcel));
  }

  // --- provider tokens ---

  #refreshTokens(): void {
    for (const route of new Set([...this.#jobs].map((job) => job.route))) this.#refreshToken(route);
  }

  /** Sends a new token to all shards, before anything that is dispatched after it. */
  #refreshToken(route: Route): void {
    this.#changeToken(route, () => route.refreshToken());
  }

  /**
   * Handles the report of one shard whose token expired. The first report brings a new token to all shards; the others
   * are stale then.
   */
  #receiveTokenExpired({ routeId, token }: ProviderTokenExpiredMessage): void {
    const route = this.#routeOf(routeId);
    if (route !== undefined) this.#changeToken(route, () => route.renewToken(token));
  }

  #changeToken(route: Route, change: () => boolean | Promise<boolean>): void {
    const announce = (hasChanged: boolean): void => {
      if (hasChanged) for (const mailbox of this.#mailboxes) mailbox.announceToken(route);
    };
    const fail = (error: unknown): void => {
      const cause = error instanceof PealError ? error : unexpectedTokenError();
      for (const job of this.#jobs) if (job.route === route) job.stop(cause);
    };
    try {
      const changed = change();
      // The pools wait until they get a token.
      if (typeof changed === 'boolean') announce(changed);
      else changed.then(announce, fail);
    } catch (error) {
      rethrowAssertion(error);
      fail(error);
    }
  }
}
