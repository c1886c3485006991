/**
 * The data plane between dispatcher and shard: everything that crosses the raw port, as plain data. Buffers are
 * transferred. Messages of an earlier epoch (incarnation of a shard) are dropped by their reader.
 */
import type { Address } from '../apns/address.js';
import type { CredentialData } from '../apns/credential.js';
import type { Notification, PersonalParts } from '../apns/notification.js';
import type { ErrorRecord } from '../base/errors.js';
import type { OutcomeDetail } from './batch.js';

/** One gateway under one credential: what a connection pool of a shard is made for. */
export interface RouteConfig {
  readonly address: Address;
  readonly credential: CredentialData;
  /** PEM certificates trusted instead of the system's, or null. */
  readonly ca: string | null;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** Whether the provider token may enter the peer's header table. */
  readonly indexAuthorization: boolean;
}

/** A batch as it travels to a shard. `buffer` holds `count * tokenBytes` bytes of tokens from offset 0. */
export interface BatchMessage {
  readonly kind: 'batch';
  readonly slot: number;
  readonly notificationId: number;
  readonly count: number;
  readonly tokenBytes: number;
  readonly buffer: ArrayBuffer;
  readonly personal: PersonalParts | null;
}

export type ToShard =
  | { readonly kind: 'route'; readonly routeId: number; readonly config: RouteConfig }
  /** The provider token (a JWT, without "bearer ") that a route uses from now on. */
  | { readonly kind: 'provider-token'; readonly routeId: number; readonly token: string }
  | {
      readonly kind: 'notification';
      readonly notificationId: number;
      readonly routeId: number;
      readonly notification: Notification;
    }
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
  /** Why recipients are unsent or unknown; null when none is. */
  readonly cause: ErrorRecord | null;
}

export type FromShard = SettledMessage;
