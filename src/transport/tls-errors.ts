/**
 * What went wrong with a TLS stream, as one PealError with one clear sentence: what, where, what to do. Called by the
 * TLS back-end (and by other back-ends that use sockets); pure.
 *
 * `retryable` is true where the same attempt may succeed later: a refusal or a silence may pass, a certificate that is
 * not trusted stays so until something is changed.
 */
import { type ErrorOrigin, PealError, type PealErrorCode } from '../base/errors.js';
import { stripUnprintable } from '../base/text.js';
import { either, option } from '../base/wording.js';
import { type Address, serviceName } from '../push/address.js';

/** What the stream was made with, and how far it had come. */
interface StreamState {
  readonly address: Address;
  /** Connected, secured and agreed on the protocol: what fails now ended a working stream. */
  readonly isOpen: boolean;
  /** Whether the caller named the certificates to trust. */
  readonly hasCa: boolean;
  /** Whether a client certificate was offered. */
  readonly hasCertificate: boolean;
  /** The protocol that was to be agreed on, or null. */
  readonly alpnProtocol: string | null;
}

/** The fields that Node's system, TLS and OpenSSL errors carry. */
interface NodeError extends Error {
  readonly code?: string;
  readonly errors?: readonly NodeError[];
  readonly cert?: { readonly subjectaltname?: string };
}

/** The address as people write it: `host:port`, IPv6 in brackets. */
export function hostAndPort(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** The PealError for an error of a socket. */
export function streamError(error: unknown, state: StreamState): PealError {
  const cause = underlying(error as NodeError);
  const code = cause.code ?? '';
  return (
    certificateError(cause, code, state) ??
    handshakeError(code, state) ??
    (state.isOpen ? endedError(code, state) : networkError(code, state))
  );
}

/** The PealError for a way to the gateway that could not be dialled. Its message is the back-end's own. */
export function dialError(error: unknown, state: StreamState): PealError {
  if (error instanceof PealError) return error;
  const { code, message } = (error ?? {}) as NodeError;
  if (typeof code === 'string') return streamError(error, state);
  const why = stripUnprintable(message ?? String(error), 160) || 'no reason given';
  return connectError('ERR_PEAL_CONNECT', `No way to ${hostAndPort(state.address)}: ${why}.`, true);
}

export function timeoutError(address: Address, timeoutMs: number): PealError {
  return connectError(
    'ERR_PEAL_CONNECT_TIMEOUT',
    `${hostAndPort(address)} did not complete a connection within ${timeoutMs} ms: ` +
      'check that host and port are right and that no firewall drops the packets.',
    true,
  );
}

export function noProtocolError(address: Address, protocol: string): PealError {
  return connectError(
    'ERR_PEAL_ALPN',
    `${hostAndPort(address)} does not speak ${protocol} (no ALPN agreement): check that it is a gateway of ${serviceName(address.protocol)}.`,
    false,
  );
}

/** The certificate is trusted, and none of the keys in its chain is pinned. `seen`: their pins. */
export function noPinError(address: Address, seen: readonly string[]): PealError {
  const keys = seen.length === 0 ? 'no key that can be read' : seen.join(', ');
  const text =
    `None of the pinned keys is in the certificate chain of ${hostAndPort(address)}, which has ${keys}: ` +
    'check that it is the right gateway before you pin one of these.';
  return connectError('ERR_PEAL_TLS', text, false);
}

/** With several addresses tried, the first attempt's error that says more than "too slow". */
function underlying(error: NodeError): NodeError {
  const errors = error.errors;
  if (errors === undefined || errors.length === 0) return error;
  return errors.find((one) => one.code !== 'ETIMEDOUT') ?? errors[0] ?? error;
}

function connectError(
  code: PealErrorCode,
  message: string,
  retryable: boolean,
  origin: ErrorOrigin = 'connect',
): PealError {
  return new PealError(code, message, { origin, retryable });
}

/** What Node calls whatever else OpenSSL finds wrong with a chain (a key too short, a name out of bounds …). */
const unnamed = 'UNSPECIFIED';

const untrusted = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_CHAIN_TOO_LONG',
  'CERT_SIGNATURE_FAILURE',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  unnamed,
]);

