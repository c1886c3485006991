/**
 * The streams of one connection as its server sees them, in typed arrays: a ring indexed by half the stream id, like
 * the client's (codec/http2/stream-table). Some clients with a small window let one stream wait while thousands of
 * others pass, so that two ids meet in a slot; the newer one then gets a spare slot behind the ring.
 */
import { maxSimulatorStreams, streamRingSlots } from '../../base/limits.js';
import type { RequestNote } from '../books/request-log.js';
import type { OtherRequest } from '../rules/other-request.js';

/** Empty, or ended by both sides. */
export const FREE = 0;
/** Ended by us with RST_STREAM while the client may still send: what comes is discarded (RFC 9113 §5.1). */
export const DISCARDING = 1;
/** Ended by the client with RST_STREAM: any further frame on it is an error (RFC 9113 §5.1). */
export const GIVEN_UP = 2;
/** The headers have come; the rest of the request is awaited. */
export const RECEIVING = 3;
/** The request is complete and has no answer yet, or never will. */
export const COMPLETE = 4;

/** Room for most bodies that come in pieces. */
const firstBodyBytes = 1024;
const slotMask = streamRingSlots - 1;
const allSlots = streamRingSlots + maxSimulatorStreams;

export class ServerStreams {
  readonly ids = new Uint32Array(allSlots);
  readonly states = new Uint8Array(allSlots);
  /** The answer that headers and path earned (answers.ts). */
  readonly answers = new Uint8Array(allSlots);
  /** Length of the device token; 0 without a token in the path. */
  readonly tokenLengths = new Uint8Array(allSlots);
  /** Entry of the device token in the ledger. */
  readonly entries = new Int32Array(allSlots);
  /** The device token's TokenHash. */
  readonly hashesA = new Int32Array(allSlots);
  readonly hashesB = new Int32Array(allSlots);
  /** The answer chosen for the token by script or draw; ACCEPTED_ANSWER for most. */
  readonly tokenAnswers = new Uint8Array(allSlots);
  readonly payloadLimits = new Uint16Array(allSlots);
  /** Credit that the client has added to the send window of the stream. */
  readonly windowDeltas = new Int32Array(allSlots);
  /** The content-length of the request; below 0 without one. */
  readonly contentLengths = new Float64Array(allSlots);
  /** Bodies that come in more than one piece, by slot. */
  readonly bodies = new Map<number, PartialBody>();
  /** The apns-ids that clients gave, by slot. */
  readonly apnsIds = new Map<number, Uint8Array>();

  /** Requests that are not device pushes of APNs, by slot. */
  readonly served = new Map<number, OtherRequest>();

  /** Notes for the request log, by slot. */
  readonly notes = new Map<number, RequestNote>();

  /** Spare slots of the streams whose own slot was taken. */
  readonly #spareSlots = new Map<number, number>();
  #nextSpare = streamRingSlots;

  /**
   * Returns a free slot for a new stream, or -1 if there is none, which a limit of at most maxSimulatorStreams
   * prevents.
   */
  claim(streamId: number): number {
    const slot = (streamId >>> 1) & slotMask;
    if (this.states[slot]! < RECEIVING) return slot;
    for (let tries = 0; tries < maxSimulatorStreams; tries++) {
      const spare = this.#nextSpare;
      this.#nextSpare = spare + 1 < allSlots ? spare + 1 : streamRingSlots;
      if (this.states[spare]! >= RECEIVING) continue;
      this.#spareSlots.set(streamId, spare);
      return spare;
    }
    return -1;
  }

  /** The slot of a stream in that state, or -1. */
  find(streamId: number, state: number): number {
    const slot = this.#slotOf(streamId);
    return this.ids[slot] === streamId && this.states[slot] === state ? slot : -1;
  }

  /** The slot of a stream that is not ended, or -1. */
  findTaken(streamId: number): number {
    const slot = this.#slotOf(streamId);
    return this.ids[slot] === streamId && this.states[slot]! >= RECEIVING ? slot : -1;
  }

  /** The streams that are not ended, by id. Reads every slot: for faults, not for every request. */
  open(): number[] {
    const ids: number[] = [];
    for (let slot = 0; slot < allSlots; slot++) if (this.states[slot]! >= RECEIVING) ids.push(this.ids[slot]!);
    return ids.sort((a, b) => a - b);
  }

  /** Notes that frames for a stream that was never opened are to be discarded. */
  drop(streamId: number): void {
    const slot = (streamId >>> 1) & slotMask;
    if (this.states[slot]! >= RECEIVING) return; // an unknown stream is taken for an old one, and discarded as well
    this.ids[slot] = streamId;
    this.states[slot] = DISCARDING;
  }

  /** The client reset the stream. If another stream has its slot, it is forgotten. */
  giveUp(streamId: number): void {
    const slot = this.#slotOf(streamId);
    if (this.ids[slot] !== streamId) return;
    if (this.states[slot]! >= RECEIVING) this.end(slot, GIVEN_UP);
    else this.states[slot] = GIVEN_UP;
  }

  /** Returns whether the client has skipped the stream: neither it nor a later one in its slot was here. */
  wasSkipped(streamId: number): boolean {
    return this.ids[this.#slotOf(streamId)]! < streamId;
  }

  /** The highest credit that the client's WINDOW_UPDATEs have added to a stream. */
  highestDelta(): number {
    let highest = 0;
    for (let slot = 0; slot < allSlots; slot++) {
      if (this.states[slot]! >= RECEIVING) highest = Math.max(highest, this.windowDeltas[slot]!);
    }
    return highest;
  }

  end(slot: number, state: number): void {
    this.states[slot] = state;
    if (slot >= streamRingSlots) this.#spareSlots.delete(this.ids[slot]!);
    if (this.bodies.size > 0) this.bodies.delete(slot);
    if (this.apnsIds.size > 0) this.apnsIds.delete(slot);
    if (this.notes.size > 0) this.notes.delete(slot);
    if (this.served.size > 0) this.served.delete(slot);
  }

  #slotOf(streamId: number): number {
    if (this.#spareSlots.size > 0) {
      const spare = this.#spareSlots.get(streamId);
      if (spare !== undefined) return spare;
    }
    return (streamId >>> 1) & slotMask;
  }
}

/** A body in pieces: kept up to a limit, only counted beyond that. */
export class PartialBody {
  /** Received bytes, kept or not. */
  length = 0;
  readonly #maxBytes: number;
  #kept = new Uint8Array(firstBodyBytes);

  /** @param maxBytes What comes beyond is counted only. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    this.#grow(Math.min(this.length + end - start, this.#maxBytes));
    const room = Math.max(0, Math.min(end - start, this.#kept.length - this.length));
    if (room > 0) this.#kept.set(bytes.subarray(start, start + room), this.length);
    this.length += end - start;
  }

  #grow(bytes: number): void {
    if (bytes <= this.#kept.length) return;
    const more = new Uint8Array(Math.min(this.#maxBytes, Math.max(bytes, 2 * this.#kept.length)));
    more.set(this.#kept);
    this.#kept = more;
  }

  /** The kept bytes; `length` tells whether these are all. */
  get bytes(): Uint8Array {
    return this.#kept;
  }
}
