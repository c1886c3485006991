/**
 * The streams of one connection in typed arrays: a ring indexed by half the stream id. Ids only grow; an id whose slot
 * is still taken is skipped (RFC 9113 §5.1.1 lets a client leave ids out). Owned by one connection, on its thread.
 *
 *      id 1   3   5   7        …      16,383 16,385
 *        [0] [1] [2] [3]  …          [8,191]  [0] …     slot = (id >> 1) & mask, here of 8,192 slots
 *
 * A slot keeps its id after the stream has ended, so that late frames are told apart:
 *   ids[slot] === id   we opened it, and the state says how it stands
 *   ids[slot] >  id    we opened and ended it (or skipped it) long ago, the slot has been used again since
 *   ids[slot] <  id    we never opened it
 *
 * Who writes which column, besides open() and end():
 *   ids, tags       requests/request-writer, for the streams that it opens in place
 *   states          requests/request-writer, likewise; blocked-bodies (SENDING to FINISHING and AWAITING);
 *                   stream-input (ENDED to DROPPED)
 *   windowDeltas    requests/request-writer and blocked-bodies charge them; peer-frames gives back (WINDOW_UPDATE)
 *   informational   requests/request-writer clears, requests/response-reader counts
 *   marks           handOut() alone
 *
 * end() is called by stream-endings only. `active` and `nextId` are moved by requests/request-writer, too;
 * `lastPromisedId` is written by peer-frames.
 */
import { assert } from '../../base/assert.js';
import { streamRingSlots } from '../../base/limits.js';

/** Ended by the peer (END_STREAM or RST_STREAM). */
export const ENDED = 0;
/** Ended by us (RST_STREAM, or above a GOAWAY's lastStreamId): what still comes is discarded (§5.1 "closed"). */
export const DROPPED = 1;
/** The whole request is in the output or gone out; its answer is awaited. From here on a slot is taken. */
export const AWAITING = 2;
/** Part of the body waits for a window. */
export const SENDING = 3;
/** HEADERS were handed out; the last of the body waited for a window, is in the output and not handed out yet. */
export const FINISHING = 4;

export class StreamTable {
  /** Slots minus 1. */
  readonly mask: number;
  readonly ids: Uint32Array;
  readonly states: Uint8Array;
  readonly tags: Uint32Array;
  /** A stream's send window is the peer's INITIAL_WINDOW_SIZE plus this: it follows every SETTINGS by itself. */
  readonly windowDeltas: Int32Array;
  /** Informational (1xx) answers so far. */
  readonly informational: Uint8Array;
  /** What each stream was handed out with: a number that means something to the caller. Null: not kept. */
  marks: Float64Array | null = null;
  /** Streams that are AWAITING, SENDING or FINISHING. */
  active = 0;
  /** The id that the next request gets at the earliest. */
  nextId = 1;
  /** Streams from here on have never been handed out: to the peer they are idle. */
  handedOutBelow = 1;
  /** The highest stream that the peer has promised to push; every push is refused. */
  lastPromisedId = 0;
  /** No stream below is open. */
  #oldestFrom = 1;

  /** @param slots A power of two, at least twice as many as streams may be open. */
  constructor(slots: number = streamRingSlots) {
    this.mask = slots - 1;
    this.ids = new Uint32Array(slots);
    this.states = new Uint8Array(slots);
    this.tags = new Uint32Array(slots);
    this.windowDeltas = new Int32Array(slots);
    this.informational = new Uint8Array(slots);
  }

  /** The slot of a stream that awaits its answer, or -1. */
  findActive(streamId: number): number {
    const slot = (streamId >>> 1) & this.mask;
    return this.ids[slot] === streamId && this.states[slot]! >= AWAITING ? slot : -1;
  }

  /** The id of the open stream that was opened first; 0 when none is open. Each id is passed once in a lifetime. */
  oldestOpenId(): number {
    if (this.active === 0) return 0;
    while (this.findActive(this.#oldestFrom) < 0) this.#oldestFrom += 2;
    return this.#oldestFrom;
  }

  /** Whether the stream was opened by us and handed out, however long ago. */
  wasOpened(streamId: number): boolean {
    return (
      (streamId & 1) === 1 && streamId < this.handedOutBelow && this.ids[(streamId >>> 1) & this.mask]! >= streamId
    );
  }

  /** Whether the stream is a push that we have refused. */
  isRefusedPush(streamId: number): boolean {
    return (streamId & 1) === 0 && streamId <= this.lastPromisedId;
  }

  /** Whether the peer has ended the stream itself; false also when that is no longer known. */
  hasPeerEnded(streamId: number): boolean {
    const slot = (streamId >>> 1) & this.mask;
    return this.ids[slot] === streamId && this.states[slot] === ENDED;
  }

  /** Opens the next stream; returns its slot. The caller has checked that an id and a slot are left. */
  open(tag: number, state: number): number {
    const slot = this.nextFreeSlot();
    this.ids[slot] = this.nextId;
    this.states[slot] = state;
    this.tags[slot] = tag;
    this.windowDeltas[slot] = 0;
    this.informational[slot] = 0;
    this.nextId += 2;
    this.active++;
    return slot;
  }

  /** Moves `nextId` past taken slots and returns the slot it has then. */
  nextFreeSlot(): number {
    let slot = (this.nextId >>> 1) & this.mask;
    while (this.states[slot]! >= AWAITING) {
      this.nextId += 2;
      slot = (this.nextId >>> 1) & this.mask;
    }
    return slot;
  }

  /** Whether the end of the request was not handed out so far: no server can have processed it. */
  isUnfinished(slot: number): boolean {
    return this.states[slot]! >= SENDING || this.ids[slot]! >= this.handedOutBelow;
  }

  /** All output goes out now: the peer may know every stream that was opened so far. */
  handOut(mark: number): void {
    assert(this.nextId >= this.handedOutBelow, 'stream ids only grow');
    if (this.marks !== null) this.#mark(this.marks, mark);
    this.handedOutBelow = this.nextId;
  }

  /** Keeps marks from now on. */
  keepMarks(): void {
    this.marks ??= new Float64Array(this.mask + 1);
  }

  #mark(marks: Float64Array, mark: number): void {
    const { ids, mask, nextId } = this;
    for (let id = this.handedOutBelow; id < nextId; id += 2) {
      const slot = (id >>> 1) & mask;
      // An id that was left out has the slot of an older stream.
      if (ids[slot] === id) marks[slot] = mark;
    }
  }

  /** Ends a stream; `state` is ENDED or DROPPED. */
  end(slot: number, state: number): void {
    this.states[slot] = state;
    this.active--;
  }
}

/** Slots for at most that many open streams: a power of two, four times as many, up to streamRingSlots. */
export function ringSlotsFor(maxStreams: number): number {
  let slots = 1;
  while (slots < 4 * maxStreams && slots < streamRingSlots) slots *= 2;
  return slots;
}
