/**
 * A message made ready to send: plain data, so that it crosses threads unchanged.
 * Made by apns/compile-notification from the options of a message; read by codecs.
 */

/** Bytes of an apns-id, which is a UUID. */
export const apnsIdBytes = 16;

/** A header field as it is sent. Names are lower case. Both texts were checked by apns/headers. */
export type HeaderField = readonly [name: string, value: string];

export interface Notification {
  /**
   * The apns-* fields that all recipients share, in the order in which they are sent.
   * Pseudo-fields, `authorization` and a personal `apns-id` are added by the connection.
   */
  readonly headers: readonly HeaderField[];
  /**
   * The JSON payload as UTF-8, or what of the body follows the device token. Unused for recipients with a payload of
   * their own.
   */
  readonly payload: Uint8Array;
  /**
   * What of the body comes before the device token, where the token stands in the body as text. Missing: it stands in
   * the path as hex digits.
   */
  readonly bodyStart?: Uint8Array;
  /** Epoch seconds; 0: one attempt; null: left to APNs. As in `apns-expiration`, for the binary protocol. */
  readonly expiration: number | null;
  /** 10, 5 or 1; null: left to APNs. As in `apns-priority`, for the binary protocol. */
  readonly priority: number | null;
}

/** The recipients' own values in one block. Index i belongs to the token at index i of the block. */
export interface PersonalParts {
  /** 16 bytes (a UUID) for each recipient, or null if APNs makes the ids. */
  readonly apnsIds: Uint8Array | null;
  /** The payloads end to end, or null if all recipients share the notification's. */
  readonly payloads: Uint8Array | null;
  /** count + 1 offsets into `payloads`; null exactly when `payloads` is. */
  readonly payloadOffsets: Uint32Array | null;
  /** Header fields that replace the notification's; null or missing if all recipients share those. */
  readonly fields?: PersonalFields | null;
}

/** Header fields of recipients. For each kind, either every recipient of the block has one, or none has. */
export interface PersonalFields {
  /** Epoch seconds; 0: one attempt. */
  readonly expirations: Uint32Array | null;
  /** 10, 5 or 1. */
  readonly priorities: Uint8Array | null;
  /** Visible ASCII, end to end. */
  readonly collapseIds: Uint8Array | null;
  /** count + 1 offsets into `collapseIds`; null exactly when `collapseIds` is. */
  readonly collapseIdOffsets: Uint32Array | null;
}
