/**
 * What each fault does, frame by frame, and that the ledger tells what was processed from what was not: the client's
 * requests are accounted for one by one.
 */

import assert from 'node:assert/strict';
import * as frames from '../../../src/codec/http2/frames.js';
import type { LedgerSummary } from '../../../src/simulator/books/ledger.js';
import type { Fault, Scenario } from '../../../src/simulator/settings/scenario.js';
import { frame, literals, rstStream, windowUpdate } from '../../support/frames.js';

import { pushFields, RawClient, tokenFor } from '../raw-client.js';

/** A client of a gateway with one fault. */
function against(fault: Fault, more: Partial<Scenario> = {}, options: object = {}): RawClient {
  return new RawClient({ ...options, scenario: { ...more, faults: [fault] } }).greet();
}

function books(
  client: RawClient,
): Pick<LedgerSummary, 'accepted' | 'rejected' | 'unanswered' | 'refused' | 'unprocessed'> {
  const { accepted, rejected, unanswered, refused, unprocessed } = client.gateway.ledger.summary();
  return { accepted, rejected, unanswered, refused, unprocessed };
}

const none = { accepted: 0, rejected: 0, unanswered: 0, refused: 0, unprocessed: 0 };
/** Odd ids from `first` to `last`. */
const odd = (first: number, last: number): number[] =>
  Array.from({ length: (last - first) / 2 + 1 }, (_, index) => first + 2 * index);
const streamsOf = (client: RawClient): number[] => client.answered().map(([streamId]) => streamId);

describe('simulator: GOAWAY as a fault', () => {
  it('graceful: announced, then told once the client has read that; everything under way is answered', () => {
    const fault: Fault = { do: 'goaway', when: { requests: 100 }, reason: 'Shutdown' };
    const client = against(fault, { processingMs: 20 });
    client.requests(1, 199);
    assert.deepEqual(client.goaways(), [[0x7fffffff, 'NO_ERROR', '{"reason":"Shutdown"}']]);
    client.requests(201, 219).acknowledge(); // on their way when it came
    client.clock.advance(10);
    assert.deepEqual(client.goaways()[1], [219, 'NO_ERROR', '{"reason":"Shutdown"}']);
    client.clock.advance(20);
    assert.deepEqual(streamsOf(client), odd(1, 219));
    assert.ok(client.isClosed);
    assert.deepEqual(books(client), { ...none, accepted: 110 });
  });

  it('at once, covering half of what is in flight: the rest is not processed', () => {
    const client = against({ do: 'goaway', how: 'drain', last: 'half', when: { requests: 200 } }, { processingMs: 20 });
    client.requests(1, 399).clock.advance(20);
    assert.deepEqual(client.goaways(), [[199, 'NO_ERROR', '']]);
    assert.deepEqual(streamsOf(client), odd(1, 199));
    assert.ok(client.isClosed);
    assert.deepEqual(books(client), { ...none, accepted: 100, unprocessed: 100 });
    assert.equal(client.gateway.ledger.answerOf(tokenFor(199)), 'accepted');
    assert.equal(client.gateway.ledger.answerOf(tokenFor(201)), null);
  });

  it('at once, covering nothing, behind answers that were written before', () => {
    const client = against({ do: 'goaway', how: 'drain', last: 'none', when: { requests: 30 } }, { processingMs: 20 });
    client.requests(1, 19).clock.advance(20);
    client.requests(21, 79).clock.advance(20);
    assert.deepEqual(client.goaways(), [[0, 'NO_ERROR', '']]);
    assert.deepEqual(streamsOf(client), odd(1, 19));
    assert.deepEqual(books(client), { ...none, accepted: 10, unprocessed: 30 });
  });

  it('never calls a request unprocessed that was processed without an answer', () => {
    const faults: Fault[] = [
      { do: 'noAnswer', when: { requests: 5 }, forRequests: 1, processed: 1 },
      { do: 'goaway', how: 'drain', last: 'none', when: { requests: 20 } },
    ];
    const client = new RawClient({ scenario: { faults, processingMs: 20 } }).greet();
    client.requests(1, 19).clock.advance(20);
    client.requests(21, 39).clock.advance(20);
    assert.equal(client.goaways()[0]?.[0], 9);
    assert.deepEqual(books(client), { ...none, accepted: 9, unanswered: 1, unprocessed: 10 });
  });

  it('with an error, and the end of the connection: what it covers may have been processed', () => {
    const fault: Fault = { do: 'goaway', how: 'close', last: 'half', error: 'INTERNAL_ERROR', twice: true };
    const client = against({ ...fault, when: { requests: 100 } }, { processingMs: 20 });
    client.requests(1, 199).clock.advance(1);
    assert.deepEqual(client.goaways(), [
      [99, 'INTERNAL_ERROR', ''],
      [99, 'INTERNAL_ERROR', ''],
    ]);
    assert.ok(client.isClosed);
    assert.deepEqual(client.answered(), []);
    const { unanswered, unprocessed } = books(client);
    assert.equal(unanswered + unprocessed, 100);
    assert.ok(unanswered > 10 && unanswered < 40, `${unanswered} of 50 processed at one half`);
    for (const streamId of odd(101, 199)) assert.equal(client.gateway.ledger.answerOf(tokenFor(streamId)), null);
  });

  it('again after a graceful one, with a lower last stream', () => {
    const faults: Fault[] = [
      { do: 'goaway', when: { requests: 10 } },
      { do: 'goaway', how: 'drain', last: 'half', error: 'ENHANCE_YOUR_CALM', when: { requests: 20 } },
    ];
    const client = new RawClient({ scenario: { faults, processingMs: 20 } }).greet();
    client.requests(1, 39).clock.advance(20);
    assert.deepEqual(client.goaways(), [
      [0x7fffffff, 'NO_ERROR', ''],
      [19, 'ENHANCE_YOUR_CALM', ''],
    ]);
    assert.deepEqual(books(client), { ...none, accepted: 10, unprocessed: 10 });
  });

  it('leaves requests alone that are above its last stream, and counts them', () => {
    const client = against({ do: 'goaway', how: 'drain', when: { requests: 1 } }, { processingMs: 20 });
    client.requests(1, 1).requests(3, 21).clock.advance(50);
    assert.deepEqual(streamsOf(client), [1]);
    assert.deepEqual(books(client), { ...none, accepted: 1, unprocessed: 10 });
  });
});

