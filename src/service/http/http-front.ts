/**
 * The HTTP server of a service: who may ask, how much at a time, and how long a client may take. Knows routes, and
 * nothing of what they do. Owned by the service; main thread.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { PealError } from '../../base/errors.js';
import { clientIdleMs, maxRequestHeaderBytes, maxRequestsOfClient } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { wants } from '../../base/log.js';
import {
  closingProblem,
  faultProblem,
  type HttpAnswer,
  type Problem,
  problem,
  problemAnswer,
  problemOf,
} from './answer.js';
import type { BearerTokens } from './bearer-tokens.js';
import type { ClientPatience } from './client-patience.js';
import { Exchange } from './exchange.js';
import type { HttpRoute, Routes } from './routes.js';
import type { ServiceBooks } from './service-books.js';

interface FrontOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Certificate chain and private key, PEM; null: without TLS. */
  readonly tls: { readonly cert: string | Buffer; readonly key: string | Buffer } | null;
  /** Null: everybody on this machine may ask. */
  readonly bearers: BearerTokens | null;
  readonly maxRequests: number;
  readonly maxClients: number;
  readonly patience: ClientPatience;
  readonly routes: Routes;
  readonly books: ServiceBooks;
  readonly log: Logger;
  readonly now: () => number;
  /** Called about once a second. */
  readonly onSweep: () => void;
}

/** A connection with requests that are not over. */
interface Busy {
  /** Requests that came, and of them those whose answer waits for its reader. */
  requests: number;
  answers: number;
  /** What the client had taken of its answers by then. */
  bytes: number;
  untilMs: number;
}

export class HttpFront {
  readonly #options: FrontOptions;
  readonly #server: Server;
  readonly #busy = new Map<Socket, Busy>();
  readonly #logsRequests: boolean;
  #sweep: NodeJS.Timeout | null = null;
  #isDraining = false;
  #whenIdle: (() => void) | null = null;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#logsRequests = wants(options.log, 'debug');
    const settings = {
      maxHeaderSize: maxRequestHeaderBytes,
      headersTimeout: options.patience.headerMs,
      // Bodies have deadlines of their own: an upload may take longer than a push.
      requestTimeout: 0,
      keepAliveTimeout: clientIdleMs,
      connectionsCheckingInterval: options.patience.sweepMs,
      noDelay: true,
    };
    this.#server = options.tls === null ? createServer(settings) : createTlsServer({ ...settings, ...options.tls });
    this.#server.maxConnections = options.maxClients;
    this.#server.on('request', (request, response) => this.#take(request, response, false));
    this.#server.on('checkContinue', (request, response) => this.#take(request, response, true));
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#refuseClient(error, socket));
  }

  /** Resolves with the URL once it listens. Throws PealError ERR_PEAL_INPUT. */
  async listen(): Promise<string> {
    const { host, port, tls } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(host, port, error)));
      this.#server.listen(port, host, resolve);
    });
    this.#sweep = setInterval(this.#onSweep, this.#options.patience.sweepMs);
    this.#sweep.unref();
    const { address, port: bound, family } = this.#server.address() as AddressInfo;
    const name = family === 'IPv6' ? `[${address}]` : address;
    return `${tls === null ? 'http' : 'https'}://${name}:${bound}`;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** From now on new work is refused, and connections end behind their answers. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Resolves once no request is without its answer. */
  idle(): Promise<void> {
    if (this.#options.books.requestsInFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  /** Takes no connection any more, and ends those that there are within `graceMs`. */
  async close(graceMs: number): Promise<void> {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(timer);
  }

  // --- one request ---

  #take(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const search = mark < 0 ? '' : url.slice(mark + 1);
    const exchange = new Exchange(request, response, path, search, expectsContinue);
    const { books } = this.#options;
    books.requestsInFlight += 1;
    const startedMs = this.#logsRequests ? this.#options.now() : 0;
    const busy = this.#begin(request.socket);
    // The one event that comes whether the answer was written or its client has left.
    response.once('close', () => {
      this.#end(request.socket, busy);
      if (!response.writableFinished) books.unheard += 1;
      if (this.#logsRequests) this.#logRequest(exchange, startedMs);
    });
    const route = busy.requests > maxRequestsOfClient ? pipelineProblem : this.#routeOf(exchange);
    if ('status' in route) {
      this.#answer(exchange, problemAnswer(route));
      return;
    }
    this.#handle(route, exchange);
  }

  #handle(route: HttpRoute, exchange: Exchange): void {
    const fail = (error: unknown): void => this.#answer(exchange, this.#answerTo(error, route));
    try {
      const answer = route.handle(exchange);
      if (answer instanceof Promise) answer.then((given) => this.#answer(exchange, given), fail);
      else this.#answer(exchange, answer);
    } catch (error) {
      fail(error);
    }
  }

  /** The route of a request, or why it is refused. */
  #routeOf(exchange: Exchange): HttpRoute | Problem {
    const { bearers, routes, books, maxRequests } = this.#options;
    const { request, method, path } = exchange;
    const found = routes.find(path);
    const route = found?.methods.get(method === 'HEAD' ? 'GET' : method);
    if (route?.isOpen !== true) {
      const refused = bearers === null ? strangerProblem(request) : null;
      if (refused !== null) return refused;
      if (bearers !== null) {
        exchange.bearer = bearers.find(request.headers.authorization);
        if (exchange.bearer < 0) return bearerProblem(request.headers.authorization);
      }
    }
    if (found === null)
      return problem(404, 'not_found', 'There is nothing at this path: GET /openapi.json lists them.');
    if (route === undefined) {
      const allowed = [...found.methods.keys()].flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
      return problem(405, 'method_not_allowed', `This path takes ${allowed.join(', ')}.`, [
        'Allow',
        allowed.join(', '),
      ]);
    }
    if (this.#isDraining && route.isAnsweredToTheEnd !== true) {
      return closingProblem;
    }
    if (books.requestsInFlight > maxRequests && route.isOpen !== true) {
      return problem(429, 'too_many_requests', 'The service has as many requests at hand as it may: try again.', [
        ...['Retry-After', '1'],
      ]);
    }
    exchange.params = found.params;
    return route;
  }

  #answerTo(error: unknown, { isGorush }: HttpRoute): HttpAnswer {
    let told = problemOf(error);
    if (told === null) {
      this.#options.log.error({ err: error }, 'a request met a fault of peal');
      told = faultProblem;
    }
    if (isGorush !== true) return problemAnswer(told);
    return { ...problemAnswer(told), text: JSON.stringify({ code: told.status, message: told.message }) };
  }

  #answer(exchange: Exchange, answer: HttpAnswer | null): void {
    const { books } = this.#options;
    books.requestsInFlight -= 1;
    if (answer !== null) {
      books.answered(answer.status);
      exchange.write(answer, this.#isDraining);
      this.#watchReader(exchange);
    }
    if (books.requestsInFlight > 0 || this.#whenIdle === null) return;
    this.#whenIdle();
    this.#whenIdle = null;
  }

  #logRequest({ request, path, response }: Exchange, startedMs: number): void {
    const ms = Math.round(this.#options.now() - startedMs);
    this.#options.log.debug({ method: request.method, path, status: response.statusCode, ms }, 'request');
  }

  // --- slow clients ---

  #begin(socket: Socket): Busy {
    const known = this.#busy.get(socket);
    if (known !== undefined) {
      known.requests += 1;
      return known;
    }
    const busy: Busy = { requests: 1, answers: 0, bytes: 0, untilMs: 0 };
    this.#busy.set(socket, busy);
    return busy;
  }

  #end(socket: Socket, busy: Busy): void {
    busy.requests -= 1;
    busy.answers -= 1;
    if (busy.requests === 0) this.#busy.delete(socket);
  }

  /** An answer is written: its client has to read it. */
  #watchReader({ request: { socket }, response }: Exchange): void {
    const busy = this.#busy.get(socket);
    if (busy === undefined || response.closed) return;
    busy.answers += 1;
    if (busy.answers > 1) return;
    busy.bytes = takenFrom(socket);
    busy.untilMs = this.#options.now() + this.#options.patience.answerMs;
  }

  readonly #onSweep = (): void => {
    const nowMs = this.#options.now();
    for (const [socket, busy] of this.#busy) {
      if (busy.answers <= 0) continue;
      const bytes = takenFrom(socket);
      if (bytes > busy.bytes) {
        busy.bytes = bytes;
        busy.untilMs = nowMs + this.#options.patience.answerMs;
      } else if (busy.untilMs < nowMs) socket.destroy();
    }
    this.#options.onSweep();
  };

  /** What Node itself cannot take as a request. */
  #refuseClient(error: NodeJS.ErrnoException, socket: Socket): void {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const told = clientProblem(error.code ?? '');
    this.#options.books.answered(told.status);
    const { text } = problemAnswer(told);
    const head = [
      `HTTP/1.1 ${told.status} ${STATUS_CODES[told.status]}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(text!)}`,
      'Connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy());
  }
}

