/**
 * The simulator as a receiver that passes nothing over: the cases that h2spec tries on servers (its lists generic, http2
 * and hpack), named by the section of RFC 9113 (or RFC 7541) that says what has to happen. Each comes whole and octet by
 * octet. Two of h2spec's are left out: RFC 9113 §5.3 has no stream that depends on itself any more.
 */
import assert from 'node:assert/strict';
import * as frames from '../../src/codec/http2/frames.js';
import { encodeSettings, type SettingsEntry } from '../../src/codec/http2/settings.js';
import { tokenNumber } from '../support/push-client.js';
import { frame } from '../support/raw-frames.js';
import { literals, payload, pushFields, RawClient } from './raw-client.js';

const { DATA, HEADERS, SETTINGS, PING, GOAWAY, RST_STREAM, WINDOW_UPDATE, CONTINUATION, PRIORITY, PUSH_PROMISE } =
  frames;
const END_HEADERS = frames.FLAG_END_HEADERS;
const END_STREAM = frames.FLAG_END_STREAM;
const WHOLE = END_HEADERS | END_STREAM;
const { FLAG_PADDED: PADDED, FLAG_PRIORITY: WITH_PRIORITY } = frames;
const none = Buffer.alloc(0);
const half = payload.length >> 1;

type Field = readonly [string, string];

const fields = (...extra: Field[]): Field[] => [...pushFields(tokenNumber(1)), ...extra];
const block = literals(fields());
const without = (name: string): Buffer => literals(fields().filter((field) => field[0] !== name));
const instead = (name: string, value: string): Buffer =>
  literals(fields().map((field) => (field[0] === name ? ([name, value] as const) : field)));
const get = instead(':method', 'GET');

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const headers = (bytes: Uint8Array = block, flags = END_HEADERS, streamId = 1): Buffer =>
  frame(HEADERS, flags, streamId, bytes);
const data = (bytes: Uint8Array = payload, flags = END_STREAM, streamId = 1): Buffer =>
  frame(DATA, flags, streamId, bytes);
const goOn = (bytes: Uint8Array, flags = END_HEADERS, streamId = 1): Buffer =>
  frame(CONTINUATION, flags, streamId, bytes);
const reset = (errorCode: number = frames.CANCEL, streamId = 1): Buffer =>
  frame(RST_STREAM, 0, streamId, uint32(errorCode));
const widen = (streamId: number, increment: number): Buffer => frame(WINDOW_UPDATE, 0, streamId, uint32(increment));
const settings = (...entries: SettingsEntry[]): Buffer => frame(SETTINGS, 0, 0, encodeSettings(entries));
const ping = (flags = 0, streamId = 0, length = 8): Buffer => frame(PING, flags, streamId, Buffer.alloc(length, 7));
/** The reserved bit of the stream id, which has to be ignored. */
const reserved = (bytes: Buffer): Buffer => {
  bytes[5]! |= 0x80;
  return bytes;
};
const padded = (bytes: Uint8Array, padding: number): Buffer =>
  Buffer.concat([Buffer.from([padding]), bytes, Buffer.alloc(padding)]);
const concat = (...parts: Uint8Array[]): Buffer => Buffer.concat(parts);

/**
 * What has to come of it: `goaway CODE` ends the connection, `reset CODE` the stream 1, a number is its status, and
 * `served` means that the connection goes on as if nothing had come.
 */
type Outcome = `goaway ${string}` | `reset ${string}` | number | 'served';
type Case = readonly [section: string, what: string, outcome: Outcome, ...parts: Buffer[]];

