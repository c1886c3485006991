/**
 * The back-end `proxy`: a tunnel through an HTTP proxy (CONNECT, RFC 9110 §9.3.6), and TLS with the gateway inside it,
 * so that the proxy sees neither credential nor notifications. Called by connections, on whichever thread they live.
 *
 *   TCP, or TLS, to the proxy ──▶ CONNECT gateway:port ──▶ 2xx ──▶ the TLS back-end's handshake with the gateway
 */
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { readCertificates } from '../apns/credentials/trust.js';
import type { PealError } from '../base/errors.js';
import { addressAttemptTimeoutMs, maxProxyAnswerBytes } from '../base/limits.js';
import { checkOptions, optionError, unchecked } from '../base/options.js';
import { type EnvironmentProxy, type ProxyVariables, proxyOf } from '../base/proxy-environment.js';
import { type ProxyAddress, parseProxyUrl } from '../base/proxy-url.js';
import { theOption } from '../base/wording.js';
import type { Address } from '../push/address.js';
import type { Backend } from './backend.js';
import { createRotatingLookup } from './lookup.js';
import { noProxyError, type ProxyRoute, proxyStatusError, silentProxyError, unreachableError } from './proxy-errors.js';
import { createTlsBackend, type TlsBackendOptions } from './tls.js';
import { hostAndPort } from './tls-errors.js';

/** Plain data: as `backendOptions` of a session it crosses threads. `url`, or `environment`. */
export interface ProxyOptions {
  /**
   * `http://HOST:PORT`, or `https://HOST:PORT` for a proxy that is spoken to within TLS; `USER:PASSWORD@` before the
   * host, percent-encoded, where it asks for Basic authentication.
   */
  readonly url?: string;
  /** Environment variables, `process.env` or a part of it: HTTPS_PROXY and NO_PROXY say which gateways go which way. */
  readonly environment?: ProxyVariables;
  /** PEM certificates that an `https:` proxy is trusted by instead of the system's. */
  readonly ca?: string;
}

/**
 * @throws PealError ERR_PEAL_OPTION
 *
 * Errors reach the listener as those of the back-end `tls`, and ERR_PEAL_PROXY for what the proxy refuses. Errors of
 * the way to the proxy name the proxy.
 */
export function createProxyBackend(options: ProxyOptions, tls: Omit<TlsBackendOptions, 'dial'> = {}): Backend {
  checkOptions({ name: 'The back-end proxy' }, options, { url: unchecked, environment: unchecked, ca: unchecked });
  if (options.url !== undefined && options.environment !== undefined) {
    throw optionError('The back-end proxy takes url or environment, not both.');
  }
  const lookup = tls.lookup ?? createRotatingLookup();
  const ca = options.ca === undefined ? null : readCertificates(`${theOption('ca')} of the back-end proxy`, options.ca);
  const through = (proxy: ProxyAddress): Backend =>
    createTlsBackend({
      ...tls,
      lookup,
      dial: ({ address }, signal) => dialThrough({ proxy, ca, lookup }, address, signal),
    });
  if (options.environment === undefined) return through(parseProxyUrl(options.url));
  const direct = createTlsBackend({ ...tls, lookup });
  const found = proxyOf(options.environment);
  return found === null ? direct : eitherWay(direct, through(found.address), found);
}

/** The way that this back-end takes to one gateway, for those who look at each part of it. */
export interface ProxyWay {
  readonly proxy: ProxyAddress;
  /** The environment variable that names the proxy; null: `url` does. */
  readonly variable: string | null;
  /** Opens a tunnel. Rejects with PealError as streams of the back-end do. */
  open(signal: AbortSignal): Promise<Socket>;
}

/** Returns null where the gateway is reached directly. Throws as {@link createProxyBackend}. */
export function proxyWayTo(address: Address, { url, environment }: ProxyOptions): ProxyWay | null {
  const found = environment === undefined ? null : proxyOf(environment);
  if (environment !== undefined && found?.isDirect(address.host, address.port) !== false) return null;
  const proxy = found?.address ?? parseProxyUrl(url);
  const way: Way = { proxy, ca: null, lookup: createRotatingLookup() };
  return { proxy, variable: found?.variable ?? null, open: (signal) => dialThrough(way, address, signal) };
}

/** Directly to the gateways that NO_PROXY names. */
function eitherWay(direct: Backend, tunnel: Backend, { isDirect }: EnvironmentProxy): Backend {
  return {
    checksPins: true,
    open(openOptions, listener) {
      const { host, port } = openOptions.address;
      return (isDirect(host, port) ? direct : tunnel).open(openOptions, listener);
    },
  };
}

