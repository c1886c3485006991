/**
 * GOAWAY from the server's side (RFC 9113 §6.8): which streams are still served, and what happens to the others. Owned
 * by one server connection.
 *
 *     ids    1   3   5   7   9  │ 11  13  15 …
 *            served             │ ignored, not processed
 *                               └─ lastServedId: only ever goes down
 */
import { NO_ERROR } from '../../codec/http2/frames.js';
import type { AnswerWriter } from './answer-writer.js';
import type { ServerControlFrames } from './server-control-frames.js';
import { RECEIVING, type ServerStreams } from './server-streams.js';

const highestStreamId = 0x7fffffff;

/** The content of a GOAWAY. */
export interface GoawayContent {
  readonly errorCode: number;
  /** Debug data, as text. */
  readonly debug: string;
  readonly isTwice: boolean;
}

export const plainGoaway: GoawayContent = Object.freeze({ errorCode: NO_ERROR, debug: '', isTwice: false });

/** A GOAWAY with one of Apple's reasons, as JSON. */
export function goawayFor(reason: string, isTwice = false): GoawayContent {
  return { errorCode: NO_ERROR, debug: JSON.stringify({ reason }), isTwice };
}

/** Complete requests that wait to be processed. */
interface WaitingRequests {
  holds(streamId: number): boolean;
}

export class ServerGoaways {
  readonly #writer: AnswerWriter;
  readonly #control: ServerControlFrames;
  readonly #streams: ServerStreams;
  readonly #waiting: WaitingRequests | null;
  /** Streams above it are ignored. */
  lastServedId = highestStreamId;

  constructor(
    writer: AnswerWriter,
    control: ServerControlFrames,
    streams: ServerStreams,
    waiting: WaitingRequests | null,
  ) {
    this.#writer = writer;
    this.#control = control;
    this.#streams = streams;
    this.#waiting = waiting;
  }

  /** First step of a graceful end: no new streams, but streams under way are still served. */
  announce(goaway: GoawayContent): void {
    this.#send(highestStreamId, goaway);
    this.#control.ping();
  }

  /** Whether the client has read the announcement: it answered the PING behind it. */
  get isNoticed(): boolean {
    return this.#control.isPingAcknowledged;
  }

  /** Second step, or the only one. Returns the open streams above it, which will not be processed. */
  tell(goaway: GoawayContent, lastServedId: number): number[] {
    this.lastServedId = Math.min(this.lastServedId, lastServedId);
    this.#send(this.lastServedId, goaway);
    return this.#streams.open().filter((streamId) => streamId > this.lastServedId);
  }

  /**
   * Returns the last stream so that half or none of the streams under way are covered. Never below a processed one
   * without a complete answer, which the client would take for unprocessed.
   */
  lastStreamFor(share: 'half' | 'none'): number {
    const open = this.#streams.open();
    const isWaiting = (streamId: number): boolean =>
      this.#waiting?.holds(streamId) === true || this.#streams.find(streamId, RECEIVING) >= 0;
    const waiting = open.filter(isWaiting);
    const processed = open.filter((streamId) => !isWaiting(streamId));
    const covered = share === 'half' ? Math.ceil(waiting.length / 2) : 0;
    return Math.max(0, processed.at(-1) ?? 0, waiting[covered - 1] ?? 0);
  }

  #send(lastStreamId: number, { errorCode, debug, isTwice }: GoawayContent): void {
    for (let times = isTwice ? 2 : 1; times > 0; times--) this.#writer.goaway(lastStreamId, errorCode, debug);
  }
}
