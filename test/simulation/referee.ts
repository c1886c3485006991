/**
 * Stands between a sender's connection and the network and knows, from the bytes alone, what became of each request:
 * the verdict that RFC 9113 allows, worked out a second time and without the sender's code. Told of every write right
 * before it is handed over and of every read right before the sender gets it, so that there is no race between them.
 */

import { Buffer } from 'node:buffer';
import { maxReadBodyBytes } from '../../src/base/limits.js';
import * as frames from '../../src/codec/http2/frames.js';
import { readU31, readU32 } from '../../src/codec/octets.js';
import { FrameCutter } from '../support/frame-cutter.js';
import type { LinkWatcher } from './link.js';
import { textNumberIn } from './recipients.js';
import type { Outcome, WireConnection, WireRequest } from './wire-request.js';

/**
 * `opened`: headers were handed over, not yet the whole request. `written`: the whole of it was. `begun`: an answer has
 * begun. `answered`: and it is complete. `unprocessed`: refused, or above a GOAWAY's last stream. `reset`: given up by
 * the gateway.
 */
export type RequestState = 'opened' | 'written' | 'begun' | 'answered' | 'unprocessed' | 'reset';

export class SentRequest implements WireRequest {
  state: RequestState = 'opened';
  hasLeft = false;
  bodyBytes = 0;
  /** Octets of the answer's body. */
  answerBytes = 0;
  readonly isAssumed = false;

  constructor(
    readonly connection: WireConnection,
    readonly streamId: number,
    /** -1: its body has not come so far as to name it. */
    public recipient: number,
  ) {}

  judge(outcome: Outcome): boolean {
    const { state, hasLeft } = this;
    // Frames that break the protocol are none: what looks like an answer among them settles nothing.
    if (this.connection.mayBeBroken && (outcome === 'unknown' || (outcome === 'unsent' && !hasLeft))) return true;
    // The status of an answer stands where its body has no end in sight.
    const isCut = state === 'begun' && this.answerBytes > maxReadBodyBytes;
    if (outcome === 'accepted' || outcome === 'rejected') return state === 'answered' || isCut;
    const isCertain = state === 'unprocessed' || (state === 'opened' && !hasLeft);
    return outcome === 'unsent' ? isCertain : !isCertain && state !== 'answered';
  }
}

/** What a referee tells of and asks for. */
export interface RefereeRoom {
  /** A request for a recipient begins on a link. */
  onRequest(request: SentRequest, block: Uint8Array): void;
  /** A request has left as a whole. */
  onRequestEnd(request: SentRequest): void;
  onBody(request: SentRequest, bytes: Uint8Array): void;
  /** So many more requests than before have begun and do not say yet for whom they are. */
  onNameless?(more: number): void;
  onFault(link: number, what: string): void;
}

const path = Buffer.from('/3/device/', 'latin1');
/** Hex digits in front of the recipient's number, and of the number, in a device token. */
const digitsBefore = 8;
const numberDigits = 8;

/** The recipient that a header block is for; -1 when it has no path that can be read. */
export function recipientOf(block: Uint8Array): number {
  const at = Buffer.from(block.buffer, block.byteOffset, block.length).indexOf(path);
  if (at < 0) return -1;
  let number = 0;
  for (let i = 0; i < numberDigits; i++) {
    const digit = block[at + path.length + digitsBefore + i]!;
    number = number * 16 + (digit <= 57 ? digit - 48 : digit - 87);
  }
  return number;
}

export class Referee implements WireConnection, Omit<LinkWatcher, 'onHole'> {
  /** Requests whose headers were handed over. */
  requests = 0;
  /** Requests of which the sender has not been told how they end, as far as the bytes say. */
  readonly #open = new Map<number, SentRequest>();
  readonly #link: number;
  readonly #room: RefereeRoom;
  readonly #bodyStart: Uint8Array | null;
  /** What has come of bodies that do not name their recipient yet, with the header block. */
  readonly #nameless = new Map<SentRequest, { readonly block: Uint8Array; body: Uint8Array }>();
  readonly #fromClient: FrameCutter;
  readonly #fromServer: FrameCutter;
  goaways = 0;
  wedged: string | null = null;
  mayBeBroken = false;
  unreadAtEnd = 0;
  /** Requests whose answers have come. */
  answers = 0;
  isOver = false;

