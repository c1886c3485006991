/**
 * What `peal/compat/node-apn` does otherwise than @parse/node-apn 8.1.0, and why: the rows of docs/compat.md, and what
 * cases may differ for.
 */
import type { Difference } from './differential.js';

export const nodeApnDifferences = {
  local: {
    what: 'a device token that is not one, a payload that is too large or empty',
    there: 'APNs answers 400 or 413',
    here: 'the same `status` and `response`, without a request and so without an `apns-id`: such answers cost a connection its good standing',
  },
  letters: {
    what: 'a device token with capital letters, or as `<…>` with blanks',
    there: 'sent as it is',
    here: 'sent in lower case, without brackets and blanks; `device` is what was given',
  },
  expiryNull: {
    what: '`expiry: null`',
    there: 'the header is the text "null", and APNs answers BadExpirationDate',
    here: 'no header, as with an expiry below 0',
  },
  renewal: {
    what: 'ExpiredProviderToken',
    there: 'another provider token each time, though APNs refuses more than one in 20 minutes',
    here: 'another one if the last is 20 minutes old; until then `failed`, with the same error',
  },
  retryAfter: {
    what: '`Retry-After` of an answer',
    there: 'never obeyed: the requests repeat at once',
    here: 'obeyed, up to 60 seconds for all repetitions of a notification',
  },
  noBody: {
    what: '429 or 5xx without a body, as proxies answer',
    there: '`failed` at once, without `status`',
    here: 'repeated, as with a body',
  },
  finalAnswer: {
    what: 'a final answer, such as 410, to a repetition',
    there: 'is asked for again until connectionRetryLimit is reached',
    here: 'is final',
  },
  refused: {
    what: 'a request that APNs certainly did not process: REFUSED_STREAM, behind GOAWAY',
    there: '`failed`: "apn write failed" or "apn write aborted"',
    here: 'sent again at once',
  },
  queue: {
    what: '`requestTimeout` while a request waits for its turn or for a connection',
    there: 'counts from the call: "apn write timeout", as if it were written',
    here: 'counts from when the request is written. Without a connection a send fails after three attempts, each of up to ten seconds',
  },
  many: {
    what: '10,000 device tokens in one call',
    there: 'some are `failed` ("apn write failed") although APNs has accepted them',
    here: 'all have their answers',
  },
  verified: {
    what: '`rejectUnauthorized: false`',
    there: 'any gateway is trusted with the provider token',
    here: 'no effect and a warning: the gateway is verified always. Give the certificate of its authority as `ca`',
  },
} satisfies Readonly<Record<string, Difference>>;

/** Faults of the original, measured beside it on the simulator, and what happens here. */
export const nodeApnFaults: readonly Difference[] = [
  {
    what: '20,000 device tokens in one call, all of which the gateway accepts',
    there: '7,900 in `sent`, 12,100 in `failed`; 370 MB more memory; 5.4 s',
    here: '20,000 in `sent`; 44 MB more; 1.5 s',
  },
  {
    what: 'one stream at a time, the first of four sends is never answered, `requestTimeout: 1000`',
    there: 'three "apn write timeout" after a second, two of them never written',
    here: '"apn write timeout" for the first; the others wait',
  },
  {
    what: '503 with `Retry-After: 1`',
    there: 'repeated at once',
    here: 'repeated after a second',
  },
  {
    what: '`manageChannels` with `read`, `readAll` or `delete`, and a notification with a payload',
    there: '`failed`: "write after end", although the service has answered',
    here: 'the answer',
  },
];
