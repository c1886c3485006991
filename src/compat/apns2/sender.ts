/**
 * The session behind one client of apns2: opens it with the first send, makes a push of each notification, and turns
 * what became of it into what apns2 gives. Owned by ApnsClient; main thread.
 */
import type { EventEmitter } from 'node:events';
import { PealError } from '../../base/errors.js';
import { pingTimeoutMs } from '../../base/limits.js';
import { holdProcess, releaseProcess } from '../../base/process-hold.js';
import type { OutcomeDetail } from '../../engine/batch.js';
import type { Gateway } from '../../session/gateway.js';
import type { Session } from '../../session/session.js';
import type { CheckedPushOptions } from '../../session/single/push-options.js';
import { ClientPush, type ClientPushOwner } from './client-push.js';
import { ApnsError, type ApnsResponseError, Errors, UnansweredError } from './errors.js';
import type { DeviceNotification } from './notification.js';
import { requestOf } from './request.js';

/** What a client hands over. */
interface SenderOptions {
  readonly session: Session;
  /** Reads the key and finds the gateway; called with the first send. */
  readonly openGateway: () => Gateway;
  readonly defaultTopic: string | undefined;
  /** For an answer, in milliseconds; 0: as long as the connection waits. */
  readonly requestTimeoutMs: number;
  /** Tells the client's events. */
  readonly events: EventEmitter;
}

/** Bytes of the shortest device token: its length is for the gateway to judge. */
const leastTokenBytes = 1;

export class Sender implements ClientPushOwner {
  readonly #options: SenderOptions;
  readonly #pushOptions: CheckedPushOptions;
  #gateway: Gateway | null = null;
  #pending = 0;
  /** What sends reject with once the client is closed or destroyed. */
  #ended: Error | null = null;
  /** What sends that are not answered reject with once it is destroyed. */
  #destroyedBy: Error | null = null;
  /** Those who wait for the last pending send. */
  readonly #onDone: (() => void)[] = [];

  constructor(options: SenderOptions) {
    const { requestTimeoutMs } = options;
    this.#options = options;
    this.#pushOptions = {
      timeoutMs: Number.POSITIVE_INFINITY,
      ...(requestTimeoutMs > 0 && { answerTimeoutMs: requestTimeoutMs }),
      budget: null,
      signal: null,
      isStreamed: false,
    };
  }

  send(notification: DeviceNotification): Promise<DeviceNotification> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) throw this.#ended;
      const push = new ClientPush(this.#pushOptions, this, notification, resolve, reject);
      try {
        this.#begin(push);
      } catch (error) {
        this.#notBegun(push, error);
      }
    });
  }

  /** Asks each open connection for a sign of life. */
  async ping(): Promise<PromiseSettledResult<void>[]> {
    const answers = (await this.#gateway?.ping()) ?? [];
    return answers.map((isAlive) =>
      isAlive ? { status: 'fulfilled', value: undefined } : { status: 'rejected', reason: silentError() },
    );
  }

  /** Takes no more, waits for the sends that are pending, then closes the connections. */
  async close(): Promise<void> {
    this.#ended ??= closedError('closed');
    if (this.#pending > 0) await this.#done();
    await this.#options.session.close();
  }

  /**
   * Takes no more, and closes the connections: what is written still gets its answer if it comes within five seconds.
   */
  async destroy(error: Error | null): Promise<void> {
    this.#destroyedBy ??= error;
    this.#ended = error ?? closedError('destroyed');
    await this.#options.session.close();
  }

  // --- what became of a push ---

  accepted(push: ClientPush): void {
    this.#over();
    push.resolve(push.notification);
  }

  rejected(push: ClientPush, { status, reason, timestampMs }: OutcomeDetail): void {
    this.#over();
    this.#answer(push, status, reason, timestampMs);
  }

  unanswered(push: ClientPush, outcome: 'unsent' | 'unknown', error: PealError): void {
    this.#over();
    push.reject(this.#destroyedBy ?? new UnansweredError(outcome, error));
  }

  // --- the way of a push ---

  #begin(push: ClientPush): void {
    const { notification } = push;
    const request = requestOf(notification, this.#options.defaultTopic);
    this.#gateway ??= this.#options.openGateway();
    const { lanes } = this.#gateway;
    if (push.isAnswerTimed) push.awaitWrite(lanes.now());
    const problem = lanes.begin(push, request, notification.deviceToken, false, leastTokenBytes);
    if (problem === null) this.#pending += 1;
    else
      this.#answerLater(push, 400, notification.deviceToken === '' ? Errors.missingDeviceToken : Errors.badDeviceToken);
  }

  #notBegun(push: ClientPush, error: unknown): void {
    if (!(error instanceof PealError)) throw error;
    if (error.code === 'ERR_PEAL_PAYLOAD') this.#answerLater(push, 413, Errors.payloadTooLarge);
    else push.reject(new UnansweredError(error.code === 'ERR_PEAL_HEADER' ? 'invalid' : 'unsent', error));
  }

  /** The answer that the gateway would give. Its events come when `send` has returned, as those of other answers. */
  #answerLater(push: ClientPush, status: number, reason: string): void {
    queueMicrotask(() => this.#answer(push, status, reason, null));
  }

  #answer(push: ClientPush, statusCode: number, reason: string, timestampMs: number | null): void {
    const error = new ApnsError({ statusCode, notification: push.notification, response: bodyOf(reason, timestampMs) });
    const { events } = this.#options;
    try {
      events.emit(error.reason, error);
      events.emit(Errors.error, error);
    } catch (thrown) {
      // A listener's own fault: it is the program's, and must not end what other pushes share.
      push.reject(thrown);
      return;
    }
    push.reject(error);
  }

  #over(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    for (const done of this.#onDone.splice(0)) done();
  }

  #done(): Promise<void> {
    holdProcess();
    return new Promise<void>((resolve) => this.#onDone.push(resolve)).finally(releaseProcess);
  }
}

/** As JSON in the answer. One without a reason came from something on the way. */
function bodyOf(reason: string, timestampMs: number | null): ApnsResponseError {
  if (reason === '') return { reason: Errors.unknownError, timestamp: Date.now() };
  // Only the answer 410 has a timestamp.
  return (timestampMs === null ? { reason } : { reason, timestamp: timestampMs }) as ApnsResponseError;
}

function silentError(): PealError {
  const message = `The gateway did not acknowledge a PING within ${pingTimeoutMs} ms: the connection is lost.`;
  return new PealError('ERR_PEAL_TIMEOUT', message, { origin: 'gateway', retryable: true });
}

function closedError(how: string): UnansweredError {
  const message = `The client is ${how}, and the notification was not sent: make another ApnsClient.`;
  return new UnansweredError('unsent', new PealError('ERR_PEAL_CLOSED', message, { origin: 'usage' }));
}
