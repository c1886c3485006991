import assert from 'node:assert/strict';
import { binaryReasonOf, binaryReasons, channelReasons, reasons } from '../../src/apns/reason.js';
import { REJECTED } from '../../src/engine/ledger.js';
import { adviceOf, broadcastAdviceOf, classOf, reasonCode, reasonOf } from '../../src/push-services/reasons.js';

describe('apns/reason', () => {
  it('gives every reason a code of its own that fits a ledger byte, and finds it again', () => {
    const codes = new Set<number>();
    for (const row of [...reasons, ...channelReasons, ...binaryReasons]) {
      const protocol = binaryReasons.includes(row) ? 'binary' : 'http2';
      assert.ok(row.code >= 1 && row.code <= 200 && REJECTED + row.code <= 255, row.reason);
      assert.ok(!codes.has(row.code), row.reason);
      codes.add(row.code);
      assert.equal(reasonCode(row.reason, protocol), row.code);
      assert.equal(reasonOf(row.code), row);
      assert.equal(classOf(row.status, row.reason, protocol), row.class);
      assert.match(row.advice, /^[A-Z].*[^.]\.$/, row.reason);
    }
  });

  it('keeps the codes that ledgers and journals already hold', () => {
    const expected: Record<string, number> = { BadDeviceToken: 1, TopicDisallowed: 13, BadCertificate: 15 };
    Object.assign(expected, { ExpiredProviderToken: 22, Unregistered: 26, TooManyRequests: 29, Shutdown: 33 });
    for (const [reason, code] of Object.entries(expected)) assert.equal(reasonCode(reason), code, reason);
  });

  it('has 0 for reasons that are not in the table, and nothing behind codes that are not given', () => {
    for (const text of ['', 'badDeviceToken', 'NewReason', 'constructor', '__proto__'])
      assert.equal(reasonCode(text), 0);
    const next = Math.max(...[...reasons, ...channelReasons].map(({ code }) => code)) + 1;
    for (const code of [0, -1, next, 200, 255, Number.NaN]) assert.equal(reasonOf(code), null);
  });

  it('classes reasons that it does not know by the status', () => {
    const classes = [
      [400, 'request'],
      [403, 'credential'],
      [404, 'request'],
      [410, 'gone'],
      [413, 'request'],
      [429, 'transient'],
      [500, 'transient'],
      [502, 'transient'],
      [503, 'transient'],
      [302, 'request'],
    ] as const;
    for (const [status, expected] of classes) assert.equal(classOf(status, 'NewReason'), expected, String(status));
  });

  it('tells what concerns one token from what fails for every token', () => {
    assert.equal(classOf(400, 'BadDeviceToken'), 'token');
    assert.equal(classOf(400, 'DeviceTokenNotForTopic'), 'token');
    assert.equal(classOf(400, 'BadTopic'), 'request');
    assert.equal(classOf(403, 'InvalidProviderToken'), 'credential');
    assert.equal(classOf(403, 'UnrelatedKeyIdInToken'), 'connection');
    assert.equal(classOf(400, 'IdleTimeout'), 'connection');
    assert.equal(classOf(410, 'ExpiredToken'), 'gone');
    assert.equal(classOf(429, 'TooManyRequests'), 'transient');
    assert.equal(classOf(429, 'TooManyProviderTokenUpdates'), 'credential');
  });

  it('tells what concerns one channel from what fails for every channel', () => {
    for (const reason of ['MissingChannelId', 'BadChannelId', 'ChannelNotRegistered']) {
      assert.equal(classOf(400, reason), 'token', reason);
    }
    for (const reason of ['FeatureNotEnabled', 'MissingPushType', 'CannotCreateChannelConfig', 'BadRequestPayload']) {
      assert.equal(classOf(400, reason), 'request', reason);
    }
    assert.equal(classOf(403, 'TopicMismatch'), 'request', 'the same credential is right for another app');
    assert.equal(classOf(503, 'Service Unavailable'), 'transient');
  });

  it('has an advice for every answer', () => {
    assert.match(adviceOf(410, 'Unregistered'), /removed/);
    for (const status of [400, 403, 404, 410, 418, 421, 429, 500]) assert.match(adviceOf(status, ''), /\.$/);
  });

  it('doubts that it was APNs where a request is refused without a reason', () => {
    assert.match(adviceOf(404, ''), /names no reason.*check that host and port/);
    assert.match(adviceOf(404, 'SomethingNew'), /see the text of the reason/);
    assert.match(adviceOf(503, ''), /send again after a delay/);
  });

  it('takes no answer of an HTTP/2 gateway for one of the binary protocol, whatever its number and its words', () => {
    for (const status of [201, 202, 204, 226, 255]) {
      assert.equal(classOf(status, ''), 'request', String(status));
      assert.match(adviceOf(status, ''), /names no reason.*check that host and port/);
    }
    assert.equal(classOf(403, 'Unknown'), 'credential');
    assert.equal(classOf(404, 'Invalid token'), 'request');
    assert.equal(reasonCode('Unknown'), 0);
    assert.equal(classOf(1, 'BadDeviceToken', 'binary'), 'transient');
  });

  it('gives the statuses of the binary protocol the classes that results are made by', () => {
    const classes = { token: [2, 5, 8], request: [3, 4, 6, 7], transient: [1, 128, 255, 9, 77, 254] };
    for (const [expected, statuses] of Object.entries(classes)) {
      for (const status of statuses) {
        const row = binaryReasonOf(status)!;
        assert.equal(row.class, expected, String(status));
        assert.equal(row.status, status);
        assert.equal(classOf(status, row.reason, 'binary'), expected);
        assert.equal(adviceOf(status, row.reason, 'binary'), row.advice);
        assert.equal(reasonCode(row.reason, 'binary'), row.code);
      }
    }
  });

  it('rejects nothing for the statuses no error and shutdown', () => {
    for (const status of [0, 10]) assert.equal(binaryReasonOf(status), null);
  });

  it('keeps the number of a status that it does not know', () => {
    assert.equal(binaryReasonOf(77)!.reason, 'Unknown status 77');
    assert.equal(binaryReasonOf(77)!.code, 0);
  });

  it('advises for the expiration of a broadcast what channels take, and for that of a push what devices take', () => {
    const [push, broadcast] = [adviceOf(400, 'BadExpirationDate'), broadcastAdviceOf(400, 'BadExpirationDate')];
    assert.match(push, /give epoch seconds, or 0 for one attempt\.$/);
    assert.match(broadcast, /^A channel whose storage policy is none takes no expiration but 0: leave it out, or /);
    for (const { status, reason } of channelReasons) {
      assert.equal(broadcastAdviceOf(status, reason), adviceOf(status, reason));
    }
  });
});
