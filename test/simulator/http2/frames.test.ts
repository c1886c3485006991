/** The simulator's end of HTTP/2, frame by frame: what a client may do, and what ends a connection. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as frames from '../../../src/codec/http2/frames.js';
import type { SettingsEntry } from '../../../src/codec/http2/settings.js';
import { frame, literals, preface, rstStream, settingsFrame, uint32, windowUpdate } from '../../support/frames.js';
import { tokenNumber } from '../../support/push-client.js';

import { payload, pushFields, RawClient } from '../raw-client.js';

const { DATA, HEADERS, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, PRIORITY } = frames;
const END_HEADERS = frames.FLAG_END_HEADERS;
const END_STREAM = frames.FLAG_END_STREAM;
const none = Buffer.alloc(0);
const token = tokenNumber(1);
const block = literals(pushFields(token));

const settings = (...entries: SettingsEntry[]): Buffer => settingsFrame(entries);

describe('simulator: frames', () => {
  it('announces what APNs does, first of all', () => {
    const client = new RawClient();
    const first = client.frames[0];
    assert.equal(first?.type, SETTINGS);
    const values = Array.from({ length: (first?.payload.length ?? 0) / 6 }, (_, index) => [
      first?.payload.readUInt16BE(index * 6),
      first?.payload.readUInt32BE(index * 6 + 2),
    ]);
    assert.deepEqual(values, [
      [frames.SETTINGS_HEADER_TABLE_SIZE, 4096],
      [frames.SETTINGS_MAX_CONCURRENT_STREAMS, 1000],
      [frames.SETTINGS_INITIAL_WINDOW_SIZE, 65_535],
      [frames.SETTINGS_MAX_FRAME_SIZE, 16_384],
      [frames.SETTINGS_MAX_HEADER_LIST_SIZE, 8_000],
    ]);
    assert.deepEqual(client.of(WINDOW_UPDATE), []);
  });

  it('acknowledges SETTINGS and PING with the same octets', () => {
    const client = new RawClient().greet().send(frame(PING, 0, 0, Buffer.from('12345678')));
    assert.ok(client.frames.some((item) => item.type === SETTINGS && item.flags === frames.FLAG_ACK));
    assert.equal(client.of(PING)[0]?.payload.toString(), '12345678');
    assert.equal(client.of(PING)[0]?.flags, frames.FLAG_ACK);
  });

  it('answers the same whatever the pieces in which a request comes', () => {
    for (let pieceBytes = 1; pieceBytes < 40; pieceBytes++) {
      const client = new RawClient({}, () => pieceBytes).greet().request(1, token).request(3, tokenNumber(2));
      assert.deepEqual(
        [...client.statuses()],
        [
          [1, '200'],
          [3, '200'],
        ],
        `pieces of ${pieceBytes} bytes`,
      );
    }
  });

  it('reads padding, priority, CONTINUATION, bodies in pieces and trailers', () => {
    const padded = Buffer.concat([Buffer.from([3]), uint32(0), Buffer.from([15]), block, Buffer.alloc(3)]);
    const flags = END_HEADERS | frames.FLAG_PADDED | frames.FLAG_PRIORITY;
    const client = new RawClient()
      .greet()
      .send(
        frame(HEADERS, flags, 1, padded),
        frame(DATA, frames.FLAG_PADDED, 1, Buffer.concat([Buffer.from([2]), payload.subarray(0, 4), Buffer.alloc(2)])),
        frame(DATA, 0, 1, none),
        frame(PRIORITY, 0, 7, Buffer.alloc(5)),
        frame(0x42, 0xff, 1, Buffer.from('ignored')),
        frame(DATA, END_STREAM, 1, payload.subarray(4)),
        frame(HEADERS, 0, 3, block.subarray(0, 5)),
        frame(CONTINUATION, 0, 3, block.subarray(5, 6)),
        frame(CONTINUATION, END_HEADERS, 3, block.subarray(6)),
        frame(DATA, 0, 3, payload),
        frame(HEADERS, END_HEADERS | END_STREAM, 3, literals([['note', 'x']])),
        frame(HEADERS, END_HEADERS | END_STREAM, 5, block),
      );
    assert.deepEqual(
      [...client.statuses()],
      [
        [1, '200'],
        [3, '200'],
        [5, '400'],
      ],
    );
    assert.equal(client.gateway.ledger.summary().payloadBytes, 2 * payload.length);
    assert.equal(client.goawayCode(), null);
  });

  it('gives back what it has read: the stream at once, the connection after half of its window', () => {
    const client = new RawClient().greet();
    client.send(frame(HEADERS, END_HEADERS, 1, block), frame(DATA, 0, 1, Buffer.alloc(16_000, 0x20)));
    assert.deepEqual(
      client.of(WINDOW_UPDATE).map((item) => item.streamId),
      [1],
    );
    client.send(frame(DATA, 0, 1, Buffer.alloc(16_384, 0x20)), frame(DATA, 0, 1, Buffer.alloc(1_000, 0x20)));
    const ofConnection = client.of(WINDOW_UPDATE).filter((item) => item.streamId === 0);
    assert.deepEqual(
      ofConnection.map((item) => item.payload.readUInt32BE(0)),
      [33_384],
    );
  });

  it('ends a connection whose window is overrun before what it gave back has been sent', () => {
    const client = new RawClient({ roundTripMs: 50 }).greet();
    client.send(frame(HEADERS, END_HEADERS, 1, block));
    for (let sent = 0; sent < 64_000; sent += 16_000) client.send(frame(DATA, 0, 1, Buffer.alloc(16_000)));
    assert.equal(client.goawayCode(), null);
    client.send(frame(DATA, 0, 1, Buffer.alloc(16_000)));
    client.clock.advance(50);
    assert.equal(client.goawayCode(), 'FLOW_CONTROL_ERROR');
  });

  it('sends nothing before the round-trip time has passed', () => {
    const client = new RawClient({ roundTripMs: 40 }).greet().request(1, token);
    client.clock.advance(39.5);
    assert.deepEqual(client.frames, []);
    client.clock.advance(0.5);
    assert.deepEqual([...client.statuses()], [[1, '200']]);
  });

  it('counts a stream against the limit until its answer is on the way', () => {
    const client = new RawClient({ maxStreams: 2, roundTripMs: 10 }).greet();
    for (const streamId of [1, 3, 5]) client.request(streamId, tokenNumber(streamId));
    client.clock.advance(10);
    client.request(7, tokenNumber(7));
    client.clock.advance(10);
    assert.deepEqual([...client.statuses().keys()], [1, 3, 7]);
    assert.equal(client.resetCode(5), 'REFUSED_STREAM');
    assert.equal(client.gateway.ledger.answerOf(tokenNumber(5)), null);
  });

  it('frees the place of a stream that the client gives up', () => {
    const client = new RawClient({ maxStreams: 1 }).greet();
    client.send(frame(HEADERS, END_HEADERS, 1, block), rstStream(1, frames.CANCEL));
    client.request(3, tokenNumber(3));
    assert.deepEqual([...client.statuses()], [[3, '200']]);
    assert.equal(client.gateway.ledger.summary().requests, 1);
  });

  it('serves a new stream whose place in the ring is held by an old one', () => {
    const client = new RawClient().greet();
    client.send(frame(HEADERS, END_HEADERS, 1, block));
    client.request(1 + 2 * 8192, tokenNumber(2));
    client.send(frame(DATA, END_STREAM, 1, payload));
    assert.deepEqual([...client.statuses().keys()], [1 + 2 * 8192, 1]);
  });

  it('sends the bodies of rejections as the windows of the client allow', () => {
    const client = new RawClient();
    client.send(preface, settings([frames.SETTINGS_INITIAL_WINDOW_SIZE, 0]));
    client.request(1, 'feed4100').request(3, 'feed4000');
    const dataOf = (streamId: number): string =>
      Buffer.concat(
        client
          .of(DATA)
          .filter((item) => item.streamId === streamId)
          .map((item) => item.payload),
      ).toString();
    assert.deepEqual(client.of(DATA), []);
    client.send(windowUpdate(3, 5));
    assert.equal(dataOf(3), '{"rea');
    client.send(settings([frames.SETTINGS_INITIAL_WINDOW_SIZE, 100]));
    assert.equal(dataOf(3), '{"reason":"BadDeviceToken"}');
    assert.equal(JSON.parse(dataOf(1)).reason, 'Unregistered');
    assert.equal(client.of(DATA).at(-1)?.flags, END_STREAM);
  });

  it('closes in two steps, answers what came before, and ignores what came after', () => {
    const client = new RawClient().greet();
    client.send(frame(HEADERS, END_HEADERS, 1, block));
    client.connection.close();
    client.clock.settle();
    assert.equal(client.of(GOAWAY)[0]?.payload.readUInt32BE(0), 0x7fffffff);
    client.request(3, tokenNumber(3));
    client.send(frame(PING, frames.FLAG_ACK, 0, client.of(PING)[0]?.payload ?? none));
    assert.equal(client.of(GOAWAY)[1]?.payload.readUInt32BE(0), 3);
    assert.equal(client.isClosed, false);
    client.request(5, tokenNumber(5));
    client.send(frame(DATA, END_STREAM, 1, payload));
    assert.deepEqual([...client.statuses().keys()], [3, 1]);
    assert.equal(client.isClosed, true);
    assert.equal(client.error, null);
    assert.equal(client.clock.timerCount, 0);
  });

  it('drops a client that does not react to the good-bye', () => {
    const client = new RawClient().greet();
    client.connection.close();
    client.clock.advance(4_999);
    assert.equal(client.isClosed, false);
    client.clock.advance(1);
    assert.equal(client.isClosed, true);
  });

  describe('resets the stream', () => {
    const malformed: [string, [string, string][]][] = [
      ['an upper-case name', [['Apns-Topic', 'x']]],
      ['a name of a connection', [['connection', 'close']]],
      ['an unknown pseudo-field', [[':odd', 'x']]],
      ['a pseudo-field behind others', [[':authority', 'late']]],
      ['a second path', [[':path', '/3/device/00']]],
      ['a line break in a value', [['apns-collapse-id', 'a\r\nb']]],
    ];
    for (const [what, extra] of malformed) {
      it(`for ${what}`, () => {
        const client = new RawClient().greet();
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, literals([...pushFields(token), ...extra])));
        assert.equal(client.resetCode(1), 'PROTOCOL_ERROR');
        client.request(3, token);
        assert.deepEqual([...client.statuses()], [[3, '200']]);
      });
    }

    it('for a request without a path', () => {
      const client = new RawClient().greet();
      client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, literals(pushFields(token).slice(0, 2))));
      assert.equal(client.resetCode(1), 'PROTOCOL_ERROR');
    });
  });

  describe('ends the connection', () => {
    const wrong: [string, string, Buffer[]][] = [
      ['FRAME_SIZE_ERROR', 'a frame above 16,384 bytes', [frame(DATA, 0, 1, Buffer.alloc(16_385))]],
      ['PROTOCOL_ERROR', 'an even stream', [frame(HEADERS, END_HEADERS, 2, block)]],
      ['PROTOCOL_ERROR', 'DATA on an idle stream', [frame(DATA, 0, 1, payload)]],
      ['PROTOCOL_ERROR', 'RST_STREAM on an idle stream', [rstStream(1, 0)]],
      ['PROTOCOL_ERROR', 'WINDOW_UPDATE on an idle stream', [windowUpdate(1, 1)]],
      ['PROTOCOL_ERROR', 'WINDOW_UPDATE of 0', [windowUpdate(0, 0)]],
      ['FLOW_CONTROL_ERROR', 'a window above 2^31-1', [windowUpdate(0, 0x7fffffff)]],
      ['FRAME_SIZE_ERROR', 'a PING of 7 octets', [frame(PING, 0, 0, Buffer.alloc(7))]],
      ['FRAME_SIZE_ERROR', 'a WINDOW_UPDATE of 3 octets', [frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(3))]],
      ['FRAME_SIZE_ERROR', 'SETTINGS of 5 octets', [frame(SETTINGS, 0, 0, Buffer.alloc(5))]],
      ['PROTOCOL_ERROR', 'SETTINGS on a stream', [frame(SETTINGS, 0, 1, none)]],
      ['PROTOCOL_ERROR', 'ENABLE_PUSH 2', [settings([frames.SETTINGS_ENABLE_PUSH, 2])]],
      ['PROTOCOL_ERROR', 'MAX_FRAME_SIZE 0', [settings([frames.SETTINGS_MAX_FRAME_SIZE, 0])]],
      ['FLOW_CONTROL_ERROR', 'a window of 2^31', [settings([frames.SETTINGS_INITIAL_WINDOW_SIZE, 0x80000000])]],
      ['PROTOCOL_ERROR', 'a PUSH_PROMISE', [frame(frames.PUSH_PROMISE, 0, 1, Buffer.alloc(4))]],
      ['PROTOCOL_ERROR', 'a stray CONTINUATION', [frame(CONTINUATION, END_HEADERS, 1, block)]],
      ['PROTOCOL_ERROR', 'an interrupted block', [frame(HEADERS, 0, 1, block), frame(PING, 0, 0, Buffer.alloc(8))]],
      [
        'ENHANCE_YOUR_CALM',
        'CONTINUATION without end',
        [frame(HEADERS, 0, 1, block), ...Array.from({ length: 9 }, () => frame(CONTINUATION, 0, 1, none))],
      ],
      [
        'PROTOCOL_ERROR',
        'padding above the frame',
        [frame(HEADERS, END_HEADERS | frames.FLAG_PADDED, 1, Buffer.from([9, 1]))],
      ],
      ['COMPRESSION_ERROR', 'index 0', [frame(HEADERS, END_HEADERS, 1, Buffer.from([0x80]))]],
      ['COMPRESSION_ERROR', 'a truncated block', [frame(HEADERS, END_HEADERS, 1, block.subarray(0, 20))]],
      [
        'STREAM_CLOSED',
        'DATA behind END_STREAM',
        [frame(HEADERS, END_HEADERS | END_STREAM, 1, block), frame(DATA, 0, 1, payload)],
      ],
      [
        'STREAM_CLOSED',
        'HEADERS behind END_STREAM',
        [frame(HEADERS, END_HEADERS | END_STREAM, 1, block), frame(HEADERS, END_HEADERS, 1, block)],
      ],
    ];
    for (const [code, what, parts] of wrong) {
      it(`with ${code} for ${what}`, () => {
        const client = new RawClient().greet().send(...parts);
        assert.equal(client.goawayCode(), code);
        client.clock.advance(5_000);
        assert.equal(client.isClosed, true);
      });
    }

    it('with PROTOCOL_ERROR for what is no HTTP/2', () => {
      assert.equal(new RawClient().send(Buffer.from('GET / HTTP/1.1\r\n\r\n')).goawayCode(), 'PROTOCOL_ERROR');
      assert.equal(new RawClient().send(preface, frame(PING, 0, 0, Buffer.alloc(8))).goawayCode(), 'PROTOCOL_ERROR');
    });
  });

  it('survives whatever comes, and books each request at most once (property)', () => {
    const wild = fc.record({
      type: fc.integer({ min: 0, max: 11 }),
      flags: fc.integer({ min: 0, max: 255 }),
      streamId: fc.integer({ min: 0, max: 9 }),
      body: fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constant(new Uint8Array(block))),
    });
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 20 }), fc.integer({ min: 1, max: 50 }), (items, pieceBytes) => {
        const client = new RawClient({ maxStreams: 3 }, () => pieceBytes).greet();
        for (const item of items) client.send(frame(item.type, item.flags, item.streamId, item.body));
        client.clock.advance(10_000);
        const { requests } = client.gateway.ledger.summary();
        assert.ok(requests <= items.length);
        assert.ok(client.statuses().size <= requests);
      }),
      { numRuns: 300 },
    );
  });
});
