/**
 * One HTTP/2 connection from the server's side (RFC 9113), without I/O: receives the client's octets, decides the
 * answers, books them, and puts the octets to be sent into `output`. Called by ConnectionDriver only.
 *
 *                 HEADERS                      END_STREAM                 answer sent
 *     idle ─────────────────────▶ RECEIVING ─────────────────▶ COMPLETE ─────────────▶ FREE
 *      │  limit reached, slot taken   │ RST_STREAM either way      │ RST_STREAM either way
 *      └──▶ DISCARDING (by us), GIVEN_UP (by the client) ◀────────────┘
 *
 * A stream counts against the limit until the chunk that ends it is sent (`released`), because until then it is open
 * to the client.
 */
import { receiveMaxFrameBytes } from '../../base/limits.js';
import { FrameReader, type FrameSink } from '../../codec/http2/frame-reader.js';
import {
  CONNECTION_PREFACE,
  CONTINUATION,
  DATA,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLOW_CONTROL_ERROR,
  HEADERS,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  STREAM_CLOSED,
  WINDOW_UPDATE,
} from '../../codec/http2/frames.js';
import { TokenHash } from '../books/digest.js';
import { NO_ENTRY } from '../books/ledger.js';
import { type Chunk, OutputChunks } from '../faults/output-chunks.js';
import type { SimulatedGateway } from '../faults/simulated-gateway.js';
import { PayloadCheck } from '../rules/payload-check.js';
import { NO_LENGTH } from '../rules/request-fields.js';
import type { ClientIdentity } from '../rules/request-rules.js';
import { ACCEPTED_ANSWER } from '../settings/answers.js';
import { AnswerWriter } from './answer-writer.js';
import { asClientFault, clientFault } from './client-fault.js';
import { ConnectionLimits } from './connection-limits.js';
import { HeaderBlocks } from './header-blocks.js';
import { RejectionQueue } from './rejection-queue.js';
import { RequestNotes } from './request-notes.js';
import { RequestReader } from './request-reader.js';
import type { RequestStage } from './request-stage.js';
import { ServerControlFrames } from './server-control-frames.js';
import { type GoawayContent, plainGoaway, ServerGoaways } from './server-goaways.js';
import { ServerReceiveWindow } from './server-receive-window.js';
import { COMPLETE, DISCARDING, FREE, GIVEN_UP, PartialBody, RECEIVING, ServerStreams } from './server-streams.js';
import { StreamAnswers } from './stream-answers.js';

/** Thrown to leave the reading of frames after a fault has ended it. */
const halt = Symbol('halt');

export class ServerConnection implements FrameSink {
  readonly output: OutputChunks;
  /** What the client did wrong, or null. After that nothing is read any more. */
  fault: string | null = null;
  /** The limits of the client, which can be changed later. */
  readonly limits: ConnectionLimits;
  readonly #gateway: SimulatedGateway;
  readonly #frames: FrameReader;
  readonly #writer: AnswerWriter;
  readonly #control: ServerControlFrames;
  readonly #requests: RequestReader;
  readonly #payloads = new PayloadCheck();
  readonly #rejections: RejectionQueue;
  readonly #streams = new ServerStreams();
  readonly #answers: StreamAnswers;
  readonly #goaways: ServerGoaways;
  readonly #window: ServerReceiveWindow;
  /** For the request log; null without one. */
  readonly #notes: RequestNotes | null;
  /** Where requests wait to be processed; null if they are answered at once. */
  readonly #stage: RequestStage | null;
  readonly #hash = new TokenHash();
  #prefaceBytes = 0;
  #wallMs = 0;
  /** Streams that are open to the client. */
  #active = 0;
  #isHalted = false;
  #lastStreamId = 0;
  readonly #blocks = new HeaderBlocks();

