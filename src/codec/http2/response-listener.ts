/**
 * What a client connection tells its owner. Implemented by connection/http2/http2-connection; called from within
 * `receive()`, `abandon()` and nowhere else. The owner must not call back into the connection from these calls.
 */
import type { PealError } from '../../base/errors.js';

/** Why a request ended without an answer. One object may stand for many requests: it is never changed. */
export type StreamCause = PealError;

/** Fields of an answer that is not a 200, or of any where ids are kept; null where the answer had none. Valid during the call only. */
export interface ResponseFields {
  readonly apnsId: string | null;
  readonly retryAfter: string | null;
  /** Of `apns-unique-id`; also null if ids were not asked for (ClientConnection.keepIds). */
  readonly uniqueId: string | null;
}

/** Every tag that was submitted is reported by exactly one of the first four, exactly once. */
export interface ResponseListener {
  /** The final status was 200 and the answer is complete. `fields` is null if ids were not asked for. */
  onAccepted(tag: number, fields: ResponseFields | null): void;
  /**
   * A complete answer with another final status. `body` may be empty, and is cut where it was too long; it is valid during
   * the call only.
   */
  onRejected(tag: number, status: number, body: Uint8Array, fields: ResponseFields): void;
  /**
   * Certainly not processed: REFUSED_STREAM, above the GOAWAY's lastStreamId, or its last byte was never handed out as
   * output and no answer had begun.
   */
  onUnsent(tag: number, cause: StreamCause): void;
  /** Handed out whole, or its answer had begun; and ended without a complete, well-formed answer. */
  onUnknown(tag: number, cause: StreamCause): void;
  /**
   * The peer goes away. Called before the requests above `lastStreamId` (the smallest so far) are reported.
   * `debug` is at most maxGoawayDebugBytes long and valid during the call only; it is sensitive in logs.
   */
  onGoaway(lastStreamId: number, errorCode: number, debug: Uint8Array): void;
}
