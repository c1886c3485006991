/** Rows D: SETTINGS (RFC 9113 §6.5). */

import assert from 'node:assert/strict';
import { maxPendingAcks, maxSettingsEntries } from '../../../../src/base/limits.js';
import * as frames from '../../../../src/codec/http2/frames.js';
import { accepted, data, frame, headers, settingsAck, settingsFrame, windowUpdate } from '../../../support/frames.js';
import { octets } from '../../../support/hex.js';
import { connectionError, everySplit, goesOn, row, withRequests } from '../../../support/peer-cases.js';
import { plainNotification, ScriptedPeer } from '../../../support/scripted-peer.js';

const { ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, PROTOCOL_ERROR } = frames;

function dataBytes(peer: ScriptedPeer, streamId: number): number[] {
  const sent = peer.read().filter((each) => each.type === frames.DATA && each.streamId === streamId);
  return sent.map(({ payload }) => payload.length);
}

describe('codec/http2/cases: D, SETTINGS', () => {
  row('D1 values apply in order, the last of one kind counts, and each frame is acknowledged once', () => {
    const bytes = octets(`
      00 00 18 04 00 00 00 00 00   // SETTINGS, 4 entries
      00 03 00 00 00 05            // MAX_CONCURRENT_STREAMS 5
      00 04 00 00 00 0a            // INITIAL_WINDOW_SIZE 10
      00 03 00 00 00 07            // MAX_CONCURRENT_STREAMS 7
      00 04 00 00 00 14            // INITIAL_WINDOW_SIZE 20
      00 00 00 04 00 00 00 00 00   // SETTINGS without entries
    `);
    everySplit([bytes], (send) => {
      const peer = ScriptedPeer.opened();
      send(peer);
      const acks = peer.read();
      assert.deepEqual(
        acks.map(({ type, flags, payload }) => [type, flags, payload.length]),
        [
          [frames.SETTINGS, frames.FLAG_ACK, 0],
          [frames.SETTINGS, frames.FLAG_ACK, 0],
        ],
      );
      assert.equal(peer.connection.peerMaxStreams, 7);
      assert.equal(peer.submit(10), 7);
      assert.deepEqual(dataBytes(peer, 1), [20]);
    });
  });

  connectionError('D2 INITIAL_WINDOW_SIZE of 2^31', FLOW_CONTROL_ERROR, settingsFrame([[4, 0x80000000]]));
  connectionError('D2 INITIAL_WINDOW_SIZE of 2^32-1', FLOW_CONTROL_ERROR, settingsFrame([[4, 0xffffffff]]));
  for (const value of [0, 1, 16_383, 16_777_216, 0xffffffff]) {
    connectionError(`D3 MAX_FRAME_SIZE ${value}`, PROTOCOL_ERROR, settingsFrame([[5, value]]));
  }
  goesOn(
    'D3 MAX_FRAME_SIZE 16,384 and 16,777,215',
    '',
    [],
    settingsFrame([[5, 16_384]]),
    settingsFrame([[5, 16_777_215]]),
  );
  connectionError('D4 ENABLE_PUSH 1', PROTOCOL_ERROR, settingsFrame([[2, 1]]));
  connectionError('D4 ENABLE_PUSH 2', PROTOCOL_ERROR, settingsFrame([[2, 2]]));
  goesOn('D4 ENABLE_PUSH 0', '', [], settingsFrame([[2, 0]]));
  goesOn(
    'D5 unknown identifiers are ignored',
    '',
    [],
    settingsFrame([
      [0, 1],
      [7, 1],
      [8, 1],
      [0x99, 0xffffffff],
      [0xffff, 0],
    ]),
  );

  row('D6 a smaller INITIAL_WINDOW_SIZE makes windows negative: no DATA until they are positive again', () => {
    // 20 of 25 bytes are out, so 5 - 20 = -15; then 0; then 2.
    everySplit([settingsFrame([[4, 5]]), windowUpdate(1, 15)], (send) => {
      const peer = ScriptedPeer.opened([[4, 20]]);
      peer.request(1);
      assert.equal(peer.requests.get(1)?.body.length, 20);
      send(peer);
      assert.deepEqual(dataBytes(peer, 1), []);
      peer.send(windowUpdate(1, 2));
      assert.deepEqual(dataBytes(peer, 1), [2]);
      peer.send(settingsFrame([[4, 0]]), windowUpdate(1, 100));
      assert.deepEqual(dataBytes(peer, 1), [3]);
      assert.equal(peer.requests.get(1)?.isComplete, true);
    });
  });
  row('D6 END_STREAM without DATA needs no window', () => {
    const peer = ScriptedPeer.opened([[4, 0]]);
    const empty = peer.template({}, { ...plainNotification, payload: Buffer.alloc(0) });
    assert.equal(peer.submit(1, 0, empty), 1);
    peer.read();
    assert.equal(peer.requests.get(1)?.isComplete, true);
  });

  connectionError(
    'D7 INITIAL_WINDOW_SIZE lifts a stream window above 2^31-1',
    FLOW_CONTROL_ERROR,
    windowUpdate(1, 0x7fff0000),
    settingsFrame([[4, 0x7fffffff]]),
  );
  connectionError(
    'D7 so does one that is lowered again in the same frame',
    FLOW_CONTROL_ERROR,
    windowUpdate(1, 0x7fff0000),
    settingsFrame([
      [4, 0x7fffffff],
      [4, 1000],
    ]),
  );
  goesOn('D7 a stream window of exactly 2^31-1', '', [], windowUpdate(1, 25), settingsFrame([[4, 0x7fffffff]]));

  connectionError('D8 an acknowledgement of SETTINGS that were never sent', PROTOCOL_ERROR, settingsAck);

  const flood = (count: number): Uint8Array[] => Array.from({ length: count }, () => settingsFrame([]));
  connectionError(
    `D9 ${maxPendingAcks + 1} SETTINGS while nothing is read`,
    ENHANCE_YOUR_CALM,
    ...flood(maxPendingAcks + 1),
  );
  goesOn(`D9 ${maxPendingAcks} SETTINGS while nothing is read`, '', [], ...flood(maxPendingAcks));
  row('D9 any number of SETTINGS where each acknowledgement is handed out', () => {
    const peer = withRequests();
    for (let i = 0; i < 3 * maxPendingAcks; i++) {
      peer.send(settingsFrame([]));
      assert.equal(peer.read().length, 1);
    }
    assert.equal(peer.connection.failure, null);
  });
  const entries = (count: number): Uint8Array => settingsFrame(Array.from({ length: count }, () => [0x99, 1] as const));
  goesOn(`D9 ${maxSettingsEntries} entries in one frame`, '', [], entries(maxSettingsEntries));
  connectionError('D9 one entry more in a frame', ENHANCE_YOUR_CALM, entries(maxSettingsEntries + 1));

  row('D10 a peer that never acknowledges our SETTINGS is served all the same, and it can be seen', () => {
    const peer = new ScriptedPeer();
    peer.connection.start();
    peer.send(settingsFrame([]));
    peer.read();
    peer.request(2);
    assert.equal(peer.connection.isSettingsAcked, false); // a deadline is connection/http2/http2-connection's to set
    peer.send(accepted(1), headers(3, [[':status', '410']], false), data(3, '{}', true));
    assert.equal(peer.listener.summary(), '0 accepted, 1 rejected');
    peer.send(settingsAck);
    assert.equal(peer.connection.isSettingsAcked, true);
    assert.equal(peer.connection.failure, null);
  });
  row('D10 an acknowledgement with other flags set is one', () => {
    const peer = new ScriptedPeer();
    peer.connection.start();
    peer.send(settingsFrame([]), frame(frames.SETTINGS, 0xff, 0));
    assert.equal(peer.connection.isSettingsAcked, true);
  });
});
