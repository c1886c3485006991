/**
 * What frames a peer may send, case by case. Numbers in the names are clauses of RFC 9113 (or 7541).
 */
import assert from 'node:assert/strict';
import { maxContinuationFrames, maxPendingAcks } from '../../../src/base/limits.js';
import * as frames from '../../../src/codec/http2/frames.js';
import { connectionError, goesOn, ok, opaque, withRequests } from '../../support/peer-cases.js';
import {
  accepted,
  block,
  data,
  frame,
  goaway,
  headers,
  rstStream,
  ScriptedPeer,
  settingsFrame,
  uint32,
  windowUpdate,
} from '../../support/scripted-peer.js';

const { CONTINUATION, DATA, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE } =
  frames;
const {
  FLAG_END_HEADERS: END_HEADERS,
  FLAG_END_STREAM: END_STREAM,
  FLAG_PADDED: PADDED,
  FLAG_PRIORITY: PRIORITY_FLAG,
} = frames;

describe('codec/http2: frames of the peer', () => {
  describe('the frame layer', () => {
    goesOn(
      'unknown frame types are discarded, on any stream (4.1, 5.5)',
      '',
      [],
      ...[0x0a, 0x0c, 0x10, 0x16, 0xff].flatMap((type) => [0, 1, 2, 9].map((id) => frame(type, 0xff, id, opaque))),
    );
    goesOn(
      'undefined flags are ignored (4.1)',
      '0 accepted',
      [],
      frame(PING, 0xfe, 0, opaque),
      frame(HEADERS, 0xd0 | END_HEADERS | END_STREAM, 1, ok),
    );
    connectionError(
      'an unknown frame within a field block (5.5)',
      frames.PROTOCOL_ERROR,
      frame(HEADERS, END_STREAM, 1, ok),
      frame(0x16, 0, 1, opaque),
    );
    for (const [name, type, length] of [
      ['PING', PING, 7],
      ['PING', PING, 9],
      ['WINDOW_UPDATE', WINDOW_UPDATE, 3],
      ['RST_STREAM', RST_STREAM, 5],
      ['SETTINGS', SETTINGS, 5],
      ['GOAWAY', GOAWAY, 7],
    ] as const) {
      const id = type === RST_STREAM ? 1 : 0;
      connectionError(
        `${name} of ${length} bytes (6)`,
        frames.FRAME_SIZE_ERROR,
        frame(type, 0, id, new Uint8Array(length)),
      );
    }
    connectionError(
      'SETTINGS ACK with a payload (6.5)',
      frames.FRAME_SIZE_ERROR,
      frame(SETTINGS, 1, 0, new Uint8Array(6)),
    );
    goesOn(
      'PRIORITY of 4 bytes ends its stream only (6.3)',
      '0 unanswered',
      [[1, frames.FRAME_SIZE_ERROR]],
      frame(PRIORITY, 0, 1, new Uint8Array(4)),
    );
    goesOn(
      'PRIORITY is ignored in any state (5.3.2)',
      '',
      [],
      ...[1, 2, 9, 999].map((id) => frame(PRIORITY, 0, id, new Uint8Array(5))),
    );
    for (const [name, type] of [
      ['DATA', DATA],
      ['HEADERS', HEADERS],
      ['PRIORITY', PRIORITY],
      ['CONTINUATION', CONTINUATION],
      ['PUSH_PROMISE', PUSH_PROMISE],
    ] as const) {
      connectionError(
        `${name} on stream 0 (6)`,
        frames.PROTOCOL_ERROR,
        frame(type, END_HEADERS | END_STREAM, 0, opaque.subarray(0, 5)),
      );
    }
    connectionError('RST_STREAM on stream 0 (6.4)', frames.PROTOCOL_ERROR, rstStream(0, 8));
    connectionError('SETTINGS on a stream (6.5)', frames.PROTOCOL_ERROR, frame(SETTINGS, 0, 1, new Uint8Array(6)));
    connectionError('PING on a stream (6.7)', frames.PROTOCOL_ERROR, frame(PING, 0, 1, opaque));
    connectionError('GOAWAY on a stream (6.8)', frames.PROTOCOL_ERROR, frame(GOAWAY, 0, 1, opaque));
    connectionError(
      'padding as long as DATA (6.1)',
      frames.PROTOCOL_ERROR,
      headers(1, [[':status', '500']], false),
      frame(DATA, PADDED, 1, [4, 1, 2, 3]),
    );
    connectionError(
      'padding as long as HEADERS (6.2)',
      frames.PROTOCOL_ERROR,
      frame(HEADERS, PADDED | END_HEADERS, 1, [2, 0x88]),
    );
    connectionError(
      'padding over the priority fields (6.2)',
      frames.PROTOCOL_ERROR,
      frame(HEADERS, PADDED | PRIORITY_FLAG | END_HEADERS, 1, [2, 0, 0, 0, 0, 0, 0x88]),
    );
    goesOn(
      'padding of 255 bytes, and of all but nothing (6.1, 6.2)',
      '0 rejected, 1 accepted',
      [],
      frame(HEADERS, PADDED | END_HEADERS, 1, [255, ...block([[':status', '500']]), ...new Uint8Array(255)]),
      frame(DATA, PADDED | END_STREAM, 1, [255, ...Buffer.from('{}'), ...new Uint8Array(255)]),
      frame(HEADERS, PADDED | PRIORITY_FLAG | END_HEADERS | END_STREAM, 3, [1, 0, 0, 0, 0, 9, 0x88, 0]),
    );
  });

  describe('field blocks', () => {
    connectionError(
      'index 0 (7541 6.1)',
      frames.COMPRESSION_ERROR,
      frame(HEADERS, END_HEADERS | END_STREAM, 1, [0x80]),
    );
    connectionError(
      'a bad block on a stream that has ended (4.3)',
      frames.COMPRESSION_ERROR,
      accepted(1),
      frame(HEADERS, END_HEADERS | END_STREAM, 1, [0x80]),
    );
    connectionError(
      'another frame within a field block (6.2)',
      frames.PROTOCOL_ERROR,
      frame(HEADERS, 0, 1, ok),
      frame(PING, 0, 0, opaque),
    );
    connectionError(
      'CONTINUATION of another stream (6.10)',
      frames.PROTOCOL_ERROR,
      frame(HEADERS, 0, 1, ok),
      frame(CONTINUATION, END_HEADERS, 3, ok),
    );
    connectionError(
      'CONTINUATION without HEADERS (6.10)',
      frames.PROTOCOL_ERROR,
      frame(CONTINUATION, END_HEADERS, 1, ok),
    );
    connectionError(
      'a flood of CONTINUATION',
      frames.ENHANCE_YOUR_CALM,
      frame(HEADERS, 0, 1, []),
      ...Array.from({ length: maxContinuationFrames + 1 }, () => frame(CONTINUATION, 0, 1, [])),
    );
    goesOn(
      'a block in several frames is one block (4.3)',
      '0 accepted',
      [],
      frame(HEADERS, END_STREAM, 1, ok.subarray(0, 3)),
      frame(CONTINUATION, 0, 1, []),
      frame(CONTINUATION, END_HEADERS, 1, ok.subarray(3)),
    );
    it('the table follows blocks that nobody waits for (4.3)', () => {
      const peer = withRequests();
      // :status 404 entered into the table by an answer to a stream that has ended; then used by index 62.
      peer.send(
        rstStream(1, frames.CANCEL),
        frame(HEADERS, END_HEADERS | END_STREAM, 1, [0x48, 0x03, 0x34, 0x30, 0x34]),
      );
      peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, [0xbe]));
      const report = peer.listener.reports.get(1);
      assert.equal(report?.kind === 'rejected' && report.status, 404);
    });
    connectionError(
      'a list above 16 KiB once decoded',
      frames.ENHANCE_YOUR_CALM,
      frame(HEADERS, END_HEADERS | END_STREAM, 1, [
        0x88,
        0x40,
        0x01,
        0x61,
        0x7f,
        0x81,
        0x1e,
        ...new Uint8Array(3968).fill(0x61),
        ...new Uint8Array(5).fill(0xbe),
      ]),
    );
    connectionError(
      'more fields than any answer has',
      frames.ENHANCE_YOUR_CALM,
      frame(HEADERS, END_HEADERS | END_STREAM, 1, new Uint8Array(129).fill(0x90)),
    );
  });

  describe('SETTINGS', () => {
    const bad: [string, number, [number, number][]][] = [
      ['INITIAL_WINDOW_SIZE above 2^31-1 (6.5.2)', frames.FLOW_CONTROL_ERROR, [[4, 0x80000000]]],
      ['MAX_FRAME_SIZE below 16,384 (6.5.2)', frames.PROTOCOL_ERROR, [[5, 16_383]]],
      ['MAX_FRAME_SIZE of 0 (6.5.2)', frames.PROTOCOL_ERROR, [[5, 0]]],
      ['MAX_FRAME_SIZE above 16,777,215 (6.5.2)', frames.PROTOCOL_ERROR, [[5, 16_777_216]]],
      ['ENABLE_PUSH 1 (6.5.2)', frames.PROTOCOL_ERROR, [[2, 1]]],
      ['ENABLE_PUSH 2 (6.5.2)', frames.PROTOCOL_ERROR, [[2, 2]]],
      ['33 entries', frames.ENHANCE_YOUR_CALM, Array.from({ length: 33 }, () => [0x99, 1])],
    ];
    for (const [name, code, entries] of bad) connectionError(name, code, settingsFrame(entries));
    connectionError('an acknowledgement too many (6.5.3)', frames.PROTOCOL_ERROR, frame(SETTINGS, 1, 0));
    connectionError(
      'a flood of SETTINGS',
      frames.ENHANCE_YOUR_CALM,
      ...Array.from({ length: maxPendingAcks + 1 }, () => settingsFrame([])),
    );
    connectionError(
      'a stream window lifted above 2^31-1 (6.9.2)',
      frames.FLOW_CONTROL_ERROR,
      windowUpdate(1, 0x7fff0000),
      settingsFrame([[4, 0x7fffffff]]),
    );
    goesOn(
      'unknown settings are ignored (6.5.2)',
      '',
      [],
      settingsFrame([
        [0, 1],
        [7, 1],
        [0x99, 0xffffffff],
      ]),
    );
  });

  describe('windows, PING and GOAWAY', () => {
    connectionError('WINDOW_UPDATE by 0 on the connection (6.9)', frames.PROTOCOL_ERROR, windowUpdate(0, 0));
    goesOn('WINDOW_UPDATE by 0 on a stream (6.9)', '0 unanswered', [[1, frames.PROTOCOL_ERROR]], windowUpdate(1, 0));
    connectionError(
      'the connection window above 2^31-1 (6.9.1)',
      frames.FLOW_CONTROL_ERROR,
      windowUpdate(0, 0x7fffffff),
    );
    goesOn(
      'a stream window above 2^31-1 (6.9.1)',
      '0 unanswered',
      [[1, frames.FLOW_CONTROL_ERROR]],
      windowUpdate(1, 0x7fffffff),
    );
    goesOn('PING ACKs that answer nothing are ignored (6.7)', '', [], frame(PING, 1, 0, opaque));
    connectionError(
      'a flood of PING',
      frames.ENHANCE_YOUR_CALM,
      ...Array.from({ length: maxPendingAcks + 1 }, () => frame(PING, 0, 0, opaque)),
    );
    goesOn(
      'streams above lastStreamId are unprocessed, others are waited for (6.8)',
      '0 accepted',
      [],
      goaway(5, 0),
      accepted(1),
    );

    it('answers PING with the same octets, ahead of requests that wait', () => {
      const peer = withRequests();
      peer.submit(2, 10);
      peer.send(frame(PING, 0, 0, opaque));
      const [first, second] = peer.read();
      assert.deepEqual([first?.type, first?.flags, [...first!.payload]], [PING, 1, [...opaque]]);
      assert.equal(second?.type, HEADERS);
    });

    it('refuses a push that comes before our SETTINGS are acknowledged (8.4)', () => {
      const peer = new ScriptedPeer();
      peer.connection.start();
      peer.send(settingsFrame([]));
      peer.output();
      assert.equal(peer.submit(1), 1);
      peer.read();
      const promise = [...uint32(2), 0x48, 0x03, 0x34, 0x30, 0x34];
      peer.send(frame(PUSH_PROMISE, 0, 1, promise.slice(0, 6)), frame(CONTINUATION, END_HEADERS, 1, promise.slice(6)));
      peer.send(frame(HEADERS, END_HEADERS, 2, [0xbe]), data(2, 'pushed', true));
      peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, [0xbe]));
      assert.equal(peer.connection.failure, null);
      assert.equal(peer.listener.summary(), '0 rejected');
      const reset = peer.read().find(({ type }) => type === RST_STREAM);
      assert.deepEqual([reset?.streamId, frames.readUint32(reset!.payload, 0)], [2, frames.REFUSED_STREAM]);
    });

    it('gives the connection up after too many streams with errors', () => {
      const peer = ScriptedPeer.opened();
      peer.request(200);
      for (let id = 1; id < 400; id += 2) peer.send(windowUpdate(id, 0));
      peer.assertFailed(frames.ENHANCE_YOUR_CALM, 'ERR_PEAL_LIMIT');
    });
  });
});
