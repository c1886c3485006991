/**
 * One direction of a connection in memory: bytes that are under way, in order, from one writer to one reader. Delayed,
 * cut into pieces, held up, swallowed or lost as the network says; all time and chance come in from outside.
 *
 *     write ──▶ segments, each with the time of its arrival ──▶ pieces ──▶ reader
 *
 * As with a socket, a write is taken at once while less than `capacityBytes` is under way, and later when it is more.
 */
import type { VirtualClock } from '../support/virtual-clock.js';

/** How large the pieces are that a reader gets. */
export type PieceKind = 'all' | 'packets' | 'crumbs' | 'octets';

export interface LineSettings {
  latencyMs: number;
  jitterMs: number;
  /** Bytes that arrive in a millisecond. */
  bytesPerMs: number;
  capacityBytes: number;
  pieces: PieceKind;
}

/** Who writes into a pipe and who reads from it. */
export interface PipeEnds {
  /** Runs something on the reader's thread, now or once it can. */
  onReaderThread(callback: () => void): void;
  onWriterThread(callback: () => void): void;
  /** `length` bytes at the start of `buffer`, valid during the call only. */
  onPiece(buffer: Uint8Array, length: number): void;
  /** Nothing follows. */
  onEnd(): void;
}

interface Segment {
  readonly bytes: Uint8Array;
  offset: number;
  readonly atMs: number;
}

/** What the reader may use after its call has returned is this, and nothing else. */
const poison = 0xaa;
/** What arrived no longer ago than this is not yet overdue: it is read within the same callbacks. */
const readWithinMs = 5;
/** Pieces of less than a packet, after which a connection goes on with packets: they are slow to simulate. */
const maxCrumbs = 250;
/** Time that a slow line takes for one piece of a write. */
const slowestStepMs = 100;
const readBuffer = new Uint8Array(65_536);

export class Pipe {
  readonly #world: VirtualClock;
  readonly #random: () => number;
  readonly #line: LineSettings;
  readonly #ends: PipeEnds;
  #segments: Segment[] = [];
  #underWay = 0;
  #lastArrivalMs = 0;
  #heldUntilMs = 0;
  #isPaused = false;
  #isSwallowing = false;
  #isCut = false;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #isReadDue = false;
  #crumbs = 0;
  #onWritten: (() => void) | null = null;

  constructor(world: VirtualClock, random: () => number, line: LineSettings, ends: PipeEnds) {
    this.#world = world;
    this.#random = random;
    this.#line = line;
    this.#ends = ends;
  }

  /** Bytes that were written and not read. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Bytes that arrived a while ago and were not read. */
  get unread(): number {
    const now = this.#world.now();
    if (this.#isSwallowing || this.#heldUntilMs > now - readWithinMs) return 0;
    const arrived = this.#segments.filter(({ atMs }) => atMs <= now - readWithinMs);
    return arrived.reduce((sum, { bytes, offset }) => sum + bytes.length - offset, 0);
  }

  get isWriting(): boolean {
    return this.#onWritten !== null;
  }

  write(bytes: Uint8Array, onWritten: () => void): void {
    if (this.#onWritten !== null) throw new Error('a write is outstanding');
    this.#onWritten = onWritten;
    const copy = bytes.slice();
    const { bytesPerMs } = this.#line;
    // A slow line carries a long write bit by bit.
    const most = Math.max(1, Math.ceil(Math.min(copy.length, bytesPerMs * slowestStepMs)));
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#arrivalMs());
    for (let at = 0; at < copy.length; at += most) {
      const part = copy.subarray(at, at + most);
      this.#lastArrivalMs += part.length / bytesPerMs;
      this.#segments.push({ bytes: part, offset: 0, atMs: this.#lastArrivalMs });
    }
    this.#underWay += copy.length;
    this.#settleWrite();
    this.#arm();
  }

  /** Nothing follows what was written. */
  end(): void {
    if (this.#endsAtMs !== Number.POSITIVE_INFINITY) return;
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#arrivalMs());
    this.#endsAtMs = this.#lastArrivalMs;
    this.#arm();
  }

  /** What is under way is lost, and nothing is carried any more. */
  cut(): void {
    this.#isCut = true;
    this.#segments = [];
    this.#underWay = 0;
    this.#onWritten = null;
  }

  /** From now on nothing arrives, and neither end is told. */
  swallow(): void {
    this.#isSwallowing = true;
  }

  get isSwallowing(): boolean {
    return this.#isSwallowing;
  }

  /** Nothing arrives for `ms`; then everything does. */
  hold(ms: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, this.#world.now() + ms);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#arm();
  }

  #arrivalMs(): number {
    const { latencyMs, jitterMs } = this.#line;
    return this.#world.now() + latencyMs + (jitterMs === 0 ? 0 : this.#random() * jitterMs);
  }

  #settleWrite(): void {
    const onWritten = this.#onWritten;
    if (onWritten === null || this.#underWay > this.#line.capacityBytes) return;
    this.#world.defer(() => {
      if (this.#onWritten !== onWritten) return;
      this.#ends.onWriterThread(() => {
        if (this.#onWritten !== onWritten) return;
        this.#onWritten = null;
        onWritten();
      });
    });
  }

  get #nextMs(): number {
    return Math.max(this.#segments[0]?.atMs ?? this.#endsAtMs, this.#heldUntilMs);
  }

  #arm(): void {
    if (this.#isReadDue || this.#isPaused || this.#isCut) return;
    const nextMs = this.#nextMs;
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#isReadDue = true;
    const waitMs = nextMs - this.#world.now();
    if (waitMs > 0) this.#world.setTimer(this.#onArrival, waitMs);
    else this.#world.defer(this.#onArrival);
  }

  readonly #onArrival = (): void => {
    this.#ends.onReaderThread(this.#read);
  };

  readonly #read = (): void => {
    this.#isReadDue = false;
    if (this.#isCut || this.#isPaused || this.#isSwallowing) return;
    if (this.#nextMs > this.#world.now()) {
      this.#arm();
      return;
    }
    if (this.#segments.length === 0) {
      this.#isCut = true;
      this.#ends.onEnd();
      return;
    }
    const length = this.#gather();
    this.#underWay -= length;
    this.#settleWrite();
    this.#ends.onPiece(readBuffer, length);
    readBuffer.fill(poison, 0, length);
    this.#arm();
  };

  /** Moves the next piece of what has arrived into the read buffer. */
  #gather(): number {
    const wanted = this.#pieceBytes();
    const now = this.#world.now();
    let length = 0;
    while (length < wanted) {
      const head = this.#segments[0];
      if (head === undefined || head.atMs > now) break;
      const count = Math.min(wanted - length, head.bytes.length - head.offset);
      readBuffer.set(head.bytes.subarray(head.offset, head.offset + count), length);
      length += count;
      head.offset += count;
      if (head.offset === head.bytes.length) this.#segments.shift();
    }
    return length;
  }

  #pieceBytes(): number {
    const { pieces } = this.#line;
    if (pieces === 'all') return readBuffer.length;
    if (pieces === 'packets' || this.#crumbs >= maxCrumbs) return 1 + Math.floor(this.#random() * 2800);
    this.#crumbs += 1;
    return pieces === 'octets' ? 1 : 1 + Math.floor(this.#random() * 24);
  }
}
