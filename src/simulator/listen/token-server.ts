/**
 * The token endpoint of the simulated FCM behind HTTP/1.1 over TLS: `POST /token`. On the simulator's thread.
 */
import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { maxTokenRequestBytes } from '../../base/limits.js';
import type { TokenEndpoint } from '../fcm/token-endpoint.js';
import { closeServer, listenOn } from './http-server.js';

const formType = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

export class TokenServer {
  readonly #endpoint: TokenEndpoint;
  readonly #server: Server;

  constructor(endpoint: TokenEndpoint, identity: { readonly cert: string; readonly key: string }) {
    this.#endpoint = endpoint;
    const { cert, key } = identity;
    this.#server = createServer({ cert, key, minVersion: 'TLSv1.2' }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy()); // the client left in the middle of its request
    });
  }

  /** Resolves with the port. @throws PealError `ERR_PEAL_OPTION` if it cannot listen on host and port */
  listen(host: string, port: number): Promise<number> {
    return listenOn(this.#server, 'token endpoint', host, port);
  }

  close(): Promise<void> {
    return closeServer(this.#server);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    let bytes = 0;
    for await (const piece of request) {
      bytes += (piece as Buffer).length;
      if (bytes > maxTokenRequestBytes) {
        refuse(response, 413, 'The request is too large.');
        return;
      }
      body += Buffer.from(piece as Buffer).toString('latin1');
    }
    const path = (request.url ?? '').split('?')[0];
    if (path !== '/token') refuse(response, 404, 'There is POST /token.');
    else if (request.method !== 'POST') refuse(response, 405, 'There is POST /token.');
    else if (!formType.test(request.headers['content-type'] ?? '')) {
      refuse(response, 400, 'The body must be application/x-www-form-urlencoded.');
    } else {
      const answer = this.#endpoint.answer(body);
      send(response, answer.status, answer.body);
    }
  }
}

function refuse(response: ServerResponse, status: number, description: string): void {
  send(response, status, JSON.stringify({ error: 'invalid_request', error_description: description }));
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(body);
}
