/** The binary protocol octet by octet: what is written, and that reading gives it back. */
import assert from 'node:assert/strict';
import { FeedbackDecoder, writeFeedbackTuple } from '../../../src/codec/binary/feedback.js';
import {
  type NotificationFields,
  notificationBytes,
  writeNotification,
} from '../../../src/codec/binary/notification-writer.js';
import { StatusDecoder, writeStatus } from '../../../src/codec/binary/status.js';
import { readAll } from './notifications.js';

const token = Uint8Array.of(1, 2);
const payload = new TextEncoder().encode('{}');
const fields: NotificationFields = { command: 2, token, payload, identifier: 0, expiry: 7, priority: 5 };

function written(notification: NotificationFields): Uint8Array {
  const bytes = new Uint8Array(notificationBytes(notification));
  assert.equal(writeNotification(bytes, 0, notification), bytes.length);
  return bytes;
}

describe('codec/binary vectors', () => {
  it('writes command 2 with five items', () => {
    const expected = [
      ...[2, 0, 0, 0, 0x1c], // command, length of the items
      ...[1, 0, 2, 1, 2], // token
      ...[2, 0, 2, 0x7b, 0x7d], // payload
      ...[3, 0, 4, 0, 0, 0, 0], // identifier
      ...[4, 0, 4, 0, 0, 0, 7], // expiry
      ...[5, 0, 1, 5], // priority
    ];
    assert.deepEqual([...written(fields)], expected);
  });

  it('leaves expiry and priority out where there is none', () => {
    const expected = [2, 0, 0, 0, 17, 1, 0, 2, 1, 2, 2, 0, 2, 0x7b, 0x7d, 3, 0, 4, 0, 0, 1, 0];
    assert.deepEqual([...written({ ...fields, identifier: 256, expiry: null, priority: null })], expected);
  });

  it('writes command 1 with identifier and expiry', () => {
    const expected = [
      ...[1, 0, 0, 0, 9], // command, identifier
      ...[0xff, 0xff, 0xff, 0xff], // expiry: beyond 2106, sent as 2106
      ...[0, 2, 1, 2], // token
      ...[0, 2, 0x7b, 0x7d], // payload
    ];
    assert.deepEqual([...written({ ...fields, command: 1, identifier: 9, expiry: 2 ** 40 })], expected);
  });

  it('writes command 0 with token and payload', () => {
    assert.deepEqual([...written({ ...fields, command: 0 })], [0, 0, 2, 1, 2, 0, 2, 0x7b, 0x7d]);
  });

  it('makes a frame of 61 octets and the payload for a token of 32', () => {
    const notification = { ...fields, token: new Uint8Array(32), payload: new Uint8Array(120) };
    assert.equal(notificationBytes(notification), 181);
  });

  it('reads items in any order, with those missing that may be', () => {
    const bytes = [2, 0, 0, 0, 14, 5, 0, 1, 10, 2, 0, 2, 0x7b, 0x7d, 1, 0, 2, 1, 2];
    assert.deepEqual(readAll(Uint8Array.from(bytes)).notifications, [
      { command: 2, token: '0102', payload: '{}', identifier: 0, expiry: -1, priority: 10 },
    ]);
  });

  it('tells a missing token from an empty one', () => {
    const missing = readAll(Uint8Array.of(2, 0, 0, 0, 4, 5, 0, 1, 10)).notifications[0];
    const empty = readAll(Uint8Array.of(2, 0, 0, 0, 3, 1, 0, 0)).notifications[0];
    assert.equal(missing?.token, null);
    assert.equal(empty?.token, '');
  });

  const broken: [why: string, bytes: number[]][] = [
    ['an unknown command', [3, 0, 0]],
    ['half an item', [2, 0, 0, 0, 2, 1, 0]],
    ['an item that reaches out of its frame', [2, 0, 0, 0, 4, 1, 0, 2, 1, 1]],
    ['an identifier of three octets', [2, 0, 0, 0, 6, 3, 0, 3, 0, 0, 1]],
    ['a priority of two octets', [2, 0, 0, 0, 5, 5, 0, 2, 0, 5]],
  ];
  for (const [why, bytes] of broken) {
    it(`gives up at ${why}`, () => {
      const good = written(fields);
      const read = readAll(Uint8Array.from([...good, ...bytes, ...good]));
      assert.equal(read.notifications.length, 1);
      assert.equal(read.failure, 'ERR_PEAL_PROTOCOL');
    });
  }

  it('gives up at a frame above the limit before it arrives', () => {
    assert.equal(readAll(Uint8Array.of(2, 0xff, 0, 0, 0)).failure, 'ERR_PEAL_LIMIT');
  });

  it('writes and reads a status', () => {
    const bytes = new Uint8Array(6);
    assert.equal(writeStatus(bytes, 0, 8, 0x01020304), 6);
    assert.deepEqual([...bytes], [8, 8, 1, 2, 3, 4]);
    const statuses: number[][] = [];
    const decoder = new StatusDecoder({ onStatus: (...status) => statuses.push(status) });
    decoder.receive(bytes, 6);
    assert.deepEqual(statuses, [[8, 0x01020304]]);
  });

  it('takes nothing but a status for one', () => {
    const decoder = new StatusDecoder({ onStatus: () => assert.fail('that was no status') });
    decoder.receive(new TextEncoder().encode('HTTP/1.1 400'), 12);
    assert.equal(decoder.failure?.code, 'ERR_PEAL_PROTOCOL');
  });

  it('writes and reads a feedback tuple', () => {
    const bytes = new Uint8Array(8);
    assert.equal(writeFeedbackTuple(bytes, 0, 0xfffffffe, token), 8);
    assert.deepEqual([...bytes], [0xff, 0xff, 0xff, 0xfe, 0, 2, 1, 2]);
    const tuples: (number | number[])[] = [];
    const decoder = new FeedbackDecoder({
      onFeedback: (seconds, from, start, end) => tuples.push(seconds, [...from.subarray(start, end)]),
    });
    decoder.receive(bytes, 8);
    assert.deepEqual(tuples, [0xfffffffe, [1, 2]]);
    decoder.receive(Uint8Array.of(0, 0, 0, 1, 0, 101), 6);
    assert.equal(decoder.failure?.code, 'ERR_PEAL_LIMIT');
  });
});
