/**
 * A shard: an actor that owns its pools of connections, takes batches of recipients and settles each in its ledger.
 * It knows neither threads nor Piscina: the same code runs in a worker (shard-task) and in the dispatcher's own thread
 * (hosts/local-shard). Single-threaded; messages come in one at a time through `receive`.
 */
import { assert } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import { lowestOf } from '../../connection/pool/pool-options.js';
import type { RequestSource } from '../../connection/request-source.js';
import type { Backend } from '../../transport/backend.js';
import { Allowance } from '../allowance.js';
import type { ShardStats } from '../control-plane.js';
import { LatencyHistogram } from '../latency-histogram.js';
import type { BatchMessage, FromShard, NotificationMessage, RouteMessage, ToShard } from '../messages.js';
import { BatchSlot } from './batch-slot.js';
import { NotificationState, type NotificationTraits } from './notification-state.js';
import { openConnectionPool, type RouteContext, type RoutePool, type RoutePoolFactory, ShardRoute } from './route.js';

interface ShardOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly log: Logger;
  /** Posts to the dispatcher. The buffers in `transfer` must not be used afterwards. */
  readonly send: (message: FromShard, transfer: readonly ArrayBuffer[]) => void;
  /** How pools are made. Default: real pools. */
  readonly openPool?: RoutePoolFactory;
  /** Random numbers for the pools. Default: Math.random. */
  readonly random?: () => number;
}

export class Shard {
  readonly #options: ShardOptions;
  readonly #openPool: RoutePoolFactory;
  /** By number. Slots that were never used are undefined. */
  readonly #slots: (BatchSlot | undefined)[] = [];
  readonly #routes = new Map<number, ShardRoute>();
  /** The traits of each route's notifications. */
  readonly #traits = new Map<number, NotificationTraits>();
  readonly #notifications = new Map<number, NotificationState>();
  readonly #context: RouteContext;

  constructor(options: ShardOptions) {
    const { clock, log, send } = options;
    this.#options = options;
    this.#openPool = options.openPool ?? openConnectionPool;
    this.#context = { clock, log, send, slots: this.#slots };
  }

  receive(message: ToShard): void {
    switch (message.kind) {
      case 'batch':
        this.#takeBatch(message);
        break;
      case 'notification':
        this.#takeNotification(message);
        break;
      case 'route':
        this.#openRoute(message);
        break;
      case 'provider-token':
        this.#route(message.routeId).pool.setProviderToken(message.token);
        break;
      case 'withdraw':
        this.#withdraw(message.notificationId, message.slot, message.index);
        break;
      case 'cancel':
        this.#cancel(message.notificationId);
        break;
      case 'forget':
        this.#forget(message.notificationId);
        break;
    }
  }

  stats(): ShardStats {
    const pools = [...this.#routes.values()].map(({ pool }) => pool.stats());
    const stats = { connections: 0, connecting: 0, connectionsOpened: 0, inFlight: 0, waiting: 0, batches: 0 };
    for (const { ready, draining, opening, opened, inFlight } of pools) {
      stats.connections += ready + draining;
      stats.connecting += opening;
      stats.connectionsOpened += opened;
      stats.inFlight += inFlight;
    }
    for (const slot of this.#slots) {
      if (slot?.state == null) continue;
      stats.batches += 1;
      stats.waiting += slot.waiting;
    }
    return { ...stats, streamLimit: lowestOf(pools.map(({ streamLimit }) => streamLimit)) };
  }

  /** Closes connections that have been idle for `idleMs` or longer: those of one route, or of all for null. */
  outdate(idleMs: number, routeId: number | null): void {
    for (const [id, { pool }] of this.#routes) if (routeId === null || routeId === id) pool.outdate(idleMs);
  }

  /** Asks the ready connections of a route for a sign of life. Resolves to whether it came, for each. */
  async ping(routeId: number): Promise<boolean[]> {
    return (await this.#routes.get(routeId)?.pool.ping()) ?? [];
  }

  /** Ends every connection properly, within closeTimeoutMs. Afterwards every batch is settled. */
  async stop(): Promise<void> {
    const cause = new PealError('ERR_PEAL_ABORTED', 'The session was shut down before this was sent.', {
      origin: 'usage',
      retryable: true,
    });
    for (const state of this.#notifications.values()) state.end();
    await Promise.all([...this.#routes.values()].map((route) => route.stop(cause)));
  }

  #openRoute({ routeId, config, allowance: memory = null }: RouteMessage): void {
    const { backend, clock, log, random } = this.#options;
    const allowance = config.rate == null || memory === null ? null : new Allowance(config.rate, memory);
    const openPool = (source: RequestSource): RoutePool =>
      this.#openPool({ config, backend, source, clock, log, ...(random && { random }) });
    const route = new ShardRoute(routeId, this.#context, openPool, allowance);
    this.#routes.set(routeId, route);
    const hasProviderToken = config.credential.kind === 'token';
    this.#traits.set(routeId, { protocol: config.address.protocol, hasProviderToken });
  }

  #takeNotification(message: NotificationMessage): void {
    const {
      notificationId,
      routeId,
      notification,
      stopsAtFailure = false,
      keepsIds = false,
      latencies = null,
      tokenUpdatesTimeMs,
      tells = false,
    } = message;
    const traits = {
      ...this.#traits.get(routeId),
      ...{ stopsAtFailure, keepsIds, tokenUpdatesTimeMs, tells },
      latencies: latencies === null ? null : new LatencyHistogram(latencies),
    };
    this.#notifications.set(notificationId, new NotificationState(notificationId, routeId, notification, traits));
  }

  #takeBatch(message: BatchMessage): void {
    const state = this.#notifications.get(message.notificationId);
    assert(state !== undefined, 'a shard knows a notification before the batches of it');
    const slot = this.#slot(message.slot, message.count);
    slot.begin(message, state);
    this.#route(state.routeId).add(slot);
  }

  /** Does nothing for a batch that is settled already. */
  #withdraw(notificationId: number, slotNumber: number, index: number): void {
    const slot = this.#slots[slotNumber];
    if (slot?.state?.id === notificationId) this.#route(slot.state.routeId).withdraw(slot, index);
  }

  #cancel(notificationId: number): void {
    const state = this.#notifications.get(notificationId);
    if (state !== undefined) this.#route(state.routeId).cancel(state);
  }

  /** After the last notification only the first slot is kept. */
  #forget(notificationId: number): void {
    this.#notifications.get(notificationId)?.end();
    this.#notifications.delete(notificationId);
    if (this.#notifications.size > 0) return;
    assert(
      this.#slots.every((slot) => slot?.state == null),
      'a notification is forgotten after its batches are settled',
    );
    this.#slots.length = Math.min(1, this.#slots.length);
  }

  /** The slot of that number, with room for `count` recipients. It is made anew where it is too small. */
  #slot(number: number, count: number): BatchSlot {
    const known = this.#slots[number];
    if (known !== undefined && known.room >= count) return known;
    assert(known?.state == null, 'a slot is replaced while no batch is in it');
    const slot = new BatchSlot(number, count);
    this.#slots[number] = slot;
    return slot;
  }

  #route(routeId: number): ShardRoute {
    const route = this.#routes.get(routeId);
    assert(route !== undefined, 'a shard knows a route before anything that goes over it');
    return route;
  }
}
