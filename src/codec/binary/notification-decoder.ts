/**
 * Reads notifications from a client's bytes: commands 0, 1 and 2, items in any order, in any chunking. The gateway's
 * side of the protocol; called by the simulator and by tests' gateways, on their thread. What a field's value is worth
 * (a token of the wrong size, no payload) is for the listener to judge.
 */

import { PealError } from '../../base/errors.js';
import { maxBinaryFrameBytes } from '../../base/limits.js';
import { readU16, readU32 } from '../octets.js';
import { Carry } from './carry.js';
import {
  BINARY_HEADER_BYTES,
  type Command,
  ENHANCED,
  FRAMED,
  ITEM_EXPIRY,
  ITEM_HEADER_BYTES,
  ITEM_IDENTIFIER,
  ITEM_PAYLOAD,
  ITEM_PRIORITY,
  ITEM_TOKEN,
  SIMPLE,
} from './wire.js';

/** One notification as it was received. One object serves all: it holds during the listener's call only. */
export class ReceivedNotification {
  command: Command = FRAMED;
  /** What token and payload are parts of. */
  bytes: Uint8Array = new Uint8Array(0);
  tokenStart = 0;
  /** Length of the token; -1 when there was none. */
  tokenBytes = -1;
  payloadStart = 0;
  /** Length of the payload; -1 when there was none. */
  payloadBytes = -1;
  /** 0 when there was none: that is also what a status about it says. */
  identifier = 0;
  /** Epoch seconds; -1 when there was none. */
  expiry = -1;
  /** -1 when there was none. */
  priority = -1;

  /** The token as binary; a view, empty when there was none. */
  token(): Uint8Array {
    return this.bytes.subarray(this.tokenStart, this.tokenStart + Math.max(0, this.tokenBytes));
  }

  /** A view, empty when there was none. */
  payload(): Uint8Array {
    return this.bytes.subarray(this.payloadStart, this.payloadStart + Math.max(0, this.payloadBytes));
  }
}

interface NotificationListener {
  /** Called from within receive(). False: nothing more is read, as a gateway does once it refuses a notification. */
  onNotification(notification: ReceivedNotification): boolean;
}

const firstCarryBytes = 512;

export class NotificationDecoder {
  readonly #listener: NotificationListener;
  readonly #carry = new Carry(firstCarryBytes);
  readonly #notification = new ReceivedNotification();
  #failure: PealError | null = null;
  #isStopped = false;

  constructor(listener: NotificationListener) {
    this.#listener = listener;
  }

  /**
   * What broke the protocol (ERR_PEAL_PROTOCOL: an unknown command, an item that reaches out of its frame or has the
   * wrong length; ERR_PEAL_LIMIT: a frame above maxBinaryFrameBytes): status 128. Nothing is read after it.
   */
  get failure(): PealError | null {
    return this.#failure;
  }

  /** Whether the listener or a failure ended the reading. */
  get isStopped(): boolean {
    return this.#isStopped || this.#failure !== null;
  }

  /** Whether a notification has begun and not ended, and its end would still be read. */
  get isPartial(): boolean {
    return this.#carry.length > 0 && !this.isStopped;
  }

  /** Takes `length` bytes at the start of `bytes`. */
  receive(bytes: Uint8Array, length: number): void {
    let at = this.#carry.length === 0 ? 0 : this.#complete(bytes, length);
    while (at < length && !this.isStopped) {
      const needed = this.#measure(bytes, at, length - at);
      if (needed > length - at) {
        if (!this.isStopped) this.#carry.append(bytes, at, length - at);
        return;
      }
      this.#read(bytes, at, needed);
      at += needed;
    }
  }