  /** @param bodyStart What of a body comes before the token; null: the token stands in the path. */
  constructor(link: number, room: RefereeRoom, bodyStart: Uint8Array | null = null) {
    this.#bodyStart = bodyStart;
    this.#link = link;
    this.#room = room;
    this.#fromClient = new FrameCutter((...frame) => this.#onClientFrame(...frame), frames.CONNECTION_PREFACE);
    this.#fromServer = new FrameCutter((...frame) => this.#onServerFrame(...frame));
  }

  /** Requests that are handed over and have no end yet. */
  get awaited(): number {
    return this.#open.size;
  }

  onClientBytes(bytes: Uint8Array): void {
    if (this.isOver) this.#room.onFault(this.#link, 'a write to a connection that is over');
    const fault = this.#fromClient.push(bytes);
    if (fault !== null) this.#room.onFault(this.#link, fault);
  }

  onServerBytes(bytes: Uint8Array, length: number): void {
    this.#fromServer.push(bytes, length);
  }

  onClientClosed(): void {
    this.isOver = true;
  }

  #onClientFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === frames.HEADERS) {
      const block = bytes.subarray(start, end);
      const request = new SentRequest(this, streamId, this.#bodyStart === null ? recipientOf(block) : -1);
      this.requests += 1;
      this.#open.set(streamId, request);
      if (this.#bodyStart === null) {
        this.#room.onRequest(request, block);
      } else {
        this.#nameless.set(request, { block: block.slice(), body: new Uint8Array(0) });
        this.#room.onNameless?.(1);
      }
    } else if (type === frames.RST_STREAM) {
      this.#open.delete(streamId);
      return;
    } else if (type !== frames.DATA) {
      return;
    }
    const request = this.#open.get(streamId);
    if (request === undefined) return;
    if (type === frames.DATA) {
      request.bodyBytes += end - start;
      this.#onBody(request, bytes.subarray(start, end));
    }
    if ((flags & frames.FLAG_END_STREAM) === 0) return;
    request.hasLeft = true;
    if (this.#nameless.has(request)) this.#room.onFault(this.#link, 'a message without a token');
    if (request.state === 'opened') request.state = 'written';
    this.#room.onRequestEnd(request);
  }

  #onBody(request: SentRequest, bytes: Uint8Array): void {
    const nameless = this.#nameless.get(request);
    if (nameless === undefined) {
      this.#room.onBody(request, bytes);
      return;
    }
    nameless.body = Buffer.concat([nameless.body, bytes]);
    const number = textNumberIn(nameless.body, this.#bodyStart!.length);
    if (number === -1) return;
    this.#nameless.delete(request);
    this.#room.onNameless?.(-1);
    request.recipient = number;
    this.#room.onRequest(request, nameless.block);
    this.#room.onBody(request, nameless.body);
  }

  #onServerFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === frames.GOAWAY && end - start >= 8) {
      this.goaways += 1;
      this.#goAway(readU31(bytes, start));
      return;
    }
    const request = this.#open.get(streamId);
    if (request === undefined) return;
    if (type === frames.HEADERS || type === frames.DATA) {
      if (type === frames.DATA) request.answerBytes += end - start;
      const isWhole = (flags & frames.FLAG_END_STREAM) !== 0;
      request.state = isWhole ? 'answered' : 'begun';
      if (!isWhole) return;
      // What comes behind a broken frame the sender need not look at.
      if (!this.mayBeBroken) this.answers += 1;
      this.#open.delete(streamId);
    } else if (type === frames.RST_STREAM && end - start === 4) {
      const isRefused = readU32(bytes, start) === frames.REFUSED_STREAM;
      request.state = isRefused ? 'unprocessed' : 'reset';
      this.#open.delete(streamId);
    }
  }

  #goAway(lastStreamId: number): void {
    for (const [streamId, request] of this.#open) {
      if (streamId <= lastStreamId) continue;
      request.state = 'unprocessed';
      this.#open.delete(streamId);
    }
  }
}
