/**
 * Rows A: preface and frame layer (RFC 9113 §3.4, §4, §5.5, §6). Three requests are in flight, on the streams 1, 3
 * and 5.
 */

import assert from 'node:assert/strict';
import { PealError } from '../../../../src/base/errors.js';
import { maxEmptyDataFrames } from '../../../../src/base/limits.js';
import * as frames from '../../../../src/codec/http2/frames.js';
import { accepted, data, frame, goaway, headers, literals, rstStream, windowUpdate } from '../../../support/frames.js';
import { octets } from '../../../support/hex.js';
import { connectionError, everySplit, goesOn, ok, opaque, row, withRequests } from '../../../support/peer-cases.js';
import { ScriptedPeer } from '../../../support/scripted-peer.js';

const { DATA, FLAG_END_HEADERS, FLAG_END_STREAM, FLAG_PADDED, FLAG_PRIORITY, HEADERS, PING, SETTINGS } = frames;

/** The first octets of a connection, before anything else has come. */
function firstFrame(name: string, bytes: Uint8Array): void {
  row(`A1 the first frame is ${name}: PROTOCOL_ERROR ends the connection`, () => {
    everySplit([bytes], (send) => {
      const peer = new ScriptedPeer();
      peer.connection.start();
      peer.output();
      send(peer);
      assert.equal(peer.connection.isReady, false);
      peer.assertFailed(frames.PROTOCOL_ERROR, 'ERR_PEAL_PROTOCOL');
    });
  });
}

