/**
 * The peer's GOAWAY frames (RFC 9113 §6.8): which streams they end, and what may still be answered. Owned by one
 * connection, on its thread; called by peer-frames.
 */
import { maxGoawayFrames } from '../../base/limits.js';
import { limitFault } from './connection-fault.js';
import type { SendWindow } from './flow-control.js';
import type { Output } from './output.js';
import { goawayCause, goawayWithinAnswerCause } from './stream-causes.js';
import type { StreamEndings } from './stream-endings.js';
import { AWAITING, DROPPED, type StreamTable } from './stream-table.js';

export interface GoawayListener {
  /**
   * The peer goes away. Called before the requests above `lastStreamId` (the smallest so far) are reported.
   * `debug` is at most maxGoawayDebugBytes long and valid during the call only; it is sensitive in logs.
   */
  onGoaway(lastStreamId: number, errorCode: number, debug: Uint8Array): void;
}

export interface Goaway {
  /** The smallest that any GOAWAY named: streams above it were not processed. */
  readonly lastStreamId: number;
  /** Of the newest GOAWAY. */
  readonly errorCode: number;
}

interface GoawaysParts {
  readonly listener: GoawayListener;
  readonly streams: StreamTable;
  readonly output: Output;
  readonly window: SendWindow;
  readonly endings: StreamEndings;
}

export class Goaways {
  /** What all of them say together; null before the first. */
  current: Goaway | null = null;
  readonly #listener: GoawayListener;
  readonly #streams: StreamTable;
  readonly #output: Output;
  readonly #window: SendWindow;
  readonly #endings: StreamEndings;
  #count = 0;

  constructor(parts: GoawaysParts) {
    this.#listener = parts.listener;
    this.#streams = parts.streams;
    this.#output = parts.output;
    this.#window = parts.window;
    this.#endings = parts.endings;
  }

  /** @throws ConnectionFault for a flood of them */
  receive(lastStreamId: number, errorCode: number, debug: Uint8Array): void {
    if (++this.#count > maxGoawayFrames) throw limitFault('a flood of GOAWAY');
    const before = this.current;
    // A later GOAWAY may only lower the id (§6.8); one that raises it is not believed.
    const last = before === null ? lastStreamId : Math.min(before.lastStreamId, lastStreamId);
    this.current = { lastStreamId: last, errorCode };
    // What is dropped leaves its part of the window to bodies up to lastStreamId that wait for it.
    if (before === null) {
      this.#window.available += this.#output.filling.dropStreamsFrom(this.#streams.handedOutBelow);
    }
    // First, so that the listener knows the reason when it hears of the streams.
    this.#listener.onGoaway(last, errorCode, debug);
    if (before === null || last < before.lastStreamId) this.#dropAbove(last, errorCode);
  }

  /** Streams above lastStreamId were not processed; those that were never handed out will not be opened any more. */
  #dropAbove(lastStreamId: number, errorCode: number): void {
    const { ids, states, handedOutBelow } = this.#streams;
    for (let slot = 0; slot < states.length; slot++) {
      if (states[slot]! < AWAITING || (ids[slot]! <= lastStreamId && ids[slot]! < handedOutBelow)) continue;
      // A server that has begun to answer has processed the request.
      const hasBegun = this.#endings.hasAnswerBegun(slot);
      if (hasBegun) this.#endings.unknown(slot, DROPPED, goawayWithinAnswerCause(errorCode));
      else this.#endings.unsent(slot, DROPPED, goawayCause(errorCode));
    }
  }
}
