/**
 * One HTTP/2 connection from the server's side (RFC 9113), without I/O: takes what the client sent, decides the
 * answers, books them, and leaves what is to be sent in `output`. Called by GatewayConnection only.
 *
 *                 HEADERS                      END_STREAM                 answer sent
 *     idle ─────────────────────▶ RECEIVING ─────────────────▶ COMPLETE ─────────────▶ FREE
 *      │  limit reached, slot taken   │ RST_STREAM either way      │ RST_STREAM either way
 *      └────────▶ DROPPED ◀───────────┴────────────────────────────┘
 *
 * A stream counts against the limit until the chunk that ends it is sent (`released`), because until then it is open
 * to the client.
 */
import { receiveMaxFrameBytes } from '../base/limits.js';
import { FrameReader, type FrameSink } from '../codec/http2/frame-reader.js';
import {
  CONNECTION_PREFACE,
  CONTINUATION,
  DATA,
  DEFAULT_WINDOW_BYTES,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLOW_CONTROL_ERROR,
  HEADERS,
  INTERNAL_ERROR,
  NO_ERROR,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  STREAM_CLOSED,
  WINDOW_UPDATE,
} from '../codec/http2/frames.js';
import { AnswerWriter } from './answer-writer.js';
import { ACCEPTED, NO_ANSWER, REFUSED, RESET } from './answers.js';
import { asClientFault, clientFault } from './client-fault.js';
import { ControlFrames } from './control-frames.js';
import { TokenHash } from './digest.js';
import type { Gateway } from './gateway.js';
import { HeaderBlocks } from './header-blocks.js';
import { NO_ENTRY } from './ledger.js';
import { type Chunk, OutputChunks } from './output-chunks.js';
import { PayloadCheck } from './payload-check.js';
import { RejectionQueue } from './rejection-queue.js';
import { RequestReader } from './request-reader.js';
import type { ClientIdentity } from './request-rules.js';
import { COMPLETE, DROPPED, FREE, PartialBody, RECEIVING, ServerStreams } from './server-streams.js';

/** Largest body that is kept whole, one byte above the largest payload: then too large is too large. */
const maxKeptBodyBytes = 5121;
const lastStreamIdOfNone = 0x7fffffff;

export class ServerConnection implements FrameSink {
  readonly output: OutputChunks;
  /** What was wrong with the client; null while nothing is. Nothing is read any more then. */
  fault: string | null = null;
  readonly #gateway: Gateway;
  readonly #frames: FrameReader;
  readonly #writer: AnswerWriter;
  readonly #control: ControlFrames;
  readonly #requests: RequestReader;
  readonly #payloads = new PayloadCheck();
  readonly #rejections: RejectionQueue;
  readonly #streams = new ServerStreams();
  readonly #hash = new TokenHash();
  #prefaceBytes = 0;
  #wallMs = 0;
  /** Streams that are open to the client. */
  #active = 0;
  #maxStreams: number;
  #lastStreamId = 0;
  /** Streams above are ignored: what the last GOAWAY said. */
  #lastServedId = lastStreamIdOfNone;
  /** Bytes of DATA that the client may still send, and that it has sent since the last WINDOW_UPDATE. */
  #receiveWindow = DEFAULT_WINDOW_BYTES;
  #receivedBytes = 0;
  readonly #blocks = new HeaderBlocks();

  constructor(gateway: Gateway, client: ClientIdentity) {
    const { settings } = gateway;
    this.#gateway = gateway;
    this.output = new OutputChunks(gateway.chunks);
    this.#writer = new AnswerWriter(this.output, gateway.apnsIds);
    this.#rejections = new RejectionQueue(this.#writer, this.#streams);
    this.#control = new ControlFrames(this.#writer, this.#rejections, this.#streams);
    this.#frames = new FrameReader(this, receiveMaxFrameBytes);
    this.#requests = new RequestReader(gateway.makeRules(), client);
    const awaitsToken = settings.auth === 'token' || (settings.auth === 'either' && client.certificateTopic === null);
    this.#maxStreams = awaitsToken ? 1 : settings.maxStreams;
  }

