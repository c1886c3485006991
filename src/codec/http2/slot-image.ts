/**
 * One request as it stands in the output: HEADERS and DATA with everything in place but the stream ids, the token and,
 * where used, a personal apns-id or payload. Made by request-template for one state of the HPACK encoder; never
 * changed after that, so that output buffers know by identity what they hold.
 *
 * Where recipients bring header fields of their own, these follow at `headBytes`, before the payload.
 *
 *   | frame header | constant fields | :path /3/device/<hex> | constant fields | apns-id | frame header | payload |
 *   0              9                            ^ hexOffset                     ^ idOffset ^ headBytes
 */
export interface SlotImage {
  readonly bytes: Uint8Array;
  /** Length of a whole slot. Without a payload, or with personal ones, it ends at `headBytes`. */
  readonly slotBytes: number;
  /** Length of the HEADERS frame. */
  readonly headBytes: number;
  /** Where the token's first hex digit stands. */
  readonly hexOffset: number;
  /** Where the 36 characters of a personal apns-id stand; -1 without one. */
  readonly idOffset: number;
  readonly tokenBytes: number;
  /** Bytes of DATA in the slot. */
  readonly payloadBytes: number;
}
