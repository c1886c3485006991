/** Rows E: flow control (RFC 9113 §5.2, §6.9). */

import assert from 'node:assert/strict';
import { PealError } from '../../../../src/base/errors.js';
import { maxBlockedBodies, maxOutputBufferBytes, receiveStreamWindowBytes } from '../../../../src/base/limits.js';
import * as frames from '../../../../src/codec/http2/frames.js';
import { readU32 } from '../../../../src/codec/octets.js';
import {
  accepted,
  data,
  frame,
  goaway,
  headers,
  type RawFrame,
  rstStream,
  settingsFrame,
  windowUpdate,
} from '../../../support/frames.js';
import { octets } from '../../../support/hex.js';
import { connectionError, everySplit, goesOn, row, streamError } from '../../../support/peer-cases.js';
import { plainNotification, ScriptedPeer } from '../../../support/scripted-peer.js';

const { DATA, FLAG_PADDED, FLOW_CONTROL_ERROR, PROTOCOL_ERROR } = frames;
const gone = new PealError('ERR_PEAL_CLOSED', 'the stream is gone', { origin: 'connect' });
const largest = 0x7fffffff;
/** DATA that takes 257 bytes of the windows, of which one is of the body. */
const mostlyPadding = frame(DATA, FLAG_PADDED, 1, [255, 0x78, ...new Uint8Array(255)]);

function notification(payloadBytes: number) {
  return { ...plainNotification, payload: Buffer.alloc(payloadBytes, 'x') };
}

