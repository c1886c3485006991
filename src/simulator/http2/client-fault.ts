/**
 * Ends the connection of a client that breaks HTTP/2. Thrown where the fault is found, and caught only in
 * `ServerConnection.receive`, which turns it into a GOAWAY (RFC 9113 §5.4.1).
 */
import { PealError } from '../../base/errors.js';
import { ConnectionFault } from '../../codec/http2/connection-fault.js';
import { COMPRESSION_ERROR, ENHANCE_YOUR_CALM, errorCodeName, PROTOCOL_ERROR } from '../../codec/http2/frames.js';

class ClientFault extends Error {
  constructor(
    readonly errorCode: number,
    what: string,
  ) {
    super(`${what} (${errorCodeName(errorCode)})`);
  }
}

export function clientFault(what: string, errorCode: number = PROTOCOL_ERROR): ClientFault {
  return new ClientFault(errorCode, what);
}

/** Returns an error of the codec as the client's fault, or null if the error is not the client's. */
export function asClientFault(error: unknown): ClientFault | null {
  if (error instanceof ClientFault) return error;
  if (error instanceof ConnectionFault) return clientFault('the client broke HTTP/2', error.errorCode);
  if (!(error instanceof PealError)) return null;
  if (error.code === 'ERR_PEAL_COMPRESSION') return clientFault('the client broke HPACK', COMPRESSION_ERROR);
  if (error.code === 'ERR_PEAL_LIMIT') return clientFault('the header list is too large', ENHANCE_YOUR_CALM);
  return null;
}
