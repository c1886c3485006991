/**
 * The errors that a header block can end in. All of them end the connection: the tables of the two sides can no
 * longer be trusted to be equal (RFC 9113 §4.3). Thrown by this folder only.
 */
import { PealError } from '../../base/errors.js';

/** The block breaks RFC 7541: connection error COMPRESSION_ERROR. */
export function decodingError(what: string): PealError {
  const message = `The peer sent a header block that cannot be decoded: ${what}; the connection has to be closed`;
  return new PealError('ERR_PEAL_COMPRESSION', message, { origin: 'protocol' });
}

/** The block is well formed and larger than we allow: connection error ENHANCE_YOUR_CALM. */
export function blockLimitError(what: string): PealError {
  const message = `The peer sent a header block above our limits: ${what}; the connection has to be closed`;
  return new PealError('ERR_PEAL_LIMIT', message, { origin: 'protocol' });
}
