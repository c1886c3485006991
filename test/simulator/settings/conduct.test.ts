/** How the simulator treats a connection over time, as APNs is described to do. */

import assert from 'node:assert/strict';
import * as frames from '../../../src/codec/http2/frames.js';
import { scriptedToken } from '../../../src/simulator/books/token-script.js';
import { createThrowAwayProviderKey } from '../../../src/simulator/index.js';
import type { SimulatorConduct } from '../../../src/simulator/settings/conduct.js';
import type { SimulatorOptions } from '../../../src/simulator/settings/options.js';
import { frame } from '../../support/frames.js';

import { bearer } from '../provider-token.js';
import { RawClient, shareGateway, tokenFor } from '../raw-client.js';

const key = createThrowAwayProviderKey();

function client(conduct: SimulatorConduct, options: SimulatorOptions = {}): RawClient {
  return new RawClient({ ...options, conduct }).greet();
}

/** Requests whose tokens ask for `reason`, on the odd streams from `first` to `last`. */
function asking(from: RawClient, reason: string, first: number, last: number): RawClient {
  return from.requests(first, last, (streamId) => scriptedToken(reason, streamId)).acknowledge();
}

const limits = (of: RawClient): number[] => of.announced(frames.SETTINGS_MAX_CONCURRENT_STREAMS);
const faults = (of: RawClient): Readonly<Record<string, number>> => of.gateway.ledger.summary().faults;

describe('simulator: errors lower the stream limit', () => {
  it('by half for so many answers of 4xx, down to 1', () => {
    const sender = client({ lowerStreamsAfter: 10 }, { maxStreams: 20 });
    asking(sender, 'BadDeviceToken', 1, 19);
    assert.deepEqual(limits(sender), [20, 10]);
    asking(sender, 'BadTopic', 21, 39);
    asking(sender, 'BadTopic', 41, 49);
    asking(sender, 'BadTopic', 51, 59);
    assert.deepEqual(limits(sender), [20, 10, 5, 2]);
    for (let streamId = 61; streamId < 161; streamId += 2) asking(sender, 'BadTopic', streamId, streamId);
    assert.deepEqual(limits(sender), [20, 10, 5, 2, 1]);
    assert.deepEqual(faults(sender), { lowerStreams: 4 });
  });

  it('but 410, TooManyRequests and 5xx do not count', () => {
    const sender = client({ lowerStreamsAfter: 1, maxErrors: 1 });
    asking(sender, 'Unregistered', 1, 99);
    asking(sender, 'ExpiredToken', 101, 199);
    asking(sender, 'TooManyRequests', 201, 299);
    asking(sender, 'ServiceUnavailable', 301, 399);
    assert.deepEqual([limits(sender), sender.isClosed, faults(sender)], [[1000], false, {}]);
  });

  it('which is refused once the client has acknowledged it, and raised again by good answers', () => {
    const sender = client({ lowerStreamsAfter: 10, raiseStreamsAfter: 4 }, { maxStreams: 8, scenario: held });
    const rest = (): void => {
      sender.clock.advance(10);
      sender.acknowledge();
    };
    for (const first of [1, 17]) {
      asking(sender, 'BadTopic', first, first + 14);
      rest();
    }
    assert.deepEqual(limits(sender), [8, 4], 'sixteen errors');
    sender.requests(33, 47);
    rest();
    assert.equal(sender.gateway.ledger.summary().refused, 4, 'of eight at a time four are too many');
    assert.deepEqual(limits(sender), [8, 4, 8]);
    sender.requests(49, 63);
    rest();
    assert.equal(sender.gateway.ledger.summary().refused, 4);
    assert.deepEqual(faults(sender), { lowerStreams: 1, raiseStreams: 1 });
  });

  it('leaves a connection at one stream until its first valid provider token', () => {
    const sender = client({ lowerStreamsAfter: 1 }, { auth: 'token', maxStreams: 100 });
    sender.requests(1, 1).acknowledge().requests(3, 3).acknowledge();
    assert.deepEqual(limits(sender), [1]);
    sender.push(5, bearer(key, sender.clock.wallMs())).acknowledge();
    assert.deepEqual(limits(sender), [1, 25], 'two errors before it');
    assert.deepEqual(limits(client({ streamsBeforeToken: 3 }, { auth: 'token' })), [3]);
    assert.deepEqual(limits(client({ streamsBeforeToken: null }, { auth: 'token' })), [1000]);
  });
});

