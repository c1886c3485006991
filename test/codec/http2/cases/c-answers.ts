/** Rows C, second part: what makes an answer, and what makes it malformed (RFC 9113 §8). */

import assert from 'node:assert/strict';
import {
  maxHeldResponseBytes,
  maxInformationalResponses,
  maxReadBodyBytes,
  maxResponseBodyBytes,
} from '../../../../src/base/limits.js';
import * as frames from '../../../../src/codec/http2/frames.js';
import { readU32 } from '../../../../src/codec/octets.js';
import { accepted, data, frame, headers, rstStream, windowUpdate } from '../../../support/frames.js';
import { octets } from '../../../support/hex.js';
import { everySplit, goesOn, row, streamError } from '../../../support/peer-cases.js';
import { ScriptedPeer } from '../../../support/scripted-peer.js';

const { CANCEL, FLAG_END_HEADERS, FLAG_END_STREAM, HEADERS, PROTOCOL_ERROR } = frames;
type Fields = readonly (readonly [string, string])[];

const status200 = [':status', '200'] as const;

/** Each is malformed, and goes with `:status` 200 in front unless it says otherwise. */
const malformed: Record<string, Fields> = {
  'no :status': [['apns-id', 'x']],
  'no fields at all': [],
  'two :status': [status200, status200],
  'a :status of four digits': [[':status', '2000']],
  'a :status of two digits': [[':status', '20']],
  'a :status that is no number': [[':status', '2x0']],
  'a :status below 100': [[':status', '099']],
  'an empty :status': [[':status', '']],
  'a pseudo-field of requests': [status200, [':path', '/']],
  'an unknown pseudo-field': [status200, [':x', '/']],
  'a pseudo-field behind a regular one': [['server', 'x'], status200],
  'a pseudo-field behind apns-id': [['apns-id', 'x'], status200],
  'an upper-case name': [status200, ['Server', 'x']],
  'a name with one upper-case letter': [status200, ['apns-iD', 'x']],
  'a blank in a name': [status200, ['a b', 'x']],
  'a control character in a name': [status200, ['a\tb', 'x']],
  'a colon in a name': [status200, ['a:b', 'x']],
  'an octet above 0x7e in a name': [status200, ['a\x7f', 'x']],
  'CR in a value': [status200, ['server', 'a\rb']],
  'LF in a value': [status200, ['apns-id', 'a\nb']],
  'NUL in a value': [status200, ['server', 'a\0b']],
  'a space in front of a value': [status200, ['server', ' x']],
  'a space behind a value': [status200, ['apns-id', 'x ']],
  'a tab in front of a value': [status200, ['server', '\tx']],
  'a tab behind a value': [status200, ['server', 'x\t']],
  'a value of one space': [status200, ['server', ' ']],
  connection: [status200, ['connection', 'close']],
  'keep-alive': [status200, ['keep-alive', 'timeout=5']],
  'proxy-connection': [status200, ['proxy-connection', 'close']],
  'transfer-encoding': [status200, ['transfer-encoding', 'chunked']],
  upgrade: [status200, ['upgrade', 'h2c']],
};

/** An answer that is complete with one DATA frame. */
function answerWith(fields: Fields, body: string): Uint8Array[] {
  return [headers(1, fields, false), data(1, body, true)];
}

function length(value: string): readonly [string, string] {
  return ['content-length', value];
}

