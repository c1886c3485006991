/**
 * What comes on streams: passes HEADERS and DATA of open streams on to the reader of answers, and knows what such a
 * frame means on any other stream (RFC 9113 §5.1). Keeps the windows of what is received (§6.9). Called by peer-frames;
 * owned by one connection, on its thread.
 */
import { receiveConnectionWindowBytes } from '../../base/limits.js';
import { protocolFault } from './connection-fault.js';
import type { ControlFrames } from './control-frames.js';
import { ReceiveWindow } from './flow-control.js';
import { FLOW_CONTROL_ERROR, PROTOCOL_ERROR, STREAM_CLOSED } from './frames.js';
import type { Output } from './output.js';
import { flowControlCause, malformedCause } from './stream-causes.js';
import type { StreamEndings } from './stream-endings.js';
import { DROPPED, type StreamTable } from './stream-table.js';

/** Makes answers of what comes on open streams. What lies in `bytes[start … end)` is valid during the call only. */
export interface AnswerReader {
  /** A whole field block. @throws ConnectionFault, PealError where the connection has to end */
  readHeaders(slot: number, endsStream: boolean, bytes: Uint8Array, start: number, end: number): void;
  /** A field block that is no part of an answer. It is decoded all the same: the table must follow (§4.3). */
  discardBlock(bytes: Uint8Array, start: number, end: number): void;
  /** The receive window of a stream whose answer has begun; null before that, when DATA may not come. */
  windowOf(slot: number): ReceiveWindow | null;
  /** DATA without its padding. Returns whether the stream goes on. */
  readData(slot: number, endsStream: boolean, bytes: Uint8Array, start: number, end: number): boolean;
}

interface StreamInputParts {
  readonly streams: StreamTable;
  readonly output: Output;
  readonly control: ControlFrames;
  readonly endings: StreamEndings;
  readonly reader: AnswerReader;
}

export class StreamInput {
  readonly #streams: StreamTable;
  readonly #output: Output;
  readonly #control: ControlFrames;
  readonly #endings: StreamEndings;
  readonly #reader: AnswerReader;
  readonly #window = new ReceiveWindow(receiveConnectionWindowBytes);

  constructor(parts: StreamInputParts) {
    this.#streams = parts.streams;
    this.#output = parts.output;
    this.#control = parts.control;
    this.#endings = parts.endings;
    this.#reader = parts.reader;
  }

  /** A whole field block of a HEADERS frame. @throws ConnectionFault, PealError where the connection has to end */
  readHeaders(streamId: number, endsStream: boolean, bytes: Uint8Array, start: number, end: number): void {
    const slot = this.#streams.findActive(streamId);
    if (slot >= 0 && streamId < this.#streams.handedOutBelow) {
      this.#reader.readHeaders(slot, endsStream, bytes, start, end);
    } else {
      this.#reader.discardBlock(bytes, start, end);
      this.#onClosed(streamId);
    }
  }

  /** The field block of a push that is refused. @throws ConnectionFault, PealError where the connection has to end */
  discardBlock(bytes: Uint8Array, start: number, end: number): void {
    this.#reader.discardBlock(bytes, start, end);
  }

  /**
   * A DATA frame. `bytes[start … end)` is its data without padding; `flowBytes` its whole payload, which counts against
   * the windows (§6.1).
   */
  readData(
    streamId: number,
    endsStream: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    flowBytes: number,
  ): void {
    this.#takeFlow(flowBytes);
    if (start === end && !endsStream) this.#endings.countEmptyData();
    const slot = this.#streams.findActive(streamId);
    if (slot < 0 || streamId >= this.#streams.handedOutBelow) {
      this.#onClosed(streamId);
      return;
    }
    const window = this.#reader.windowOf(slot);
    if (window === null) {
      this.#endings.streamError(slot, PROTOCOL_ERROR, malformedCause);
    } else if (!window.take(flowBytes, this.#output.handOuts)) {
      this.#endings.streamError(slot, FLOW_CONTROL_ERROR, flowControlCause);
    } else if (this.#reader.readData(slot, endsStream, bytes, start, end)) {
      const increment = window.credit(this.#output.handOuts);
      if (increment > 0) this.#control.windowUpdate(streamId, increment);
    }
  }

  /** All DATA is credited back to the connection, kept or discarded. */
  #takeFlow(flowBytes: number): void {
    if (!this.#window.take(flowBytes, this.#output.handOuts)) {
      throw protocolFault('more DATA than the connection window allows', FLOW_CONTROL_ERROR);
    }
    const increment = this.#window.credit(this.#output.handOuts);
    if (increment > 0) this.#control.windowUpdate(0, increment);
  }

  /** HEADERS or DATA on a stream that is not open: an error, unless we have dropped the stream ourselves (§5.1). */
  #onClosed(streamId: number): void {
    const streams = this.#streams;
    if (streams.isRefusedPush(streamId)) return;
    if (!streams.wasOpened(streamId)) throw protocolFault('a frame on a stream that was never opened');
    if (!streams.hasPeerEnded(streamId)) return;
    this.#endings.reset(streamId, STREAM_CLOSED);
    streams.states[(streamId >>> 1) & streams.mask] = DROPPED;
  }
}
