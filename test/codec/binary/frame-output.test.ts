/** Slots that are laid out once hold, after any sequence of writes, what field-by-field encoding gives. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { FrameOutput } from '../../../src/codec/binary/frame-output.js';
import { FrameTemplate } from '../../../src/codec/binary/frame-template.js';
import { notificationBytes, writeNotification } from '../../../src/codec/binary/notification-writer.js';
import type { Command } from '../../../src/codec/binary/wire.js';
import type { Notification, PersonalParts } from '../../../src/push/notification.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { readAll } from './notifications.js';

function notificationOf(payload: string, priority: number | null = 10): Notification {
  return { headers: [], payload: Buffer.from(payload), expiration: 1_700_000_000, priority };
}

function tokensOf(count: number, tokenBytes: number): TokenBlock {
  const bytes = new Uint8Array(count * tokenBytes).map((_, i) => Math.imul(i + 1, 2654435761) >>> 24);
  return new TokenBlock(bytes, tokenBytes, count);
}

/** What one append is to put out, written field by field. */
function byField(
  notification: Notification,
  command: Command,
  tokens: TokenBlock,
  personal: PersonalParts | null,
  indices: readonly number[],
  identifier: number,
): Uint8Array {
  return Buffer.concat(
    indices.map((index, i) => {
      const { tokenBytes } = tokens;
      const token = tokens.bytes.subarray(index * tokenBytes, (index + 1) * tokenBytes);
      const offsets = personal?.payloadOffsets ?? null;
      const payload =
        offsets === null ? notification.payload : personal!.payloads!.subarray(offsets[index], offsets[index + 1]);
      const { expiration: expiry, priority } = notification;
      const fields = { command, token, payload, identifier: identifier + i, expiry, priority };
      const bytes = Buffer.alloc(notificationBytes(fields));
      writeNotification(bytes, 0, fields);
      return bytes;
    }),
  );
}

function personalOf(count: number): PersonalParts {
  const payloads = Array.from({ length: count }, (_, i) => Buffer.from(`{"n":"${'x'.repeat((i * 7) % 60)}"}`));
  const payloadOffsets = new Uint32Array(count + 1);
  payloads.forEach((payload, i) => {
    payloadOffsets[i + 1] = payloadOffsets[i]! + payload.length;
  });
  return { apnsIds: null, payloads: Buffer.concat(payloads), payloadOffsets };
}

