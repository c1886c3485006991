/**
 * Rows F: field blocks in several frames, PING, GOAWAY and the end of a connection (RFC 9113 §6.7, §6.8, §6.10). Where
 * the codec has only a part in a row, the case says who has the rest.
 */

import assert from 'node:assert/strict';
import { PealError } from '../../../../src/base/errors.js';
import {
  maxContinuationFrames,
  maxFieldBlockBytes,
  maxGoawayDebugBytes,
  maxGoawayFrames,
  maxPendingAcks,
  maxStreamErrors,
} from '../../../../src/base/limits.js';
import * as frames from '../../../../src/codec/http2/frames.js';
import {
  accepted,
  data,
  frame,
  goaway,
  headers,
  rstStream,
  settingsFrame,
  windowUpdate,
} from '../../../support/frames.js';
import { octets } from '../../../support/hex.js';
import { connectionError, everySplit, goesOn, ok, opaque, row, withRequests } from '../../../support/peer-cases.js';
import { plainNotification, ScriptedPeer } from '../../../support/scripted-peer.js';

const { CONTINUATION, ENHANCE_YOUR_CALM, FLAG_END_HEADERS, FLAG_END_STREAM, HEADERS, PING, PROTOCOL_ERROR } = frames;
function notification(payloadBytes: number) {
  return { ...plainNotification, payload: Buffer.alloc(payloadBytes, 'x') };
}

/** What the cause of a request that was not answered says. */
function messageOf(peer: ScriptedPeer, tag: number): string {
  const report = peer.listener.reports.get(tag);
  return report !== undefined && 'cause' in report ? report.cause.message : '';
}

const gone = new PealError('ERR_PEAL_CLOSED', 'the stream is gone', { origin: 'connect' });

