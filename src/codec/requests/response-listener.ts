/**
 * What a client connection tells its owner. Implemented by connection/http2/http2-connection; called from within
 * `receive()`, `abandon()` and nowhere else. The owner must not call back into the connection from these calls.
 */
import type { AnswerFields } from '../../push/answer.js';
import type { GoawayListener } from '../http2/goaways.js';
import type { StreamCause } from '../http2/stream-causes.js';

/** Every tag that was submitted is reported by exactly one of the first four, exactly once. */
export interface ResponseListener extends GoawayListener {
  /**
   * The final status was 200 and the answer is complete. `fields` is null if ids were not asked for, and `body` is
   * empty unless bodies are kept. Both are valid during the call only.
   */
  onAccepted(tag: number, fields: AnswerFields | null, body: Uint8Array): void;
  /**
   * A complete answer with another final status. `body` may be empty, and is cut where it was too long. `body` and
   * `fields` are valid during the call only.
   */
  onRejected(tag: number, status: number, body: Uint8Array, fields: AnswerFields): void;
  /**
   * Certainly not processed: REFUSED_STREAM, above the GOAWAY's lastStreamId, or its last byte was never handed out as
   * output and no answer had begun.
   */
  onUnsent(tag: number, cause: StreamCause): void;
  /** Handed out whole, or its answer had begun; it ended without a complete, well-formed answer. */
  onUnknown(tag: number, cause: StreamCause): void;
}
