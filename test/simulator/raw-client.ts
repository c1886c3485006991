/**
 * A client that says exactly the frames that a test scripts, over a pair of streams in memory, on a clock that stands
 * still: what the simulator's end of a connection does with good and with broken frames.
 */

import type { PealError } from '../../src/base/errors.js';
import { HpackDecoder } from '../../src/codec/hpack/decoder.js';
import * as frames from '../../src/codec/http2/frames.js';
import { SimulatedGateway } from '../../src/simulator/faults/simulated-gateway.js';
import { ConnectionDriver } from '../../src/simulator/http2/connection-driver.js';
import type { SimulatorOptions } from '../../src/simulator/settings/options.js';
import { resolveOptions } from '../../src/simulator/settings/simulator-settings.js';
import { createMemoryPair, type MemoryStream } from '../../src/transport/memory.js';
import {
  data,
  FrameSplitter,
  frame,
  headers,
  preface,
  type RawFrame,
  settingsAck,
  settingsFrame,
} from '../support/frames.js';

import { VirtualClock } from '../support/virtual-clock.js';

export function pushFields(token: string): (readonly [string, string])[] {
  return [
    [':method', 'POST'],
    [':scheme', 'https'],
    [':path', `/3/device/${token}`],
    ['apns-topic', 'com.example.app'],
  ];
}

/** A device token of one's own for each stream. */
export function tokenFor(streamId: number): string {
  return streamId.toString(16).padStart(64, '0');
}

export const payload = Buffer.from('{"aps":{}}');

/** A gateway that several clients share. */
export interface SharedGateway {
  readonly clock: VirtualClock;
  readonly gateway: SimulatedGateway;
}

/** A gateway for `new RawClient({}, undefined, shared)`. */
export function shareGateway(options: SimulatorOptions = {}): SharedGateway {
  const clock = new VirtualClock();
  return { clock, gateway: new SimulatedGateway(resolveOptions({ ...options, clock })) };
}

export class RawClient {
  readonly clock: VirtualClock;
  readonly gateway: SimulatedGateway;
  readonly connection: ConnectionDriver;
  /** What came from the simulator, in order. */
  readonly frames: RawFrame[] = [];
  isClosed = false;
  error: PealError | null = null;
  readonly #stream: MemoryStream;
  readonly #splitter = new FrameSplitter('server');
  readonly #decoder = new HpackDecoder();
  #queue: Uint8Array[] = [];
  #isWriting = false;
  #acknowledged = 0;

  /** @param shared The gateway to connect to; `options` are for one of the client's own. */
  constructor(options: SimulatorOptions = {}, pieceBytes?: () => number, shared = shareGateway(options)) {
    this.clock = shared.clock;
    this.gateway = shared.gateway;
    const memory = { clock: this.clock, ...(pieceBytes === undefined ? {} : { pieceBytes }) };
    const [client, server] = createMemoryPair(memory);
    const identity = { certificateTopic: null, keyName: null };
    this.connection = new ConnectionDriver(this.gateway, server, identity, null, () => {});
    this.#stream = client;
    server.attach(this.connection);
    client.attach({
      onOpen: () => {},
      onBytes: (buffer, length) => this.frames.push(...this.#splitter.push(buffer.slice(0, length))),
      onClosed: (error) => {
        this.isClosed = true;
        this.error = error;
      },
    });
    server.begin();
    client.begin();
    this.clock.settle();
  }

  /** Preface and empty SETTINGS. */
  greet(): this {
    return this.send(preface, settingsFrame());
  }

  /** Sends and lets everything happen that needs no time. */
  send(...parts: readonly Uint8Array[]): this {
    this.#queue.push(Buffer.concat(parts));
    this.#write();
    this.clock.settle();
    return this;
  }

  request(streamId: number, token: string, body: Uint8Array = payload): this {
    return this.send(headers(streamId, pushFields(token), false), data(streamId, body, true));
  }

  /** A request with a provider token. @param token The device token; by default one of the stream's own. */
  push(streamId: number, authorization: string, token = tokenFor(streamId)): this {
    return this.send(
      headers(streamId, [...pushFields(token), ['authorization', authorization]], false),
      data(streamId, payload, true),
    );
  }

  /** Requests on the odd streams from `first` to `last`, all in one write. */
  requests(first: number, last: number, tokenOf: (streamId: number) => string = tokenFor): this {
    const parts: Buffer[] = [];
    for (let streamId = first; streamId <= last; streamId += 2) {
      parts.push(headers(streamId, pushFields(tokenOf(streamId)), false));
      parts.push(data(streamId, payload, true));
    }
    return this.send(...parts);
  }

  /** Answers each SETTINGS and PING that has come and was not answered. */
  acknowledge(): this {
    for (; this.#acknowledged < this.frames.length; this.#acknowledged++) {
      const { type, flags, payload: octets } = this.frames[this.#acknowledged]!;
      const isRequest = (flags & frames.FLAG_ACK) === 0;
      if (type === frames.SETTINGS && isRequest) this.send(settingsAck);
      if (type === frames.PING && isRequest) this.send(frame(type, frames.FLAG_ACK, 0, octets));
    }
    return this;
  }

  /** Drops the connection. */
  destroy(): this {
    this.#stream.destroy();
    this.clock.settle();
    return this;
  }

  /** Each GOAWAY that came: last stream, error code by name, debug data. */
  goaways(): [lastStreamId: number, code: string, debug: string][] {
    return this.of(frames.GOAWAY).map(({ payload: octets }) => [
      octets.readUInt32BE(0),
      frames.errorCodeName(octets.readUInt32BE(4)),
      octets.toString('utf8', 8),
    ]);
  }

  /** Streams that got an answer, with its status, in the order in which they came. Call once for a client. */
  answered(): [streamId: number, status: string][] {
    return [...this.statuses()];
  }

  /** Each SETTINGS value that the simulator announced under this identifier. */
  announced(identifier: number): number[] {
    const values: number[] = [];
    for (const { flags, payload: octets } of this.of(frames.SETTINGS)) {
      if ((flags & frames.FLAG_ACK) !== 0) continue;
      for (let at = 0; at < octets.length; at += 6) {
        if (octets.readUInt16BE(at) === identifier) values.push(octets.readUInt32BE(at + 2));
      }
    }
    return values;
  }

  of(type: number): RawFrame[] {
    return this.frames.filter((item) => item.type === type);
  }

  /** Status of each answer by stream, in the order in which they came. Call once for a client. */
  statuses(): Map<number, string> {
    const found = new Map<number, string>();
    for (const item of this.of(frames.HEADERS)) {
      const fields = this.#decoder.decode(item.payload, 0, item.payload.length);
      found.set(item.streamId, fields[0]?.[1] ?? '');
    }
    return found;
  }

  /** Error code of the last GOAWAY, by name; null where none came. */
  goawayCode(): string | null {
    const last = this.of(frames.GOAWAY).at(-1);
    return last === undefined ? null : frames.errorCodeName(last.payload.readUInt32BE(4));
  }

  /** Error code of the RST_STREAM for a stream, by name; null where none came. */
  resetCode(streamId: number): string | null {
    const found = this.of(frames.RST_STREAM).find((item) => item.streamId === streamId);
    return found === undefined ? null : frames.errorCodeName(found.payload.readUInt32BE(0));
  }

  #write(): void {
    const next = this.#queue[0];
    if (this.#isWriting || next === undefined) return;
    this.#queue = this.#queue.slice(1);
    this.#isWriting = true;
    this.#stream.write(next, () => {
      this.#isWriting = false;
      this.#write();
    });
  }
}
