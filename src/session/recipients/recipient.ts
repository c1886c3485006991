/**
 * What a program may name as a recipient, and the reading of a single one. Called by the packer, on the main thread.
 */
import { apsFields } from '../../apns/aps-fields.js';
import type { Expiration } from '../../apns/headers.js';
import type { RawPayload } from '../../apns/payload.js';
import { PealError } from '../../base/errors.js';
import { hexOf } from '../../base/hex.js';
import { maxInvalidTextCharacters, maxTextTokenBytes, maxTokenBytes, minTokenBytes } from '../../base/limits.js';
import { isSameName } from '../../base/nearest-name.js';
import { adviceForUnknown } from '../../base/options.js';
import { escapeUnprintable, typeNameOf } from '../../base/text.js';
import { TokenBlock } from '../../push/token-block.js';
import { RecipientList } from './recipient-list.js';
import type { RowBatch } from './row-batch.js';
import { Rows } from './rows.js';

/**
 * A device token: text (hex, `<…>` with blanks, base64) or its bytes. Bytes that hold text are read as text, also with
 * a byte order mark, NULs or white space around it, and in UTF-16: a `Buffer` of 64 hex digits is the token that the
 * digits spell. Bytes drawn by chance, as tokens are, are not text.
 */
export type Token = string | Uint8Array;

/** A recipient with something of its own. What it does not bring is the message's. Other properties are refused. */
export interface PersonalRecipient {
  readonly token: Token;
  /** A UUID; APNs makes one where it is missing. */
  readonly apnsId?: string;
  /** A payload of its own instead of the message's: plain data, or JSON as text or UTF-8. Same limits. */
  readonly payload?: RawPayload;
  /** As in a message. Times from now count from when the recipient is taken in. */
  readonly expiration?: Expiration;
  /** As in a message. */
  readonly priority?: 10 | 5 | 1;
  /** As in a message. Not for binary gateways. */
  readonly collapseId?: string;
}

const recipientKeys = ['token', 'apnsId', 'payload', 'expiration', 'priority', 'collapseId'];
/** What other libraries call these, and what is said elsewhere. */
const recipientHints = {
  devicetoken: 'write token',
  id: 'write apnsId',
  expiry: 'write expiration',
  topic: 'it belongs into the message: a message for each topic',
  pushtype: 'it belongs into the message: a message for each pushType',
};

/** What is wrong with the properties of a recipient, as the rest of a sentence about it; null where nothing is. */
export function unknownPropertyOf(recipient: object): string | null {
  for (const key of Object.keys(recipient)) {
    if (recipientKeys.includes(key)) continue;
    return `has an unknown property ${JSON.stringify(escapeUnprintable(key, 40))}: ${adviceFor(key)}`;
  }
  return null;
}

/** Fields of the payload are spelt in two ways, and belong into one. */
function adviceFor(key: string): string {
  const field = Object.keys(apsFields).find((name) => isSameName(name, key));
  if (field !== undefined) {
    const it = field === key ? 'it' : `write ${field}, and it`;
    return `${it} belongs into the message, or into a payload of the recipient's own`;
  }
  return adviceForUnknown(key, recipientKeys, recipientHints).replace(/\.$/, '');
}

/** The fields of a recipient's own payload, or the payload as it is sent. */
export type OwnPayload = object | string | Uint8Array;

/**
 * One recipient, or many at once: a `TokenBlock` as `readTokens` yields it, or a list kept from an earlier send.
 * A block is used in place and must not be written to before the send has ended.
 */
export type Recipient = Token | PersonalRecipient | TokenBlock | RecipientList;

/** What a stream of recipients may yield: recipients, and rows with fields. */
export type StreamedRecipient = Recipient | Rows | RowBatch;

/** A recipient that failed the local checks and was never written. */
export interface InvalidRecipient {
  /** Position among all recipients of the send, from 0. */
  readonly index: number;
  /** What was given as its token, at most 120 characters, without characters that do not print. */
  readonly text: string;
  /** The rest of a sentence that begins with the text: "has 63 hex digits, an odd number". */
  readonly why: string;
}

/** What was given as a token, fit to be shown. */
export function textOf(token: unknown): string {
  if (typeof token === 'string') return escapeUnprintable(token, maxInvalidTextCharacters);
  try {
    return token instanceof Uint8Array ? shownBytes(token) : typeNameOf(token);
  } catch {
    return 'of type object';
  }
}

function shownBytes(token: Uint8Array): string {
  return hexOf(token.subarray(0, maxInvalidTextCharacters / 2));
}

/** How many recipients a list of them holds. */
export function countRecipients(recipients: readonly (Recipient | Rows)[]): number {
  let count = 0;
  for (const recipient of recipients) count += sizeOf(recipient);
  return count;
}

/** What cannot be looked at (a revoked proxy) is one recipient, and refused when it is read. */
function sizeOf(recipient: Recipient | Rows): number {
  try {
    if (recipient instanceof TokenBlock || recipient instanceof Rows) return recipient.count;
    return recipient instanceof RecipientList ? recipient.length : 1;
  } catch {
    return 1;
  }
}

export function isPersonal(recipient: unknown): recipient is PersonalRecipient {
  return typeof recipient === 'object' && recipient !== null && 'token' in recipient;
}

/**
 * Whether the recipient, or all of them, have payloads of their own. A value that is not a recipient is refused as
 * such.
 */
export function bringsPayload(recipient: Recipient): boolean {
  if (recipient instanceof RecipientList) return recipient.batches.every(({ personal }) => personal?.payloads != null);
  return isPersonal(recipient) && recipient.payload !== undefined;
}

/** Throws PealError ERR_PEAL_TOKEN for a block whose numbers do not fit its bytes. */
export function checkBlock({ bytes, tokenBytes, count, encoding }: TokenBlock, minBytes = minTokenBytes): void {
  const [least, most] = encoding === 'hex' ? [minBytes, maxTokenBytes] : [1, maxTextTokenBytes];
  const isLength = Number.isInteger(tokenBytes) && tokenBytes >= least && tokenBytes <= most;
  if (isLength && Number.isInteger(count) && count >= 0 && bytes.length >= count * tokenBytes) return;
  const what = `A TokenBlock of ${count} tokens of ${tokenBytes} bytes does not fit its ${bytes.length} bytes`;
  const message = `${what}: give count tokens of ${least} to ${most} bytes each.`;
  throw new PealError('ERR_PEAL_TOKEN', message, { origin: 'usage' });
}
