/**
 * The data plane between dispatcher and shard: everything that crosses the raw port, as plain data. Buffers are
 * transferred. Each epoch (incarnation of a shard) has a port of its own; what comes from an earlier one is dropped.
 *
 *   dispatcher ──▶ route, provider-token, notification, batch, cancel, forget ──▶ shard
 *   dispatcher ◀── settled, refused, stopped, route-failed, provider-token-expired, log ◀── shard
 */
import type { Address } from '../apns/address.js';
import type { Answer } from '../apns/answer.js';
import type { CredentialData } from '../apns/credentials/credential.js';
import type { Notification, PersonalParts } from '../apns/notification.js';
import type { ErrorRecord } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import type { LinkOptions } from '../connection/link-options.js';
import type { AcceptedIds, OutcomeDetail } from './batch.js';

/** One gateway under one credential: what a connection pool of a shard is made for. Plain data; see `routeKey`. */
export interface RouteConfig {
  readonly address: Address;
  readonly credential: CredentialData;
  readonly link: LinkOptions;
}

/**
 * A batch as it travels to a shard. `buffer` holds `count * tokenBytes` bytes of tokens from offset 0. `ledger` is the
 * sheet of the slot, and is shared: what is to be sent is QUEUED there, everything else has its outcome already.
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
  /** Its recipients were all sent to before, and answered or lost. */
  readonly isRetry: boolean;
  /**
   * So long its requests may take to begin, in milliseconds from now; what waits longer becomes unsent. Null: as long as
   * it takes. A span, because the clocks of threads have origins of their own.
   */
  readonly beginWithinMs: number | null;
}

export interface RouteMessage {
  readonly kind: 'route';
  readonly routeId: number;
  readonly config: RouteConfig;
}

export interface NotificationMessage {
  readonly kind: 'notification';
  readonly notificationId: number;
  readonly routeId: number;
  readonly notification: Notification;
  /** The first status of a binary gateway cancels what is left of it. Default false. */
  readonly stopsAtFailure?: boolean;
  /** The ids of accepted notifications are kept. Default false. */
  readonly keepsIds?: boolean;
  /** How long APNs may answer TooManyProviderTokenUpdates and accept nothing, in milliseconds. Default retryTimeMs. */
  readonly tokenUpdatesTimeMs?: number;
}

/** Messages about one thing arrive in the order in which they were posted: a route before its notifications, and so on. */
export type ToShard =
  | RouteMessage
  /** The provider token (a JWT, without "bearer ") that a route uses from now on. */
  | { readonly kind: 'provider-token'; readonly routeId: number; readonly token: string }
  | NotificationMessage
  | BatchMessage
  /** Whatever of this notification is not yet written becomes unsent. */
  | { readonly kind: 'cancel'; readonly notificationId: number }
  /** No batch of this notification will follow. */
  | { readonly kind: 'forget'; readonly notificationId: number };

/** Every recipient of the batch in `slot` has its outcome in the ledger. The buffer comes back to be used again. */
export interface SettledMessage {
  readonly kind: 'settled';
  readonly slot: number;
  readonly buffer: ArrayBuffer;
  readonly details: readonly OutcomeDetail[];
  /** Of those that this shard had accepted, where ids are kept. */
  readonly ids?: AcceptedIds | null;
  /** Why recipients are unsent or unknown; null when none is, or when they were cancelled. */
  readonly cause: ErrorRecord | null;
}

/** The same refusal came again and again: the shard has cancelled the notification, and so should all others. */
export interface RefusedMessage extends Pick<Answer, 'status' | 'reason'> {
  readonly kind: 'refused';
  readonly notificationId: number;
}

/** A binary gateway refused one of a notification that stops there: the shard has cancelled it, and so should all others. */
interface StoppedMessage {
  readonly kind: 'stopped';
  readonly notificationId: number;
  readonly cause: ErrorRecord;
}

/** The pool of a route has given up. Comes before the batches that are settled as unsent because of it. */
export interface RouteFailedMessage {
  readonly kind: 'route-failed';
  readonly routeId: number;
  readonly cause: ErrorRecord;
}

/** APNs called this provider token expired: the route of this shard sends nothing until it gets a different one. */
export interface ProviderTokenExpiredMessage {
  readonly kind: 'provider-token-expired';
  readonly routeId: number;
  readonly token: string;
}

/** A connection is open (`end` is null) or over, which may be an attempt that failed. */
export interface ConnectionMessage {
  readonly kind: 'connection';
  readonly routeId: number;
  /** Among those of its pool. */
  readonly number: number;
  /** `cause`: null in good order. */
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
  | SettledMessage
  | RefusedMessage
  | StoppedMessage
  | RouteFailedMessage
  | ProviderTokenExpiredMessage
  | ConnectionMessage
  | LogMessage;
