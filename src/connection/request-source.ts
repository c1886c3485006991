/**
 * The seam between a pool of connections and the owner of the recipients (a shard). Connections pull: a pool is told
 * that work waits, and takes as much as it has credit for. Every recipient that is taken is reported exactly once.
 */
import type { PealError } from '../base/errors.js';
import type { Recipients } from '../codec/recipients.js';
import type { Answer } from '../push/answer.js';
import type { Notification } from '../push/notification.js';

/**
 * Recipients of one notification that wait to be sent. Taking moves `head` up. A recipient that comes back is put at
 * `--head`, where there is always room, and so goes first.
 */
export interface RequestRun extends Recipients {
  readonly notification: Notification;
  /** Names the notification within the route: equal ids mean equal notifications. */
  readonly notificationId: number;
  /** Whether the ids of accepted notifications are told (`onIds`). Default false. */
  readonly keepsIds?: boolean;
  /** Whether it is told how long the answers took (`onLatency`). Default false. */
  readonly isTimed?: boolean;
}

/** Implemented by a shard for each of its routes; called by the route's pool and its connections. */
export interface RequestSource {
  /** The run to send from now, with at least one recipient waiting; null when nothing waits, or none may begin. */
  current(): RequestRun | null;
  /** Nothing waits, neither for a connection nor for its rate. Default: where `current` is null. */
  readonly isEmpty?: boolean;
  /**
   * How many of the next `count` recipients may be taken now: at least one, or 0 where a rate allows none. `current` is
   * null then, until the pool is told that work waits. Default: all.
   */
  allow?(count: number): number;
  /**
   * Goes on elsewhere among those that wait: `share` (0 to below 1) of them further on, and the skipped ones come last.
   * Called before each trial of a gateway in trouble. Recipients that always get a fault may stand side by side, and to
   * try one after the other would tell nothing about the rest.
   */
  skip(share: number): void;
  /** The first `count` waiting recipients of `run` are about to be written: moves `run.head`, marks the ledger. */
  taken(run: RequestRun, count: number): void;
  /** APNs answered 200. */
  onAccepted(tag: number): void;
  /** The ids that an answer 200 named: right before `onAccepted`, and only where some run has asked for ids. */
  onIds?(tag: number, apnsId: string | null, uniqueId: string | null): void;
  /**
   * How long an answer took, in milliseconds from the hand-out of its request to the stream until the answer was read:
   * right before `onAccepted` or `onRejected`, and only where some run has asked for it.
   */
  onLatency?(tag: number, ms: number): void;
  /** Whether a recipient that is out was sent to before and answered, or its answer lost; asked before onRejected. */
  isRetry(tag: number): boolean;
  /** APNs answered otherwise. */
  onRejected(tag: number, answer: Answer): void;
  /**
   * Certainly not processed (REFUSED_STREAM, above lastStreamId, never handed to the stream): may be sent again.
   * `isFree`: it does not count as an attempt for this recipient, because something else bounds it. Either the
   * connection settled other recipients, or the stream was refused, and the pool stops by itself if nothing else
   * happens. Default false.
   */
  onUnsent(tag: number, cause: PealError, isFree?: boolean): void;
  /** Written and never answered. */
  onUnknown(tag: number, cause: PealError): void;
  /**
   * The gateway answered that this provider token has expired. The pool sends nothing more under it and waits until
   * setProviderToken() brings a different one. Told once for each token, after the first rejection that says so.
   */
  onProviderTokenExpired(token: string): void;
  /** A connection of the pool, by its number there, is ready. */
  onConnectionOpen?(number: number): void;
  /** A connection of the pool, or an attempt, is over after so many answers. `error`: why; null in good order. */
  onConnectionClosed?(number: number, answers: number, error: PealError | null): void;
  /** The pool has given up: nothing that waits can be sent over this route until it is asked again. */
  onFailed(error: PealError): void;
}
