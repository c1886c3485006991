import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { maxStreamsPerConnection, outputBufferBytes } from '../../../src/base/limits.js';
import * as frames from '../../../src/codec/http2/frames.js';
import type { PersonalParts } from '../../../src/push/notification.js';
import type { TokenBlock } from '../../../src/push/token-block.js';
import {
  accepted,
  data,
  goaway,
  headers,
  rstStream,
  settingsAck,
  settingsFrame,
  windowUpdate,
} from '../../support/frames.js';
import { inOrder, plainNotification, ScriptedPeer, someTokens } from '../../support/scripted-peer.js';

const gone = new PealError('ERR_PEAL_CLOSED', 'the stream is gone', { origin: 'connect' });

/** Fails a request of the peer with 403, which proves nothing about the provider token. */
function forbidden(streamId: number): Uint8Array {
  return headers(streamId, [[':status', '403']]);
}

describe('codec/requests/client-connection', () => {
  it('opens with the preface, its SETTINGS and a larger connection window, octet by octet', () => {
    const peer = new ScriptedPeer();
    peer.connection.start();
    // biome-ignore format: one field to a row
    const expected = [
      ...Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      0, 0, 30, 4, 0, 0, 0, 0, 0,   // SETTINGS, 5 entries
      0, 1, 0, 0, 0x10, 0,          // HEADER_TABLE_SIZE 4,096
      0, 2, 0, 0, 0, 0,             // ENABLE_PUSH 0
      0, 4, 0, 2, 0, 0,             // INITIAL_WINDOW_SIZE 131,072
      0, 5, 0, 0, 0x40, 0,          // MAX_FRAME_SIZE 16,384
      0, 6, 0, 0, 0x40, 0,          // MAX_HEADER_LIST_SIZE 16,384
      0, 0, 4, 8, 0, 0, 0, 0, 0,    // WINDOW_UPDATE of the connection
      0, 0xff, 0, 1,                // 2^24 - 65,535
    ];
    assert.deepEqual([...peer.output()], expected);
  });

  it('takes no request before the first SETTINGS, and acknowledges each', () => {
    const peer = new ScriptedPeer();
    peer.connection.start();
    peer.output();
    assert.equal(peer.connection.credit(100), 0);
    assert.equal(peer.submit(1), 0);
    assert.equal(peer.connection.isReady, false);
    peer.send(settingsFrame([[3, 10]]), settingsFrame([]));
    assert.equal(peer.connection.isReady, true);
    assert.equal(peer.connection.credit(100), 10);
    const acks = peer.read().filter(({ type, flags }) => type === frames.SETTINGS && flags === frames.FLAG_ACK);
    assert.equal(acks.length, 2);
  });

  it('reports 200 as accepted, and any other status with body, apns-id and retry-after', () => {
    const peer = ScriptedPeer.opened();
    peer.request(3);
    peer.send(
      accepted(3),
      headers(
        1,
        [
          [':status', '410'],
          ['apns-id', 'some-id'],
        ],
        false,
      ),
      data(1, '{"reason":', false),
      data(1, '"Unregistered"}', true),
      headers(5, [
        [':status', '429'],
        ['retry-after', '17'],
      ]),
    );
    assert.deepEqual(Object.fromEntries(peer.listener.reports), {
      0: { kind: 'rejected', status: 410, body: '{"reason":"Unregistered"}', apnsId: 'some-id', retryAfter: null },
      1: { kind: 'accepted' },
      2: { kind: 'rejected', status: 429, body: '', apnsId: null, retryAfter: '17' },
    });
    assert.equal(peer.connection.activeStreams, 0);
  });

  it('does not hand on an apns-id with control characters', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    peer.send(
      headers(1, [
        [':status', '400'],
        ['apns-id', 'a\x1b[2Jb'],
      ]),
    );
    const report = peer.listener.reports.get(0);
    assert.equal(report?.kind === 'rejected' && report.apnsId, null);
  });

  it('keeps 64 KiB of the body of an answer, and waits for its end', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    peer.send(headers(1, [[':status', '500']], false));
    for (let i = 0; i < 5; i++) peer.send(data(1, 'x'.repeat(16_000), false));
    assert.equal(peer.listener.summary(), '');
    peer.send(data(1, 'x', true));
    const report = peer.listener.reports.get(0);
    assert.equal(report?.kind === 'rejected' && report.status, 500);
    assert.ok(!peer.read().some(({ type }) => type === frames.RST_STREAM));
  });

  describe('stream limit', () => {
    it('follows SETTINGS both ways, and waits at 0', () => {
      const peer = ScriptedPeer.opened([[3, 4]]);
      assert.equal(peer.submit(10), 4);
      peer.read();
      assert.equal(peer.connection.credit(10), 0);
      peer.send(settingsFrame([[3, 1]]), accepted(1), accepted(3));
      assert.equal(peer.connection.activeStreams, 2);
      assert.equal(peer.connection.credit(10), 0);
      peer.send(accepted(5), accepted(7));
      assert.equal(peer.connection.credit(10), 1);
      peer.send(settingsFrame([[3, 0]]));
      assert.equal(peer.connection.credit(10), 0);
      peer.send(settingsFrame([[3, 7]]));
      assert.equal(peer.submit(10, 100), 7);
    });

    it('is our own where the peer names none', () => {
      const peer = ScriptedPeer.opened();
      assert.equal(peer.connection.peerMaxStreams, Number.POSITIVE_INFINITY);
      let taken = 0;
      for (let n = peer.submit(1000, 0); n > 0; n = peer.submit(1000, taken)) {
        taken += n;
        peer.send(windowUpdate(0, 65_535));
        peer.read();
      }
      assert.equal(taken, maxStreamsPerConnection);
      assert.equal(ScriptedPeer.opened([], { maxStreams: 5 }).submit(10), 5);
    });

    it('is 1 until the first answer that is not a 403, when asked to probe', () => {
      const peer = ScriptedPeer.opened([[3, 100]], { probeFirst: true });
      assert.equal(peer.submit(10), 1);
      peer.read();
      assert.equal(peer.connection.credit(10), 0);
      peer.send(forbidden(1));
      assert.equal(peer.connection.credit(10), 1);
      peer.request(1, 1);
      peer.send(accepted(3));
      assert.equal(peer.connection.credit(10), 100);
    });

    it('lets ids of slots that are still taken out', () => {
      const peer = ScriptedPeer.opened([[3, 2]]);
      peer.send(windowUpdate(0, 1 << 24));
      peer.request(1, 0);
      // Stream 1 stays open while the ring of 8,192 slots goes once round.
      for (let i = 1; i < 8192; i++) {
        peer.request(1, i);
        peer.send(accepted(2 * i + 1));
      }
      peer.request(1, 9000);
      assert.equal(peer.requests.has(16_385), false);
      assert.equal(peer.requests.has(16_387), true);
      peer.send(accepted(16_387), accepted(1));
      assert.equal(peer.listener.reports.size, 8193);
      peer.send(accepted(16_385));
      peer.assertFailed(frames.PROTOCOL_ERROR);
    });
  });

  it('forgets the informational answers of a stream when its slot is used again', () => {
    const peer = ScriptedPeer.opened([[3, 1]]);
    peer.send(windowUpdate(0, 1 << 24));
    const early = (streamId: number) => headers(streamId, [[':status', '103']], false);
    for (let i = 0; i < 8193; i++) {
      const streamId = 2 * i + 1;
      peer.request(1, i);
      if (i === 0 || i === 8192) for (let n = 0; n < 16; n++) peer.send(early(streamId));
      peer.send(accepted(streamId));
    }
    assert.ok([...peer.listener.reports.values()].every(({ kind }) => kind === 'accepted'));
  });

  describe('marks of the hand-out', () => {
    const markOf = (peer: ScriptedPeer, answer: Uint8Array): number => {
      peer.send(answer);
      return peer.connection.answerMark;
    };

    it('come back with each answer, whenever the request was submitted', () => {
      const peer = ScriptedPeer.opened([[3, 100]]);
      const { connection } = peer;
      connection.keepMarks();
      peer.submit(2);
      assert.ok(connection.takeOutput(5.5) !== null);
      peer.submit(2, 2);
      assert.equal(connection.takeOutput(7), null, 'a view is out');
      connection.outputWritten();
      assert.ok(connection.takeOutput(9.25) !== null);
      assert.equal(markOf(peer, accepted(5)), 9.25);
      assert.equal(markOf(peer, accepted(1)), 5.5);
      assert.equal(markOf(peer, forbidden(7)), 9.25);
      peer.send(headers(3, [[':status', '400']], false));
      assert.equal(connection.answerMark, 9.25);
      assert.equal(markOf(peer, data(3, '{}', true)), 5.5);
    });

    it('are kept for a stream that is open while the ids go round its slot', () => {
      const peer = ScriptedPeer.opened([[3, 1]], { maxStreams: 2 });
      peer.connection.keepMarks();
      peer.send(settingsFrame([[3, 2]]));
      const handOut = (mark: number): void => {
        assert.equal(peer.submit(1, mark), 1);
        assert.ok(peer.connection.takeOutput(mark) !== null);
        peer.connection.outputWritten();
      };
      handOut(1);
      // Eight slots: the ninth id has the slot of the first.
      let mark = 2;
      for (let id = 3; id <= 41; id += 2) {
        if (((id >>> 1) & 7) === 0) continue;
        handOut(mark);
        assert.equal(markOf(peer, accepted(id)), mark++);
      }
      assert.equal(markOf(peer, accepted(1)), 1);
    });

    it('are 0 where they are not kept, and for requests from before', () => {
      const peer = ScriptedPeer.opened([[3, 100]]);
      peer.submit(2);
      peer.connection.takeOutput(5);
      peer.connection.outputWritten();
      assert.equal(markOf(peer, accepted(1)), 0);
      peer.connection.keepMarks();
      assert.equal(markOf(peer, accepted(3)), 0);
    });
  });

  describe('output', () => {
    it('leaves a view untouched until it was written', () => {
      const peer = ScriptedPeer.opened();
      peer.submit(20);
      const view = peer.connection.takeOutput()!;
      const before = Uint8Array.from(view);
      assert.equal(peer.submit(20, 100), 20);
      assert.equal(peer.connection.takeOutput(), null);
      assert.deepEqual(Uint8Array.from(view), before);
      peer.connection.outputWritten();
      assert.ok(peer.connection.takeOutput() !== null);
    });

    it('is bounded: credit ends with the room, and comes back with the write', () => {
      const peer = ScriptedPeer.opened();
      peer.submit(1);
      const view = peer.connection.takeOutput();
      assert.ok(view !== null);
      peer.send(windowUpdate(0, 1 << 24));
      let taken = 0;
      for (let n = peer.submit(1000, 1); n > 0; n = peer.submit(1000, 1 + taken)) taken += n;
      assert.equal(peer.connection.credit(25), 0);
      peer.connection.outputWritten();
      const next = peer.connection.takeOutput();
      assert.ok(next !== null && next.length <= outputBufferBytes && next.length > outputBufferBytes - 200);
      assert.ok(peer.connection.credit(25) > 300);
    });

    it('acknowledges SETTINGS behind requests that were coded under the old ones', () => {
      const peer = ScriptedPeer.opened();
      peer.request(1);
      peer.submit(3, 10);
      peer.announce([[1, 0]]);
      peer.submit(1, 20);
      const types = peer.read().map(({ type, flags }) => `${type}/${flags}`);
      assert.deepEqual(types, ['1/4', '0/1', '1/4', '0/1', '1/4', '0/1', '4/1', '1/4', '0/1']);
      // The peer empties its table with its SETTINGS: the decoder saw the size update after the acknowledgement.
      assert.equal(peer.decoder.tableEntries, 0);
      assert.equal(peer.requests.size, 5);
    });
  });

  describe('the end', () => {
    it('abandon: what was handed out is unknown, the rest unsent', () => {
      const peer = ScriptedPeer.opened();
      peer.request(2);
      peer.submit(2, 10);
      peer.connection.abandon(gone);
      assert.equal(peer.listener.summary(), '0 unknown, 1 unknown, 10 unsent, 11 unsent');
      assert.equal(peer.connection.credit(10), 0);
      peer.send(accepted(1));
      assert.equal(peer.listener.reports.size, 4);
    });

    it('GOAWAY: nothing above lastStreamId and nothing that waits goes out; the rest is answered', () => {
      const peer = ScriptedPeer.opened([[3, 100]]);
      peer.request(4);
      peer.submit(3, 10);
      peer.send(goaway(3, frames.NO_ERROR, '{"reason":"Shutdown"}'));
      assert.equal(peer.listener.summary(), '2 unsent, 3 unsent, 10 unsent, 11 unsent, 12 unsent');
      assert.deepEqual(peer.listener.goaways, [{ lastStreamId: 3, errorCode: 0, debug: '{"reason":"Shutdown"}' }]);
      assert.equal(peer.read().filter(({ type }) => type === frames.HEADERS).length, 0);
      assert.equal(peer.connection.credit(10), 0);
      assert.equal(peer.submit(1, 20), 0);
      peer.send(accepted(1), accepted(7));
      peer.connection.abandon(gone);
      assert.equal(peer.listener.reports.get(0)?.kind, 'accepted');
      assert.equal(peer.listener.reports.get(1)?.kind, 'unknown');
      assert.equal(peer.listener.reports.size, 7);
    });

    it('GOAWAY twice: the smaller id counts, a larger one is not believed', () => {
      const peer = ScriptedPeer.opened();
      peer.request(4);
      peer.send(goaway(0x7fffffff, 0));
      assert.equal(peer.listener.summary(), '');
      peer.send(goaway(5, 0), goaway(0x7fffffff, 2));
      assert.equal(peer.listener.summary(), '3 unsent');
      assert.deepEqual(peer.connection.goaway, { lastStreamId: 5, errorCode: 2 });
    });

    it('GOAWAY below a stream whose answer has begun does not make it unsent', () => {
      const peer = ScriptedPeer.opened();
      peer.request(2);
      peer.send(headers(3, [[':status', '200']], false), goaway(0, 0));
      assert.equal(peer.listener.summary(), '0 unsent, 1 unknown');
    });

    it('a fault of the peer: requests that wait are withdrawn, and only GOAWAY goes out', () => {
      const peer = ScriptedPeer.opened();
      peer.request(1);
      peer.submit(2, 10);
      peer.send(new Uint8Array([0, 0, 1, 6, 0, 0, 0, 0, 0, 0]));
      assert.deepEqual(
        peer.read().map(({ type }) => type),
        [frames.GOAWAY],
      );
      peer.connection.abandon(peer.connection.failure!);
      assert.equal(peer.listener.summary(), '0 unknown, 10 unsent, 11 unsent');
    });

    it('close: GOAWAY behind what waits, then answers only', () => {
      const peer = ScriptedPeer.opened();
      peer.submit(1);
      peer.connection.close(frames.NO_ERROR, 'bye');
      const sent = peer.read();
      assert.deepEqual(
        sent.map(({ type }) => type),
        [frames.HEADERS, frames.DATA, frames.GOAWAY],
      );
      assert.equal(Buffer.from(sent[2]!.payload.subarray(8)).toString(), 'bye');
      assert.equal(peer.connection.credit(1), 0);
      peer.send(accepted(1));
      assert.equal(peer.listener.summary(), '0 accepted');
    });

    it('REFUSED_STREAM frees its stream for another request', () => {
      const peer = ScriptedPeer.opened([[3, 1]]);
      peer.request(1);
      peer.send(rstStream(1, frames.REFUSED_STREAM));
      assert.equal(peer.listener.summary(), '0 unsent');
      assert.equal(peer.submit(1, 1), 1);
    });
  });

  it('knows its own PINGs again', () => {
    const peer = ScriptedPeer.opened();
    peer.connection.ping(7);
    const [ping] = peer.read();
    assert.equal(ping?.type, frames.PING);
    assert.equal(peer.connection.lastPingAcked, 0);
    const ack = new Uint8Array([0, 0, 8, frames.PING, frames.FLAG_ACK, 0, 0, 0, 0, ...ping!.payload]);
    peer.send(ack);
    assert.equal(peer.connection.lastPingAcked, 7);
  });

  it('refuses a template whose fields are larger than the peer takes, until it takes more', () => {
    const peer = ScriptedPeer.opened([[6, 200]]);
    const template = peer.template({ providerToken: 'x'.repeat(200) });
    assert.match(template.refusal?.message ?? '', /header fields take \d+ bytes and the gateway allows 200/);
    assert.equal(peer.submit(1, 0, template), 0);
    assert.equal(peer.connection.failure, null);
    peer.send(settingsFrame([[6, 8000]]));
    assert.equal(peer.submit(1, 0, template), 1);
    assert.equal(template.refusal, null);
  });

  it('does not mix recipients and templates that do not belong together', () => {
    const peer = ScriptedPeer.opened();
    const order = inOrder(1);
    const template = peer.template();
    const submit = (tokens: TokenBlock, personal: PersonalParts | null): number =>
      peer.connection.submit(template, { tokens, personal, order, head: 0, tagBase: 0 }, 1);
    assert.throws(() => submit(someTokens(1, 31), null), PealError);
    const personal = { apnsIds: new Uint8Array(16), payloads: null, payloadOffsets: null };
    assert.throws(() => submit(someTokens(1), personal), PealError);
    assert.throws(
      () => peer.connection.template(plainNotification, { tokenBytes: 101, providerToken: null }),
      PealError,
    );
  });

  it('reports tags up to 2^32 - 1', () => {
    const peer = ScriptedPeer.opened([[1, 4096]]);
    peer.request(3, 0xfffffffd);
    peer.send(accepted(5));
    assert.deepEqual([...peer.listener.reports.keys()], [0xffffffff]);
    peer.send(settingsAck);
    peer.assertFailed(frames.PROTOCOL_ERROR);
  });
});
