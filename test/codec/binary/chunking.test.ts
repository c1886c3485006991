/** Whatever pieces bytes come in, the same is read; and what was written is what is read. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { FeedbackDecoder, writeFeedbackTuple } from '../../../src/codec/binary/feedback.js';
import {
  type NotificationFields,
  notificationBytes,
  writeNotification,
} from '../../../src/codec/binary/notification-writer.js';
import { StatusDecoder, writeStatus } from '../../../src/codec/binary/status.js';
import { cut, readAll } from './notifications.js';

const pieces = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 60 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const notification: fc.Arbitrary<NotificationFields> = fc.record({
  command: fc.constantFrom(0 as const, 1 as const, 2 as const),
  token: fc.uint8Array({ maxLength: 100 }),
  payload: fc.uint8Array({ maxLength: 700 }).map((bytes) => bytes.map((byte) => byte & 0x7f)),
  identifier: u32,
  expiry: fc.option(u32),
  priority: fc.option(fc.constantFrom(5, 10)),
});

/** What a gateway is to read of it: each command says less. */
function expected({ command, token, payload, identifier, expiry, priority }: NotificationFields): unknown {
  const isFrame = command === 2;
  return {
    command,
    token: Buffer.from(token).toString('hex'),
    payload: Buffer.from(payload).toString(),
    identifier: command === 0 ? 0 : identifier,
    expiry: command === 0 ? -1 : (expiry ?? (isFrame ? -1 : 0)),
    priority: isFrame ? (priority ?? -1) : -1,
  };
}

function encode(notifications: readonly NotificationFields[]): Uint8Array {
  const bytes = new Uint8Array(notifications.reduce((sum, each) => sum + notificationBytes(each), 0));
  notifications.reduce((at, each) => writeNotification(bytes, at, each), 0);
  return bytes;
}

describe('codec/binary in pieces', () => {
  it('reads any notifications as they were written', () => {
    fc.assert(
      fc.property(fc.array(notification, { maxLength: 12 }), pieces, (notifications, sizes) => {
        const read = readAll(encode(notifications), sizes);
        assert.deepEqual(read, { notifications: notifications.map(expected), failure: null, isPartial: false });
      }),
    );
  });

  it('reads any bytes alike in any pieces', () => {
    fc.assert(
      fc.property(
        fc.array(notification, { maxLength: 3 }),
        fc.uint8Array({ maxLength: 60 }),
        pieces,
        (good, bad, sizes) => {
          const bytes = Uint8Array.from([...encode(good), ...bad]);
          assert.deepEqual(readAll(bytes, sizes), readAll(bytes));
        },
      ),
    );
  });

  it('reads statuses alike in any pieces', () => {
    const status = fc.tuple(fc.integer({ min: 0, max: 255 }), u32);
    fc.assert(
      fc.property(fc.array(status, { maxLength: 5 }), pieces, (statuses, sizes) => {
        const bytes = new Uint8Array(6 * statuses.length);
        statuses.reduce((at, [code, identifier]) => writeStatus(bytes, at, code, identifier), 0);
        const read: number[][] = [];
        const decoder = new StatusDecoder({ onStatus: (...one) => read.push(one) });
        for (const piece of cut(
          bytes,
          sizes.map((size) => (size % 7) + 1),
        ))
          decoder.receive(piece, piece.length);
        assert.deepEqual(read, statuses);
        assert.equal(decoder.isPartial, false);
      }),
    );
  });

  it('reads feedback alike in any pieces', () => {
    const tuple = fc.tuple(u32, fc.uint8Array({ maxLength: 100 }));
    fc.assert(
      fc.property(fc.array(tuple, { maxLength: 20 }), pieces, fc.nat(), (tuples, sizes, cutOff) => {
        const bytes = new Uint8Array(tuples.reduce((sum, [, token]) => sum + 6 + token.length, 0));
        tuples.reduce((at, [seconds, token]) => writeFeedbackTuple(bytes, at, seconds, token), 0);
        const missing = bytes.length === 0 ? 0 : cutOff % 2;
        const read: [number, Uint8Array][] = [];
        const decoder = new FeedbackDecoder({
          onFeedback: (seconds, from, start, end) => read.push([seconds, from.slice(start, end)]),
        });
        const sent = bytes.subarray(0, bytes.length - missing);
        for (const piece of cut(sent, sizes)) decoder.receive(piece, piece.length);
        assert.deepEqual(read, missing === 0 ? tuples : tuples.slice(0, -1));
        assert.equal(decoder.isPartial, missing === 1);
        assert.equal(decoder.failure, null);
      }),
    );
  });
});