describe('simulator: faults that end a connection', () => {
  for (const action of ['reset', 'fin'] as const) {
    it(`${action}: of what is in flight, the share that is drawn was processed, and nothing is answered`, () => {
      const client = against({ do: action, when: { requests: 100 } }, { processingMs: 20 });
      client.requests(1, 399).clock.advance(20);
      assert.ok(client.isClosed);
      assert.equal(client.error?.code ?? null, action === 'reset' ? 'ERR_PEAL_CLOSED' : null);
      assert.deepEqual(client.answered(), []);
      const { unanswered, unprocessed } = books(client);
      assert.equal(unanswered + unprocessed, 100, 'what came behind was not read');
      assert.ok(unanswered > 25 && unanswered < 75, `${unanswered} of 100 processed at one half`);
      assert.equal(client.gateway.ledger.summary().requests, unanswered);
      assert.equal(client.clock.timerCount, 0);
    });
  }

  it('with processed 1, everything in flight was processed, with 0 nothing', () => {
    for (const processed of [0, 1]) {
      const client = against({ do: 'reset', processed, when: { requests: 50 } }, { processingMs: 20 });
      client.requests(1, 99);
      assert.deepEqual(books(client), { ...none, unanswered: 50 * processed, unprocessed: 50 * (1 - processed) });
    }
  });

  it('fin: what was answered before still comes', () => {
    const client = against({ do: 'fin', when: { requests: 3 }, processed: 0 });
    client.requests(1, 3).requests(5, 5).clock.advance(1);
    assert.deepEqual(streamsOf(client), [1, 3]);
    assert.ok(client.isClosed);
    assert.deepEqual(books(client), { ...none, accepted: 2, unprocessed: 1 });
  });

  it('blackHole: the connection stays, and nothing comes any more, not even to a PING', () => {
    const client = against({ do: 'blackHole', when: { requests: 10 }, processed: 1 });
    client.requests(1, 39).send(frame(frames.PING, 0, 0, Buffer.alloc(8)));
    const before = client.frames.length;
    client.clock.advance(24 * 3_600_000);
    assert.equal(client.isClosed, false);
    assert.equal(client.frames.length, before);
    assert.deepEqual(books(client), { ...none, unanswered: 10 });
    client.connection.close();
    client.clock.settle();
    assert.ok(client.isClosed);
  });

  it('is drawn alike for each seed', () => {
    const run = (seed: number): unknown => {
      const client = against({ do: 'reset', when: { requests: 100 } }, { processingMs: 20, seed });
      client.requests(1, 199);
      return odd(1, 199).map((streamId) => client.gateway.ledger.answerOf(tokenFor(streamId)));
    };
    assert.deepEqual(run(1), run(1));
    assert.notDeepEqual(run(1), run(2));
  });
});

