/**
 * One request and its one answer. Made by the front for each request; main thread.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpAnswer } from './answer.js';

/** How long what a client still sends is read and dropped behind an answer, so that the answer reaches it. */
const lingerMs = 1_000;

export class Exchange {
  /** The parts of the path that stand for `{…}` in the route. */
  params: readonly string[] = [];
  /** The number of the bearer token; -1 where none is asked for. */
  bearer = -1;
  /** Set where a handler writes the answer itself. */
  isTaken = false;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly path: string,
    /** Behind the `?`; empty without one. */
    readonly search: string,
    /** Whether the client waits for permission to send the body. */
    readonly expectsContinue: boolean,
  ) {}

  get method(): string {
    return this.request.method ?? '';
  }

  query(): URLSearchParams {
    return new URLSearchParams(this.search);
  }

  /** The client may send the body now. */
  proceed(): void {
    if (this.expectsContinue) this.response.writeContinue();
  }

  /** @param isLast whether the connection ends behind it */
  write({ status, text, headers }: HttpAnswer, isLast: boolean): void {
    const { response, request } = this;
    if (response.destroyed || response.headersSent) return;
    const fields = ['Content-Type', 'application/json', 'Cache-Control', 'no-store', ...headers];
    const bytes = text === null ? 0 : Buffer.byteLength(text);
    fields.push('Content-Length', String(bytes));
    const closes = isLast && !headers.includes('Connection');
    if (closes) fields.push('Connection', 'close');
    response.writeHead(status, fields);
    if (request.complete || !(closes || headers.includes('Connection'))) {
      response.end(text ?? '');
      return;
    }
    // A connection that is closed with bytes unread is reset, and the client may lose the answer.
    if (text !== null) response.write(text);
    const end = (): void => {
      clearTimeout(timer);
      response.end();
    };
    const timer = setTimeout(end, lingerMs);
    request.once('end', end).once('close', end);
    request.resume();
  }
}
