/**
 * How the codec gives up a connection (RFC 9113 §5.4.1). A ConnectionFault is thrown where the peer's fault is found,
 * and caught in `receive()` of the client connection only, which makes it a GOAWAY and the connection's `failure`.
 */
import { PealError, type PealErrorCode } from '../../base/errors.js';
import { COMPRESSION_ERROR, ENHANCE_YOUR_CALM, errorCodeName, PROTOCOL_ERROR } from './frames.js';

export class ConnectionFault extends Error {
  constructor(
    /** What the GOAWAY says. */
    readonly errorCode: number,
    readonly error: PealError,
  ) {
    super(error.message);
  }
}

function fault(code: PealErrorCode, what: string, errorCode: number): ConnectionFault {
  const message = `the gateway broke HTTP/2: ${what} (${errorCodeName(errorCode)}); the connection is given up`;
  return new ConnectionFault(errorCode, new PealError(code, message, { origin: 'protocol', retryable: true }));
}

/** The peer broke RFC 9113; `what` says how, without anything the peer chose to send. */
export function protocolFault(what: string, errorCode: number = PROTOCOL_ERROR): ConnectionFault {
  return fault('ERR_PEAL_PROTOCOL', what, errorCode);
}

/** The peer went over a limit of ours (base/limits, RFC 9113 §10.5). */
export function limitFault(what: string): ConnectionFault {
  return fault('ERR_PEAL_LIMIT', what, ENHANCE_YOUR_CALM);
}

/** Returns an error of reading as a fault of the peer; HPACK has errors of its own. Null for a fault of ours. */
export function connectionFaultOf(error: unknown): ConnectionFault | null {
  if (error instanceof ConnectionFault) return error;
  if (!(error instanceof PealError && error.origin === 'protocol')) return null;
  return new ConnectionFault(error.code === 'ERR_PEAL_LIMIT' ? ENHANCE_YOUR_CALM : COMPRESSION_ERROR, error);
}
