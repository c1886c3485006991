/**
 * Row G: what we send, read by a strict judge: odd ids that only grow, never more streams than allowed, pseudo-fields
 * first, DATA within both windows, every SETTINGS acknowledged, nothing on closed streams, no header list above the
 * peer's limit. Every other test with a ScriptedPeer is judged as well. And the judge itself: it has to notice.
 */

import assert from 'node:assert/strict';
import { ByteWriter } from '../../../../src/codec/byte-writer.js';
import { HpackEncoder } from '../../../../src/codec/hpack/encoder.js';
import * as frames from '../../../../src/codec/http2/frames.js';
import { FrameJudge } from '../../../support/frame-judge.js';
import {
  accepted,
  data,
  frame,
  goaway,
  rstStream,
  settingsAck,
  settingsFrame,
  windowUpdate,
} from '../../../support/frames.js';
import { row } from '../../../support/peer-cases.js';
import { Prng } from '../../../support/prng.js';
import { plainNotification, ScriptedPeer } from '../../../support/scripted-peer.js';

const { FLAG_END_HEADERS, FLAG_END_STREAM, HEADERS } = frames;
const preface = Buffer.from(frames.CONNECTION_PREFACE);
const requestFields = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'api.example.com'],
  [':path', '/3/device/ab'],
  ['apns-topic', 'com.example.app'],
] as const;

/** HEADERS of a request, coded without the dynamic table. */
function request(streamId: number, fields: readonly (readonly [string, string])[] = requestFields, flags = 0x5) {
  const out = new ByteWriter();
  const list = fields.map(([name, value]) => ({ name, value, indexing: 'none' as const }));
  new HpackEncoder().encode(list, out);
  return frame(HEADERS, flags, streamId, out.view());
}

/** A judge that has seen both sides open, with these SETTINGS of the server, acknowledged. */
function opened(settings: readonly (readonly [number, number])[] = []): FrameJudge {
  const judge = new FrameJudge();
  judge.onClientBytes(Buffer.concat([preface, settingsFrame([])]));
  judge.onServerBytes(settingsFrame(settings));
  judge.onClientBytes(settingsAck);
  return judge;
}

/** Each sends what a client may not send, with the judge of an open connection. */
const offences: Record<string, [RegExp, (judge: FrameJudge) => void]> = {
  'an even stream id': [/HEADERS on stream 2/, (judge) => judge.onClientBytes(request(2))],
  'an id that falls': [/behind stream 5/, (judge) => judge.onClientBytes(Buffer.concat([request(5), request(3)]))],
  'a pseudo-field behind a regular one': [
    /behind a regular field/,
    (judge) => judge.onClientBytes(request(1, [['a', 'b'], ...requestFields])),
  ],
  'no :path': [/no :path/, (judge) => judge.onClientBytes(request(1, requestFields.slice(0, 3)))],
  'an upper-case name': [/the name/, (judge) => judge.onClientBytes(request(1, [...requestFields, ['A', 'b']]))],
  connection: [
    /connection-specific/,
    (judge) => judge.onClientBytes(request(1, [...requestFields, ['connection', 'x']])),
  ],
  'LF in a value': [/NUL, CR or LF/, (judge) => judge.onClientBytes(request(1, [...requestFields, ['a', 'b\nc: d']]))],
  'a blank at an end': [/a blank/, (judge) => judge.onClientBytes(request(1, [...requestFields, ['a', 'b ']]))],
  'DATA on an idle stream': [/not open/, (judge) => judge.onClientBytes(data(1, 'x', true))],
  'DATA behind END_STREAM': [
    /behind its END_STREAM/,
    (judge) => judge.onClientBytes(Buffer.concat([request(1), data(1, 'x', true)])),
  ],
  'DATA behind our RST_STREAM': [
    /not open/,
    (judge) => judge.onClientBytes(Buffer.concat([request(1, requestFields, 4), rstStream(1, 8), data(1, 'x', true)])),
  ],
  'a PING that is not answered': [
    /1 PINGs were not answered/,
    (judge) => judge.onServerBytes(frame(frames.PING, 0, 0, new Uint8Array(8))),
  ],
  'SETTINGS that are not acknowledged': [/were not acknowledged/, (judge) => judge.onServerBytes(settingsFrame([]))],
  'an acknowledgement too many': [/never came/, (judge) => judge.onClientBytes(settingsAck)],
  'a request behind a GOAWAY of the server': [
    /goes away/,
    (judge) => {
      judge.onServerBytes(goaway(0, 0));
      judge.onClientBytes(request(1));
    },
  ],
  'a frame behind a GOAWAY with an error': [
    /behind a GOAWAY/,
    (judge) => judge.onClientBytes(Buffer.concat([goaway(0, 1), windowUpdate(0, 1)])),
  ],
  'RST_STREAM in answer to RST_STREAM': [
    /in answer to RST_STREAM/,
    (judge) => {
      judge.onClientBytes(request(1));
      judge.onServerBytes(rstStream(1, 8));
      judge.onClientBytes(rstStream(1, 8));
    },
  ],
  'WINDOW_UPDATE by 0': [/by 0/, (judge) => judge.onClientBytes(windowUpdate(0, 0))],
  PRIORITY: [/no use for/, (judge) => judge.onClientBytes(frame(frames.PRIORITY, 0, 1, new Uint8Array(5)))],
  'a block that cannot be decoded': [/cannot be decoded/, (judge) => judge.onClientBytes(frame(HEADERS, 5, 1, [0xbe]))],
  'half a frame': [/ends within a frame/, (judge) => judge.onClientBytes(request(1).subarray(0, 20))],
};

