/**
 * The events that a program can watch over node:diagnostics_channel: connections and settled batches. Published on the
 * dispatcher's thread, also for connections of other threads: shards post the events of their connections, and each
 * mailbox keeps the open connections of its shard. No event holds a device token, a payload or a credential.
 */
import { channel } from 'node:diagnostics_channel';
import { PealError } from '../../base/errors.js';
import { addressUrl } from '../../push/address.js';
import type { SettledBatch } from '../batch.js';
import type { ConnectionMessage } from '../messages.js';
import { Tally, type TallyCounts } from '../tally.js';
import type { Route } from './route.js';

/** An open connection. The same object in both of its events. */
export interface WatchedConnection {
  /** The gateway's address: `https://host:port` or `binary://host:port`. */
  readonly gateway: string;
  /** The thread that sends over it, from 0; null for a connection for channels or broadcasts. */
  readonly shardId: number | null;
  /**
   * Number of the connection among those of one thread to one gateway with one credential; the same as `connection` in
   * the log.
   */
  readonly number: number;
}

/** Published on `peal:connection:open`. */
export interface ConnectionOpenEvent {
  readonly connection: WatchedConnection;
}

/** Published on `peal:connection:close`, once for each connection that was open. */
export interface ConnectionCloseEvent {
  readonly connection: WatchedConnection;
  /** Requests that the gateway answered over it; null if its thread crashed. */
  readonly answers: number | null;
  /** Why it ended; null after a normal end. */
  readonly error: PealError | null;
}

/** Published on `peal:connection:failed`: an attempt to connect has failed. */
export interface ConnectionFailedEvent {
  /** No other event is about it. */
  readonly connection: WatchedConnection;
  readonly error: PealError;
}

/** Published on `peal:batch:settled`, before the outcomes are counted in the result. */
export interface BatchSettledEvent extends TallyCounts {
  readonly gateway: string;
  /** Requests beyond the first for each recipient. */
  readonly resent: number;
  /** Why recipients are unsent or unknown; null if there are no such recipients. */
  readonly error: PealError | null;
}

const opened = channel('peal:connection:open');
const closed = channel('peal:connection:close');
const failed = channel('peal:connection:failed');
const settled = channel('peal:batch:settled');

export function publishBatch(route: Route, batch: SettledBatch): void {
  if (!settled.hasSubscribers) return;
  const tally = new Tally();
  tally.add(batch);
  const { resent, cause: error } = batch;
  const event: BatchSettledEvent = { gateway: addressUrl(route.config.address), ...tally.toJSON(), resent, error };
  settled.publish(event);
}

export function publishOpen(connection: WatchedConnection): void {
  const event: ConnectionOpenEvent = { connection };
  if (opened.hasSubscribers) opened.publish(event);
}

export function publishClose(connection: WatchedConnection, answers: number | null, error: PealError | null): void {
  const event: ConnectionCloseEvent = { connection, answers, error };
  if (closed.hasSubscribers) closed.publish(event);
}

/** An attempt was never open. */
export function publishFailure(connection: WatchedConnection, error: PealError): void {
  const event: ConnectionFailedEvent = { connection, error };
  if (failed.hasSubscribers) failed.publish(event);
}

/** The open connections of one shard, of which each route is told. Owned by its mailbox. */
export class OpenConnections {
  readonly #shardId: number;
  readonly #connections = new Map<string, { readonly route: Route; readonly connection: WatchedConnection }>();

  constructor(shardId: number) {
    this.#shardId = shardId;
  }

  /** Handles a shard's message that one of its connections is open, or has ended. */
  receive(route: Route, { number, end }: ConnectionMessage): void {
    const key = `${route.id} ${number}`;
    if (end === null) {
      const connection = Object.freeze({ gateway: addressUrl(route.config.address), shardId: this.#shardId, number });
      this.#connections.set(key, { route, connection });
      route.connectionOpened();
      publishOpen(connection);
      return;
    }
    const cause = end.cause === null ? null : PealError.fromRecord(end.cause);
    const open = this.#connections.get(key);
    route.connectionEnded(open !== undefined, cause);
    if (open === undefined) {
      const gateway = addressUrl(route.config.address);
      if (cause !== null) publishFailure({ gateway, shardId: this.#shardId, number }, cause);
      return;
    }
    this.#connections.delete(key);
    publishClose(open.connection, end.answers, cause);
  }

  /** The shard has ended. Its open connections end with it. */
  lose(cause: PealError): void {
    for (const { route, connection } of this.#connections.values()) {
      route.connectionEnded(true, cause);
      publishClose(connection, null, cause);
    }
    this.#connections.clear();
  }
}
