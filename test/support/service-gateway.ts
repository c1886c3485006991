/**
 * A service of channels written by others: node:http2 behind TLS on loopback. It keeps channels and broadcasts as Apple
 * describes them, and answers a request as a test wants where that says so.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';

/** A request as it came. */
export interface ServiceRequestSeen {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Which connection it came over, from 0. */
  readonly connection: number;
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
}

/** What it is answered with; `usual`: as Apple describes it; `nothing`: the test does the rest. */
export type ServiceReply =
  | 'usual'
  | 'nothing'
  | { readonly status: number; readonly reason?: string; readonly headers?: Readonly<Record<string, string>> };

export interface ServiceGatewayOptions {
  readonly reply?: (seen: ServiceRequestSeen, count: number) => ServiceReply | Promise<ServiceReply>;
  readonly onSession?: (session: ServerHttp2Session, count: number) => void;
  readonly settings?: Settings;
  readonly requestCert?: boolean;
}

export class ServiceGateway implements AsyncDisposable {
  readonly authority: ThrowAwayAuthority;
  /** The storage policy of each channel. */
  readonly channels = new Map<string, number>();
  readonly seen: ServiceRequestSeen[] = [];
  /** Broadcasts that were accepted, by channel. */
  readonly broadcasts = new Map<string, number>();
  readonly sessions: ServerHttp2Session[] = [];
  mostInFlight = 0;
  onRequest: () => void = () => {};
  #inFlight = 0;
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<Socket>();
  readonly #options: ServiceGatewayOptions;

  private constructor(options: ServiceGatewayOptions) {
    const { settings = {}, requestCert = false } = options;
    this.#options = options;
    this.authority = new ThrowAwayAuthority();
    const client = requestCert ? { requestCert, rejectUnauthorized: true, ca: this.authority.certificate } : {};
    this.#server = createSecureServer({ ...this.authority.issueServer(), ...client, settings });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('session', (session) => {
      session.on('error', () => {});
      this.sessions.push(session);
      options.onSession?.(session, this.sessions.length);
    });
    this.#server.on('stream', (stream, headers) => this.#onStream(stream, headers));
  }

  static async open(options: ServiceGatewayOptions = {}): Promise<ServiceGateway> {
    const gateway = new ServiceGateway(options);
    gateway.#server.listen(0, '127.0.0.1');
    await once(gateway.#server, 'listening');
    return gateway;
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get ca(): string {
    return this.authority.certificate;
  }

  /** The requests without their connection, for comparisons. */
  get paths(): string[] {
    return this.seen.map(({ headers }) => `${headers[':method']} ${headers[':path']}`);
  }

  /** Drops all connections, without a GOAWAY. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const session = stream.session as ServerHttp2Session;
    const connection = this.sessions.indexOf(session);
    let body = '';
    this.#inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight);
    stream.on('error', () => {});
    stream.on('close', () => {
      this.#inFlight -= 1;
    });
    stream.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    stream.on('end', () => void this.#answer({ headers, body, connection, stream, session }));
  }

  async #answer(seen: ServiceRequestSeen): Promise<void> {
    this.seen.push(seen);
    this.onRequest();
    const reply = (await this.#options.reply?.(seen, this.seen.length)) ?? 'usual';
    const { stream } = seen;
    if (reply === 'nothing' || stream.destroyed) return;
    const { status, body, headers } = reply === 'usual' ? this.#usual(seen) : replied(reply);
    const id = seen.headers['apns-request-id'] ?? randomUUID();
    stream.respond({ ':status': status, 'apns-request-id': id, ...headers }, { endStream: body === null });
    if (body !== null) stream.end(body);
  }

  #usual({ headers, body }: ServiceRequestSeen): Answer {
    const request = `${headers[':method']} ${headers[':path']}`;
    const id = String(headers['apns-channel-id'] ?? '');
    if (/^POST \/1\/apps\/[^/]+\/channels$/.test(request)) {
      const made = randomBytes(16).toString('base64');
      this.channels.set(made, (JSON.parse(body) as { 'message-storage-policy': number })['message-storage-policy']);
      return { status: 201, body: null, headers: { 'apns-channel-id': made } };
    }
    if (/^GET \/1\/apps\/[^/]+\/all-channels$/.test(request)) {
      return { status: 200, body: JSON.stringify({ channels: [...this.channels.keys()] }) };
    }
    if (!this.channels.has(id)) return replied({ status: 400, reason: 'ChannelNotRegistered' });
    if (/^GET \/1\/apps\/[^/]+\/channels$/.test(request)) {
      const fields = { 'message-storage-policy': this.channels.get(id), 'push-type': 'LiveActivity' };
      return { status: 200, body: JSON.stringify(fields) };
    }
    if (/^DELETE \/1\/apps\/[^/]+\/channels$/.test(request)) {
      this.channels.delete(id);
      return { status: 204, body: null };
    }
    if (!/^POST \/4\/broadcasts\/apps\/[^/]+$/.test(request)) return replied({ status: 404, reason: 'BadPath' });
    this.broadcasts.set(id, (this.broadcasts.get(id) ?? 0) + 1);
    return { status: 200, body: null, headers: { 'apns-unique-id': randomUUID() } };
  }
}

interface Answer {
  readonly status: number;
  readonly body: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

function replied({ status, reason, headers }: Exclude<ServiceReply, string>): Answer {
  return { status, body: reason === undefined ? null : JSON.stringify({ reason }), ...(headers && { headers }) };
}

export const refuseStream = (stream: ServerHttp2Stream): void => stream.close(constants.NGHTTP2_REFUSED_STREAM);
