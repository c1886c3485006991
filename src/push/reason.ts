/**
 * What an answer other than 200 is about, in the words that all push services share: classes of reasons, and the tables
 * in which each service lists its own. Pure; any thread.
 */

/**
 * What a rejection is about, and so what remedies it.
 *
 * - `token`: this device token or its topic, or this channel; the other recipients are not affected. Never retried.
 * - `gone`: the token is no longer valid since the timestamp of the answer. Never retried; drop the token.
 * - `request`: the request itself; it fails for every token alike.
 * - `credential`: certificate, key or provider token; nothing else will succeed with it.
 * - `connection`: this connection only; the request can be sent over another one.
 * - `transient`: a temporary fault; retried after a delay.
 */
export type ReasonClass = 'token' | 'gone' | 'request' | 'credential' | 'connection' | 'transient';

export interface Reason {
  /** From 1 for APNs over HTTP/2, from 101 for its binary protocol, from 121 for FCM, at most 200. Never changed, because
   * ledgers hold it. */
  readonly code: number;
  /** The service's own name for it. */
  readonly reason: string;
  /** The HTTP status that comes with it, or the status of the binary protocol (1 to 255). */
  readonly status: number;
  readonly class: ReasonClass;
  /** One sentence: what it means and what to do. */
  readonly advice: string;
}

/** One reason, as the tables write it. */
export type ReasonRow = readonly [
  code: number,
  status: number,
  reason: string,
  reasonClass: ReasonClass,
  advice: string,
];

/** Returns the rows as reasons, frozen, in their order. */
export function reasonTable(rows: readonly ReasonRow[]): readonly Reason[] {
  return Object.freeze(
    rows.map(([code, status, reason, reasonClass, advice]) =>
      Object.freeze({ code, reason, status, class: reasonClass, advice }),
    ),
  );
}

/** Reasons by their text. */
export function reasonsByText(table: readonly Reason[]): ReadonlyMap<string, Reason> {
  return new Map(table.map((row) => [row.reason, row]));
}

/**
 * Returns whether a rejection also applies to an earlier request of its recipient, whatever happened to that request.
 * After a rejection of another class, the recipient may be sent to again, or end as unknown if an earlier request was
 * never answered.
 */
export function isForGood(reasonClass: ReasonClass): boolean {
  return reasonClass === 'token' || reasonClass === 'gone' || reasonClass === 'request';
}

/**
 * Returns whether a rejection is not the recipient's fault, so that the recipient has to be sent to again once message,
 * topic or credential are corrected. `wasStopped`: the send stopped because answers of one kind came again and again.
 * Then bad tokens are the sender's fault as well, who chose the wrong environment or app.
 */
export function isSendersFault(reasonClass: ReasonClass, wasStopped: boolean): boolean {
  return reasonClass === 'request' || reasonClass === 'credential' || (wasStopped && reasonClass === 'token');
}
