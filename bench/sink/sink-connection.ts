/**
 * One connection of the sink. It answers every request with 200 and an id, gives window back at half, answers PING and
 * SETTINGS, keeps to the window of the client's connection, and reads nothing else: no header block, no payload. All
 * that one turn of the loop brings is answered in one write, one round trip later.
 */
import type { TLSSocket } from 'node:tls';
import {
  DATA,
  FLAG_ACK,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  PING,
  SETTINGS,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  WINDOW_UPDATE,
  writeFrameHeader,
} from '../../src/codec/http2/frames.js';
import { type AnswerBlock, AnswerBlocks } from './answer-blocks.js';
import { type AnswerForm, answerForms } from './answer-forms.js';
import { DelayLine } from './delay-line.js';
import { type FrameListener, FrameWalk } from './frame-walk.js';
import type { SinkOptions } from './options.js';

/** Window of a connection before any WINDOW_UPDATE (RFC 9113 §6.9.2). */
const initialWindowBytes = 65_535;
/** Reading pauses while more output than this waits for a client that does not read. */
const mostWaitingBytes = 4 * 1024 * 1024;

/** What all connections of a sink count together. */
export interface SinkBook {
  requests: number;
  bodyBytes: number;
  connections: number;
  inFlight: number;
  mostInFlight: number;
}

/** What one turn of the loop sends: control frames first, then answers. */
interface Output {
  readonly control: readonly Buffer[];
  readonly blocks: readonly AnswerBlock[];
  readonly answers: number;
}

export class SinkConnection implements FrameListener {
  readonly #socket: TLSSocket;
  readonly #options: SinkOptions;
  readonly #book: SinkBook;
  readonly #form: AnswerForm;
  readonly #blocks: AnswerBlocks;
  readonly #line: DelayLine<Output>;
  readonly #walk = new FrameWalk(this);
  #control: Buffer[] = [];
  #full: AnswerBlock[] = [];
  #open: AnswerBlock | null = null;
  #answers = 0;
  #isFlushPending = false;
  readonly #single: Buffer[] = [];
  #isWriting = false;
  /** Bytes of DATA since the last WINDOW_UPDATE. */
  #takenBytes = 0;
  /** Bytes of DATA that the client's connection takes. The window of a stream always has room for an answer. */
  #clientWindow = initialWindowBytes;
  /** Streams whose answers wait for it. */
  #held: number[] = [];

  constructor(socket: TLSSocket, options: SinkOptions, book: SinkBook) {
    this.#socket = socket;
    this.#options = options;
    this.#book = book;
    this.#form = answerForms[options.answers];
    this.#blocks = new AnswerBlocks(this.#form);
    this.#line = new DelayLine(options.roundTripMs, (output) => this.#send(output));
    book.connections++;
    this.#greet();
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => socket.resume());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#line.close());
  }

  onRequestFrame(type: number, flags: number, streamId: number, payloadBytes: number): void {
    if (type === DATA) this.#take(payloadBytes);
    if ((flags & FLAG_END_STREAM) === 0) return;
    if (this.#held.length > 0 || this.#clientWindow < this.#form.bodyBytes) this.#held.push(streamId);
    else this.#answer(streamId);
  }

  onControlFrame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    if (type === PING && (flags & FLAG_ACK) === 0) this.#frame(PING, FLAG_ACK, payload);
    else if (type === SETTINGS && (flags & FLAG_ACK) === 0) this.#frame(SETTINGS, FLAG_ACK, new Uint8Array(0));
    else if (type === WINDOW_UPDATE && streamId === 0) this.#widen(payload);
  }

  #widen(payload: Uint8Array): void {
    this.#clientWindow += new DataView(payload.buffer, payload.byteOffset).getUint32(0);
    const { bodyBytes } = this.#form;
    const answerable = bodyBytes === 0 ? this.#held.length : Math.floor(this.#clientWindow / bodyBytes);
    for (const streamId of this.#held.splice(0, answerable)) this.#answer(streamId);
  }

  #answer(streamId: number): void {
    this.#clientWindow -= this.#form.bodyBytes;
    this.#answers++;
    this.#open ??= this.#blocks.take();
    if (this.#blocks.answer(this.#open, streamId)) return;
    this.#full.push(this.#open);
    this.#open = null;
  }

  #greet(): void {
    const { maxStreams, windowBytes } = this.#options;
    const settings = Buffer.alloc(12);
    settings.writeUInt16BE(SETTINGS_MAX_CONCURRENT_STREAMS, 0);
    settings.writeUInt32BE(maxStreams, 2);
    settings.writeUInt16BE(SETTINGS_INITIAL_WINDOW_SIZE, 6);
    settings.writeUInt32BE(windowBytes, 8);
    this.#frame(SETTINGS, 0, settings);
    if (windowBytes > initialWindowBytes) this.#giveWindow(windowBytes - initialWindowBytes);
    this.#flush();
  }

  #receive(chunk: Buffer): void {
    try {
      this.#walk.receive(chunk);
    } catch (error) {
      process.stderr.write(`sink: ${(error as Error).message}\n`);
      this.#socket.destroy();
      return;
    }
    if (this.#isFlushPending) return;
    this.#isFlushPending = true;
    setImmediate(this.#flush);
  }

  #take(bytes: number): void {
    this.#book.bodyBytes += bytes;
    this.#takenBytes += bytes;
    if (this.#takenBytes < Math.max(this.#options.windowBytes, initialWindowBytes) / 2) return;
    this.#giveWindow(this.#takenBytes);
    this.#takenBytes = 0;
  }

  #giveWindow(bytes: number): void {
    const increment = Buffer.alloc(4);
    increment.writeUInt32BE(bytes);
    this.#frame(WINDOW_UPDATE, 0, increment);
  }

  #frame(type: number, flags: number, payload: Uint8Array): void {
    const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
    writeFrameHeader(bytes, 0, payload.length, type, flags, 0);
    bytes.set(payload, FRAME_HEADER_BYTES);
    this.#control.push(bytes);
  }

  readonly #flush = (): void => {
    this.#isFlushPending = false;
    if (this.#open !== null) this.#full.push(this.#open);
    if (this.#full.length + this.#control.length === 0) return;
    const book = this.#book;
    book.requests += this.#answers;
    book.inFlight += this.#answers;
    book.mostInFlight = Math.max(book.mostInFlight, book.inFlight);
    this.#line.enter({ control: this.#control, blocks: this.#full, answers: this.#answers });
    [this.#control, this.#full, this.#open, this.#answers] = [[], [], null, 0];
  };

  #send({ control, blocks, answers }: Output): void {
    const socket = this.#socket;
    this.#book.inFlight -= answers;
    if (socket.destroyed) return;
    for (const bytes of control) socket.write(bytes);
    if (this.#options.record === 'answer') this.#sendSingly(blocks);
    else {
      for (const block of blocks) {
        socket.write(block.bytes.subarray(0, block.length), () => this.#blocks.giveBack(block));
      }
    }
    if (socket.writableLength > mostWaitingBytes) socket.pause();
  }

  /** Node puts what waits behind a write into one record. So each answer waits until the one before it is written. */
  #sendSingly(blocks: readonly AnswerBlock[]): void {
    const answerBytes = this.#form.bytes.length;
    for (const block of blocks) {
      for (let at = 0; at < block.length; at += answerBytes)
        this.#single.push(block.bytes.subarray(at, at + answerBytes));
    }
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writeNext();
  }

  readonly #writeNext = (): void => {
    const next = this.#single.shift();
    if (next === undefined) this.#isWriting = false;
    else this.#socket.write(next, this.#writeNext);
  };
}
