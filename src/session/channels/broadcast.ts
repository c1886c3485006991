/**
 * One broadcast: a request for each channel, as many under way as the gateway takes, each with exactly one outcome.
 * Loaded with the first one; called by APNs, main thread.
 *
 * Source: "Sending broadcast push notification requests to APNs".
 */
import { broadcastPath, isChannelId } from '../../apns/channel.js';
import { PealError } from '../../base/errors.js';
import { maxServiceStreams, stopAfterRefusals } from '../../base/limits.js';
import { shownValue } from '../../base/options.js';
import { refusedError } from '../../engine/dispatcher/errors.js';
import { broadcastAdviceOf, classOf, retryKindOf } from '../../push-services/reasons.js';
import { type AttemptTerms, attempt, type FinalOutcome } from '../../services/service-attempts.js';
import type { ServiceClient } from '../../services/service-client.js';
import type { CheckedBroadcast } from './broadcast-options.js';

/** What became of one channel. */
export interface BroadcastOutcome {
  /**
   * `accepted`: APNs takes it to the subscribers. `rejected`: see `status` and `reason`. `unsent`: certainly not
   * processed. `unknown`: written, and not answered. `invalid`: the id is not one, and nothing was sent.
   */
  readonly outcome: 'accepted' | 'rejected' | 'unsent' | 'unknown' | 'invalid';
  /** Null without an answer. */
  readonly status: number | null;
  /** Apple's reason, empty if the answer named none; null unless rejected. */
  readonly reason: string | null;
  /** The apns-request-id of the answer. */
  readonly requestId: string | null;
  /** The apns-unique-id of the answer: the key of the delivery log. */
  readonly uniqueId: string | null;
  /** How long the gateway asks to wait, in seconds. */
  readonly retryAfterSeconds: number | null;
  /** Requests that were answered, or may have been processed. */
  readonly attempts: number;
  /** Why there is no answer, or what is not valid; otherwise null. */
  readonly error: PealError | null;
}

export interface BroadcastResult {
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  readonly invalid: number;
  /** By channel id, in the order in which they were given. A value that is not text is its own key. */
  readonly channels: ReadonlyMap<string, BroadcastOutcome>;
}

const noAnswer = { status: null, reason: null, requestId: null, uniqueId: null, retryAfterSeconds: null } as const;

export class Broadcast {
  readonly #client: ServiceClient;
  readonly #given: CheckedBroadcast;
  readonly #terms: AttemptTerms;
  readonly #path: string;
  /** By what was given, also where that is not text: two such values may look alike. */
  readonly #outcomes = new Map<unknown, BroadcastOutcome>();
  readonly #ids: Iterator<unknown>;
  /** The same refusal of credential, request or connection in a row, with nothing accepted. */
  #streak = 0;
  #streakReason = '';
  readonly #stop = new AbortController();

  /** @param closing aborts when the session closes */
  constructor(client: ServiceClient, given: CheckedBroadcast, closing: AbortSignal) {
    const { timeoutMs, budget, signal, bundleId } = given;
    this.#client = client;
    this.#given = given;
    this.#path = broadcastPath(bundleId);
    this.#ids = given.channelIds[Symbol.iterator]();
    const signals = [this.#stop.signal, closing, ...(signal === null ? [] : [signal])];
    this.#terms = {
      timeoutMs,
      budget,
      mayRepeat: (kind) => kind !== 'unknown',
      signals,
      subject: 'The broadcast to a channel',
    };
  }

  /** Resolves once each channel has its outcome. */
  async run(): Promise<BroadcastResult> {
    const lines = Math.min(maxServiceStreams, this.#given.channelIds.size);
    await Promise.all(Array.from({ length: lines }, () => this.#work()));
    return this.#result();
  }

  /** Takes one channel after another. */
  async #work(): Promise<void> {
    for (let next = this.#ids.next(); next.done !== true; next = this.#ids.next()) {
      const id = next.value;
      if (!isChannelId(id)) {
        this.#outcomes.set(id, invalidOutcome(id));
        continue;
      }
      // Its place in the result.
      this.#outcomes.set(id, pending);
      const { headers, payload } = this.#given;
      const request = {
        method: 'POST',
        path: this.#path,
        headers: { ...headers, 'apns-channel-id': id },
        body: payload,
      } as const;
      const final = await attempt(this.#client, request, this.#terms);
      const outcome = outcomeOf(final);
      this.#outcomes.set(id, outcome);
      this.#watch(outcome);
      // There is no way to the service, or it is silent: that is waited for once, and not once for so many channels.
      if (final.serviceError !== null) this.#stop.abort(final.serviceError);
    }
  }

  /**
   * A credential, or a message, that is refused again and again is refused for all channels, and so is what was refused
   * on several connections: each further channel would open as many.
   */
  #watch({ outcome, status, reason }: BroadcastOutcome): void {
    if (outcome === 'accepted') this.#streak = 0;
    if (outcome !== 'rejected' || status === null || reason === null) return;
    const kind = classOf(status, reason);
    if (kind !== 'credential' && kind !== 'request' && kind !== 'connection') {
      this.#streak = 0;
      return;
    }
    if (kind !== 'connection' && retryKindOf(status, reason) !== null) return;
    this.#streak = reason === this.#streakReason ? this.#streak + 1 : 1;
    this.#streakReason = reason;
    if (this.#streak < stopAfterRefusals) return;
    this.#stop.abort(refusedError({ status, reason }, 'http2', broadcastAdviceOf(status, reason)));
  }

  #result(): BroadcastResult {
    const counts = { accepted: 0, rejected: 0, unsent: 0, unknown: 0, invalid: 0 };
    for (const { outcome } of this.#outcomes.values()) counts[outcome] += 1;
    return { ...counts, channels: this.#outcomes as ReadonlyMap<string, BroadcastOutcome> };
  }
}

const pending: BroadcastOutcome = Object.freeze({ outcome: 'unsent', ...noAnswer, attempts: 0, error: null });

function outcomeOf({ kind, answer, error, attempts }: FinalOutcome): BroadcastOutcome {
  if (answer === null) return { outcome: kind === 'unknown' ? 'unknown' : 'unsent', ...noAnswer, attempts, error };
  const { status, reason, retryAfterSeconds, apnsUniqueId = null } = answer;
  const isAccepted = status === 200;
  return {
    outcome: isAccepted ? 'accepted' : 'rejected',
    status,
    reason: isAccepted ? null : reason,
    requestId: answer.field('apns-request-id'),
    uniqueId: apnsUniqueId,
    retryAfterSeconds,
    attempts,
    error: isAccepted ? null : error,
  };
}

function invalidOutcome(id: unknown): BroadcastOutcome {
  const isChannel = typeof id === 'object' && id !== null && 'channelId' in id;
  const advice = isChannel ? 'give the channelId of the channel' : "Apple's are text in base64";
  const message = `The channel id ${shownValue(id)} is not one: ${advice}.`;
  const error = new PealError('ERR_PEAL_OPTION', message, { origin: 'input' });
  return { outcome: 'invalid', ...noAnswer, attempts: 0, error };
}