  /** Announces our settings: the first frame of the connection. */
  start(): void {
    const { settings } = this.#gateway;
    this.#control.announce(settings, this.#maxStreams);
    const more = settings.connectionWindowBytes - DEFAULT_WINDOW_BYTES;
    if (more > 0) this.#writer.windowUpdate(0, more, true);
  }

  /** Streams that the client has open. */
  get activeStreams(): number {
    return this.#active;
  }

  /** Takes the next `length` octets from the client. Never throws for what a client sends. */
  receive(bytes: Uint8Array, length: number, wallMs: number): void {
    if (this.fault !== null) return;
    this.#wallMs = wallMs;
    try {
      const start = this.#prefaceBytes === CONNECTION_PREFACE.length ? 0 : this.#takePreface(bytes, length);
      if (start < length) this.#frames.read(start === 0 ? bytes : bytes.subarray(start), length - start);
    } catch (error) {
      const fault = asClientFault(error);
      if (fault === null) throw error;
      this.fault = fault.message;
      this.#writer.goaway(this.#lastStreamId, fault.errorCode, fault.message);
    }
    if (this.#receivedBytes * 2 >= this.#gateway.settings.connectionWindowBytes) {
      this.#writer.windowUpdate(0, this.#receivedBytes, true);
      this.#receivedBytes = 0;
    }
  }

  /** `chunk` goes out now: what it ends has ended, what it gives back is given back. */
  released(chunk: Chunk): void {
    this.#active -= chunk.endedStreams;
    this.#receiveWindow += chunk.creditBytes;
  }

  /** First step of a graceful end (§6.8): no new streams, please; those under way are still served. */
  announceClose(): void {
    this.#writer.goaway(lastStreamIdOfNone, NO_ERROR, '');
    this.#control.ping();
  }

  /** Whether the client has read the announcement: it answered the PING behind it. */
  get isCloseNoticed(): boolean {
    return this.#control.isPingAcknowledged;
  }

  /** Second step, or the only one: nothing above the last stream that came is served. */
  close(debug: string): void {
    this.#lastServedId = this.#lastStreamId;
    this.#writer.goaway(this.#lastStreamId, NO_ERROR, debug);
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#blocks.isPending && type !== CONTINUATION) throw clientFault('a header block was interrupted');
    switch (type) {
      case DATA:
        this.#onData(flags, streamId, bytes, start, end);
        break;
      case HEADERS:
        if ((streamId & 1) === 0) throw clientFault(`HEADERS on stream ${streamId}`);
        if (flags <= (FLAG_END_HEADERS | FLAG_END_STREAM) && (flags & FLAG_END_HEADERS) !== 0) {
          this.#onBlock(streamId, flags, bytes, start, end);
        } else if (this.#blocks.begin(flags, streamId, bytes, start, end)) {
          this.#onBlock(streamId, flags, this.#blocks.bytes, 0, this.#blocks.bytes.length);
        }
        break;
      case CONTINUATION:
        if (this.#blocks.continue(flags, streamId, bytes, start, end)) {
          this.#onBlock(streamId, this.#blocks.flags, this.#blocks.bytes, 0, this.#blocks.bytes.length);
        }
        break;
      case RST_STREAM:
        this.#control.checkReset(streamId, this.#lastStreamId, end - start);
        this.#dropStream(streamId);
        break;
      case WINDOW_UPDATE:
        this.#control.windowUpdate(streamId, this.#lastStreamId, bytes, start, end);
        break;
      case PUSH_PROMISE:
        throw clientFault('a client cannot push');
      default:
        this.#control.onFrame(type, flags, streamId, bytes, start, end);
    }
  }

