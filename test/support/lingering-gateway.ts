/**
 * A gateway over TLS that answers 200 to every request, may say GOAWAY once it has answered, and never closes its end of a
 * connection, whatever its client does.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  GOAWAY,
  HEADERS,
  PING,
  SETTINGS,
} from '../../src/codec/http2/frames.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { FrameSplitter, frame } from './raw-frames.js';

/** The client's first 24 bytes (RFC 9113 §3.4). */
const prefaceBytes = 24;
/** `:status 200` of the static table. */
const status200 = new Uint8Array([0x88]);

export class LingeringGateway {
  readonly ca: string;
  answers = 0;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets = new Set<TLSSocket>();
  readonly #goawayAfter: number;

  private constructor(authority: ThrowAwayAuthority, goawayAfter: number) {
    this.ca = authority.certificate;
    this.#goawayAfter = goawayAfter;
    const { key, cert } = authority.issueServer();
    this.#server = createServer({ key, cert, ALPNProtocols: ['h2'], allowHalfOpen: true } as never, (socket) =>
      this.#serve(socket),
    );
  }

  /** @param goawayAfter answers of a connection after which it says GOAWAY; Infinity: never */
  static async open(goawayAfter: number): Promise<LingeringGateway> {
    const gateway = new LingeringGateway(new ThrowAwayAuthority(), goawayAfter);
    gateway.#server.listen(0, '127.0.0.1');
    await once(gateway.#server, 'listening');
    return gateway;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #serve(socket: TLSSocket): void {
    this.#sockets.add(socket);
    const frames = new FrameSplitter();
    let skipped = 0;
    let answers = 0;
    socket.on('error', () => {});
    socket.write(frame(SETTINGS, 0, 0, new Uint8Array(0)));
    socket.on('data', (chunk: Buffer) => {
      const preface = Math.min(chunk.length, prefaceBytes - skipped);
      skipped += preface;
      for (const { type, flags, streamId, payload } of frames.push(chunk.subarray(preface))) {
        if (type === SETTINGS && (flags & FLAG_ACK) === 0)
          socket.write(frame(SETTINGS, FLAG_ACK, 0, new Uint8Array(0)));
        if (type === PING && (flags & FLAG_ACK) === 0) socket.write(frame(PING, FLAG_ACK, 0, payload));
        if (type !== HEADERS) continue;
        socket.write(frame(HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, streamId, status200));
        this.answers += 1;
        if (++answers !== this.#goawayAfter) continue;
        const goaway = Buffer.alloc(8);
        goaway.writeUInt32BE(streamId, 0);
        socket.write(frame(GOAWAY, 0, 0, goaway));
      }
    });
  }
}