describe('simulator: faults that hit requests', () => {
  it('refuse: so many get REFUSED_STREAM and are not in the ledger', () => {
    const client = against({ do: 'refuse', when: { requests: 4 }, forRequests: 3 });
    client.requests(1, 19);
    assert.deepEqual(streamsOf(client), [1, 3, 5, 13, 15, 17, 19]);
    for (const streamId of [7, 9, 11]) assert.equal(client.resetCode(streamId), 'REFUSED_STREAM');
    assert.deepEqual(books(client), { ...none, accepted: 7, refused: 3 });
    assert.equal(client.gateway.ledger.answerOf(tokenFor(7)), null);
  });

  it('refuse: for so long', () => {
    const client = against({ do: 'refuse', when: { requests: 1 }, forMs: 100 });
    client.requests(1, 3).clock.advance(99);
    client.requests(5, 5).clock.advance(1);
    client.requests(7, 7);
    assert.deepEqual(streamsOf(client), [7]);
    assert.deepEqual(books(client), { ...none, accepted: 1, refused: 3 });
  });

  it('rst: with a code, processed or not', () => {
    const client = against({ do: 'rst', code: 'CANCEL', when: { requests: 1 }, forRequests: 100 });
    client.requests(1, 201);
    assert.equal(client.of(frames.RST_STREAM).length, 100);
    assert.equal(client.resetCode(1), 'CANCEL');
    const { unanswered, unprocessed } = books(client);
    assert.equal(unanswered + unprocessed, 100);
    assert.ok(unanswered > 25 && unanswered < 75, `${unanswered} of 100 processed at one half`);
  });

  it('rst REFUSED_STREAM was never processed', () => {
    const client = against({ do: 'rst', code: 'REFUSED_STREAM' });
    client.requests(1, 19);
    assert.deepEqual(books(client), { ...none, unprocessed: 10 });
  });

  it('noAnswer: a share of the requests, whose streams stay open', () => {
    const client = against({ do: 'noAnswer', share: 0.25, processed: 1 });
    client.requests(1, 1999).clock.advance(60_000);
    const { accepted, unanswered } = books(client);
    assert.equal(accepted + unanswered, 1000);
    assert.ok(unanswered > 190 && unanswered < 310, `${unanswered} of 1,000 at one quarter`);
    assert.equal(client.of(frames.HEADERS).length, accepted);
    assert.equal(client.connection.server.activeStreams, unanswered);
  });

  it('answer: a status with Retry-After', () => {
    const fault: Fault = {
      do: 'answer',
      reason: 'ServiceUnavailable',
      retryAfterS: 2,
      when: { requests: 2 },
      forRequests: 2,
    };
    const client = against(fault).requests(1, 9);
    assert.deepEqual(client.answered(), [
      [1, '200'],
      [3, '503'],
      [5, '503'],
      [7, '200'],
      [9, '200'],
    ]);
    const block = client.of(frames.HEADERS)[1]!.payload;
    assert.ok(block.toString('latin1').endsWith('\x0f\x26\x012'), 'literal, name 53 (retry-after), one octet: 2');
    assert.deepEqual(client.gateway.ledger.summary().reasons, { ServiceUnavailable: 2 });
    assert.equal(client.of(frames.DATA)[0]?.payload.toString(), '{"reason":"ServiceUnavailable"}');
  });

  it('answer: a bare status, as of a proxy, with a body or without one', () => {
    const client = against({ do: 'answer', status: 204, when: { requests: 1 }, forRequests: 1 }).requests(1, 3);
    assert.deepEqual(client.answered(), [
      [1, '204'],
      [3, '200'],
    ]);
    assert.equal(client.of(frames.HEADERS)[0]!.flags & frames.FLAG_END_STREAM, frames.FLAG_END_STREAM);
    const { accepted, rejected, reasons } = client.gateway.ledger.summary();
    assert.deepEqual([accepted, rejected, reasons], [1, 1, { 'HTTP 204': 1 }]);
    assert.equal(client.gateway.ledger.recordOf(tokenFor(1))?.status, 204);
    const page = against({ do: 'answer', status: 502, bodyBytes: 50 }).requests(1, 1);
    assert.equal(page.of(frames.DATA)[0]?.payload.length, 50);
    assert.deepEqual(page.gateway.ledger.summary().reasons, { 'HTTP 502': 1 });
  });

  it('answer: bodies of any length, within the windows and in frames that every client takes', () => {
    for (const { fault, status, reason } of [
      { fault: { reason: 'Unregistered' }, status: '410', reason: 'Unregistered' },
      { fault: {}, status: '200', reason: undefined },
      { fault: { status: 299 }, status: '299', reason: undefined },
    ]) {
      const client = against({ do: 'answer', ...fault, bodyBytes: 200_000 }).requests(1, 1);
      const bytes = (): number => client.of(frames.DATA).reduce((sum, { payload }) => sum + payload.length, 0);
      assert.equal(bytes(), 65_535);
      const more = Buffer.from([0, 3, 0, 0]);
      client.send(frame(frames.WINDOW_UPDATE, 0, 0, more), frame(frames.WINDOW_UPDATE, 0, 1, more));
      assert.equal(bytes(), 200_000);
      assert.ok(client.of(frames.DATA).every(({ payload }) => payload.length <= 16_384));
      assert.deepEqual(client.answered(), [[1, status]]);
      const body = JSON.parse(Buffer.concat(client.of(frames.DATA).map(({ payload }) => payload)).toString());
      assert.equal(body.reason, reason);
    }
  });

  it('answer: a client that resets a long body gets no more of it, and its next request is served', () => {
    const client = against({ do: 'answer', bodyBytes: 200_000, when: { requests: 1 }, forRequests: 1 }).requests(1, 1);
    client.send(rstStream(1, 8));
    const before = client.of(frames.DATA).length;
    client.send(windowUpdate(0, 0x30000)).requests(3, 3);
    assert.equal(client.of(frames.DATA).length, before);
    assert.deepEqual(client.answered().at(-1), [3, '200']);
  });

  it('slow: answers come later, and with jitter in another order', () => {
    const client = against({ do: 'slow', ms: 100, jitterMs: 50, when: { requests: 1 }, forRequests: 20 });
    client.requests(1, 59);
    client.clock.advance(99);
    assert.equal(client.of(frames.HEADERS).length, 10);
    client.clock.advance(51);
    const streams = streamsOf(client);
    assert.equal(streams.length, 30);
    assert.notDeepEqual(streams.slice(10), odd(1, 39), 'in order');
    assert.deepEqual(
      [...streams].sort((a, b) => a - b),
      odd(1, 59),
    );
  });

  it('slow: everything is written in pieces', () => {
    const sizes: number[] = [];
    const client = against({ do: 'slow', pieceBytes: 5 }, {}, {});
    const { connection } = client;
    const write = connection.pieceBytes.bind(connection);
    connection.pieceBytes = () => {
      sizes.push(write());
      return write();
    };
    client.requests(1, 9);
    assert.deepEqual(streamsOf(client), odd(1, 9));
    assert.ok(sizes.length > 40 && sizes.every((bytes) => bytes === 5), `${sizes.length} writes`);
  });

  it('one fault after the other: the first that lasts decides', () => {
    const faults: Fault[] = [
      { do: 'refuse', when: { requests: 1 }, forRequests: 1 },
      { do: 'answer', reason: 'InternalServerError', when: { requests: 1 }, forRequests: 2 },
    ];
    const client = new RawClient({ scenario: { faults } }).greet().requests(1, 7);
    assert.equal(client.resetCode(1), 'REFUSED_STREAM');
    assert.deepEqual(client.answered(), [
      [3, '500'],
      [5, '500'],
      [7, '200'],
    ]);
  });
});