  #takePreface(bytes: Uint8Array, length: number): number {
    let at = 0;
    for (; at < length && this.#prefaceBytes < CONNECTION_PREFACE.length; at++) {
      if (bytes[at] !== CONNECTION_PREFACE.charCodeAt(this.#prefaceBytes++)) throw clientFault('no HTTP/2 preface');
    }
    return at;
  }

  #onBlock(streamId: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId <= this.#lastStreamId) {
      this.#onTrailers(streamId, flags, bytes, start, end);
      return;
    }
    this.#lastStreamId = streamId;
    const requests = this.#requests;
    const hadProvenKey = requests.hasProvenKey;
    requests.read(bytes, start, end, this.#wallMs);
    if (streamId > this.#lastServedId) return;
    const slot = this.#active < this.#maxStreams && !requests.isMalformed ? this.#streams.claim(streamId) : -1;
    if (slot < 0) {
      this.#refuse(streamId);
      return;
    }
    this.#open(streamId, slot);
    if (!hadProvenKey && requests.hasProvenKey) this.#raiseLimit();
    if ((flags & FLAG_END_STREAM) !== 0) this.#complete(streamId, slot, bytes, 0, 0, 0);
  }

  #open(streamId: number, slot: number): void {
    const streams = this.#streams;
    const requests = this.#requests;
    const { token, tokenLength } = requests;
    this.#active++;
    streams.ids[slot] = streamId;
    streams.states[slot] = RECEIVING;
    streams.answers[slot] = requests.answer;
    streams.payloadLimits[slot] = requests.payloadLimit;
    streams.tokenLengths[slot] = tokenLength;
    streams.windowDeltas[slot] = 0;
    if (tokenLength > 0) {
      const hash = this.#hash;
      hash.take(token, 0, tokenLength);
      streams.hashesA[slot] = hash.a;
      streams.hashesB[slot] = hash.b;
      streams.entries[slot] = this.#gateway.ledger.locate(token, tokenLength, hash.a);
      streams.wishes[slot] = this.#gateway.wishes.answerFor(token, tokenLength, hash.a, hash.b);
    } else {
      streams.entries[slot] = NO_ENTRY;
      streams.wishes[slot] = ACCEPTED;
    }
    const { apnsId } = requests;
    if (apnsId !== null) streams.apnsIds.set(slot, apnsId.slice(0, 36));
  }

  /** After the first valid provider token APNs allows more than one stream. */
  #raiseLimit(): void {
    const { maxStreams } = this.#gateway.settings;
    if (maxStreams === this.#maxStreams) return;
    this.#maxStreams = maxStreams;
    this.#control.announceMaxStreams(maxStreams);
  }