  /** Adds to the carried notification until it is whole; returns where the next one starts. */
  #complete(bytes: Uint8Array, length: number): number {
    const carry = this.#carry;
    let at = 0;
    while (at < length && !this.isStopped) {
      const needed = this.#measure(carry.bytes, 0, carry.length);
      const count = Math.min(needed - carry.length, length - at);
      carry.append(bytes, at, count);
      at += count;
      const whole = this.#measure(carry.bytes, 0, carry.length);
      if (whole > carry.length || this.isStopped) continue;
      carry.length = 0;
      this.#read(carry.bytes, 0, whole);
      break;
    }
    return at;
  }

  /**
   * Length of the notification at `at`, as far as its first `available` bytes tell: more than those while it is not
   * whole, exact once it is.
   */
  #measure(bytes: Uint8Array, at: number, available: number): number {
    const command = bytes[at];
    if (command === FRAMED) {
      if (available < BINARY_HEADER_BYTES) return BINARY_HEADER_BYTES;
      const frameBytes = readU32(bytes, at + 1);
      if (frameBytes > maxBinaryFrameBytes) this.#fail('ERR_PEAL_LIMIT', `a frame of ${frameBytes} bytes`);
      return BINARY_HEADER_BYTES + frameBytes;
    }
    if (command !== SIMPLE && command !== ENHANCED) {
      this.#fail('ERR_PEAL_PROTOCOL', `command ${command}`);
      return available + 1;
    }
    const tokenAt = command === SIMPLE ? 1 : 9;
    if (available < tokenAt + 2) return tokenAt + 2;
    const payloadAt = tokenAt + 2 + readU16(bytes, at + tokenAt);
    if (available < payloadAt + 2) return payloadAt + 2;
    return payloadAt + 2 + readU16(bytes, at + payloadAt);
  }

  #read(bytes: Uint8Array, at: number, length: number): void {
    if (this.isStopped) return;
    const notification = this.#notification;
    const command = bytes[at] as Command;
    notification.command = command;
    notification.bytes = bytes;
    notification.identifier = 0;
    notification.expiry = -1;
    notification.priority = -1;
    const isWhole = command === FRAMED ? this.#readItems(bytes, at, at + length) : this.#readLegacy(bytes, at);
    if (isWhole && !this.#listener.onNotification(notification)) this.#isStopped = true;
  }

  #readLegacy(bytes: Uint8Array, start: number): boolean {
    const notification = this.#notification;
    let at = start + 1;
    if (notification.command === ENHANCED) {
      notification.identifier = readU32(bytes, at);
      notification.expiry = readU32(bytes, at + 4);
      at += 8;
    }
    notification.tokenBytes = readU16(bytes, at);
    notification.tokenStart = at + 2;
    at = notification.tokenStart + notification.tokenBytes;
    notification.payloadBytes = readU16(bytes, at);
    notification.payloadStart = at + 2;
    return true;
  }

  /** Items of unknown ids are passed over; of one that comes twice the last counts. */
  #readItems(bytes: Uint8Array, start: number, end: number): boolean {
    this.#notification.tokenBytes = -1;
    this.#notification.payloadBytes = -1;
    let at = start + BINARY_HEADER_BYTES;
    while (at < end) {
      const dataAt = at + ITEM_HEADER_BYTES;
      if (dataAt > end) return this.#fail('ERR_PEAL_PROTOCOL', 'half an item at the end of a frame');
      const length = readU16(bytes, at + 1);
      if (dataAt + length > end) return this.#fail('ERR_PEAL_PROTOCOL', 'an item that reaches out of its frame');
      if (!this.#readItem(bytes[at]!, bytes, dataAt, length)) return false;
      at = dataAt + length;
    }
    return true;
  }

  #readItem(id: number, bytes: Uint8Array, at: number, length: number): boolean {
    const notification = this.#notification;
    switch (id) {
      case ITEM_TOKEN:
        notification.tokenStart = at;
        notification.tokenBytes = length;
        return true;
      case ITEM_PAYLOAD:
        notification.payloadStart = at;
        notification.payloadBytes = length;
        return true;
      case ITEM_IDENTIFIER:
        if (length !== 4) return this.#failItem('identifier', length);
        notification.identifier = readU32(bytes, at);
        return true;
      case ITEM_EXPIRY:
        if (length !== 4) return this.#failItem('expiry', length);
        notification.expiry = readU32(bytes, at);
        return true;
      case ITEM_PRIORITY:
        if (length !== 1) return this.#failItem('priority', length);
        notification.priority = bytes[at]!;
        return true;
      default:
        return true;
    }
  }

  #failItem(item: string, length: number): false {
    return this.#fail('ERR_PEAL_PROTOCOL', `an item "${item}" of ${length} bytes`);
  }

  #fail(code: 'ERR_PEAL_PROTOCOL' | 'ERR_PEAL_LIMIT', what: string): false {
    const message = `The client broke the binary protocol: it sent ${what}.`;
    this.#failure ??= new PealError(code, message, { origin: 'protocol' });
    return false;
  }
}
