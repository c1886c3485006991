/** The simulator's gateway of the binary protocol, octet by octet, on a clock that stands still. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ENHANCED, SIMPLE } from '../../../src/codec/binary/wire.js';
import { LedgerDigest, scriptedBinaryToken, scriptedToken } from '../../../src/simulator/index.js';
import { BinaryClient, notification, statusHex } from '../../support/binary-client.js';
import { tokenNumber } from '../../support/push-client.js';

const [A, B, C] = [tokenNumber(1), tokenNumber(2), tokenNumber(3)] as const;

/** An item of command 2. */
function item(id: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([id, data.length >> 8, data.length & 0xff]), data]);
}

function frame(...items: readonly Buffer[]): Buffer {
  const body = Buffer.concat(items);
  const head = Buffer.from([2, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

const token = (hex: string): Buffer => item(1, Buffer.from(hex, 'hex'));
const payload = (text: string): Buffer => item(2, Buffer.from(text));
const identifier = (value: number): Buffer => item(3, Buffer.from([0, 0, 0, value]));

describe('simulator: binary gateway', () => {
  it('accepts all three commands and says nothing', () => {
    const client = new BinaryClient();
    client.send(
      notification(A, { command: SIMPLE }),
      notification(B, { command: ENHANCED, identifier: 7 }),
      notification(C, { identifier: 8 }),
    );
    const { requests, accepted, distinctTokens, connections, payloadBytes } = client.gateway.ledger.summary();
    assert.deepEqual({ requests, accepted, distinctTokens }, { requests: 3, accepted: 3, distinctTokens: 3 });
    assert.deepEqual({ connections, payloadBytes }, { connections: 1, payloadBytes: 3 * 22 });
    assert.equal(client.received, '');
    assert.equal(client.isClosed, false);
  });

  it('takes items in any order, unknown and missing ones too', () => {
    const client = new BinaryClient();
    client.send(
      frame(payload('{}'), token(A)),
      frame(identifier(3), payload('{}'), item(9, Buffer.from('later')), token(B)),
    );
    assert.equal(client.gateway.ledger.summary().accepted, 2);
    client.send(frame(identifier(4), token(C)));
    assert.equal(client.received, statusHex(4, 4));
  });

  it('books the same for any cut of the stream', () => {
    const stream = Buffer.concat([
      ...Array.from({ length: 20 }, (_, index) =>
        notification(tokenNumber(index), { command: (index % 3) as 0 | 1 | 2 }),
      ),
      notification(scriptedBinaryToken(8), { identifier: 77 }),
      notification(C),
    ]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 }), (sizes) => {
        let next = 0;
        const client = new BinaryClient({}, () => sizes[next++ % sizes.length]!);
        client.send(stream);
        const { accepted, rejected, requests } = client.gateway.ledger.summary();
        assert.deepEqual({ accepted, rejected, requests }, { accepted: 20, rejected: 1, requests: 21 });
        assert.equal(client.received, statusHex(8, 77));
      }),
      { numRuns: 60 },
    );
  });

  it('says what is wrong, in one write, ends, and discards what follows', () => {
    const client = new BinaryClient();
    const bad = scriptedBinaryToken(8);
    client.send(notification(A), notification(bad, { identifier: 0x01020304 }), notification(B));
    client.send(notification(C));
    assert.deepEqual(
      client.reads.map((read) => read.toString('hex')),
      ['080801020304'],
    );
    assert.equal(client.isClosed, true);
    assert.equal(client.error, null);
    const { ledger } = client.gateway;
    assert.deepEqual(
      [A, bad, B, C].map((hex) => ledger.answerOf(hex)),
      ['accepted', 'Invalid token', null, null],
    );
    assert.equal(ledger.recordOf(bad)?.status, 8);
    const digest = new LedgerDigest();
    digest.add(Buffer.from(A, 'hex'));
    digest.add(Buffer.from(bad, 'hex'), 'Invalid token');
    assert.equal(ledger.summary().digest, digest.toString());
  });

  const wrong: readonly (readonly [what: string, bytes: Buffer, status: number])[] = [
    ['no token', frame(payload('{}'), identifier(9)), 2],
    ['a token of 101 bytes', notification('00'.repeat(101), { identifier: 9 }), 5],
    ['no payload', frame(token(A), identifier(9)), 4],
    ['a payload that is no JSON object', notification(A, { identifier: 9, payload: Buffer.from('Hi') }), 4],
    ['2,049 bytes of payload', notification(A, { identifier: 9, payload: json(2049) }), 7],
    ['257 bytes by command 1', notification(A, { command: ENHANCED, identifier: 9, payload: json(257) }), 7],
    ['priority 7', notification(A, { identifier: 9, priority: 7 }), 128],
  ];
  for (const [what, bytes, status] of wrong) {
    it(`answers ${status} to ${what}`, () => {
      const client = new BinaryClient().send(bytes);
      assert.equal(client.received, statusHex(status, 9));
      assert.equal(client.gateway.ledger.summary().rejected, 1);
      assert.equal(client.gateway.ledger.summary().accepted, 0);
    });
  }

  it('answers 2 to an empty token, and counts a flush rather than a request', () => {
    const client = new BinaryClient().send(notification(A), notification('', { identifier: 9 }), notification(B));
    assert.equal(client.received, statusHex(2, 9));
    const { requests, accepted, rejected, withoutToken, flushes } = client.gateway.ledger.summary();
    assert.deepEqual(
      { requests, accepted, rejected, withoutToken },
      { requests: 1, accepted: 1, rejected: 0, withoutToken: 0 },
    );
    assert.equal(flushes, 1);
    client.gateway.ledger.reset();
    assert.equal(client.gateway.ledger.summary().flushes, 0);
  });

  it('takes payloads of 256 bytes by command 1 and of 2,048 by command 2', () => {
    const client = new BinaryClient();
    client.send(notification(A, { command: ENHANCED, payload: json(256) }), notification(B, { payload: json(2048) }));
    assert.equal(client.gateway.ledger.summary().accepted, 2);
  });

  it('answers 128 with identifier 0 to what it cannot read', () => {
    const client = new BinaryClient().send(notification(A), Buffer.from('GET / HTTP/1.1\r\n'));
    assert.equal(client.received, statusHex(128, 0));
    assert.deepEqual({ ...client.gateway.ledger.summary().reasons }, { 'Protocol error': 1 });
  });

  it('cannot name a notification of command 0: it closes without a status', () => {
    const bad = scriptedBinaryToken(8);
    const client = new BinaryClient().send(notification(bad, { command: SIMPLE }), notification(A));
    assert.deepEqual([client.received, client.isClosed], ['', true]);
    assert.equal(client.gateway.ledger.answerOf(bad), 'Invalid token');
    assert.equal(client.gateway.ledger.answerOf(A), null);
  });

  it('gives every status from 1 to 255 that a token asks for', () => {
    for (let status = 1; status <= 255; status++) {
      const asking = scriptedBinaryToken(status, 5);
      const client = new BinaryClient().send(notification(asking, { identifier: status }), notification(A));
      assert.equal(client.received, statusHex(status, status));
      const record = client.gateway.ledger.recordOf(asking);
      assert.equal(record?.status, status === 10 ? 200 : status);
      if (status === 77) assert.equal(record?.answer, 'Unknown status 77');
    }
  });

  it('delivers the notification that status 10 names', () => {
    const last = scriptedBinaryToken(10);
    const client = new BinaryClient().send(notification(last, { identifier: 6 }), notification(A, { identifier: 7 }));
    assert.equal(client.received, statusHex(10, 6));
    assert.equal(client.gateway.ledger.answerOf(last), 'accepted');
    assert.equal(client.gateway.ledger.answerOf(A), null);
  });

  it('closes or resets without a status where a token asks for it', () => {
    const closed = scriptedBinaryToken('closed');
    const client = new BinaryClient().send(notification(A), notification(closed), notification(B));
    assert.deepEqual([client.received, client.isClosed, client.error], ['', true, null]);
    assert.equal(client.gateway.ledger.answerOf(closed), 'closed without a status');
    assert.equal(client.gateway.ledger.summary().unanswered, 1);
    const other = new BinaryClient().send(notification(scriptedBinaryToken('reset')));
    assert.equal(other.error?.code, 'ERR_PEAL_CLOSED');
  });

  it('delays a status as the options and the token ask, and discards in the meantime', () => {
    const client = new BinaryClient({ statusDelayMs: 200 });
    client.send(notification(scriptedBinaryToken(8, 0, 300), { identifier: 4 }), notification(A));
    client.send(notification(B));
    client.clock.advance(499);
    assert.equal(client.received, '');
    client.clock.advance(1);
    assert.equal(client.received, statusHex(8, 4));
    assert.equal(client.gateway.ledger.summary().accepted, 0);
  });

  it('splits a status into single octets', () => {
    const client = new BinaryClient({ splitStatus: true }).send(notification('', { identifier: 4 }));
    client.clock.advance(100);
    assert.deepEqual(
      client.reads.map((read) => read.length),
      [1, 1, 1, 1, 1, 1],
    );
    assert.equal(client.received, statusHex(2, 4));
    assert.equal(client.isClosed, true);
  });

  it('answers an empty token with identifier 0 where it is told to', () => {
    const client = new BinaryClient({ zeroFlushIdentifier: true }).send(notification('', { identifier: 4 }));
    assert.equal(client.received, statusHex(2, 0));
    const other = new BinaryClient({ zeroFlushIdentifier: true }).send(
      notification('aa'.repeat(101), { identifier: 4 }),
    );
    assert.equal(other.received, statusHex(5, 4));
  });

  it('closes without a status on bad notifications where it is told to', () => {
    const client = new BinaryClient({ silentStatus: true }).send(notification('', { identifier: 4 }));
    assert.deepEqual([client.received, client.isClosed], ['', true]);
  });

  it('ends each connection after so many notifications: silently, or with status 10 about the last', () => {
    const all = [A, B, C].map((hex, index) => notification(hex, { identifier: index + 1 }));
    const silent = new BinaryClient({ closeAfter: 2 }).send(...all);
    assert.deepEqual([silent.received, silent.isClosed], ['', true]);
    assert.equal(silent.gateway.ledger.summary().accepted, 2);
    const polite = new BinaryClient({ shutdownAfter: 2, silentStatus: true }).send(...all);
    assert.equal(polite.received, statusHex(10, 2));
    assert.equal(polite.gateway.ledger.summary().accepted, 2);
  });

  it('says status 10 when it closes, to clients that have sent something', () => {
    const client = new BinaryClient().send(notification(A, { identifier: 41 }));
    client.connection.close();
    client.clock.settle();
    assert.deepEqual([client.received, client.isClosed], [statusHex(10, 41), true]);
    const idle = new BinaryClient();
    idle.connection.close();
    idle.clock.settle();
    assert.deepEqual([idle.received, idle.isClosed], ['', true]);
  });

  it('rejects as invalid what HTTP/2 rejects for the token, and leaves other scripts alone', () => {
    for (const [reason, expected] of [
      ['Unregistered', 'Invalid token'],
      ['BadDeviceToken', 'Invalid token'],
      ['PayloadTooLarge', 'accepted'],
      ['accepted', 'accepted'],
    ] as const) {
      const asking = scriptedToken(reason);
      const client = new BinaryClient({ rejectFraction: 0 }).send(notification(asking));
      assert.equal(client.gateway.ledger.answerOf(asking), expected, reason);
    }
    const client = new BinaryClient({ rejectFraction: 1 }).send(notification(A));
    assert.equal(client.received, statusHex(8, 1));
  });

  it('keeps for the feedback service what it found invalid, each token once', () => {
    const bad = scriptedBinaryToken(8);
    const when = new Date('2020-01-02T03:04:05Z');
    const client = new BinaryClient({ feedback: [{ token: B.toUpperCase(), when }] }).send(notification(bad));
    const goneSince = Math.floor((client.clock.startWallMs - 24 * 3600 * 1000) / 1000);
    const expected = [
      { token: B, timestamp: when.getTime() / 1000 },
      { token: bad, timestamp: goneSince },
    ];
    assert.deepEqual(client.gateway.feedback.pending(), expected);
    assert.deepEqual(client.gateway.feedback.take(), expected);
    assert.deepEqual(client.gateway.feedback.take(), []);
  });
});

/** A JSON object of exactly `bytes` bytes. */
function json(bytes: number): Buffer {
  return Buffer.from(`{"a":"${'x'.repeat(bytes - 8)}"}`);
}
