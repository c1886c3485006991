/**
 * What the error response of a binary gateway means: every documented status with its reason, its class and an advice.
 * Codes follow those of HTTP/2 in the same ledger byte. Read by apns/reason, which everybody asks.
 *
 * Source: "Binary Provider API", codes in error-response packet.
 */
import type { ReasonRow } from './reason.js';

/** Codes are never given a second time. */
export const binaryRows: readonly ReasonRow[] = [
  [101, 1, 'Processing error', 'transient', 'The gateway had a fault of its own: send again after a delay.'],
  [102, 2, 'Missing device token', 'token', 'The notification named no device token: leave this recipient out.'],
  [
    103,
    3,
    'Missing topic',
    'request',
    'The gateway cannot tell the app from the certificate: use the push certificate that was made for this app.',
  ],
  [104, 4, 'Missing payload', 'request', 'The notification has no payload: give the message something to say.'],
  [
    105,
    5,
    'Invalid token size',
    'token',
    'The device token has a length that the gateway does not know: leave this recipient out.',
  ],
  [
    106,
    6,
    'Invalid topic size',
    'request',
    'The topic within the certificate is not valid: use the push certificate that was made for this app.',
  ],
  [107, 7, 'Invalid payload size', 'request', 'The payload is larger than the gateway allows: shorten it.'],
  [
    108,
    8,
    'Invalid token',
    'token',
    'The token belongs to another app or to the other environment: check certificate and gateway, and mark it rather than delete it.',
  ],
  [
    109,
    128,
    'Protocol error',
    'transient',
    'The gateway could not read what it was sent: send again, and report it as a bug if it stays.',
  ],
  [110, 255, 'Unknown', 'transient', 'The gateway does not say what was wrong: send again after a delay.'],
];

/** Nothing was wrong: said by gateways that answer without being asked. */
export const STATUS_NO_ERROR = 0;
/** The gateway shuts down: the notification that it names is the last one that it delivered. */
export const STATUS_SHUTDOWN = 10;
