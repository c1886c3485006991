/**
 * Processes requests to channel management, and broadcasts: creates, reads, lists and removes channels, takes
 * broadcasts, and says what is answered. One for all connections of a simulator, on its thread.
 *
 * Ids are drawn from the seed, so that a run repeats exactly.
 */
import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { apnsIdText, isUuid } from '../../apns/apns-id.js';
import { channelPushType, isChannelId } from '../../apns/channel.js';
import type { Clock } from '../../base/clock.js';
import { maxChannelsOfApp, maxKeptBodyBytes } from '../../base/limits.js';
import type { OtherAnswer, OtherService } from '../rules/other-request.js';
import {
  ACCEPTED_ANSWER,
  answerStatus,
  BAD_EXPIRATION_DATE,
  CANNOT_CREATE_CHANNEL,
  CHANNEL_NOT_REGISTERED,
} from '../settings/answers.js';
import type { ChannelBooks } from './channel-books.js';
import { policyOf } from './channel-rules.js';
import type { ServedRequest } from './served-request.js';

/** The result of one action. */
interface Processed {
  readonly answer: number;
  readonly status: number;
  readonly channelId: string | null;
  readonly body: string;
}

/** Bytes of a channel id before base64. */
const channelIdBytes = 16;

export class ServedChannels implements OtherService {
  readonly #books: ChannelBooks;
  readonly #clock: Clock;
  readonly #seed: number;
  readonly maxKeptBytes = maxKeptBodyBytes;
  #drawn = 0;

  constructor(books: ChannelBooks, clock: Clock, seed: number) {
    this.#books = books;
    this.#clock = clock;
    this.#seed = seed;
  }

  take(request: ServedRequest, answer: number): OtherAnswer {
    return this.#take(request, answer, true);
  }

  lose(request: ServedRequest): void {
    this.#take(request, request.answer, false);
  }

  #take(request: ServedRequest, answer: number, isAnswered: boolean): OtherAnswer {
    const { action, channelId: named, requestId: given } = request.fields;
    const processed = answer === ACCEPTED_ANSWER ? this.#process(request) : refused(answer, named);
    const requestId = given !== null && isUuid(given) ? given : this.#uuid();
    const { channelId, status, body } = processed;
    this.#books.record(request, { ...processed, requestId, isAnswered }, this.#clock.wallMs());
    const fields: [name: string, value: string][] = [['apns-request-id', requestId]];
    if (channelId !== null && isChannelId(channelId)) fields.push(['apns-channel-id', channelId]);
    const isAccepted = processed.answer === ACCEPTED_ANSWER;
    if (isAccepted && action === 'broadcast') fields.push(['apns-unique-id', this.#uuid()]);
    return { answer: processed.answer, status, fields, body };
  }

  #process({ fields, body }: ServedRequest): Processed {
    const { action, bundleId } = fields;
    const books = this.#books;
    if (action === 'create') return this.#create(bundleId, body);
    if (action === 'list') {
      return { ...accepted(200, null), body: JSON.stringify({ channels: books.idsOf(bundleId) }) };
    }
    const channelId = fields.channelId ?? '';
    const entry = books.entryOf(bundleId, channelId);
    if (entry === null) return refused(CHANNEL_NOT_REGISTERED, channelId);
    if (action === 'read') {
      const attributes = { 'message-storage-policy': entry.policy, 'push-type': channelPushType };
      return { ...accepted(200, channelId), body: JSON.stringify(attributes) };
    }
    if (action === 'remove') {
      books.remove(bundleId, channelId);
      return accepted(204, channelId);
    }
    // A channel that stores nothing takes no broadcast that is to be kept.
    if (entry.policy === 0 && Number(fields.expiration) !== 0) return refused(BAD_EXPIRATION_DATE, channelId);
    if (entry.policy === 1) entry.stored = body;
    return accepted(200, channelId);
  }

  #create(bundleId: string, body: string): Processed {
    if (this.#books.countOf(bundleId) >= maxChannelsOfApp) return refused(CANNOT_CREATE_CHANNEL, null);
    const channelId = this.#draw().subarray(0, channelIdBytes).toString('base64');
    this.#books.add(bundleId, channelId, policyOf(body));
    return accepted(201, channelId);
  }

  /** A random UUID (version 4). */
  #uuid(): string {
    const bytes = this.#draw();
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return apnsIdText(bytes, 0);
  }

  #draw(): Buffer {
    return createHash('sha256')
      .update(`${this.#seed} ${++this.#drawn}`)
      .digest();
  }
}

function accepted(status: number, channelId: string | null): Processed {
  return { answer: ACCEPTED_ANSWER, status, channelId, body: '' };
}

function refused(answer: number, channelId: string | null): Processed {
  return { answer, status: answerStatus(answer), channelId, body: '' };
}
