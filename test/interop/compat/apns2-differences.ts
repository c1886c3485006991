/**
 * What `peal/compat/apns2` does otherwise than apns2, and why: the rows of docs/compat.md, and what cases may differ
 * for.
 */
import type { Difference } from './differential.js';

export const apns2Differences = {
  unanswered: {
    what: 'no answer: connection refused or lost, stream reset',
    there: 'an error of undici or node:http2',
    here: '`UnansweredError`, a `PealError`: its `outcome` tells *unsent*, which is safe to send again, from *unknown*',
  },
  closed: {
    what: '`send` or `close` after `close` or `destroy`',
    there: 'an error of undici',
    here: '`send`: `UnansweredError` with `outcome` *unsent*, or the error given to `destroy`; `close` resolves',
  },
  destroy: {
    what: '`destroy` while sends are pending',
    there: 'all reject, also those that APNs has accepted',
    here: 'what is not written rejects at once; what is written has five seconds for its answer, and `destroy` waits for it',
  },
  token: {
    what: 'a device token that is not one',
    there: 'APNs answers 400',
    here: 'the same `ApnsError` (BadDeviceToken, MissingDeviceToken) and the same events, without a request',
  },
  base64: {
    what: 'a device token as base64, or as `<…>` with blanks',
    there: 'APNs answers 400',
    here: 'it is read',
  },
  upperCase: {
    what: 'a device token with capital letters',
    there: 'sent as it is',
    here: 'sent in lower case',
  },
  payload: {
    what: 'a payload that is too large',
    there: 'APNs answers 413',
    here: 'the same `ApnsError` (PayloadTooLarge) and the same events, without a request',
  },
  headerValue: {
    what: 'a topic or collapse id that is empty, not ASCII, or has control characters',
    there: 'sent, or an error of undici',
    here: '`UnansweredError` with `outcome` *invalid*',
  },
  refused: {
    what: 'a request that the gateway certainly did not process: REFUSED_STREAM, behind GOAWAY',
    there: 'rejects',
    here: 'is sent again at once',
  },
  sharedAps: {
    what: '`aps` that notifications share',
    there: 'is changed by each, so that one has the badge of another',
    here: 'is copied',
  },
  signingKey: {
    what: '`client.signingKey`',
    there: 'shown by `console.log`',
    here: 'there, and shown neither by `console.log` nor by `JSON.stringify`',
  },
  client: {
    what: '`client.client`',
    there: 'the pool of undici',
    here: 'missing: tests give `address`, `port` and `ca` instead of another pool',
  },
  ping: {
    what: '`ping`',
    there: 'a result for each of up to 32 connections',
    here: 'a result for each open connection, of which there are as many as the work needs',
  },
  key: {
    what: 'a signing key, key id or team id that cannot be right',
    there: 'an error of fast-jwt, or the answer 403',
    here: '`UnansweredError` with `outcome` *unsent* and a sentence; ids have 10 characters',
  },
  renewal: {
    what: 'an expired provider token',
    there: 'rejects (ExpiredProviderToken), and each of many makes another',
    here: 'is renewed and the request sent again. Within 20 minutes of the last one APNs would refuse another: it rejects as there, and what waits is *unsent*',
  },
} satisfies Readonly<Record<string, Difference>>;

/** Faults of the original, measured beside it on the simulator, and what happens here. */
export const apns2Faults: readonly Difference[] = [
  {
    what: '6,400 sends, 100 ms round trip',
    there: '21.7 s: one request at a time on each of 32 connections',
    here: '1.9 s, over 7 connections',
  },
  {
    what: 'graceful GOAWAY while sends are pending',
    there: 'the request behind it rejects',
    here: 'all 5,000 accepted, none twice',
  },
  {
    what: '20 streams refused',
    there: '20 rejections',
    here: 'all 200 accepted',
  },
  {
    what: 'a connection that falls silent',
    there: 'its request is pending after 40 s; undici waits for five minutes',
    here: 'unknown after 16 s; the next goes to another connection',
  },
  {
    what: '`requestTimeout: 100`, no answer',
    there: 'pending after 5 s: the option is never read',
    here: 'rejects; the time counts from when the request is written',
  },
];