describe('simulator: faults that bend a connection', () => {
  it('stall: nothing is read or written until it is over, then all of it', () => {
    const client = against({ do: 'stall', ms: 500, when: { requests: 5 } });
    client.requests(1, 7).requests(9, 9).requests(11, 19);
    client.clock.advance(499);
    assert.equal(client.of(frames.HEADERS).length, 4);
    client.clock.advance(1);
    assert.deepEqual(streamsOf(client), odd(1, 19));
    assert.deepEqual(books(client), { ...none, accepted: 10 });
  });

  it('streams: the limit goes down and up in mid-flight, and binds the client once it has acknowledged it', () => {
    const client = against(
      { do: 'streams', max: [2, 0, 50], stepMs: 100, when: { requests: 1 } },
      { processingMs: 10 },
    );
    client.requests(1, 19); // ten at once, before the client could know
    assert.equal(books(client).refused, 0);
    client.acknowledge().clock.advance(10);
    client.requests(21, 29);
    client.clock.advance(10);
    assert.deepEqual(books(client), { ...none, accepted: 12, refused: 3 });
    client.clock.advance(80);
    client.acknowledge().requests(31, 33);
    client.clock.advance(100);
    client.acknowledge().requests(35, 133).clock.advance(10);
    assert.deepEqual(client.announced(frames.SETTINGS_MAX_CONCURRENT_STREAMS), [1000, 2, 0, 50]);
    assert.deepEqual(books(client), { ...none, accepted: 62, refused: 5 });
  });

  it('window: the initial window changes, and is watched once that is acknowledged', () => {
    const client = against({ do: 'window', initialBytes: 4, when: { requests: 1 } });
    client.requests(1, 1);
    assert.deepEqual(client.announced(frames.SETTINGS_INITIAL_WINDOW_SIZE), [65_535, 4]);
    client.requests(3, 3);
    assert.equal(client.resetCode(3), null);
    client.acknowledge().requests(5, 5);
    assert.equal(client.resetCode(5), 'FLOW_CONTROL_ERROR');
  });

  it('window: the connection is given nothing back for a time', () => {
    const client = against({ do: 'window', withholdMs: 100, when: { requests: 1 } });
    const body = Buffer.from(`{"a":"${'x'.repeat(3000)}"}`);
    for (let streamId = 1; streamId < 2 * 15; streamId += 2) client.request(streamId, tokenFor(streamId), body);
    const updates = (): number => client.of(frames.WINDOW_UPDATE).filter(({ streamId }) => streamId === 0).length;
    assert.equal(updates(), 0);
    client.clock.advance(100);
    assert.equal(updates(), 1);
  });

  for (const kind of ['badHpack', 'longFrame', 'shortPing', 'evenStream', 'zeroWindow', 'noise'] as const) {
    it(`malformed: ${kind} comes between the answers`, () => {
      const client = against({ do: 'malformed', kind, when: { requests: 2 } });
      const before = client.frames.length;
      client.requests(1, 1).requests(3, 3);
      const after = client.frames.slice(before);
      if (kind !== 'noise') assert.equal(after.length, 3);
      const broken = after.find(
        ({ type, streamId }) => type !== frames.HEADERS || streamId === 2 || kind === 'badHpack',
      );
      if (kind === 'longFrame') assert.equal(broken?.payload.length, 16_385);
      if (kind === 'shortPing') assert.equal(broken?.payload.length, 7);
      if (kind === 'evenStream') assert.equal(broken?.streamId, 2);
      if (kind === 'zeroWindow') assert.equal(broken?.type, frames.WINDOW_UPDATE);
      assert.equal(books(client).accepted, 2);
    });
  }

  it('all of it is mended when the scenario is over', () => {
    const faults: Fault[] = [
      { do: 'streams', max: 1, when: { requests: 1 } },
      { do: 'window', initialBytes: 1, withholdMs: 60_000, when: { requests: 1 } },
      { do: 'slow', ms: 60_000, pieceBytes: 1, when: { requests: 2 } },
      { do: 'stall', ms: 60_000, when: { ms: 50 } },
    ];
    const client = new RawClient({ scenario: { faults, until: { ms: 100 } } }).greet();
    client.requests(1, 1).acknowledge().clock.advance(60);
    client.requests(3, 3);
    assert.deepEqual(streamsOf(client), [1]);
    client.clock.advance(40);
    assert.deepEqual(client.announced(frames.SETTINGS_MAX_CONCURRENT_STREAMS), [1000, 1, 1000]);
    assert.deepEqual(client.announced(frames.SETTINGS_INITIAL_WINDOW_SIZE), [65_535, 1, 65_535]);
    assert.equal(books(client).accepted, 2, 'the second was read after the scenario, and so answered at once');
    assert.equal(client.clock.timerCount, 0);
  });
});

