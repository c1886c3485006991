/**
 * A client of the binary protocol that says exactly the bytes that a test scripts, over a pair of streams in memory, on
 * a clock that stands still.
 */
import type { PealError } from '../../src/base/errors.js';
import {
  type NotificationFields,
  notificationBytes,
  writeNotification,
} from '../../src/codec/binary/notification-writer.js';
import { FRAMED } from '../../src/codec/binary/wire.js';
import { ServerBinaryConnection } from '../../src/simulator/binary/server-binary-connection.js';
import { SimulatedGateway } from '../../src/simulator/faults/simulated-gateway.js';
import type { SimulatorOptions } from '../../src/simulator/settings/options.js';
import { resolveOptions } from '../../src/simulator/settings/simulator-settings.js';
import { createMemoryPair, type MemoryStream } from '../../src/transport/memory.js';
import { VirtualClock } from './virtual-clock.js';

const payload = Buffer.from('{"aps":{"alert":"Hi"}}');

/** One notification as bytes; what is not given is as it should be. */
export function notification(token: string, fields: Partial<NotificationFields> = {}): Buffer {
  const all: NotificationFields = {
    command: FRAMED,
    token: Buffer.from(token, 'hex'),
    payload,
    identifier: 1,
    expiry: 2_000_000_000,
    priority: 10,
    ...fields,
  };
  const bytes = Buffer.alloc(notificationBytes(all));
  writeNotification(bytes, 0, all);
  return bytes;
}

/** A status response as bytes in hex, as it is seen on the wire. */
export function statusHex(status: number, identifier: number): string {
  const bytes = Buffer.from([8, status, 0, 0, 0, 0]);
  bytes.writeUInt32BE(identifier, 2);
  return bytes.toString('hex');
}

export class BinaryClient {
  readonly clock = new VirtualClock();
  readonly gateway: SimulatedGateway;
  readonly connection: ServerBinaryConnection;
  /** What came from the simulator, read by read. */
  readonly reads: Buffer[] = [];
  isClosed = false;
  error: PealError | null = null;
  readonly #stream: MemoryStream;
  #queue: Uint8Array[] = [];
  #isWriting = false;

  /** @param pieceBytes Size of the reads of either end. */
  constructor(options: SimulatorOptions = {}, pieceBytes?: () => number) {
    this.gateway = new SimulatedGateway(resolveOptions({ feedbackPort: 0, ...options, clock: this.clock }));
    const memory = { clock: this.clock, ...(pieceBytes === undefined ? {} : { pieceBytes }) };
    const [client, server] = createMemoryPair(memory);
    this.connection = new ServerBinaryConnection(this.gateway, server, false, () => {});
    this.#stream = client;
    server.attach(this.connection);
    client.attach({
      onOpen: () => {},
      onBytes: (buffer, length) => this.reads.push(Buffer.from(buffer.slice(0, length))),
      onClosed: (error) => {
        this.isClosed = true;
        this.error = error;
      },
    });
    server.begin();
    client.begin();
    this.clock.settle();
  }

  /** Everything that came, in hex. */
  get received(): string {
    return Buffer.concat(this.reads).toString('hex');
  }

  /** Sends and lets everything happen that needs no time. */
  send(...parts: readonly Uint8Array[]): this {
    this.#queue.push(Buffer.concat(parts));
    this.#write();
    this.clock.settle();
    return this;
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