  /** Resets a stream that was never opened here: over the limit, or malformed. */
  #refuse(streamId: number): void {
    const isMalformed = this.#requests.isMalformed;
    if (!isMalformed) this.#gateway.ledger.recordRefused();
    this.#streams.drop(streamId);
    this.#writer.reset(streamId, isMalformed ? PROTOCOL_ERROR : REFUSED_STREAM, false);
  }

  #onTrailers(streamId: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    this.#requests.readTrailers(bytes, start, end);
    const slot = this.#streams.find(streamId, RECEIVING);
    if (slot < 0) {
      if (this.#streams.find(streamId, DROPPED) < 0) throw clientFault('HEADERS on a closed stream', STREAM_CLOSED);
      return;
    }
    if ((flags & FLAG_END_STREAM) === 0) {
      this.#resetStream(streamId, slot, PROTOCOL_ERROR);
      return;
    }
    const body = this.#streams.bodies.get(slot);
    if (body === undefined) this.#complete(streamId, slot, bytes, 0, 0, 0);
    else this.#complete(streamId, slot, body.bytes, 0, body.length, body.length);
  }

  #onData(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    this.#countReceived(streamId, end - start);
    let from = start;
    let to = end;
    if ((flags & FLAG_PADDED) !== 0) {
      from += 1;
      to -= end > start ? bytes[start]! : 0;
      if (from > to) throw clientFault('DATA shorter than its padding');
    }
    const streams = this.#streams;
    const slot = streams.find(streamId, RECEIVING);
    if (slot < 0) {
      this.#onLateData(streamId);
      return;
    }
    if (end - start > this.#gateway.settings.initialWindowBytes && this.#control.isAcknowledged) {
      this.#resetStream(streamId, slot, FLOW_CONTROL_ERROR);
      return;
    }
    if ((flags & FLAG_END_STREAM) !== 0 && (streams.bodies.size === 0 || !streams.bodies.has(slot))) {
      this.#complete(streamId, slot, bytes, from, to, to - from);
      return;
    }
    this.#onPiece(flags, streamId, slot, bytes, from, to);
    if ((flags & FLAG_END_STREAM) === 0 && end > start) this.#writer.windowUpdate(streamId, end - start, false);
  }

  /** Counts DATA, padding included, against the connection's window (§6.9). */
  #countReceived(streamId: number, length: number): void {
    if ((streamId & 1) === 0 || streamId > this.#lastStreamId) throw clientFault(`DATA on stream ${streamId}`);
    this.#receivedBytes += length;
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) throw clientFault('the connection window is overrun', FLOW_CONTROL_ERROR);
  }

  #onLateData(streamId: number): void {
    if (this.#streams.find(streamId, COMPLETE) >= 0 || this.#streams.find(streamId, FREE) >= 0) {
      throw clientFault('DATA behind END_STREAM', STREAM_CLOSED);
    }
  }

  #onPiece(flags: number, streamId: number, slot: number, bytes: Uint8Array, from: number, to: number): void {
    const { bodies } = this.#streams;
    let body = bodies.get(slot);
    if (body === undefined) {
      body = new PartialBody(maxKeptBodyBytes);
      bodies.set(slot, body);
    }
    body.append(bytes, from, to);
    if ((flags & FLAG_END_STREAM) !== 0) this.#complete(streamId, slot, body.bytes, 0, body.length, body.length);
  }

  /** The request is complete; its payload is `bytes[from, to)`, of which more than the limit need not be there. */
  #complete(streamId: number, slot: number, bytes: Uint8Array, from: number, to: number, payloadBytes: number): void {
    const streams = this.#streams;
    streams.states[slot] = COMPLETE;
    let answer = streams.answers[slot]!;
    if (answer === ACCEPTED) answer = this.#payloads.answerOf(bytes, from, to, streams.payloadLimits[slot]!);
    if (answer === ACCEPTED) answer = streams.wishes[slot]!;
    this.#book(slot, answer, payloadBytes);
    if (answer === NO_ANSWER) return;
    if (answer === REFUSED || answer === RESET) {
      this.#resetStream(streamId, slot, answer === REFUSED ? REFUSED_STREAM : INTERNAL_ERROR);
      return;
    }
    const apnsId = streams.apnsIds.size === 0 ? null : (streams.apnsIds.get(slot) ?? null);
    if (answer === ACCEPTED) {
      this.#writer.accepted(streamId, apnsId);
      streams.end(slot, FREE);
    } else {
      this.#writer.rejectionHeaders(streamId, answer, apnsId);
      this.#rejections.send(streamId, slot, this.#gateway.bodyOf(answer));
    }
  }

  #book(slot: number, answer: number, payloadBytes: number): void {
    const streams = this.#streams;
    const { ledger } = this.#gateway;
    if (answer === REFUSED) {
      ledger.recordRefused();
    } else if (streams.tokenLengths[slot] === 0) {
      ledger.recordWithoutToken(answer, payloadBytes);
    } else {
      ledger.record(streams.entries[slot]!, streams.hashesA[slot]!, streams.hashesB[slot]!, answer, payloadBytes);
    }
  }

  #resetStream(streamId: number, slot: number, errorCode: number): void {
    this.#streams.end(slot, DROPPED);
    this.#writer.reset(streamId, errorCode, true);
  }

  /** The client gave the stream up. */
  #dropStream(streamId: number): void {
    const slot = this.#streams.findTaken(streamId);
    if (slot < 0) return;
    this.#rejections.forget(streamId);
    this.#streams.end(slot, DROPPED);
    this.#active--;
  }
}