/** Bytes that the system has taken of what was written. */
function takenFrom(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}

const pipelineProblem: Problem = problem(
  429,
  'too_many_requests',
  'This connection has as many requests at a time as it may: wait for answers, or open another one.',
  ['Retry-After', '1', 'Connection', 'close'],
);

function clientProblem(code: string): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return problem(431, 'header_too_large', `The header is larger than ${maxRequestHeaderBytes} bytes.`);
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problem(408, 'too_slow', 'The request did not come in time.');
  return problem(400, 'bad_request', 'This is not a request of HTTP/1.1.');
}

function bearerProblem(authorization: string | undefined): Problem {
  return authorization === undefined
    ? problem(401, 'unauthorized', 'Give a bearer token: the field Authorization: Bearer TOKEN.', [
        ...['WWW-Authenticate', 'Bearer'],
      ])
    : problem(401, 'unauthorized', 'The bearer token is not one of this service.', [
        ...['WWW-Authenticate', 'Bearer error="invalid_token"'],
      ]);
}

/** Names of this machine, as a browser would have them in the field Host. */
const ownHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;

/**
 * Without bearer tokens a page in a browser on this machine must not reach the service: neither by a name that leads
 * here (DNS rebinding) nor by a request that browsers send without asking. Null: it may.
 */
function strangerProblem({ headers }: IncomingMessage): Problem | null {
  if (headers.host !== undefined && !ownHost.test(headers.host)) {
    return problem(
      403,
      'forbidden',
      'Without bearer tokens the service answers to localhost, 127.0.0.1 and [::1] only.',
    );
  }
  if (headers.origin === undefined && headers['sec-fetch-site'] === undefined) return null;
  return problem(403, 'forbidden', 'Without bearer tokens the service does not answer to browsers.');
}

function listenError(host: string, port: number, error: NodeJS.ErrnoException): PealError {
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there',
    EACCES: 'this user may not listen there',
    EADDRNOTAVAIL: 'this machine does not have that address',
    ENOTFOUND: 'there is no such name',
  };
  const message = `The service cannot listen at ${host}, port ${port}: ${why[error.code ?? ''] ?? error.code}.`;
  return new PealError('ERR_PEAL_OPTION', message, { origin: 'usage', cause: error });
}
