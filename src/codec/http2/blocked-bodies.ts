/**
 * Bodies that wait for a window: HEADERS are out, the rest of the DATA follows in pieces as the peer opens the windows
 * of connection and stream (RFC 9113 §5.2, §6.9). First come, first served; a body whose own stream window is shut does
 * not hold up the others. Bounded by maxBlockedBodies. Owned by one connection, on its thread.
 */
import { maxBlockedBodies } from '../../base/limits.js';
import type { SendWindow } from './flow-control.js';
import { DATA, FLAG_END_STREAM, FRAME_HEADER_BYTES, writeFrameHeader } from './frames.js';
import type { Output } from './output.js';
import type { PeerSettings } from './settings.js';
import { AWAITING, FINISHING, SENDING, type StreamTable } from './stream-table.js';

export class BlockedBodies {
  readonly #streams: StreamTable;
  readonly #output: Output;
  readonly #settings: PeerSettings;
  readonly #window: SendWindow;
  // Bodies that wait, [0, #count): lists that grow with the first of them, because most connections never see one.
  readonly #ids: number[] = [];
  readonly #payloads: (Uint8Array | null)[] = [];
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #count = 0;
  /** Streams that are FINISHING; all of them were blocked when the output was handed out last. */
  readonly #finishing: number[] = [];
  #finishingCount = 0;

  constructor(streams: StreamTable, output: Output, settings: PeerSettings, window: SendWindow) {
    this.#streams = streams;
    this.#output = output;
    this.#settings = settings;
    this.#window = window;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Bodies that may still be added. */
  get room(): number {
    return maxBlockedBodies - this.#count;
  }

  /** Sends what the windows allow of `payload[from … to)` on a SENDING stream and keeps the rest for later. */
  send(streamId: number, payload: Uint8Array, from: number, to: number): void {
    const sent = this.#sendPieces(streamId, payload, from, to);
    if (sent === to) return;
    const index = this.#count++;
    this.#ids[index] = streamId;
    this.#payloads[index] = payload;
    this.#from[index] = sent;
    this.#to[index] = to;
  }

  /** Sends what the windows allow now. Called once for each write, so that small increments share a frame. */
  flush(): void {
    if (this.#count === 0) return;
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      const streamId = this.#ids[i]!;
      const payload = this.#payloads[i]!;
      const to = this.#to[i]!;
      this.#payloads[i] = null;
      if (!this.#isSending(streamId)) continue;
      const sent = this.#sendPieces(streamId, payload, this.#from[i]!, to);
      if (sent === to) continue;
      this.#ids[kept] = streamId;
      this.#payloads[kept] = payload;
      this.#from[kept] = sent;
      this.#to[kept] = to;
      kept++;
    }
    this.#count = kept;
  }

  /** All output is handed out, and with it the last of these bodies: their streams await answers now. */
  handedOut(): void {
    const { ids, states, mask } = this.#streams;
    for (let i = 0; i < this.#finishingCount; i++) {
      const streamId = this.#finishing[i]!;
      const slot = (streamId >>> 1) & mask;
      if (ids[slot] === streamId && states[slot] === FINISHING) states[slot] = AWAITING;
    }
    this.#finishingCount = 0;
  }

  #isSending(streamId: number): boolean {
    const slot = (streamId >>> 1) & this.#streams.mask;
    return this.#streams.ids[slot] === streamId && this.#streams.states[slot] === SENDING;
  }

  /** Sends what the windows allow, in as few frames as the peer takes; returns how far the body has been sent. */
  #sendPieces(streamId: number, payload: Uint8Array, from: number, to: number): number {
    const slot = (streamId >>> 1) & this.#streams.mask;
    const windowDeltas = this.#streams.windowDeltas;
    let sent = from;
    while (sent < to) {
      const rest = to - sent;
      const streamWindow = this.#settings.initialWindowBytes + windowDeltas[slot]!;
      const room = this.#output.roomFor(rest) - FRAME_HEADER_BYTES;
      const bytes = Math.min(rest, streamWindow, this.#window.available, this.#settings.maxFrameBytes, room);
      if (bytes <= 0) return sent;
      const buffer = this.#output.filling;
      const at = buffer.append(FRAME_HEADER_BYTES + bytes);
      writeFrameHeader(buffer.bytes, at, bytes, DATA, bytes === rest ? FLAG_END_STREAM : 0, streamId);
      buffer.bytes.set(payload.subarray(sent, sent + bytes), at + FRAME_HEADER_BYTES);
      windowDeltas[slot]! -= bytes;
      this.#window.available -= bytes;
      sent += bytes;
    }
    this.#finish(streamId, slot);
    return sent;
  }

  /** The last of the body is in the output. Where its HEADERS are still there, too, both go or stay together. */
  #finish(streamId: number, slot: number): void {
    if (streamId >= this.#streams.handedOutBelow) {
      this.#streams.states[slot] = AWAITING;
    } else {
      this.#streams.states[slot] = FINISHING;
      this.#finishing[this.#finishingCount++] = streamId;
    }
  }
}