/** Requests take a while, so that they are in flight together. */
const held = { processingMs: 10, faults: [] } as const;

describe('simulator: too many errors end a connection', () => {
  it('with a GOAWAY that names the last one, and sooner for BadDeviceToken', () => {
    const errors = (reason: string): number => {
      const sender = client({ maxErrors: 40, badDeviceTokenWeight: 4 });
      for (let streamId = 1; streamId < 1000 && !sender.isClosed; streamId += 2)
        asking(sender, reason, streamId, streamId);
      assert.deepEqual(sender.goaways()[0], [0x7fffffff, 'NO_ERROR', `{"reason":"${reason}"}`]);
      assert.deepEqual(faults(sender), { tooManyErrors: 1 });
      return sender.gateway.ledger.summary().rejected;
    };
    assert.equal(errors('BadTopic'), 40);
    assert.equal(errors('BadDeviceToken'), 10);
  });

  it('but good answers make up for them', () => {
    const sender = client({ maxErrors: 5, forgiveAfter: 10 });
    for (let round = 0; round < 20; round++) {
      const first = 1 + round * 30;
      asking(sender, 'BadTopic', first, first).requests(first + 2, first + 28);
    }
    assert.equal(sender.isClosed, false);
    assert.equal(sender.gateway.ledger.summary().rejected, 20);
  });

  it('says it twice if told so, and answers what is under way', () => {
    const sender = client({ maxErrors: 2, goawayTwice: true });
    asking(sender, 'BadTopic', 1, 19);
    assert.deepEqual(
      sender.goaways().map(([lastStreamId]) => lastStreamId),
      [0x7fffffff, 0x7fffffff, 19, 19],
    );
    assert.ok(sender.isClosed);
    assert.equal(sender.gateway.ledger.summary().rejected, 10);
  });
});

describe('simulator: provider tokens over time', () => {
  it('wedge a connection that has shown an expired one, and no other', () => {
    const shared = shareGateway({ auth: 'token', conduct: { wedgeOnExpiredToken: true } });
    const old = bearer(key, shared.clock.wallMs() - 3_600_000);
    const fresh = bearer(key, shared.clock.wallMs());
    const wedged = new RawClient({}, undefined, shared)
      .greet()
      .push(1, fresh)
      .push(3, old)
      .push(5, fresh)
      .push(7, fresh);
    assert.deepEqual([...wedged.statuses().values()], ['200', '403', '403', '403']);
    const other = new RawClient({}, undefined, shared).greet().push(1, fresh);
    assert.deepEqual([...other.statuses().values()], ['200']);
    assert.deepEqual(shared.gateway.ledger.summary().reasons, { ExpiredProviderToken: 3 });
    assert.deepEqual(shared.gateway.ledger.summary().faults, { wedge: 1 });
  });

  it('may change once within 20 minutes; one more makes that connection useless until they have passed', () => {
    const shared = shareGateway({ auth: 'token', conduct: { providerTokenUpdates: 1 } });
    const [a, b, c] = [0, 1, 2].map(() => bearer(key, shared.clock.wallMs()));
    const open = (): RawClient => new RawClient({}, undefined, shared).greet();
    const [first, second] = [open().push(1, a!), open().push(1, b!)];
    const third = open().push(1, c!).push(3, a!);
    first.push(3, b!).push(5, a!);
    shared.clock.advance(20 * 60_000 - 1);
    third.push(5, b!);
    first.push(7, b!);
    shared.clock.advance(1);
    third.push(7, c!);
    first.push(9, c!);
    assert.deepEqual(
      [...first.statuses().values()],
      ['200', '200', '200', '200', '200'],
      'tokens that are known may go on',
    );
    assert.deepEqual([...second.statuses().values()], ['200']);
    assert.deepEqual([...third.statuses().values()], ['429', '429', '429', '200']);
    assert.deepEqual(shared.gateway.ledger.summary().reasons, { TooManyProviderTokenUpdates: 3 });
    assert.deepEqual(shared.gateway.ledger.summary().faults, { providerTokenUpdates: 1 });
  });

  it('are counted for each key apart', () => {
    const shared = shareGateway({ auth: 'token', conduct: { providerTokenUpdates: 0 } });
    const other = createThrowAwayProviderKey('SIMULATED3');
    const answers = [key, other, key, other].map((owner) => {
      const sender = new RawClient({}, undefined, shared).greet().push(1, bearer(owner, shared.clock.wallMs()));
      return sender.statuses().get(1);
    });
    assert.deepEqual(answers, ['200', '200', '429', '429']);
  });
});