const generic: readonly Case[] = [
  ['5.1', 'PRIORITY on an idle stream, then a request', 200, frame(PRIORITY, 0, 1, Buffer.alloc(5)), headers(), data()],
  ['5.1', 'WINDOW_UPDATE on a stream that the client has ended', 'served', headers(), data(), widen(1, 1)],
  ['5.1', 'PRIORITY on one', 'served', headers(), data(), frame(PRIORITY, 0, 1, Buffer.alloc(5))],
  ['5.1', 'RST_STREAM on one', 'served', headers(), data(), reset()],
  ['5.1', 'PRIORITY on a closed stream', 'served', headers(), reset(), frame(PRIORITY, 0, 1, Buffer.alloc(5))],
  ['6.1', 'one DATA frame', 200, headers(), data()],
  ['6.1', 'several', 200, headers(), data(payload.subarray(0, half), 0), data(payload.subarray(half))],
  ['6.1', 'DATA with padding', 200, headers(), data(padded(payload, 6), PADDED | END_STREAM)],
  ['6.1', 'DATA with 255 octets of padding', 200, headers(), data(padded(payload, 255), PADDED | END_STREAM)],
  ['6.1', 'DATA that is nothing but padding', 200, headers(), data(padded(none, 9), PADDED), data()],
  ['6.2', 'HEADERS with padding', 200, headers(padded(block, 6), END_HEADERS | PADDED), data()],
  [
    '6.2',
    'HEADERS with priority',
    200,
    headers(concat(uint32(0x80000000), Buffer.from([255]), block), END_HEADERS | WITH_PRIORITY),
    data(),
  ],
  ['6.4', 'RST_STREAM', 'served', headers(), reset()],
  ['6.5', 'SETTINGS', 'served', settings([frames.SETTINGS_MAX_CONCURRENT_STREAMS, 100])],
  ['6.7', 'PING', 'served', ping()],
  ['6.8', 'GOAWAY, and what is under way is answered', 200, headers(), frame(GOAWAY, 0, 0, Buffer.alloc(8)), data()],
  ['6.9', 'WINDOW_UPDATE of the connection', 'served', widen(0, 1)],
  ['6.9', 'WINDOW_UPDATE of a stream', 200, headers(), widen(1, 1), data()],
  ['6.10', 'CONTINUATION', 200, headers(block.subarray(0, 9), 0), goOn(block.subarray(9)), data()],
  [
    '6.10',
    'several CONTINUATION',
    200,
    headers(block.subarray(0, 9), 0),
    goOn(block.subarray(9, 20), 0),
    goOn(block.subarray(20)),
    data(),
  ],
  ['8.1', 'GET', 405, headers(get, WHOLE)],
  ['8.1', 'HEAD', 405, headers(instead(':method', 'HEAD'), WHOLE)],
  ['8.1', 'POST with trailers', 200, headers(), data(payload, 0), headers(literals([['x', 'y']]), WHOLE)],
  ['8.1', 'OPTIONS', 405, headers(instead(':method', 'OPTIONS'), WHOLE)],
];