describe('codec/http2/cases: C, answers', () => {
  for (const [name, fields] of Object.entries(malformed)) {
    streamError(`C11 ${name}`, PROTOCOL_ERROR, headers(1, fields));
  }
  streamError(
    'C11 blanks at the ends of a Huffman coded value',
    PROTOCOL_ERROR,
    octets(`
      00 00 07 01 05 00 00 00 01   // HEADERS, END_STREAM and END_HEADERS, stream 1
      88                           // :status 200
      0f 27 82 52 3f               // server, Huffman: " b" and padding: 010100 100011 1111
      90                           // accept-encoding
  `),
  );
  streamError(
    'C11 a blank at the end of a Huffman coded value that enters the table',
    PROTOCOL_ERROR,
    octets(`
      00 00 06 01 05 00 00 00 01   // HEADERS, END_STREAM and END_HEADERS, stream 1
      88                           // :status 200
      76 82 8d 4f                  // server, entered, Huffman: "b ": 100011 010100 1111
      90                           // accept-encoding
  `),
  );
  goesOn(
    'C11 blanks and octets above 0x7f within a value are allowed',
    '0 accepted',
    [],
    headers(1, [status200, ['server', 'a b\tc\xe9']]),
  );
  streamError(
    'C11 a malformed answer is not believed, though a body and an end follow',
    PROTOCOL_ERROR,
    headers(1, [['Server', 'x'], status200], false),
    data(1, '{}', true),
  );
  streamError('C11 101 does not exist in HTTP/2', PROTOCOL_ERROR, headers(1, [[':status', '101']], false));

  streamError('C12 DATA before HEADERS', PROTOCOL_ERROR, data(1, '', true));
  streamError(
    'C12 DATA behind an informational answer',
    PROTOCOL_ERROR,
    headers(1, [[':status', '103']], false),
    data(1, 'x', true),
  );
  streamError(
    'C12 a second HEADERS without END_STREAM',
    PROTOCOL_ERROR,
    headers(1, [status200], false),
    headers(1, [['x', 'y']], false),
  );
  streamError(
    'C12 a pseudo-field in trailers',
    PROTOCOL_ERROR,
    headers(1, [status200], false),
    headers(1, [status200]),
  );
  streamError(
    'C12 a malformed name in trailers',
    PROTOCOL_ERROR,
    headers(1, [status200], false),
    headers(1, [['X', 'y']]),
  );

  const early = headers(
    1,
    [
      [':status', '103'],
      ['link', 'x'],
    ],
    false,
  );
  const manyEarly = Array.from({ length: maxInformationalResponses }, () => early);
  goesOn(
    `C13 ${maxInformationalResponses} informational answers are passed over`,
    '0 accepted',
    [],
    ...manyEarly,
    accepted(1),
  );
  streamError('C13 one informational answer more', PROTOCOL_ERROR, ...manyEarly, early, accepted(1));
  streamError('C13 1xx with END_STREAM', PROTOCOL_ERROR, headers(1, [[':status', '103']]));
  row('C13 a stream starts to count anew where its slot is used again', () => {
    const peer = ScriptedPeer.opened([], { maxStreams: 1 }); // a ring of 4 slots
    for (let i = 0; i < 40; i++) {
      const streamId = 2 * i + 1;
      peer.request(1, i);
      for (let n = 0; n < maxInformationalResponses; n++) peer.send(headers(streamId, [[':status', '103']], false));
      peer.send(accepted(streamId));
    }
    assert.ok([...peer.listener.reports.values()].every(({ kind }) => kind === 'accepted'));
  });

  goesOn(
    'C14 trailers behind DATA',
    '0 rejected',
    [],
    headers(1, [[':status', '500']], false),
    data(1, '{}', false),
    headers(1, [['x-trailer', 'y']]),
  );
  goesOn(
    'C14 trailers without DATA',
    '0 accepted',
    [],
    headers(1, [status200], false),
    headers(1, [['x-trailer', 'y']]),
  );

  streamError(
    'C15 a body shorter than its content-length',
    PROTOCOL_ERROR,
    ...answerWith([[':status', '500'], length('3')], 'ab'),
  );
  streamError(
    'C15 a body longer than its content-length',
    PROTOCOL_ERROR,
    ...answerWith([[':status', '500'], length('1')], 'ab'),
  );
  streamError('C15 a content-length without a body', PROTOCOL_ERROR, headers(1, [status200, length('1')]));
  streamError('C15 a body in spite of content-length 0', PROTOCOL_ERROR, ...answerWith([status200, length('0')], 'a'));
  streamError('C15 two content-lengths that differ', PROTOCOL_ERROR, headers(1, [status200, length('0'), length('1')]));
  for (const value of ['+1', '-0', '0x0', '1e0', '', '0,0', '9'.repeat(16)]) {
    streamError(`C15 content-length "${value}"`, PROTOCOL_ERROR, headers(1, [status200, length(value)]));
  }
  streamError(
    'C15 trailers end a body that is too short',
    PROTOCOL_ERROR,
    headers(1, [status200, length('3')], false),
    data(1, 'ab', false),
    headers(1, [['x', 'y']]),
  );
  goesOn(
    'C15 content-length as it should be, in all ways to say it',
    '0 accepted, 1 rejected',
    [],
    headers(1, [status200, length('0'), length('0')]),
    headers(3, [[':status', '410'], length('0002')], false),
    frame(frames.DATA, frames.FLAG_PADDED | FLAG_END_STREAM, 3, [3, 0x7b, 0x7d, 0, 0, 0]),
  );
  for (const status of ['204', '304']) {
    streamError(`C15 ${status} with a body`, PROTOCOL_ERROR, ...answerWith([[':status', status]], 'ab'));
    goesOn(`C15 ${status} with an empty DATA`, '0 rejected', [], ...answerWith([[':status', status]], ''));
  }
  goesOn('C15 304 has a content-length and no body', '0 rejected', [], headers(1, [[':status', '304'], length('120')]));

  goesOn(
    'C16 HEADERS with END_STREAM and :status 200, octet by octet',
    '0 accepted',
    [],
    octets(`
      00 00 01      // length
      01            // HEADERS
      05            // END_STREAM, END_HEADERS
      00 00 00 01   // stream 1
      88            // :status 200
  `),
  );
  goesOn(
    'C16 200 whose body comes in many pieces',
    '0 accepted, 1 accepted',
    [],
    headers(1, [status200, length('4')], false),
    data(1, 'ab', false),
    data(1, '', false),
    data(1, 'cd', true),
    headers(3, [status200], false),
    data(3, '', true),
  );
  row('C16 status, reason and fields of an answer that is not 200, whatever pieces it comes in', () => {
    const pieces = [
      headers(
        1,
        [
          [':status', '429'],
          ['apns-id', 'some-id'],
          ['retry-after', '17'],
        ],
        false,
      ),
      data(1, '{"reason":', false),
      data(1, '"TooManyRequests"}', true),
    ];
    everySplit(pieces, (send) => {
      const peer = ScriptedPeer.opened();
      peer.request(1);
      send(peer);
      const body = '{"reason":"TooManyRequests"}';
      const expected = { kind: 'rejected', status: 429, body, apnsId: 'some-id', retryAfter: '17' };
      assert.deepEqual(peer.listener.reports.get(0), expected);
    });
  });
  const half = 'x'.repeat(maxResponseBodyBytes / 8);
  const largest = Array.from({ length: 8 }, (_, i) => data(1, half, i === 7));
  goesOn(
    `C16 a body of ${maxResponseBodyBytes} bytes`,
    '0 rejected',
    [],
    headers(1, [[':status', '500']], false),
    ...largest,
  );
  const larger = [...largest.slice(0, 7), data(1, half, false), data(1, 'x', true)];
  goesOn(
    'C16 a body of one byte more: the status counts',
    '0 rejected',
    [],
    headers(1, [[':status', '500']], false),
    ...larger,
  );
  goesOn('C16 a body of one byte more, of a 200', '0 accepted', [], headers(1, [status200], false), ...larger);

  const pieceBytes = 16_384;
  const piece = (streamId: number, endsStream: boolean): Uint8Array =>
    data(streamId, 'x'.repeat(pieceBytes), endsStream);

  for (const [status, outcome] of [
    ['200', '0 accepted'],
    ['400', '0 rejected'],
    ['403', '0 rejected'],
    ['503', '0 rejected'],
  ] as const) {
    row(
      `C16 a body of ${maxReadBodyBytes} bytes, of a ${status}: its windows open again, and its beginning is kept`,
      () => {
        const peer = ScriptedPeer.opened();
        peer.request(2);
        peer.send(headers(1, [[':status', status]], false), data(1, '{"reason":"Some', false));
        let opened = 0;
        for (let sent = 15; sent + pieceBytes < maxReadBodyBytes; sent += pieceBytes) {
          peer.send(piece(1, false));
          opened += peer.read().filter(({ type, streamId }) => type === frames.WINDOW_UPDATE && streamId === 1).length;
        }
        assert.equal(peer.listener.summary(), '');
        assert.ok(opened > 0);
        peer.send(data(1, '', true), accepted(3));
        assert.equal(peer.listener.summary(), `${outcome}, 1 accepted`);
        const report = peer.listener.reports.get(0)!;
        if (report.kind === 'rejected') {
          assert.equal(report.body.length, maxResponseBodyBytes);
          assert.ok(report.body.startsWith('{"reason":"Somexxx'));
        }
        assert.deepEqual(
          peer.read().filter(({ type }) => type === frames.RST_STREAM),
          [],
        );
      },
    );
  }

  row(`C16 a body of more than ${maxReadBodyBytes} bytes: the status counts, and the stream is reset`, () => {
    const peer = ScriptedPeer.opened();
    peer.request(2);
    const resets: ReturnType<typeof peer.read> = [];
    for (const [streamId, status] of [
      [1, '429'],
      [3, '200'],
    ] as const) {
      peer.send(headers(streamId, [[':status', status]], false));
      for (let sent = 0; sent <= maxReadBodyBytes; sent += pieceBytes) {
        peer.send(piece(streamId, false));
        resets.push(...peer.read().filter(({ type }) => type === frames.RST_STREAM));
      }
    }
    assert.equal(peer.listener.summary(), '0 rejected, 1 accepted');
    // Whatever still comes is dropped.
    peer.send(piece(1, false), piece(3, true));
    resets.push(...peer.read().filter(({ type }) => type === frames.RST_STREAM));
    assert.deepEqual(
      resets.map(({ streamId, payload }) => [streamId, readU32(payload, 0)]),
      [
        [1, CANCEL],
        [3, CANCEL],
      ],
    );
    assert.equal(peer.connection.failure, null);
    assert.equal(peer.connection.activeStreams, 0);
  });

  row(
    `C16 bodies above ${maxHeldResponseBytes} bytes on all streams together: each status counts, short bodies whole`,
    () => {
      const peer = ScriptedPeer.opened();
      const streams = maxHeldResponseBytes / maxResponseBodyBytes + 8;
      for (let taken = 0; taken < streams + 1; taken += 50) peer.request(50, taken);
      for (let i = 0; i < streams; i++) {
        peer.send(headers(2 * i + 1, [[':status', '500']], false));
        for (let sent = 0; sent < maxResponseBodyBytes; sent += pieceBytes) peer.send(piece(2 * i + 1, false));
      }
      const short = 2 * streams + 1;
      peer.send(headers(short, [[':status', '410']], false), data(short, '{"reason":"Unregistered"}', true));
      for (let i = 0; i < streams; i++) peer.send(data(2 * i + 1, '', true));
      const reports = [...peer.listener.reports.values()].map((report) =>
        report.kind === 'rejected' ? report.body : report.kind,
      );
      assert.equal(reports[0], '{"reason":"Unregistered"}');
      const kept = reports.slice(1).map((body) => body.length);
      assert.equal(kept.length, streams);
      assert.ok(
        kept.reduce((sum, bytes) => sum + bytes) <= maxHeldResponseBytes + 2 * maxResponseBodyBytes,
        'too much is held',
      );
      assert.equal(kept[0], maxResponseBodyBytes);
      assert.deepEqual(
        peer.read().filter(({ type }) => type === frames.RST_STREAM),
        [],
      );
    },
  );

  row('C17 an answer that is complete before our DATA is sent counts, and we stop sending', () => {
    everySplit([headers(1, [[':status', '413']]), windowUpdate(1, 1000)], (send) => {
      const peer = ScriptedPeer.opened([[4, 10]]);
      peer.request(1);
      send(peer);
      assert.equal(peer.listener.summary(), '0 rejected');
      const sent = peer.read().map(({ type, payload }) => [type, readU32(payload, 0)]);
      assert.deepEqual(sent, [[frames.RST_STREAM, CANCEL]]);
      peer.send(rstStream(1, frames.NO_ERROR), data(1, 'late', true));
      peer.send(frame(HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1, [0x88]));
      assert.equal(peer.connection.failure, null);
      assert.equal(peer.connection.activeStreams, 0);
    });
  });
});