describe('codec/http2/cases: G, our own output', () => {
  row('G is well formed through answers, refusals, small windows, changes of SETTINGS and of templates', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const prng = new Prng(seed);
      const peer = ScriptedPeer.opened([
        [3, prng.pick([1, 3, 50])],
        [4, prng.pick([0, 10, 65_535])],
        [6, 8000],
      ]);
      let tags = 0;
      for (let turn = 0; turn < 60; turn++) {
        const payload = Buffer.alloc(prng.pick([0, 25, 2000, 20_000]), 'x');
        const template = peer.template({ providerToken: `${prng.int(3)}.jwt` }, { ...plainNotification, payload });
        tags += peer.submit(prng.int(8), tags, template);
        peer.read(); // asserts that the judge has found nothing
        const open = 2 * prng.int(tags + 1) + 1;
        if (peer.requests.has(open)) peer.send(prng.chance(0.8) ? accepted(open) : rstStream(open, prng.int(14)));
        if (prng.chance(0.3))
          peer.announce([
            prng.pick([
              [1, 0],
              [1, 200],
              [1, 4096],
              [3, 2],
              [3, 100],
              [4, 50],
              [4, 70_000],
            ] as const),
          ]);
        if (prng.chance(0.5)) peer.send(windowUpdate(0, 10_000));
        if (prng.chance(0.5) && peer.requests.has(open)) peer.send(windowUpdate(open, 1000));
      }
      peer.read();
      assert.equal(peer.connection.failure, null, `seed ${seed}`);
      peer.judge.finish();
      peer.judge.assertClean(`seed ${seed}`);
      assert.ok(peer.judge.requests > 5, `seed ${seed}: ${peer.judge.requests} requests`);
    }
  });

  row('G a header list above the limit of the peer is not sent', () => {
    const peer = ScriptedPeer.opened([[6, 300]]);
    assert.equal(peer.submit(1, 0, peer.template({ providerToken: 'x'.repeat(300) })), 0);
    peer.send(settingsFrame([[6, 8000]]));
    assert.equal(peer.submit(1, 0, peer.template({ providerToken: 'x'.repeat(300) })), 1);
    peer.read();
  });

  for (const [name, [expected, offend]] of Object.entries(offences)) {
    row(`G the judge notices: ${name}`, () => {
      const judge = opened();
      judge.assertClean('before the offence');
      offend(judge);
      judge.finish();
      assert.match(judge.faults.join('; '), expected);
    });
  }
  row('G the judge notices: more streams, larger frames, lists and bodies than the server allows', () => {
    const cases: [readonly [number, number], RegExp, Uint8Array][] = [
      [[3, 1], /one more than the 1/, Buffer.concat([request(1), request(3)])],
      [
        [4, 3],
        /stream 1 allows 3/,
        Buffer.concat([request(1, requestFields, FLAG_END_HEADERS), data(1, 'abcd', true)]),
      ],
      [[6, 100], /header list of \d+ bytes, above 100/, request(1)],
      [[1, 0], /cannot be decoded/, request(1)], // without the size update that is due
    ];
    for (const [setting, expected, bytes] of cases) {
      const judge = opened([setting]);
      judge.onClientBytes(bytes);
      assert.match(judge.faults.join('; '), expected);
    }
    const judge = opened();
    judge.onClientBytes(request(1, requestFields, FLAG_END_HEADERS));
    judge.onClientBytes(frame(frames.DATA, FLAG_END_STREAM, 1, new Uint8Array(16_385)));
    assert.match(judge.faults.join('; '), /a frame of 16385 bytes/);
  });
  row('G the judge notices: a request before the SETTINGS of the server, and no preface', () => {
    const early = new FrameJudge();
    early.onClientBytes(Buffer.concat([preface, settingsFrame([]), request(1)]));
    assert.match(early.faults.join('; '), /before the SETTINGS of the server/);
    const bare = new FrameJudge();
    bare.onClientBytes(Buffer.concat([settingsFrame([]), request(1)]));
    assert.match(bare.faults.join('; '), /the preface is missing/);
  });
  row('G the judge finds nothing in what is allowed, however it is cut', () => {
    const judge = new FrameJudge();
    const own = Buffer.concat([preface, settingsFrame([])]);
    for (let at = 0; at < own.length; at++) judge.onClientBytes(own.subarray(at, at + 1));
    judge.onServerBytes(settingsFrame([[3, 1]]));
    const more = Buffer.concat([settingsAck, request(1, requestFields, FLAG_END_HEADERS), data(1, 'x', true)]);
    for (let at = 0; at < more.length; at++) judge.onClientBytes(more.subarray(at, at + 1));
    const answer = accepted(1);
    for (let at = 0; at < answer.length; at++) judge.onServerBytes(answer.subarray(at, at + 1));
    assert.equal(judge.openStreams, 0);
    judge.onClientBytes(request(3));
    judge.finish();
    judge.assertClean();
    assert.deepEqual([judge.requests, judge.dataBytes, judge.mostOpen], [2, 1, 1]);
  });
});
