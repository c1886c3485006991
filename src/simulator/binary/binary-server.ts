/**
 * The gateway's side of one binary connection, without I/O: judges and books notifications until one is bad, and then
 * tells how the connection ends. Owned by one ServerBinaryConnection, on its thread.
 *
 *     notification ─▶ in order? ─▶ what the token asks for ─▶ booked: accepted ─▶ next
 *                        │                   │
 *                        └───────────────────┴─▶ booked ─▶ ending: status, identifier; what follows is discarded
 *
 * Source: "Binary Provider API". Apple does not publish the order of its checks. The order here is ours: device token,
 * payload, priority.
 */
import { Buffer } from 'node:buffer';
import { maxTokenBytes } from '../../base/limits.js';
import { NotificationDecoder, type ReceivedNotification } from '../../codec/binary/notification-decoder.js';
import { FRAMED, SIMPLE } from '../../codec/binary/wire.js';
import { binaryScriptDelayMs } from '../books/binary-script.js';
import { TokenHash } from '../books/digest.js';
import type { RequestLog } from '../books/request-log.js';
import { PayloadTexts } from '../books/request-log.js';
import type { SimulatedGateway } from '../faults/simulated-gateway.js';
import { PayloadCheck } from '../rules/payload-check.js';
import {
  ACCEPTED_ANSWER,
  answerName,
  answerStatus,
  BINARY_STATUS,
  BROKEN,
  CLOSED,
  INVALID_PAYLOAD_SIZE,
  INVALID_TOKEN_SIZE,
  MISSING_PAYLOAD,
  MISSING_TOKEN,
  PAYLOAD_TOO_LARGE,
  SHUTDOWN,
  UNREADABLE,
} from '../settings/answers.js';

/** Largest payloads, in bytes: for commands 0 and 1, and for command 2. */
const maxLegacyPayloadBytes = 256;
const maxFramedPayloadBytes = 2048;

/** The end of a connection. */
export interface BinaryEnding {
  /** Status of the response before the end; 0 for no response. */
  readonly status: number;
  readonly identifier: number;
  /** Whether the connection is reset rather than closed. */
  readonly isReset: boolean;
  /** Time until the status or the end, in milliseconds, in addition to that of the options. */
  readonly delayMs: number;
}

export class BinaryServer {
  readonly #gateway: SimulatedGateway;
  readonly #decoder = new NotificationDecoder(this);
  readonly #payloads = new PayloadCheck();
  readonly #hash = new TokenHash();
  readonly #token = new Uint8Array(maxTokenBytes);
  readonly #endsAfter: number;
  readonly #log: RequestLog | null;
  readonly #connection: number;
  readonly #texts = new PayloadTexts();
  #accepted = 0;
  #lastAccepted = 0;
  #ending: BinaryEnding | null = null;

  constructor(gateway: SimulatedGateway) {
    this.#gateway = gateway;
    this.#log = gateway.requestLog;
    this.#connection = gateway.countConnection();
    this.#endsAfter = Math.min(gateway.settings.closeAfter, gateway.settings.shutdownAfter);
  }

  /** How the connection ends; null while it goes on. */
  get ending(): BinaryEnding | null {
    return this.#ending;
  }

  /** Why the client could not be understood, or null. */
  get fault(): string | null {
    return this.#decoder.failure?.message ?? null;
  }