describe('simulator: pushes to one device', () => {
  it('that follow each other too closely get TooManyRequests, whatever connection they come by', () => {
    const shared = shareGateway({ conduct: { tokenPushes: 2, tokenPushMs: 1000 } });
    const [first, second] = [
      new RawClient({}, undefined, shared).greet(),
      new RawClient({}, undefined, shared).greet(),
    ];
    const token = tokenFor(1);
    first.request(1, token).request(3, token).request(5, token).request(7, tokenFor(7));
    second.request(1, token);
    shared.clock.advance(1000);
    second.request(3, token);
    assert.deepEqual([...first.statuses().values()], ['200', '200', '429', '200']);
    assert.deepEqual([...second.statuses().values()], ['429', '200']);
    assert.deepEqual(shared.gateway.ledger.summary().faults, { tokenPushes: 2 });
  });
});

describe('simulator: an idle connection', () => {
  const ping = frame(frames.PING, 0, 0, Buffer.alloc(8));

  it('gets IdleTimeout with its next request, and ends', () => {
    const sender = client({ idleMs: 1000 });
    sender.clock.advance(999);
    sender.requests(1, 1).clock.advance(999);
    sender.send(ping).clock.advance(1000);
    sender.requests(3, 5).acknowledge();
    assert.deepEqual([...sender.statuses().values()], ['200', '400', '400']);
    assert.deepEqual(sender.gateway.ledger.summary().reasons, { IdleTimeout: 2 });
    assert.equal(sender.goaways()[0]?.[2], '{"reason":"IdleTimeout"}');
    assert.ok(sender.isClosed);
    assert.deepEqual(faults(sender), { idle: 1 });
  });

  it('or falls silent', () => {
    const sender = client({ idleMs: 1000, idleEnd: 'silence' });
    sender.clock.advance(1000);
    const before = sender.frames.length;
    sender.requests(1, 9).send(ping).clock.advance(60_000);
    assert.deepEqual([sender.frames.length, sender.isClosed], [before, false]);
    assert.equal(sender.gateway.ledger.summary().requests, 0);
  });

  it('or is told to go, or dropped, as long as nothing came from its client', () => {
    for (const idleEnd of ['goaway', 'reset'] as const) {
      const sender = client({ idleMs: 1000, idleEnd });
      sender.clock.advance(900);
      sender.send(ping).clock.advance(900);
      assert.deepEqual([sender.isClosed, faults(sender)], [false, {}]);
      sender.clock.advance(100);
      sender.acknowledge().clock.advance(1);
      assert.ok(sender.isClosed);
      assert.equal(sender.goaways().length, idleEnd === 'goaway' ? 2 : 0);
      assert.deepEqual(faults(sender), { idle: 1 });
      assert.equal(sender.clock.timerCount, 0);
    }
  });
});

describe('simulator: a conduct and a scenario', () => {
  it('is off by default, and then nothing of it is at work', () => {
    const sender = new RawClient().greet();
    for (let streamId = 1; streamId < 600; streamId += 2) asking(sender, 'BadDeviceToken', streamId, streamId);
    assert.deepEqual([sender.isClosed, limits(sender), faults(sender)], [false, [1000], {}]);
  });

  it('as APNs: all of it', () => {
    const shared = shareGateway({ conduct: 'apns' });
    const sender = new RawClient({}, undefined, shared).greet();
    for (let streamId = 1; streamId < 600 && !sender.isClosed; streamId += 2) {
      asking(sender, 'BadDeviceToken', streamId, streamId);
    }
    assert.deepEqual(limits(sender), [1000, 500, 250]);
    assert.equal(shared.gateway.ledger.summary().rejected, 50);
    assert.deepEqual(shared.gateway.ledger.summary().faults, { lowerStreams: 2, tooManyErrors: 1 });
  });
});