describe('simulator: requests of a connection that has a scenario', () => {
  it('that the client gives up while they wait are not processed', () => {
    const client = against({ do: 'fin', when: { requests: 1000 } }, { processingMs: 20 });
    client.requests(1, 5).send(rstStream(3, 8));
    client.clock.advance(20);
    assert.deepEqual(streamsOf(client), [1, 5]);
    assert.equal(client.gateway.ledger.answerOf(tokenFor(3)), null);
    assert.equal(client.connection.server.activeStreams, 0);
  });

  it('that are not complete yet are thrown away by a GOAWAY below them, and what still comes is discarded', () => {
    const client = against({ do: 'goaway', how: 'drain', last: 'none', when: { requests: 1 } }, { processingMs: 5 });
    client.send(frame(frames.HEADERS, frames.FLAG_END_HEADERS, 1, literals(pushFields(tokenFor(1)))));
    client.requests(3, 3);
    client.send(frame(frames.DATA, frames.FLAG_END_STREAM, 1, Buffer.from('{"aps":{}}')));
    client.clock.advance(5);
    assert.deepEqual(client.goaways(), [[0, 'NO_ERROR', '']]);
    assert.deepEqual(books(client), { ...none, unprocessed: 2 });
    assert.ok(client.isClosed);
  });
});
