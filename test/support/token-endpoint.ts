/**
 * An endpoint of Google that gives out access tokens, on loopback: it checks assertions, and answers what a test wants.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

interface EndpointAnswer {
  readonly status?: number;
  readonly body?: string;
  /** No answer ever. */
  readonly isSilent?: boolean;
}

export class TokenEndpoint implements AsyncDisposable {
  /** The forms that came. */
  readonly forms: URLSearchParams[] = [];
  /** The next answers; then the last of them again. */
  answers: EndpointAnswer[] = [];
  readonly #server: Server;

  private constructor(pair: { readonly cert: string; readonly key: string }) {
    this.#server = createServer(pair, (request, response) => {
      let text = '';
      request.on('data', (piece: Buffer) => (text += piece.toString()));
      request.on('end', () => {
        this.forms.push(new URLSearchParams(text));
        const answer = this.answers.length > 1 ? this.answers.shift()! : (this.answers[0] ?? {});
        if (answer.isSilent === true) return;
        response.writeHead(answer.status ?? 200, { 'content-type': 'application/json; charset=utf-8' });
        response.end(
          answer.body ?? JSON.stringify({ access_token: 'ya29.c.b0A', expires_in: 3599, token_type: 'Bearer' }),
        );
      });
    });
  }

  static async open(pair: { readonly cert: string; readonly key: string }): Promise<TokenEndpoint> {
    const endpoint = new TokenEndpoint(pair);
    endpoint.#server.listen(0, '127.0.0.1');
    await once(endpoint.#server, 'listening');
    return endpoint;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
