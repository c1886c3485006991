/**
 * The numbers of the binary provider protocol. Constants, used by this folder's encoders and
 * decoders, on whichever thread owns the connection.
 *
 * Source: Apple, "Binary Provider API" and "Legacy Notification Format" (Local and Remote Notification Programming
 * Guide, 2018). All integers are big-endian.
 *
 *   command 0   00 | u16 tokenLength | token | u16 payloadLength | payload
 *   command 1   01 | u32 identifier | u32 expiry | u16 tokenLength | token | u16 payloadLength | payload
 *   command 2   02 | u32 frameLength | items, each: u8 id | u16 length | data
 *   status      08 | u8 status | u32 identifier
 *   feedback    u32 seconds | u16 tokenLength | token
 */

/** The layout of a notification. */
export type Command = 0 | 1 | 2;

/** Command 0: token and payload, nothing by which a status could name it. */
export const SIMPLE = 0;
/** Command 1: with identifier and expiry. */
export const ENHANCED = 1;
/** Command 2: a frame of items. */
export const FRAMED = 2;
/** What a status response begins with. */
export const STATUS = 8;

export const ITEM_TOKEN = 1;
export const ITEM_PAYLOAD = 2;
export const ITEM_IDENTIFIER = 3;
export const ITEM_EXPIRY = 4;
export const ITEM_PRIORITY = 5;
/** Id and length in front of an item's data. */
export const ITEM_HEADER_BYTES = 3;
/** Command and length in front of the items. */
export const BINARY_HEADER_BYTES = 5;

// The statuses that say more than why a notification was rejected; apns/reason knows all of them.
/** Nothing was wrong: said by gateways that answer without being asked. */
export const STATUS_NO_ERROR = 0;
/** The status of a notification without a token, such as a flush. */
export const STATUS_MISSING_TOKEN = 2;
/** The identifier names the last notification that was delivered, not one that failed. */
export const STATUS_SHUTDOWN = 10;

/** The highest identifier that an unsigned 32-bit integer holds. */
export const LAST_IDENTIFIER = 0xffffffff;
