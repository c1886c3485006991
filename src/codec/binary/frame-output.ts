/**
 * One write's worth of notifications, end to end. Slots of one template stay laid out after they were written
 * (slot-layout). Owned by one binary connection, which fills it while no write is outstanding; on its thread.
 *
 *   | slot | slot | slot | slot | … | flush |…free…
 */
import { outputBufferBytes } from '../../base/limits.js';
import { commonTokenBytes, type Recipients } from '../recipients.js';
import { SlotLayout } from '../slot-layout.js';
import type { FrameTemplate } from './frame-template.js';
import { type NotificationFields, notificationBytes, writeNotification } from './notification-writer.js';
import { FRAMED } from './wire.js';

const nothing = new Uint8Array(0);
const emptyPayload = new TextEncoder().encode('{}');

export class FrameOutput {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  readonly #layout = new SlotLayout();

  /** @param capacityBytes What one write holds at most; a notification larger than that is written alone. */
  constructor(capacityBytes: number = outputBufferBytes) {
    this.#bytes = new Uint8Array(Math.max(1, capacityBytes));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** What was appended since the last reset. A view, to stay untouched while it is written. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets what was written, and keeps the layout. */
  reset(): void {
    this.#length = 0;
  }

  /**
   * Appends notifications for the first `most` waiting recipients, as many as fit; the first has the identifier
   * `identifier`, and each one after it the next. At least one where the output is empty. Returns how many.
   */
  append(template: FrameTemplate, recipients: Recipients, most: number, identifier: number): number {
    if (most <= 0) return 0;
    if (template.ownFields !== 0) return this.#appendFields(template, recipients, most, identifier);
    if (template.hasPersonalPayloads) return this.#appendPersonal(template, recipients, most, identifier);
    const count = Math.min(most, this.#roomFor(template.image.length));
    if (count > 0) this.#patchSlots(template, recipients, count, identifier);
    return count;
  }

  /** Appends a known-bad notification: a token of no bytes, which every gateway refuses. */
  appendFlush(identifier: number): void {
    const fields: NotificationFields = {
      ...{ command: FRAMED, token: nothing, payload: emptyPayload },
      ...{ identifier, expiry: 0, priority: 10 },
    };
    const end = this.#length + notificationBytes(fields);
    this.#grow(end);
    this.#layout.cut(this.#length, end);
    writeNotification(this.#bytes, this.#length, fields);
    this.#length = end;
  }

  /** Slots that still fit; one where nothing has been appended, whatever its size. */
  #roomFor(slotBytes: number): number {
    const room = Math.floor((this.#bytes.length - this.#length) / slotBytes);
    if (room > 0 || this.#length > 0) return room;
    this.#grow(slotBytes);
    return 1;
  }

  // --- slots: the hot path ---

  #patchSlots(template: FrameTemplate, recipients: Recipients, count: number, identifier: number): void {
    const { tokenBytes, identifierOffset, image } = template;
    const slotBytes = image.length;
    const start = this.#length;
    this.#layOut(template, start, start + count * slotBytes);
    this.#length = start + count * slotBytes;
    if (tokenBytes === commonTokenBytes) this.#copyCommonTokens(template, recipients, count, start);
    else this.#copyTokens(template, recipients, count, start);
    if (identifierOffset >= 0) this.#numberSlots(start + identifierOffset, slotBytes, count, identifier);
  }

  /**
   * Copies tokens of 32 bytes into slots. Eight loads and stores written out are three times as fast as a loop over
   * them, and TypedArray.set or copyWithin cost more for a call than all of this.
   */
  #copyCommonTokens(template: FrameTemplate, recipients: Recipients, count: number, start: number): void {
    const { order, head } = recipients;
    const source = viewOf(recipients.tokens.bytes);
    const target = this.#view;
    const slotBytes = template.image.length;
    for (let i = 0, to = start + template.tokenOffset; i < count; i++, to += slotBytes) {
      const at = order[head + i]! * commonTokenBytes;
      target.setInt32(to, source.getInt32(at, true), true);
      target.setInt32(to + 4, source.getInt32(at + 4, true), true);
      target.setInt32(to + 8, source.getInt32(at + 8, true), true);
      target.setInt32(to + 12, source.getInt32(at + 12, true), true);
      target.setInt32(to + 16, source.getInt32(at + 16, true), true);
      target.setInt32(to + 20, source.getInt32(at + 20, true), true);
      target.setInt32(to + 24, source.getInt32(at + 24, true), true);
      target.setInt32(to + 28, source.getInt32(at + 28, true), true);
    }
  }

  /** The same for tokens of any other length. */
  #copyTokens(template: FrameTemplate, recipients: Recipients, count: number, start: number): void {
    const { order, head } = recipients;
    const { bytes, tokenBytes } = recipients.tokens;
    const target = this.#bytes;
    const slotBytes = template.image.length;
    for (let i = 0, to = start + template.tokenOffset; i < count; i++, to += slotBytes) {
      const at = order[head + i]! * tokenBytes;
      for (let byte = 0; byte < tokenBytes; byte++) target[to + byte] = bytes[at + byte]!;
    }
  }

  #numberSlots(first: number, slotBytes: number, count: number, identifier: number): void {
    const view = this.#view;
    for (let i = 0, at = first; i < count; i++, at += slotBytes) view.setUint32(at, identifier + i);
  }

  /** Makes sure that slots of `template` stand from `start` to `end`. */
  #layOut(template: FrameTemplate, start: number, end: number): void {
    const { image } = template;
    const bytes = this.#bytes;
    let from = this.#layout.standsUpTo(template, image.length, start);
    if (from >= end) return;
    // The first slot from the image, then what stands there already, doubled until it fills the rest.
    bytes.set(image, from);
    const first = from;
    from += image.length;
    while (from < end) {
      const size = Math.min(from - first, end - from);
      bytes.copyWithin(from, first, first + size);
      from += size;
    }
    this.#layout.extendTo(end);
  }

