/**
 * The simulator as a receiver that passes nothing over: each case of strict-cases.ts, whole and octet by octet, and
 * those that are told by more than one answer.
 */

import assert from 'node:assert/strict';
import * as frames from '../../../src/codec/http2/frames.js';
import { frame, literals } from '../../support/frames.js';
import { tokenNumber } from '../../support/push-client.js';

import { payload, pushFields, RawClient } from '../raw-client.js';
import { generic, http2 } from './strict-cases.js';
import { hpack } from './strict-hpack-cases.js';
import {
  block,
  type Case,
  data,
  fields,
  get,
  goOn,
  headers,
  type Outcome,
  ping,
  reset,
  settings,
  widen,
} from './strict-vocabulary.js';

const { DATA, HEADERS, SETTINGS, PING, GOAWAY, PRIORITY } = frames;
const END_HEADERS = frames.FLAG_END_HEADERS;
const END_STREAM = frames.FLAG_END_STREAM;
const WHOLE = END_HEADERS | END_STREAM;

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

  it('begins with SETTINGS, whoever the client is, and closes the connection for a preface that is none (§3.4)', () => {
    const client = new RawClient();
    const [first] = client.frames;
    assert.deepEqual([first?.type, first?.flags, first?.streamId], [SETTINGS, 0, 0]);
    client.send(Buffer.from('INVALID CONNECTION PREFACE\r\n\r\n'));
    client.clock.advance(5_000);
    assert.equal(client.isClosed, true);
    const slow = new RawClient().send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\rX'));
    slow.clock.advance(5_000);
    assert.equal(slow.isClosed, true, 'the last octet counts');
  });

  it('answers a PING with its octets, and no acknowledgement (§6.7)', () => {
    const octets = Buffer.from('h2spec\0\0');
    const client = new RawClient().greet();
    client.send(frame(PING, frames.FLAG_ACK, 0, Buffer.from('invalid\0')), frame(PING, 0, 0, octets));
    assert.deepEqual(
      client.of(PING).map(({ flags, payload: answer }) => [flags, answer.toString('latin1')]),
      [[frames.FLAG_ACK, octets.toString('latin1')]],
    );
  });

  it('acknowledges each SETTINGS at once and once, and never an acknowledgement (§6.5.3)', () => {
    const client = new RawClient().greet();
    const acknowledged = (): number => client.of(SETTINGS).filter(({ flags }) => flags === frames.FLAG_ACK).length;
    assert.equal(acknowledged(), 1);
    client.send(settings([frames.SETTINGS_ENABLE_PUSH, 0]), settings(), settings([4, 100], [4, 1]));
    assert.equal(acknowledged(), 4);
    client.acknowledge();
    assert.equal(acknowledged(), 4);
  });

  it('takes the values of one SETTINGS in their order (§6.5.3)', () => {
    const client = new RawClient().greet().send(settings([4, 100], [4, 1]), headers(get, WHOLE));
    assert.deepEqual(
      client.of(DATA).map((item) => item.payload.length),
      [1],
    );
  });

  describe('on a stream that the client has ended and the simulator has not (§5.1)', () => {
    /** Its answer waits for a window. */
    const halfClosed = (): RawClient => {
      const client = new RawClient().greet().send(settings([4, 0]), headers(get, WHOLE));
      assert.deepEqual([client.of(HEADERS).length, client.of(DATA).length], [1, 0]);
      return client;
    };

    it('takes WINDOW_UPDATE, and SETTINGS that widen it (§6.9.2)', () => {
      for (const wide of [widen(1, 1), settings([4, 1])]) {
        const [first] = halfClosed().send(wide).of(DATA);
        assert.equal(first?.payload.length, 1);
      }
    });

    it('takes PRIORITY', () => {
      const client = halfClosed().send(frame(PRIORITY, 0, 1, Buffer.alloc(5)), widen(1, 1));
      assert.equal(client.of(DATA)[0]?.payload.length, 1);
    });

    it('takes RST_STREAM, and sends no more', () => {
      const client = halfClosed().send(reset(), widen(0, 10), settings([4, 1000]), ping());
      assert.deepEqual([client.of(DATA).length, client.of(PING).length, client.goawayCode()], [0, 1, null]);
    });

    const refused: readonly [string, Buffer, readonly string[]][] = [
      ['DATA', data(), ['STREAM_CLOSED']],
      ['HEADERS', headers(block, WHOLE), ['STREAM_CLOSED']],
      ['CONTINUATION', goOn(block), ['STREAM_CLOSED', 'PROTOCOL_ERROR']],
    ];
    for (const [what, bytes, codes] of refused) {
      it(`refuses ${what}`, () => {
        const client = halfClosed().send(bytes);
        const code = client.goawayCode() ?? client.resetCode(1);
        assert.ok(code !== null && codes.includes(code), `${code}`);
      });
    }
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
