/** Rows C, first part: frames on streams in every state, and how streams end (RFC 9113 §5.1, §6.4, §8.7). */

import assert from 'node:assert/strict';
import { PealError } from '../../../../src/base/errors.js';
import { maxStreamId, maxStreamsPerConnection } from '../../../../src/base/limits.js';
import { HpackEncoder } from '../../../../src/codec/hpack/encoder.js';
import { SendWindow } from '../../../../src/codec/http2/flow-control.js';
import * as frames from '../../../../src/codec/http2/frames.js';
import { Output } from '../../../../src/codec/http2/output.js';
import { PeerSettings } from '../../../../src/codec/http2/settings.js';
import { AWAITING, StreamTable } from '../../../../src/codec/http2/stream-table.js';
import { readU32 } from '../../../../src/codec/octets.js';
import { RequestWriter } from '../../../../src/codec/requests/request-writer.js';
import {
  accepted,
  data,
  frame,
  goaway,
  headers,
  rstStream,
  settingsFrame,
  splitFrames,
  uint32,
  windowUpdate,
} from '../../../support/frames.js';
import { octets } from '../../../support/hex.js';
import { connectionError, everySplit, goesOn, ok, row, streamError } from '../../../support/peer-cases.js';
import { inOrder, ScriptedPeer, someTokens } from '../../../support/scripted-peer.js';

const { FLAG_END_HEADERS, FLAG_END_STREAM, HEADERS, PROTOCOL_ERROR, PUSH_PROMISE, STREAM_CLOSED } = frames;
const gone = new PealError('ERR_PEAL_CLOSED', 'the stream is gone', { origin: 'connect' });
const begun = headers(1, [[':status', '500']], false);

