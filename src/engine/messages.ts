/**
 * The data plane between dispatcher and shard: everything that crosses the raw port, as plain data. Buffers are
 * transferred. Each epoch (incarnation of a shard) has a port of its own; messages from an earlier epoch are dropped.
 *
 *   dispatcher ──▶ route, provider-token, notification, batch, withdraw, cancel, forget ──▶ shard
 *   dispatcher ◀── told, settled, refused, stopped, route-failed, provider-token-expired, log ◀── shard
 */
import type { ErrorRecord } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import type { LinkOptions } from '../connection/link-options.js';
import type { Address } from '../push/address.js';
import type { Answer } from '../push/answer.js';
import type { CredentialData } from '../push/credentials/credential.js';
import type { Notification, PersonalParts } from '../push/notification.js';
import type { RequestRate } from '../push/request-rate.js';
import type { AcceptedIds, OutcomeDetail } from './batch.js';

/** One gateway with one credential, for which a shard makes a connection pool. Plain data; see `routeKey`. */
export interface RouteConfig {
  readonly address: Address;
  readonly credential: CredentialData;
  readonly link: LinkOptions;
  /**
   * How many requests may begin over it, with all other routes to the same gateway; over HTTP/2. Default null: no
   * limit.
   */
  readonly rate?: RequestRate | null;
}

/**
 * A batch as it travels to a shard. `buffer` holds `count * tokenBytes` bytes of tokens from offset 0, and behind them
 * what `personal` is views of. `ledger` is the sheet of the slot, in shared memory: recipients to send to are QUEUED
 * there, and all others have their outcome.
 */
export interface BatchMessage {
  readonly kind: 'batch';
  readonly slot: number;
  readonly ledger: SharedArrayBuffer;
  readonly notificationId: number;
  readonly count: number;
  readonly tokenBytes: number;
  readonly buffer: ArrayBuffer;
  readonly personal: PersonalParts | null;
  /** Its recipients were all sent to before. */
  readonly isRetry: boolean;
  /**
   * How long its requests may take to begin, in milliseconds from now. Recipients that wait longer become unsent. Null:
   * no limit. A span and not a time, because the clocks of threads have different origins.
   */
  readonly beginWithinMs: number | null;
}

export interface RouteMessage {
  readonly kind: 'route';
  readonly routeId: number;
  readonly config: RouteConfig;
  /** Memory of the Allowance that all shards share. Default null: for a route without a rate. */
  readonly allowance?: SharedArrayBuffer | null;
}

export interface NotificationMessage {
  readonly kind: 'notification';
  readonly notificationId: number;
  readonly routeId: number;
  readonly notification: Notification;
  /** The first status of a binary gateway cancels the rest of it. Default false. */
  readonly stopsAtFailure?: boolean;
  /** The ids of accepted notifications are kept. Default false. */
  readonly keepsIds?: boolean;
  /** Memory of a LatencyHistogram, in which the shard counts how long answers took. Default null: it does not. */
  readonly latencies?: SharedArrayBuffer | null;
  /** How long APNs may answer TooManyProviderTokenUpdates and accept nothing, in milliseconds. Default retryTimeMs. */
  readonly tokenUpdatesTimeMs?: number;
  /** Each outcome is told as it comes; see TellingSink.told. Default false. */
  readonly tells?: boolean;
}

/** Related messages arrive in the order in which they were posted: a route before its notifications, and so on. */
export type ToShard =
  | RouteMessage
  /** The provider token (a JWT, without "bearer ") that a route uses from now on. */
  | { readonly kind: 'provider-token'; readonly routeId: number; readonly token: string }
  | NotificationMessage
  | BatchMessage
  /** One recipient becomes unsent if its request is not yet written. Told in any case. */
  | { readonly kind: 'withdraw'; readonly notificationId: number; readonly slot: number; readonly index: number }
  /** Requests of this notification that are not yet written become unsent. */
  | { readonly kind: 'cancel'; readonly notificationId: number }
  /** No batch of this notification will follow. */
  | { readonly kind: 'forget'; readonly notificationId: number };

/**
 * Outcomes of some recipients of the batch in `slot`, which is not settled yet. They stand in the ledger; WRITTEN there
 * means that a recipient could not be withdrawn.
 */
export interface ToldRecipients {
  readonly slot: number;
  readonly indexes: readonly number[];
  /** One for each of them that was rejected. */
  readonly details: readonly OutcomeDetail[];
  /** The id of each that was accepted, if ids are kept and an answer had one. */
  readonly ids: readonly (string | null)[] | null;
  /** Why those of them are unknown that are. */
  readonly cause: ErrorRecord | null;
}

/** What the answers of one read, or of one turn, have told. Comes before the batches are settled that it is about. */
interface ToldMessage {
  readonly kind: 'told';
  readonly told: readonly ToldRecipients[];
}

/** Every recipient of the batch in `slot` has its outcome in the ledger. The buffer comes back to be used again. */
export interface SettledMessage {
  readonly kind: 'settled';
  readonly slot: number;
  readonly buffer: ArrayBuffer;
  readonly details: readonly OutcomeDetail[];
  /** Ids of the recipients that this shard had accepted, if ids are kept. */
  readonly ids?: AcceptedIds | null;
  /** Why recipients are unsent or unknown; null if there are none, or if they were cancelled. */
  readonly cause: ErrorRecord | null;
}

/** The same refusal came again and again. The shard has cancelled the notification, and all other shards should. */
export interface RefusedMessage extends Pick<Answer, 'status' | 'reason'> {
  readonly kind: 'refused';
  readonly notificationId: number;
}

/**
 * A binary gateway refused a recipient of a notification that stops at the first failure. The shard has cancelled the
 * notification, and all other shards should.
 */
interface StoppedMessage {
  readonly kind: 'stopped';
  readonly notificationId: number;
  readonly cause: ErrorRecord;
}

/** The pool of a route has given up. Comes before the batches that become unsent because of it. */
export interface RouteFailedMessage {
  readonly kind: 'route-failed';
  readonly routeId: number;
  readonly cause: ErrorRecord;
}

/** APNs called this provider token expired. The shard sends nothing over the route until it gets a different token. */
export interface ProviderTokenExpiredMessage {
  readonly kind: 'provider-token-expired';
  readonly routeId: number;
  readonly token: string;
}

/** A connection is open (`end` is null) or has ended. Failed attempts to connect end, too. */
export interface ConnectionMessage {
  readonly kind: 'connection';
  readonly routeId: number;
  /** Its number within its pool. */
  readonly number: number;
  /** `cause`: null after a normal end. */
  readonly end: { readonly answers: number; readonly cause: ErrorRecord | null } | null;
}

/** A line for the program's logger, from a shard in a thread of its own. */
export interface LogMessage {
  readonly kind: 'log';
  readonly level: keyof Logger;
  readonly fields: object;
  readonly message: string;
}

export type FromShard =
  | ToldMessage
  | SettledMessage
  | RefusedMessage
  | StoppedMessage
  | RouteFailedMessage
  | ProviderTokenExpiredMessage
  | ConnectionMessage
  | LogMessage;
