/**
 * Single pushes while something goes wrong, on virtual time: each has exactly one outcome, in time, and the gateway's
 * own ledger does not contradict it.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { PealError } from '../../../src/base/errors.js';
import { closeTimeoutMs, deadlineStepMs, maxIdleLanes } from '../../../src/base/limits.js';
import { APNs } from '../../../src/session/apns.js';
import { scriptedToken } from '../../../src/simulator/books/token-script.js';
import type { Scenario } from '../../../src/simulator/settings/scenario.js';
import { countsOf, hello, PushWorld, token } from '../../support/push-world.js';

const retry = { attempts: 3, timeMs: 25_000 };
const silentToken = scriptedToken('no answer, ever');

describe('pushes', () => {
  let world: PushWorld;
  afterEach(() => world.close());

  const faults: readonly (readonly [name: string, fault: Scenario['faults'][number]])[] = [
    ['resets', { do: 'reset', when: { everyRequests: 150 } }],
    ['connections that end', { do: 'fin', when: { everyRequests: 150 } }],
    ['GOAWAYs that drain', { do: 'goaway', how: 'drain', last: 'half', when: { everyRequests: 150 } }],
    ['GOAWAYs that cut', { do: 'goaway', how: 'close', last: 'none', when: { everyRequests: 150 } }],
    ['refused streams', { do: 'refuse', share: 0.3, forRequests: 200, when: { requests: 100 }, on: 'all' }],
    ['reset streams', { do: 'rst', share: 0.3, forRequests: 200, when: { requests: 100 }, on: 'all' }],
    ['frames that break the protocol', { do: 'malformed', when: { everyRequests: 150 } }],
    [
      'a gateway that is down for a while',
      { do: 'shutdown', ms: 2_000, connections: 'reset', when: { requests: 300 } },
    ],
  ];
  for (const [name, fault] of faults) {
    it(`have one outcome each that the gateway confirms: ${name}`, async () => {
      world = await PushWorld.withFaults([fault], 2);
      const apns = world.apns();
      const pushed = await world.run(world.pushes(apns, 1_200));
      world.check(pushed);
      const { accepted = 0, rejected = 0, unsent = 0, unknown = 0 } = countsOf(pushed);
      assert.equal(accepted + rejected + unsent + unknown, 1_200);
      assert.ok(accepted >= 300, `${accepted} accepted: ${pushed[0]!.outcome.error?.message}`);
      assert.equal(world.gateway.ledger.summary().accepted >= accepted, true);
      assert.notDeepEqual(world.gateway.ledger.summary().faults, {});
    });
  }

  it('are unknown when a silent gateway has had their time', async () => {
    world = await PushWorld.withFaults([{ do: 'noAnswer', processed: 1, when: { requests: 301 } }]);
    const apns = world.apns();
    assert.deepEqual(countsOf(await world.run(world.pushes(apns, 300))), { accepted: 300 });
    const pushed = await world.run(world.pushes(apns, 50, { timeoutMs: 2_000 }, 1_000));
    assert.deepEqual(countsOf(pushed), { unknown: 50 });
    for (const { outcome, ms } of pushed) {
      assert.equal(outcome.error?.code, 'ERR_PEAL_TIMEOUT');
      assert.match(outcome.error.message, /written and not answered within 2000 ms/);
      assert.equal(outcome.attempts, 1);
      assert.ok(ms >= 2_000 && ms <= 2_000 + deadlineStepMs, `${ms} ms`);
    }
  });

  it('are unsent when a gateway cannot be reached within their time, and say why', async () => {
    world = await PushWorld.open();
    world.onConnect = () => new PealError('ERR_PEAL_CONNECT', 'No route to gateway.test.', { origin: 'connect' });
    const pushed = await world.run(world.pushes(world.apns(), 20, { timeoutMs: 300 }));
    assert.deepEqual(countsOf(pushed), { unsent: 20 });
    for (const { outcome, ms } of pushed) {
      assert.equal(outcome.attempts, 0);
      assert.match(outcome.error!.message, /No route to gateway\.test/);
      assert.ok(ms <= 300 + deadlineStepMs, `${ms} ms`);
    }
    world.check(pushed);
    const late = await world.run(world.pushes(world.apns(), 20, { timeoutMs: 3_600_000 }, 100));
    assert.deepEqual(countsOf(late), { unsent: 20 }, 'the pool gives up');
    world.onConnect = null;
    assert.deepEqual(countsOf(await world.run(world.pushes(world.apns(), 20, undefined, 200))), { accepted: 20 });
  });

  for (const reason of ['TooManyRequests', 'InternalServerError', 'ServiceUnavailable']) {
    it(`are rejected by the first ${reason}, and sent again only if they may`, async () => {
      world = await PushWorld.withFaults([{ do: 'answer', reason, forRequests: 10, on: 'all', when: { requests: 1 } }]);
      const apns = world.apns();
      const first = await world.run(world.pushes(apns, 5));
      assert.deepEqual(countsOf(first), { rejected: 5 });
      assert.ok(first.every(({ outcome }) => outcome.reason === reason && outcome.attempts === 1));
      const second = await world.run(world.pushes(apns, 20, { retry }, 100));
      assert.deepEqual(countsOf(second), { accepted: 20 });
      assert.ok(second.some(({ outcome }) => outcome.attempts === 2));
      world.check(second);
    });
  }

  it('of which thousands wait to be sent again take little memory', async () => {
    world = await PushWorld.withFaults([{ do: 'answer', reason: 'TooManyRequests', retryAfterS: 20 }]);
    const apns = world.apns();
    const many = world.pushes(apns, 10_000, { retry: { attempts: 2 }, timeoutMs: 60_000 });
    const before = process.memoryUsage().arrayBuffers;
    await world.advance(19_000);
    const bytes = process.memoryUsage().arrayBuffers - before;
    assert.ok(bytes < 20_000_000, `${Math.round(bytes / 1e6)} MB for pushes that wait`);
    const pushed = await world.run(many);
    assert.deepEqual(countsOf(pushed), { rejected: 10_000 });
    assert.ok(pushed.filter(({ outcome }) => outcome.attempts === 2).length > 9_000);
  });

  it('keep the answer that they had when there is no time for another request', async () => {
    world = await PushWorld.open();
    const tokens = [scriptedToken('TooManyRequests', 1), scriptedToken('ServiceUnavailable', 2)];
    const apns = world.apns();
    const pushed = await world.run(
      Promise.all(tokens.map((to) => world.push(apns, to, { retry: { attempts: 50 }, timeoutMs: 9_000 }))),
    );
    for (const { outcome, ms } of pushed) {
      assert.equal(outcome.outcome, 'rejected');
      assert.ok(outcome.attempts >= 2 && ms <= 9_000, `${outcome.attempts} attempts, ${ms} ms`);
      assert.equal(outcome.error, null);
    }
    world.check(pushed);
  });

  it('renew an expired provider token once, though nothing is retried', async () => {
    const key = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }).privateKey;
    const scenario: Scenario = { faults: [{ do: 'expireProviderTokens', when: { requests: 11 } }], processingMs: 5 };
    world = await PushWorld.open({ scenario, auth: 'token' });
    const apns = world.apns({ key, keyId: 'ABCDEFGHIJ', teamId: 'KLMNOPQRST' });
    assert.deepEqual(countsOf(await world.run(world.pushes(apns, 10))), { accepted: 10 });
    // A provider token is not renewed sooner.
    await world.advance(21 * 60_000);
    const pushed = await world.run(world.pushes(apns, 30, undefined, 100));
    assert.deepEqual(countsOf(pushed), { accepted: 30 });
    assert.ok(pushed.some(({ outcome }) => outcome.attempts === 2));
    world.check(pushed);
  });

  it('tell feedback() once of each token that is gone, however late the answer comes', async () => {
    world = await PushWorld.withFaults([{ do: 'slow', ms: 3_000, forRequests: 2, on: 'all', when: { requests: 3 } }]);
    const apns = world.apns();
    const read = async (): Promise<string[]> => {
      const told: string[] = [];
      for await (const entry of apns.feedback()) told.push(entry.token);
      return told;
    };
    const [gone, late] = [scriptedToken('Unregistered', 1), scriptedToken('Unregistered', 2)];
    const slow = world.push(apns, token(1), { timeoutMs: 1_000 });
    // One batch: its first answers come before the others.
    const first = world.push(apns, gone);
    const second = world.push(apns, late, { timeoutMs: 1_000 });
    const third = world.push(apns, token(2), { timeoutMs: 1_000 });
    await world.run(Promise.all([slow, first, second, third]));
    assert.equal((await second).outcome.outcome, 'unknown');
    assert.deepEqual(await world.run(read()), [gone]);
    await world.advance(10_000);
    assert.deepEqual(await world.run(read()), [late], 'the first is not told again as the batch is settled');
  });

  it('whose time is over before their turn are unsent, and never sent', async () => {
    world = await PushWorld.open({ maxStreams: 1, scenario: { faults: [], processingMs: 400 } }, 1);
    const apns = world.apns();
    const long = world.pushes(apns, 3);
    const short = world.pushes(apns, 40, { timeoutMs: 500 }, 100);
    const pushed = await world.run(Promise.all([long, short]));
    await world.advance(20_000);
    assert.deepEqual(countsOf(pushed[0]), { accepted: 3 });
    const { unsent = 0, unknown = 0 } = countsOf(pushed[1]);
    assert.ok(unsent >= 39 && unsent + unknown === 40, JSON.stringify(countsOf(pushed[1])));
    world.check(pushed.flat());
  });

  it('wait no longer than their time for a connection that does not open', async () => {
    world = await PushWorld.withFaults([{ do: 'refuseConnections', how: 'silent', forConnections: 100 }]);
    const pushed = await world.run(world.pushes(world.apns(), 2_000, { timeoutMs: 1_500 }));
    assert.deepEqual(countsOf(pushed), { unsent: 2_000 });
    world.check(pushed);
  });

  it('of which one is never answered tell the others of their batch at once', async () => {
    world = await PushWorld.open();
    const apns = world.apns();
    const silent = world.push(apns, silentToken, { timeoutMs: 20_000 });
    const others = await world.run(world.pushes(apns, 200));
    assert.deepEqual(countsOf(others), { accepted: 200 });
    assert.ok(others.every(({ ms }) => ms < 1_000));
    assert.equal((await world.run(silent)).outcome.outcome, 'unknown');
  });

  it('go out whole where far more come in one turn than a batch holds', async () => {
    world = await PushWorld.open();
    const pushed = await world.run(world.pushes(world.apns(), 5_000));
    assert.deepEqual(countsOf(pushed), { accepted: 5_000 });
    assert.equal(new Set(pushed.map(({ outcome }) => outcome.apnsId)).size, 5_000);
    world.check(pushed);
  });

  it('of more topics than lanes are kept for are all sent, again and again', async () => {
    world = await PushWorld.open();
    const apns = world.apns();
    for (let round = 0; round < 3; round++) {
      const pushed = await world.run(
        Promise.all(
          Array.from({ length: 3 * maxIdleLanes }, (_, index) => {
            const message = { ...hello, topic: `com.example.app${index}` };
            return world.push(apns, token(round * 1_000 + index), undefined, message);
          }),
        ),
      );
      assert.deepEqual(countsOf(pushed), { accepted: 3 * maxIdleLanes });
      await world.advance(round * 15_000);
    }
    const topics = new Set(world.gateway.ledger.received().map(({ headers }) => headers['apns-topic']));
    assert.equal(topics.size, 3 * maxIdleLanes);
  });

  it('of all shapes in one turn arrive as they were given, also where they are sent again', async () => {
    world = await PushWorld.withFaults(
      [{ do: 'answer', reason: 'ServiceUnavailable', share: 0.4, forRequests: 300, on: 'all', when: { requests: 1 } }],
      10,
    );
    const apns = world.apns();
    const wanted = Array.from({ length: 600 }, (_, number) => {
      const digits = [64, 64, 64, 72, 200][number % 5]!;
      return {
        to: (number + 0x1000_0000).toString(16).padEnd(digits, 'a'),
        message: {
          ...hello,
          alert: `Größe ${number} 漢字 😀`.repeat(1 + (number % 7)),
          ...(number % 2 === 0 ? { expiration: 1_900_000_000 + number } : {}),
          ...(number % 3 === 0 ? { priority: number % 4 === 0 ? (5 as const) : (10 as const) } : {}),
          ...(number % 4 < 2 ? { collapseId: `c${number}` } : {}),
          ...(number % 6 === 0 ? { apnsId: `5eed0000-0000-4000-8000-${String(number).padStart(12, '0')}` } : {}),
        },
      };
    });
    const pushed = await world.run(
      Promise.all(
        wanted.map(({ to, message }) => world.push(apns, to, { retry: { attempts: 50 }, timeoutMs: 600_000 }, message)),
      ),
    );
    assert.deepEqual(countsOf(pushed), { accepted: 600 });
    wanted.forEach(({ to, message }, index) => {
      const requests = world.gateway.ledger.received(to);
      assert.equal(requests.length, pushed[index]!.outcome.attempts);
      for (const { headers, payload } of requests) {
        assert.equal(JSON.parse(payload).aps.alert, message.alert);
        assert.equal(headers['apns-expiration'], message.expiration?.toString());
        assert.equal(headers['apns-priority'], message.priority?.toString());
        assert.equal(headers['apns-collapse-id'], message.collapseId);
        assert.equal(headers['apns-id'], message.apnsId ?? pushed[index]!.outcome.apnsId);
        assert.equal(pushed[index]!.outcome.apnsId, headers['apns-id']);
      }
    });
    assert.ok(pushed.some(({ outcome }) => outcome.attempts > 2));
  });

  describe('with a signal', () => {
    it('are unsent when it was aborted before, or while they wait, and keep their answer when they are written', async () => {
      world = await PushWorld.open({ maxStreams: 1, scenario: { faults: [], processingMs: 100 } }, 1);
      const apns = world.apns();
      const aborter = new AbortController();
      const { signal } = aborter;
      const aborted = world.push(apns, token(50), { signal: AbortSignal.abort() });
      const written = world.push(apns, token(1), { signal });
      const queued = world.pushes(apns, 10, { signal }, 10);
      await world.advance(90);
      assert.equal((await aborted).outcome.error?.code, 'ERR_PEAL_ABORTED');
      aborter.abort();
      const pushed = await world.run(queued);
      assert.ok((countsOf(pushed).unsent ?? 0) >= 9);
      for (const { outcome } of pushed)
        if (outcome.outcome === 'unsent') assert.equal(outcome.error?.code, 'ERR_PEAL_ABORTED');
      const answered = await world.run(written);
      assert.equal(answered.outcome.outcome, 'accepted');
      world.check([...pushed, answered, await aborted]);
    });

    it('are not sent again after it was aborted, while their request was out or while they waited', async () => {
      world = await PushWorld.open({ scenario: { faults: [], processingMs: 100 } });
      const apns = world.apns();
      const aborter = new AbortController();
      const { signal } = aborter;
      const options = { signal, retry: { attempts: 10 } };
      const written = world.push(apns, scriptedToken('ServiceUnavailable', 1), options);
      const waiting = world.push(apns, scriptedToken('TooManyRequests', 2), options);
      await world.advance(50);
      const early = new AbortController();
      const out = world.push(apns, scriptedToken('ServiceUnavailable', 3), { ...options, signal: early.signal });
      await world.advance(60);
      early.abort();
      const pushed = [await world.run(out)];
      assert.equal(pushed[0]!.outcome.attempts, 1);
      await world.advance(1_000);
      aborter.abort();
      pushed.push(...(await world.run(Promise.all([written, waiting]))));
      assert.deepEqual(countsOf(pushed), { rejected: 3 });
      await world.advance(60_000);
      world.check(pushed);
    });
  });

  it('that come while the session closes have outcomes, and later ones go over the next engine', async () => {
    world = await PushWorld.withFaults([], 200);
    const apns = world.apns();
    // A service that never rests: there is always a push without an outcome.
    const before = world.pushes(apns, 100);
    await world.advance(150);
    const waiting = world.pushes(apns, 50, undefined, 1_000);
    const beganMs = world.clock.now();
    const closed = world.session.close().then(() => world.clock.now() - beganMs);
    const during = world.pushes(apns, 50, undefined, 2_000);
    await world.advance(20);
    const later = world.pushes(apns, 50, undefined, 3_000);
    await world.advance(10);
    const stillLater = world.pushes(apns, 50, undefined, 4_000);
    const pushed = await world.run(Promise.all([before, waiting, during, later, stillLater]));
    assert.ok((await world.run(closed)) <= closeTimeoutMs, 'it does not wait for those that came after it');
    for (const some of pushed.slice(0, 2)) {
      const { accepted = 0, unsent = 0 } = countsOf(some);
      assert.equal(accepted + unsent, some.length);
    }
    assert.ok((countsOf(pushed[0]!).accepted ?? 0) > 0, 'what was written is answered');
    assert.deepEqual(countsOf(pushed[2]!), { accepted: 50 }, 'also in the turn of close()');
    assert.deepEqual(countsOf(pushed[3]!), { accepted: 50 });
    assert.deepEqual(countsOf(pushed[4]!), { accepted: 50 });
    world.check(pushed.flat());
  });

  it('over a connection of their own let it go after the last outcome, also when their time is over at once', async () => {
    world = await PushWorld.withFaults([], 20);
    const gateway = world.session.newConnection('https://gateway.test', null);
    const apns = new APNs(gateway);
    assert.deepEqual(countsOf(await world.run(world.pushes(apns, 10))), { accepted: 10 });
    await world.advance(6_000);
    assert.equal(world.gateway.connections, 0);
    const aborted = await world.run(world.push(apns, token(50), { signal: AbortSignal.abort() }));
    assert.equal(aborted.outcome.outcome, 'unsent');
    assert.deepEqual(countsOf(await world.run(world.pushes(apns, 10, undefined, 100))), { accepted: 10 });
    await world.advance(6_000);
    assert.equal(world.gateway.connections, 0);
  });
});
