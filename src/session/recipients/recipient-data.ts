/**
 * Recipients as plain JSON data, for messages that are stored and restored. Pure; called by session/message/message.
 */
import { Buffer } from 'node:buffer';
import { apnsIdText } from '../../apns/apns-id.js';
import { systemClock } from '../../base/clock.js';
import { hexOf } from '../../base/hex.js';
import type { Batch } from '../../engine/batch.js';
import type { PersonalFields } from '../../push/notification.js';
import { apnsIdBytes } from '../../push/notification.js';
import { collapseIdAt } from '../../push/personal-fields.js';
import { secondsOf } from '../../push/time-option.js';
import { TokenBlock } from '../../push/token-block.js';
import type { Recipient, Token } from './recipient.js';
import { RecipientList } from './recipient-list.js';

/** A device token as text, or a recipient with something of its own. */
export type RecipientData =
  | string
  | {
      readonly token: string;
      readonly apnsId?: string;
      readonly payload?: Readonly<Record<string, unknown>> | string;
      /** Epoch seconds. */
      readonly expiration?: number;
      readonly priority?: 10 | 5 | 1;
      readonly collapseId?: string;
    };

export function recipientData(recipients: readonly Recipient[]): RecipientData[] {
  return recipients.flatMap((recipient) => {
    if (recipient instanceof RecipientList) return recipient.batches.flatMap(batchData);
    if (recipient instanceof TokenBlock) return batchData({ tokens: recipient, personal: null });
    return [singleData(recipient)];
  });
}

function singleData(recipient: Exclude<Recipient, TokenBlock | RecipientList>): RecipientData {
  if (typeof recipient === 'string' || recipient instanceof Uint8Array) return tokenText(recipient);
  const { token, apnsId, payload, expiration, ...others } = recipient;
  const seconds = expiration === undefined ? undefined : secondsOf(expiration, systemClock);
  return {
    // An unknown form stays as it is: it is refused when it is sent, restored or not.
    ...others,
    token: tokenText(token),
    ...(apnsId !== undefined && { apnsId }),
    ...(payload !== undefined && { payload: payload instanceof Uint8Array ? utf8(payload) : payload }),
    // Times from now count from now, not from when they are restored; what is not a time stays as it is.
    ...(seconds !== undefined && { expiration: typeof seconds === 'number' ? seconds : (expiration as number) }),
  };
}

function batchData({ tokens, personal }: Batch): RecipientData[] {
  return Array.from({ length: tokens.count }, (_, index) => {
    const token = tokens.textAt(index);
    if (personal === null) return token;
    const { apnsIds, payloads, payloadOffsets, fields = null } = personal;
    const apnsId = apnsIds === null ? undefined : apnsIdText(apnsIds, index * apnsIdBytes);
    const payload =
      payloadOffsets === null ? undefined : utf8(payloads!, payloadOffsets[index], payloadOffsets[index + 1]);
    return {
      token,
      ...(apnsId !== undefined && { apnsId }),
      ...(payload !== undefined && { payload }),
      ...(fields !== null && fieldData(fields, index)),
    };
  });
}

function fieldData(fields: PersonalFields, index: number): Omit<Extract<RecipientData, object>, 'token'> {
  const { expirations, priorities } = fields;
  const collapseId = collapseIdAt(fields, index);
  return {
    ...(expirations !== null && { expiration: expirations[index]! }),
    ...(priorities !== null && { priority: priorities[index] as 10 | 5 | 1 }),
    ...(collapseId !== null && { collapseId }),
  };
}

function tokenText(token: Token): string {
  return typeof token === 'string' ? token : hexOf(token);
}

function utf8(bytes: Uint8Array, start?: number, end?: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', start, end);
}