  // --- everything else ---

  #appendPersonal(template: FrameTemplate, recipients: Recipients, most: number, identifier: number): number {
    const { tokens, order, head } = recipients;
    const personal = recipients.personal!;
    const payloads = personal.payloads!;
    const offsets = personal.payloadOffsets!;
    const { tokenBytes, tokenOffset, identifierOffset } = template;
    let count = 0;
    for (; count < most; count++) {
      const index = order[head + count]!;
      const start = offsets[index]!;
      const end = offsets[index + 1]!;
      if (this.#roomFor(template.frameBytes(end - start)) === 0) break;
      const at = this.#length;
      this.#length = template.writePersonal(this.#bytes, at, payloads, start, end);
      this.#layout.cut(at, this.#length);
      const tokenAt = index * tokenBytes;
      for (let i = 0; i < tokenBytes; i++) this.#bytes[at + tokenOffset + i] = tokens.bytes[tokenAt + i]!;
      if (identifierOffset < 0) continue;
      this.#view.setUint32(at + identifierOffset + template.identifierShift(end - start), identifier + count);
    }
    return count;
  }

  /** Where recipients have expiry or priority of their own, each notification is written by itself. */
  #appendFields(template: FrameTemplate, recipients: Recipients, most: number, identifier: number): number {
    const { tokens, order, head } = recipients;
    const personal = recipients.personal!;
    const { payloads, payloadOffsets, fields } = personal;
    const { command, tokenBytes, notification } = template;
    let count = 0;
    for (; count < most; count++) {
      const index = order[head + count]!;
      const shared = payloads === null || payloadOffsets === null;
      const written: NotificationFields = {
        command,
        token: tokens.bytes.subarray(index * tokenBytes, (index + 1) * tokenBytes),
        payload: shared ? notification.payload : payloads.subarray(payloadOffsets[index], payloadOffsets[index + 1]),
        identifier: identifier + count,
        expiry: fields?.expirations?.[index] ?? notification.expiration,
        priority: fields?.priorities?.[index] ?? notification.priority,
      };
      if (this.#roomFor(notificationBytes(written)) === 0) break;
      const at = this.#length;
      this.#length = writeNotification(this.#bytes, at, written);
      this.#layout.cut(at, this.#length);
    }
    return count;
  }

  #grow(capacityBytes: number): void {
    if (capacityBytes <= this.#bytes.length) return;
    const grown = new Uint8Array(capacityBytes);
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