  /** Takes the next `length` octets from the client. Never throws because of their content. */
  receive(bytes: Uint8Array, length: number): void {
    if (this.#ending !== null) return;
    this.#decoder.receive(bytes, length);
    if (this.#decoder.failure === null || this.#ending !== null) return;
    this.#gateway.ledger.recordWithoutToken(UNREADABLE, 0);
    this.#end(UNREADABLE, 0, 0, true);
  }

  /** The gateway closes. A client that has sent anything is told which notification was delivered last. */
  shutDown(): void {
    if (this.#ending === null) this.#end(SHUTDOWN, this.#lastAccepted, 0, this.#accepted > 0);
  }

  /** Called by the decoder. */
  onNotification(notification: ReceivedNotification): boolean {
    const { tokenBytes, payloadBytes, identifier } = notification;
    let answer = judge(notification);
    let delayMs = 0;
    if (answer === ACCEPTED_ANSWER) answer = this.#judgePayload(notification);
    if (tokenBytes > 0 && tokenBytes <= maxTokenBytes) {
      this.#take(notification);
      const { a, b } = this.#hash;
      if (answer === ACCEPTED_ANSWER) {
        answer = this.#gateway.tokenAnswers.binaryAnswerFor(this.#token, tokenBytes, a, b);
        if (answer > ACCEPTED_ANSWER && this.#gateway.settings.scripted)
          delayMs = binaryScriptDelayMs(this.#token, tokenBytes);
      }
      const { ledger } = this.#gateway;
      const booked = answer === SHUTDOWN ? ACCEPTED_ANSWER : answer;
      ledger.record(ledger.locate(this.#token, tokenBytes, a), a, b, booked, payloadBytes);
      this.#logWhole(notification, booked);
    } else if (tokenBytes === 0) {
      this.#gateway.ledger.recordFlush();
    } else {
      this.#gateway.ledger.recordWithoutToken(answer, Math.max(0, payloadBytes));
      this.#logWhole(notification, answer);
    }
    if (answer !== ACCEPTED_ANSWER) {
      const isEmpty = answer === MISSING_TOKEN && this.#gateway.settings.zeroFlushIdentifier;
      this.#end(answer, isEmpty ? 0 : identifier, delayMs, notification.command !== SIMPLE);
      return false;
    }
    this.#lastAccepted = identifier;
    if (++this.#accepted < this.#endsAfter) return true;
    const isShutdown = this.#accepted >= this.#gateway.settings.shutdownAfter;
    this.#end(isShutdown ? SHUTDOWN : CLOSED, identifier, 0, true);
    return false;
  }

  #logWhole(notification: ReceivedNotification, answer: number): void {
    if (this.#log === null) return;
    const { bytes, expiry, identifier, payloadStart, priority, tokenBytes } = notification;
    const payloadBytes = Math.max(0, notification.payloadBytes);
    const isKept = tokenBytes > 0 && tokenBytes <= maxTokenBytes;
    this.#log.add({
      protocol: 'binary',
      connection: this.#connection,
      streamId: identifier,
      receivedMs: this.#gateway.settings.clock.wallMs(),
      token: isKept ? Buffer.from(notification.token()).toString('hex') : null,
      path: '',
      headers: {
        ...(expiry < 0 ? {} : { 'apns-expiration': String(expiry) }),
        ...(priority < 0 ? {} : { 'apns-priority': String(priority) }),
      },
      payload: this.#texts.textOf(bytes, payloadStart, payloadStart + payloadBytes),
      payloadBytes,
      providerKey: null,
      answer: answerName(answer),
      status: answerStatus(answer),
    });
  }

  /** Copies the token to where the ledger and the script read it, and hashes it. */
  #take(notification: ReceivedNotification): void {
    const { bytes, tokenStart, tokenBytes } = notification;
    const token = this.#token;
    for (let i = 0; i < tokenBytes; i++) token[i] = bytes[tokenStart + i]!;
    this.#hash.take(token, 0, tokenBytes);
  }

  #judgePayload({ command, bytes, payloadStart, payloadBytes }: ReceivedNotification): number {
    if (payloadBytes <= 0) return MISSING_PAYLOAD;
    const limit = command === FRAMED ? maxFramedPayloadBytes : maxLegacyPayloadBytes;
    const answer = this.#payloads.answerOf(bytes, payloadStart, payloadStart + payloadBytes, limit);
    if (answer === ACCEPTED_ANSWER) return ACCEPTED_ANSWER;
    return answer === PAYLOAD_TOO_LARGE ? INVALID_PAYLOAD_SIZE : MISSING_PAYLOAD;
  }

  /** @param hasStatus Whether a status can name the notification: those of command 0 have no identifier. */
  #end(answer: number, identifier: number, delayMs: number, hasStatus: boolean): void {
    const isSilent =
      !hasStatus || answer < BINARY_STATUS || (this.#gateway.settings.silentStatus && answer !== SHUTDOWN);
    const status = isSilent ? 0 : answer - BINARY_STATUS;
    this.#ending = { status, identifier, isReset: answer === BROKEN, delayMs };
  }
}

/** Checks everything but the payload. */
function judge({ tokenBytes, priority }: ReceivedNotification): number {
  if (tokenBytes <= 0) return MISSING_TOKEN;
  if (tokenBytes > maxTokenBytes) return INVALID_TOKEN_SIZE;
  return priority === -1 || priority === 10 || priority === 5 ? ACCEPTED_ANSWER : UNREADABLE;
}
