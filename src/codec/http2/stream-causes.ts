/**
 * Why streams end without a complete answer, as errors that are made once and then shared: a storm of resets does not
 * cost an allocation for each stream. Frozen by convention; read by the owner of the connection on the same thread.
 */
import { PealError, type PealErrorCode } from '../../base/errors.js';
import { errorCodeName, NO_ERROR, REFUSED_STREAM } from './frames.js';

/** Why a stream ended without a complete answer. One object may stand for many streams: it is never changed. */
export type StreamCause = PealError;

function cause(code: PealErrorCode, message: string): PealError {
  return new PealError(code, message, { origin: 'gateway', retryable: true });
}

/** RST_STREAM(REFUSED_STREAM), before any part of an answer: certainly not processed (RFC 9113 §8.7). */
export const refusedCause = cause(
  'ERR_PEAL_REFUSED',
  `the gateway refused the stream (${errorCodeName(REFUSED_STREAM)}) before processing it; it may be sent again`,
);

/** The answer broke RFC 9113 §8; what it meant is not known. */
export const malformedCause = cause(
  'ERR_PEAL_PROTOCOL',
  "the gateway's answer was malformed; its meaning is not known",
);

/** The peer overran or overflowed a stream's window (RFC 9113 §6.9). */
export const flowControlCause = cause('ERR_PEAL_PROTOCOL', 'the gateway broke flow control on the stream');

/** Another frame on the stream broke RFC 9113. */
export const brokenStreamCause = cause('ERR_PEAL_PROTOCOL', 'the gateway broke HTTP/2 on the stream');

const maxKnownCode = 0xd;

/**
 * One cause for each error code of RFC 9113 §7, and one for all others. Made with the module and not when a code first
 * comes: an error holds on to what was on the stack when it was made, here to a connection.
 */
function byCode(make: (name: string) => PealError): (errorCode: number) => PealError {
  const known = Array.from({ length: maxKnownCode + 1 }, (_, code) => make(errorCodeName(code)));
  const unknown = make('an unknown error code');
  return (errorCode) => known[errorCode] ?? unknown;
}

/** RST_STREAM with any other code: whether the request was processed is not known. */
export const resetCause = byCode((name) =>
  cause('ERR_PEAL_RESET', `the gateway reset the stream (${name}) without an answer`),
);

/** The stream lies above the GOAWAY's lastStreamId: certainly not processed (RFC 9113 §6.8). */
export const goawayCause = byCode((name) =>
  cause(
    'ERR_PEAL_GOAWAY',
    name === errorCodeName(NO_ERROR)
      ? 'the gateway asked to go elsewhere (GOAWAY) before processing the request; it may be sent again'
      : `the gateway closed the connection (GOAWAY ${name}) before processing the request; it may be sent again`,
  ),
);

/** The stream lies above the GOAWAY's lastStreamId although its answer had begun: the request was processed. */
export const goawayWithinAnswerCause = byCode((name) =>
  cause('ERR_PEAL_GOAWAY', `the gateway went away (GOAWAY ${name}) within its answer; what it meant is not known`),
);
