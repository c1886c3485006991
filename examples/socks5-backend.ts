/**
 * A back-end of one's own: connections go through a SOCKS5 proxy, TLS with the gateway inside the tunnel. The protocol
 * comes from the package `socks`; peal's TLS back-end does the rest.
 *
 *     const session = new Session({
 *       threads: 2,
 *       backend: new URL('./socks5-backend.js', import.meta.url).href,
 *       backendOptions: { host: 'proxy.example.com', port: 1080, user: 'me', password: process.env.SOCKS_PASSWORD },
 *     });
 */

import {
  type Backend,
  type BackendStream,
  type ByteStreamListener,
  createTlsBackend,
  type Dial,
  type OpenOptions,
  PealError,
} from 'peal/backend';
import { SocksClient, type SocksProxy } from 'socks';

/** Plain data, so that it reaches the threads. */
export interface Socks5Options {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
}

export default class Socks5Backend implements Backend {
  /** The TLS back-end does. */
  readonly checksPins = true;
  readonly #tls: Backend;

  constructor({ host, port, user, password }: Socks5Options) {
    const login = user === undefined ? {} : { userId: user, password: password ?? '' };
    this.#tls = createTlsBackend({ dial: dialThrough({ host, port, type: 5, ...login }) });
  }

  open(options: OpenOptions, listener: ByteStreamListener): BackendStream {
    return this.#tls.open(options, listener);
  }
}

/** Resolves with a socket that leads to the gateway. A dial that comes too late is closed by the TLS back-end. */
function dialThrough(proxy: SocksProxy): Dial {
  return async ({ address, connectTimeoutMs }) => {
    const { host, port } = address;
    try {
      const client = { command: 'connect', destination: { host, port }, timeout: connectTimeoutMs } as const;
      return (await SocksClient.createConnection({ ...client, proxy, set_tcp_nodelay: true })).socket;
    } catch (error) {
      // The message only: the error itself holds the proxy's password.
      const why = (error as Error).message;
      const text = `The SOCKS5 proxy ${proxy.host}:${proxy.port} gives no way to ${host}:${port}: ${why}.`;
      const isRefused = /authentication/i.test(why);
      const origin = isRefused ? 'credential' : 'connect';
      throw new PealError('ERR_PEAL_PROXY', text, { origin, retryable: !isRefused });
    }
  };
}
