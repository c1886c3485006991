/**
 * What a pool knows of a connection, whichever protocol it speaks. Implemented by Http2Connection and
 * BinaryConnection; used by ConnectionPool, on the pool's thread.
 */
import type { PealError } from '../base/errors.js';
import type { RequestRun } from './request-source.js';

export type ConnectionState = 'opening' | 'ready' | 'draining' | 'closing' | 'closed';

/** The totals of one connection. */
export interface ConnectionCounts {
  /** Notifications that the gateway accepted or rejected. */
  readonly answers: number;
  /** Those of them that settled a recipient: not the ones after which it has to be sent to again. */
  readonly progress: number;
  /** Requests that were written and not answered, since the last read that settled any. */
  readonly readUnanswered: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** From the first request to the first answer, in milliseconds; Infinity before, and over the binary protocol. */
  readonly roundTripMs: number;
  /** When the first answer came that was progress, on the clock; Infinity before, and over the binary protocol. */
  readonly workingSinceMs: number;
}

export interface GatewayConnection {
  /** Names the connection in logs. */
  readonly id: number;
  readonly state: ConnectionState;
  /** Notifications that are written and without an outcome. */
  readonly inFlight: number;
  readonly counts: ConnectionCounts;
  /** Requests at a time that the gateway allows on it; null where it says nothing of that. */
  readonly streamLimit: number | null;
  /** Milliseconds since the attempt to connect began. */
  readonly ageMs: number;
  /** Milliseconds since the last notification had its outcome; 0 while some are in flight. */
  readonly idleMs: number;
  /** It works and takes more with each answer, because it is new: work that waits is no fault of its gateway. */
  readonly isStarting: boolean;
  /** Whether `run` has to wait here, so that another connection would help. */
  isFullFor(run: RequestRun): boolean;
  setProviderToken(token: string | null): void;
  /** Takes what waits, as far as it can, and writes it. Cheap when nothing can be done. */
  pump(): void;
  /**
   * Asks a ready connection for a sign of life; resolves to whether one came in time. Missing where the protocol has no
   * such question.
   */
  ping?(): Promise<boolean>;
  /**
   * Takes no more work, waits for the outcomes of what is in flight, `deadlineMs` at most, then closes in good order.
   * `cause` is what notifications without an outcome are told, and the owner; null: the owner wants no more of it.
   */
  drain(deadlineMs: number, cause: PealError | null): void;
  /** Ends the connection now: what is in flight becomes unknown, the stream is dropped. */
  abandon(cause: PealError | null): void;
}
