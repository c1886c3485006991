import assert from 'node:assert/strict';
import { maxBlockedBodies } from '../../../src/base/limits.js';
import * as frames from '../../../src/codec/http2/frames.js';
import { readU32 } from '../../../src/codec/octets.js';
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
} from '../../support/frames.js';
import { plainNotification, ScriptedPeer } from '../../support/scripted-peer.js';

function notification(payloadBytes: number) {
  return { ...plainNotification, payload: Buffer.alloc(payloadBytes, 'x') };
}

function dataBytes(found: readonly RawFrame[], streamId: number): number[] {
  return found
    .filter((each) => each.type === frames.DATA && each.streamId === streamId)
    .map((each) => each.payload.length);
}

describe('codec/http2: flow control', () => {
  it('never sends more than the connection window, and fills it again after WINDOW_UPDATE', () => {
    const peer = ScriptedPeer.opened();
    const template = peer.template({}, notification(2000));
    assert.equal(peer.connection.credit(2000), 32);
    assert.equal(peer.submit(100, 0, template), 32);
    peer.read();
    assert.equal(peer.connection.credit(2000), 0);
    peer.send(windowUpdate(0, 1999));
    assert.equal(peer.connection.credit(2000), 1);
    assert.equal(peer.submit(5, 100, template), 1);
  });

  it('begins a body that fits into no window when all else is over, so that nothing waits without an end', () => {
    const peer = ScriptedPeer.opened();
    const template = peer.template({}, notification(40_000));
    assert.equal(peer.submit(5, 0, template), 1);
    peer.read();
    // 25,535 are left: not enough, and the peer sends no update before they are used.
    assert.equal(peer.submit(5, 1, template), 0);
    peer.send(accepted(1));
    assert.equal(peer.submit(5, 1, template), 1);
    assert.equal(
      dataBytes(peer.read(), 3).reduce((sum, n) => sum + n, 0),
      25_535,
    );
    peer.send(windowUpdate(0, 100_000));
    assert.equal(
      dataBytes(peer.read(), 3).reduce((sum, n) => sum + n, 0),
      14_465,
    );
    assert.equal(peer.requests.get(3)?.isComplete, true);
  });

  it('sends bodies in pieces as their stream windows open, and END_STREAM with the last', () => {
    const peer = ScriptedPeer.opened([[4, 10]]);
    peer.request(2);
    const body = plainNotification.payload.toString();
    assert.equal(peer.requests.get(1)?.body, body.slice(0, 10));
    peer.send(windowUpdate(3, 5));
    assert.deepEqual(dataBytes(peer.read(), 3), [5]);
    peer.send(windowUpdate(3, 1), windowUpdate(3, 1), windowUpdate(3, 1000));
    assert.deepEqual(dataBytes(peer.read(), 3), [10]);
    assert.deepEqual([peer.requests.get(3)?.body, peer.requests.get(3)?.isComplete], [body, true]);
    assert.deepEqual([peer.requests.get(1)?.body.length, peer.requests.get(1)?.isComplete], [10, false]);
  });

  it('opens blocked bodies with a larger INITIAL_WINDOW_SIZE, also one of 0', () => {
    const peer = ScriptedPeer.opened([[4, 0]]);
    peer.request(2);
    assert.equal(peer.requests.get(1)?.body, '');
    peer.send(settingsFrame([[4, 65_535]]));
    peer.read();
    assert.equal(peer.requests.get(1)?.isComplete, true);
    assert.equal(peer.requests.get(3)?.isComplete, true);
  });

  it('lets windows become negative, and sends nothing until they are positive again (6.9.2)', () => {
    const peer = ScriptedPeer.opened([[4, 20]]);
    peer.request(1);
    assert.equal(peer.requests.get(1)?.body.length, 20);
    // 20 are sent, so 5 - 20 = -15.
    peer.send(settingsFrame([[4, 5]]), windowUpdate(1, 15));
    assert.deepEqual(dataBytes(peer.read(), 1), []);
    peer.send(windowUpdate(1, 2));
    assert.deepEqual(dataBytes(peer.read(), 1), [2]);
  });

  it('needs no window for an empty body: HEADERS end the stream', () => {
    const peer = ScriptedPeer.opened([[4, 0]]);
    const template = peer.template({}, notification(0));
    assert.equal(peer.submit(3, 0, template), 3);
    const sent = peer.read().filter(({ type }) => type === frames.HEADERS || type === frames.DATA);
    assert.deepEqual(
      sent.map(({ type, flags }) => [type, flags]),
      Array.from({ length: 3 }, () => [frames.HEADERS, frames.FLAG_END_HEADERS | frames.FLAG_END_STREAM]),
    );
  });

  it('keeps to the largest frame of the peer', () => {
    const peer = ScriptedPeer.opened([[4, 1 << 20]]);
    const template = peer.template({}, notification(40_000));
    assert.equal(peer.submit(1, 0, template), 1);
    assert.deepEqual(dataBytes(peer.read(), 1), [16_384, 16_384, 7_232]);
  });

  it('bounds the bodies that wait', () => {
    const peer = ScriptedPeer.opened([[4, 1]]);
    let taken = 0;
    for (let n = peer.submit(1000, 0); n > 0; n = peer.submit(1000, taken)) {
      taken += n;
      peer.read();
    }
    assert.equal(taken, maxBlockedBodies);
  });

  it('stops sending a body when its answer is complete, and says so (8.1)', () => {
    const peer = ScriptedPeer.opened([[4, 10]]);
    peer.request(1);
    peer.send(headers(1, [[':status', '413']]), windowUpdate(1, 1000));
    const sent = peer.read();
    assert.equal(peer.listener.summary(), '0 rejected');
    assert.deepEqual(
      sent.map(({ type }) => type),
      [frames.RST_STREAM],
    );
    peer.send(rstStream(1, frames.NO_ERROR), data(1, 'late', true));
    assert.equal(peer.connection.failure, null);
  });

  it('drops blocked bodies of streams that a reset or a GOAWAY ends', () => {
    const peer = ScriptedPeer.opened([[4, 10]]);
    peer.request(3);
    peer.send(rstStream(1, frames.REFUSED_STREAM), goaway(3, 0), settingsFrame([[4, 1000]]));
    const sent = peer.read();
    assert.equal(peer.listener.summary(), '0 unsent, 2 unsent');
    assert.deepEqual([dataBytes(sent, 1), dataBytes(sent, 3), dataBytes(sent, 5)], [[], [15], []]);
  });

  it('credits the connection for padding and for DATA that is discarded', () => {
    const peer = ScriptedPeer.opened();
    peer.request(2);
    peer.send(rstStream(1, frames.CANCEL), headers(3, [[':status', '200']], false));
    const padded = frame(frames.DATA, frames.FLAG_PADDED, 3, [255, 1, ...new Uint8Array(255)]);
    // The stream is closed for the peer: the first DATA draws STREAM_CLOSED, all count against the connection.
    const discarded = frame(frames.DATA, 0, 1, new Uint8Array(16_384));
    let received = 0;
    let credited = 0;
    for (let i = 0; i < 1500; i++) {
      peer.send(i < 200 ? padded : discarded);
      received += i < 200 ? 257 : 16_384;
      for (const { type, streamId, payload } of peer.read()) {
        if (type === frames.WINDOW_UPDATE && streamId === 0) credited += readU32(payload, 0);
      }
    }
    assert.equal(peer.connection.failure, null);
    assert.ok(received > 1 << 24, 'more than the whole window');
    assert.ok(received - credited <= 1 << 23, `${received - credited} bytes were not credited`);
  });

  it('credits a stream for what it has received before its window is used up', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    peer.send(headers(1, [[':status', '200']], false));
    let credited = 0;
    for (let i = 0; i < 1000; i++) {
      peer.send(frame(frames.DATA, frames.FLAG_PADDED, 1, [255, 1, ...new Uint8Array(255)]));
      for (const { type, streamId, payload } of peer.read()) {
        if (type === frames.WINDOW_UPDATE && streamId === 1) credited += readU32(payload, 0);
      }
    }
    assert.ok(credited >= 1000 * 257 - (1 << 16), `${credited} bytes were credited`);
  });

  it('ends the stream of a peer that overruns its window', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    peer.send(headers(1, [[':status', '200']], false));
    peer.send(...Array.from({ length: 9 }, () => data(1, 'x'.repeat(16_384), false)));
    assert.equal(peer.listener.summary(), '0 unknown');
  });

  it('counts what was sent against the window of every stream, however it was written', () => {
    const peer = ScriptedPeer.opened();
    peer.request(3);
    const sent = plainNotification.payload.length;
    const largest = 0x7fffffff - 65_535 + sent;
    for (const id of [1, 3]) peer.send(windowUpdate(id, largest));
    assert.equal(peer.listener.summary(), '');
    for (const id of [1, 3]) peer.send(windowUpdate(id, 1));
    assert.equal(peer.listener.summary(), '0 unknown, 1 unknown');
  });

  it('goes on with other streams while one waits for its window', () => {
    const peer = ScriptedPeer.opened([[4, 10]]);
    peer.request(1);
    peer.send(settingsFrame([[4, 1000]]), windowUpdate(1, 0x7ffffc00));
    peer.read();
    assert.equal(peer.submit(1, 1), 1);
    peer.read();
    assert.equal(peer.requests.get(3)?.isComplete, true);
  });
});
