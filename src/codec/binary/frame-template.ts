/**
 * What all notifications of one message share on the wire: a whole notification with everything in place but the token,
 * the identifier and, where recipients bring their own, the payload. Made once for each message and token length by a
 * connection; never changed after that, so that outputs know by identity what they hold.
 *
 *   command 2:  02 | frameLength | 1, 32, token | 2, n, payload | 3, 4, identifier | 4, 4, expiry | 5, 1, priority
 *                                         ^ tokenOffset                 ^ identifierOffset
 */

import { PealError } from '../../base/errors.js';
import { maxTokenBytes } from '../../base/limits.js';
import type { Notification } from '../../push/notification.js';
import { writeU16, writeU32 } from '../octets.js';
import { type NotificationFields, notificationBytes, writeNotification } from './notification-writer.js';
import { BINARY_HEADER_BYTES, type Command, ENHANCED, FRAMED, ITEM_HEADER_BYTES, SIMPLE } from './wire.js';

interface FrameTemplateOptions {
  /** Length of the device tokens, in bytes, 1 to maxTokenBytes. */
  readonly tokenBytes: number;
  /** Default: 2. */
  readonly command?: Command;
  /** Each recipient brings a payload of its own (PersonalParts.payloads). Default false. */
  readonly hasPersonalPayloads?: boolean;
  /** Mask of the fields that each recipient brings (PersonalParts.fields), in the place of shared ones. Default 0. */
  readonly ownFields?: number;
}

/** What a length of two octets can say. */
const maxDataBytes = 0xffff;
const noPayload = new Uint8Array(0);

export class FrameTemplate {
  /** One notification, its token and identifier zero; without a payload where recipients bring their own. */
  readonly image: Uint8Array;
  readonly command: Command;
  readonly tokenBytes: number;
  readonly tokenOffset: number;
  /** Where the identifier stands in the image (see identifierShift); -1 in command 0, which has none. */
  readonly identifierOffset: number;
  readonly hasPersonalPayloads: boolean;
  readonly ownFields: number;
  readonly notification: Notification;
  /** Where the payload's length stands. */
  readonly #payloadLengthOffset: number;

  /** @throws PealError ERR_PEAL_TOKEN, ERR_PEAL_PAYLOAD for what two octets of length cannot hold. */
  constructor(notification: Notification, options: FrameTemplateOptions) {
    const { tokenBytes, command = FRAMED, hasPersonalPayloads = false } = options;
    if (!(tokenBytes >= 1 && tokenBytes <= maxTokenBytes)) throw tokenError(tokenBytes);
    const payload = hasPersonalPayloads ? noPayload : notification.payload;
    if (payload.length > maxDataBytes) throw payloadError(payload.length);
    const { expiration: expiry, priority } = notification;
    const token = new Uint8Array(tokenBytes);
    const fields: NotificationFields = { command, token, payload, identifier: 0, expiry, priority };
    this.image = new Uint8Array(notificationBytes(fields));
    writeNotification(this.image, 0, fields);
    this.command = command;
    this.tokenBytes = tokenBytes;
    this.hasPersonalPayloads = hasPersonalPayloads;
    this.ownFields = options.ownFields ?? 0;
    this.notification = notification;
    this.tokenOffset = tokenOffsets[command];
    this.#payloadLengthOffset = this.tokenOffset + tokenBytes + (command === FRAMED ? 1 : 0);
    this.identifierOffset = this.#identifierOffset(payload.length);
  }

  /** Octets of a notification with a payload of `payloadBytes`. */
  frameBytes(payloadBytes: number): number {
    return this.hasPersonalPayloads ? this.image.length + payloadBytes : this.image.length;
  }

  /**
   * Writes one notification with a payload of its own at `at`: the part of `payloads` from `start` to `end`. Returns
   * where it ends. Token and identifier are for the caller to fill.
   */
  writePersonal(target: Uint8Array, at: number, payloads: Uint8Array, start: number, end: number): number {
    const { image, command } = this;
    const payloadBytes = end - start;
    if (payloadBytes > maxDataBytes) throw payloadError(payloadBytes);
    const headBytes = this.#payloadLengthOffset + 2;
    for (let i = 0; i < headBytes; i++) target[at + i] = image[i]!;
    if (command === FRAMED) writeU32(target, at + 1, image.length - BINARY_HEADER_BYTES + payloadBytes);
    writeU16(target, at + headBytes - 2, payloadBytes);
    target.set(payloads.subarray(start, end), at + headBytes);
    const tailAt = at + payloadBytes;
    for (let i = headBytes; i < image.length; i++) target[tailAt + i] = image[i]!;
    return tailAt + image.length;
  }

  /** How far a personal payload moves the identifier: not at all where it stands before the payload. */
  identifierShift(payloadBytes: number): number {
    return this.command === FRAMED ? payloadBytes : 0;
  }

  #identifierOffset(payloadBytes: number): number {
    if (this.command === SIMPLE) return -1;
    if (this.command === ENHANCED) return 1;
    return this.#payloadLengthOffset + 2 + payloadBytes + ITEM_HEADER_BYTES;
  }
}

const tokenOffsets: Readonly<Record<Command, number>> = {
  0: 3,
  1: 11,
  2: BINARY_HEADER_BYTES + ITEM_HEADER_BYTES,
};

function tokenError(tokenBytes: number): PealError {
  const message = `device tokens of ${tokenBytes} bytes: 1 to ${maxTokenBytes} can be`;
  return new PealError('ERR_PEAL_TOKEN', message, { origin: 'usage' });
}

function payloadError(payloadBytes: number): PealError {
  const message = `A payload of ${payloadBytes} bytes is too large for the binary protocol: ${maxDataBytes} can be.`;
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}
