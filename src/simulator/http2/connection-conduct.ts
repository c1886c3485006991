/**
 * Treats one connection over time as APNs does (conduct.ts): counts its answers, and changes the next answers, the
 * stream limit, or the life of the connection. Owned by one ConnectionDriver, used by its stage.
 */
import type { Clock } from '../../base/clock.js';
import { reasonOf } from '../../push-services/reasons.js';
import type { SimulatorLedger } from '../books/ledger.js';
import type { PushRates } from '../rules/rates.js';
import {
  ACCEPTED_ANSWER,
  answerName,
  answerStatus,
  BAD_DEVICE_TOKEN,
  EXPIRED_PROVIDER_TOKEN,
  IDLE_TIMEOUT,
  TOO_MANY_REQUESTS,
} from '../settings/answers.js';
import type { ConductSettings } from '../settings/conduct.js';
import { type GoawayContent, goawayFor } from './server-goaways.js';
import type { ServerStreams } from './server-streams.js';

/** The part of a connection that a conduct acts on. */
interface ConductHost {
  setFullStreams(maxStreams: number): void;
  /** Ends the connection properly: requests under way are answered. */
  closeGracefully(goaway: GoawayContent): void;
}

export class ConnectionConduct {
  readonly #settings: ConductSettings;
  readonly #maxStreams: number;
  readonly #rates: PushRates | null;
  readonly #ledger: SimulatorLedger;
  readonly #clock: Clock;
  readonly #host: ConductHost;
  /** The stream limit that the connection has by its answers. */
  #streams: number;
  #errorsSinceLowering = 0;
  #acceptedInARow = 0;
  /** Errors, minus those that good answers have made up for. */
  #score = 0;
  #isWedged = false;
  #isLeaving = false;
  /** Whether the connection was idle for so long that the next request gets IdleTimeout. */
  isIdle = false;

  constructor(
    settings: ConductSettings,
    maxStreams: number,
    parts: { rates: PushRates | null; ledger: SimulatorLedger; clock: Clock; host: ConductHost },
  ) {
    this.#settings = settings;
    this.#maxStreams = maxStreams;
    this.#streams = maxStreams;
    this.#rates = parts.rates;
    this.#ledger = parts.ledger;
    this.#clock = parts.clock;
    this.#host = parts.host;
  }

  /** Returns the answer to a request whose own answer would be `answer`. */
  judge(answer: number, streams: ServerStreams, slot: number): number {
    if (this.isIdle) return IDLE_TIMEOUT;
    if (this.#isWedged) return EXPIRED_PROVIDER_TOKEN;
    if (answer !== ACCEPTED_ANSWER || this.#rates === null || streams.tokenLengths[slot] === 0) return answer;
    if (this.#rates.allows(streams.hashesA[slot]!, streams.hashesB[slot]!, this.#clock.now())) return answer;
    this.#ledger.recordFault('tokenPushes');
    return TOO_MANY_REQUESTS;
  }

  /** Counts an answer that was given. */
  onAnswered(answer: number): void {
    if (answer === ACCEPTED_ANSWER) this.#onAccepted();
    else if (isCounted(answer)) this.#onError(answer);
  }

  #onAccepted(): void {
    const { forgiveAfter, raiseStreamsAfter } = this.#settings;
    if (this.#score > 0) this.#score = Math.max(0, this.#score - 1 / forgiveAfter);
    if (++this.#acceptedInARow < raiseStreamsAfter) return;
    this.#acceptedInARow = 0;
    if (this.#streams < this.#maxStreams) this.#change(Math.min(this.#maxStreams, this.#streams * 2), 'raiseStreams');
  }

  #onError(answer: number): void {
    const { badDeviceTokenWeight, goawayTwice, lowerStreamsAfter, maxErrors, wedgeOnExpiredToken } = this.#settings;
    this.#acceptedInARow = 0;
    if (answer === IDLE_TIMEOUT) {
      this.#leave(answer, 'idle', goawayTwice);
      return;
    }
    if (answer === EXPIRED_PROVIDER_TOKEN && wedgeOnExpiredToken && !this.#isWedged) {
      this.#isWedged = true;
      this.#ledger.recordFault('wedge');
    }
    if (++this.#errorsSinceLowering >= lowerStreamsAfter) {
      this.#errorsSinceLowering = 0;
      if (this.#streams > 1) this.#change(Math.max(1, Math.floor(this.#streams / 2)), 'lowerStreams');
    }
    this.#score += answer === BAD_DEVICE_TOKEN ? badDeviceTokenWeight : 1;
    if (this.#score >= maxErrors) this.#leave(answer, 'tooManyErrors', goawayTwice);
  }

  #change(streams: number, kind: string): void {
    this.#streams = streams;
    this.#ledger.recordFault(kind);
    this.#host.setFullStreams(streams);
  }

  #leave(answer: number, kind: string, isTwice: boolean): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#ledger.recordFault(kind);
    this.#host.closeGracefully(goawayFor(answerName(answer), isTwice));
  }
}

/** Returns whether APNs counts the answer as an error: 4xx, except 410 and the rate of one device. */
function isCounted(answer: number): boolean {
  if (answer === TOO_MANY_REQUESTS || reasonOf(answer) === null) return false;
  const status = answerStatus(answer);
  return status >= 400 && status < 500 && status !== 410;
}
