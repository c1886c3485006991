/**
 * Notifications whose values are left to the gateway to judge: an unknown push type, priority 7 or a topic that does
 * not go with the push type are sent as they are, and the gateway's answer says what is wrong. For callers that stand
 * in for other libraries (compat/), which check nothing; a program's own messages are checked by headers and payload.
 * Only what would break the request itself is refused. Pure; main thread, once for each notification.
 */
import { PealError } from '../base/errors.js';
import { escapeUnprintable } from '../base/text.js';
import type { HeaderField } from '../push/notification.js';
import { isUuid } from './apns-id.js';
import { CompiledNotification } from './compile-notification.js';
import { HeaderSets } from './header-sets.js';
import { checkFieldName, collapseIdProblem, isFieldValue } from './headers.js';
import { checkPayloadText } from './payload.js';
import { isPushType, type PushType } from './push-type.js';

/** The values of the header fields as text, or as numbers; null or undefined where a field is not sent. */
export interface RawFields {
  readonly topic?: string | null | undefined;
  readonly pushType?: string | null | undefined;
  readonly priority?: number | null | undefined;
  /** Epoch seconds. */
  readonly expiration?: number | null | undefined;
  readonly collapseId?: string | null | undefined;
  readonly apnsId?: string | null | undefined;
  /** More fields, by names in lower case. */
  readonly further?: readonly HeaderField[];
  /** JSON, well-formed Unicode, not empty. */
  readonly payloadText: string;
}

/**
 * What raw notifications share. Sets of their own, so that a checked message never goes the way of an unchecked one.
 */
const rawSets = new HeaderSets();

const noFields: readonly HeaderField[] = [];
const maxExpiration = 0xffffffff;
const priorities: ReadonlySet<unknown> = new Set([10, 5, 1]);

/**
 * Returns the notification. Values that usual messages have go the usual way; any other value is sent as text.
 *
 * @throws PealError ERR_PEAL_HEADER for a value with characters that would end its header field, or of more than 1,024
 *   characters, and for a name in `further` as of `rawField`; ERR_PEAL_PAYLOAD for a payload larger than its push type
 *   allows
 */
export function rawNotification(fields: RawFields): CompiledNotification {
  const { topic, pushType, priority, expiration, collapseId, apnsId, payloadText } = fields;
  const further: HeaderField[] = [];
  const knownType = isPushType(pushType) ? pushType : null;
  if (pushType != null && knownType === null) further.push(textField('apns-push-type', pushType));
  const own = {
    priority: ownOrText(priority, priorities.has(priority), 'apns-priority', further),
    expiration: ownOrText(expiration, isExpiration(expiration), 'apns-expiration', further),
    collapseId: ownOrText(collapseId, collapseIdProblem(collapseId) === null, 'apns-collapse-id', further),
    apnsId: ownOrText(apnsId, typeof apnsId === 'string' && isUuid(apnsId), 'apns-id', further)?.toLowerCase() ?? null,
  };
  for (const [name, value] of fields.further ?? noFields) further.push(rawField(name, value));
  checkPayloadText(payloadText, knownType);
  const isForeignId = apnsId != null && own.apnsId === null;
  return new CompiledNotification(setOf(topic ?? undefined, knownType, further), own, payloadText, { isForeignId });
}

function setOf(topic: string | undefined, pushType: PushType | null, further: readonly HeaderField[]) {
  const found = rawSets.find(topic, pushType, further, rawSets.topic(topic));
  if (found !== undefined) return found;
  if (topic !== undefined) textField('apns-topic', topic);
  return rawSets.add(topic, pushType, further, null);
}

/** The value if requests have a place for it; null where it is not given, or stands in `further` as text. */
function ownOrText<T extends string | number>(
  value: T | null | undefined,
  isUsual: boolean,
  name: string,
  further: HeaderField[],
): T | null {
  if (value === null || value === undefined) return null;
  if (isUsual) return value;
  further.push(textField(name, value));
  return null;
}

function isExpiration(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maxExpiration;
}

/**
 * A further field.
 *
 * @throws PealError ERR_PEAL_HEADER for a name that is none in lower case, or that belongs to the connection, and for a
 *   value as of `rawNotification`
 */
export function rawField(name: string, value: unknown): HeaderField {
  checkFieldName(name);
  return textField(name, value);
}

function textField(name: string, value: unknown): HeaderField {
  const text = String(value);
  if (isFieldValue(text)) return [name, text];
  const shown = escapeUnprintable(text, 80);
  const message = `The header ${name} is "${shown}": it must be 1 to 1024 visible ASCII characters, blanks only within.`;
  throw new PealError('ERR_PEAL_HEADER', message, { origin: 'usage' });
}
