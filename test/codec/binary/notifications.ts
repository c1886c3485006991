/** What a gateway reads from a client's bytes, as plain values to compare. */
import { Buffer } from 'node:buffer';
import { NotificationDecoder, type ReceivedNotification } from '../../../src/codec/binary/notification-decoder.js';

export interface PlainNotification {
  readonly command: number;
  /** Hex; null when there was none. */
  readonly token: string | null;
  readonly payload: string | null;
  readonly identifier: number;
  readonly expiry: number;
  readonly priority: number;
}

export function plain(notification: ReceivedNotification): PlainNotification {
  const { command, identifier, expiry, priority, tokenBytes, payloadBytes } = notification;
  const token = tokenBytes < 0 ? null : Buffer.from(notification.token()).toString('hex');
  const payload = payloadBytes < 0 ? null : Buffer.from(notification.payload()).toString();
  return { command, token, payload, identifier, expiry, priority };
}

/** Reads `bytes` in pieces of the given sizes, the last one as large as is left. */
export function readAll(
  bytes: Uint8Array,
  pieces: readonly number[] = [],
): { notifications: PlainNotification[]; failure: string | null; isPartial: boolean } {
  const notifications: PlainNotification[] = [];
  const decoder = new NotificationDecoder({
    onNotification: (notification) => {
      notifications.push(plain(notification));
      return true;
    },
  });
  for (const piece of cut(bytes, pieces)) decoder.receive(piece, piece.length);
  return { notifications, failure: decoder.failure?.code ?? null, isPartial: decoder.isPartial };
}

/** Each piece in a buffer that is spoilt by the next: what a decoder keeps it has to copy. */
export function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  const buffer = new Uint8Array(bytes.length + 1);
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    const piece = bytes.subarray(at, at + size);
    buffer.fill(0xee);
    buffer.set(piece);
    at += piece.length;
    if (piece.length > 0) yield buffer.subarray(0, piece.length);
  }
}
