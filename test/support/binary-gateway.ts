/**
 * The gateway of the binary protocol for tests of whatever sends to one: one connection at the gateway's end. It reads
 * notifications to the recipients of book-source.ts, hands each to the test's script, and says what the script asks
 * for, when and in what pieces it asks, also what no decent gateway would say. The tests of the simulator's own gateway
 * have a client instead (binary-client.ts). A feedback gateway only writes; feedback-connection.test.ts scripts its
 * own.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../../src/base/clock.js';
import type { PealError } from '../../src/base/errors.js';
import { NotificationDecoder, type ReceivedNotification } from '../../src/codec/binary/notification-decoder.js';
import { STATUS_BYTES, writeStatus } from '../../src/codec/binary/status.js';
import { STATUS_MISSING_TOKEN } from '../../src/codec/binary/wire.js';
import type { ByteStream, ByteStreamListener } from '../../src/transport/backend.js';
import { payloadOf, tokenOf } from './book-source.js';
import type { OpenGateway } from './gateways.js';

export interface BinaryScript {
  /** A status refuses the notification; undefined delivers it, unless reading was stopped. Default: all delivered. */
  readonly judge?: (index: number, gateway: BinaryGateway) => number | undefined;
  /** A notification with an empty token came. Default: refused with status 2 and its identifier. */
  readonly onFlush?: (identifier: number, gateway: BinaryGateway) => void;
  /** Time from a refusal to its status. Default 0. */
  readonly statusDelayMs?: number;
}

export interface AnswerOptions {
  /** Whether the connection ends behind the status. Default true. */
  readonly closes?: boolean;
  /** The status goes out in two writes, the first of so many bytes. Default: in one. */
  readonly piece?: number;
}

export class BinaryGateway implements ByteStreamListener {
  /** Recipients that were delivered, in their order. */
  readonly delivered: number[] = [];
  /** Every identifier that was read, flushes included. */
  readonly identifiers: number[] = [];
  /** Of the notification that was read last. */
  identifier = 0;
  flushes = 0;
  isClosed = false;
  readonly #stream: ByteStream;
  readonly #clock: Clock;
  readonly #script: BinaryScript;
  readonly #decoder = new NotificationDecoder({ onNotification: (one) => this.#take(one) });
  readonly #output: Uint8Array[] = [];
  #isReading = true;
  #isWriting = false;
  #isEnding = false;

  constructor(stream: ByteStream, clock: Clock, script: BinaryScript) {
    this.#stream = stream;
    this.#clock = clock;
    this.#script = script;
  }

  /** False once the script asked to read no more. */
  get isReading(): boolean {
    return this.#isReading;
  }

  // --- what scripts ask for ---

  /** Reads no more, says `status` about `identifier` in its time, and ends: what comes in between is discarded. */
  refuse(status: number, identifier: number): void {
    this.stopReading();
    this.answer(status, identifier);
  }

  answer(status: number, identifier: number, options: AnswerOptions = {}): void {
    const delayMs = this.#script.statusDelayMs ?? 0;
    if (delayMs === 0) this.#answer(status, identifier, options);
    else this.#clock.setTimer(() => this.#answer(status, identifier, options), delayMs);
  }

  /** What comes from now on is discarded. */
  stopReading(): void {
    this.#isReading = false;
  }

  send(bytes: Uint8Array): void {
    this.#output.push(bytes);
    this.#write();
  }

  /** Ends the connection behind what was sent. */
  end(): void {
    this.#isEnding = true;
    this.#write();
  }

  /** Breaks the connection. */
  drop(): void {
    this.stopReading();
    this.#stream.destroy();
  }

  // --- what the stream tells ---

  onOpen(): void {}

  onBytes(buffer: Uint8Array, length: number): void {
    if (this.#isReading) this.#decoder.receive(buffer, length);
  }

  onClosed(_error: PealError | null): void {
    this.isClosed = true;
  }

  #take(notification: ReceivedNotification): boolean {
    this.identifier = notification.identifier;
    this.identifiers.push(notification.identifier);
    if (notification.tokenBytes === 0) {
      this.#takeFlush(notification.identifier);
    } else {
      const index = indexOf(notification);
      const status = this.#script.judge?.(index, this);
      if (status !== undefined) this.refuse(status, notification.identifier);
      else if (this.#isReading) this.delivered.push(index);
    }
    return this.#isReading;
  }

  #takeFlush(identifier: number): void {
    this.flushes += 1;
    if (this.#script.onFlush === undefined) this.refuse(STATUS_MISSING_TOKEN, identifier);
    else this.#script.onFlush(identifier, this);
  }

  #answer(status: number, identifier: number, { closes = true, piece = STATUS_BYTES }: AnswerOptions): void {
    if (this.isClosed) return;
    const bytes = new Uint8Array(STATUS_BYTES);
    writeStatus(bytes, 0, status, identifier);
    this.send(bytes.subarray(0, piece));
    if (piece < STATUS_BYTES) this.send(bytes.subarray(piece));
    if (closes) this.end();
  }

  #write(): void {
    if (this.#isWriting || this.isClosed) return;
    const bytes = this.#output.shift();
    if (bytes === undefined) {
      if (this.#isEnding) this.#stream.end();
      return;
    }
    this.#isWriting = true;
    this.#stream.write(bytes, this.#onWritten);
  }

  readonly #onWritten = (): void => {
    this.#isWriting = false;
    this.#write();
  };
}

/** For `new Gateways(…)`. */
export const openBinaryGateway: OpenGateway<BinaryGateway, BinaryScript> = (
  stream,
  { alpnProtocol },
  script,
  clock,
) => {
  assert.equal(alpnProtocol, null);
  return new BinaryGateway(stream, clock, script);
};

/** The recipient that the token is of; with a payload that begins like a personal one, it has to be his. */
function indexOf(notification: ReceivedNotification): number {
  const token = notification.token();
  const index = new DataView(token.buffer, token.byteOffset).getUint32(28);
  assert.deepEqual(Buffer.from(token), Buffer.from(tokenOf(index)));
  const payload = Buffer.from(notification.payload()).toString();
  if (payload.startsWith('{"to":')) assert.equal(payload, payloadOf(index));
  return index;
}