describe('codec/http2/cases: A, preface and frame layer', () => {
  firstFrame('a PING', frame(PING, 0, 0, opaque));
  firstFrame('a SETTINGS acknowledgement', frame(SETTINGS, frames.FLAG_ACK, 0));
  firstFrame('GOAWAY', goaway(0, frames.NO_ERROR));
  firstFrame('of an unknown type', frame(0x16, 0, 0, opaque));
  firstFrame('text of HTTP/1.1', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));

  goesOn(
    'A2 unknown frame types are discarded: on stream 0, open, closed, even and idle streams',
    '0 accepted',
    [],
    accepted(1),
    ...[0x0a, 0x0c, 0x10, 0x16, 0xff].flatMap((type) => [0, 1, 2, 3, 9].map((id) => frame(type, 0xff, id, opaque))),
  );
  goesOn(
    'A2 ALTSVC, octet by octet, is discarded',
    '',
    [],
    octets(`
      00 00 03      // length
      0a            // ALTSVC
      00            // flags
      00 00 00 00   // stream 0
      00 00 00      // origin of no octets, half a value
    `),
  );

  connectionError(
    'A3 an unknown frame between HEADERS and CONTINUATION',
    frames.PROTOCOL_ERROR,
    frame(HEADERS, FLAG_END_STREAM, 1, ok),
    frame(0x16, 0, 1, opaque),
    frame(frames.CONTINUATION, FLAG_END_HEADERS, 1),
  );

  goesOn(
    'A4 undefined flags are ignored',
    '0 accepted, 1 accepted',
    [],
    frame(PING, 0xfe, 0, opaque),
    frame(HEADERS, 0xd0 | FLAG_END_HEADERS, 1, ok),
    frame(DATA, 0xf6 | FLAG_END_STREAM, 1, []),
    accepted(3),
  );
  goesOn(
    'A4 the reserved bit is ignored: of a stream id, a window increment and a lastStreamId',
    '0 accepted, 1 accepted',
    [],
    octets(`
      00 00 04 08 00 80 00 00 00   // WINDOW_UPDATE, stream 0 behind the reserved bit
      80 00 00 01                  // by 1 behind the reserved bit
      00 00 01 01 05 80 00 00 01   // HEADERS, END_STREAM and END_HEADERS, stream 1 behind the reserved bit
      88                           // :status 200
      00 00 08 07 00 00 00 00 00   // GOAWAY
      80 00 00 05 00 00 00 00      // lastStreamId 5 behind the reserved bit, NO_ERROR
      00 00 01 01 05 00 00 00 03   // HEADERS, stream 3
      88
    `),
  );
  connectionError(
    'A4 an increment of nothing but the reserved bit is 0',
    frames.PROTOCOL_ERROR,
    octets('00 00 04 08 00 00 00 00 00  80 00 00 00'),
  );

  for (const [name, type, id] of [
    ['DATA', DATA, 1],
    ['HEADERS', HEADERS, 1],
    ['SETTINGS', SETTINGS, 0],
    ['CONTINUATION', frames.CONTINUATION, 1],
    ['a frame of an unknown type', 0x16, 3],
  ] as const) {
    const header = frame(type, 0, id);
    header.set([0x00, 0x40, 0x01]); // 16,385: seen as soon as the header is whole
    connectionError(`A5 ${name} of 16,385 bytes`, frames.FRAME_SIZE_ERROR, header);
  }

  goesOn(
    'A6 DATA of exactly 16,384 bytes, three times',
    '0 rejected',
    [],
    headers(1, [[':status', '500']], false),
    data(1, 'x'.repeat(16_384), false),
    data(1, 'y'.repeat(16_384), false),
    data(1, 'z'.repeat(16_384), true),
  );

  for (const [name, type, id, lengths] of [
    ['PING', PING, 0, [0, 7, 9]],
    ['WINDOW_UPDATE', frames.WINDOW_UPDATE, 0, [0, 3, 5]],
    ['WINDOW_UPDATE of a stream', frames.WINDOW_UPDATE, 1, [3]],
    ['RST_STREAM', frames.RST_STREAM, 1, [0, 3, 5]],
    ['SETTINGS', SETTINGS, 0, [1, 5, 7]],
    ['GOAWAY', frames.GOAWAY, 0, [0, 7]],
  ] as const) {
    for (const length of lengths) {
      const bytes = frame(type, 0, id, new Uint8Array(length));
      connectionError(`A7 ${name} of ${length} bytes`, frames.FRAME_SIZE_ERROR, bytes);
    }
  }
  connectionError(
    'A7 a SETTINGS acknowledgement with an entry',
    frames.FRAME_SIZE_ERROR,
    octets(`
      00 00 06 04 01 00 00 00 00   // SETTINGS, ACK, stream 0
      00 03 00 00 00 01            // MAX_CONCURRENT_STREAMS 1
    `),
  );
  goesOn(
    'A7 PRIORITY of 4 and of 6 bytes ends its stream only',
    '0 unknown, 1 unknown',
    [
      [1, frames.FRAME_SIZE_ERROR],
      [3, frames.FRAME_SIZE_ERROR],
    ],
    frame(frames.PRIORITY, 0, 1, new Uint8Array(4)),
    frame(frames.PRIORITY, 0, 3, new Uint8Array(6)),
  );

  for (const [name, type] of [
    ['DATA', DATA],
    ['HEADERS', HEADERS],
    ['PRIORITY', frames.PRIORITY],
    ['CONTINUATION', frames.CONTINUATION],
    ['PUSH_PROMISE', frames.PUSH_PROMISE],
  ] as const) {
    connectionError(
      `A8 ${name} on stream 0`,
      frames.PROTOCOL_ERROR,
      frame(type, FLAG_END_HEADERS | FLAG_END_STREAM, 0, opaque.subarray(0, 5)),
    );
  }
  connectionError('A8 RST_STREAM on stream 0', frames.PROTOCOL_ERROR, rstStream(0, frames.CANCEL));
  connectionError('A8 SETTINGS on a stream', frames.PROTOCOL_ERROR, frame(SETTINGS, 0, 1, new Uint8Array(6)));
  connectionError('A8 PING on a stream', frames.PROTOCOL_ERROR, frame(PING, 0, 1, opaque));
  connectionError('A8 GOAWAY on a stream', frames.PROTOCOL_ERROR, frame(frames.GOAWAY, 0, 1, opaque));

  connectionError(
    'A9 DATA whose padding is as long as its payload',
    frames.PROTOCOL_ERROR,
    headers(1, [[':status', '500']], false),
    octets(`
      00 00 04 00 08 00 00 00 01   // DATA, PADDED, stream 1
      04                           // 4 octets of padding, and 3 follow
      01 02 03
    `),
  );
  connectionError(
    'A9 HEADERS whose padding is longer than its payload',
    frames.PROTOCOL_ERROR,
    frame(HEADERS, FLAG_PADDED | FLAG_END_HEADERS, 1, [2, 0x88]),
  );
  connectionError(
    'A9 HEADERS whose padding reaches into the priority fields',
    frames.PROTOCOL_ERROR,
    frame(HEADERS, FLAG_PADDED | FLAG_PRIORITY | FLAG_END_HEADERS, 1, [2, 0, 0, 0, 0, 0, 0x88]),
  );
  connectionError(
    'A9 padded DATA without room for the padding length',
    frames.FRAME_SIZE_ERROR,
    headers(1, [[':status', '500']], false),
    frame(DATA, FLAG_PADDED, 1),
  );
  row('A9 PUSH_PROMISE whose padding is longer than its payload: PROTOCOL_ERROR ends the connection', () => {
    everySplit([frame(frames.PUSH_PROMISE, FLAG_PADDED | FLAG_END_HEADERS, 1, [2, 0, 0, 0, 2, 0x88])], (send) => {
      const peer = new ScriptedPeer();
      peer.connection.start();
      peer.send(frame(SETTINGS, 0, 0));
      peer.output();
      peer.request(1);
      send(peer);
      peer.assertFailed(frames.PROTOCOL_ERROR);
    });
  });
  goesOn(
    'A9 padding of 255 bytes, and of all of the payload but nothing',
    '0 rejected, 1 accepted',
    [],
    frame(HEADERS, FLAG_PADDED | FLAG_END_HEADERS, 1, [255, ...literals([[':status', '500']]), ...new Uint8Array(255)]),
    frame(DATA, FLAG_PADDED, 1, [255, ...new Uint8Array(255)]),
    frame(DATA, FLAG_PADDED | FLAG_END_STREAM, 1, [255, ...Buffer.from('{}'), ...new Uint8Array(255)]),
    frame(HEADERS, FLAG_PADDED | FLAG_PRIORITY | FLAG_END_HEADERS | FLAG_END_STREAM, 3, [1, 0, 0, 0, 0, 9, 0x88, 0]),
  );

  goesOn(
    'A10 many frames of many kinds, in one piece, in octets, and split at every place',
    '0 rejected, 1 accepted',
    [],
    frame(PING, 0, 0, opaque),
    headers(1, [[':status', '410']], false),
    windowUpdate(0, 10),
    data(1, '{"reason":', false),
    frame(HEADERS, FLAG_END_STREAM, 3, ok.subarray(0, 1)),
    frame(frames.CONTINUATION, FLAG_END_HEADERS, 3, ok.subarray(1)),
    data(1, '"Unregistered"}', true),
  );
  row('A10 the end of the stream within a frame, at every place: what is in flight is unknown', () => {
    const bytes = new Uint8Array(Buffer.concat([accepted(1), accepted(3)]));
    for (let at = 0; at <= bytes.length; at++) {
      const peer = withRequests();
      peer.send(bytes.subarray(0, at));
      peer.connection.abandon(new PealError('ERR_PEAL_CLOSED', 'the stream is over', { origin: 'connect' }));
      const whole = Math.floor((2 * at) / bytes.length);
      const kinds = [0, 1, 2].map((tag) => `${tag} ${tag < whole ? 'accepted' : 'unknown'}`);
      assert.equal(peer.listener.summary(), kinds.join(', '));
    }
  });

  const empty = data(1, '', false);
  goesOn(
    `A11 ${maxEmptyDataFrames} empty DATA frames without END_STREAM are legal`,
    '0 rejected',
    [],
    headers(1, [[':status', '500']], false),
    ...Array.from({ length: maxEmptyDataFrames }, () => empty),
    data(1, '', true),
  );
  connectionError(
    'A11 one empty DATA frame more is a flood',
    frames.ENHANCE_YOUR_CALM,
    headers(1, [[':status', '500']], false),
    ...Array.from({ length: maxEmptyDataFrames + 1 }, () => empty),
  );
  connectionError(
    'A11 DATA of padding alone counts as empty',
    frames.ENHANCE_YOUR_CALM,
    headers(1, [[':status', '500']], false),
    ...Array.from({ length: maxEmptyDataFrames + 1 }, () => frame(DATA, FLAG_PADDED, 1, [1, 0])),
  );
});