const http2: readonly Case[] = [
  ['4.1', 'a frame of an unknown type', 'served', frame(0x16, 0, 0, Buffer.alloc(8))],
  ['4.1', 'flags that are not defined', 'served', ping(0xfe)],
  ['4.1', 'the reserved bit of a stream id', 'served', reserved(ping())],
  ['4.2', 'DATA of 16,384 octets', 413, headers(), data(Buffer.alloc(16_384, 0x20))],
  ['4.2', 'DATA above SETTINGS_MAX_FRAME_SIZE', 'goaway FRAME_SIZE_ERROR', headers(), data(Buffer.alloc(16_385))],
  ['4.2', 'HEADERS above it', 'goaway FRAME_SIZE_ERROR', headers(Buffer.alloc(16_385))],
  ['4.3', 'a block that is no HPACK', 'goaway COMPRESSION_ERROR', headers(Buffer.from([0x40, 0xff, 0xff, 0xff]))],
  [
    '4.3',
    'PRIORITY within a block',
    'goaway PROTOCOL_ERROR',
    headers(block, 0),
    frame(PRIORITY, 0, 1, Buffer.alloc(5)),
  ],
  ['4.3', 'HEADERS of another stream within a block', 'goaway PROTOCOL_ERROR', headers(block, 0), headers(block, 4, 3)],
  ['5.1', 'DATA on an idle stream', 'goaway PROTOCOL_ERROR', data()],
  ['5.1', 'RST_STREAM on one', 'goaway PROTOCOL_ERROR', reset()],
  ['5.1', 'WINDOW_UPDATE on one', 'goaway PROTOCOL_ERROR', widen(1, 100)],
  ['5.1', 'CONTINUATION on one', 'goaway PROTOCOL_ERROR', goOn(block)],
  ['5.1', 'DATA behind END_STREAM', 'goaway STREAM_CLOSED', headers(block, WHOLE), data()],
  ['5.1', 'HEADERS behind END_STREAM', 'goaway STREAM_CLOSED', headers(block, WHOLE), headers(block, WHOLE)],
  ['5.1', 'CONTINUATION behind END_STREAM', 'goaway PROTOCOL_ERROR', headers(block, WHOLE), goOn(block)],
  ['5.1', 'DATA behind RST_STREAM', 'goaway STREAM_CLOSED', headers(), reset(), data()],
  ['5.1', 'DATA without END_STREAM behind RST_STREAM', 'goaway STREAM_CLOSED', headers(), reset(), data(payload, 0)],
  ['5.1', 'HEADERS behind RST_STREAM', 'goaway STREAM_CLOSED', headers(), reset(), headers(block, WHOLE)],
  ['5.1', 'CONTINUATION behind RST_STREAM', 'goaway PROTOCOL_ERROR', headers(), reset(), goOn(block)],
  ['5.1', 'DATA behind an answer and RST_STREAM', 'goaway STREAM_CLOSED', headers(), data(), reset(), data()],
  ['5.1', 'RST_STREAM behind RST_STREAM', 'served', headers(), reset(), reset()],
  ['5.1', 'WINDOW_UPDATE behind RST_STREAM', 'served', headers(), reset(), widen(1, 1)],
  ['5.1', 'DATA on a stream that the simulator reset', 'reset PROTOCOL_ERROR', headers(without(':path')), data()],
  ['5.1', 'HEADERS on one', 'reset PROTOCOL_ERROR', headers(without(':path')), headers(literals([['x', 'y']]), WHOLE)],
  [
    '5.1',
    'DATA on one that the client reset as well',
    'goaway STREAM_CLOSED',
    headers(without(':path')),
    reset(),
    data(),
  ],
  ['5.1.1', 'an even stream', 'goaway PROTOCOL_ERROR', headers(block, END_HEADERS, 2)],
  ['5.1.1', 'a stream below one that was opened', 'goaway PROTOCOL_ERROR', headers(block, 4, 5), headers(block, 4, 3)],
  ['5.4.1', 'a bad PING', 'goaway FRAME_SIZE_ERROR', ping(0, 0, 6)],
  ['5.5', 'an unknown frame within a block', 'goaway PROTOCOL_ERROR', headers(block, 0), frame(0x16, 0, 0, none)],
  ['6.1', 'DATA on stream 0', 'goaway PROTOCOL_ERROR', data(payload, 0, 0)],
  ['6.1', 'padding as long as DATA', 'goaway PROTOCOL_ERROR', headers(), data(Buffer.from([5, 1, 2, 3, 4]), PADDED)],
  ['6.1', 'PADDED DATA of no octet', 'goaway PROTOCOL_ERROR', headers(), data(none, PADDED)],
  ['6.2', 'HEADERS on stream 0', 'goaway PROTOCOL_ERROR', headers(block, END_HEADERS, 0)],
  ['6.2', 'padding as long as HEADERS', 'goaway PROTOCOL_ERROR', headers(Buffer.from([3, 1, 2]), END_HEADERS | PADDED)],
  ['6.3', 'PRIORITY on stream 0', 'goaway PROTOCOL_ERROR', frame(PRIORITY, 0, 0, Buffer.alloc(5))],
  ['6.3', 'PRIORITY of 4 octets', 'goaway FRAME_SIZE_ERROR', headers(), frame(PRIORITY, 0, 1, Buffer.alloc(4))],
  ['6.4', 'RST_STREAM on stream 0', 'goaway PROTOCOL_ERROR', reset(frames.CANCEL, 0)],
  ['6.4', 'RST_STREAM of 3 octets', 'goaway FRAME_SIZE_ERROR', headers(), frame(RST_STREAM, 0, 1, Buffer.alloc(3))],
  ['6.5', 'SETTINGS ACK with a payload', 'goaway FRAME_SIZE_ERROR', frame(SETTINGS, 1, 0, Buffer.alloc(6))],
  ['6.5', 'SETTINGS on a stream', 'goaway PROTOCOL_ERROR', frame(SETTINGS, 0, 1, none)],
  ['6.5', 'SETTINGS of 3 octets', 'goaway FRAME_SIZE_ERROR', frame(SETTINGS, 0, 0, Buffer.alloc(3))],
  ['6.5.2', 'ENABLE_PUSH 2', 'goaway PROTOCOL_ERROR', settings([frames.SETTINGS_ENABLE_PUSH, 2])],
  [
    '6.5.2',
    'INITIAL_WINDOW_SIZE above 2^31-1',
    'goaway FLOW_CONTROL_ERROR',
    settings([frames.SETTINGS_INITIAL_WINDOW_SIZE, 0x80000000]),
  ],
  ['6.5.2', 'MAX_FRAME_SIZE below 16,384', 'goaway PROTOCOL_ERROR', settings([frames.SETTINGS_MAX_FRAME_SIZE, 16_383])],
  [
    '6.5.2',
    'MAX_FRAME_SIZE above 2^24-1',
    'goaway PROTOCOL_ERROR',
    settings([frames.SETTINGS_MAX_FRAME_SIZE, 1 << 24]),
  ],
  ['6.5.2', 'an unknown setting', 'served', settings([0xff, 1])],
  ['6.5.3', 'SETTINGS with a value twice', 'served', settings([4, 100], [4, 1])],
  [
    '6.5.3',
    'SETTINGS ACK for nothing',
    'goaway PROTOCOL_ERROR',
    frame(SETTINGS, 1, 0, none),
    frame(SETTINGS, 1, 0, none),
  ],
  ['6.7', 'PING ACK that nobody asked for', 'served', ping(frames.FLAG_ACK)],
  ['6.7', 'PING on a stream', 'goaway PROTOCOL_ERROR', headers(), ping(0, 1)],
  ['6.7', 'PING of 6 octets', 'goaway FRAME_SIZE_ERROR', ping(0, 0, 6)],
  ['6.8', 'GOAWAY on a stream', 'goaway PROTOCOL_ERROR', frame(GOAWAY, 0, 1, Buffer.alloc(8))],
  ['6.8', 'GOAWAY of 7 octets', 'goaway FRAME_SIZE_ERROR', frame(GOAWAY, 0, 0, Buffer.alloc(7))],
  ['6.9', 'WINDOW_UPDATE of 0 for the connection', 'goaway PROTOCOL_ERROR', widen(0, 0)],
  ['6.9', 'WINDOW_UPDATE of 0 for a stream', 'reset PROTOCOL_ERROR', headers(), widen(1, 0), data()],
  ['6.9', 'WINDOW_UPDATE of 3 octets', 'goaway FRAME_SIZE_ERROR', frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(3))],
  ['6.9', 'the reserved bit of an increment', 'served', widen(0, 0x80000001)],
  [
    '6.9.1',
    'a connection window above 2^31-1',
    'goaway FLOW_CONTROL_ERROR',
    widen(0, 0x7fffffff),
    widen(0, 0x7fffffff),
  ],
  [
    '6.9.1',
    'a stream window above 2^31-1',
    'reset FLOW_CONTROL_ERROR',
    headers(),
    widen(1, 0x7fffffff),
    widen(1, 0x7fffffff),
  ],
  [
    '6.9.1',
    'a stream window of 2^31-1, then one more',
    'reset FLOW_CONTROL_ERROR',
    headers(),
    widen(1, 0x7fffffff - 65_535),
    widen(1, 1),
    data(),
  ],
  ['6.9.1', 'a stream window of just 2^31-1', 200, headers(), widen(1, 0x7fffffff - 65_535), data()],
  [
    '6.9.2',
    'INITIAL_WINDOW_SIZE that puts the window of an open stream above 2^31-1',
    'goaway FLOW_CONTROL_ERROR',
    headers(),
    widen(1, 0x7fffffff - 65_535),
    settings([frames.SETTINGS_INITIAL_WINDOW_SIZE, 65_536]),
  ],
  ['6.10', 'CONTINUATION, then another frame', 'goaway PROTOCOL_ERROR', headers(block, 0), goOn(none, 0), data()],
  ['6.10', 'CONTINUATION on stream 0', 'goaway PROTOCOL_ERROR', headers(block, 0), goOn(block, 0, 0)],
  ['6.10', 'CONTINUATION of another stream', 'goaway PROTOCOL_ERROR', headers(block, 0), goOn(block, 4, 3)],
  ['6.10', 'CONTINUATION behind END_HEADERS', 'goaway PROTOCOL_ERROR', headers(), goOn(block)],
  [
    '6.10',
    'CONTINUATION behind one with END_HEADERS',
    'goaway PROTOCOL_ERROR',
    headers(block, 0),
    goOn(none),
    goOn(none),
  ],
  ['6.10', 'CONTINUATION behind DATA', 'goaway PROTOCOL_ERROR', headers(), data(payload, 0), goOn(block)],
  ['7', 'GOAWAY with an unknown code', 'served', frame(GOAWAY, 0, 0, concat(uint32(0), uint32(0xff)))],
  ['7', 'RST_STREAM with an unknown code', 'served', headers(), reset(0xff)],
  ['8.1', 'a second HEADERS without END_STREAM', 'reset PROTOCOL_ERROR', headers(), headers(literals([['x', 'y']]))],
  ['8.2.1', 'a name with capitals', 'reset PROTOCOL_ERROR', headers(literals(fields(['X-Test', 'ok'])), WHOLE)],
  ['8.2.1', 'a name of no octet', 'reset PROTOCOL_ERROR', headers(literals(fields(['', 'x'])), WHOLE)],
  ['8.2.1', 'a name with a blank', 'reset PROTOCOL_ERROR', headers(literals(fields(['a b', 'x'])), WHOLE)],
  ['8.2.1', 'a value with a line end', 'reset PROTOCOL_ERROR', headers(literals(fields(['x', 'a\nb'])), WHOLE)],
  ['8.2.1', 'a value that begins with a blank', 'reset PROTOCOL_ERROR', headers(literals(fields(['x', ' a'])), WHOLE)],
  ['8.3', 'an unknown pseudo-field', 'reset PROTOCOL_ERROR', headers(literals(fields().concat([[':x', 'y']])), WHOLE)],
  [
    '8.3',
    'a pseudo-field of answers',
    'reset PROTOCOL_ERROR',
    headers(literals([[':status', '200'], ...fields()]), WHOLE),
  ],
  [
    '8.3',
    'a pseudo-field behind others',
    'reset PROTOCOL_ERROR',
    headers(literals(fields([':authority', 'x'])), WHOLE),
  ],
  [
    '8.1',
    'a pseudo-field among trailers',
    'reset PROTOCOL_ERROR',
    headers(),
    data(payload, 0),
    headers(literals([[':method', 'POST']]), WHOLE),
  ],
  [
    '8.1',
    'a name with capitals among trailers',
    'reset PROTOCOL_ERROR',
    headers(),
    data(payload, 0),
    headers(literals([['X', 'y']]), WHOLE),
  ],
  ['8.2.2', 'connection', 'reset PROTOCOL_ERROR', headers(literals(fields(['connection', 'keep-alive'])), WHOLE)],
  ['8.2.2', 'transfer-encoding', 'reset PROTOCOL_ERROR', headers(literals(fields(['transfer-encoding', 'x'])), WHOLE)],
  ['8.2.2', 'te: trailers, deflate', 'reset PROTOCOL_ERROR', headers(literals(fields(['te', 'trailers, deflate'])))],
  ['8.2.2', 'te: gzip', 'reset PROTOCOL_ERROR', headers(literals(fields(['te', 'gzip'])))],
  ['8.2.2', 'an empty te', 'reset PROTOCOL_ERROR', headers(literals(fields(['te', ''])))],
  ['8.2.2', 'te: trailers', 200, headers(literals(fields(['te', 'trailers']))), data()],
  ['8.3.1', 'an empty :path', 'reset PROTOCOL_ERROR', headers(instead(':path', ''), WHOLE)],
  ['8.3.1', 'no :method', 'reset PROTOCOL_ERROR', headers(without(':method'), WHOLE)],
  ['8.3.1', 'no :scheme', 'reset PROTOCOL_ERROR', headers(without(':scheme'), WHOLE)],
  ['8.3.1', 'no :path', 'reset PROTOCOL_ERROR', headers(without(':path'), WHOLE)],
  ['8.3.1', 'two :method', 'reset PROTOCOL_ERROR', headers(literals([[':method', 'POST'], ...fields()]), WHOLE)],
  ['8.3.1', 'two :scheme', 'reset PROTOCOL_ERROR', headers(literals([[':scheme', 'https'], ...fields()]), WHOLE)],
  ['8.3.1', 'two :path', 'reset PROTOCOL_ERROR', headers(literals([[':path', '/'], ...fields()]), WHOLE)],
  [
    '8.1.1',
    'content-length below the DATA',
    'reset PROTOCOL_ERROR',
    headers(literals(fields(['content-length', '1']))),
    data(),
  ],
  [
    '8.1.1',
    'content-length above the DATA',
    'reset PROTOCOL_ERROR',
    headers(literals(fields(['content-length', '99']))),
    data(),
  ],
  [
    '8.1.1',
    'content-length that the sum of several DATA is not',
    'reset PROTOCOL_ERROR',
    headers(literals(fields(['content-length', String(half)]))),
    data(payload.subarray(0, half), 0),
    data(payload.subarray(half)),
  ],
  [
    '8.1.1',
    'content-length without DATA',
    'reset PROTOCOL_ERROR',
    headers(literals(fields(['content-length', '5'])), WHOLE),
  ],
  [
    '8.1.1',
    'content-length that trailers end',
    'reset PROTOCOL_ERROR',
    headers(literals(fields(['content-length', '5']))),
    data(payload, 0),
    headers(literals([['x', 'y']]), WHOLE),
  ],
  [
    '8.1.1',
    'content-length that is no number',
    'reset PROTOCOL_ERROR',
    headers(literals(fields(['content-length', '-1']))),
  ],
  [
    '8.1.1',
    'two content-lengths that differ',
    'reset PROTOCOL_ERROR',
    headers(literals(fields(['content-length', '9'], ['content-length', '10']))),
  ],
  [
    '8.1.1',
    'the right content-length, with padding',
    200,
    headers(literals(fields(['content-length', String(payload.length)]))),
    data(padded(payload.subarray(0, half), 8), PADDED),
    data(payload.subarray(half)),
  ],
  ['8.4', 'PUSH_PROMISE', 'goaway PROTOCOL_ERROR', frame(PUSH_PROMISE, END_HEADERS, 1, concat(uint32(2), block))],
];