describe('codec/binary/frame-output', () => {
  it('puts out what encoding field by field does, whatever was in the buffer before', () => {
    const command = fc.constantFrom<Command>(0, 1, 2);
    const append = fc.record({
      template: fc.integer({ min: 0, max: 2 }),
      isPersonal: fc.boolean(),
      most: fc.integer({ min: 1, max: 12 }),
      resets: fc.boolean(),
      flushes: fc.boolean(),
    });
    const tokenBytes = fc.constantFrom(1, 3, 32, 100);
    fc.assert(
      fc.property(command, tokenBytes, fc.array(append, { maxLength: 30 }), (cmd, size, appends) => {
        const notifications = [notificationOf('{"aps":{}}'), notificationOf('{"a":1}'), notificationOf('{}', null)];
        const templates = notifications.map((each) => new FrameTemplate(each, { tokenBytes: size, command: cmd }));
        const personalOnes = notifications.map(
          (each) => new FrameTemplate(each, { tokenBytes: size, command: cmd, hasPersonalPayloads: true }),
        );
        const tokens = tokensOf(20, size);
        const personal = personalOf(20);
        const order = Uint16Array.from({ length: 20 }, (_, i) => (i * 7) % 20);
        const output = new FrameOutput(1500);
        let expected = Buffer.alloc(0);
        let identifier = 1;
        for (const { template, isPersonal, most, resets, flushes } of appends) {
          if (resets) {
            output.reset();
            expected = Buffer.alloc(0);
          }
          const wanted = (isPersonal ? personalOnes : templates)[template]!;
          const parts = isPersonal ? personal : null;
          const count = output.append(
            wanted,
            { tokens, personal: parts, order, head: 3, tagBase: 0 },
            most,
            identifier,
          );
          assert.ok(count > 0 || expected.length > 0, 'at least one goes into an empty output');
          const indices = [...order.subarray(3, 3 + count)];
          const more = byField(notifications[template]!, cmd, tokens, parts, indices, identifier);
          expected = Buffer.concat([expected, more]);
          identifier += count;
          if (flushes) {
            const before = expected.length;
            output.appendFlush(identifier);
            const flush = output.take().subarray(before);
            assert.deepEqual(readAll(flush).notifications, [
              { command: 2, token: '', payload: '{}', identifier, expiry: 0, priority: 10 },
            ]);
            expected = Buffer.concat([expected, flush]);
          }
          assert.ok(Buffer.compare(output.take(), expected) === 0, 'the output differs');
        }
      }),
    );
  });

  it('writes an expiry and a priority of the recipient’s own in the place of the shared ones', () => {
    const tokens = tokensOf(6, 32);
    const order = Uint16Array.of(5, 0, 3);
    const notification = notificationOf('{"aps":{}}');
    for (const payloads of [null, personalOf(6)]) {
      const expirations = Uint32Array.of(0, 1, 2, 4_000_000_000, 4, 5);
      const fields = {
        expirations,
        priorities: Uint8Array.of(5, 10, 5, 5, 10, 10),
        collapseIds: null,
        collapseIdOffsets: null,
      };
      const personal = { apnsIds: null, payloads: null, payloadOffsets: null, ...payloads, fields };
      const template = new FrameTemplate(notification, {
        tokenBytes: 32,
        hasPersonalPayloads: payloads !== null,
        ownFields: 3,
      });
      const output = new FrameOutput(5000);
      assert.equal(output.append(template, { tokens, personal, order, head: 0, tagBase: 0 }, 3, 7), 3);
      const read = readAll(output.take()).notifications;
      assert.deepEqual(
        read.map(({ token, identifier, expiry, priority }) => [token, identifier, expiry, priority]),
        [
          [tokens.textAt(5), 7, 5, 10],
          [tokens.textAt(0), 8, 0, 5],
          [tokens.textAt(3), 9, 4_000_000_000, 5],
        ],
      );
      const third = payloads === null ? '{"aps":{}}' : `{"n":"${'x'.repeat(21)}"}`;
      assert.equal(read[2]!.payload, third);
    }
  });

  it('fills one write and no more', () => {
    const template = new FrameTemplate(notificationOf('x'.repeat(120)), { tokenBytes: 32 });
    const order = Uint16Array.from({ length: 100 }, (_, i) => i);
    const output = new FrameOutput(181 * 10 + 180);
    const recipients = { tokens: tokensOf(100, 32), personal: null, order, head: 0, tagBase: 0 };
    assert.equal(output.append(template, recipients, 100, 1), 10);
    assert.equal(output.append(template, { ...recipients, head: 10 }, 90, 11), 0);
  });

  it('writes a notification larger than its buffer alone', () => {
    const template = new FrameTemplate(notificationOf('x'.repeat(2000)), { tokenBytes: 32 });
    const output = new FrameOutput(64);
    const recipients = { tokens: tokensOf(2, 32), personal: null, order: Uint16Array.of(0, 1), head: 0, tagBase: 0 };
    assert.equal(output.append(template, recipients, 2, 1), 1);
    assert.equal(output.take().length, 2061);
  });

  it('takes no payload that two octets of length cannot say', () => {
    const payload = 'x'.repeat(65_536);
    assert.throws(() => new FrameTemplate(notificationOf(payload), { tokenBytes: 32 }), { code: 'ERR_PEAL_PAYLOAD' });
    assert.throws(() => new FrameTemplate(notificationOf('{}'), { tokenBytes: 0 }), { code: 'ERR_PEAL_TOKEN' });
  });
});