  /** @param makeStage Makes the stage where requests wait, or null. */
  constructor(
    gateway: SimulatedGateway,
    client: ClientIdentity,
    makeStage: ((streams: ServerStreams, answers: StreamAnswers) => RequestStage) | null = null,
  ) {
    const { settings } = gateway;
    this.#gateway = gateway;
    this.output = new OutputChunks(gateway.chunks);
    this.#writer = new AnswerWriter(this.output, gateway.apnsIds);
    this.#rejections = new RejectionQueue(this.#writer, this.#streams);
    this.#control = new ServerControlFrames(this.#writer, this.#rejections, this.#streams);
    this.#frames = new FrameReader(this, receiveMaxFrameBytes);
    const { requestLog: log } = gateway;
    this.#notes = log && new RequestNotes(log, this.#streams, settings.clock, gateway.countConnection());
    const { headers, others } = gateway.makeRules();
    this.#requests = new RequestReader(headers, client, others, log !== null);
    this.#answers = new StreamAnswers(gateway, this.#streams, this.#writer, this.#rejections, this.#notes);
    this.#window = new ServerReceiveWindow(this.#writer, settings.connectionWindowBytes);
    const awaitsToken = settings.auth === 'token' || (settings.auth === 'either' && client.certificateTopic === null);
    this.limits = new ConnectionLimits(settings, this.#control, this.#window, awaitsToken);
    this.#stage = makeStage === null ? null : makeStage(this.#streams, this.#answers);
    this.#goaways = new ServerGoaways(this.#writer, this.#control, this.#streams, this.#stage);
  }

  /** Announces our settings: the first frame of the connection. */
  start(): void {
    this.limits.announce();
  }

  /** Streams that the client has open. */
  get activeStreams(): number {
    return this.#active;
  }

  /** Takes the next `length` octets from the client. Never throws because of their content. */
  receive(bytes: Uint8Array, length: number, wallMs: number): void {
    if (this.fault !== null || this.#isHalted) return;
    this.#wallMs = wallMs;
    try {
      const start = this.#prefaceBytes === CONNECTION_PREFACE.length ? 0 : this.#takePreface(bytes, length);
      if (start < length) this.#frames.read(start === 0 ? bytes : bytes.subarray(start), length - start);
    } catch (error) {
      if (error === halt) return;
      const fault = asClientFault(error);
      if (fault === null) throw error;
      this.fault = fault.message;
      this.#writer.goaway(this.#lastStreamId, fault.errorCode, fault.message);
    }
    this.#window.giveBack();
  }

  /** `chunk` is sent now: its streams have ended, and its credit is given back. */
  released(chunk: Chunk): void {
    this.#active -= chunk.endedStreams;
    this.#window.released(chunk.creditBytes);
  }

  /** First step of a graceful end: no new streams, but streams under way are still served. */
  announceClose(goaway: GoawayContent = plainGoaway): void {
    this.#goaways.announce(goaway);
  }

  /** Whether the client has read the announcement. */
  get isCloseNoticed(): boolean {
    return this.#goaways.isNoticed;
  }

  /**
   * Second step, or the only one: no stream above those so far is served. With `half` or `none`, streams under way are
   * partly dropped, too.
   */
  close(goaway: GoawayContent = plainGoaway, last: 'all' | 'half' | 'none' = 'all'): void {
    const lastServedId = last === 'all' ? this.#lastStreamId : this.#goaways.lastStreamFor(last);
    for (const streamId of this.#goaways.tell(goaway, lastServedId)) {
      this.#gateway.ledger.recordUnprocessed();
      this.#giveUp(streamId);
      this.#streams.drop(streamId); // what still comes on it is discarded
    }
  }

  /** Nothing is read or answered any more: a fault has ended the connection. */
  halt(): void {
    this.#isHalted = true;
  }

  /** Provider tokens have to be checked again. */
  forgetVerdict(): void {
    this.#requests.forgetVerdict();
  }

  /** Breaks the protocol, as a fault wants it. */
  sendRaw(octets: Uint8Array): void {
    this.#writer.raw(octets);
  }

  /** The highest stream that the client has opened. */
  get lastStreamId(): number {
    return this.#lastStreamId;
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
        this.#giveUp(streamId);
        break;
      case WINDOW_UPDATE:
        this.#onWindowUpdate(streamId, bytes, start, end);
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
    if (streamId > this.#goaways.lastServedId) {
      this.#gateway.ledger.recordUnprocessed();
      this.#streams.drop(streamId);
      return;
    }
    const { allowedStreams } = this.#control.announced;
    const slot = this.#active < allowedStreams && !requests.isMalformed ? this.#streams.claim(streamId) : -1;
    if (slot < 0) {
      this.#refuse(streamId);
      return;
    }
    this.#open(streamId, slot);
    if (this.limits.awaitsToken && !hadProvenKey && requests.hasProvenKey) this.limits.onToken();
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
    streams.contentLengths[slot] = requests.contentLength;
    if (tokenLength > 0) {
      const hash = this.#hash;
      hash.take(token, 0, tokenLength);
      streams.hashesA[slot] = hash.a;
      streams.hashesB[slot] = hash.b;
      streams.entries[slot] = this.#gateway.ledger.locate(token, tokenLength, hash.a);
      streams.tokenAnswers[slot] = this.#gateway.tokenAnswers.answerFor(token, tokenLength, hash.a, hash.b);
    } else {
      streams.entries[slot] = NO_ENTRY;
      streams.tokenAnswers[slot] = ACCEPTED_ANSWER;
    }
    if (requests.served !== null) streams.served.set(slot, requests.served);
    if (this.#notes !== null && requests.served?.token !== undefined) this.#notes.open(slot, requests, 'fcm');
    else if (requests.served === null) this.#notes?.open(slot, requests, 'http2');
    const { apnsId } = requests;
    if (apnsId !== null) streams.apnsIds.set(slot, apnsId.slice(0, 36));
  }

  /** Resets a stream that was never opened here, because it is over the limit or malformed. */
  #refuse(streamId: number): void {
    const isMalformed = this.#requests.isMalformed;
    if (!isMalformed) this.#gateway.ledger.recordRefused();
    this.#streams.drop(streamId);
    this.#writer.reset(streamId, isMalformed ? PROTOCOL_ERROR : REFUSED_STREAM, false);
  }

  #onTrailers(streamId: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    const isWellFormed = this.#requests.readTrailers(bytes, start, end);
    const slot = this.#streams.find(streamId, RECEIVING);
    if (slot < 0) {
      if (this.#streams.wasSkipped(streamId)) throw clientFault('HEADERS on a stream below one that was opened');
      if (this.#streams.find(streamId, DISCARDING) < 0) throw clientFault('HEADERS on a closed stream', STREAM_CLOSED);
      return;
    }
    if (!isWellFormed || (flags & FLAG_END_STREAM) === 0) {
      this.#answers.reset(streamId, slot, PROTOCOL_ERROR);
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
    if (end - start > this.#control.announced.allowedWindowBytes) {
      this.#answers.reset(streamId, slot, FLOW_CONTROL_ERROR);
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
    this.#window.take(length);
  }

  #onLateData(streamId: number): void {
    const streams = this.#streams;
    if (streams.find(streamId, COMPLETE) >= 0 || streams.find(streamId, FREE) >= 0) {
      throw clientFault('DATA behind END_STREAM', STREAM_CLOSED);
    }
    if (streams.find(streamId, GIVEN_UP) >= 0) throw clientFault('DATA behind RST_STREAM', STREAM_CLOSED);
  }

  #onPiece(flags: number, streamId: number, slot: number, bytes: Uint8Array, from: number, to: number): void {
    const { bodies } = this.#streams;
    let body = bodies.get(slot);
    if (body === undefined) {
      body = new PartialBody(this.#gateway.others.maxKeptBytes);
      bodies.set(slot, body);
    }
    body.append(bytes, from, to);
    if ((flags & FLAG_END_STREAM) !== 0) this.#complete(streamId, slot, body.bytes, 0, body.length, body.length);
  }

  /** The request is complete. Its payload is `bytes[from, to)`, which may be cut off above the limit. */
  #complete(streamId: number, slot: number, bytes: Uint8Array, from: number, to: number, payloadBytes: number): void {
    const streams = this.#streams;
    const expected = streams.contentLengths[slot]!;
    if (expected !== NO_LENGTH && expected !== payloadBytes) {
      this.#answers.reset(streamId, slot, PROTOCOL_ERROR); // malformed (§8.1.1)
      return;
    }
    streams.states[slot] = COMPLETE;
    this.#notes?.complete(slot, bytes, from, to, payloadBytes);
    let answer = streams.answers[slot]!;
    if (streams.served.size > 0 && streams.served.has(slot)) {
      const served = streams.served.get(slot)!;
      answer = served.complete(answer, bytes, from, to, payloadBytes);
      if (this.#notes !== null && served.token !== undefined) this.#notes.nameToken(slot, served.token);
    } else {
      if (answer === ACCEPTED_ANSWER) answer = this.#payloads.answerOf(bytes, from, to, streams.payloadLimits[slot]!);
      if (answer === ACCEPTED_ANSWER) answer = streams.tokenAnswers[slot]!;
    }
    if (this.#stage === null) {
      this.#answers.settle(streamId, slot, answer, payloadBytes);
      return;
    }
    this.#stage.take(streamId, slot, answer, payloadBytes);
    if (this.#isHalted) throw halt;
  }

  #onWindowUpdate(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const errorCode = this.#control.windowUpdate(streamId, this.#lastStreamId, bytes, start, end);
    const slot = errorCode === null ? -1 : this.#streams.findTaken(streamId);
    if (errorCode === null || slot < 0) return;
    this.#forget(streamId);
    this.#answers.reset(streamId, slot, errorCode);
  }

  /** The client reset the stream. */
  #giveUp(streamId: number): void {
    if (this.#streams.findTaken(streamId) >= 0) {
      this.#forget(streamId);
      this.#active--;
    }
    this.#streams.giveUp(streamId);
  }

  /** Nothing is done for the stream any more. */
  #forget(streamId: number): void {
    this.#rejections.forget(streamId);
    this.#stage?.forget(streamId);
  }
}
