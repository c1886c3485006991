/**
 * A message to FCM in the parts of which a sender puts requests together: the body, but for the recipient that stands
 * in it. Made by compile-fcm, once for each message; read by sends and lanes. Main thread.
 *
 *   {"message":{"token":"dYxV…:APA91b…","notification":{"title":"Hi"}}}
 *   bodyStart           recipient     payloadText
 */
import type { Address } from '../push/address.js';
import { type Authentication, type CompiledMessage, otherServiceError } from '../push/compiled-message.js';
import type { HeaderField, Notification } from '../push/notification.js';
import { isUsualToken, readTarget, type TargetKind } from './registration-token.js';

/** Immutable. */
export class FcmNotification implements CompiledMessage {
  readonly service = 'fcm';
  readonly encoding = 'text';
  readonly isNamedByService = true;
  readonly isRaw = false;
  readonly isForeignId = true;
  // What stands in header fields with APNs is within the message.
  readonly expiration = null;
  readonly priority = null;
  readonly collapseId = null;
  readonly apnsId = null;
  readonly target: TargetKind;
  /** The message without a recipient: JSON text of the HTTP v1 API. Placeholders may stand in its strings. */
  readonly messageText: string;
  readonly dryRun: boolean;
  /** What follows the recipient in the body. Begins with the quote that closes the recipient. */
  readonly payloadText: string;
  #payload: Uint8Array | null = null;
  #notification: Notification | null = null;

  constructor(target: TargetKind, messageText: string, dryRun: boolean) {
    this.target = target;
    this.messageText = messageText;
    this.dryRun = dryRun;
    this.payloadText = `${behindRecipient(messageText.slice(1))}${endOf(dryRun)}`;
  }

  /** The body without a recipient: `{"message":{…}}`. */
  get json(): string {
    return bodyText(this.messageText, this.dryRun);
  }

  get sharedHeaders(): readonly HeaderField[] {
    return shared[this.target].headers;
  }

  get recipientName(): string {
    return this.target === 'fid' ? 'installation id' : this.target;
  }

  get bodyStart(): Uint8Array {
    return shared[this.target].bodyStart;
  }

  /** What follows the recipient, as UTF-8. */
  get payload(): Uint8Array {
    this.#payload ??= encoder.encode(this.payloadText);
    return this.#payload;
  }

  /** The notification as plain data, frozen. */
  get notification(): Notification {
    const { sharedHeaders: headers, bodyStart, payload } = this;
    this.#notification ??= Object.freeze({ headers, bodyStart, payload, expiration: null, priority: null });
    return this.#notification;
  }

  isPlainToken(token: string): boolean {
    return this.target === 'token' && isUsualToken(token);
  }

  // A function that needs no `this`, because senders keep it.
  get readToken(): TokenReader {
    return shared[this.target].readToken;
  }

  checkFor(_credential: Authentication, address: Address): void {
    if (address.protocol !== 'fcm') throw otherServiceError(address, 'an FcmMessage', 'a Message');
  }
}

const encoder = new TextEncoder();
/** What each body begins with. */
const start = '{"message":{';

/** What messages share whose recipients are of one kind. */
interface SharedParts {
  readonly headers: readonly HeaderField[];
  readonly bodyStart: Uint8Array;
  readonly readToken: TokenReader;
}

type TokenReader = CompiledMessage['readToken'];

function sharedParts(target: TargetKind): SharedParts {
  const headers = Object.freeze([Object.freeze(['content-type', 'application/json'] as const)]);
  const readToken = (token: unknown): Uint8Array | string => {
    const read = readTarget(token, target);
    return read instanceof Uint8Array ? read : read.why;
  };
  return { headers, bodyStart: encoder.encode(`${start}"${target}":"`), readToken };
}

const shared: Readonly<Record<TargetKind, SharedParts>> = {
  token: sharedParts('token'),
  topic: sharedParts('topic'),
  condition: sharedParts('condition'),
  fid: sharedParts('fid'),
};

/**
 * Returns what follows the recipient in a body. A body that was cut at its placeholders begins with the same octets,
 * and its first piece is taken in the same way.
 *
 * @param json a body without a recipient (`FcmNotification.json`), or its beginning
 */
export function afterRecipient(json: string): string {
  return behindRecipient(json.slice(start.length));
}

/** @param rest what follows the brace that opens the message */
function behindRecipient(rest: string): string {
  return rest.startsWith('}') ? `"${rest}` : `",${rest}`;
}

/** A body without a recipient around the JSON text of its message. */
export function bodyText(message: string, dryRun: boolean): string {
  return `{"message":${message}${endOf(dryRun)}`;
}

/** What follows the message in a body. */
function endOf(dryRun: boolean): string {
  return dryRun ? ',"validate_only":true}' : '}';
}
