/**
 * The front door of pyapns: XML-RPC over HTTP, to programs of this machine. Owns the HTTP server and the session; main
 * thread.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Session } from 'peal';
import { Apps, type AppsOptions } from './apps.js';
import { failure, readCall, writeFault, writeResult, XmlRpcFault } from './xml-rpc.js';

export interface ServerOptions extends AppsOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Authority of the gateways, as PEM. Null: the system's. */
  readonly ca: string | null;
}

export interface PyapnsServer {
  readonly url: string;
  /** Ends requests that are under way, then the session. */
  close(): Promise<void>;
}

/** Of a request: a few ten thousand notifications. */
const maxBodyBytes = 8 << 20;
/** At a time, so that the bodies at hand take 256 MiB at most. */
const maxClients = 32;
/** Where clients of XML-RPC ask, by habit. */
const paths = ['/', '/RPC2'];

export async function startServer(options: ServerOptions): Promise<PyapnsServer> {
  const session = new Session(options.ca === null ? {} : { ca: options.ca });
  const apps = new Apps(session, options);
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, (request, response) => {
    answer(apps, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.maxConnections = maxClients;
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
      await session.close();
    },
  };
}

async function answer(apps: Apps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const status = statusOf(request);
  if (status !== 200) {
    request.resume();
    response.writeHead(status, { Allow: 'POST', Connection: 'close' }).end();
    return;
  }
  const text = await textOf(apps, request);
  const headers = { 'Content-Type': 'text/xml; charset=utf-8', 'Content-Length': Buffer.byteLength(text) };
  response.writeHead(200, headers).end(text);
}

/** Browsers may not ask, whatever page they show: they would name its origin. */
function statusOf({ method, url, headers }: IncomingMessage): number {
  if (!paths.includes(url ?? '')) return 404;
  if (method !== 'POST') return 405;
  if (headers.origin !== undefined) return 403;
  return /^(?:text|application)\/xml(?:;|$)/.test(headers['content-type'] ?? '') ? 200 : 415;
}

async function textOf(apps: Apps, request: IncomingMessage): Promise<string> {
  try {
    const { method, params } = readCall(await bodyOf(request));
    return writeResult(await apps.call(method, params));
  } catch (error) {
    if (error instanceof XmlRpcFault) return writeFault(error);
    throw error;
  }
}

/** What is too long is read to its end and dropped: a client that still writes would not read the answer. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes <= maxBodyBytes) pieces.push(piece);
    else pieces = [];
  }
  if (bytes > maxBodyBytes) throw new XmlRpcFault(failure, `The request has more than ${maxBodyBytes} bytes.`);
  return Buffer.concat(pieces);
}
