/**
 * The HTTP server that others watch this process by: /metrics, /healthz and /readyz. It answers GET and HEAD, holds
 * neither the process nor a send, and is bounded in connections and time. It tells counts and sentences, no secrets;
 * whoever reaches its port may read them, so that it listens on this machine only unless it is told otherwise. Made by
 * commands; main thread.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { rethrowAssertion } from '../base/assert.js';
import { PealError } from '../base/errors.js';
import { maxMetricsConnections, metricsCloseMs, metricsKeepAliveMs, metricsRequestTimeoutMs } from '../base/limits.js';
import { either } from '../base/wording.js';
import { type MetricsFormat, MetricsRegistry } from './metrics-registry.js';
import type { MetricsSource } from './metrics-source.js';

interface MetricsServerOptions {
  /** 0: a free one. */
  readonly port: number;
  /** Name or address to listen at. Default `127.0.0.1`. */
  readonly host?: string;
}

const plainText = 'text/plain; charset=utf-8';

export class MetricsServer {
  readonly registry: MetricsRegistry;
  /** Where it listens: `http://127.0.0.1:9464`. */
  readonly url: string;
  readonly #server: Server;
  #closed: Promise<void> | null = null;
  /** Told of each scrape that was sent. */
  #onScrape: () => void = () => {};

  private constructor(server: Server, url: string, registry: MetricsRegistry) {
    this.#server = server;
    this.url = url;
    this.registry = registry;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  /**
   * Listens from now on.
   *
   * @throws PealError ERR_PEAL_OPTION where the address cannot be listened at
   */
  static async open(options: MetricsServerOptions, sources: readonly MetricsSource[] = []): Promise<MetricsServer> {
    const { port, host = '127.0.0.1' } = options;
    const server = createServer({
      requestTimeout: metricsRequestTimeoutMs,
      headersTimeout: metricsRequestTimeoutMs,
      connectionsCheckingInterval: metricsRequestTimeoutMs,
      keepAliveTimeout: metricsKeepAliveMs,
      maxHeaderSize: 8192,
    });
    server.maxConnections = maxMetricsConnections;
    server.on('connection', (socket) => socket.unref());
    server.listen({ port, host, exclusive: true });
    try {
      await once(server, 'listening');
    } catch (error) {
      throw listenError(port, host, error);
    }
    server.unref();
    server.on('error', () => {});
    const { port: chosen } = server.address() as AddressInfo;
    const registry = new MetricsRegistry();
    for (const source of sources) registry.add(source);
    return new MetricsServer(server, `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`, registry);
  }

  /** Resolves once a scrape that was asked for after this call was sent. */
  scraped(): Promise<void> {
    return new Promise((resolve) => {
      this.#onScrape = resolve;
    });
  }

  /** Resolves once nobody is connected any more. Answers that are under way have a second. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeIdleConnections();
    const ended = new AbortController();
    await Promise.race([closed, delay(metricsCloseMs, undefined, { signal: ended.signal }).catch(() => {})]);
    ended.abort();
    this.#server.closeAllConnections();
    this.registry.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const path = (request.url ?? '').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return this.#send(response, 405, 'Only GET and HEAD are answered.');
    }
    if (path === '/metrics') return await this.#sendMetrics(request, response);
    if (path === '/healthz') return this.#send(response, 200, 'The process runs.');
    if (path === '/readyz') {
      const why = this.registry.whyNotReady;
      return this.#send(response, why === null ? 200 : 503, why ?? 'Sending is possible.');
    }
    this.#send(response, 404, 'There is nothing here but /metrics, /healthz and /readyz.');
  }

  async #sendMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const onScrape = this.#onScrape;
    try {
      const { contentType, text } = await this.registry.scrape(formatOf(request.headers.accept));
      response.once('finish', onScrape);
      response.writeHead(200, headers(contentType, text));
      response.end(text);
    } catch (error) {
      rethrowAssertion(error);
      this.#send(response, 500, 'The metrics could not be collected.');
    }
  }

  #send(response: ServerResponse, status: number, sentence: string): void {
    const text = `${sentence}\n`;
    response.writeHead(status, headers(plainText, text));
    response.end(text);
  }
}

function headers(contentType: string, text: string): Record<string, string | number> {
  return {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
}

/** What a reader accepts that prefers OpenMetrics, or does not refuse it and accepts nothing else by name. */
function formatOf(accept: string | undefined): MetricsFormat {
  const weights = new Map(
    (accept ?? '').split(',').map((part) => {
      const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
      const weight = parameters.find((text) => text.startsWith('q='))?.slice(2);
      return [type, weight === undefined ? 1 : Number(weight)] as const;
    }),
  );
  const openMetrics = weights.get('application/openmetrics-text') ?? 0;
  return openMetrics > 0 && openMetrics >= (weights.get('text/plain') ?? 0) ? 'openmetrics' : 'text';
}

/** In the words of who reads it: `--metrics-port` on a command line. */
function listenError(port: number, host: string, cause: unknown): PealError {
  const { code } = cause as NodeJS.ErrnoException;
  const [portOption, hostOption] = [either('port', '--metrics-port'), either('host', '--metrics-host')];
  const message =
    code === 'EADDRINUSE'
      ? `${portOption}: another process listens at port ${port} of ${host}. Give another port, or 0 for a free one.`
      : code === 'EACCES'
        ? `${portOption}: this user may not listen at port ${port}. Give a port from 1024 on, or 0 for a free one.`
        : `${hostOption}: peal cannot listen at ${host} (${code ?? 'unknown'}). Give an address of this machine.`;
  return new PealError('ERR_PEAL_OPTION', message, { origin: 'usage', cause });
}