function dataOf(found: readonly RawFrame[], streamId: number): number[] {
  return found.filter((each) => each.type === DATA && each.streamId === streamId).map(({ payload }) => payload.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

describe('codec/http2/cases: E, flow control', () => {
  streamError('E1 WINDOW_UPDATE by 0 on a stream', PROTOCOL_ERROR, windowUpdate(1, 0));
  connectionError(
    'E1 WINDOW_UPDATE by 0 on the connection',
    PROTOCOL_ERROR,
    octets('00 00 04 08 00 00 00 00 00  00 00 00 00'),
  );

  // Streams start with 65,535, of which each of the three requests has used 25; so does the connection, which lost 75.
  streamError('E2 a stream window above 2^31-1', FLOW_CONTROL_ERROR, windowUpdate(1, largest - 65_535 + 26));
  goesOn(
    'E2 a stream window of exactly 2^31-1, of each way to write a request',
    '',
    [],
    windowUpdate(1, largest - 65_535 + 25),
    windowUpdate(3, largest - 65_535 + 25),
  );
  goesOn(
    'E2 a stream window above 2^31-1, of a request that was only patched',
    '1 unknown',
    [[3, FLOW_CONTROL_ERROR]],
    windowUpdate(3, largest - 65_535 + 26),
  );
  connectionError('E2 the connection window above 2^31-1', FLOW_CONTROL_ERROR, windowUpdate(0, largest - 65_535 + 76));
  goesOn('E2 the connection window of exactly 2^31-1', '', [], windowUpdate(0, largest - 65_535 + 75));
  streamError(
    'E2 a stream window that grows in many steps',
    FLOW_CONTROL_ERROR,
    ...Array.from({ length: 3 }, () => windowUpdate(1, 0x3fffffff)),
  );
  row('E2 sending goes on after a stream error, on other streams', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    peer.send(windowUpdate(1, largest));
    assert.equal(peer.submit(3, 1), 3);
    peer.read();
    peer.send(accepted(3), accepted(5), accepted(7));
    assert.equal(peer.listener.summary(), '0 unknown, 1 accepted, 2 accepted, 3 accepted');
  });

  const framesOfWindow = Math.floor(receiveStreamWindowBytes / 257) + 1;
  streamError(
    'E3 more DATA on a stream than its window, before we have given any back',
    FLOW_CONTROL_ERROR,
    headers(1, [[':status', '500']], false),
    ...Array.from({ length: framesOfWindow }, () => mostlyPadding),
  );
  row('E3 more DATA than the connection window, before we have given any back: FLOW_CONTROL_ERROR', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    const full = data(1, 'x'.repeat(16_384), false);
    for (let i = 0; i < 1024; i++) peer.send(full);
    assert.equal(peer.connection.failure, null);
    peer.send(full);
    peer.assertFailed(FLOW_CONTROL_ERROR, 'ERR_PEAL_PROTOCOL');
  });

  for (const [name, before] of [
    ['padding of an answer', [headers(1, [[':status', '200']], false)]],
    ['DATA of a stream that the peer has reset', [rstStream(1, frames.CANCEL)]],
    ['DATA of a stream that we have reset', [data(1, '', true)]],
    ['DATA of a stream that has ended', [accepted(1)]],
    ['DATA of a stream above the lastStreamId of a GOAWAY', [goaway(0, 0)]],
  ] as const) {
    row(`E4 ${name} is given back to the connection`, () => {
      const peer = ScriptedPeer.opened();
      peer.request(2);
      peer.send(...before);
      const bytes = name.startsWith('padding') ? mostlyPadding : frame(DATA, 0, 1, new Uint8Array(16_384));
      const times = name.startsWith('padding') ? 60_000 : 1200;
      let credited = 0;
      for (let i = 0; i < times; i++) {
        peer.send(bytes);
        if (i % 100 !== 0) continue;
        for (const { type, streamId, payload } of peer.read()) {
          if (type === frames.WINDOW_UPDATE && streamId === 0) credited += readU32(payload, 0);
        }
      }
      assert.equal(peer.connection.failure, null);
      const received = times * (bytes.length - frames.FRAME_HEADER_BYTES);
      assert.ok(received - credited <= 1 << 23, `${received - credited} of ${received} bytes were not given back`);
      peer.read();
      peer.judge.finish();
      peer.judge.assertClean();
    });
  }
  row('E4 a stream gets back what its padding took, before its window is used up', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    peer.send(headers(1, [[':status', '200']], false));
    let credited = 0;
    for (let i = 0; i < 1000; i++) {
      peer.send(mostlyPadding);
      for (const { type, streamId, payload } of peer.read()) {
        if (type === frames.WINDOW_UPDATE && streamId === 1) credited += readU32(payload, 0);
      }
    }
    assert.ok(credited >= 1000 * 257 - (1 << 16), `${credited} bytes were given back`);
  });

  row('E5 a window that opens byte by byte: as many frames as writes, and bounded bodies that wait', () => {
    const peer = ScriptedPeer.opened([[4, 0]]);
    let taken = 0;
    for (let n = peer.submit(1000); n > 0; n = peer.submit(1000, taken)) {
      taken += n;
      peer.read();
    }
    assert.equal(taken, maxBlockedBodies);
    for (let i = 0; i < 10; i++) peer.send(windowUpdate(1, 1));
    assert.deepEqual(dataOf(peer.read(), 1), [10]);
    for (let i = 0; i < 15; i++) {
      peer.send(windowUpdate(1, 1));
      assert.deepEqual(dataOf(peer.read(), 1), [1]);
    }
    assert.equal(peer.requests.get(1)?.isComplete, true);
    assert.equal(peer.connection.credit(25), 1, 'one body less waits');
  });

  row('E6 the connection window is used up and streams have theirs: all goes on with its WINDOW_UPDATE', () => {
    everySplit([windowUpdate(0, 100_000)], (send) => {
      const peer = ScriptedPeer.opened();
      const template = peer.template({}, notification(40_000));
      assert.equal(peer.submit(5, 0, template), 1);
      peer.read();
      peer.send(accepted(1));
      // 25,535 are left, and the peer may send no update before they are used: one body is begun.
      assert.equal(peer.submit(5, 1, template), 1);
      assert.equal(sum(dataOf(peer.read(), 3)), 25_535);
      assert.equal(peer.connection.credit(100), 0);
      send(peer);
      assert.equal(sum(dataOf(peer.read(), 3)), 14_465);
      assert.equal(peer.requests.get(3)?.isComplete, true);
    });
  });
  row('E6 one stream without a window does not hold up the others', () => {
    const peer = ScriptedPeer.opened([[4, 10]]);
    peer.request(2);
    // Room for whole bodies on new streams; the two that wait stay at 10 sent.
    peer.send(windowUpdate(3, 15));
    assert.deepEqual(dataOf(peer.read(), 3), [15]);
    assert.equal(peer.requests.get(1)?.isComplete, false);
    peer.send(settingsFrame([[4, 1000]]), accepted(3));
    assert.equal(peer.submit(1, 2), 1);
    peer.read();
    assert.equal(peer.requests.get(5)?.isComplete, true);
  });

  row(
    'E7 large windows and a peer that does not read: output is bounded, and what was not handed out is unsent',
    () => {
      const peer = ScriptedPeer.opened([[4, largest]]);
      peer.send(windowUpdate(0, largest - 65_535));
      const template = peer.template({}, notification(4096));
      assert.equal(peer.submit(1, 0, template), 1);
      const written = peer.connection.takeOutput(); // the write that never ends
      assert.ok(written !== null);
      let taken = 1;
      for (let n = peer.submit(1000, taken, template); n > 0; n = peer.submit(1000, taken, template)) taken += n;
      assert.equal(peer.connection.credit(4096), 0);
      assert.ok(taken * 4096 < maxOutputBufferBytes + 4096, `${taken} requests wait`);
      assert.equal(peer.connection.takeOutput(), null);
      peer.connection.abandon(gone);
      const kinds = [...peer.listener.reports.values()].map(({ kind }) => kind);
      assert.deepEqual([kinds.length, kinds.filter((kind) => kind === 'unknown').length], [taken, 1]);
    },
  );
});