interface Way {
  readonly proxy: ProxyAddress;
  readonly ca: string | null;
  readonly lookup: LookupFunction;
}

function dialThrough(way: Way, address: Address, signal: AbortSignal): Promise<Socket> {
  const gateway = hostAndPort(address);
  const { host, port, authorization } = way.proxy;
  const route = { proxy: `${host.includes(':') ? `[${host}]` : host}:${port}`, gateway };
  return new Tunnel(way, { ...route, hasAuthorization: authorization !== null }, signal).opened;
}

/** One CONNECT: from the dialling of the proxy to its answer. */
class Tunnel {
  readonly opened: Promise<Socket>;
  readonly #way: Way;
  readonly #route: ProxyRoute;
  readonly #signal: AbortSignal;
  readonly #socket: Socket;
  #answer: Buffer = Buffer.alloc(0);
  #resolve!: (socket: Socket) => void;
  #reject!: (error: PealError) => void;

  constructor(way: Way, route: ProxyRoute, signal: AbortSignal) {
    this.#way = way;
    this.#route = route;
    this.#signal = signal;
    this.opened = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#socket = dialProxy(way).unref();
    this.#socket.once(way.proxy.isSecure ? 'secureConnect' : 'connect', this.#request);
    this.#socket.on('data', this.#onData);
    this.#socket.on('error', this.#onError);
    this.#socket.on('close', this.#onClose);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #request = (): void => {
    const { gateway } = this.#route;
    const { authorization } = this.#way.proxy;
    const login = authorization === null ? '' : `Proxy-Authorization: ${authorization}\r\n`;
    this.#socket.write(`CONNECT ${gateway} HTTP/1.1\r\nHost: ${gateway}\r\n${login}\r\n`);
  };

  readonly #onData = (chunk: Buffer): void => {
    this.#answer = Buffer.concat([this.#answer, chunk]);
    for (let end = this.#headEnd(); end >= 0; end = this.#headEnd()) {
      const status = Number(/^HTTP\/1\.[01] (\d{3})[ \r]/.exec(this.#answer.toString('latin1', 0, end))?.[1]);
      this.#answer = this.#answer.subarray(end);
      // Informational answers come before the one that counts (RFC 9110 §15.2).
      if (status >= 100 && status < 200) continue;
      this.#onStatus(status);
      return;
    }
    const isHttp = 'HTTP/1.'.startsWith(this.#answer.toString('latin1', 0, 7));
    if (!isHttp || this.#answer.length > maxProxyAnswerBytes) this.#fail(noProxyError(this.#route));
  };

  /** Where the first head in what was read ends, or -1. */
  #headEnd(): number {
    const end = this.#answer.indexOf('\r\n\r\n');
    return end < 0 ? -1 : end + 4;
  }

  #onStatus(status: number): void {
    if (Number.isNaN(status)) {
      this.#fail(noProxyError(this.#route));
    } else if (status < 200 || status > 299) {
      this.#fail(proxyStatusError(status, this.#route));
    } else if (this.#answer.length > 0) {
      // The tunnel begins here, and a TLS server never speaks first: these bytes are not the gateway's.
      this.#fail(noProxyError(this.#route));
    } else {
      this.#release();
      this.#socket.pause();
      this.#resolve(this.#socket);
    }
  }

  readonly #onError = (error: Error): void => {
    const { host, port } = this.#way.proxy;
    this.#fail(unreachableError(error, { host, port, hasCa: this.#way.ca !== null }));
  };

  readonly #onClose = (): void => this.#fail(silentProxyError(this.#route));

  /** The reason is not wanted any more. */
  readonly #onAbort = (): void => this.#fail(silentProxyError(this.#route));

  #fail(error: PealError): void {
    this.#release();
    this.#socket.on('error', () => {});
    this.#socket.destroy();
    this.#reject(error);
  }

  #release(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#socket.off('data', this.#onData).off('error', this.#onError).off('close', this.#onClose);
  }
}

function dialProxy({ proxy, ca, lookup }: Way): Socket {
  const { host, port, isSecure } = proxy;
  const attempt = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: addressAttemptTimeoutMs };
  const options = { host, port, lookup, noDelay: true, ...attempt };
  if (!isSecure) return connectTcp(options);
  const names = isIP(host) === 0 ? { servername: host } : {};
  const trust = { rejectUnauthorized: true, minVersion: 'TLSv1.2' as const, ...(ca !== null && { ca }) };
  return connectTls({ ...options, ...names, ...trust });
}
