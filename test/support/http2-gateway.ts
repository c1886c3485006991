/**
 * A gateway written by others: node:http2 behind TLS on loopback. It answers 200, or what a test wants, and keeps a
 * book of its own: how often each token came, and under which apns-ids.
 */
import { once } from 'node:events';
import { constants, createSecureServer, type Http2SecureServer, type Http2Session, type Settings } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Address } from '../../src/push/address.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';

/** What a request is answered with; `reset`: RST_STREAM, so that nobody knows; null for no answer at all. */
export type Answering = (tokenHex: string, requests: number) => Answered | 'reset' | null;

export interface Answered {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Http2Gateway {
  /** How often each token came. */
  readonly seen = new Map<string, number>();
  /** The apns-id of each of its requests; empty where it brought none. */
  readonly apnsIds = new Map<string, string[]>();
  readonly authorizations = new Set<string>();
  requests = 0;
  connections = 0;
  readonly #unanswered = new Map<Http2Session, number>();
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<Socket>();

  private constructor(
    readonly ca: string,
    server: Http2SecureServer,
    answer: Answering,
    readonly onRequest: () => void,
    delayMs: number,
  ) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session) => {
      this.connections += 1;
      session.on('error', () => {});
    });
    server.on('stream', (stream, headers) => {
      const token = String(headers[':path']).slice('/3/device/'.length);
      this.requests += 1;
      this.seen.set(token, (this.seen.get(token) ?? 0) + 1);
      this.apnsIds.set(token, [...(this.apnsIds.get(token) ?? []), String(headers['apns-id'] ?? '')]);
      if (headers.authorization !== undefined) this.authorizations.add(headers.authorization);
      stream.on('error', () => {});
      stream.resume();
      this.onRequest();
      const answered = answer(token, this.requests);
      if (answered === null || stream.destroyed || stream.closed) return;
      if (answered === 'reset') {
        stream.close(constants.NGHTTP2_INTERNAL_ERROR);
        return;
      }
      const { status, body, headers: more } = answered;
      const { session } = stream;
      if (session !== undefined && delayMs > 0) {
        this.#unanswered.set(session, (this.#unanswered.get(session) ?? 0) + 1);
        stream.once('close', () => this.#unanswered.set(session, this.#unanswered.get(session)! - 1));
      }
      const respond = (): void => {
        if (stream.destroyed) return;
        stream.respond({ ':status': status, ...more }, { endStream: body === undefined });
        if (body !== undefined) stream.end(body);
      };
      if (delayMs === 0) respond();
      else setTimeout(respond, delayMs);
    });
  }

  static async open(
    options: { answer?: Answering; settings?: Settings; onRequest?: () => void; delayMs?: number } = {},
  ): Promise<Http2Gateway> {
    const authority = new ThrowAwayAuthority();
    // No limit of streams by default: node 26 counts those that have ended and are not gone yet, too, and resets
    // (ENHANCE_YOUR_CALM) one that the limit allows.
    const settings = { ...options.settings };
    const server = createSecureServer({ ...authority.issueServer(), settings });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const answer = options.answer ?? (() => ({ status: 200 }));
    return new Http2Gateway(
      authority.certificate,
      server,
      answer,
      options.onRequest ?? (() => {}),
      options.delayMs ?? 0,
    );
  }

  get address(): Address {
    return { protocol: 'http2', host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** Connections on which something waits for its answer; counted where answers take their time. */
  get busyConnections(): number {
    return [...this.#unanswered.values()].filter((requests) => requests > 0).length;
  }

  /** Tokens that came more than once. */
  get repeated(): string[] {
    return [...this.seen].filter(([, times]) => times > 1).map(([token]) => token);
  }

  async close(): Promise<void> {
    this.#server.close();
    // Sockets and not sessions: node's server keeps the socket of a session whose peer was killed.
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}