/** The gateway's certificate. */
function certificateError(error: NodeError, code: string, state: StreamState): PealError | null {
  const where = hostAndPort(state.address);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = stripUnprintable(error.cert?.subjectaltname ?? '', 160);
    const known = names === '' ? 'names no host' : `is for ${names}`;
    const text = `The certificate of ${where} ${known}, not for ${state.address.host}: connect by a name it holds.`;
    return connectError('ERR_PEAL_TLS', text, false);
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const text = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet';
    return connectError(
      'ERR_PEAL_TLS',
      `The certificate of ${where} ${text}: check it and this machine's clock.`,
      false,
    );
  }
  if (!untrusted.has(code)) return null;
  const advice = state.hasCa
    ? `it is not signed by a certificate in ${option('ca', 'the option ')}; check that it belongs to this gateway.`
    : `for a private gateway, give the certificate of its authority as ${option('ca', 'the option ')}.`;
  const why = code === unnamed ? stripUnprintable(error.message, 160) : code;
  return connectError('ERR_PEAL_TLS', `The certificate of ${where} is not trusted (${why}): ${advice}`, false);
}

const clientCertificateAlert =
  /_ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_[A-Z]+|UNKNOWN_CA|ACCESS_DENIED)$/;

/** What OpenSSL found, or what the gateway said by alert. With TLS 1.3 an alert may come on an open stream. */
function handshakeError(code: string, state: StreamState): PealError | null {
  const where = hostAndPort(state.address);
  if (clientCertificateAlert.test(code)) {
    const instead = either('the credential', '--cert or --pfx');
    const text = state.hasCertificate
      ? `${where} refused the client certificate (${code}): check that it is valid and meant for this environment.`
      : `${where} asks for a client certificate and none was given (${code}): give one as ${instead}.`;
    return connectError('ERR_PEAL_TLS', text, false, 'credential');
  }
  if (code.endsWith('_ALERT_NO_APPLICATION_PROTOCOL'))
    return noProtocolError(state.address, state.alpnProtocol ?? 'any protocol of ours');
  if (code.endsWith('_PROTOCOL_VERSION') || code === 'ERR_SSL_UNSUPPORTED_PROTOCOL') {
    return connectError('ERR_PEAL_TLS', `${where} offers no TLS version from 1.2 upwards: update the gateway.`, false);
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_HTTP_REQUEST') {
    return connectError('ERR_PEAL_TLS', `${where} does not speak TLS on this port: check the port.`, false);
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return connectError('ERR_PEAL_TLS', `TLS with ${where} failed (${code}): check port and gateway.`, false);
  }
  return null;
}

/** The stream was open. Nothing says whether the gateway has seen what was written last. */
function endedError(code: string, state: StreamState): PealError {
  const why = code === '' ? '' : ` (${code})`;
  return connectError('ERR_PEAL_CLOSED', `The connection to ${hostAndPort(state.address)} broke off${why}.`, true);
}

function networkError(code: string, state: StreamState): PealError {
  const where = hostAndPort(state.address);
  switch (code) {
    case 'ENOTFOUND':
    case 'ENODATA':
      return connectError(
        'ERR_PEAL_RESOLVE',
        `The host name ${state.address.host} does not resolve (${code}): check its spelling and the name service.`,
        true,
      );
    case 'EAI_AGAIN':
      return connectError(
        'ERR_PEAL_RESOLVE',
        `The name service gives no answer for ${state.address.host} (${code}): check the network.`,
        true,
      );
    case 'ECONNREFUSED':
      return connectError(
        'ERR_PEAL_CONNECT',
        `${where} refused the connection: check host and port, and that the gateway runs.`,
        true,
      );
    case 'ERR_ACCESS_DENIED':
      return connectError(
        'ERR_PEAL_CONNECT',
        `${where} cannot be reached: Node runs with --permission and without --allow-net.`,
        false,
      );
    case 'ETIMEDOUT':
      return connectError(
        'ERR_PEAL_CONNECT_TIMEOUT',
        `${where} did not answer (${code}): check host, port and firewall.`,
        true,
      );
    case 'ECONNRESET':
    case 'EPIPE':
      return connectError(
        'ERR_PEAL_CONNECT',
        `${where} closed the connection before TLS was set up: check the port.`,
        true,
      );
    default:
      return connectError(
        'ERR_PEAL_CONNECT',
        `${where} cannot be reached (${code || 'no reason given'}): check the network.`,
        true,
      );
  }
}