/** `:method: POST` and so on by the static table, then the token's path, and a topic that goes into the dynamic table. */
const indexed = Buffer.concat([
  Buffer.from([0x83, 0x87, 0x04, 74]),
  Buffer.from(`/3/device/${tokenNumber(1)}`, 'latin1'),
  Buffer.from([0x40, 10]),
  Buffer.from('apns-topic', 'latin1'),
  Buffer.from([15]),
  Buffer.from('com.example.app', 'latin1'),
]);
const bad = (...octets: number[]): Buffer => headers(concat(block, Buffer.from(octets)));

const hpack: readonly Case[] = [
  ['7541 6.1', 'indexed fields', 200, headers(indexed), data()],
  ['7541 6.2', 'literals with and without indexing', 200, headers(indexed), data(), headers(block, END_HEADERS, 3)],
  ['7541 6.2.3', 'a literal never indexed', 200, bad(0x10, 1, 0x78, 1, 0x79), data()],
  [
    '7541 6.3',
    'size updates before the first field',
    200,
    headers(concat(Buffer.from([0x20, 0x3f, 0xe1, 0x1f]), block)),
    data(),
  ],
  ['7541 2.3.3', 'an index that no table has', 'goaway COMPRESSION_ERROR', bad(0xff, 0x80, 0x01)],
  ['7541 2.3.3', 'a name index that no table has', 'goaway COMPRESSION_ERROR', bad(0x7f, 0x80, 0x01, 1, 0x78)],
  ['7541 4.2', 'a size update behind a field', 'goaway COMPRESSION_ERROR', bad(0x3e)],
  ['7541 5.1', 'an integer without end', 'goaway COMPRESSION_ERROR', bad(0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80)],
  ['7541 5.2', 'more than 7 bits of padding', 'goaway COMPRESSION_ERROR', bad(0x00, 1, 0x78, 0x82, 0xf3, 0xff)],
  ['7541 5.2', 'padding of zeros', 'goaway COMPRESSION_ERROR', bad(0x00, 1, 0x78, 0x81, 0xf2)],
  ['7541 5.2', 'EOS within a string', 'goaway COMPRESSION_ERROR', bad(0x00, 1, 0x78, 0x84, 0xff, 0xff, 0xff, 0xff)],
  ['7541 6.1', 'index 0', 'goaway COMPRESSION_ERROR', bad(0x80)],
  [
    '7541 6.3',
    'a table above what was announced',
    'goaway COMPRESSION_ERROR',
    headers(concat(Buffer.from([0x3f, 0xe2, 0x1f]), block)),
  ],
];

