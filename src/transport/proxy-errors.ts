/**
 * What went wrong between us and an HTTP proxy, as one PealError with one clear sentence. Called by the back-end
 * `proxy`; pure. No sentence holds user or password of the proxy, or anything that it sent besides a number.
 */
import { PealError } from '../base/errors.js';
import { hostAndPort, streamError } from './tls-errors.js';

/** Which proxy, and for what. */
export interface ProxyRoute {
  /** `host:port` of the proxy. */
  readonly proxy: string;
  /** `host:port` of the gateway. */
  readonly gateway: string;
  /** Whether user and password were given. */
  readonly hasAuthorization: boolean;
}

/** The proxy answered, and not with success. */
export function proxyStatusError(status: number, { proxy, gateway, hasAuthorization }: ProxyRoute): PealError {
  if (status === 407) {
    const text = hasAuthorization
      ? `The proxy ${proxy} refuses its user or password (407): check both.`
      : `The proxy ${proxy} asks for user and password (407): give them within its URL.`;
    return proxyError(text, false, 'credential');
  }
  if (status >= 500) {
    return proxyError(`The proxy ${proxy} does not get through to ${gateway} (${status}): check its network.`, true);
  }
  if (status === 429) return proxyError(`The proxy ${proxy} has too much to do (429): try again later.`, true);
  if (status >= 400 && status !== 404 && status !== 405) {
    return proxyError(`The proxy ${proxy} does not allow ${gateway} (${status}): have it allow CONNECT to it.`, false);
  }
  return proxyError(`${proxy} answers CONNECT with ${status}: check that it is a proxy, and its port.`, false);
}

export function noProxyError({ proxy }: ProxyRoute): PealError {
  return proxyError(`${proxy} does not answer as an HTTP proxy does: check host, port, and http or https.`, false);
}

export function silentProxyError({ proxy }: ProxyRoute): PealError {
  return proxyError(`The proxy ${proxy} closed the connection before it had answered: check host and port.`, true);
}

/** The proxy itself could not be reached. */
export function unreachableError(
  error: unknown,
  address: { readonly host: string; readonly port: number; readonly hasCa: boolean },
): PealError {
  const { host, port, hasCa } = address;
  const state = { isOpen: false, hasCa, hasCertificate: false, alpnProtocol: null };
  const inner = streamError(error, { address: { protocol: 'http2', host, port }, ...state });
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'no reason given';
  const text =
    inner.code === 'ERR_PEAL_TLS'
      ? `TLS with the proxy failed. ${inner.message}`
      : `The proxy ${hostAndPort({ protocol: 'http2', host, port })} cannot be reached (${code}): check host and port.`;
  return new PealError(inner.code, text, { origin: inner.origin, retryable: inner.retryable });
}

function proxyError(message: string, retryable: boolean, origin: 'connect' | 'credential' = 'connect'): PealError {
  return new PealError('ERR_PEAL_PROXY', message, { origin, retryable });
}