describe('codec/http2/cases: F, field blocks, PING, GOAWAY, the end', () => {
  for (const [name, bytes] of [
    ['PING', frame(PING, 0, 0, opaque)],
    ['DATA', data(1, 'x', true)],
    ['HEADERS', headers(1, [[':status', '200']])],
    ['SETTINGS', settingsFrame([])],
    ['RST_STREAM', rstStream(1, frames.CANCEL)],
    ['WINDOW_UPDATE', windowUpdate(0, 1)],
    ['GOAWAY', goaway(0, 0)],
    ['CONTINUATION of another stream', frame(CONTINUATION, FLAG_END_HEADERS, 3, ok)],
  ] as const) {
    connectionError(`F1 ${name} within a field block`, PROTOCOL_ERROR, frame(HEADERS, 0, 1, ok), bytes);
  }
  connectionError('F1 CONTINUATION without HEADERS', PROTOCOL_ERROR, frame(CONTINUATION, FLAG_END_HEADERS, 1, ok));
  connectionError(
    'F1 CONTINUATION behind a block that has ended',
    PROTOCOL_ERROR,
    accepted(1),
    frame(CONTINUATION, FLAG_END_HEADERS, 1, ok),
  );
  goesOn(
    'F1 a block in several frames is one block, octet by octet',
    '0 accepted',
    [],
    octets(`
      00 00 02 01 01 00 00 00 01   // HEADERS, END_STREAM, stream 1
      48 03                        // :status, entered, three octets …
      00 00 00 09 00 00 00 00 01   // CONTINUATION, empty
      00 00 03 09 04 00 00 00 01   // CONTINUATION, END_HEADERS
      32 30 30                     // … 200
    `),
  );

  const continued = (count: number, bytes: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) =>
      frame(CONTINUATION, i === count - 1 ? FLAG_END_HEADERS : 0, 1, new Uint8Array(bytes)),
    );
  const opening = frame(HEADERS, FLAG_END_STREAM, 1, ok);
  goesOn(
    `F2 ${maxContinuationFrames} CONTINUATIONs`,
    '0 accepted',
    [],
    opening,
    ...continued(maxContinuationFrames, 0),
  );
  connectionError('F2 one CONTINUATION more', ENHANCE_YOUR_CALM, opening, ...continued(maxContinuationFrames + 1, 0));
  connectionError(
    `F2 a field block above ${maxFieldBlockBytes} bytes, in few frames`,
    ENHANCE_YOUR_CALM,
    opening,
    ...continued(3, 16_000),
  );

  goesOn(
    'F3 PRIORITY in any state, and HEADERS with priority and padding',
    '0 accepted',
    [],
    ...[1, 2, 9, 999].map((id) => frame(frames.PRIORITY, 0, id, [0x80, 0, 0, 3, 255])),
    octets(`
      00 00 09 01 2d 00 00 00 01   // HEADERS: PRIORITY, PADDED, END_HEADERS, END_STREAM, stream 1
      02                           // two octets of padding
      80 00 00 01 ff               // depends on itself, exclusively, weight 256: not looked at
      88                           // :status 200
      00 00
    `),
    frame(frames.PRIORITY, 0, 1, [0, 0, 0, 3, 0]),
  );

  row('F4 PING is answered with the same octets, ahead of requests that wait', () => {
    const ping = octets('00 00 08 06 00 00 00 00 00  01 02 03 04 05 06 07 08');
    everySplit([ping], (send) => {
      const peer = withRequests();
      peer.submit(2, 10);
      send(peer);
      const [first, second] = peer.read();
      assert.deepEqual([first?.type, first?.flags, [...first!.payload]], [PING, frames.FLAG_ACK, [...opaque]]);
      assert.equal(second?.type, HEADERS);
    });
  });
  goesOn(
    'F4 acknowledgements of PINGs that were never sent are ignored',
    '',
    [],
    frame(PING, frames.FLAG_ACK, 0, opaque),
  );
  const pings = (count: number): Uint8Array[] => Array.from({ length: count }, () => frame(PING, 0, 0, opaque));
  goesOn(`F4 ${maxPendingAcks} PINGs while nothing is read`, '', [], ...pings(maxPendingAcks));
  connectionError('F4 one PING more', ENHANCE_YOUR_CALM, ...pings(maxPendingAcks + 1));
  connectionError(
    'F4 PING and SETTINGS together',
    ENHANCE_YOUR_CALM,
    ...pings(maxPendingAcks - 1),
    settingsFrame([]),
    settingsFrame([]),
  );

  row('F5 GOAWAY: above lastStreamId not processed and nothing new; up to it the answers are waited for', () => {
    const bytes = octets(`
      00 00 08 07 00 00 00 00 00   // GOAWAY
      00 00 00 03 00 00 00 00      // lastStreamId 3, NO_ERROR
    `);
    everySplit([bytes], (send) => {
      const peer = ScriptedPeer.opened([[3, 100]]);
      peer.request(4);
      peer.submit(2, 10);
      send(peer);
      assert.equal(peer.listener.summary(), '2 unsent, 3 unsent, 10 unsent, 11 unsent');
      assert.equal(peer.submit(1, 20), 0);
      assert.equal(peer.read().filter(({ type }) => type === HEADERS).length, 0);
      peer.send(accepted(1), accepted(7), accepted(3)); // 7 is above: too late
      assert.equal(peer.listener.reports.get(1)?.kind, 'accepted');
      assert.equal(peer.listener.reports.size, 6);
      assert.equal(peer.connection.failure, null);
    });
  });
  row('F5 a server that has begun to answer has processed the request, whatever its GOAWAY says', () => {
    everySplit([headers(3, [[':status', '200']], false), goaway(0, 0), accepted(3)], (send) => {
      const peer = withRequests();
      send(peer);
      assert.equal(peer.listener.summary(), '0 unsent, 1 unknown, 2 unsent');
      const causes = [0, 1].map((tag) => messageOf(peer, tag));
      assert.match(causes[0]!, /may be sent again/);
      assert.doesNotMatch(causes[1]!, /before processing|may be sent again/);
    });
  });
  row('F5 half a request up to lastStreamId goes on, and its answer counts', () => {
    const peer = ScriptedPeer.opened([[4, 10]]);
    peer.request(1);
    peer.send(goaway(1, 0), windowUpdate(1, 100));
    peer.read();
    assert.equal(peer.requests.get(1)?.isComplete, true);
    peer.send(accepted(1));
    assert.equal(peer.listener.summary(), '0 accepted');
  });

  row('F5 what was not handed out leaves its part of the connection window to the bodies that go on', () => {
    const peer = ScriptedPeer.opened([[4, 100]]);
    assert.equal(peer.submit(1, 0, peer.template({}, notification(5000))), 1); // 100 of 5,000 bytes go out
    peer.read();
    const small = peer.template({}, notification(100));
    let taken = 1;
    for (let n = peer.submit(1000, taken, small); n > 0; n = peer.submit(1000, taken, small)) {
      taken += n;
      if (taken < 400) peer.read();
    }
    assert.ok(peer.judge.dataBytes < 50_000 && taken * 100 > 60_000, 'the rest of the window is in the output');
    peer.send(goaway(1, 0), windowUpdate(1, 4900));
    peer.read();
    assert.equal(peer.requests.get(1)?.isComplete, true);
    peer.judge.finish();
    peer.judge.assertClean();
  });

  row('F6 GOAWAY(2^31-1): what was not handed out is not processed, the rest is waited for', () => {
    everySplit([goaway(0x7fffffff, 0)], (send) => {
      const peer = withRequests();
      peer.submit(2, 10);
      send(peer);
      assert.equal(peer.listener.summary(), '10 unsent, 11 unsent');
      assert.equal(peer.connection.activeStreams, 3);
    });
  });
  row('F6 GOAWAY in two steps, once more, with an error, and with a larger id: the smallest id counts', () => {
    everySplit([goaway(0x7fffffff, 0), goaway(5, 0), goaway(5, 0), goaway(0x7fffffff, 2)], (send) => {
      const peer = ScriptedPeer.opened();
      peer.request(4);
      send(peer);
      assert.equal(peer.listener.summary(), '3 unsent');
      assert.deepEqual(peer.connection.goaway, { lastStreamId: 5, errorCode: 2 });
      peer.send(goaway(1, 0));
      assert.equal(peer.listener.summary(), '1 unsent, 2 unsent, 3 unsent');
      assert.deepEqual(
        peer.listener.goaways.map(({ lastStreamId }) => lastStreamId),
        [0x7fffffff, 5, 5, 5, 1],
      );
    });
  });

  row(`F7 debug data of a GOAWAY is handed on, ${maxGoawayDebugBytes} bytes of it at most`, () => {
    for (const text of ['{"reason":"Shutdown"}', '', 'x'.repeat(maxGoawayDebugBytes), 'y'.repeat(16_000)]) {
      everySplit([goaway(1, 0, text)], (send) => {
        const peer = withRequests();
        send(peer);
        assert.equal(peer.listener.goaways[0]?.debug, text.slice(0, maxGoawayDebugBytes));
      });
    }
  });

  row('F8 the end without a GOAWAY: all that was handed out is unknown, the rest not processed', () => {
    const peer = withRequests();
    peer.submit(2, 10);
    peer.connection.abandon(gone); // FIN or reset: connection/http2/http2-connection notices them
    assert.equal(peer.listener.summary(), '0 unknown, 1 unknown, 2 unknown, 10 unsent, 11 unsent');
    peer.send(accepted(1));
    peer.connection.abandon(gone);
    assert.equal(peer.listener.reports.size, 5);
  });

  row("F9 GOAWAY(0) as soon as requests come: all of them not processed, once (pace and budget are the pool's)", () => {
    everySplit([goaway(0, frames.NO_ERROR)], (send) => {
      const peer = withRequests();
      send(peer);
      assert.equal(peer.listener.summary(), '0 unsent, 1 unsent, 2 unsent');
      assert.equal(peer.connection.activeStreams, 0);
      assert.equal(peer.connection.credit(10), 0);
    });
  });
  const goaways = (count: number): Uint8Array[] => Array.from({ length: count }, () => goaway(5, 0));
  goesOn(`F9 ${maxGoawayFrames} GOAWAYs`, '', [], ...goaways(maxGoawayFrames));
  connectionError('F9 one GOAWAY more', ENHANCE_YOUR_CALM, ...goaways(maxGoawayFrames + 1));

  row(`F10 after ${maxStreamErrors} streams with errors we close the connection instead of resetting more`, () => {
    const peer = ScriptedPeer.opened();
    peer.request(maxStreamErrors + 1);
    for (let i = 0; i < maxStreamErrors; i++) peer.send(windowUpdate(2 * i + 1, 0));
    assert.equal(peer.connection.failure, null);
    peer.send(windowUpdate(2 * maxStreamErrors + 1, 0));
    peer.assertFailed(ENHANCE_YOUR_CALM, 'ERR_PEAL_LIMIT');
  });
  row('F10 the same for pushes that come before our SETTINGS are acknowledged', () => {
    const peer = new ScriptedPeer();
    peer.connection.start();
    peer.send(settingsFrame([]));
    peer.output();
    peer.request(1);
    for (let id = 2; id <= 2 * maxStreamErrors + 2; id += 2) {
      peer.send(frame(frames.PUSH_PROMISE, FLAG_END_HEADERS, 1, [0, 0, id >>> 8, id, 0x88]));
    }
    peer.assertFailed(ENHANCE_YOUR_CALM, 'ERR_PEAL_LIMIT');
  });

  row('F11 what a TLS or HTTP/1.1 server says is no HTTP/2 (ALPN and certificates: test/transport/tls.test.ts)', () => {
    const alert = octets('15 03 03 00 02 02 78'); // TLS: fatal, no_application_protocol
    for (const text of [alert, Buffer.from('HTTP/1.1 505 HTTP Version Not Supported\r\n'), new Uint8Array(64)]) {
      everySplit([text, new Uint8Array(9)], (send) => {
        const peer = new ScriptedPeer();
        peer.connection.start();
        peer.output();
        send(peer);
        assert.equal(peer.connection.failure?.origin, 'protocol');
        assert.equal(peer.connection.isReady, false);
      });
    }
  });
});