describe('simulator: strict receiver', () => {
  const lists: readonly (readonly [string, readonly Case[]])[] = [
    ['what is allowed', generic],
    ['RFC 9113', http2],
    ['RFC 7541', hpack],
  ];
  for (const [list, cases] of lists) {
    describe(list, () => {
      for (const [section, what, outcome, ...parts] of cases) {
        it(`§${section.replace('7541 ', '')} ${what}: ${outcome}`, () => {
          for (const pieceBytes of [Number.MAX_SAFE_INTEGER, 1]) {
            const client = new RawClient({ maxStreams: 10 }, () => pieceBytes).greet().send(...parts);
            check(client, outcome);
          }
        });
      }
    });
  }

  it('refuses a stream above the limit', () => {
    const client = new RawClient({ maxStreams: 1 }).greet().send(headers(), headers(block, END_HEADERS, 3));
    assert.equal(client.resetCode(3), 'REFUSED_STREAM');
  });

  it('sends a body octet by octet where the window of the client asks for it', () => {
    const client = new RawClient().greet();
    client.send(settings([frames.SETTINGS_INITIAL_WINDOW_SIZE, 1]), headers(get, WHOLE));
    assert.deepEqual(
      client.of(DATA).map((item) => item.payload.length),
      [1],
    );
    client.send(settings([frames.SETTINGS_INITIAL_WINDOW_SIZE, 0]), widen(1, 1));
    assert.equal(client.of(DATA).length, 1, 'the window was -1, and is 0');
    client.send(widen(1, 2));
    assert.equal(client.of(DATA)[1]?.payload.length, 2);
  });

  it('ends nothing that is broken with two words', () => {
    for (const [, what, outcome, ...parts] of http2) {
      if (typeof outcome !== 'string' || !outcome.startsWith('goaway')) continue;
      const client = new RawClient().greet().send(...parts, ping());
      assert.equal(client.of(GOAWAY).length, 1, what);
      client.clock.advance(5_000);
      assert.equal(client.isClosed, true, what);
    }
  });

  it('books no request that it has reset as malformed', () => {
    const client = new RawClient().greet();
    client.send(headers(literals(fields(['content-length', '1']))), data()).request(3, tokenNumber(3));
    const { requests, refused, unprocessed } = client.gateway.ledger.summary();
    assert.deepEqual({ requests, refused, unprocessed }, { requests: 1, refused: 0, unprocessed: 0 });
  });

  it('holds each of many equal blocks to the content-length they share', () => {
    const client = new RawClient().greet();
    const lengthOf = (streamId: number): Buffer =>
      headers(
        literals([...pushFields(tokenNumber(streamId)), ['content-length', String(payload.length)]]),
        4,
        streamId,
      );
    for (const streamId of [1, 3, 5]) client.send(lengthOf(streamId), data(payload, END_STREAM, streamId));
    client.send(lengthOf(7), data(payload.subarray(1), END_STREAM, 7));
    assert.deepEqual([...client.statuses().keys()], [1, 3, 5]);
    assert.equal(client.resetCode(7), 'PROTOCOL_ERROR');
  });
});

function check(client: RawClient, outcome: Outcome): void {
  if (typeof outcome === 'string' && outcome.startsWith('goaway ')) {
    assert.equal(client.goawayCode(), outcome.slice(7));
    return;
  }
  assert.equal(client.goawayCode(), null);
  assert.equal(client.error, null);
  if (typeof outcome === 'number') assert.equal(client.statuses().get(1), String(outcome));
  else assert.equal(client.resetCode(1), outcome === 'served' ? null : outcome.slice(6));
  const pings = client.of(PING).length;
  client.request(11, tokenNumber(11)).send(ping());
  assert.equal(client.statuses().get(11), '200', 'the next request is served');
  assert.equal(client.of(PING).length, pings + 1);
}
