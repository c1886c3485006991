/**
 * A notification in the parts of which a sender of many messages puts requests together, whichever push service it is
 * for. Implemented by apns/compile-notification and fcm/fcm-notification; read by sends and lanes. Main thread.
 */
import { PealError } from '../base/errors.js';
import { type Address, addressUrl, type Environment } from './address.js';
import type { HeaderField, Notification } from './notification.js';
import type { TokenEncoding } from './token-block.js';

/** What a credential is good for, as far as it says so itself. */
export interface Authentication {
  readonly kind: 'certificate' | 'token' | 'none';
  /** The topics that a certificate lists; null: not known. */
  readonly topics: readonly string[] | null;
  /** The environments that a certificate names; null: not known. */
  readonly environments: readonly Environment[] | null;
}

export interface CompiledMessage {
  /** The push service that it is for. */
  readonly service: 'apns' | 'fcm';
  /**
   * The header fields that all messages like it share. Equal fields are in the same frozen array, as long as messages
   * with them keep coming; equal arrays have equal `bodyStart`s, too.
   */
  readonly sharedHeaders: readonly HeaderField[];
  /** As in Notification. */
  readonly bodyStart: Uint8Array | null;
  /** How the tokens of its recipients are written. */
  readonly encoding: TokenEncoding;
  readonly expiration: number | null;
  readonly priority: number | null;
  readonly collapseId: string | null;
  readonly apnsId: string | null;
  /**
   * Compact JSON, or what of it follows the token; well-formed Unicode. Empty if each recipient needs a payload of its
   * own.
   */
  readonly payloadText: string;
  /** Whether the answers of its service name notifications, which peal cannot. */
  readonly isNamedByService: boolean;
  /** Its values were not checked: the gateway judges them. */
  readonly isRaw: boolean;
  /** Whether peal gives its notifications no ids: they have one that peal could not read, or the service names them. */
  readonly isForeignId: boolean;
  /** The payload as UTF-8. */
  readonly payload: Uint8Array;
  /** As plain data, frozen. */
  readonly notification: Notification;
  /** What its recipients are called in sentences. Default: `token`. */
  readonly recipientName?: string;
  /** Whether its service only checks it, and delivers it to nobody. Default: false. */
  readonly dryRun?: boolean;
  /** Whether the characters of this token are its bytes, so that it need not be read. Missing: tokens are no text. */
  isPlainToken?(token: string): boolean;
  /**
   * The bytes of a token of its service, or why it is not one. Never throws. `minBytes`: the shortest token there is.
   */
  readToken(token: unknown, minBytes?: number): Uint8Array | string;
  /** Throws PealError for a message that cannot be sent with that credential, or is not for that gateway. */
  checkFor(credential: Authentication, address: Address): void;
}

/** A message that was given to the gateway of another push service. */
export function otherServiceError(address: Address, given: string, wanted: string): PealError {
  const message = `The gateway ${addressUrl(address)} takes ${wanted}, and this is ${given}: send it through its own service.`;
  return new PealError('ERR_PEAL_ADDRESS', message, { origin: 'usage' });
}