describe('codec/http2/cases: C, streams', () => {
  connectionError('C1 HEADERS on an even stream that was never promised', PROTOCOL_ERROR, accepted(2));
  connectionError('C1 HEADERS on an odd stream that was never opened', PROTOCOL_ERROR, accepted(7));
  row('C1 HEADERS on a stream whose request is not handed out yet: PROTOCOL_ERROR, and it was not processed', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    peer.submit(1, 1);
    peer.send(accepted(3));
    peer.assertFailed(PROTOCOL_ERROR);
    peer.connection.abandon(gone);
    assert.equal(peer.listener.summary(), '0 unknown, 1 unsent');
  });

  for (const [name, bytes] of [
    ['DATA', data(7, 'x', true)],
    ['RST_STREAM', rstStream(7, frames.CANCEL)],
    ['WINDOW_UPDATE', windowUpdate(7, 1)],
    ['CONTINUATION', frame(frames.CONTINUATION, FLAG_END_HEADERS, 7, ok)],
  ] as const) {
    connectionError(`C2 ${name} on an idle stream`, PROTOCOL_ERROR, bytes);
  }

  goesOn(
    'C3 HEADERS after END_STREAM: STREAM_CLOSED, once',
    '0 accepted',
    [[1, STREAM_CLOSED]],
    accepted(1),
    accepted(1),
    accepted(1),
  );
  goesOn(
    'C3 DATA after END_STREAM: STREAM_CLOSED',
    '0 accepted',
    [[1, STREAM_CLOSED]],
    accepted(1),
    data(1, 'x', true),
  );
  goesOn(
    'C3 DATA after a body that has ended: STREAM_CLOSED',
    '0 rejected',
    [[1, STREAM_CLOSED]],
    begun,
    data(1, '{}', true),
    data(1, 'x', false),
  );

  const canceled = rstStream(1, frames.CANCEL);
  goesOn('C4 DATA after RST_STREAM: STREAM_CLOSED', '0 unknown', [[1, STREAM_CLOSED]], canceled, data(1, 'x', true));
  goesOn('C4 HEADERS after RST_STREAM: STREAM_CLOSED', '0 unknown', [[1, STREAM_CLOSED]], canceled, accepted(1));

  // DATA before HEADERS makes us reset the stream.
  streamError(
    'C5 frames on a stream that we have reset are discarded',
    PROTOCOL_ERROR,
    data(1, 'x', false),
    data(1, 'y', false),
    accepted(1),
    canceled,
  );
  row('C5 DATA on a stream that we have reset counts against the connection window and is given back', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    for (let i = 0; i < 1200; i++) {
      peer.send(data(1, 'x'.repeat(16_000), false));
      peer.read();
    }
    assert.equal(peer.connection.failure, null);
    peer.judge.finish();
    peer.judge.assertClean('19 MB, above the window of 16 MiB');
  });

  goesOn(
    'C6 WINDOW_UPDATE and RST_STREAM on a closed stream are no errors',
    '0 accepted',
    [],
    accepted(1),
    windowUpdate(1, 5),
    windowUpdate(1, 0),
    rstStream(1, frames.STREAM_CLOSED),
    windowUpdate(1, 5),
  );
  goesOn(
    'C7 RST_STREAM NO_ERROR after a complete answer keeps it',
    '0 accepted',
    [],
    accepted(1),
    rstStream(1, frames.NO_ERROR),
  );
  goesOn(
    'C7 RST_STREAM NO_ERROR before the end of an answer is the end of it',
    '0 unknown',
    [],
    headers(1, [[':status', '200']], false),
    rstStream(1, frames.NO_ERROR),
  );

  goesOn('C8 RST_STREAM REFUSED_STREAM: not processed', '0 unsent', [], rstStream(1, frames.REFUSED_STREAM));
  for (const [name, status] of [
    ['an answer', '200'],
    ['an informational answer', '103'],
  ] as const) {
    goesOn(
      `C8 REFUSED_STREAM after ${name} has begun is not believed`,
      '0 unknown',
      [],
      headers(1, [[':status', status]], false),
      rstStream(1, frames.REFUSED_STREAM),
    );
  }
  row('C8 a refused stream makes room for another', () => {
    const peer = ScriptedPeer.opened([[3, 1]]);
    peer.request(1);
    peer.send(rstStream(1, frames.REFUSED_STREAM));
    assert.equal(peer.submit(1, 1), 1);
  });

  const otherCodes = [0x0, 0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x8, 0x9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xdeadbeef];
  for (const code of otherCodes) {
    goesOn(`C9 RST_STREAM ${frames.errorCodeName(code)}: unknown`, '0 unknown', [], rstStream(1, code));
  }
  row('C9 a request whose last byte was never handed out is not processed, whatever the code', () => {
    const bytes = rstStream(1, frames.CANCEL);
    everySplit([bytes], (send) => {
      const peer = ScriptedPeer.opened([[4, 10]]); // 10 of 25 bytes go out
      peer.request(1);
      send(peer);
      assert.equal(peer.listener.summary(), '0 unsent');
    });
  });
  row('C9 half a request that is reset although its answer had begun is unknown', () => {
    everySplit([begun, rstStream(1, frames.CANCEL)], (send) => {
      const peer = ScriptedPeer.opened([[4, 10]]);
      peer.request(1);
      send(peer);
      assert.equal(peer.listener.summary(), '0 unknown');
    });
  });
  row('C9 half a request that is lost with its connection is not processed, unless its answer had begun', () => {
    const peer = ScriptedPeer.opened([[4, 10]]);
    peer.request(4);
    peer.send(windowUpdate(3, 15), headers(5, [[':status', '200']], false), windowUpdate(7, 15));
    // What is left of the streams 3 and 7 is handed out, and nothing of the streams 1 and 5.
    assert.equal(peer.read().length, 2);
    peer.connection.abandon(gone);
    assert.equal(peer.listener.summary(), '0 unsent, 1 unknown, 2 unknown, 3 unknown');
  });
  row('C9 the last piece of a body that is in the output and not handed out: not processed', () => {
    const peer = ScriptedPeer.opened([[4, 10]]);
    peer.request(2);
    peer.submit(1, 10);
    const view = peer.connection.takeOutput();
    assert.ok(view !== null);
    peer.send(windowUpdate(1, 15));
    peer.connection.credit(10); // puts the rest of stream 1 into the output, which cannot be handed out yet
    peer.send(windowUpdate(3, 15));
    peer.connection.outputWritten();
    peer.connection.abandon(gone);
    assert.equal(peer.listener.summary(), '0 unsent, 1 unsent, 10 unsent');
    assert.equal(peer.connection.takeOutput(), null, 'and it never will be');
  });
  row('C9 a reset while the last piece of a body is in the output: that still goes out, so it is unknown', () => {
    const peer = ScriptedPeer.opened([[4, 10]]);
    peer.request(2);
    peer.send(windowUpdate(1, 15), windowUpdate(3, 15));
    peer.connection.credit(10); // puts what is left into the output
    peer.send(canceled, windowUpdate(3, 0));
    assert.equal(peer.listener.summary(), '0 unknown, 1 unknown');
    assert.equal(peer.read().filter(({ type }) => type === frames.DATA).length, 2);
  });

  goesOn(
    'C10 no RST_STREAM answers an RST_STREAM, however many come',
    '0 unknown',
    [],
    canceled,
    canceled,
    rstStream(1, 0),
    rstStream(1, 0xdeadbeef),
  );

  row('C18 ids run up to 2^31-1 and never wrap; then another connection is needed', () => {
    const streams = new StreamTable();
    streams.nextId = maxStreamId - 2;
    const output = new Output();
    const writer = new RequestWriter(streams, output, new PeerSettings(), new SendWindow(), new HpackEncoder());
    const template = ScriptedPeer.opened().template();
    const recipients = { tokens: someTokens(10), personal: null, order: inOrder(10), head: 0, tagBase: 0 };
    assert.equal(writer.submit(template, recipients, 10, 100), 2);
    const ids = new Set(splitFrames(output.take()!).map(({ streamId }) => streamId));
    assert.deepEqual([...ids], [maxStreamId - 2, maxStreamId]);
    assert.equal(writer.submit(template, recipients, 10, 100), 0);
    assert.ok(streams.nextId > maxStreamId, 'which is what isExhausted says');
  });

  row('C18 no id above 2^31-1 is taken where the slots of the last ones are not free', () => {
    const streams = new StreamTable();
    streams.nextId = maxStreamId - 4;
    const taken = ((maxStreamId - 2) >>> 1) & streams.mask;
    streams.states[taken] = AWAITING;
    const output = new Output();
    const writer = new RequestWriter(streams, output, new PeerSettings(), new SendWindow(), new HpackEncoder());
    const recipients = { tokens: someTokens(10), personal: null, order: inOrder(10), head: 0, tagBase: 0 };
    assert.equal(writer.submit(ScriptedPeer.opened().template(), recipients, 10, 100), 2);
    const ids = new Set(splitFrames(output.take()!).map(({ streamId }) => streamId));
    assert.deepEqual([...ids], [maxStreamId - 4, maxStreamId]);
  });

  row('C19 MAX_CONCURRENT_STREAMS: lowered below what is open, 0, raised', () => {
    everySplit([settingsFrame([[3, 1]]), accepted(1), accepted(3)], (send) => {
      const peer = ScriptedPeer.opened([[3, 4]]);
      assert.equal(peer.submit(10), 4);
      peer.read();
      send(peer);
      assert.equal(peer.connection.credit(10), 0);
      assert.equal(peer.submit(1, 20), 0);
      peer.send(accepted(5), accepted(7));
      assert.equal(peer.connection.credit(10), 1);
      peer.send(settingsFrame([[3, 0]]));
      assert.equal(peer.connection.credit(10), 0);
      assert.equal(peer.connection.failure, null); // connection/http2/http2-connection has the deadline (starved)
      peer.send(settingsFrame([[3, 7]]));
      assert.equal(peer.submit(10, 100), 7);
      peer.read();
    });
  });
  row('C19 MAX_CONCURRENT_STREAMS absent: our own cap; before the first SETTINGS: none at all', () => {
    const peer = new ScriptedPeer();
    peer.connection.start();
    peer.output();
    assert.equal(peer.submit(1), 0);
    peer.send(settingsFrame([]), windowUpdate(0, 1 << 24));
    let taken = 0;
    for (let n = peer.submit(1000); n > 0; n = peer.submit(1000, taken)) {
      taken += n;
      peer.read();
    }
    assert.equal(taken, maxStreamsPerConnection);
  });
  row('C19 one at a time until the first answer that is not a 403, where a provider token has to prove itself', () => {
    const peer = ScriptedPeer.opened([[3, 100]], { probeFirst: true });
    assert.equal(peer.submit(10), 1);
    peer.read();
    peer.send(headers(1, [[':status', '403']]));
    assert.equal(peer.connection.credit(10), 1);
    peer.request(1, 1);
    peer.send(headers(3, [[':status', '403']], false), data(3, '{"reason":"InvalidProviderToken"}', true));
    assert.equal(peer.connection.credit(10), 1);
    peer.request(1, 2);
    peer.send(accepted(5));
    assert.equal(peer.connection.credit(10), 100);
  });

  connectionError(
    'C20 PUSH_PROMISE after pushes were switched off and that was acknowledged',
    PROTOCOL_ERROR,
    octets(`
      00 00 05 05 04 00 00 00 01   // PUSH_PROMISE, END_HEADERS, stream 1
      00 00 00 02                  // promises stream 2
      82                           // :method GET
    `),
  );
  row('C20 a push is refused also where a GOAWAY comes before the refusal is handed out', () => {
    const peer = new ScriptedPeer();
    peer.connection.start();
    peer.send(settingsFrame([]));
    peer.output();
    peer.request(1);
    peer.submit(1, 1);
    peer.send(frame(PUSH_PROMISE, FLAG_END_HEADERS, 1, [...uint32(100), 0x82]), goaway(1, 0));
    const resets = peer.read().filter(({ type }) => type === frames.RST_STREAM);
    assert.deepEqual(
      resets.map(({ streamId }) => streamId),
      [100],
    );
  });
  row('C20 a push before that is refused, and its block is decoded', () => {
    const promise = [...uint32(2), 0x48, 0x03, 0x34, 0x30, 0x34]; // enters :status 404
    const pieces = [
      frame(PUSH_PROMISE, 0, 1, promise.slice(0, 6)),
      frame(frames.CONTINUATION, FLAG_END_HEADERS, 1, promise.slice(6)),
      frame(HEADERS, FLAG_END_HEADERS, 2, [0xbe]),
      data(2, 'pushed', true),
      frame(HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1, [0xbe]),
    ];
    everySplit(pieces, (send) => {
      const peer = new ScriptedPeer();
      peer.connection.start();
      peer.send(settingsFrame([]));
      peer.output();
      assert.equal(peer.submit(1), 1);
      peer.read();
      send(peer);
      assert.equal(peer.connection.failure, null);
      assert.equal(peer.listener.summary(), '0 rejected');
      const resets = peer.read().filter(({ type }) => type === frames.RST_STREAM);
      assert.deepEqual(
        resets.map(({ streamId, payload }) => [streamId, readU32(payload, 0)]),
        [[2, frames.REFUSED_STREAM]],
      );
      peer.send(goaway(0, 0));
    });
  });
});
