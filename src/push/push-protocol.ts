/**
 * The seam between the engine and the push services: what one service defines of the conversation with its gateways.
 * Each service implements it (apns/protocols, fcm/protocol); push-services/push-protocols knows them all; codec,
 * connections and engine ask it, and know neither service. Stateless, any thread.
 */
import type { Clock } from '../base/clock.js';
import type { Address, Protocol } from './address.js';
import type { Answer, AnswerFields } from './answer.js';
import type { Reason, ReasonClass } from './reason.js';
import type { RequestRate } from './request-rate.js';
import type { RetryBudget, RetryKind } from './retry-policy.js';

export interface PushProtocol {
  readonly protocol: Protocol;
  /** The reasons that it documents, by their text. */
  readonly reasons: ReadonlyMap<string, Reason>;
  /** The class of an answer whose reason is not among them. */
  classOfStatus(status: number, reason: string): ReasonClass;
  /** One sentence about such an answer: what it means and what to do. */
  adviceOfStatus(status: number, reason: string): string;
  /** What one recipient may cost, unless a send says otherwise. */
  readonly retryBudget: RetryBudget;
  /** The rate that a project is allowed unless it has asked for another one; null: none is known. */
  readonly usualRate: RequestRate | null;
  /** How a rejection that another request may change is retried; null for final rejections. */
  retryKindOf(status: number, reason: string): RetryKind | null;
}

/** What a service over HTTP/2 defines besides. */
export interface Http2PushProtocol extends PushProtocol {
  /** `:path` of the requests to a gateway. Where device tokens stand in the path, they follow it as hex digits. */
  pathOf(address: Address): string;
  /** The word before the token in the field `authorization`. */
  readonly authorizationScheme: string;
  /** Whether a connection with provider tokens sends one request first, and waits for its answer. */
  readonly probesFirst: boolean;
  /** Why a send stops whose new token is called expired as well: a sentence that says what to do. */
  readonly expiredTokenAdvice: string;
  /** The reason with which a gateway says that it goes away; null: it has none. */
  readonly shutdownReason: string | null;
  /** The reason in the debug data of a GOAWAY; empty if there is none. */
  reasonOfGoaway(debug: Uint8Array): string;
  /** An answer with a status other than 200. */
  answerOf(status: number, body: Uint8Array, fields: AnswerFields, clock: Pick<Clock, 'wallMs'>): Answer;
  /**
   * The id of an accepted notification, from the body of its answer. Null: the service names it in a header field
   * (apns-id). Otherwise bodies of answers 200 are kept where ids are.
   */
  readonly acceptedIdOf: ((body: Uint8Array) => string | null) | null;
}
