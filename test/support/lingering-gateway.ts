/**
 * A gateway over TLS that answers 200 to every request, may say GOAWAY once it has answered, and never closes its end
 * of a connection, whatever its client does.
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  FrameSplitter,
  frame,
  goaway,
  HEADERS,
  PING,
  SETTINGS,
  settingsAck,
  settingsFrame,
} from './frames.js';

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
    const frames = new FrameSplitter('client');
    let answers = 0;
    socket.on('error', () => {});
    socket.write(settingsFrame());
    socket.on('data', (chunk: Buffer) => {
      for (const { type, flags, streamId, payload } of frames.push(chunk)) {
        if (type === SETTINGS && (flags & ACK) === 0) socket.write(settingsAck);
        if (type === PING && (flags & ACK) === 0) socket.write(frame(PING, ACK, 0, payload));
        if (type !== HEADERS) continue;
        socket.write(frame(HEADERS, END_HEADERS | END_STREAM, streamId, status200));
        this.answers += 1;
        if (++answers === this.#goawayAfter) socket.write(goaway(streamId, 0));
      }
    });
  }
}
