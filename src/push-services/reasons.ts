/**
 * What an answer other than 200 means, of any push service: by the tables of the service, and by its status where the
 * reason is in none of them. Called by shards (codes, classes), results and reports (advice), on any thread.
 */
import type { Protocol } from '../push/address.js';
import type { Reason, ReasonClass } from '../push/reason.js';
import type { RetryKind } from '../push/retry-policy.js';
import { allProtocols, pushProtocolOf } from './push-protocols.js';

const byCode = new Map<number, Reason>(
  allProtocols.flatMap(({ reasons }) => [...reasons.values()].map((row): [number, Reason] => [row.code, row])),
);

/**
 * Returns the code of a reason as its service spells it, 1 to 200; 0 for a reason that is not in the protocol's table
 * (keep its text).
 */
export function reasonCode(text: string, protocol: Protocol = 'http2'): number {
  return pushProtocolOf(protocol).reasons.get(text)?.code ?? 0;
}

/** Returns the reason with a code; null for 0 and for unused codes. */
export function reasonOf(code: number): Reason | null {
  return byCode.get(code) ?? null;
}

/**
 * Returns the class of an answer. A known reason decides. Otherwise the status does, because services add reasons
 * unannounced.
 *
 * @param protocol of the gateway; default `'http2'`
 */
export function classOf(status: number, reason: string, protocol: Protocol = 'http2'): ReasonClass {
  const service = pushProtocolOf(protocol);
  return service.reasons.get(reason)?.class ?? service.classOfStatus(status, reason);
}

/**
 * Returns one sentence about an answer, also for reasons that are not in the table.
 *
 * @param protocol of the gateway; default `'http2'`
 */
export function adviceOf(status: number, reason: string, protocol: Protocol = 'http2'): string {
  const service = pushProtocolOf(protocol);
  return service.reasons.get(reason)?.advice ?? service.adviceOfStatus(status, reason);
}

/**
 * The protocol whose service gives a reason: `protocol`, unless only another one documents it, as in a campaign of two
 * services.
 */
export function protocolOfReason(reason: string, protocol: Protocol): Protocol {
  if (pushProtocolOf(protocol).reasons.has(reason)) return protocol;
  return otherProtocols.find((other) => pushProtocolOf(other).reasons.has(reason)) ?? protocol;
}

const otherProtocols: readonly Protocol[] = ['http2', 'fcm'];

/** Returns the kind of a rejection that another request may change; null for final rejections. */
export function retryKindOf(status: number, reason: string, protocol: Protocol = 'http2'): RetryKind | null {
  return pushProtocolOf(protocol).retryKindOf(status, reason);
}

/**
 * The same for an answer to a broadcast, where an expiration is refused for another reason than with a push to a
 * device.
 */
export function broadcastAdviceOf(status: number, reason: string): string {
  return reason === 'BadExpirationDate' ? broadcastExpirationAdvice : adviceOf(status, reason);
}

const broadcastExpirationAdvice =
  'A channel whose storage policy is none takes no expiration but 0: leave it out, or create the channel with the ' +
  'policy most-recent, which takes epoch seconds.';
